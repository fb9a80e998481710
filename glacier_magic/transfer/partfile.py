"""The file that takes the pieces of a download: written past the system's cache where it can be.

Ten years of archives would push everything else out of that cache, copying them into it costs as
much as hashing them, and the wait for the disk would come at the end instead of meanwhile.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

ALIGNMENT = 4096
"""Bytes that address, position and length of a direct write are multiples of."""

_BINARY = getattr(os, "O_BINARY", 0)


class PartFile:
    """An open part file of known size, written at any position by many threads.

    :param path: the file, which exists already.
    """

    def __init__(self, path: Path) -> None:
        self._buffered = os.open(path, os.O_RDWR | _BINARY)
        self._direct: int | None = None
        if hasattr(os, "O_DIRECT"):
            with suppress(OSError):  # a file system without it, such as some in memory
                self._direct = os.open(path, os.O_WRONLY | os.O_DIRECT)

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
