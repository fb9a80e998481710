"""The SHA-256 tree hash, and the byte ranges that have one.

The service identifies the content of an archive by a tree hash: data is cut into chunks of
1 MiB, each is hashed with SHA-256, and neighbours are hashed together level by level until one
digest is left; an odd one out moves up unchanged.  For data of up to 1 MiB it equals the plain
SHA-256; for anything longer it does not.

Rule from the service's documentation: "Computing Checksums" (checksum-calculations) and
"Receiving Checksums When Downloading Data" (checksum-calculations-range).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20
"""Bytes in a leaf of the tree: 1 MiB."""

EMPTY = hashlib.sha256(b"").hexdigest()
"""The tree hash of no data at all.  The service refuses empty archives."""


def leaves(data: bytes | bytearray | memoryview, chunk: int = CHUNK) -> Iterator[bytes]:
    """Yield the SHA-256 digest of each *chunk* bytes of *data*; the last may be shorter."""
    view = memoryview(data)
    for start in range(0, len(view), chunk):
        yield hashlib.sha256(view[start : start + chunk]).digest()


def combine(digests: Iterable[bytes]) -> bytes:
    """Return the root over *digests*, the 32-byte hashes of neighbouring, equally large pieces.

    The pieces may be 1 MiB chunks or parts of 2**n MiB: every part's tree hash is a node of the
    whole archive's tree.  Without any digest the root is the hash of no data.
    """
    level = list(digests)
    if not level:
        return bytes.fromhex(EMPTY)
    while len(level) > 1:
        paired = [
            hashlib.sha256(level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)
        ]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]


class TreeHasher:
    """Take data in pieces of any length and give its tree hash, with memory for log2(n) digests.

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
        self._stack: list[tuple[int, bytes]] = []  # (height, digest), highest first
        self.size = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Add *data* behind what came before."""
        view = memoryview(data)
        self.size += len(view)
        while view:
            take = min(self._chunk - self._filled, len(view))
            self._leaf.update(view[:take])
            self._filled += take
            view = view[take:]
            if self._filled == self._chunk:
                self._push(self._leaf.digest())
                self._leaf, self._filled = hashlib.sha256(), 0

    def _push(self, digest: bytes) -> None:
        height = 0
        while self._stack and self._stack[-1][0] == height:
            digest = hashlib.sha256(self._stack.pop()[1] + digest).digest()
            height += 1
        self._stack.append((height, digest))

    def digest(self) -> bytes:
        """Return the 32-byte tree hash of everything so far; more may be added afterwards."""
        rest = [digest for _, digest in self._stack]
        if self._filled or not rest:
            rest.append(self._leaf.digest())
        root = rest.pop()
        while rest:
            root = hashlib.sha256(rest.pop() + root).digest()
        return root

    def hexdigest(self) -> str:
        """Return :meth:`digest` as 64 lower-case hexadecimal characters."""
        return self.digest().hex()


def tree_hash(source: bytes | str | Path | BinaryIO) -> str:
    """Return the tree hash of bytes, of the file at a path, or of an open binary file.

    A file object is read from where it stands to its end.  The answer is 64 lower-case
    hexadecimal characters, the form of the service's ``x-amz-sha256-tree-hash`` header.
    """
    if isinstance(source, bytes):
        return combine(leaves(source)).hex()
    if isinstance(source, str | Path):
        with Path(source).open("rb", buffering=0) as file:
            return tree_hash(file)
    hasher, buffer = TreeHasher(), bytearray(CHUNK)
    read_into = getattr(source, "readinto", None)
    while True:
        if read_into is not None:
            piece: memoryview | bytes = memoryview(buffer)[: read_into(buffer)]
        else:
            piece = source.read(CHUNK)
        if not piece:
            return hasher.hexdigest()
        hasher.update(piece)


def is_megabyte_aligned(start: int, end: int, size: int) -> bool:
    """Tell whether bytes *start* to *end* (inclusive) may be retrieved from *size* bytes.

    Both borders lie on whole MiB, or the range runs to the last byte.
    """
    inside = 0 <= start <= end < size
    return inside and start % CHUNK == 0 and ((end + 1) % CHUNK == 0 or end == size - 1)


def is_tree_hash_aligned(start: int, end: int, size: int) -> bool:
    """Tell whether bytes *start* to *end* (inclusive) of *size* are a node of the tree.

    Only then does the service send a tree hash for the range.  In chunks [p, q) of n the range is
    a node exactly when some 2**i divides p and q == min(p + 2**i, n).
    """
    if not is_megabyte_aligned(start, end, size):
        return False
    first, behind, total = start // CHUNK, -(-(end + 1) // CHUNK), -(-size // CHUNK)
    height = 0
    while first % (1 << height) == 0 and (1 << height) < 2 * total:
        if behind == min(first + (1 << height), total):
            return True
        height += 1
    return False


def part_size_for(size: int, *, smallest: int = CHUNK, most: int = 10_000) -> int:
    """Return the smallest allowed part size in bytes that cuts *size* bytes into at most *most*.

    A part size is 1 MiB times a power of two, up to 4 GiB; an upload has at most 10,000 parts
    (service documentation: "Initiate Multipart Upload").  Raises :class:`ValueError` where even
    parts of 4 GiB are too many.
    """
    part = smallest
    while -(-size // part) > most:
        part *= 2
    if part > 4 << 30:
        raise ValueError(f"{size} bytes need more than {most} parts of 4 GiB")
    return part


def part_ranges(size: int, part: int) -> Sequence[tuple[int, int]]:
    """Return the (start, end) pairs, end exclusive, that cut *size* bytes into parts of *part*."""
    return [(start, min(start + part, size)) for start in range(0, size, part)]
