"""Payload bytes in files: streamed to disk, hashed on the way, swept when nobody owns them."""

from __future__ import annotations

import hashlib
import mmap
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from glacier_magic.base import treehash
from glacier_magic.emulator import ids
from glacier_magic.emulator.http import Body

CHUNK = treehash.CHUNK
_WRITE = 1 << 16
"""Bytes in a write.  For a MiB at once ext4 looks for memory in large blocks, which where memory
is in pieces was seen to cost 0.9 to 2.7 CPU seconds a GiB against 0.2 to 0.4."""

_NAME = re.compile(r"[0-9a-f]{32}")
_local = threading.local()


def _buffer() -> memoryview:
    """Return this thread's 1 MiB; a mapping is aligned, which SHA-256 rewards."""
    if not hasattr(_local, "buffer"):
        _local.buffer = memoryview(mmap.mmap(-1, CHUNK))
    buffer: memoryview = _local.buffer
    return buffer


class Incoming:
    """A body that has arrived in a file of its own, not yet kept by anybody.

    Used as a context: whatever was not kept at its end is removed.
    """

    def __init__(self, folder: Path, *, keep_bytes: bool, hashing: bool) -> None:
        self._folder = folder
        self._path = folder / "incoming" / ids.file_name() if keep_bytes else None
        self._hashing = hashing
        self.size = 0
        self.linear_hash = ""
        self.leaves = b""
        """The SHA-256 of every MiB, 32 bytes each: any aligned range's tree hash without reading.

        Empty where hashing is turned off.
        """

    def __enter__(self) -> Incoming:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    @property
    def tree_hash(self) -> str:
        """The tree hash of what arrived."""
        return combine_leaves(self.leaves)

    def receive(self, body: Body) -> None:
        """Read *body* to its end, through both hashes and into the file."""
        self.size = body.left
        linear, leaves = hashlib.sha256(), bytearray()
        buffer, alone = _buffer(), body.left <= CHUNK
        with _Sink(self._path) as sink:
            while body.left:
                piece = buffer[: min(body.left, CHUNK)]
                body.fill(piece)
                if self._hashing:
                    linear.update(piece)
                    leaves += linear.digest() if alone else hashlib.sha256(piece).digest()
                sink.write(piece)
        self.linear_hash = linear.hexdigest()
        self.leaves = bytes(leaves)

    def keep(self) -> str:
        """Give the file its place and return the name to record ('' where no bytes are kept)."""
        if self._path is None:
            return ""
        name = ids.file_name()
        home = self._folder / "archives" / name[:2]
        home.mkdir(exist_ok=True)
        self._path.replace(home / name)
        self._path = None
        return name


class _Sink:
    """An unbuffered new file, or nothing at all."""

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.open("xb", buffering=0)

    def __enter__(self) -> _Sink:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, view: memoryview) -> None:
        while self._file is not None and len(view):
            view = view[self._file.write(view[:_WRITE]) or 0 :]


def combine_leaves(leaves: bytes) -> str:
    """Return the tree hash over 32-byte digests that stand one behind the other."""
    digests = [leaves[start : start + 32] for start in range(0, len(leaves), 32)]
    return treehash.combine(digests).hex()


class Payloads:
    """The folders ``archives/`` (bytes of archives and parts), ``outputs/`` and ``incoming/``."""

    def __init__(self, folder: Path, *, discard: bool = False, trust: bool = False) -> None:
        self.folder = folder
        self.discard = discard
        self.trust = trust
        self._lock = threading.Lock()
        self._in_use: Counter[str] = Counter()
        for name in ("archives", "outputs", "incoming"):
            (folder / name).mkdir(exist_ok=True)

    def incoming(self) -> Incoming:
        """Return a place for one body to arrive at."""
        return Incoming(self.folder, keep_bytes=not self.discard, hashing=not self.trust)

    def path(self, file: str) -> Path:
        """Return where the bytes recorded as *file* are."""
        return self.folder / "archives" / file[:2] / file

    def output(self, file: str) -> Path:
        """Return where the inventory output recorded as *file* is."""
        return self.folder / "outputs" / file

    def remove(self, file: str) -> None:
        """Remove the bytes recorded as *file*; '' has none."""
        if file:
            self.path(file).unlink(missing_ok=True)

    def archive(self, payload: str, files: list[tuple[str, int]]) -> Files:
        """Return the bytes of *payload*, which counts as in use until the source is closed."""
        with self._lock:
            self._in_use[payload] += 1
        return Files([(self.path(file), size) for file, size in files], lambda: self._end(payload))

    def _end(self, payload: str) -> None:
        with self._lock:
            self._in_use[payload] -= 1
            if not self._in_use[payload]:
                del self._in_use[payload]

    def in_use(self, payload: str) -> bool:
        """Tell whether somebody is downloading *payload* at this moment."""
        with self._lock:
            return payload in self._in_use

    def sweep(self, archives: Container[str], outputs: Container[str]) -> int:
        """Remove every file that no row knows, the leftovers of a killed server; count them."""
        strays = [path for path in self._files("archives/*") if path.name not in archives]
        strays += [path for path in self._files("outputs") if path.name not in outputs]
        strays += self._files("incoming")
        for path in strays:
            path.unlink(missing_ok=True)
        return len(strays)

    def _files(self, folder: str) -> Iterator[Path]:
        # Only names of the emulator's own making: the user may keep other files beside them.
        for path in self.folder.glob(f"{folder}/*"):
            if _NAME.fullmatch(path.name) and path.is_file():
                yield path


@dataclass(frozen=True, slots=True)
class _Span:
    path: Path
    start: int
    size: int


class Files:
    """A :class:`~glacier_magic.emulator.http.Source` over files that follow one another.

    They are opened one at a time, for an archive may have 10,000 parts.
    """

    def __init__(self, files: list[tuple[Path, int]], on_close: Callable[[], None]) -> None:
        self._spans: list[_Span] = []
        self._on_close = on_close
        self.size = 0
        for path, size in files:
            self._spans.append(_Span(path, self.size, size))
            self.size += size

    def close(self) -> None:
        """Say that the files are no longer needed."""
        self._on_close()

    def _cut(self, start: int, count: int) -> Iterator[tuple[Path, int, int]]:
        for span in self._spans:
            first = max(start, span.start)
            behind = min(start + count, span.start + span.size)
            if first < behind:
                yield span.path, first - span.start, behind - first

    def chunks(self, start: int, count: int) -> Iterator[bytes]:
        """Yield the bytes in pieces of at most 1 MiB."""
        for path, offset, size in self._cut(start, count):
            with path.open("rb", buffering=0) as file:
                file.seek(offset)
                for done in range(0, size, CHUNK):
                    yield file.read(min(CHUNK, size - done))

    def send(self, connection: socket.socket, start: int, count: int) -> None:
        """Send straight from the page cache where the system can."""
        for path, offset, size in self._cut(start, count):
            with path.open("rb", buffering=0) as file:
                connection.sendfile(file, offset, size)
