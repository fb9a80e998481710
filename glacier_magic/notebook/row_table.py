"""A virtual table: the page holds the visible rows only.

The page requests rows by position.  They carry the version of the answer, so that the page drops
those that arrive late.  Sorting, filtering and the selection are the provider's: see :class:`Rows`.
``table.js``, an ES module without dependencies, draws the table.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import anywidget
import traitlets

from ..base.rendering import visible
from ..errors import GlacierError
from .view import View

MOST = 500
"""The most rows in one message."""

FEW = 12
"""The most changed rows that are sent instead of all: they are sent with each change until all are."""

LONGEST = 240
"""The most characters of a cell; its title has more."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table.

    :param width: a CSS grid track; ``fit-content(120px)`` is as wide as the widest text so far, and at
        most so many pixels.
    :param down: whether the first click sorts the largest first.
    :param detail: hide the column until the user asks for more columns.
    :param wide: hide the column in tables narrower than this, in pixels.  A table with columns that fit
        their content hides those with the largest number first, while there is no room.
    :param under: the column under whose text this one's is shown while it is hidden, in tables of two
        lines a row.
    :param words: the text there; ``{}`` is that of the cell.
    :param icon: whether the row's icon precedes the text.
    :param bar: whether the row's progress bar is below the text.
    """

    key: str
    label: str
    width: str = "minmax(6em, 1fr)"
    number: bool = False
    sortable: bool = True
    down: bool = False
    wide: int = 0
    detail: bool = False
    under: str = ""
    words: str = "{}"
    icon: bool = False
    bar: bool = False


@dataclass(frozen=True)
class TableRow:
    """A row: the text of each cell, and its title on hover if that says more.

    :param icon: a character for the column with an icon.
    :param tone: the kind of the icon: ``good``, ``bad``, ``busy`` or ``""``.
    :param done: what the progress bar shows, from 0 to 1; None for no bar.
    :param note: a text below the first cell, in tables of two lines a row.
    """

    cells: Sequence[str]
    titles: Sequence[str] = ()
    selected: bool = False
    icon: str = ""
    tone: str = ""
    done: float | None = None
    note: str = ""


class Rows(Protocol):
    """The provider of a table's rows.  The table calls it from one thread at a time."""

    columns: Sequence[Column]

    @property
    def version(self) -> int:
        """A number that grows with each answer; the page drops rows of other versions."""

    @property
    def count(self) -> int | None:
        """The number of rows; None while it is not known."""

    @property
    def sort(self) -> str:
        """The column that the rows are sorted by, preceded by ``-`` if descending."""

    @property
    def words(self) -> str:
        """A summary of the rows and the selection."""

    def rows(self, start: int, stop: int) -> Sequence[TableRow]:
        """Return the rows from *start*, up to but not including *stop*."""

    def order(self, sort: str) -> None:
        """Sort by another column."""

    def select(self, how: str, start: int, stop: int) -> None:
        """Change the selection.

        :param how: ``only`` the rows from *start* up to *stop*; ``add`` them; ``toggle`` the row at
            *start*; ``all`` rows; ``none``.
        """


def source(*names: str) -> str:
    """Return scripts or style sheets of this folder, joined, without indentation and comments.

    The first table of a page sends them.
    """
    texts = [(Path(__file__).parent / name).read_text("utf-8") for name in names]
    joined = "\n".join(text.replace(_EXPORT, "") for text in texts[:-1]) + texts[-1]
    # Shorter: a kernel far away sends them to the page.
    short = re.sub(r"^\s+(?://.*)?|^//.*| +// .*$", "", joined, flags=re.MULTILINE)
    return re.sub(r" *([{};,]) *|(:) +", r"\1\2", short) if names[0].endswith(".css") else short


_EXPORT = "export default { render: table };"  # of table.js: a joined module has one default export


