"""Request bodies with known hashes, so that botocore neither copies nor hashes them."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterable
from typing import Any, Protocol

from ..base.files import read_at
from ..base.treehash import CHUNK, combine
from ..errors import LocalError

BLOCK, FIRST_BLOCK, QUICK = 1 << 20, 256 << 10, 0.1
"""Bytes passed to the socket at once, although the HTTP library reads 16 KiB.

The larger block follows a block that was sent within so many seconds, else the smaller one, so that
progress stays even.
"""


class BodyPace(Protocol):
    """Decides how many bytes go at once, and counts them."""

    def __call__(self, count: int) -> int:
        """Return how many of *count* bytes may go now, or raise."""

    def uncount(self) -> None:
        """Subtract the bytes of a request that is sent again."""


class HashedBody(io.RawIOBase):
    """The bytes of a request with their SHA-256 and tree hash.

    botocore rewinds with ``seek(0)`` before a retry, so position 0 is the start of the part, not of
    the file.
    """

    def __init__(self, length: int, sha256: str, tree: bytes) -> None:
        self.length = length
        self.sha256 = sha256
        self.tree = tree
        self.pace: BodyPace | None = None
        self.failure: LocalError | None = None
        """The reason why the body could not be read to its end, which the HTTP library hides."""
        self._position = 0
        self._asked = 0.0

    def __len__(self) -> int:
        return self.length  # botocore takes the Content-Length from it

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
        if self.pace is not None and not self._position:
            self.pace.uncount()  # botocore sends the request again
        return self._position

    def read(self, size: int | None = -1) -> Any:
        """Return the next bytes, often more than *size*: a larger block needs fewer calls."""
        left = max(0, self.length - self._position)
        now = time.monotonic()
        block = BLOCK if now - self._asked < QUICK else FIRST_BLOCK
        self._asked = now
        count = left if size is None or size < 0 else min(max(size, block), left)
        if self.pace is not None and count:
            count = min(count, self.pace(count))  # fewer bytes at a low rate
        piece = self._bytes_at(self._position, count)
        self._position += len(piece)
        return piece

    def _bytes_at(self, position: int, count: int) -> Any:
        raise NotImplementedError


def _hashes(chunks: Iterable[bytes | memoryview], *, whole: bool = True) -> tuple[int, str, bytes]:
    """Return length, SHA-256 and tree hash; each chunk is hashed twice while it is in the CPU cache."""
    digests, linear, size = [], hashlib.sha256(), 0
    for chunk in chunks:
        digests.append(hashlib.sha256(chunk).digest())
        if whole:
            linear.update(chunk)
        size += len(chunk)
    return size, linear.hexdigest() if whole else "", combine(digests)


class MemoryBody(HashedBody):
    """A part in memory.

    :param whole: whether its SHA-256 is computed, which takes as long as the tree hash.
    """

    def __init__(self, data: bytes | bytearray | memoryview, *, whole: bool = True) -> None:
        self._view = memoryview(data)
        size = len(self._view)
        if size <= CHUNK:  # the SHA-256 and the tree hash are the same
            root = hashlib.sha256(self._view).digest()
            super().__init__(size, root.hex(), root)
        else:
            chunks = (self._view[i : i + CHUNK] for i in range(0, size, CHUNK))
            super().__init__(*_hashes(chunks, whole=whole))

    def _bytes_at(self, position: int, count: int) -> memoryview:
        return self._view[position : position + count]


class FileBody(HashedBody):
    """A part too large for memory: read once to hash it and once to send it."""

    def __init__(self, descriptor: int, start: int, length: int) -> None:
        self._descriptor, self._start = descriptor, start

        def chunks() -> Iterable[memoryview]:
            done, buffer = 0, memoryview(bytearray(min(CHUNK, length)))
            while count := read_at(descriptor, buffer[: length - done], start + done):
                yield buffer[:count]
                done += count

        # The length is what the file has now, which may be less than expected.
        super().__init__(*_hashes(chunks()))

    def _bytes_at(self, position: int, count: int) -> memoryview:
        buffer = memoryview(bytearray(count))
        data = buffer[: read_at(self._descriptor, buffer, self._start + position)]
        if count and not data:
            # Fewer bytes than the Content-Length would leave both sides waiting for the rest.
            self.failure = LocalError("A file became shorter while it was sent")
            raise self.failure
        return data


def read_part(descriptor: int, start: int, buffer: memoryview) -> int:
    """Fill *buffer* from byte *start* of an open file; return the number of bytes read."""
    filled = 0
    while filled < len(buffer):
        count = read_at(descriptor, buffer[filled:], start + filled)
        if not count:
            break
        filled += count
    return filled
