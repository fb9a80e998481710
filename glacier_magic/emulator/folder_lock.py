"""The data folder: private to its user, and limited to one server by a lock that ends with the process."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path


def make_private(folder: Path) -> None:
    """Create *folder* if it is missing, and give it mode 0700.

    :raises OSError: it cannot be created, belongs to another user, or is shared, like ``/tmp``.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.platform == "win32":
        return
    found = folder.stat()
    if found.st_uid != os.geteuid() or found.st_mode & stat.S_ISVTX:
        raise PermissionError(errno.EPERM, "the folder belongs to another user or is shared", str(folder))
    if stat.S_IMODE(found.st_mode) != stat.S_IRWXU:
        folder.chmod(stat.S_IRWXU)


class FolderLock:
    """An exclusive lock on ``server.lock`` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "server.lock"
        self._handle: int | None = None

    def acquire(self) -> bool:
        """Take the lock without waiting; return whether it was free."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle)
        except OSError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def release(self) -> None:
        """Release the lock."""
        # The file stays: if it were removed, two servers could lock two different files.
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # one byte stands for the file; it need not exist

else:
    import fcntl

    def _lock(handle: int) -> None:
        # Not lockf(): its lock ends when the process closes any handle of the file.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