class Table(View, anywidget.AnyWidget):
    """A virtual table of *rows*.

    :param label: the name for screen readers.
    :param height: the number of visible rows.
    :param line: the height of a row in pixels; from 40 on, a cell has two lines.
    :param nothing: the text of a table without rows.
    """

    _esm = source("table.js")
    _css = source("table.css")
    columns: Any = traitlets.List().tag(sync=True)
    page = traitlets.Dict().tag(sync=True)
    moved = traitlets.Dict().tag(sync=True)
    totals = traitlets.Dict().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    height = traitlets.Int(14).tag(sync=True)
    line = traitlets.Int(28).tag(sync=True)
    more = traitlets.Bool(False).tag(sync=True)
    nothing = traitlets.Unicode("Nothing matches.").tag(sync=True)
    what = "table"

    def __init__(self, rows: Rows, *, label: str, height: int = 14, **more: Any) -> None:
        # Reentrant: what the page asks for may refresh the table.
        self._rows, self._guard = rows, threading.RLock()
        columns = [asdict(column) for column in rows.columns]
        first = self._page(0, height + 2)  # sent with the widget: the page shows rows before it can ask
        totals = self._totals()
        super().__init__(columns=columns, label=label, height=height, page=first, totals=totals, **more)
        self.on_msg(self._heard)

    def refresh(self) -> None:
        """Send the provider's current rows; called from any thread."""
        with self._guard:
            # After another answer the old place means nothing.
            same = self.page["version"] == self._rows.version
            start = self.page["start"] if same else 0
            self._put(self._page(start, start + self.height + 2))

    def _put(self, page: dict[str, Any]) -> None:
        """Send a page: where it is the same but for a few rows, what has changed in these."""
        moved = None
        if page | {"rows": ()} == self.page | {"rows": ()}:
            moved = few_changes(self.page["rows"], page["rows"])
        with self.hold_sync():  # one message, with the changed traits only
            if moved is None:
                self.page = page
            self.moved = {
                place: _patch(self.page["rows"][int(place)], row) for place, row in (moved or {}).items()
            }
            self.totals = self._totals()

    def _page(self, start: int, stop: int) -> dict[str, Any]:
        version = self._rows.version  # first: old rows with a new version would stay on the page
        return {
            "version": version,
            "start": start,
            # Whatever the page asks for.
            "rows": [_sent(row) for row in self._rows.rows(start, min(stop, start + MOST))],
            "sort": self._rows.sort,
        }

    def _totals(self) -> dict[str, Any]:
        return {"count": self._rows.count, "words": visible(self._rows.words)}

    def _send_rows(self, start: int, stop: int) -> None:
        self.send({"kind": "rows", **self._page(start, stop), **self._totals()})

    def _heard(self, _: object, message: Mapping[str, Any], __: object) -> None:
        """Answer a message of the page; an invalid one is answered with an error."""
        try:
            with self._guard:
                self._answer(message)
        except GlacierError as error:
            self.say(str(error))
        except (KeyError, TypeError, ValueError) as error:
            self.say(f"The page sent an invalid request: {error!r}")

    def _answer(self, message: Mapping[str, Any]) -> None:
        kind = message["kind"]
        if kind == "rows":
            self._send_rows(*_span(message["start"], message["stop"]))
        elif kind == "sort":
            self._rows.order(str(message["sort"]))
            self.refresh()
        elif kind == "select":
            if message["version"] == self._rows.version:  # otherwise its row numbers mean other rows
                self._rows.select(str(message["how"]), *_span(message["start"], message["stop"]))
            self._send_rows(*_span(*message["sight"]))  # if ignored, too: it brings the new version
        else:
            raise ValueError(kind)

    def say(self, text: str) -> None:
        """Show a message in the status line until the next change."""
        self.send({"kind": "said", "words": visible(text)})


def few_changes(before: Sequence[Any], rows: Sequence[Any]) -> dict[str, Any] | None:
    """Return the rows that are not as *before*, by place; None if all are to be sent again."""
    if len(before) != len(rows):
        return None
    pairs = zip(before, rows, strict=True)
    changed = {str(place): row for place, (old, row) in enumerate(pairs) if old != row}
    return changed if len(changed) <= FEW else None


def _patch(before: list[Any], row: list[Any]) -> list[Any]:
    """Return a row as sent, with those cells and titles alone that differ, by column."""
    texts = [
        {str(column): text for column, text in enumerate(new) if text != old[column]}
        for old, new in zip(before[:2], row[:2], strict=True)
    ]
    return [*texts, *row[2:]]


def _span(start: Any, stop: Any) -> tuple[int, int]:
    first, last = int(start), int(stop)  # raises what _heard() answers with an error
    if not 0 <= first <= last:
        raise ValueError(f"rows {first} to {last}")
    return first, last


def _sent(row: TableRow) -> list[Any]:
    """Return a row in the form of the page: cells, titles, whether it is selected, and its looks."""
    # Cut before and after: an escape sequence is longer than its character.
    cells = [visible(cell[: LONGEST * 2])[:LONGEST] for cell in row.cells]
    titles = [visible(title[:2000]) for title in row.titles]
    looks = {"icon": row.icon, "tone": row.tone, "done": row.done, "note": visible(row.note[:LONGEST])}
    some = {name: look for name, look in looks.items() if look not in ("", None)}
    return [cells, titles, int(row.selected), *([some] if some else [])]
