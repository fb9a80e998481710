"""The job board: a live widget, and beside it the record that a saved notebook keeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ipywidgets as widgets
import traitlets

from ..base.rendering import escape, near, summary
from ..base.units import human_bytes, parse_rate, plural
from ..errors import GlacierError, describe
from ..jobs import Batch, BoardSnapshot
from ..jobs import JobRow as Job
from .board_rows import ALL_STATES, NOT_DONE, BoardRows, states_of
from .display import Place, said
from .face import board_record
from .row_table import Table, source
from .view import View
from .views import view_of

INTERVAL = 0.1  # seconds between two updates of a page
RECORDED = 2.0  # and of its record
TALLEST, LINE = 10, 42  # rows in sight, and the pixels of one


def rate_in_words(rate: float | None) -> str:
    """Return a rate as the field for it takes it; "" for no limit."""
    return "" if rate is None else f"{human_bytes(rate).replace(' ', '')}/s"


class BoardTable(Table):
    """The rows of a board; what the page has in sight is sent as soon as it changes."""

    _esm = source("table.js", "board.js")
    _css = source("table.css", "board.css")
    ended = traitlets.Unicode().tag(sync=True)
    what = "job board"

    def __init__(self, rows: BoardRows, **more: Any) -> None:
        self._sight = (0, 0)
        super().__init__(rows, **more)

    def refresh(self) -> None:
        """Show what there is now: from any thread."""
        with self._guard:
            same = self.page["version"] == self._rows.version
            start, stop = self._sight if same else (0, 0)
            with self.hold_sync():  # one message; what is as before is not in it
                self.page = self._page(start, max(stop, start + self.height + 2))
                self.told = self._told()

    def _answer(self, message: Mapping[str, Any]) -> None:
        if message["kind"] == "rows":
            self._sight = (int(message["start"]), int(message["stop"]))
        super()._answer(message)
        if message["kind"] == "sort":
            self._sight = (0, 0)


class JobBoard(View, widgets.VBox):  # type: ignore[misc]
    """One row a job, kept current from the tracker's thread, and what can be done with them."""

    what = "job board"

    def __init__(self, batch: Batch) -> None:
        self._batch, self._tracker = batch, batch.tracker
        self._guard = threading.RLock()
        self._last = self._recorded = 0.0
        self._place: Place | None = None
        first = batch.snapshot
        self._rows = BoardRows(first, self._allow)
        least = 5 if batch.everything else 2
        height = max(least, min(TALLEST, len(first.rows)))
        self._title = batch.title or "All jobs"
        self._table = BoardTable(self._rows, label=self._title, height=height, line=LINE, ended=news(first))
        self._make_controls()
        self._area = widgets.VBox()
        head = [widgets.HTML(f"<b>{escape(batch.title)}</b>")] if batch.title else []
        super().__init__([*head, self._filters, self._table, self._buttons, self._area])
        self._allow()
        self._leave = self._tracker.watch(self.report, lasting=batch.everything)
        self._write(first)

    def _make_controls(self) -> None:
        self._state = widgets.Dropdown(options=[ALL_STATES], layout={"width": "9.5em"})
        self._vault = widgets.Dropdown(options=[("all vaults", "")], layout={"width": "10em"})
        self._text = widgets.Text(
            placeholder="part of a name", layout={"width": "11em"}, continuous_update=True
        )
        for box, name in ((self._state, "State"), (self._vault, "Vault"), (self._text, "Name")):
            box.tooltip = f"{name} of the jobs that are shown"
            box.observe(self._filter, "value")
        self._fold = widgets.ToggleButton(description="", layout={"width": "auto"})
        self._fold.observe(self._filter, "value")
        self._check = self._button("Check now", "Ask the service about the jobs now", self._look)
        self._rate = widgets.Text(
            description="Max rate",
            value=rate_in_words(self._tracker.max_rate),
            placeholder="10MB/s; empty: no limit",
            continuous_update=False,
            layout={"width": "17em"},
            style={"description_width": "initial"},
        )
        self._rate.observe(self._set_rate, "value")
        self._rate_note = widgets.HTML()
        self._now = self._button("Download now", "Fetch before its turn", self._fetch)
        self._show_file = self._button("Show file", "Where the file is", self._files)
        self._folder = self._button("Open folder", "Where the folder is", self._folders)
        self._again = self._button("Ask again …", "Open the plan, with its price", self._ask_again)
        self._forget = self._button(
            "Forget", "Take from the board; files stay as they are", self._forget_rows
        )
        flow = {"flex_flow": "row wrap", "align_items": "center"}
        self._filters = widgets.HBox([self._state, self._vault, self._text, self._fold], layout=flow)
        self._buttons = widgets.HBox(
            [
                self._now,
                self._folder,
                self._show_file,
                self._again,
                self._forget,
                self._check,
                self._rate,
                self._rate_note,
            ],
            layout=flow,
        )

    def _button(self, words: str, tooltip: str, act: Callable[[], None]) -> widgets.Button:
        def clicked(_: object) -> None:
            try:
                act()
            except GlacierError as error:  # the session is closed, say
                self._say(str(error))

        button = widgets.Button(description=words, tooltip=tooltip, layout={"width": "auto"})
        button.on_click(clicked)
        return button

    def show(self) -> None:
        """Display the board and its record in the cell that runs."""
        Place(self)
        self.keep_in(Place(board_record(self._batch.snapshot, self._batch.title)))

    def keep_in(self, place: Place, _own: Place | None = None) -> None:
        """Keep the record in *place* from now on.

        A page that is opened without a kernel shows the record, below a line that says so.
        """
        self._place = place
        self._tracker.start()
        self.report(force=True)

    # From the tracker

    def report(self, _: BoardSnapshot | None = None, *, force: bool = False) -> None:
        """Something changed: called from the tracker's thread, written a few times a second.

        The rows are this batch's own; the tracker's snapshot holds only the newest ended ones.
        """
        soon = time.monotonic() - self._last < INTERVAL
        if soon and not force and not self._tracker.latest.finished:
            return
        mine = self._batch.snapshot
        with self._guard:
            self._last = time.monotonic()
            self._write(mine)
            if self._place is not None and (
                force or mine.finished or self._last - self._recorded >= RECORDED
            ):
                self._recorded = self._last
                self._place.put(board_record(mine, self._batch.title))

    def _write(self, mine: BoardSnapshot) -> None:
        self._rows.show(mine)
        self._offer()
        self._table.refresh()
        self._table.ended = news(mine)
        self._allow()
        if mine.finished and not self._batch.everything:
            self._leave()  # what is done with its rows is told to it

    def _offer(self) -> None:
        """Offer the states and vaults that there are, and to unfold what is folded."""
        rows = self._rows.snapshot.rows
        states = [ALL_STATES, NOT_DONE, *states_of(rows)]
        if self._state.value not in states:
            states.append(self._state.value)
        vaults = [("all vaults", ""), *((v, v) for v in sorted({row.vault for row in rows}))]
        if self._vault.value not in [value for _, value in vaults]:
            vaults.append((self._vault.value, self._vault.value))
        for box, options in ((self._state, states), (self._vault, vaults)):
            if list(box.options) != options:
                kept = box.value
                box.options = options
                box.value = kept
        count = self._rows.folding
        words = f"{'Hide' if self._fold.value else 'Show'} {count:,} finished"
        self._fold.description = words
        self._fold.layout.display = "" if count else "none"

    # From the page

    def _filter(self, _: object) -> None:
        with self._guard:
            asked = {
                "state": self._state.value,
                "vault": self._vault.value,
                "text": self._text.value.strip(),
                "unfolded": bool(self._fold.value),
            }
            if any(getattr(self._rows, name) != value for name, value in asked.items()):
                self._rows.look(**asked)
                self._offer()
                self._table.refresh()

    def _allow(self) -> None:
        """Let those buttons work that have something to do with what is selected."""
        picked = self._rows.picked
        archives = [row for row in picked if row.kind == "archive"]
        self._now.disabled = not any(row.state == "ready" for row in archives)
        self._folder.disabled = not any(row.file or row.target for row in archives)
        self._show_file.disabled = not any(row.file for row in archives)
        self._again.disabled = not any(row.ended for row in archives)
        self._forget.disabled = not any(row.ended for row in archives)
        self._check.disabled = self._rows.snapshot.finished and not self._batch.everything

    def _set_rate(self, change: dict[str, Any]) -> None:
        try:
            self._tracker.max_rate, words = parse_rate(change["new"].strip() or "none"), ""
        except ValueError as error:
            kept = rate_in_words(self._tracker.max_rate) or "no limit"
            words = f"{error}. The rate is as before: {kept}."
        self._rate_note.value = said(words)

    def _look(self) -> None:
        vaults = self._tracker.actions.vaults
        if self._batch.everything and vaults is not None:
            names = vaults
            self._work(lambda: self._tracker.refresh(names()), "Looking at all vaults …")
        self._tracker.wake()
        self._tracker.start()

    def _fetch(self) -> None:
        picked = [row for row in self._rows.picked if row.state == "ready"]
        others = [row for row in picked if not row.ours]
        begun = self._tracker.actions.fetch_now([row for row in picked if row.ours])
        if others:
            self._plan(others)
        else:
            self._say(f"{plural(begun, 'download')} begun; the others follow in their turn.")

    def _files(self) -> None:
        self._places({row.file: "file" for row in self._rows.picked if row.file})

    def _folders(self) -> None:
        places = [row.file or row.target for row in self._rows.picked]
        self._places({str(Path(place).parent): "folder" for place in places if place})

    def _places(self, places: Mapping[str, str]) -> None:
        """Show where things are: a kernel has no desktop to open a window on."""
        shown = "".join(f"<li>{link(path)}</li>" for path in list(places)[:20])
        more = f"<p>and {len(places) - 20:,} more</p>" if len(places) > 20 else ""
        output = widgets.Output()
        output.outputs = (
            {
                "output_type": "display_data",
                "metadata": {},
                "data": {"text/plain": "\n".join(places), "text/html": f"<ul>{shown}</ul>{more}"},
            },
        )
        self._area.children = [output]

    def _ask_again(self) -> None:
        self._plan([row for row in self._rows.picked if row.ended])

    def _plan(self, rows: list[Job]) -> None:
        again = self._tracker.actions.again
        if again is None:
            return
        self._work(lambda: view_of(again(rows)), "Making the plan …")

    def _forget_rows(self) -> None:
        count = self._tracker.actions.forget(self._rows.picked)
        self._say(f"{plural(count, 'row')} forgotten; the files are where they were.")
        self._tracker.start()
        self.report(force=True)

    def _work(self, work: Callable[[], object], words: str) -> None:
        """Do something that asks the service, beside the kernel; show the widget it gives."""
        self._say(words)

        def run() -> None:
            try:
                made = work()
            except Exception as error:  # a thread has nobody to raise to
                self._say(describe(error))
                return
            with self._guard:
                self._area.children = [made] if isinstance(made, widgets.Widget) else []
            with suppress(GlacierError):
                self.report(force=True)

        threading.Thread(target=run, name="glacier-plan", daemon=True).start()

    def _say(self, text: str) -> None:
        self._area.children = [widgets.HTML(f'<span role="status">{escape(text)}</span>')]

    def close(self) -> None:
        """Stop following the tracker, and take the board from the page."""
        self._leave()
        super().close()


def news(snapshot: BoardSnapshot) -> str:
    """Return what to tell once all that was asked for is there; "" until then."""
    if not snapshot.rows or not snapshot.finished:
        return ""
    good = not snapshot.count("failed", "expired")
    return f"{'Everything asked for is there' if good else 'Nothing more is to come'}. " + summary(snapshot)


def link(path: str) -> str:
    """Return a path, as a link where it is below the notebook's folder."""
    below = near(path)
    if below == path or below.startswith(".."):
        return f"<code>{escape(path)}</code>"
    return f'<a href="{escape(quote(below))}">{escape(below)}</a> <code>{escape(path)}</code>'
