"""The SHA-256 tree hash, and the byte ranges that have one.

The service identifies the content of an archive by a tree hash: data is cut into chunks of
1 MiB, each is hashed with SHA-256, and neighbours are hashed together level by level until one
digest is left; an odd one out moves up unchanged.  For data of up to 1 MiB it equals the plain
SHA-256; for anything longer it does not.

Source: developer guide, "Computing Checksums" (checksum-calculations) and "Receiving Checksums When
Downloading Data" (checksum-calculations-range).
"""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import BinaryIO

CHUNK = 1 << 20
"""Bytes in a leaf of the tree: 1 MiB."""

EMPTY = hashlib.sha256(b"").hexdigest()
"""The tree hash of no data at all.  The service refuses empty archives."""

READ = 1 << 20  # bytes read at a time: hashed at once, while they are in the CPU cache
THREADED = 8 << 20  # below this size one thread is faster: an idle core takes a millisecond to wake up
MOST_THREADS = 16
MOST_PARTS = 10_000  # of an upload (API reference, "Initiate Multipart Upload")

_PREADV = hasattr(os, "preadv")  # not on Windows, where threads would share one file position

Progress = Callable[[int], None]
"""Called with the number of bytes hashed since the last call, by one thread at a time."""


class FileChanged(ValueError):
    """A file became longer or shorter, or was written to, while it was hashed."""


def combine(digests: Iterable[bytes]) -> bytes:
    """Return the root over *digests*, the 32-byte hashes of adjacent pieces of equal size.

    The pieces may be 1 MiB chunks or parts of 2**n MiB: every part's tree hash is a node of the
    archive's tree.  With no digests, the root is the hash of no data.
    """
    fold = _Fold()
    for digest in digests:
        fold.add(digest)
    return fold.root()


class _Fold:
    """Computes the root over leaves added in order, with memory for log2(n) digests."""

    def __init__(self) -> None:
        self._stack: list[tuple[int, bytes]] = []  # (height, digest), highest first

    def add(self, digest: bytes) -> None:
        height = 0  # two subtrees of equal height become one, as a carry does in binary addition
        while self._stack and self._stack[-1][0] == height:
            digest = hashlib.sha256(self._stack.pop()[1] + digest).digest()
            height += 1
        self._stack.append((height, digest))

    def root(self, last: bytes | None = None) -> bytes:
        """Return the root, including *last* if given."""
        rest = [digest for _, digest in self._stack] + ([] if last is None else [last])
        if not rest:
            return bytes.fromhex(EMPTY)
        root = rest.pop()
        while rest:  # from the right: what has no neighbour moves up unchanged
            root = hashlib.sha256(rest.pop() + root).digest()
        return root


