"""Reading a pack through ranges: its index from its end, and one member from one range."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import IntegrityError
from .pack_members import PackMember, read_index
from .zstd_frames import INDEX_MAGIC, SeekTable, skipped, table_length

TAIL = 1 << 20
"""Bytes at the end of a pack that are read first."""
STEP = 32 << 20
"""Bytes of a content that are read at once."""


class Ranges(Protocol):
    """What a pack is read from, such as a :class:`~glacier_magic.packs.encryption.SealedFile`."""

    size: int

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from *start* to *end*, exclusive."""


@dataclass
class PlainRanges:
    """The ranges of a pack that is not encrypted.

    :param fetch: returns the bytes from one position to another, exclusive.
    """

    fetch: Callable[[int, int], bytes]
    size: int

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from *start* to *end*, exclusive."""
        return self.fetch(start, end)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the range of the file with a range of the pack: the same one."""
        return start, end


class PackReader:
    """Reads the index and the members of a pack.

    All of it is untrusted, and limited.

    :param table: the table of frames, as it was recorded; None to read it from the end of the pack.
    :raises IntegrityError: it is no pack, or is damaged.
    """

    def __init__(self, ranges: Ranges, table: bytes | None = None) -> None:
        self._ranges = ranges
        self._tail = b""
        if table is None:
            self._tail = self._read(max(0, ranges.size - TAIL), ranges.size)
            table = self._read(max(0, ranges.size - table_length(self._tail)), ranges.size)
        self.table = SeekTable(table, ranges.size)
        self.frames = table
        """The table of frames, which a later reader can be given."""

    def index(self) -> Iterator[Any]:
        """Yield what the pack is about, as a mapping, and then its members, as :class:`PackMember`.

        :raises IntegrityError: it is damaged, or beyond a limit.
        """
        return read_index(skipped(INDEX_MAGIC, self._read(*self.table.index)), self.table.size)

    def read(self, member: PackMember) -> Iterator[bytes]:
        """Yield the content of a file piece by piece; 32 MiB of it are held in memory at most.

        :raises IntegrityError: the content does not match its hash, which is known at its end; or the
            file changed while it was packed.
        """
        hasher, behind = hashlib.sha256(), member.start + member.size
        for start in range(member.start, behind, STEP):
            end = min(start + STEP, behind)
            for piece in self.table.contents(self._ranges.read(*self.table.span(start, end)), start, end):
                hasher.update(piece)
                yield piece
        if hasher.hexdigest() != member.sha256:
            why = "changed while it was packed" if member.torn else "does not match its hash"
            raise IntegrityError(f"The content of {member.path!r} {why}")

    def _read(self, start: int, end: int) -> bytes:
        """Return bytes of the pack; what was read of its end is not read again."""
        known = self._ranges.size - len(self._tail)
        first = self._ranges.read(start, min(end, known)) if start < known else b""
        return first + self._tail[max(0, start - known) : max(0, end - known)]
