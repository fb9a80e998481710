"""Safe file writing: whole or not at all, and replacing a file only if that is wanted; access at any byte."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import LocalError

_AT_FDCWD = -100
_NO_REPLACE = {"linux": 1, "darwin": 4}  # RENAME_NOREPLACE of renameat2(2), RENAME_EXCL of renamex_np(2)
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM}
"""Errors of a kernel, file system or sandbox that lacks the call."""


_SEEKING = threading.Lock()


def temporary_folder() -> Path:
    """Return the folder of temporary files.

    :raises LocalError: none can be written to.
    """
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise LocalError(
            f"There is no folder for temporary files: {error.strerror}",
            cure="Let the environment variable TMPDIR name one that can be written to.",
        ) from None


def read_at(descriptor: int, buffer: memoryview, position: int) -> int:
    """Read into *buffer* from byte *position* of an open file; return the number of bytes, 0 at its end.

    Many threads may share the descriptor.
    """
    if hasattr(os, "preadv"):
        return os.preadv(descriptor, [buffer], position)
    with _SEEKING:  # on Windows, a descriptor has one position
        os.lseek(descriptor, position, os.SEEK_SET)
        data = os.read(descriptor, len(buffer))
    buffer[: len(data)] = data
    return len(data)


def write_at(descriptor: int, data: memoryview, position: int) -> int:
    """Write *data* at byte *position* of an open file; return the number of bytes, which may be fewer.

    Many threads may share the descriptor.
    """
    if hasattr(os, "pwrite"):
        return os.pwrite(descriptor, data, position)
    with _SEEKING:
        os.lseek(descriptor, position, os.SEEK_SET)
        return os.write(descriptor, data)


def write_atomically(file: Path, text: str) -> None:
    """Write *text* to *file*, readable by its owner only; other processes never see half of it.

    :raises OSError: it cannot be written; the earlier content stays.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _written(file, text.encode()) as part:
        part.replace(file)


def write_new(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Write *content* to a new *file*, whole or not at all.

    :param mode: its permissions, less the umask.
    :raises FileExistsError: there is a file, folder or link of that name.
    :raises OSError: it cannot be written.
    """
    with _written(file, content, mode) as part:
        rename_new(part, file)


@contextmanager
def _written(file: Path, content: bytes, mode: int = 0o600) -> Iterator[Path]:
    """Give the block a hidden file next to *file*, because a rename cannot cross file systems."""
    part = file.with_name(f".{file.name[:50]}.{uuid.uuid4().hex[:12]}.part")  # names have 255 bytes at most
    handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        yield part
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def occupied(file: str | os.PathLike[str]) -> int:
    """Return the bytes that a file occupies on the disk, without its holes; 0 if that is not known."""
    try:
        return getattr(os.stat(file), "st_blocks", 0) * 512  # noqa: PTH116 - Windows has no blocks
    except OSError:
        return 0


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


def sync_folder(folder: Path) -> None:
    """Write a folder to the disk: only then do new names in it survive a power failure."""
    if os.name == "nt":  # Windows opens no folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
        try:
            source.replace(target)
        except OSError:
            target.unlink()  # an empty file could pass for the one that could not be renamed
            raise
        return
    source.unlink()
