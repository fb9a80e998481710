"""The explorer as a widget, which forwards the page's events to the explorer.

Its only state is the input that is not valid.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import ipywidgets as widgets
import traitlets

from ..base.rendering import visible
from ..catalogue.archives.where import WhereError
from ..errors import GlacierError, InputError, describe
from ..explore import Browser
from ..explore.explorer import dropped_in_words
from ..explore.filters import FACETS, Filter
from ..plans import Plan
from . import scenes
from .display import Place, Record, SavedPlace, shown, unfolding
from .explorer_rows import ExplorerRows
from .row_table import Table, source
from .view import View, in_background
from .views import view_of

CHECK = 1.0
"""Seconds between two looks at the catalogue while the page shows the explorer."""

ACTS = {
    "restore": ("Restore …", "Open the plan to restore the selection", "ge-main"),
    "recover": ("Recover …", "Open the plan to recover the selection", "ge-main"),
    "compare": ("Hash …", "Open the plan to hash local files and compare them", ""),
    "delete": ("Delete …", "Open the plan to delete the selection", "ge-danger"),
    "reload": ("Reload", "Read the catalogue again", ""),
}
"""The text, the title and the class of each button."""

SETTLE = 1.0  # seconds without a change before the record is written


class ExplorerPanel(Table):
    """The table with its folders, facets, pictures and buttons."""

    _esm = source("table.js", "explorer.js")
    _css = source("table.css", "explorer.css")
    looks = traitlets.Dict().tag(sync=True)
    scene = traitlets.Dict().tag(sync=True)
    tree = traitlets.Dict({"rows": [], "more": False, "sums": 0}).tag(sync=True)
    what = "explorer"

    def __init__(self, explorer: Browser, area: widgets.VBox) -> None:
        self._explorer, self._area = explorer, area
        self._errors: dict[str, str] = {}
        self._notice, self._busy, self._wrong = "", False, dict[str, str]()
        self._tiles: list[Any] = []
        self._shown = object()  # while a page shows the explorer, the same object
        super().__init__(
            ExplorerRows(explorer),
            label=f"{explorer.label} of {explorer.name}",
            height=18,
            looks={"growth": explorer.growth, "acts": [[act, *ACTS[act]] for act in explorer.actions]},
            scene=self._scene(),
            tree=self._tree(),
        )

    # From the page

    def _answer(self, message: Mapping[str, Any]) -> None:
        kind = message["kind"]
        if kind == "look":
            self._look({key: value for key, value in message.items() if key != "kind"})
        elif kind == "branches":
            in_background(self._send_branches, str(message["path"]))
        elif kind == "visible":
            self._shown = object()  # ends an earlier thread
            if message["visible"]:
                threading.Thread(
                    target=self._follow, args=(self._shown,), name="glacier-follow", daemon=True
                ).start()
        elif kind == "act":
            self._act(str(message["what"]))
        else:
            super()._answer(message)
            if kind == "select":
                self._notice = ""
                self.scene = self._scene()

    def _look(self, changes: Mapping[str, Any]) -> None:
        for name, value in changes.items():
            if name not in ("folder", "name", "where", *FACETS):  # what the page sends is not trusted
                raise KeyError(name)
            if value is None and name not in FACETS:  # None removes a facet; a box is emptied with ""
                raise ValueError(f"no {name}")
        wanted = {name: None if v is None else str(v) for name, v in changes.items()}
        for box in wanted:
            self._errors.pop(box, None)
            self._wrong.pop(box, None)
        try:
            self._explorer.look(**wanted)
        except (InputError, ValueError) as error:
            box = "where" if isinstance(error, WhereError) or "where" in wanted else "name"
            self._errors[box] = str(error)
            # Shown as typed: the filter in effect is the last valid one.
            self._wrong[box] = wanted.get(box) or ""
            self.scene = self._scene()

    def _act(self, what: str) -> None:
        explorer = self._explorer
        if what == "clear":
            self._errors, self._wrong = {}, {}
            explorer.look(**vars(Filter(sort=explorer.filter.sort)))  # clearing the filter keeps the order
        elif what == "reload" and what in explorer.actions:
            in_background(explorer.reload)
        elif what in explorer.actions:
            self._open(getattr(explorer, what))
        else:
            raise ValueError(what)

    # The catalogue

    def _follow(self, shown: object) -> None:
        """Read the catalogue again after each change of the vault, as long as a page shows it."""
        with suppress(GlacierError):  # the session is closed
            while self._shown is shown:
                began = time.monotonic()
                if self._explorer.outdated:
                    self._explorer.reload()
                # A long plan changes the vault again and again: reading takes a fifth of the time.
                time.sleep(max(CHECK, 4 * (time.monotonic() - began)))

    def close(self) -> None:
        """Remove the panel from the page."""
        self._shown = object()
        super().close()

    # Plans

    def _open(self, make: Callable[[], Plan[Any]]) -> None:
        if self._busy or self._wrong:  # with invalid input, the rows shown are not those of the filter
            return
        # A second plan would replace the first while it is read.
        self._busy, self._notice = True, "Making the plan …"
        self.scene = self._scene()
        in_background(self._plan, make)

    def _plan(self, make: Callable[[], Plan[Any]]) -> None:
        try:
            card, said = view_of(make()), "The plan is below."
        except Exception as error:  # in a thread, nothing else shows it
            card, said = None, describe(error)
        with self._guard:
            self._area.children = () if card is None else (card,)
            self._busy, self._notice = False, said
            self.scene = self._scene()

    # To the page

    def refresh(self) -> None:
        """Show the explorer's current answer; called from any thread."""
        with self._guard:
            super().refresh()
            self.tree = self._tree()
            self.scene = self._scene()

    def _page(self, start: int, stop: int) -> dict[str, Any]:
        # The page keeps its place while the version changes, but not the query.
        return {**super()._page(start, stop), "query": self._explorer.answer.query}

    def _scene(self) -> dict[str, Any]:
        asked = self._explorer.filter
        return {
            **scenes.scene(self._explorer),
            "tiles": self._tiling(),
            # Otherwise the box would lose what was typed.
            "filter": {"folder": asked.folder, "name": asked.name, "where": asked.where} | self._wrong,
            "errors": {box: visible(text) for box, text in self._errors.items()},
            # An order alone leaves nothing out.
            "filtered": replace(asked, sort="name") != Filter() or bool(self._wrong),
            "busy": self._busy or bool(self._wrong),
            "notice": visible(dropped_in_words(self._explorer.picked) or self._notice),
        }

    def _tiling(self) -> list[Any]:
        level = self._explorer.answer.folders.known(self._explorer.filter.folder)
        if level is not None:  # otherwise those of before, until it is read
            self._tiles = scenes.tiles(level, self._explorer.noun)
        return self._tiles

    def _tree(self) -> dict[str, Any]:
        """Return the top of the tree; the page asks for the other levels that it shows."""
        folders = self._explorer.answer.folders
        level = folders.known("")
        # As above; a trait is not there before the first value.
        return self.tree if level is None else scenes.tree(level, folders.number, self._explorer.noun)

    def _send_branches(self, path: str) -> None:
        folders = self._explorer.answer.folders
        with suppress(GlacierError):  # the session is closed
            level = folders.level(path)
            self.send(
                {"kind": "branches", "path": path, **scenes.tree(level, folders.number, self._explorer.noun)}
            )


