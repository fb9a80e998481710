"""A rename that never replaces a file, in one step where the system has one."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

_AT_FDCWD = -100
_NO_REPLACE = {"linux": 1, "darwin": 4}
"""RENAME_NOREPLACE of renameat2(2), and RENAME_EXCL of renamex_np(2)."""

_CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM}
"""What a kernel, a file system or a sandbox says that does not know how."""


def rename_new(source: Path, target: Path) -> None:
    """Give *source* the name *target*, unless there is something of that name.

    One step where the system can: a process killed at any moment leaves one of the two names and
    never both, or an empty file.

    :raises FileExistsError: there is.
    :raises OSError: it cannot be renamed.
    """
    if os.name == "nt":
        source.rename(target)  # never replaces there
    elif not _in_one_step(source, target):
        _in_two_steps(source, target)


def _in_one_step(source: Path, target: Path) -> bool:
    """Rename by the system's own call; return False where it has none for this file system."""
    old, new = os.fsencode(source), os.fsencode(target)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "linux":
            failed = libc.renameat2(_AT_FDCWD, old, _AT_FDCWD, new, _NO_REPLACE["linux"])
        elif sys.platform == "darwin":
            failed = libc.renamex_np(old, new, _NO_REPLACE["darwin"])
        else:
            return False
    except (OSError, AttributeError):  # an older C library
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(source), None, str(target))


def _in_two_steps(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: its name is reserved first
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        source.replace(target)
        return
    source.unlink()
