"""The explorer as a widget: what happens in the page, told to the explorer of the core.

It holds no state of its own but what is being typed wrongly.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import ipywidgets as widgets
import traitlets

from ..catalogue.browse import Branch
from ..catalogue.where import WhereError
from ..errors import GlacierError, InputError
from ..explore import Explorer
from ..explore.explorer import cells, selected_in_words
from ..explore.filters import FACETS, Filter, choices, total
from ..explore.treemap import treemap
from ..plans import Plan
from ..rendering import escape, visible
from ..units import from_ms, human_bytes, plural
from .card import PlanCard
from .display import Place, Record
from .table import Column, Row, Table, source

BRANCHES = 200
"""Folders of one folder that the tree shows; the others are smaller."""

TILES = 24
SETTLE = 1.0  # seconds without a change after which the record is written anew

COLUMNS = (
    Column(key="name", label="name", width="minmax(10em, 1fr)"),
    Column(key="size", label="size", width="5.8em", number=True, down=True),
    Column(key="created", label="created", width="13.4em"),
    Column(key="state", label="state", width="5.6em"),
    Column(key="format", label="format", width="8em", wide=True),
)


class ExplorerRows:
    """An explorer's answer, as the rows of a table."""

    columns: Sequence[Column] = COLUMNS

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer

    @property
    def version(self) -> int:
        """Which answer it is."""
        return self._explorer.answer.version

    @property
    def count(self) -> int | None:
        """How many rows it has."""
        return self._explorer.answer.count

    @property
    def sort(self) -> str:
        """What it is sorted by."""
        return self._explorer.filter.sort

    @property
    def words(self) -> str:
        """How much there is, and how much is selected."""
        count = self.count
        there = "counting …" if count is None else plural(count, "archive")
        return " · ".join(filter(None, [there, selected_in_words(self._explorer.picked)]))

    def rows(self, start: int, stop: int) -> list[Row]:
        """Return rows in words, with the exact values as titles."""
        explorer = self._explorer
        found = explorer.rows(start, stop)
        held = explorer.picked.held(explorer.answer, [number for number, _ in found])
        return [
            Row(cells(record, explorer.filter.folder), _titles(record), number in held)
            for number, record in found
        ]

    def order(self, sort: str) -> None:
        """Sort by another column."""
        self._explorer.look(sort=sort)

    def select(self, how: str, start: int, stop: int) -> None:
        """Change the selection: see :class:`.table.Rows`."""
        picked, answer = self._explorer.picked, self._explorer.answer
        if how == "none":
            picked.clear()
        elif how == "all":
            picked.all_of(answer)
        elif how == "toggle":
            for row in answer.ids(start, start + 1):
                picked.toggle(answer, row)
        elif how in ("only", "add"):
            picked.pick(answer, answer.ids(start, stop), add=how == "add")
        else:
            raise ValueError(how)


def _titles(record: Any) -> tuple[str, ...]:
    size = "unknown" if record.size is None else plural(record.size, "byte")
    decoded = "not decoded" if record.format == "none" else f"decoded as {record.format}"
    return (
        f"{record.name}\nid {record.archive_id}\ntree hash {record.tree_hash or 'unknown'}",
        size,
        _moment(record.created),
        _state(record),
        f"{decoded}; modified {_moment(record.mtime)}",
    )


def _moment(milliseconds: int | None) -> str:
    moment = from_ms(milliseconds)
    if moment is None:
        return "unknown"
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S %Z} ({moment:%Y-%m-%dT%H:%M:%SZ})"


def _state(record: Any) -> str:
    seen = f", last in the inventory of {_moment(record.seen)}" if record.seen else ""
    return f"{record.state}{seen}"


