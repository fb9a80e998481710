"""Ranges of an archive's bytes: parsing them, and finding the range to retrieve.

The service retrieves whole MiB only, and sends the tree hash of a range only if the range is a node
of the archive's tree (developer guide, "Checksums When Downloading Data", "Initiate a Job").
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import InputError
from ..errors.steps import step
from .treehash import CHUNK, is_tree_hash_aligned
from .units import human_bytes, parse_size

EXTRA = 64 << 20
EXTRA_SHARE = 8
"""A range may grow by 64 MiB, or by an eighth, to get a tree hash: at the documented price of a
standard retrieval, 1 cent a GB, 64 MiB cost less than a tenth of a cent."""

_PLAIN = re.compile(r"(\d{1,18})-(\d{1,18})")  # 18 digits fit into the 64 bits of the databases
_BORDERS = re.compile(r"\s*([^\s-][^-]*?)?\s*-\s*([^\s-][^-]*?)?\s*")


@dataclass(frozen=True, order=True)
class ByteRange:
    """The bytes *first* to *last* of an archive, both included."""

    first: int
    last: int

    @classmethod
    def read(cls, text: str | None) -> ByteRange | None:
        """Parse a range in the service's form ``0-1048575``; return None for anything else."""
        found = _PLAIN.fullmatch(text or "")
        return cls(int(found[1]), int(found[2])) if found else None

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.last - self.first + 1

    @property
    def chunks(self) -> tuple[int, int]:
        """The MiB that the range overlaps: the first, and the one after the last."""
        return self.first // CHUNK, self.last // CHUNK + 1

    def holds(self, other: ByteRange) -> bool:
        """Return whether this range contains all of another."""
        return self.first <= other.first and other.last <= self.last


@dataclass(frozen=True)
class Asked:
    """A range as requested by the user, before the size of an archive is known.

    :param first: its first byte; None for the last *count* bytes.
    :param last: its last byte; None for the end.
    :param short: whether a shorter archive is accepted, with the bytes that it has.
    """

    first: int | None = None
    last: int | None = None
    count: int | None = None
    short: bool = False

    @classmethod
    def head(cls, count: int) -> Asked:
        """Return a request for the first *count* bytes, or all if there are fewer."""
        return cls(first=0, last=_some(count) - 1, short=True)

    @classmethod
    def tail(cls, count: int) -> Asked:
        """Return a request for the last *count* bytes, or all if there are fewer."""
        return cls(count=_some(count), short=True)

    @classmethod
    def parse(cls, text: str) -> Asked:
        """Parse a range: ``0-1048575``, ``10MiB-20MiB``, ``10MiB-`` (to the end), ``-1MB`` (the last MB).

        A plain number is the position of a byte, and both ends are included, as in the service's own
        ranges.  A number with a unit is a border between bytes: ``10MiB-20MiB`` is 10 MiB, bytes
        10485760 to 20971519.

        :raises InputError: it is none of these, empty, or ends before it starts.
        """
        found = _BORDERS.fullmatch(text)
        # \d matches the digits of other scripts, too.
        if found is None or not (found[1] or found[2]) or not text.isascii():
            raise _unreadable(text)
        first, last = (_position(border, text) for border in found.groups())
        if first is None:
            return cls.tail(last or 0)
        if last is None:
            return cls(first=first)
        last -= 0 if found[2].isdecimal() else 1  # ranges end with a byte, units at a border after it
        if last < first:
            raise InputError(f"The range {text!r} has no bytes", cure="It ends before, or where, it begins.")
        return cls(first=first, last=last)

    @classmethod
    def of(cls, given: str | tuple[int, int] | Asked) -> Asked:
        """Return the request for an argument of the Python API: a text, or first and last byte.

        :raises InputError: it is not a range.
        """
        if isinstance(given, Asked):
            return given
        if isinstance(given, str):
            return cls.parse(given)
        first, last = given
        if not 0 <= first <= last:
            raise InputError(
                f"The range {first} to {last} has no bytes, or begins before the first one",
                cure="First and last byte are both included: (0, 1048575).",
            )
        return cls(first=first, last=last)

    def within(self, name: str, size: int | None) -> ByteRange:
        """Return the range in an archive of *size* bytes.

        :raises InputError: the size is unknown, or the archive ends before the range does.
        """
        if not size:
            raise InputError(
                f"The size of {name!r} is not known, so no part of it can be requested",
                cure=f"{step('inventory')} reads it.",
            )
        if self.first is None:
            return ByteRange(max(0, size - (self.count or 0)), size - 1)
        last = size - 1 if self.last is None else self.last
        if self.short:
            last = min(last, size - 1)
        if self.first >= size or last >= size:
            raise InputError(
                f"{name!r} has {size:,} bytes ({human_bytes(size)}): there is no byte "
                f"{max(self.first, last):,}",
                cure=f"Its last byte is {size - 1}; a range such as {min(self.first, size - 1)}- "
                "goes to the end.",
            )
        return ByteRange(self.first, last)


