"""Upload bodies whose hashes are known, so that botocore neither copies nor hashes them again."""

from __future__ import annotations

import hashlib
import io
import os
from typing import Any

from ..treehash import CHUNK, combine

IN_MEMORY = 64 << 20
"""Parts up to this many bytes are read once into memory; larger ones twice from the file."""


class HashedBody(io.RawIOBase):
    """Bytes of a request with their SHA-256 and tree hash, readable from the start again.

    botocore rewinds with ``seek(0)`` before a retry, so position 0 is the start of the part,
    not of the file.
    """

    def __init__(self, length: int, sha256: str, tree: bytes) -> None:
        self.length = length
        self.sha256 = sha256
        self.tree = tree
        self._position = 0

    def __len__(self) -> int:
        return self.length

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position within the part."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move within the part."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.length}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int | None = -1) -> Any:
        """Return up to *size* bytes; empty at the end."""
        left = max(0, self.length - self._position)
        count = left if size is None or size < 0 else min(size, left)
        piece = self._bytes_at(self._position, count)
        self._position += len(piece)
        return piece

    def _bytes_at(self, position: int, count: int) -> Any:
        raise NotImplementedError


class _MemoryBody(HashedBody):
    def __init__(self, data: bytes | bytearray) -> None:
        self._view = memoryview(data)
        digests, linear = [], hashlib.sha256()
        for start in range(0, len(data), CHUNK):
            chunk = self._view[start : start + CHUNK]
            digests.append(hashlib.sha256(chunk).digest())
            linear.update(chunk)
        # One chunk: the plain hash is the leaf, and was taken already.
        super().__init__(len(data), linear.hexdigest(), combine(digests))

    def _bytes_at(self, position: int, count: int) -> memoryview:
        return self._view[position : position + count]


class _FileBody(HashedBody):
    def __init__(self, descriptor: int, start: int, length: int) -> None:
        self._descriptor, self._start = descriptor, start
        digests, linear, done = [], hashlib.sha256(), 0
        while done < length:
            chunk = os.pread(descriptor, min(CHUNK, length - done), start + done)
            if not chunk:
                break
            digests.append(hashlib.sha256(chunk).digest())
            linear.update(chunk)
            done += len(chunk)
        super().__init__(done, linear.hexdigest(), combine(digests))

    def _bytes_at(self, position: int, count: int) -> bytes:
        return os.pread(self._descriptor, count, self._start + position)


def body_of_part(descriptor: int, start: int, length: int) -> HashedBody:
    """Return the body of *length* bytes from *start* of an open file.

    It is shorter than asked for where the file has become shorter.
    """
    if length > IN_MEMORY:
        return _FileBody(descriptor, start, length)
    data, filled = bytearray(length), 0
    view = memoryview(data)
    while filled < length:
        count = os.preadv(descriptor, [view[filled:]], start + filled)
        if not count:
            break
        filled += count
    return _MemoryBody(data if filled == length else data[:filled])