class ExplorerPanel(Table):
    """The table with its folders, facets, pictures and buttons."""

    _esm = source("table.js", "explorer.js")
    _css = source("table.css", "explorer.css")
    scene = traitlets.Dict().tag(sync=True)
    tree = traitlets.Dict().tag(sync=True)
    what = "explorer"

    def __init__(self, explorer: Explorer, area: widgets.VBox) -> None:
        self._explorer, self._area = explorer, area
        self._errors: dict[str, str] = {}
        self._notice, self._busy, self._wrong = "", False, dict[str, str]()
        self._tiles: tuple[object, list[Any]] = (None, [])
        super().__init__(
            ExplorerRows(explorer), label=f"Archives of {explorer.vault.name}",
            height=18, scene=self._scene(), tree=self._branches(""),
        )  # fmt: skip

    # From the page

    def _answer(self, message: Mapping[str, Any]) -> None:
        kind = message["kind"]
        if kind == "look":
            self._look({key: value for key, value in message.items() if key != "kind"})
        elif kind == "branches":
            path = str(message["path"])
            self.send({"kind": "branches", "path": path, **self._branches(path)})
        elif kind == "act":
            self._act(str(message["what"]))
        else:
            super()._answer(message)
            if kind == "select":
                self._notice = ""
                self.scene = self._scene()

    def _look(self, changes: Mapping[str, Any]) -> None:
        for name, value in changes.items():
            if name not in ("folder", "name", "where", *FACETS):
                raise KeyError(name)
            if value is None and name not in FACETS:
                raise ValueError(f"no {name}")
        wanted = {name: None if v is None else str(v) for name, v in changes.items()}
        typed = {**self._wrong, **wanted}
        self._errors, self._wrong = {}, {}
        try:
            self._explorer.look(**typed)
        except (InputError, ValueError) as error:
            box = "where" if isinstance(error, WhereError) or "where" in changes else "name"
            self._errors = {box: str(error)}
            self._wrong = {box: str(typed.get(box) or "")}
            self.scene = self._scene()

    def _act(self, what: str) -> None:
        explorer = self._explorer
        if what == "clear":
            self._errors, self._wrong = {}, {}
            explorer.look(**vars(Filter(sort=explorer.filter.sort)))
        elif what == "reload":
            explorer.reload()
            self.tree = self._branches("")
        elif what in ("restore", "remove", "compare"):
            self._open(getattr(explorer, what))
        else:
            raise ValueError(what)

    # Plans

    def _open(self, plan: Any) -> None:
        if self._busy:
            return
        self._busy, self._notice = True, "Making the plan …"
        self.scene = self._scene()
        threading.Thread(target=self._plan, args=(plan,), name="glacier-plan", daemon=True).start()

    def _plan(self, make: Any) -> None:
        try:
            made: Plan[Any] = make()
            card, said = PlanCard(made), "The plan is below."
        except GlacierError as error:
            card, said = None, f"{type(error).__name__}: {error}"
        except Exception as error:  # a thread has nobody to raise to
            card, said = None, f"{type(error).__name__}: {error}"
        with self._guard:
            self._area.children = () if card is None else (card,)
            self._busy, self._notice = False, said
            self.scene = self._scene()

    # To the page

    def refresh(self) -> None:
        """Show what the explorer has now: from any thread."""
        with self._guard:
            super().refresh()
            self.scene = self._scene()

    def _scene(self) -> dict[str, Any]:
        explorer, asked = self._explorer, self._explorer.filter
        cube = explorer.answer.cube
        facets = {} if cube is None else {f: choices(cube, asked, f) for f in FACETS}
        sums = None if cube is None else total(cube, asked)
        return {
            "crumbs": _crumbs(explorer.vault.name, asked.folder),
            "totals": "" if sums is None else f"{plural(sums[0], 'archive')}, "
                      f"{human_bytes(sums[1])}",
            "tiles": self._tiling(),
            "years": [_choice(c) for c in facets.get("year", ())],
            "facets": [
                {"facet": f, "label": f, "choices": [_choice(c) for c in facets[f][:12]]}
                for f in ("size", "format", "state") if f in facets
            ],
            "filter": {"folder": asked.folder, "name": asked.name, "where": asked.where}
                      | self._wrong,
            "errors": {box: visible(text) for box, text in self._errors.items()},
            "filtered": replace(asked, sort="name") != Filter() or bool(self._wrong),
            "chosen": bool(explorer.picked.count),
            "busy": self._busy,
            "notice": visible(self._notice),
            "footer": f"{explorer.as_of} In the next cell: explorer = _; explorer.selection and "
                      "explorer.view are DataFrames.",
        }  # fmt: skip

    def _tiling(self) -> list[Any]:
        answer = self._explorer.answer
        key = (answer.listing.as_of, self._explorer.filter.folder, answer.cube is None)
        if key != self._tiles[0]:
            self._tiles = (key, _tiled(self._explorer))
        return self._tiles[1]

    def _branches(self, path: str) -> dict[str, Any]:
        found, more = self._explorer.folders(path, BRANCHES)
        return {"rows": [_branch(branch) for branch in found], "more": more}


