"""A stream as frames of zstd that stand alone, with a table of them at the end.

The table is that of zstd's seekable format (facebook/zstd, contrib/seekable_format, 0.1.0): a skippable
frame, so that ``zstd -d`` needs to know nothing of it.
"""

from __future__ import annotations

import struct
import sys
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate
from mmap import mmap
from types import ModuleType

from ..base.extras import library
from ..errors import IntegrityError

FRAME = 4 << 20
"""The most bytes of the stream in a frame: smaller ones compress worse, larger ones cost more to read."""
INDEX_MAGIC, TABLE_MAGIC, END_MAGIC = 0x184D2A5D, 0x184D2A5E, 0x8F92EAB1
MOST_FRAMES = 1 << 20
WINDOW_LOG = 27
"""The most memory that a frame may ask for: 128 MiB."""

_COMPRESSORS = 2
_QUEUE = 4
_SKIPPABLE = struct.Struct("<II")  # magic, length
_ENTRY = struct.Struct("<II")  # bytes in the file, bytes of the stream
_END = struct.Struct("<IBI")  # frames, flags, magic


class FrameWriter:
    """Compresses a stream in frames on two threads, and passes them on from a third.

    :param write: takes the compressed bytes, in order.
    :param level: of zstd.
    """

    def __init__(self, write: Callable[[bytes], object], level: int) -> None:
        self.position = 0
        """Bytes of the stream so far."""
        self._write, self._level = write, level
        self._compressors = ThreadPoolExecutor(_COMPRESSORS, "pack-compressor")
        self._sender = ThreadPoolExecutor(1, "pack-sender")
        self._queue: deque[Future[None]] = deque()
        self._sizes: list[tuple[int, int]] = []
        # Used again and again: fresh memory of this size comes from the system, page by page, when used.
        self._buffers = deque(memoryview(mmap(-1, FRAME)) for _ in range(_QUEUE + 1))
        self._filled = 0

    def write(self, data: bytes) -> None:
        """Append to the stream."""
        done = 0
        while done < len(data):
            room = self.room(len(data) - done)
            room[:] = data[done : done + len(room)]
            self.advance(len(room))
            done += len(room)

    def room(self, most: int) -> memoryview:
        """Return at most *most* bytes to be filled; :meth:`advance` appends them to the stream."""
        return self._buffers[0][self._filled : self._filled + most]

    def advance(self, count: int) -> None:
        """Append bytes that were filled in to the stream; a frame that is full is cut."""
        self.position += count
        self._filled += count
        if self._filled == FRAME:
            self._cut()

    def keep_whole(self, length: int) -> None:
        """Begin a frame, if the next *length* bytes would not fit into one that is half full."""
        if self._filled > FRAME // 2 and self._filled + length > FRAME:
            self._cut()

    def _cut(self) -> None:
        buffer = self._buffers.popleft()
        frame = self._compressors.submit(compressed, buffer[: self._filled], self._level)
        self._queue.append(self._sender.submit(self._send, self._filled, frame))
        self._buffers.append(buffer)  # as the last one: until then, it is compressed
        self._filled = 0
        if len(self._queue) >= _QUEUE:
            self._queue.popleft().result()

    def _send(self, size: int, frame: Future[bytes]) -> None:
        data = frame.result()
        self._sizes.append((len(data), size))
        self._write(data)

    def close(self, index: bytes) -> bytes:
        """End the stream, and write an index of it and the table; return the table."""
        if self._filled:
            self._cut()
        while self._queue:
            self._queue.popleft().result()
        self.stop()
        index = skippable(INDEX_MAGIC, index)
        self._write(index)
        self._sizes.append((len(index), 0))
        entries = b"".join(_ENTRY.pack(*sizes) for sizes in self._sizes)
        table = skippable(TABLE_MAGIC, entries + _END.pack(len(self._sizes), 0, END_MAGIC))
        self._write(table)
        return table

    def stop(self) -> None:
        """End the threads."""
        self._compressors.shutdown(cancel_futures=True)
        self._sender.shutdown(cancel_futures=True)


