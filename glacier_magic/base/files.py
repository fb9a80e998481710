"""Safe file writing: replacing a file atomically, and renaming without replacing one."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

_AT_FDCWD = -100
_NO_REPLACE = {"linux": 1, "darwin": 4}  # RENAME_NOREPLACE of renameat2(2), RENAME_EXCL of renamex_np(2)
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM}
"""Errors of a kernel, file system or sandbox that lacks the call."""


def write_atomically(file: Path, text: str) -> None:
    """Write *text* to *file*, readable by its owner only; other processes never see half of it.

    :raises OSError: it cannot be written; the earlier content stays.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # In the same folder, because a rename cannot cross file systems.
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        Path(temporary).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def rename_new(source: Path, target: Path) -> None:
    """Rename *source* to *target* without replacing an existing file.

    Where the system can do it in one step, a process killed at any time leaves exactly one of the
    two names, and no empty file.

    :raises FileExistsError: *target* exists.
    :raises OSError: the file cannot be renamed.
    """
    if os.name == "nt":
        source.rename(target)  # never replaces on Windows
    elif not _in_one_step(source, target):
        _in_two_steps(source, target)


def _in_one_step(source: Path, target: Path) -> bool:
    """Rename with the system's own call; return False where the file system does not support it."""
    old, new = os.fsencode(source), os.fsencode(target)
    try:
        libc = ctypes.CDLL(None, use_errno=True)  # Python has no such call
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
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(source), None, str(target))


def _in_two_steps(source: Path, target: Path) -> None:
    try:
        os.link(source, target)  # fails if the target exists, unlike rename
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: reserve the name first
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        source.replace(target)
        return
    source.unlink()
