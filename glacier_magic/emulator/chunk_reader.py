"""Chunked bodies: the transfer coding of HTTP, and S3's content coding ``aws-chunked`` within it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_LINE = 1 << 12  # bytes of a line between chunks


class ChunkReader(io.RawIOBase):
    """The bytes within the chunks of *stream*; both codings write chunks in the same way."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._left = 0
        self._ended = False
        self.trailers: dict[str, str] = {}
        """The headers after the last chunk, once it has been read."""

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read bytes of one chunk; return 0 after the last one."""
        if not self._left and not self._ended:
            self._begin()
        if self._ended:
            return 0
        count = self._stream.readinto(memoryview(buffer)[: self._left])
        if not count:
            raise ConnectionResetError("The client closed the connection within a chunk.")
        self._left -= count
        if not self._left:
            self._stream.readline(_LINE)  # the line end after the bytes
        return count

    def _begin(self) -> None:
        size = self._stream.readline(_LINE).partition(b";")[0].strip()
        if not size.isalnum():
            raise ConnectionResetError("The client closed the connection between chunks.")
        try:
            self._left = int(size, 16)
        except ValueError:
            raise ConnectionResetError("The length of a chunk is not a number.") from None
        if not self._left:
            self._end()

    def _end(self) -> None:
        self._ended = True
        while line := self._stream.readline(_LINE).decode("latin-1").strip():
            name, _, value = line.partition(":")
            self.trailers[name.strip().lower()] = value.strip()