def _position(border: str | None, text: str) -> int | None:
    if not border:
        return None
    try:
        # Not as a float, which cannot represent every position.
        return int(border) if border.isdecimal() else parse_size(border)
    except (ValueError, OverflowError):
        raise _unreadable(text) from None


def _some(count: int) -> int:
    if count < 1:
        raise InputError("A part needs at least one byte", cure="Request 1MB, for example.")
    return count


def _unreadable(text: str) -> InputError:
    return InputError(
        f"{text!r} is not a range of bytes",
        cure="Write first and last byte, 0-1048575, or borders with units, 10MiB-20MiB; 10MiB- "
        "goes to the end, -1MB is the last megabyte.",
    )


# The range to retrieve


def megabyte_cover(asked: ByteRange, size: int) -> ByteRange:
    """Return the smallest range of whole MiB that contains *asked*."""
    first, behind = asked.chunks
    # The service accepts the end of the archive as a border.
    return ByteRange(first * CHUNK, min(behind * CHUNK, size) - 1)


def node_over(asked: ByteRange, size: int) -> ByteRange:
    """Return the smallest node of the tree that contains *asked*."""
    first, behind = asked.chunks
    step = 1
    while first // step * step + step < min(behind, -(-size // CHUNK)):
        step *= 2
    start = first // step * step  # the last node ends with the archive
    return ByteRange(start * CHUNK, min((start + step) * CHUNK, size) - 1)


def cover(asked: ByteRange, size: int) -> ByteRange:
    """Return the range to retrieve for *asked*: a node of the tree if it costs little more.

    Of any other range the service sends no tree hash, nor of a range within its output, so its bytes
    cannot be verified.  Only the MiB of *asked* are then downloaded: see :func:`pieces`.
    """
    least, node = megabyte_cover(asked, size), node_over(asked, size)
    return node if node.size - least.size <= max(EXTRA, least.size // EXTRA_SHARE) else least


def is_verifiable(retrieved: ByteRange, size: int) -> bool:
    """Return whether the service sends the tree hash of a retrieved range."""
    return is_tree_hash_aligned(retrieved.first, retrieved.last, size)


def aligned_cover(first: int, last: int, count: int) -> list[tuple[int, int]]:
    """Return the fewest nodes of the tree that make up the chunks *first* to *last* (exclusive).

    The service sends a checksum for each of them.

    :param count: all chunks of the archive.
    """
    ranges = []
    while first < last:
        step = 1
        # A node's length is a power of two that divides its start; the last node may be shorter.
        while first % (2 * step) == 0 and first + step < last and (first + 2 * step <= last or last == count):
            step *= 2
        end = min(first + step, last)
        ranges.append((first, end))
        first = end
    return ranges


def pieces(asked: ByteRange, size: int, largest: int) -> list[ByteRange]:
    """Return the nodes of the tree, of at most *largest* bytes, that make up the MiB of *asked*.

    :param largest: 1 MiB times a power of two.
    """
    nodes = aligned_cover(*asked.chunks, -(-size // CHUNK))
    return [
        ByteRange(start, min(start + largest, behind * CHUNK, size) - 1)
        for first, behind in nodes
        for start in range(first * CHUNK, behind * CHUNK, largest)  # half of a node is a node
    ]


def part_name(name: str, asked: ByteRange) -> str:
    """Return the name of the file for a part of *name*."""
    return f"{name}.part-{asked}"
