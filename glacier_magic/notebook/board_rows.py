"""The rows of the job board as a table: filtered, sorted and folded in the kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from ..base.rendering import board_cells, near, summary
from ..base.units import human_bytes, local_time, plural
from ..jobs import BoardSnapshot
from ..jobs import JobRow as Job
from .row_table import Column, TableRow

COLUMNS = (
    Column(key="name", label="name", width="minmax(7em, 1.3fr)"),
    Column(key="vault", label="vault", width="minmax(5em, .6fr)", wide=1000),
    Column(key="state", label="state", width="7.8em"),
    Column(key="tier", label="tier", width="6.8em", wide=620),
    Column(key="size", label="size", width="6.4em", number=True, down=True, wide=530),
    Column(key="asked", label="asked", width="6em", wide=705),
    Column(key="expected", label="expected", width="minmax(9.4em, 1fr)"),
    Column(key="progress", label="progress", width="minmax(8em, 1fr)", down=True),
    Column(key="file", label="file", width="minmax(7em, 1fr)", wide=800),
)
"""They fit into a page of 900 pixels; the columns left out there are shown on hover."""

FOLDED = ("verified", "unverified", "forgotten")
FEW = 10
"""The most finished rows that are not folded."""

ALL_STATES, NOT_DONE = "all states", "not finished"


class BoardRows:
    """The rows of a snapshot that a board shows, and the selection.

    A filter or a new order increments the version; new states of jobs do not, so that the page
    keeps its scroll position.
    """

    columns: Sequence[Column] = COLUMNS

    def __init__(self, snapshot: BoardSnapshot, selected: Callable[[], object]) -> None:
        self._selected = selected
        self._picked: set[str] = set()
        self.snapshot = snapshot
        self.version, self.sort = 1, ""
        self.state, self.vault, self.text, self.unfolded = ALL_STATES, "", "", False
        self._shown: Sequence[Job] = self._choose()

    # From the tracker and the filters

    def show(self, snapshot: BoardSnapshot) -> None:
        """Show a newer snapshot."""
        # The tracker returns the same tuple while nothing has changed.
        same = snapshot.rows is self.snapshot.rows
        self.snapshot = snapshot
        if not same:  # filtering thousands of rows ten times a second would be felt
            # A row that has left the board is not selected any more.
            self._picked &= {row.key for row in snapshot.rows}
            self._shown = self._choose()

    def look(self, **changes: Any) -> None:
        """Filter by *state*, *vault* and *text*; show finished rows if *unfolded*."""
        for name, value in changes.items():
            setattr(self, name, value)
        self._shown = self._choose()
        self.version += 1

    @property
    def folding(self) -> int:
        """The number of finished rows that can be folded; 0 if there are too few."""
        # When all have ended, the finished rows are what the user came for.
        if self.snapshot.finished or self.state != ALL_STATES:
            return 0
        count = sum(row.state in FOLDED for row in self.snapshot.rows)
        return count if count > FEW else 0

    def _choose(self) -> Sequence[Job]:
        folding = self.folding and not self.unfolded
        text = self.text.casefold()
        shown = [
            row
            for row in self.snapshot.rows
            if self._wanted(row)
            and not (folding and row.state in FOLDED)
            and (not text or text in f"{row.name}\n{row.file or row.target}".casefold())
        ]
        key = self.sort.lstrip("-")  # "": the order of the board itself
        if key:
            shown.sort(key=lambda row: _order(row, key), reverse=self.sort.startswith("-"))
        return shown

    def _wanted(self, row: Job) -> bool:
        if self.vault and row.vault != self.vault:
            return False
        if self.state == NOT_DONE:
            return not row.ended  # a ready job of another client has ended, too: nothing here fetches it
        return self.state in (ALL_STATES, row.state)

    # For the table

    @property
    def count(self) -> int:
        """The number of rows shown."""
        return len(self._shown)

    @property
    def picked(self) -> list[Job]:
        """The rows that are selected."""
        return [row for row in self.snapshot.rows if row.key in self._picked]

    @property
    def words(self) -> str:
        """The board in one sentence."""
        snapshot = self.snapshot
        words = [summary(snapshot)]
        if snapshot.next_check is not None and not snapshot.finished:
            words.append(f"next check {local_time(snapshot.next_check, snapshot.now)}")
        # An expired output is not done: getting it takes a new, paid retrieval.
        if snapshot.rows and snapshot.finished and not snapshot.count("failed", "expired"):
            words.append("all done")
        hidden = len(snapshot.rows) - len(self._shown)
        if hidden:
            words.append(f"{hidden:,} not shown")
        if self._picked:
            # An inventory has no size before its job completes.
            size = sum(row.size or 0 for row in self.picked)
            words.append(f"{plural(len(self._picked), 'row')} selected, {human_bytes(size)}")
        return " · ".join(words)

    def rows(self, start: int, stop: int) -> list[TableRow]:
        """Return rows as formatted text, with the exact values as titles."""
        return [
            TableRow(_cells(job, self.snapshot), _titles(job), job.key in self._picked)
            for job in self._shown[start:stop]
        ]

    def order(self, sort: str) -> None:
        """Sort by another column."""
        if sort.lstrip("-") not in {column.key for column in COLUMNS}:
            raise KeyError(sort)  # the table answers the page that its request is invalid
        self.look(sort=sort)

    def select(self, how: str, start: int, stop: int) -> None:
        """Change the selection: see :class:`.table.Rows`."""
        keys = {row.key for row in self._shown[start:stop]}  # keys, not positions: rows move while jobs end
        if how == "none":
            self._picked = set()
        elif how == "all":
            self._picked = {row.key for row in self._shown}  # all that the filter shows: no hidden row
        elif how == "toggle":
            self._picked ^= {row.key for row in self._shown[start : start + 1]}
        elif how in ("only", "add"):
            self._picked = keys if how == "only" else self._picked | keys
        else:
            raise ValueError(how)
        self._selected()


def _cells(job: Job, snapshot: BoardSnapshot) -> tuple[str, ...]:
    name, state, tier, size, asked, expected, progress, _ = board_cells(job, snapshot)
    place = near(job.file or job.target)
    if progress and job.error:
        place = job.error
    return (name, job.vault, state, tier, size, asked, expected, progress or job.error, place)


def _titles(job: Job) -> tuple[str, ...]:
    size = "unknown" if job.size is None else plural(job.size, "byte")
    moments = {"due": job.due, "expected": job.expected, "available at least until": job.ready_until}
    when = "; ".join(f"{word} {_moment(moment)}" for word, moment in moments.items() if moment)
    done = f"{plural(job.done, 'byte')} of {size}" if job.done else ""
    place = f"goes to {job.target}" if job.target and not job.file else job.file
    last = "; ".join(filter(None, [job.error, place]))
    asked = _moment(job.asked) if job.asked else "not requested yet"
    name = f"{job.name} in {job.vault}; {job.state}; {last}"
    progress = "; ".join(filter(None, [done, job.error]))
    return (name, job.vault, job.state, job.tier, size, asked, when, progress, last)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S %Z}"


def _order(job: Job, key: str) -> tuple[bool, Any]:
    """Return the sort key of a row; a missing value is the smallest."""
    value: Any = {
        "name": job.name.casefold(),
        "vault": job.vault,
        "state": job.state,
        "tier": job.tier,
        "size": job.size,
        "asked": job.asked,
        "expected": job.due or job.ready_until or job.expected,
        "progress": job.done / job.size if job.size else None,  # neither None nor 0 can be divided by
        "file": job.file or job.target,
    }[key]
    # None cannot be compared with a number or a date.
    return (value is not None, value if value is not None else 0)


def states_of(rows: Iterable[Job]) -> list[str]:
    """Return the states of some rows."""
    return sorted({row.state for row in rows})
