"""The rows of the board, made anew only when something was written."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ..catalogue import Catalogue
from ..transfer.progress import Report
from .board import JobRow, moving, rows_of

MOST = 8
"""Choices of rows that are held: boards that are looked at together."""


@dataclass(frozen=True)
class _Held:
    rows: tuple[JobRow, ...]
    made: datetime
    until: datetime | None  # when a scheduled row is due
    moving: Mapping[int, int]  # where the downloads are that are under way


class HeldRows:
    """What :func:`.board.rows_of` gives, from memory as long as the catalogue is as it was.

    At ten thousand jobs it takes most of a second, and every board and the tracker look at it.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._guard = threading.Lock()
        self._held: OrderedDict[frozenset[str] | None, _Held] = OrderedDict()
        self._marker: tuple[int, ...] | None = None

    def rows(
        self, live: Mapping[int, Report], now: datetime, keys: frozenset[str] | None = None
    ) -> tuple[JobRow, ...]:
        """Return the rows at a moment; see :func:`.board.rows_of`."""
        with self._guard:
            held = self._current(now, keys)
        running = [(held.moving[i], r) for i, r in list(live.items()) if i in held.moving]
        if not running:
            return held.rows
        rows = list(held.rows)
        for place, report in running:
            rows[place] = moving(rows[place], report)
        return tuple(rows)

    def _current(self, now: datetime, keys: frozenset[str] | None) -> _Held:
        marker = self._catalogue.database.change_marker()
        if marker is None or marker != self._marker:
            self._held.clear()
            self._marker = marker  # read before the rows: what is written meanwhile shows next
        held = self._held.get(keys)
        if held is None or now < held.made or (held.until is not None and now >= held.until):
            held = self._held[keys] = _hold(tuple(self._made(now, keys)), now)
        self._held.move_to_end(keys)
        if len(self._held) > MOST:
            self._held.popitem(last=False)
        return held

    def _made(self, now: datetime, keys: frozenset[str] | None) -> list[JobRow]:
        """Return rows; those of a batch are taken from all that there are, as far as they are."""
        if keys is None:
            return rows_of(self._catalogue, {}, now)
        found = [row for row in self._current(now, None).rows if row.key in keys]
        missing = keys - {row.key for row in found}
        return [*found, *(rows_of(self._catalogue, {}, now, missing) if missing else [])]


def _hold(rows: tuple[JobRow, ...], now: datetime) -> _Held:
    moving = {
        int(row.key.removeprefix("download-")): place
        for place, row in enumerate(rows)
        if row.state == "downloading" and row.key.startswith("download-")
    }
    until = min((row.due for row in rows if row.state == "scheduled" and row.due), default=None)
    return _Held(rows, now, until, moving)
