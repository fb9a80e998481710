"""The first rows of a DataFrame as text and as HTML: for terminals, and for saved notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..base.rendering import escape, html_table
from ..base.table_text import TextTable
from ..base.tables import ExactTable
from .display import Record, note
from .frame_cells import FrameColumn, cells_of, columns_of, counted, main_of, values_of

if TYPE_CHECKING:
    import pandas as pd

ROWS = 10
"""Rows of a saved table; one of a few more is saved in full."""


def record(frame: pd.DataFrame, *, rows: int = ROWS, width: int = 100, token: str = "") -> Record:
    """Return the first rows of *frame*.

    :param width: the most characters of a line of the text.
    :param token: identifies the place that a live page replaces by the whole table.
    """
    if not len(frame):
        return note(f"No {counted(frame).partition(' ')[2]}.")
    count = len(frame) if len(frame) <= rows + 4 else rows
    columns = [column for column in columns_of(frame) if not column.detail]
    cells = [cells_of(columns, values) for values in values_of(frame, range(count))]
    more = f"and {len(frame) - count:,} more" if count < len(frame) else ""
    return Record(_text(frame, columns, count, width, more), _html(columns, cells, token, more))


def _html(columns: Sequence[FrameColumn], cells: Sequence[Sequence[str]], token: str, more: str) -> str:
    long = [columns.index(main_of(columns))]
    numbers = [place for place, column in enumerate(columns) if column.number]
    table = html_table([column.label for column in columns], cells, numbers, long)
    foot = f'<p class="glacier-note">{escape(more)}</p>' if more else ""
    return f'<div class="glacier-frame" data-frame="{token}" style="overflow-x:auto">{table}{foot}</div>'


def _text(frame: pd.DataFrame, columns: Sequence[FrameColumn], count: int, width: int, more: str) -> str:
    table = ExactTable.of(frame.iloc[:count]).selected([column.name for column in columns])
    return "\n".join([*TextTable(table, width=width), *([more] if more else [])])