class SeekTable:
    """Where each frame lies: in the file, and in the stream that the frames make.

    :param table: as :meth:`FrameWriter.close` returned it; *size*: bytes of the file.
    :raises IntegrityError: it is not that of the file.
    """

    def __init__(self, table: bytes, size: int) -> None:
        table_length(table)
        entries = list(_ENTRY.iter_unpack(skipped(TABLE_MAGIC, table)[: -_END.size]))
        self._files = [0, *accumulate(entry[0] for entry in entries)]
        self._streams = [0, *accumulate(entry[1] for entry in entries)]
        fits = self._files[-1] + len(table) == size and entries[-1][1] == 0  # the index is no stream
        if not fits or any(entry[1] > FRAME for entry in entries):
            raise damaged("its table of frames is not of this file")
        self.size = self._streams[-1]
        """Bytes of the stream."""
        self.index = self._files[-2], self._files[-1]
        """Where the index lies in the file."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the range of the file with the frames of a range of the stream."""
        first, last = self._numbers(start, end)
        return self._files[first], self._files[last]

    def contents(self, data: bytes, start: int, end: int) -> Iterator[bytes]:
        """Yield the stream from *start* to *end*, exclusive, piece by piece.

        :param data: the bytes of :meth:`span`.
        :raises IntegrityError: a frame is damaged.
        """
        view, base = memoryview(data), self._files[self._numbers(start, end)[0]]
        for number in range(*self._numbers(start, end)):
            frame = view[self._files[number] - base : self._files[number + 1] - base]
            at = self._streams[number]
            yield inflated(frame, self._streams[number + 1] - at)[max(0, start - at) : end - at]

    def _numbers(self, start: int, end: int) -> tuple[int, int]:
        """Return the first frame of a range, and the one behind it."""
        if not 0 <= start <= end <= self.size:
            raise damaged("its index has a member outside of it")
        if start == end:
            return 0, 0
        return bisect_right(self._streams, start) - 1, bisect_right(self._streams, end - 1)


def stream_size(table: bytes) -> int:
    """Return the bytes of the stream of a table of frames, as :meth:`FrameWriter.close` returned it."""
    return sum(entry[1] for entry in _ENTRY.iter_unpack(skipped(TABLE_MAGIC, table)[: -_END.size]))


def table_length(end: bytes) -> int:
    """Return the bytes of the table of frames at the end of a file.

    :raises IntegrityError: there is none.
    """
    count, flags, magic = _END.unpack(end[-_END.size :]) if len(end) >= _END.size else (0, 0, 0)
    if magic != END_MAGIC or flags or not 0 < count <= MOST_FRAMES:
        raise damaged("it has no table of frames at its end")
    return _SKIPPABLE.size + int(count) * _ENTRY.size + _END.size


def skippable(magic: int, data: bytes) -> bytes:
    """Return data as a frame that ``zstd -d`` skips."""
    return _SKIPPABLE.pack(magic, len(data)) + data


def skipped(magic: int, frame: bytes) -> bytes:
    """Return the data of a frame that ``zstd -d`` skips.

    :raises IntegrityError: it is none of this kind.
    """
    data = frame[_SKIPPABLE.size :]
    if frame != skippable(magic, data):
        raise damaged("its index or its table is cut")
    return data


def zstd() -> ModuleType:
    """Return the zstd of Python 3.14, or its backport."""
    return library("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd", "backup")


def options(level: int) -> dict[int, int]:
    """Return the options of a frame: its level, and a checksum."""
    parameter = zstd().CompressionParameter
    return {parameter.compression_level: level, parameter.checksum_flag: 1}


def compressed(data: bytes | memoryview, level: int) -> bytes:
    """Return data as one frame."""
    frame: bytes = zstd().compress(data, options=options(level))
    return frame


def inflated(frame: bytes | memoryview, size: int) -> bytes:
    """Return the content of one frame.

    :param size: its bytes; no more than one is unpacked beyond them.
    :raises IntegrityError: it is damaged, or its content has another size.
    """
    unpacker = Unpacker()
    data = unpacker.unpack(frame, size + 1)
    if len(data) != size or not unpacker.ended:
        raise damaged("a frame is not what the table says")
    return data


class Unpacker:
    """Unpacks one frame piece by piece, within limits."""

    def __init__(self) -> None:
        limits = {zstd().DecompressionParameter.window_log_max: WINDOW_LOG}
        self._stream = zstd().ZstdDecompressor(options=limits)

    @property
    def ended(self) -> bool:
        """Whether that was all, and nothing follows the frame."""
        return self._stream.eof and not self._stream.unused_data

    def unpack(self, data: bytes | memoryview, most: int) -> bytes:
        """Return at most *most* bytes more.

        :raises IntegrityError: it is no frame, is damaged, or needs more memory than is allowed.
        """
        try:
            unpacked: bytes = self._stream.decompress(data, max_length=most)
        except (zstd().ZstdError, EOFError):
            raise damaged("a frame cannot be unpacked") from None
        return unpacked


def damaged(why: str) -> IntegrityError:
    """Return the error for a pack with unexpected content."""
    return IntegrityError(f"This is not a whole pack: {why}", cure="Get it again.")
