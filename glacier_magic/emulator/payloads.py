"""Payload bytes in files: streamed to disk, hashed on the way, removed once no row names them."""

from __future__ import annotations

import hashlib
import mmap
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import nullcontext
from io import RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Protocol

from glacier_magic.base import treehash
from glacier_magic.emulator import ids
from glacier_magic.emulator.http import Body

CHUNK = treehash.CHUNK
_WRITE = 1 << 16
"""Bytes per write.  For a MiB at once, ext4 allocates memory in large blocks, which on fragmented
memory was measured at 0.9 to 2.7 CPU seconds per GiB, against 0.2 to 0.4."""

_NAME = re.compile(r"[0-9a-f]{32}")
_local = threading.local()


def _buffer() -> memoryview:
    """Return this thread's 1 MiB buffer; a mapping is page-aligned, which makes SHA-256 faster."""
    if not hasattr(_local, "buffer"):
        _local.buffer = memoryview(mmap.mmap(-1, CHUNK))
    buffer: memoryview = _local.buffer
    return buffer


class Digest(Protocol):
    """A hash or a checksum that is computed piece by piece."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Add the next bytes."""

    def digest(self) -> bytes:
        """Return the value of the bytes so far."""


class Incoming:
    """A request body received into its own file.

    As a context manager, it removes the file at the end unless :meth:`keep` was called, and after
    an exception in any case.
    """

    def __init__(self, folder: Path, *, keep_bytes: bool, hashing: bool) -> None:
        self._folder = folder
        self._path = folder / "incoming" / ids.file_name() if keep_bytes else None
        self._stored = False
        self._hashing = hashing
        self.size = 0
        self.linear_hash = ""
        self.leaves = b""
        """The SHA-256 of every MiB, 32 bytes each; empty if hashing is off.

        From these, the tree hash of any aligned range follows without reading the bytes.
        """

    def __enter__(self) -> Incoming:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path is not None and (not self._stored or kind is not None):
            self._path.unlink(missing_ok=True)

    @property
    def tree_hash(self) -> str:
        """The tree hash of the bytes received."""
        return combine_leaves(self.leaves)

    def absorb(self, pieces: Iterable[bytes | memoryview], digests: Iterable[Digest]) -> None:
        """Write *pieces* into the file, and into *digests* instead of the two hashes."""
        with nullcontext() if self._path is None else self._path.open("xb", buffering=0) as file:
            for piece in pieces:
                self.size += len(piece)
                for digest in digests:
                    digest.update(piece)
                if file is not None:
                    _write(file, memoryview(piece))

    def receive(self, body: Body) -> None:
        """Read *body* to its end into both hashes and the file."""
        self.size = body.left
        linear, leaves = hashlib.sha256(), bytearray()
        alone = body.left <= CHUNK  # a single leaf equals the linear hash
        with nullcontext() if self._path is None else self._path.open("xb", buffering=0) as file:
            for piece in arriving(body):
                if self._hashing:
                    linear.update(piece)
                    leaves += linear.digest() if alone else hashlib.sha256(piece).digest()
                if file is not None:
                    _write(file, piece)
        self.linear_hash = linear.hexdigest()
        self.leaves = bytes(leaves)

    def keep(self) -> str:
        """Move the file to its final place; return the name to record, '' if bytes are discarded."""
        if self._path is None:
            return ""
        name = ids.file_name()
        home = self._folder / "archives" / name[:2]  # 256 folders, so that none becomes too large
        home.mkdir(exist_ok=True)
        self._path = self._path.replace(home / name)  # before the row is written: no row names a missing file
        self._stored = True
        return name


def arriving(body: Body) -> Iterator[memoryview]:
    """Yield the bytes of a request in pieces of at most 1 MiB, each valid until the next."""
    buffer = _buffer()
    while body.left:
        piece = buffer[: min(body.left, CHUNK)]
        body.fill(piece)
        yield piece


def _write(file: RawIOBase, view: memoryview) -> None:
    while len(view):
        view = view[file.write(view[:_WRITE]) or 0 :]  # a raw write may be short


