"""The rows of the job board as a table: filtered, sorted and folded in the kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ..base.columns import exact
from ..base.rendering import ICONS, board_cells, board_time, fraction, summary
from ..base.units import human_bytes, human_duration, plural
from ..jobs import BoardSnapshot
from ..jobs import JobRow as Job
from .row_table import Column, TableRow

COLUMNS = (
    Column(key="name", label="name", width="minmax(min(22em, 45%), 3fr)"),
    Column(key="vault", label="vault", width="fit-content(130px)", wide=8, under="name"),
    Column(key="state", label="state", width="fit-content(190px)", icon=True),
    Column(
        key="progress",
        label="progress",
        width="fit-content(180px)",
        down=True,
        bar=True,
        wide=1,
        under="state",
    ),
    Column(key="expected", label="expected", width="fit-content(220px)", wide=2, under="state"),
    Column(key="tier", label="tier", width="fit-content(100px)", wide=7, under="name"),
    Column(key="size", label="size", width="fit-content(90px)", number=True, down=True, wide=5, under="name"),
    Column(key="asked", label="asked", width="fit-content(130px)", wide=6, under="name", words="asked {}"),
    Column(key="file", label="file", width="minmax(12em, 2fr)", wide=9),
)
"""They fit into a page of 900 pixels; what there is no room for is below the name and the state."""

FOLDED = ("verified", "unverified", "done", "forgotten")
FOLDED_AFTER = timedelta(days=1)
"""How long finished rows are shown."""
TONES = {
    "verified": "good",
    "done": "good",
    "downloading": "busy",
    "ready": "busy",
    "failed": "bad",
    "expired": "bad",
}

ALL_STATES, NOT_DONE = "all states", "not finished"


class BoardRows:
    """The rows of a snapshot that a board shows, and the selection.

    The version grows whenever other rows are shown, or in another order; the query does with filters
    and orders alone, so that the page keeps its scroll position while jobs go on.
    """

    def __init__(self, snapshot: BoardSnapshot, selected: Callable[[], object], *, fold: bool = True) -> None:
        self._selected, self._fold = selected, fold
        self._picked: set[str] = set()
        self._made: dict[str, tuple[Job, TableRow]] = {}
        self._made_at = snapshot.now
        self.snapshot = snapshot
        several = len(snapshot.recorded.vaults) > 1
        self.columns: Sequence[Column] = [c for c in COLUMNS if several or c.key != "vault"]
        self.version, self.sort = 1, ""
        self.query = 1
        """A number that grows with each filter and order; the page keeps its place while it is the same."""
        self.state, self.vault, self.text, self.unfolded = ALL_STATES, "", "", False
        self.folding = 0
        """The number of finished rows that can be folded."""
        self._shown = self._choose()

    # From the tracker and the filters

    def show(self, snapshot: BoardSnapshot) -> bool:
        """Show a newer snapshot; return whether more than the progress of downloads may be new."""
        before, self.snapshot = self.snapshot, snapshot
        old, new = before.recorded, snapshot.recorded
        if snapshot.now >= self._until or new.places is not old.places or not self._follow(before.rows):
            if new.places is not old.places:
                # A row that has left the board is not selected any more.
                self._picked &= new.places.keys()
            shown, self._shown = self._shown, self._choose()
            if [row.key for row in shown] != [row.key for row in self._shown]:
                self.version += 1  # a click on the page of before means another row
            return True
        return new.states is not old.states

    def _follow(self, before: Sequence[Job]) -> bool:
        """Show the rows that have changed since where they stand; return False if they stand elsewhere."""
        now, key = self.snapshot.now, self.sort.lstrip("-")
        for old, new in zip(before, self.snapshot.rows, strict=True):
            if old is new:  # all but a few: the snapshots share them
                continue
            place = self._places.get(new.key)
            if (
                (place is not None) != self._visible(new, now)
                or (self._foldable and _old(old, now) != _old(new, now))
                or (key and _order(old, key) != _order(new, key))
            ):
                return False
            if place is not None:
                self._shown[place] = new
        return True

    def look(self, **changes: Any) -> None:
        """Filter by *state*, *vault* and *text*; show finished rows if *unfolded*."""
        for name, value in changes.items():
            setattr(self, name, value)
        self._shown = self._choose()
        self.version += 1
        self.query += 1

    def _choose(self) -> list[Job]:
        now = self.snapshot.now
        self._until = now + timedelta(minutes=1)  # by then, others may be folded
        self.folding = sum(_old(row, now) for row in self.snapshot.rows) if self._foldable else 0
        shown = [row for row in self.snapshot.rows if self._visible(row, now)]
        key = self.sort.lstrip("-")  # "": the order of the board itself
        if key:
            shown.sort(key=lambda row: _order(row, key), reverse=self.sort.startswith("-"))
        self._places = {row.key: place for place, row in enumerate(shown)}
        return shown

    @property
    def _foldable(self) -> bool:
        return self._fold and self.state == ALL_STATES

    def _visible(self, row: Job, now: datetime) -> bool:
        folded = self._foldable and not self.unfolded and _old(row, now)
        text = self.text.casefold()
        return (
            not folded
            and self._wanted(row)
            and (not text or text in f"{row.name}\n{row.file or row.target}".casefold())
        )

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
        places = self.snapshot.recorded.places
        return [self.snapshot.rows[place] for place in sorted(places[key] for key in self._picked)]

    @property
    def words(self) -> str:
        """The board in one sentence."""
        snapshot = self.snapshot
        words = [summary(snapshot)]
        if snapshot.next_check is not None and not snapshot.finished:
            words.append(f"next check {board_time(snapshot.next_check, snapshot, snapshot.now)}")
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
        now = self.snapshot.now.replace(microsecond=0)
        if now != self._made_at:  # no text changes within a second by time alone
            self._made, self._made_at = {}, now
        return [self._row(job) for job in self._shown[start:stop]]

    def _row(self, job: Job) -> TableRow:
        selected = job.key in self._picked
        known, made = self._made.get(job.key, (None, None))
        if made is None or known is not job or made.selected != selected:
            made = TableRow(
                self._cells(job),
                _titles(job, self.snapshot, self.columns),
                selected,
                icon=ICONS[job.state],
                tone=TONES.get(job.state, ""),
                done=fraction(job),
                note=job.error,
            )
            self._made[job.key] = job, made
        return made

    def _cells(self, job: Job) -> tuple[str, ...]:
        cells = board_cells(job, self.snapshot) | {"vault": job.vault}
        return tuple(cells[column.key] for column in self.columns)

    def order(self, sort: str) -> None:
        """Sort by another column."""
        if sort.lstrip("-") not in {column.key for column in COLUMNS}:
            raise KeyError(sort)  # the table answers the page that its request is invalid
        self.look(sort=sort)

    def select(self, how: str, start: int, stop: int) -> None:
        """Change the selection: see :class:`.row_table.Rows`."""
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


def _old(row: Job, now: datetime) -> bool:
    return row.state in FOLDED and row.ended_at is not None and now - row.ended_at >= FOLDED_AFTER


def _titles(job: Job, snapshot: BoardSnapshot, columns: Sequence[Column]) -> tuple[str, ...]:
    def moment(when: datetime | None) -> str:
        return exact(when and when.astimezone(UTC)) + (", emulator" if snapshot.virtual else "")

    size = "unknown" if job.size is None else plural(job.size, "byte")
    moments = {
        "due": job.due,
        "expected": job.expected,
        "kept at least until": job.ready_until,
        "ended": job.ended_at,
    }
    when = "; ".join(f"{word} {moment(at)}" for word, at in moments.items() if at)
    done = f"{plural(job.done, 'byte')} of {size}" if job.done else ""
    rate = f"{human_bytes(job.rate)}/s" if job.rate else ""
    left = f"{human_duration(job.eta)} left" if job.eta is not None else ""
    progress = "; ".join(filter(None, [done, rate, left]))
    place = f"goes to {job.target}" if job.target and not job.file else job.file
    titles = {
        "name": f"{job.name} in {job.vault}",
        "vault": job.vault,
        "state": "; ".join(filter(None, [job.state, progress, when, job.error])),
        "progress": progress,
        "expected": when,
        "tier": job.tier,
        "size": size,
        "asked": moment(job.asked) if job.asked else "not requested yet",
        "file": place,
    }
    return tuple(titles[column.key] for column in columns)


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
