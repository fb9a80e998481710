"""The backup panel: a table of sets, with buttons that back one up or open a snapshot of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets

from ..base.rendering import STYLE, escape
from ..base.units import from_ms, human_bytes, local_time, plural
from ..client.backup_sets import BackupSets, SetState
from ..errors import GlacierError, describe
from ..plans.backup_plan import BackupPlan
from .card import PlanCard
from .display import Place, Record, SavedPlace, said, unfolding
from .row_table import Column, Table, TableRow
from .view import View, in_background, side_by_side
from .views import view_of

TALLEST = 10
"""The most rows that are visible at once."""


def _column(key: str, label: str, width: str, **looks: Any) -> Column:
    return Column(key=key, label=label, width=width, sortable=False, **looks)


COLUMNS = (
    _column("set", "set", "minmax(6.4em, 1fr)", icon=True),
    _column("vault", "vault", "fit-content(160px)", wide=5, under="set", words="in {}"),
    _column("last", "last run", "fit-content(176px)"),
    _column("state", "state", "fit-content(110px)", wide=2, under="last"),
    _column("due", "next due", "fit-content(230px)", wide=1, under="last"),
    _column("files", "files", "fit-content(90px)", number=True, wide=4, under="size", words="{} files"),
    _column("size", "size", "fit-content(90px)", number=True),
    _column("stored", "stored", "fit-content(90px)", number=True, wide=3, under="month", words="of {}"),
    _column("month", "a month", "fit-content(100px)", number=True),
)
"""They fit into a page of 900 pixels, as those of the job board do."""

ICONS = {
    "done": ("✓", "good"),
    "partial": ("⚠", "bad"),
    "interrupted": ("⚠", "bad"),
    "running": ("…", "busy"),
}


class BackupRows:
    """The sets as rows of a table, one of which is selected."""

    columns: Sequence[Column] = COLUMNS
    sort = ""

    def __init__(self, sets: BackupSets, changed: Callable[[], None]) -> None:
        self._sets, self._changed = sets, changed
        self.version = 0
        self._at = 0

    @property
    def count(self) -> int:
        """The number of sets."""
        return len(self._sets.rows)

    @property
    def words(self) -> str:
        """The number of sets, and the name of the selected one."""
        picked = self.picked
        return " · ".join([plural(self.count, "set"), *([f"{picked.name} selected"] if picked else [])])

    @property
    def picked(self) -> SetState | None:
        """The selected set."""
        return self._sets.rows[self._at] if self._at < self.count else None

    def rows(self, start: int, stop: int) -> list[TableRow]:
        """Return rows as formatted text, with details as titles."""
        found = zip(self._sets.rows, self._sets.cells(), strict=True)
        return [
            TableRow(cells, _titles(one), place == self._at, *ICONS.get(one.state, ("", "")))
            for place, (one, cells) in enumerate(found)
            if start <= place < stop
        ]

    def order(self, sort: str) -> None:
        """Keep the order of the names."""

    def select(self, how: str, start: int, stop: int) -> None:
        """Select the set at *start*; there is always one."""
        if how in ("only", "add", "toggle") and start < min(stop, self.count):
            self._at = start
            self._changed()


def _titles(one: SetState) -> tuple[str, ...]:
    times = [local_time(from_ms(each)) for each in (one.last, one.due)]
    size = "" if one.bytes is None else plural(one.bytes, "byte")
    stored = f"{plural(one.stored, 'byte')} in {plural(one.archives, 'archive')}"
    return (one.name, one.vault, times[0], one.state, times[1], "", size, stored, one.month.headline())


class BackupPanel(View, widgets.VBox):  # type: ignore[misc]
    """The sets, and below them the plan or snapshot that a button has opened."""

    what = "backup panel"

    def __init__(self, sets: BackupSets) -> None:
        self._sets, self._guard = sets, threading.RLock()
        self._place: Place | None = None
        self._rows = BackupRows(sets, self._show_set)
        height = max(1, min(TALLEST, self._rows.count))
        self._table = Table(
            self._rows, label="Backups", height=height, line=44, nothing="There is no backup."
        )
        self._back_up = widgets.Button(description="Back up now", button_style="primary")
        self._back_up.on_click(lambda _: self._open(self._plan))
        self._snapshot = widgets.Dropdown(description="Snapshot", layout={"width": "auto"})
        self._browse = widgets.Button(description="Show files", tooltip="Open the files of the snapshot")
        self._browse.on_click(lambda _: self._open(self._explore))
        self._reload = widgets.Button(description="Reload", tooltip="Read the catalogue again")
        self._reload.on_click(lambda _: self._changed())
        self._summary, self._status, self._area = widgets.HTML(), widgets.HTML(), widgets.VBox()
        buttons = side_by_side(self._back_up, self._snapshot, self._browse, self._reload)
        super().__init__([self._table, buttons, self._summary, self._status, self._area])
        self.add_class("glacier-backups")
        self.refresh()

    def show(self) -> None:
        """Display the panel and its record in the running cell."""
        Place(self)  # two outputs: a page without a kernel shows the second one
        self._place = SavedPlace(self._record())

    def _changed(self) -> None:
        try:
            self.refresh()
        except GlacierError as error:  # the session is closed
            self._status.value = said(str(error))

    def refresh(self) -> None:
        """Read the catalogue again, and show it; called from any thread."""
        with self._guard:
            self._sets.read()
            self._rows.version += 1
            self._table.refresh()
            looks = "class='glacier-note' style='line-height:1.4;margin:0'"
            self._summary.value = f"{STYLE}<p {looks}>{escape(self._sets.summary)}</p>"
            self._show_set()
            if self._place is not None:
                self._place.put(self._record())

    def _show_set(self) -> None:
        """Offer what can be done with the selected set."""
        picked, kept = self._rows.picked, self._snapshot.value
        made = self._sets.snapshots(picked) if picked else []
        words = [
            f"{one.ordinal}: {local_time(from_ms(one.started))}, {human_bytes(one.bytes)}" for one in made
        ]
        values = [(one.set_id, one.ordinal) for one in made]
        self._snapshot.options = list(zip(words, values, strict=True))
        # Without a choice before, new options select none.
        self._snapshot.value = kept if kept in values else next(iter(values), None)
        self._back_up.disabled = picked is None or picked.state == "running"
        self._browse.disabled = self._snapshot.disabled = not made
        self._back_up.tooltip = f"Open the plan to back up {picked.name}" if picked else ""

    def _plan(self, picked: SetState) -> widgets.Widget:
        return BackupCard(self._sets.plan(picked), self._changed)

    def _explore(self, picked: SetState) -> widgets.Widget:
        return view_of(self._sets.explore(picked, self._snapshot.value[1]))

    def _open(self, make: Callable[[SetState], widgets.Widget]) -> None:
        picked = self._rows.picked
        if picked is not None:
            self._back_up.disabled = self._browse.disabled = True
            self._status.value = said(f"Reading {picked.name} …")
            in_background(self._make, make, picked)  # it scans folders, or reads a snapshot

    def _make(self, make: Callable[[SetState], widgets.Widget], picked: SetState) -> None:
        try:
            made, words = [make(picked)], ""
        except Exception as error:  # in a thread, nothing else shows it
            made, words = [], describe(error)
        with self._guard:
            before, self._area.children = self._area.children, made
            self._status.value = said(words)
            self._show_set()
        for each in before:
            each.close()

    def _record(self) -> Record:
        html = self._sets._repr_mimebundle_()["text/html"]
        return unfolding(repr(self._sets), html, self._sets.title)

    def close(self) -> None:
        """Remove the panel from the page."""
        for each in self._area.children:
            each.close()
        super().close()


class BackupCard(PlanCard):
    """The card of a backup; *then* is called after each run."""

    def __init__(self, plan: BackupPlan, then: Callable[[], None]) -> None:
        self._then = then
        super().__init__(plan)

    def _done(self, outcome: Any) -> None:
        super()._done(outcome)
        self._then()

    def _fail(self, text: str) -> None:
        super()._fail(text)
        self._then()
