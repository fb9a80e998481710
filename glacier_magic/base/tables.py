"""Tables of exact values, read a batch of rows at a time, and their forms for programs: JSON and CSV.

A shell lists archives without pandas, whose import takes longer than the listing.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, LocalError
from .columns import SPARSE, details_of

if TYPE_CHECKING:
    import pandas as pd

Row = Sequence[Any]

PIECE = 10_000
"""Rows of a DataFrame that are Python objects at a time."""


@dataclass(frozen=True)
class ExactTable:
    """Rows of exact values: text, numbers, aware times, None.

    :param rows: batches of rows, which can be read once.
    :param frame: makes the same table as a DataFrame.
    :param attrs: facts about the table, as in the ``attrs`` of the DataFrame.
    :param empty: columns that are left out, as no row has a value.
    :param note: returns a sentence about the table from those facts and the number of rows.
    """

    columns: Sequence[str]
    rows: Iterable[Sequence[Row]]
    frame: Callable[[], pd.DataFrame]
    attrs: Mapping[Any, Any] = field(default_factory=dict)
    empty: Sequence[str] = ()
    note: Callable[[Mapping[Any, Any], int], str] = lambda _attrs, _count: ""

    @classmethod
    def of(cls, frame: pd.DataFrame) -> ExactTable:
        """Return the table of a DataFrame."""
        names = [str(name) for name in frame.columns]
        return cls(names, _pieces(frame), lambda: frame, empty=empty_columns(frame))

    def selected(self, names: Sequence[str]) -> ExactTable:
        """Return the table with these columns only.

        :raises InputError: a column does not exist.
        """
        for name in names:
            if name not in self.columns:
                raise InputError(
                    f"There is no column {name!r:.80}", cure=f"Columns: {', '.join(self.columns)}"
                )
        names = list(dict.fromkeys(names))  # once: JSON has one value for a name
        places = [self.columns.index(name) for name in names]
        rows = ([[row[place] for place in places] for row in piece] for piece in self.rows)
        return ExactTable(list(names), rows, lambda: self.frame()[list(names)], self.attrs, note=self.note)

    def records(self) -> list[dict[str, Any]]:
        """Return each row with the names of its values."""
        return [dict(zip(self.columns, row, strict=True)) for row in chain.from_iterable(self.rows)]

    @property
    def short(self) -> Sequence[str]:
        """The columns that a shell shows unless more are asked for."""
        details = details_of(self.columns)
        shown = [name for name in self.columns if name not in details and name not in self.empty]
        # The beginning of an id selects an archive that has no name.
        return [*shown, *(name for name in self.columns if name in details and name == "archive_id")]


def empty_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns of :data:`.SPARSE` that have no value in any row of a DataFrame."""
    return [name for name in SPARSE if name in frame and not (frame[name].fillna("") != "").any()]


def _pieces(frame: pd.DataFrame) -> Iterator[Sequence[Row]]:
    for start in range(0, len(frame), PIECE):
        piece = frame.iloc[start : start + PIECE]
        columns = [[python_value(value) for value in piece.iloc[:, i]] for i in range(piece.shape[1])]
        yield list(zip(*columns, strict=True))


def read_table(path: Path) -> pd.DataFrame:
    """Return the table of a .parquet file, or of a .csv file with all values as text.

    :raises LocalError: the file cannot be read.
    :raises InputError: it has no table.
    """
    import pandas as pd

    try:
        if path.suffix.lower() == ".parquet":
            parquet: pd.DataFrame = pd.read_parquet(path)
            return parquet
        csv: pd.DataFrame = pd.read_csv(
            path, dtype="str", keep_default_na=False
        )  # an id may look like a number or "NA"
    except OSError as error:
        raise LocalError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise InputError(f"{path} is not a table: {error}", cure="") from None
    return csv


def python_value(value: Any) -> Any:
    """Return a value of a DataFrame as one of Python; None if it is missing."""
    import numpy as np
    import pandas as pd

    if value is None or isinstance(value, str):  # most of them
        return value
    if value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, pd.Timestamp):  # a datetime, but not in every respect
        return value.to_pydatetime(warn=False)
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float | Decimal) and math.isnan(value) else value


# JSON and CSV


def json_lines(table: ExactTable) -> Iterator[str]:
    """Yield the lines of a JSON array with an object for each row; numbers are exact, times are UTC."""
    heads = [f"{json.dumps(name)}: " for name in table.columns]
    before = "["
    for row in chain.from_iterable(table.rows):
        if before != "[":
            before += ","
        yield before
        before = "{" + ", ".join(head + _json(value) for head, value in zip(heads, row, strict=True)) + "}"
    if before == "[":
        yield "[]"
    else:
        yield from (before, "]")


def _json(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"  # a number with all its digits
    # ASCII: it is the same in every encoding of the output.
    return json.dumps(_iso(value) if isinstance(value, datetime) else value, default=str)


def csv_lines(table: ExactTable, *, heading: bool = True) -> Iterator[str]:
    """Yield the lines of a CSV file; numbers are exact, times are UTC, a missing value is empty."""
    if heading:
        yield _csv(table.columns)
    for row in chain.from_iterable(table.rows):
        yield _csv(_iso(value) if isinstance(value, datetime) else value for value in row)


def _csv(values: Iterable[Any]) -> str:
    line = io.StringIO()
    # Both characters, for they decide which texts are quoted.
    csv.writer(line, lineterminator="\r\n").writerow("" if value is None else value for value in values)
    return line.getvalue()[:-2]


def _iso(moment: datetime) -> str:
    """Return a time as the service writes it: ``2012-03-20T17:03:43.221Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
