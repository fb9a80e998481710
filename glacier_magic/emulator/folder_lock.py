"""The lock that limits a data folder to one server; it ends with the process."""

from __future__ import annotations

import os
import sys
from pathlib import Path


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
