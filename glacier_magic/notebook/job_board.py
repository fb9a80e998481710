"""The job board: a live widget, and the record that a saved notebook keeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import traitlets

from ..base.rendering import escape, summary, visible
from ..base.units import human_bytes, parse_rate, plural
from ..errors import GlacierError, describe
from ..jobs import Batch, BoardSnapshot
from ..jobs import JobRow as Job
from .board_rows import ALL_STATES, COLUMNS, NOT_DONE, BoardRows
from .display import Place, SavedPlace, said
from .face import board_record
from .go_on import follow_consent, go_on_box
from .row_table import Table, source
from .view import View, in_background, side_by_side
from .views import view_of

INTERVAL = 0.1  # seconds between two updates of the page
RECORDED, PROGRESS_RECORDED = 2.0, 10.0  # seconds between two updates of the record, by what has changed
TALLEST, LINE = 10, 46  # the most visible rows, and the pixels of one


def rate_text(rate: float | None) -> str:
    """Return a rate as the input field accepts it; ``""`` for no limit."""
    return "" if rate is None else f"{human_bytes(rate).replace(' ', '')}/s"


class BoardTable(Table):
    """The table of a board, which sends changes of the visible rows at once."""

    _esm = source("table.js", "board.js")
    _css = source("table.css", "board.css")
    ended = traitlets.Unicode().tag(sync=True)
    rate = traitlets.Dict().tag(sync=True)
    places = traitlets.Dict().tag(sync=True)
    what = "job board"

    def __init__(self, rows: BoardRows, set_rate: Callable[[str], None], **more: Any) -> None:
        self._sight, self._set_rate, self._board = (0, 0), set_rate, rows
        super().__init__(rows, **more)

    def _page(self, start: int, stop: int) -> dict[str, Any]:
        return {**super()._page(start, stop), "query": self._board.query}

    def refresh(self) -> None:
        """Send the current rows; called from any thread."""
        with self._guard:
            same = self.page["query"] == self._board.query
            self.height = max(self.height, _height(self._board))
            # After a new order or filter, the page begins at the top again.
            start, stop = self._sight if same else (0, 0)
            # The rows in sight, without the page asking for them.
            self._put(self._page(start, max(stop, start + self.height + 2)))

    def _answer(self, message: Mapping[str, Any]) -> None:
        if message["kind"] == "rate":
            self._set_rate(str(message["text"]))
            return
        if message["kind"] == "rows":
            self._sight = (int(message["start"]), int(message["stop"]))
        super()._answer(message)
        if message["kind"] == "sort":
            self._sight = (0, 0)


def _height(rows: BoardRows) -> int:
    """Return the number of rows to make room for: that of the rows shown, or of the text without any."""
    return min(TALLEST, rows.count) or 2


class JobBoard(View, widgets.VBox):  # type: ignore[misc]
    """A table of jobs, updated by the tracker's thread, with buttons that act on the selection."""

    what = "job board"

    def __init__(self, batch: Batch) -> None:
        self._batch, self._tracker = batch, batch.tracker
        self._guard = threading.RLock()  # _offer() triggers _filter() in the same thread
        self._last = self._recorded = 0.0
        self._unrecorded = False  # whether more than progress is not in the record yet
        self._place: Place | None = None
        first = batch.snapshot
        self._rows = BoardRows(first, self._allow, fold=batch.everything)
        self._title = batch.title or "All jobs"
        self._table = BoardTable(
            self._rows,
            self._set_rate,
            label=self._title,
            height=_height(self._rows),
            line=LINE,
            ended=news(first),
        )
        self._show_rate()
        self._make_controls()
        self._area = widgets.VBox()
        head = [widgets.HTML(f"<b>{escape(batch.title)}</b>")] if batch.title else []
        super().__init__([*head, self._filters, self._table, self._buttons, self._area])
        self._allow()
        # A board of all jobs also shows those that other processes start.
        self._leave = self._tracker.watch(self.report, lasting=batch.everything)
        self._write(first, force=True)  # after watch(): it ends the watch of a batch that has ended

    def _make_controls(self) -> None:
        self._fitting = widgets.Layout(width="auto")  # of all buttons: a saved notebook has each layout
        self._state = widgets.Dropdown(options=[ALL_STATES], layout={"width": "9.5em"})
        self._vault = widgets.Dropdown(options=[("all vaults", "")], layout={"width": "10em"})
        self._text = widgets.Text(
            placeholder="part of a name", layout={"width": "11em"}, continuous_update=True
        )
        for box, name in ((self._state, "State"), (self._vault, "Vault"), (self._text, "Name")):
            box.tooltip = f"{name} of the jobs to show"
            box.observe(self._filter, "value")
        # A narrow table has no headers of the columns that there is no room for.
        orders = [("newest first", ""), *((f"by {column.label}", column.key) for column in COLUMNS)]
        self._order = widgets.Dropdown(options=orders, tooltip="Order of the jobs", layout={"width": "9.5em"})
        self._order.observe(self._sort, "value")
        self._fold = widgets.ToggleButton(description="", layout={"width": "auto"})
        self._fold.observe(self._filter, "value")
        self._check = self._button(
            "Check now", "Read the states of the jobs from the service now", self._look
        )
        self._now = self._button("Download now", "Download at once, out of turn", self._fetch)
        self._show_file = self._button("Show file", "Show the path of the file", self._files)
        self._folder = self._button(
            "Open folder", "Open the folder in JupyterLab, or show its path", self._folders
        )
        self._again = self._button("Request again …", "Open the plan, with its price", self._request_again)
        self._forget = self._button(
            "Forget", "Remove from the board; files are not touched", self._forget_rows
        )
        self._filters = side_by_side(self._state, self._vault, self._text, self._order, self._fold)
        self._go_on = go_on_box()
        rows = [self._now, self._folder, self._show_file, self._again, self._forget, self._check]
        self._buttons = side_by_side(*rows, *self._go_on)

    def _button(self, words: str, tooltip: str, act: Callable[[], None]) -> widgets.Button:
        def clicked(_: object) -> None:
            try:
                act()
            except GlacierError as error:  # such as a closed session
                self._say(str(error))

        button = widgets.Button(description=words, tooltip=tooltip, layout=self._fitting)
        button.on_click(clicked)
        return button

    def show(self) -> None:
        """Display the board and its record in the running cell."""
        Place(self)  # two outputs: a page without a kernel shows the second one
        self.keep_in(SavedPlace(board_record(self._batch.snapshot, self._batch.title)))

    def keep_in(self, place: Place, _own: Place | None = None) -> None:
        """Write the record to *place* from now on, for pages without a kernel."""
        self._place = place
        self._tracker.start()
        self.report(force=True)

    # From the tracker

    def report(self, _: BoardSnapshot | None = None, *, force: bool = False) -> None:
        """Show a change; called from the tracker's thread, and limited to some updates a second."""
        soon = time.monotonic() - self._last < INTERVAL
        # The last update must not be dropped: no other follows.
        if soon and not force and not self._tracker.latest.finished:
            return
        mine = self._batch.snapshot  # the tracker's own snapshot drops the oldest ended rows
        with self._guard:
            self._last = time.monotonic()
            self._unrecorded |= self._write(mine, force=force)
            # A record is a whole table: too much for ten times a second.
            pause = RECORDED if self._unrecorded else PROGRESS_RECORDED
            if self._place is not None and (force or mine.finished or self._last - self._recorded >= pause):
                self._recorded, self._unrecorded = self._last, False
                self._place.put(board_record(mine, self._batch.title))

    def _write(self, mine: BoardSnapshot, *, force: bool) -> bool:
        """Show a snapshot; return whether more than the progress of downloads may be new."""
        changed = self._rows.show(mine) or force  # else, only the rows of running downloads have
        follow_consent(self._go_on)
        self._order.value = self._rows.sort.lstrip("-")  # a click of a header has changed it
        if not self._table.rate["error"]:
            self._show_rate()  # another board or %glacier rate may have changed it
        if changed:
            self._offer()
        self._table.refresh()
        if changed:
            self._table.ended = news(mine)
            self._allow()
        if mine.finished and not self._batch.everything:
            self._leave()  # the buttons report their own changes
        return changed

    def _offer(self) -> None:
        """Update the choices of states and vaults, and the button that unfolds finished rows."""
        recorded = self._rows.snapshot.recorded
        states = [ALL_STATES, NOT_DONE, *sorted(recorded.states)]
        if self._state.value not in states:
            states.append(self._state.value)  # the chosen value stays, though no row has it now
        vaults = [("all vaults", ""), *((v, v) for v in sorted(recorded.vaults))]
        if self._vault.value not in [value for _, value in vaults]:
            vaults.append((self._vault.value, self._vault.value))
        for box, options in ((self._state, states), (self._vault, vaults)):
            if list(box.options) != options:
                kept = box.value  # new options select the first one
                box.options = options
                box.value = kept
        count = self._rows.folding
        words = f"{'Hide' if self._fold.value else 'Show'} {count:,} finished"
        self._fold.description = words
        self._fold.layout.display = "" if count else "none"
        folded = count and not self._fold.value and not self._rows.text and not self._rows.vault
        words = "Nothing is under way." if folded else "Nothing matches."
        self._table.nothing = words if self._rows.snapshot.rows else "No jobs."

    # From the page

    def _filter(self, _: object) -> None:
        with self._guard:
            asked = {
                "state": self._state.value,
                "vault": self._vault.value,
                "text": self._text.value.strip(),
                "unfolded": bool(self._fold.value),
            }
            # Setting options triggers this as well, without a change.
            if any(getattr(self._rows, name) != value for name, value in asked.items()):
                self._rows.look(**asked)
                self._offer()
                self._table.refresh()

    def _sort(self, change: dict[str, Any]) -> None:
        with self._guard:
            key = change["new"]
            if key != self._rows.sort.lstrip("-"):  # else the header of the column has sorted them
                down = any(column.key == key and column.down for column in COLUMNS)
                self._rows.look(sort=f"-{key}" if down else key)
                self._table.refresh()

    def _allow(self) -> None:
        """Enable the buttons that apply to the selection."""
        picked = self._rows.picked
        archives = [row for row in picked if row.kind == "archive"]
        self._now.disabled = not any(row.state == "ready" for row in archives)
        self._folder.disabled = not any(row.file or row.target for row in archives)
        self._show_file.disabled = not any(row.file for row in archives)
        self._again.disabled = not any(row.ended for row in archives)
        self._forget.disabled = not any(row.ended for row in archives)
        # A batch that has ended cannot change; all jobs can.
        self._check.disabled = self._rows.snapshot.finished and not self._batch.everything

    def _set_rate(self, text: str) -> None:
        try:
            # An empty field means no limit.
            self._tracker.max_rate, error = parse_rate(text.strip() or "none"), ""
        except ValueError as refused:
            kept = rate_text(self._tracker.max_rate) or "no limit"
            error = f"{visible(str(refused))}. The rate is still: {kept}."
        self._show_rate(error)

    def _show_rate(self, error: str = "") -> None:
        self._table.rate = {"text": rate_text(self._tracker.max_rate), "error": error}

    def _look(self) -> None:
        vaults = self._tracker.actions.vaults
        # Vaults without known jobs may have some of other clients.
        if self._batch.everything and vaults is not None:
            names = vaults
            self._work(lambda: self._tracker.refresh(names()), "Checking all vaults …")
        self._tracker.wake()
        self._tracker.start()

    def _fetch(self) -> None:
        picked = [row for row in self._rows.picked if row.state == "ready"]
        # Jobs of other clients: no folder is known, so a plan asks.
        others = [row for row in picked if not row.ours]
        begun = self._tracker.actions.fetch_now([row for row in picked if row.ours])
        if others:
            self._plan(others)
        else:
            self._say(f"{plural(begun, 'download')} started; the others follow in turn.")

    def _files(self) -> None:
        self._places([row.file for row in self._rows.picked if row.file])

    def _folders(self) -> None:
        places = [row.file or row.target for row in self._rows.picked]
        self._places([str(Path(place).parent) for place in places if place], press=True)

    def _places(self, paths: list[str], *, press: bool = False) -> None:
        """Show paths, as links where the page can open them: a kernel has no desktop.

        :param press: whether the page opens the first one.
        """
        paths = list(dict.fromkeys(paths))
        self._area.children = []
        self._table.places = {}  # a second press is a change as well
        self._table.places = {"paths": paths[:20], "home": str(Path.home()), "press": press}
        if len(paths) > 20:
            self._say(f"and {len(paths) - 20:,} more")

    def _request_again(self) -> None:
        self._plan([row for row in self._rows.picked if row.ended])

    def _plan(self, rows: list[Job]) -> None:
        again = self._tracker.actions.again
        if again is None:
            return
        self._work(lambda: view_of(again(rows)), "Making the plan …")

    def _forget_rows(self) -> None:
        count = self._tracker.actions.forget(self._rows.picked)
        self._say(f"{plural(count, 'row')} forgotten; files are not touched.")
        self._tracker.start()
        self.report(force=True)

    def _work(self, work: Callable[[], object], words: str) -> None:
        """Run *work* in the background, as it sends requests; show the widget that it returns."""
        self._say(words)

        def run() -> None:
            try:
                made = work()
            except Exception as error:  # in a thread, nothing else shows it
                self._say(describe(error))
                return
            with self._guard:
                self._area.children = [made] if isinstance(made, widgets.Widget) else []
            with suppress(GlacierError):  # the session may have been closed meanwhile
                self.report(force=True)

        in_background(run)

    def _say(self, text: str) -> None:
        self._area.children = [widgets.HTML(said(text))]

    def close(self) -> None:
        """Stop following the tracker, and remove the board from the page."""
        self._leave()
        super().close()


def news(snapshot: BoardSnapshot) -> str:
    """Return the notification when all jobs have ended; ``""`` before."""
    if not snapshot.rows or not snapshot.finished:
        return ""
    good = not snapshot.count("failed", "expired")
    return f"{'All requests are done' if good else 'All requests have ended'}. " + summary(snapshot)
