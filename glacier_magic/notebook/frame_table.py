"""A DataFrame as a virtual table, in the place of its record."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anywidget

from ..base.columns import BYTES, cell, exact
from ..base.units import human_bytes, plural
from .frame_cells import FrameColumn, cells_of, columns_of, counted, main_of, values_of
from .row_table import Column, Table, TableRow, source

if TYPE_CHECKING:
    import pandas as pd

COPIED = 50_000
"""The most rows that are copied at a time: the page holds the whole text."""
SAMPLE = 200
"""Rows that the widths of the columns are measured on."""
NAME = 13.0
"""The least width of a name, in em."""
EM = 13  # pixels: the size of the table's font


class FrameRows:
    """The rows of a DataFrame, their order and the selection.

    Later changes of the DataFrame's rows or columns do not change these.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        import numpy as np

        self._frame = frame.copy(deep=False)
        self._shown = columns_of(frame)
        self.columns: Sequence[Column] = _laid_out(self._frame, self._shown)
        self.version, self.sort = 1, ""
        self._order = np.arange(len(frame))
        self._picked = np.zeros(len(frame), dtype=bool)

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self._frame)

    @property
    def words(self) -> str:
        """The number of rows, and the number and size of the selected ones."""
        picked = int(self._picked.sum())
        if not picked:
            return counted(self._frame)
        words = f"{counted(self._frame)} · {picked:,} selected"
        if not {"archive_id", "size"} <= set(self._frame.columns):
            return words
        size: Any = self._frame["size"].loc[self._picked].sum()
        return f"{words}, {human_bytes(size)}"

    def rows(self, start: int, stop: int) -> list[TableRow]:
        """Return rows as formatted text, with the exact values as titles."""
        places = self._order[start:stop]
        rows = values_of(self._frame, places.tolist())
        return [
            TableRow(
                cells_of(self._shown, values),
                [exact(values[column.place]) for column in self._shown],
                bool(picked),
            )
            for values, picked in zip(rows, self._picked[places], strict=True)
        ]

    def order(self, sort: str) -> None:
        """Sort by another column; missing values are last."""
        place = int(sort.removeprefix("-"))
        import pandas as pd

        column = pd.Series(self._frame.iloc[:, place].array)  # its index is the position
        down = sort.startswith("-")
        try:
            ordered = column.sort_values(ascending=not down, kind="stable")
        except TypeError:  # values of several types
            ordered = column.astype("str").sort_values(ascending=not down, kind="stable")
        self._order = ordered.index.to_numpy()
        self.sort = sort
        self.version += 1

    def select(self, how: str, start: int, stop: int) -> None:
        """Change the selection: see :class:`.row_table.Rows`."""
        places = self._order[start:stop]
        if how == "toggle":
            self._picked[places[:1]] ^= True
        elif how in ("only", "add", "all", "none"):
            if how != "add":
                self._picked[:] = how == "all"
            if how in ("only", "add"):
                self._picked[places] = True
        else:
            raise ValueError(how)

    def copied(self) -> tuple[int, str]:
        """Return the number of selected rows, or of all if none is, and their exact values.

        The text has a line of column names, and tabs between the values.
        """
        places = self._order[self._picked[self._order]] if self._picked.any() else self._order
        if len(places) > COPIED:
            return len(places), ""
        text = io.StringIO()
        writer = csv.writer(text, dialect="excel-tab", lineterminator="\n")
        writer.writerow(self._frame.columns)
        writer.writerows([exact(value) for value in row] for row in values_of(self._frame, places.tolist()))
        return len(places), text.getvalue()


def _laid_out(frame: pd.DataFrame, shown: Sequence[FrameColumn]) -> list[Column]:
    sample = [cells_of(shown, values) for values in values_of(frame, range(min(len(frame), SAMPLE)))]
    main, room = main_of(shown), 40.0  # pixels: the box that selects a row, and the scroll bar
    columns: list[Column] = []
    for column, *texts in zip(shown, *sample, strict=True):
        below = _widest(frame, column) if len(frame) > SAMPLE else ""
        longest = max(len(text) for text in (f"{column.label}  ", *texts, below))
        flexible = column is main or (longest > 24 and not column.number)
        least = NAME if column is main else NAME / 2
        em = least if flexible else round(min(longest, 30) * 0.58 + 2, 1)
        share = min(longest, 60) * (2 if column is main else 1)  # of the room that is left
        room += 0 if column.detail else em * EM
        columns.append(
            Column(
                key=str(column.place),
                label=column.label,
                width=f"minmax({em}em, {share}fr)" if flexible else f"{em}em",
                number=column.number,
                down=column.number,
                # Those that the page has no room for are left out, from the right.
                wide=0 if column is main or len(columns) < 2 else int(room),
                detail=column.detail,
            )
        )
    return columns


def _widest(frame: pd.DataFrame, column: FrameColumn) -> str:
    """Return a cell as wide as those below the sample."""
    values = frame.iloc[:, column.place]
    if column.name in BYTES:
        return "1,023 KiB"
    if column.time:
        return "" if values.isna().all() else f"20 Mar 2019 17:03 {max(time.tzname, key=len)}"
    return cell(column.name, values.max()) if values.dtype.kind in "iuf" else ""


class FrameTable(Table):
    """A DataFrame as a table that can be sorted, selected and copied."""

    _esm = source("table.js", "frame.js")
    _css = source("table.css", "frame.css")

    def __init__(self, frame: pd.DataFrame) -> None:
        self._rows: FrameRows
        super().__init__(FrameRows(frame), label=counted(frame), height=min(len(frame), 14))

    def _answer(self, message: Mapping[str, Any]) -> None:
        if message["kind"] != "copy":
            super()._answer(message)
            return
        count, text = self._rows.copied()
        if text:
            self.send({"kind": "copied", "text": text, "words": f"{plural(count, 'row')} copied"})
        else:
            self.say(f"{count:,} rows are too many to copy: select up to {COPIED:,}, or use to_csv().")


class FramePlaces(anywidget.AnyWidget):
    """The tables of a kernel, made when a live page has a place for them.

    An output has HTML only, which every page shows and a saved notebook keeps.  In a live page, the
    script of this widget, which has no view of its own, replaces it by the table.
    """

    _esm = source("frame_places.js")

    def __init__(self) -> None:
        self._frames: dict[str, pd.DataFrame] = {}
        self._tables: dict[str, FrameTable] = {}
        super().__init__()
        self.on_msg(self._heard)

    def add(self, token: str, frame: pd.DataFrame) -> None:
        """Show *frame* in the place that *token* identifies."""
        self._frames[token] = frame.copy(deep=False)

    def _heard(self, _: object, message: Mapping[str, Any], __: object) -> None:
        token = str(message.get("token"))
        if token not in self._frames:  # of another kernel: the page asks all of them
            return
        if token not in self._tables:
            self._tables[token] = FrameTable(self._frames[token])
        self.send({"kind": "opened", "token": token, "model": self._tables[token].model_id})

    def close(self) -> None:
        """Close the tables."""
        for table in self._tables.values():
            table.close()
        super().close()
