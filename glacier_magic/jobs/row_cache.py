"""A cache of the rows of job boards, which follows the catalogue row by row where it can."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from ..catalogue import Catalogue, Download
from ..transfer.progress import Report
from .board import (
    ENDED,
    JobRow,
    MadeRows,
    RecordedRows,
    download_key,
    download_number,
    moving,
    of_download,
    rows_of,
)
from .durations import PastDurations

MOST = 8
"""Sets of keys whose rows are cached: about the number of boards that are open at once."""

STAYS = ("verified", "unverified", "failed")
"""Final states in which a download stays among the newest ones on the whole board."""


@dataclass(frozen=True)
class _CachedRows:
    recorded: RecordedRows
    made: datetime
    until: datetime | None  # the first due time of a scheduled row
    moving: Mapping[int, int]  # the place of each row that is downloading, by download
    source: MadeRows  # without its rows
    left: Mapping[int, str]  # the job of each row that has just left; its write may be told of once more

    def with_written(self, rows: Mapping[int, JobRow], now: datetime, *, whole: bool) -> _CachedRows | None:
        """Return these rows with those of *rows*, by download; None if others may have changed as well.

        :param whole: whether these are the rows of the whole board, which old ended ones leave.
        """
        left, changed = {}, {}
        for number, row in rows.items():
            place = self.recorded.places.get(row.key)
            if place is None:
                if whole and not (row.state in STAYS and self.left.get(number) == row.job_id):
                    return None
                continue
            if self.recorded.rows[place].job_id != row.job_id or number in self.source.renewing:
                return None  # the row of another job may come or go
            if whole and row.state in ENDED:
                if row.state not in STAYS or number in self.source.last:
                    return None  # others may come or go with it, or stand elsewhere
                if number < self.source.oldest:
                    left[number] = row.job_id
            changed[place] = row
        recorded = self.recorded.replaced(changed)
        if left:
            places = {recorded.places[download_key(number)] for number in left}
            recorded = RecordedRows(tuple(r for place, r in enumerate(recorded.rows) if place not in places))
        elif recorded.states is self.recorded.states:
            return replace(self, recorded=recorded, left=left)
        return _hold(recorded, now, self.source, left)


class RowCache:
    """Caches the result of :func:`rows_of` until the catalogue changes.

    At ten thousand jobs it takes most of a second, and every board and the tracker need it.  Where the
    catalogue knows that downloads alone were written since, the rows of these are made again.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._guard = threading.Lock()  # the tracker's thread and its callers share the cache
        self._cached: OrderedDict[frozenset[str] | None, _CachedRows] = OrderedDict()
        self._marker: tuple[int, ...] | None = None
        self._past = PastDurations(catalogue)

    def rows(
        self, live: Mapping[int, Report], now: datetime, keys: frozenset[str] | None = None
    ) -> tuple[tuple[JobRow, ...], RecordedRows]:
        """Return the rows at *now*, see :func:`rows_of`, and without the progress of the downloads *live*."""
        with self._guard:
            cached = self._current(now, keys)
        # Progress is not in the cache: it changes several times a second.
        running = [(cached.moving[i], r) for i, r in list(live.items()) if i in cached.moving]
        if not running:
            return cached.recorded.rows, cached.recorded
        rows = list(cached.recorded.rows)
        for place, report in running:
            rows[place] = moving(rows[place], report)
        return tuple(rows), cached.recorded

    def _current(self, now: datetime, keys: frozenset[str] | None) -> _CachedRows:
        marker = self._catalogue.database.change_marker()
        if marker is None or marker != self._marker:
            self._follow(self._marker, marker, now)
            self._marker = marker  # read before the rows: a write in between shows next time
        cached = self._cached.get(keys)
        # An emulator's clock may have been set back.
        if cached is None or now < cached.made or (cached.until is not None and now >= cached.until):
            made = self._made(now, keys)
            cached = self._cached[keys] = _hold(RecordedRows(tuple(made.rows)), now, made._replace(rows=[]))
        self._cached.move_to_end(keys)
        if len(self._cached) > MOST:
            self._cached.popitem(last=False)
        return cached

    def _follow(self, before: tuple[int, ...] | None, marker: tuple[int, ...] | None, now: datetime) -> None:
        """Take what was written between two markers into the cached rows, or drop them."""
        written = None
        if before is not None and marker is not None:
            written = self._catalogue.database.written_downloads(before, marker)
        if written is None:
            self._cached.clear()
            self._past = PastDurations(self._catalogue)
            return
        downloads = self._catalogue.downloads.numbered(sorted(written))
        rows = {download.id: self._row(download, now) for download in downloads}
        renewed = any(download.renewal for download in downloads)  # the row of its job goes
        for keys, cached in list(self._cached.items()):
            followed = None if renewed else cached.with_written(rows, now, whole=keys is None)
            if followed is None:
                del self._cached[keys]
            else:
                self._cached[keys] = followed

    def _row(self, download: Download, now: datetime) -> JobRow:
        job = self._catalogue.jobs.get(download.vault, download.job_id) if download.job_id else None
        return of_download(download, None if job is None or job.gone else job, now, self._past)

    def _made(self, now: datetime, keys: frozenset[str] | None) -> MadeRows:
        """Return rows; those of a batch come from the cached rows of the whole board where possible."""
        if keys is None:
            return rows_of(self._catalogue, now)
        whole = self._current(now, None)
        found = [row for row in whole.recorded.rows if row.key in keys]
        if len(found) == len(keys):
            return whole.source._replace(rows=found)
        return rows_of(self._catalogue, now, keys)


def _hold(
    recorded: RecordedRows, now: datetime, source: MadeRows, left: Mapping[int, str] = MappingProxyType({})
) -> _CachedRows:
    moving = {
        number: recorded.places[row.key]
        for row in recorded.of("downloading")
        if (number := download_number(row.key)) is not None
    }
    until = min((row.due for row in recorded.of("scheduled") if row.due), default=None)
    return _CachedRows(recorded, now, until, moving, source, left)
