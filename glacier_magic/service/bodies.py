"""Upload bodies whose hashes are known, so that botocore neither copies nor hashes them again."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Callable
from typing import Any

from ..base.treehash import CHUNK, combine
from ..errors import LocalError

BLOCK, FIRST_BLOCK, QUICK = 1 << 20, 256 << 10, 0.1
"""Bytes handed to the socket at once, whatever the HTTP library asks for: it asks for 16 KiB.

Many as long as the one before was gone within so many seconds, else few: progress stays even.
"""

Pace = Callable[[int], int]
"""Called before a block is sent with its bytes; returns how many may go now, or raises."""


class HashedBody(io.RawIOBase):
    """Bytes of a request with their SHA-256 and tree hash, readable from the start again.

    botocore rewinds with ``seek(0)`` before a retry, so position 0 is the start of the part,
    not of the file.
    """

    def __init__(self, length: int, sha256: str, tree: bytes) -> None:
        self.length = length
        self.sha256 = sha256
        self.tree = tree
        self.pace: Pace | None = None
        self.failure: LocalError | None = None
        """Why the body could not be read to its end: the HTTP library would hide the reason."""
        self._position = 0
        self._asked = 0.0

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
        """Return bytes from the position on, at least as many as asked for if there are."""
        left = max(0, self.length - self._position)
        now = time.monotonic()
        block = BLOCK if now - self._asked < QUICK else FIRST_BLOCK
        self._asked = now
        count = left if size is None or size < 0 else min(max(size, block), left)
        if self.pace is not None and count:
            count = min(count, self.pace(count))
        piece = self._bytes_at(self._position, count)
        self._position += len(piece)
        return piece

    def _bytes_at(self, position: int, count: int) -> Any:
        raise NotImplementedError


class MemoryBody(HashedBody):
    """A part in memory: each of its bytes is hashed twice while it is in the cache, or once."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._view = memoryview(data)
        size = len(self._view)
        if size <= CHUNK:  # the plain hash and the tree hash are the same
            root = hashlib.sha256(self._view).digest()
            super().__init__(size, root.hex(), root)
            return
        digests, linear = [], hashlib.sha256()
        for start in range(0, size, CHUNK):
            chunk = self._view[start : start + CHUNK]
            digests.append(hashlib.sha256(chunk).digest())
            linear.update(chunk)
        super().__init__(size, linear.hexdigest(), combine(digests))

    def _bytes_at(self, position: int, count: int) -> memoryview:
        return self._view[position : position + count]


class FileBody(HashedBody):
    """A part too large for memory: read once for the hashes and once for the wire."""

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
        data = os.pread(self._descriptor, count, self._start + position)
        if count and not data:
            # Fewer bytes than announced would leave both sides waiting for the rest.
            self.failure = LocalError("A file became shorter while it was sent")
            raise self.failure
        return data


def read_part(descriptor: int, start: int, buffer: memoryview) -> int:
    """Fill *buffer* from byte *start* of an open file; return how many bytes there were."""
    filled = 0
    while filled < len(buffer):
        count = os.preadv(descriptor, [buffer[filled:]], start + filled)
        if not count:
            break
        filled += count
    return filled