class ExplorerView(View, widgets.VBox):  # type: ignore[misc]
    """The panel, and below it the plan that a button opened.

    :param settle: seconds without a change after which the record is written again.
    :param place: makes an output of the cell that runs, for the record.
    """

    what = "explorer"

    def __init__(
        self, explorer: Browser, *, settle: float = SETTLE, place: Callable[[Record], Place] = SavedPlace
    ) -> None:
        self._explorer, self._settle, self._new_place = explorer, settle, place
        self._area = widgets.VBox()
        self.panel = ExplorerPanel(explorer, self._area)
        self._place: Place | None = None
        self._due = 0.0
        # One thread may wait while one writes.
        self._waiting, self._writing = threading.Lock(), threading.Lock()
        super().__init__([self.panel, self._area])
        self._leave = explorer.watch(self._changed)  # last: from now on, other threads call _changed()

    def show(self) -> None:
        """Display the explorer and its record in the cell that runs."""
        shown(self)  # two outputs: a page without a kernel shows the second one
        self._place = self._new_place(_record(self._explorer))
        self._changed()

    def _changed(self) -> None:
        """Refresh the panel, and schedule the record; called from any thread."""
        self.panel.refresh()
        if self._place is None:
            return
        self._due = time.monotonic() + self._settle  # each change delays the thread that waits
        if self._waiting.acquire(blocking=False):
            in_background(self._write)

    def _write(self) -> None:
        """Write the record when nothing has changed for :data:`SETTLE`."""
        while (left := self._due - time.monotonic()) > 0:  # _due may have moved meanwhile
            time.sleep(left)
        self._waiting.release()  # a later change starts another thread, which waits for _writing
        with self._writing, suppress(GlacierError):  # the session is closed: the last record remains
            record = _record(self._explorer)
            if self._place is not None:
                self._place.put(record)

    def close(self) -> None:
        """Remove the explorer from the page."""
        self._leave()  # before the panel is closed, lest a background thread refreshes it
        self._explorer.close()
        self.panel.close()
        super().close()


def _record(explorer: Browser) -> Record:
    return unfolding(explorer._repr_text(), explorer._repr_html(), explorer.title)