def combine_leaves(leaves: bytes) -> str:
    """Return the tree hash of concatenated 32-byte digests."""
    digests = [leaves[start : start + 32] for start in range(0, len(leaves), 32)]
    return treehash.combine(digests).hex()


class Payloads:
    """The folders ``archives/`` (bytes of archives and parts), ``outputs/`` and ``incoming/``."""

    def __init__(self, folder: Path, *, discard: bool = False, trust: bool = False) -> None:
        self.folder = folder
        self.discard = discard
        self.trust = trust
        self._lock = threading.Lock()
        self._in_use: Counter[str] = Counter()  # payloads that housekeeping must not remove yet
        for name in ("archives", "outputs", "incoming"):
            (folder / name).mkdir(exist_ok=True)

    def incoming(self) -> Incoming:
        """Return a receiver for one request body."""
        return Incoming(self.folder, keep_bytes=not self.discard, hashing=not self.trust)

    def path(self, file: str) -> Path:
        """Return where the bytes recorded as *file* are."""
        return self.folder / "archives" / file[:2] / file

    def output(self, file: str) -> Path:
        """Return where the inventory output recorded as *file* is."""
        return self.folder / "outputs" / file

    def remove(self, *files: str) -> None:
        """Remove the bytes recorded as *files*; '' stands for no bytes."""
        for file in filter(None, files):
            self.path(file).unlink(missing_ok=True)

    def archive(self, payload: str, files: list[tuple[str, int]]) -> Files:
        """Return the bytes of *payload*, which is in use until the source is closed."""
        with self._lock:
            self._in_use[payload] += 1  # until close(): the last file may be opened much later
        return Files([(self.path(file), size) for file, size in files], lambda: self._end(payload))

    def _end(self, payload: str) -> None:
        with self._lock:
            self._in_use[payload] -= 1
            if not self._in_use[payload]:
                del self._in_use[payload]

    def in_use(self, payload: str) -> bool:
        """Return whether *payload* is being downloaded."""
        with self._lock:
            return payload in self._in_use

    def sweep(self, archives: Container[str], outputs: Container[str]) -> None:
        """Remove the files that no row names: a killed server leaves them behind."""
        strays = [path for path in self._files("archives/*") if path.name not in archives]
        strays += [path for path in self._files("outputs") if path.name not in outputs]
        strays += self._files("incoming")
        for path in strays:
            path.unlink(missing_ok=True)

    def _files(self, folder: str) -> Iterator[Path]:
        # Only names that the emulator makes: users may have other files in these folders.
        for path in self.folder.glob(f"{folder}/*"):
            if _NAME.fullmatch(path.name) and path.is_file():
                yield path


class Files:
    """A :class:`~glacier_magic.emulator.http.BodySource` over consecutive files.

    Files are opened one at a time, because an archive may have 10,000 parts.
    """

    def __init__(self, files: list[tuple[Path, int]], on_close: Callable[[], None]) -> None:
        self._spans: list[tuple[Path, int, int]] = []  # file, first byte, bytes
        self._on_close = on_close
        self.size = 0
        for path, size in files:
            self._spans.append((path, self.size, size))
            self.size += size

    def close(self) -> None:
        """Release the files."""
        self._on_close()

    def _cut(self, start: int, count: int) -> Iterator[tuple[Path, int, int]]:
        for path, begin, size in self._spans:
            first, end = max(start, begin), min(start + count, begin + size)
            if first < end:
                yield path, first - begin, end - first

    def chunks(self, start: int, count: int) -> Iterator[bytes]:
        """Yield the bytes in pieces of at most 1 MiB."""
        for path, offset, size in self._cut(start, count):
            with path.open("rb", buffering=0) as file:
                file.seek(offset)
                for done in range(0, size, CHUNK):
                    yield file.read(min(CHUNK, size - done))

    def send(self, connection: socket.socket, start: int, count: int) -> None:
        """Send with ``sendfile``, straight from the page cache, where the system has it."""
        for path, offset, size in self._cut(start, count):
            with path.open("rb", buffering=0) as file:
                connection.sendfile(file, offset, size)