def _crumbs(vault: str, folder: str) -> list[list[str]]:
    found, place = [["", visible(vault)]], 0
    while place < len(folder):
        end = folder.index("/", place) + 1 if "/" in folder[place:] else len(folder)
        found.append([folder[:end], visible(folder[place:end].rstrip("/"))[:80] or "/"])
        place = end
    return found


def _label(path: str) -> str:
    return visible(path.rstrip("/").rpartition("/")[2])[:80] or "/"


def _figures(branch: Branch) -> str:
    size = f"{human_bytes(branch.bytes)} ({branch.bytes:,} bytes)"
    return f"{visible(branch.path)[:1000]}: {plural(branch.archives, 'archive')}, {size}"


def _branch(branch: Branch) -> list[Any]:
    return [branch.path, _label(branch.path), human_bytes(branch.bytes), _figures(branch),
            branch.deeper]  # fmt: skip


def _choice(choice: Any) -> dict[str, Any]:
    return {
        "value": choice.value, "label": visible(choice.label)[:60], "archives": choice.archives,
        "bytes": choice.bytes, "short": f"{choice.archives:,}", "chosen": choice.chosen,
        "words": visible(choice.words),
    }  # fmt: skip


def _tiled(explorer: Explorer) -> list[Any]:
    """Return the treemap of the folder that is looked at, and of what lies beside its folders."""
    folder = explorer.filter.folder
    whole = next(iter(explorer.du(folder, 0)), None)
    found, _ = explorer.folders(folder, TILES)
    if whole is None or not whole.bytes:
        return []
    parts: list[tuple[int, str | None, str, str]] = [
        (b.bytes, b.path, _label(b.path), _figures(b)) for b in found if b.bytes
    ]
    rest = whole.bytes - sum(size for size, *_ in parts)
    if rest > 0:
        label = "the rest" if parts else "archives here"
        parts.append((rest, None, label, f"{label}: {human_bytes(rest)} ({rest:,} bytes)"))
    parts.sort(key=lambda part: -part[0])
    tiles = treemap([size for size, *_ in parts])
    return [
        [*(round(number, 5) for number in tile), path, label, human_bytes(size),
         f"{title}, {size / whole.bytes:.0%}"]
        for tile, (size, path, label, title) in zip(tiles, parts, strict=True)
    ]  # fmt: skip


class ExplorerView(widgets.VBox):  # type: ignore[misc]
    """The panel, and below it the plan that one of its buttons opened."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._area = widgets.VBox()
        self.panel = ExplorerPanel(explorer, self._area)
        self._place: Place | None = None
        self._due = 0.0
        self._waiting = threading.Lock()
        super().__init__([self.panel, self._area])
        self._leave = explorer.watch(self._changed)

    def show(self) -> None:
        """Display the explorer and its record in the cell that runs."""
        Place(self)
        self._place = Place(_record(self._explorer))
        self._changed()

    def _changed(self) -> None:
        """Something changed: called from any thread."""
        self.panel.refresh()
        if self._place is None:
            return
        self._due = time.monotonic() + SETTLE
        if self._waiting.acquire(blocking=False):
            threading.Thread(target=self._write, name="glacier-record", daemon=True).start()

    def _write(self) -> None:
        """Write the record once nothing has changed for a moment."""
        try:
            while (left := self._due - time.monotonic()) > 0:
                time.sleep(left)
            record = _record(self._explorer)
        except GlacierError:  # the session was closed: the record stays as it was
            return
        finally:
            self._waiting.release()
        if self._place is not None:
            self._place.put(record)

    def close(self) -> None:
        """Take the explorer from the page."""
        self._leave()
        self._explorer.close()
        self.panel.close()
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            from .display import in_a_live_notebook  # noqa: PLC0415

            data.update(in_a_live_notebook("explorer")._repr_mimebundle_())
        return bundle


def _record(explorer: Explorer) -> Record:
    title = f"Kept in the saved notebook: {explorer.title}"
    html = f"<details><summary>{escape(title)}</summary>{explorer._repr_html()}</details>"
    return Record(explorer._repr_text(), html)
