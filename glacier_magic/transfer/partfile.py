"""The file that takes the pieces of a download: written past the system's cache where it can be.

Ten years of archives would push everything else out of that cache, copying them into it costs as
much as hashing them, and the wait for the disk would come at the end instead of meanwhile.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from ..base.treehash import CHUNK, TreeHasher, aligned_buffer
from ..errors import Unavailable

if sys.platform != "win32":
    import fcntl

ALIGNMENT = 4096
"""Bytes that address, position and length of a direct write are multiples of."""

Span = tuple[int, int]

_FLAGS = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


class PartFile:
    """An open part file, locked against other processes, written at any position by many threads.

    The lock ends with the last of this object and its :meth:`share` copies that is closed.

    :param path: the file.
    :param new: create it; a file that exists is never taken.
    :raises FileExistsError: *new*, and there is one.
    :raises FileNotFoundError: not *new*, and there is none.
    :raises Unavailable: another process, or a thread that still hangs, has it open.
    """

    def __init__(self, path: Path, *, new: bool) -> None:
        self.path = path
        flags = _FLAGS | (os.O_CREAT | os.O_EXCL if new else 0)
        self._buffered = os.open(path, flags, 0o666)
        if not _locked(self._buffered):
            os.close(self._buffered)
            raise Unavailable(
                f"Another process writes to {path}",
                cure="The download is tried again in a moment; nothing is requested again.",
            )
        self._direct: int | None = None
        if hasattr(os, "O_DIRECT"):
            with suppress(OSError):  # a file system without it, such as some in memory
                self._direct = os.open(path, os.O_WRONLY | os.O_DIRECT)

    def share(self) -> PartFile:
        """Return a copy for workers, which keeps the lock until it is closed as well."""
        copy = object.__new__(PartFile)
        copy.path, copy._buffered = self.path, os.dup(self._buffered)
        copy._direct = None if self._direct is None else os.dup(self._direct)
        return copy

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return os.fstat(self._buffered).st_size

    def resize(self, size: int) -> None:
        """Make the file *size* bytes long; new bytes are zero and take no space yet."""
        os.ftruncate(self._buffered, size)

    def write(self, data: memoryview, position: int) -> None:
        """Write *data* from byte *position* on; quickest from memory that begins on a page."""
        straight = 0
        if self._direct is not None and position % ALIGNMENT == 0:
            straight = len(data) // ALIGNMENT * ALIGNMENT
            try:
                straight = _write(self._direct, data[:straight], position) if straight else 0
            except OSError:  # refused, or an error that the usual way will tell
                straight = 0
        _write(self._buffered, data[straight:], position + straight)

    def read(self, length: int, position: int) -> bytes:
        """Return *length* bytes from byte *position* on."""
        return os.pread(self._buffered, length, position)

    def written(self, start: int, behind: int) -> None:
        """Let what was written from *start* to *behind* begin its way to the disk now."""
        if self._direct is None and hasattr(os, "posix_fadvise"):
            with suppress(OSError):
                os.posix_fadvise(self._buffered, start, behind - start, os.POSIX_FADV_DONTNEED)

    def sync(self) -> None:
        """Wait until everything is on the disk."""
        os.fsync(self._buffered)

    def holding(self, spans: Mapping[int, tuple[Span, str]]) -> set[int]:
        """Return the keys of the *spans* whose bytes in the file have the given tree hash.

        The file is read once, by as many threads as there are cores.

        :param spans: first byte, byte behind the last, and expected tree hash by any key.
        """
        if len(spans) < 2:
            return {key for key, expected in spans.items() if self._holds(expected)}
        with ThreadPoolExecutor(os.cpu_count(), "glacier-check") as pool:
            found = pool.map(self._holds, spans.values())
            return {key for key, held in zip(spans, found, strict=True) if held}

    def _holds(self, expected: tuple[Span, str]) -> bool:
        span, root = expected
        position, behind = span
        hasher, buffer = TreeHasher(), aligned_buffer(min(CHUNK, behind - position))
        while position < behind:
            count = os.preadv(self._buffered, [buffer[: behind - position]], position)
            if not count:
                return False
            hasher.update(buffer[:count])
            position += count
        self.written(*span)
        return hasher.hexdigest() == root

    def close(self) -> None:
        """Close the file."""
        if self._direct is not None:
            os.close(self._direct)
        os.close(self._buffered)


def _write(descriptor: int, data: memoryview, position: int) -> int:
    done = 0
    while done < len(data):
        done += os.pwrite(descriptor, data[done:], position + done)
    return done


def _locked(descriptor: int) -> bool:
    """Take the exclusive lock of an open file without waiting; return False where it is taken."""
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks: the name of the file is unique all the same
            pass
    return True
