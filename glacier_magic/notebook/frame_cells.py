"""The columns and values of a DataFrame as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..base.columns import NUMBERS, cell, details_of, label
from ..base.dataframes import MARK
from ..base.rendering import visible
from ..base.tables import empty_columns, python_value
from ..base.units import plural

if TYPE_CHECKING:
    import pandas as pd

SCREENS = 500
"""The most rows that are read one by one: for several, pandas joins all pieces of a column of text."""


@dataclass(frozen=True, kw_only=True)
class FrameColumn:
    """A column by its position.

    :param detail: it is hidden until the user asks for more columns.
    """

    place: int
    name: str
    label: str
    number: bool
    time: bool
    detail: bool


def is_shown(frame: pd.DataFrame) -> bool:
    """Return whether *frame* is one of this package whose index means nothing.

    Groups, descriptions and transposed tables keep ``attrs``; their index has the names of their rows.
    """
    names = list(frame.columns)
    return (
        bool(frame.attrs.get(MARK))
        and 0 < len(names) == len(set(names))
        and all(isinstance(name, str) for name in names)
        and frame.index.names == [None]
        and frame.index.dtype.kind in "iu"
    )


def columns_of(frame: pd.DataFrame) -> list[FrameColumn]:
    """Return the columns of a DataFrame in its order, but details last."""
    names = list(frame.columns)
    archives = "archive_id" in names
    details, empty = details_of(names), empty_columns(frame)
    found = [
        FrameColumn(
            place=place,
            name=name,
            label=visible(label(name, archives=archives)),
            number=name in NUMBERS or _is_number(frame.iloc[:, place]),
            time=frame.dtypes.iloc[place].kind == "M",
            detail=name in details,
        )
        for place, name in enumerate(names)
        if name in details or name not in empty
    ]
    return sorted(found, key=lambda column: column.detail)


def _is_number(column: pd.Series[Any]) -> bool:
    import pandas as pd

    if column.dtype == object:
        return all(isinstance(value, int | float | Decimal) for value in column.iloc[:20])
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def values_of(frame: pd.DataFrame, rows: Sequence[int]) -> list[tuple[Any, ...]]:
    """Return the values of the rows at the positions *rows*; None for a missing one."""
    columns = []
    for place in range(frame.shape[1]):  # by position: names may be repeated
        column = frame.iloc[:, place]
        few = len(rows) <= SCREENS
        found = [column.array[row] for row in rows] if few else column.iloc[list(rows)].tolist()
        columns.append([python_value(value) for value in found])
    return list(zip(*columns, strict=True))


def cells_of(columns: Sequence[FrameColumn], values: Sequence[Any]) -> list[str]:
    """Return the cells of one row."""
    return [cell(column.name, values[column.place]) for column in columns]


def main_of(columns: Sequence[FrameColumn]) -> FrameColumn:
    """Return the column that gets the room: the name or path, or else the first text."""
    texts = [column for column in columns if not (column.number or column.time)]
    named = [column for column in texts if column.name in ("name", "path")]
    return next(iter(named or texts or columns))


def counted(frame: pd.DataFrame) -> str:
    """Return ``20,000 archives`` or, of other things, ``3 rows``."""
    return plural(len(frame), "archive" if "archive_id" in frame.columns else "row")
