"""A view of a stored archive through ranges of bytes, each of which costs money."""

from __future__ import annotations

from collections.abc import Callable

from ..base.ranges import aligned_cover
from ..base.treehash import CHUNK
from ..base.units import human_bytes
from ..errors import IntegrityError, Unlistable

Fetch = Callable[[int, int], bytes]
"""Returns the bytes from *start* to *end*, inclusive: one retrieval job of a range."""

Announce = Callable[[list[tuple[int, int]]], None]
"""Called with ranges before they are fetched."""


class Window:
    """Reads an archive through *fetch*, in ranges aligned to the tree hash.

    Fetched bytes are stored, so that no byte is requested twice.

    :param size: bytes of the archive.
    :param most: the most bytes of all requests together; None for no limit.
    :param announce: called with all ranges, first and last byte, that are about to be fetched one
        after the other, so that their jobs can run concurrently.
    """

    def __init__(
        self, fetch: Fetch, size: int, *, most: int | None = None, announce: Announce | None = None
    ) -> None:
        self.size = size
        self.most = most
        self._announce = announce
        self.paid = 0
        """Bytes requested so far."""
        self.asked: list[tuple[int, int]] = []
        """The ranges requested so far, first and last byte."""
        self.rounds = 0
        """Requests so far that had to wait for the result of an earlier one."""
        self._fetch = fetch
        self._chunks: dict[int, bytes] = {}

    def limit(self, most: int) -> None:
        """Allow at most *most* bytes, or fewer if the limit is lower already."""
        self.most = most if self.most is None else min(most, self.most)

    def has(self, start: int, length: int, /) -> bool:
        """Return whether bytes have been fetched."""
        return not self._missing(start, start + length)

    def read(self, start: int, length: int) -> bytes:
        """Return *length* bytes from *start*, fewer at the end of the archive.

        :raises Unlistable: it would exceed the limit; nothing is requested.
        :raises IntegrityError: *fetch* returned a wrong number of bytes.
        """
        # Untrusted positions may be negative or beyond the end.
        end = min(max(start, 0) + max(length, 0), self.size)
        start = min(max(start, 0), end)
        missing = self._missing(start, end)
        if missing:
            self._ask(missing)
        return b"".join(
            self._chunks[number][max(0, start - number * CHUNK) : end - number * CHUNK]
            for number in _chunks(start, end)
        )

    def _missing(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the runs of chunks, first and last (exclusive), that have not been fetched."""
        runs: list[tuple[int, int]] = []
        for chunk in _chunks(start, min(end, self.size)):
            if chunk in self._chunks:
                continue
            if runs and runs[-1][1] == chunk:
                runs[-1] = (runs[-1][0], chunk + 1)
            else:
                runs.append((chunk, chunk + 1))
        return runs

    def _ask(self, runs: list[tuple[int, int]]) -> None:
        count = -(-self.size // CHUNK)
        ranges = [  # only aligned ranges have a tree hash, by which they are verified
            (first * CHUNK, min(last * CHUNK, self.size) - 1)
            for run in runs
            for first, last in aligned_cover(*run, count)
        ]
        price = sum(last - first + 1 for first, last in ranges)
        # Before any is paid for: the listing would fail.
        if self.most is not None and self.paid + price > self.most:
            raise Unlistable(
                f"The listing needs {human_bytes(self.paid + price)} of the archive, more than the "
                f"{human_bytes(self.most)} allowed"
            )
        self.rounds += 1
        if self._announce is not None:
            self._announce(ranges)
        for first, last in ranges:
            data = self._fetch(first, last)
            if len(data) != last - first + 1:  # a short chunk would shift all bytes after it
                raise IntegrityError(
                    f"Requested {last - first + 1:,} bytes from {first:,}, received {len(data):,}"
                )
            self.asked.append((first, last))
            self.paid += len(data)
            for number in _chunks(first, last + 1):
                at = number * CHUNK - first
                self._chunks[number] = data[at : at + CHUNK]


def _chunks(start: int, end: int) -> range:
    """Return the numbers of the chunks with the bytes from *start* to *end* (exclusive)."""
    return range(start // CHUNK, -(-end // CHUNK) if start < end else start // CHUNK)
