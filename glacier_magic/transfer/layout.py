"""The pieces in which a job's output is fetched, and their positions in the file."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.ranges import ByteRange, pieces
from ..base.treehash import part_ranges
from ..catalogue import Download, JobRecord
from ..errors import IntegrityError

Span = tuple[int, int]

DOUBT = "?"
"""The prefix of the recorded hash of a piece for which the service sent none: the bytes on the disk
are those that arrived, but they are not verified."""


@dataclass(frozen=True)
class Piece:
    """The bytes *start* to *behind* (exclusive) of a job's output.

    :param kept: the bytes of the file that are written from it; the rest is fetched only because
        hashes cover whole MiB.
    :param shift: the position of a byte in the file minus its position in the output.
    """

    start: int
    behind: int
    kept: Span
    shift: int = 0

    @property
    def size(self) -> int:
        """The number of bytes fetched."""
        return self.behind - self.start

    @property
    def kept_size(self) -> int:
        """The number of bytes written."""
        return self.kept[1] - self.kept[0]

    def cut(self, position: int, data: memoryview) -> tuple[memoryview, int]:
        """Return the bytes of *data*, from *position* of the output, to write, and their file position."""
        at = position + self.shift
        low, high = max(at, self.kept[0]), min(at + len(data), self.kept[1])
        return data[max(0, low - at) : max(0, high - at)], low


@dataclass(frozen=True)
class Layout:
    """The pieces of one download.

    :param promised: whether the service sends the tree hash of each piece; None if it may.
    """

    pieces: tuple[Piece, ...]
    promised: bool | None = None

    @property
    def verifiable(self) -> bool:
        """Whether a file of these pieces can be verified."""
        return self.promised is not False


def whole(size: int, piece_size: int) -> Layout:
    """Return the layout of a whole archive."""
    spans = part_ranges(size, piece_size)  # from byte 0 in powers of two, so each is a node of the tree
    return Layout(tuple(Piece(*span, kept=span) for span in spans))


def part(download: Download, job: JobRecord | None, piece_size: int) -> Layout:
    """Return the layout of a part of an archive, from a job whose output contains it.

    The pieces do not depend on the job, so that a download can continue from another job.

    :raises IntegrityError: the output does not contain the part, or its range is unknown.
    """
    wanted, retrieved = download.asked_part, job.retrieved if job else None
    if wanted is None or job is None or retrieved is None or not job.size:
        raise IntegrityError(f"The service did not report the job's range of {download.name!r}")
    if not retrieved.holds(wanted):
        raise IntegrityError(f"The job has the bytes {retrieved} of {download.name!r}, not all of {wanted}")
    found = [_piece(one, wanted, retrieved) for one in pieces(wanted, job.size, piece_size)]
    return Layout(tuple(found), job.verifiable)


def _piece(one: ByteRange, wanted: ByteRange, retrieved: ByteRange) -> Piece:
    # The outermost pieces are whole MiB, of which only a part is wanted.
    first, last = max(one.first, wanted.first), min(one.last, wanted.last)
    return Piece(
        # The service counts from the start of the output, not of the archive.
        start=one.first - retrieved.first,
        behind=one.last - retrieved.first + 1,
        kept=(first - wanted.first, last - wanted.first + 1),
        shift=retrieved.first - wanted.first,
    )