class TreeHasher:
    """Computes the tree hash of data added in pieces of any length, with memory for log2(n) digests.

    >>> hasher = TreeHasher()
    >>> hasher.update(b"a" * CHUNK)
    >>> hasher.update(b"a" * CHUNK)
    >>> hasher.hexdigest()[:8]
    '560c2c93'
    """

    def __init__(self, chunk: int = CHUNK) -> None:
        self._chunk = chunk
        self._leaf = hashlib.sha256()
        self._filled = 0
        self._fold = _Fold()
        self.size = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Append *data*."""
        view = memoryview(data)  # slices of it are no copies
        self.size += len(view)
        while view:
            take = min(self._chunk - self._filled, len(view))
            self._leaf.update(view[:take])
            self._filled += take
            view = view[take:]
            if self._filled == self._chunk:
                self._fold.add(self._leaf.digest())
                self._leaf, self._filled = hashlib.sha256(), 0

    def digest(self) -> bytes:
        """Return the 32-byte tree hash of the data so far; more data may follow."""
        return self._fold.root(self._leaf.digest() if self._filled else None)

    def hexdigest(self) -> str:
        """Return :meth:`digest` as 64 lowercase hexadecimal digits."""
        return self.digest().hex()


def tree_hash(source: bytes | str | os.PathLike[str] | BinaryIO, *, progress: Progress | None = None) -> str:
    """Return the tree hash of bytes, of the file at a path, or of an open binary file.

    A file object is read from its current position to its end.  The result is 64 lowercase
    hexadecimal digits, as in the service's ``x-amz-sha256-tree-hash`` header.  Files are read
    once, on all cores, with 1 MiB of memory per core.

    >>> tree_hash(b"a" * 2 * CHUNK)[:8]
    '560c2c93'

    :param progress: called with the bytes hashed since its last call; an exception ends the hashing.
    :raises FileChanged: a regular file changed while it was hashed.
    """
    if isinstance(source, bytes):
        return _root(len(source), _leaves_of_bytes(source), progress)
    if isinstance(source, str | os.PathLike):
        with io.FileIO(os.fspath(source)) as file:
            return _of_path(file, progress)
    file_under = _plain_file(source)
    if file_under is None:
        return _of_stream(source, progress)
    digest = _of_file(file_under, source.tell(), progress)
    source.seek(0, io.SEEK_END)  # as if it had been read
    return digest


def aligned_buffer(size: int) -> memoryview:
    """Return *size* writable bytes that begin on a memory page.

    Reading into a buffer that is not aligned to a cache line can take several times as long.
    """
    # Private: with a shared mapping, a forked child would overwrite its parent's buffer.
    flags = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if os.name == "posix" else {}
    return memoryview(mmap.mmap(-1, max(size, 1), **flags))[:size]


@contextmanager
def unchanged(file: io.FileIO) -> Iterator[os.stat_result]:
    """Yield the status of an open file, and check at the end that the file has not changed.

    :raises FileChanged: its size or modification time changed.
    """
    before = os.fstat(file.fileno())
    yield before
    after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise _changed(file)


def _changed(file: io.FileIO) -> FileChanged:
    return FileChanged(f"{file.name!r} changed while it was hashed")


def _of_path(file: io.FileIO, progress: Progress | None) -> str:
    facts = os.fstat(file.fileno())
    if facts.st_size > CHUNK and stat.S_ISREG(facts.st_mode):
        return _of_file(file, 0, progress)
    if not stat.S_ISREG(facts.st_mode):  # a pipe, a device
        return _of_stream(file, progress)
    with unchanged(file) as facts:
        data = file.read(facts.st_size)
        if len(data) != facts.st_size or not data:  # files in /proc report a size of 0
            file.seek(0)
            return _of_stream(file, progress)
    if progress:
        progress(len(data))
    return hashlib.sha256(data).hexdigest()


def _plain_file(source: BinaryIO) -> io.FileIO | None:
    """Return the regular file that *source* reads unchanged, or None.

    A descriptor alone proves nothing: that of a ``GzipFile`` leads to the compressed bytes.
    """
    raw: object = source
    if isinstance(source, io.BufferedReader | io.BufferedRandom):
        source.flush()  # pending writes belong to the file
        raw = source.raw
    if type(raw) is not io.FileIO or not (_PREADV or isinstance(raw.name, str)):  # a subclass may decode
        return None
    facts = os.fstat(raw.fileno())
    return raw if stat.S_ISREG(facts.st_mode) and facts.st_size else None


def _of_stream(source: BinaryIO | io.FileIO, progress: Progress | None) -> str:
    hasher = TreeHasher()
    read_into = getattr(source, "readinto", None)
    buffer = aligned_buffer(READ if read_into else 1)
    while True:
        if read_into is None:
            piece: memoryview | bytes | None = source.read(READ)
        else:
            count = read_into(buffer)
            piece = None if count is None else buffer[:count]
        if piece is None:
            raise BlockingIOError(f"{source!r} has no data yet; use a blocking stream")
        if not piece:
            return hasher.hexdigest()
        hasher.update(piece)
        if progress:
            progress(len(piece))


def _of_file(file: io.FileIO, start: int, progress: Progress | None) -> str:
    with unchanged(file) as facts:
        size = max(0, facts.st_size - start)
        return _root(size, _leaves_of_file(file, start, size), progress)


# Hashing on all cores: every thread takes the next leaf, reads it and hashes it.

_Leaves = Callable[[], AbstractContextManager[Callable[[int], bytes]]]
"""Opens, for one thread, a function from the number of a leaf to its digest."""


def _leaves_of_bytes(data: bytes) -> _Leaves:
    view = memoryview(data)

    def leaf(number: int) -> bytes:
        return hashlib.sha256(view[number * CHUNK : (number + 1) * CHUNK]).digest()

    return lambda: nullcontext(leaf)


def _leaves_of_file(file: io.FileIO, start: int, size: int) -> _Leaves:
    @contextmanager
    def opened() -> Iterator[Callable[[int], bytes]]:
        buffer = aligned_buffer(READ)
        with _reader(file) as read_at:

            def leaf(number: int) -> bytes:
                hasher, done = hashlib.sha256(), number * CHUNK
                end = min(done + CHUNK, size)
                while done < end:
                    count = read_at(buffer[: end - done], start + done)
                    if not count:
                        raise _changed(file)
                    hasher.update(buffer[:count])
                    done += count
                return hasher.digest()

            yield leaf

    return opened


@contextmanager
def _reader(file: io.FileIO) -> Iterator[Callable[[memoryview, int], int]]:
    """Yield a function that fills a buffer from an offset of *file*; threads may call it concurrently."""
    if _PREADV:
        descriptor = file.fileno()
        yield lambda buffer, offset: os.preadv(descriptor, [buffer], offset)
        return
    with io.FileIO(file.name) as own:  # each thread needs its own file position
        if not os.path.samestat(os.fstat(own.fileno()), os.fstat(file.fileno())):
            raise _changed(file)  # the path leads to another file now

        def read_at(buffer: memoryview, offset: int) -> int:
            own.seek(offset)
            return own.readinto(buffer) or 0

        yield read_at


class _LeafQueue:
    """Hands out the leaves in order, and combines their digests in that order."""

    def __init__(self, size: int, progress: Progress | None) -> None:
        self._size = size
        self._count = -(-size // CHUNK)
        self._progress = progress
        self._lock = threading.Lock()
        self._next = self._folded = 0
        self._early: dict[int, bytes] = {}
        self._fold = _Fold()
        self._error: BaseException | None = None

    def work(self, opened: _Leaves) -> None:
        """Hash leaves until none is left or one fails; called once by each thread."""
        try:
            with opened() as leaf:
                while (number := self._take()) is not None:
                    self._give(number, leaf(number))
        except BaseException as error:  # root() raises it in the calling thread; KeyboardInterrupt, too
            self._error = self._error or error

    def _take(self) -> int | None:
        with self._lock:
            if self._next >= self._count or self._error:
                return None
            self._next += 1
            return self._next - 1

    def _give(self, number: int, digest: bytes) -> None:
        with self._lock:
            self._early[number] = digest  # threads finish out of order
            while self._folded in self._early:
                self._fold.add(self._early.pop(self._folded))
                self._folded += 1
            if self._progress:
                self._progress(min(CHUNK, self._size - number * CHUNK))

    def stop(self) -> None:
        self._next = self._count

    def root(self) -> bytes:
        if self._error is not None:
            raise self._error
        return self._fold.root()


def _root(size: int, opened: _Leaves, progress: Progress | None) -> str:
    """Return the root over *size* bytes; the calling thread hashes, too."""
    queue = _LeafQueue(size, progress)
    others = [
        threading.Thread(target=queue.work, args=(opened,), name="tree-hash", daemon=True)
        for _ in range(min(_cores(), MOST_THREADS) - 1 if size >= THREADED else 0)
    ]
    try:
        for thread in others:
            thread.start()
        queue.work(opened)
    finally:
        queue.stop()
        for thread in others:
            if thread.ident is not None:  # Ctrl-C may come before all are started
                thread.join()
    return queue.root().hex()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # a container may have fewer cores than the machine
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def is_megabyte_aligned(start: int, end: int, size: int) -> bool:
    """Return whether the service retrieves bytes *start* to *end* (inclusive) of *size*.

    The range must start on a whole MiB, and end on one or at the last byte.
    """
    inside = 0 <= start <= end < size
    return inside and start % CHUNK == 0 and ((end + 1) % CHUNK == 0 or end == size - 1)


def is_tree_hash_aligned(start: int, end: int, size: int) -> bool:
    """Return whether bytes *start* to *end* (inclusive) of *size* are a node of the tree.

    Only then does the service send a tree hash for the range.  Chunks [p, q) of n are a node
    exactly when some 2**i divides p and q == min(p + 2**i, n).
    """
    if not is_megabyte_aligned(start, end, size):
        return False
    first, behind, total = start // CHUNK, -(-(end + 1) // CHUNK), -(-size // CHUNK)
    return any(
        first % (1 << height) == 0 and behind == min(first + (1 << height), total)
        for height in range(total.bit_length() + 1)
    )


def part_size_for(size: int, *, smallest: int = CHUNK, most: int = MOST_PARTS) -> int:
    """Return the smallest allowed part size in bytes that cuts *size* bytes into at most *most*.

    A part size is 1 MiB times a power of two, up to 4 GiB (API reference, "Initiate Multipart Upload").

    :raises ValueError: even parts of 4 GiB are too many.
    """
    if most < 1:
        raise ValueError(f"{most} parts hold nothing: allow at least 1")
    part = smallest
    while -(-size // part) > most:
        part *= 2
    if part > 4 << 30:
        raise ValueError(f"{size} bytes need more than {most} parts of 4 GiB")
    return part


def part_ranges(size: int, part: int) -> Sequence[tuple[int, int]]:
    """Return the (start, end) pairs, end exclusive, of *size* bytes in parts of *part* bytes."""
    return [(start, min(start + part, size)) for start in range(0, size, part)]
