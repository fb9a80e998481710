"""Rows of an inventory in a CSV or Parquet file that a spreadsheet or a library has saved again.

The CSV is that of RFC 4180, with any separator and more columns.  A row that the program has rewritten
is refused.  It cannot be seen that a spreadsheet made another description of one: ``1`` of ``01``.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..base.units import LARGEST_ARCHIVE
from ..inventories import InventoryError
from ..inventories.listed_archive import COLUMNS, ID_LENGTH, Item, date_ms
from ..inventories.texts import decode
from .contents import Content
from .imported import tree_hash

_SEPARATORS = ",;\t|"
_SEP = re.compile("sep=(.)\r?\n?")  # Excel's own first line
_ID = re.compile(f"[A-Za-z0-9_-]{{{ID_LENGTH}}}")
_SIZE = re.compile("([0-9]{1,14})(?:\\.0+)?")  # a column with a missing cell is one of floats
_NOTHING = frozenset(("", "nan", "none", "null", "<na>", "nat", "n/a", "#n/a"))
_REWRITTEN = re.compile("#[A-Z0-9/]+[?!]|'.*''.*'", re.DOTALL)  # #NAME? of a formula; other quotes
_QUOTES = "its quotes are not those of a CSV"


class RowError(Exception):
    """A row is not that of an archive; the message says why."""


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """The separator of a CSV, and the names in its header."""

    separator: str
    names: tuple[str, ...]

    @property
    def is_services(self) -> bool:
        """Whether the header is the service's own."""
        return self.separator == "," and self.names == COLUMNS


def layout_of(head: bytes) -> CsvLayout | None:
    """Return the layout of a CSV that begins with *head*; None if it has not all columns."""
    lines = io.StringIO(head.decode("utf-8", "replace"), newline="")
    line = next(lines, "")
    if _SEP.fullmatch(line):
        line = next(lines, "")
    for separator in _SEPARATORS:
        names = tuple(name.strip() for name in next(csv.reader([line], delimiter=separator), []))
        if all(names.count(name) == 1 for name in COLUMNS):
            return CsvLayout(separator, names)
    return None


def csv_rows(content: Content, layout: CsvLayout) -> Iterator[tuple[str, Item | RowError]]:
    """Yield the rows, each with the place where it is, and the errors of those that are refused.

    :raises InventoryError: the file is damaged.
    """
    taken: list[str] = []

    def lines() -> Iterator[str]:
        with io.TextIOWrapper(
            content.stream(), encoding="utf-8", errors="surrogateescape", newline=""
        ) as file:
            for line in file:
                taken.append(line)
                yield line

    reader = csv.reader(lines(), delimiter=layout.separator, strict=True)
    while True:
        place = f"line {reader.line_num + 1:,}"
        taken.clear()
        try:
            cells = next(reader, None)
            if cells is None:
                return
            if _is_row(cells, layout):
                yield place, _csv_archive(cells, layout, "".join(taken))
        except (csv.Error, RowError) as error:
            if taken and not taken[-1].endswith(("\r", "\n")):
                raise InventoryError("The last row is not complete") from None
            yield place, error if isinstance(error, RowError) else RowError(_QUOTES)


def _is_row(cells: list[str], layout: CsvLayout) -> bool:
    """Return whether a line is neither empty nor a header."""
    names = tuple(cell.strip() for cell in cells)
    return any(names) and names != layout.names and not names[0].startswith("sep=")


def _csv_archive(cells: list[str], layout: CsvLayout, raw: str) -> Item:
    if len(cells) != len(layout.names):
        raise RowError("it has more or fewer cells than the header")
    for cell in cells:
        # The csv module accepts a quote in the middle of a cell, which no writer leaves there.
        if '"' in cell and '"' + cell.replace('"', '""') + '"' not in raw:
            raise RowError(_QUOTES)
        if "\n" in cell and _ID.search(cell):  # two single quotes, with the end of a row between them
            raise RowError(_QUOTES)
    return _archive(dict(zip(layout.names, cells, strict=True)))


def parquet_rows(path: Path) -> Iterator[tuple[str, Item | RowError]]:
    """Yield the rows of a Parquet file as :func:`csv_rows` does.

    :raises InventoryError: the file is damaged.
    """
    import pyarrow as pa
    from pyarrow import parquet

    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(10_000, columns=list(COLUMNS)):
                for row in batch.to_pylist():
                    number += 1
                    try:
                        yield f"row {number:,}", _archive({key: _cell(value) for key, value in row.items()})
                    except RowError as error:
                        yield f"row {number:,}", error
    except (pa.ArrowException, OSError, ValueError):
        raise InventoryError("The Parquet file is damaged") from None


def is_parquet(path: Path) -> bool:
    """Return whether a Parquet file has the columns of an inventory."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return set(COLUMNS) <= set(parquet.read_schema(path).names)
    except (pa.ArrowException, OSError, ValueError):
        return False


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _archive(cells: Mapping[str, str]) -> Item:
    """Return the archive in a row; raise :class:`RowError` if it is rewritten or incomplete."""
    archive_id, size, created, digest = (
        cells[name].strip() for name in ("ArchiveId", "Size", "CreationDate", "SHA256TreeHash")
    )
    description = cells["ArchiveDescription"]
    if _ID.fullmatch(archive_id) is None:
        raise RowError(f"its archive id does not have {ID_LENGTH} letters, digits, - and _")
    number = _SIZE.fullmatch(size)
    if number is None or int(number[1]) > LARGEST_ARCHIVE:
        raise RowError("its size is missing, or not the digits of one")
    if description and (description.lower() in _NOTHING or _REWRITTEN.fullmatch(description)):
        raise RowError("its description is a missing cell, an error or a quoted text, or looks like one")
    if digest.lower() not in _NOTHING and tree_hash(digest) is None:
        raise RowError("its tree hash does not have 64 hexadecimal digits")
    return Item(
        archive_id,
        decode(description.encode("utf-8", "surrogateescape")),
        _optional(created, _created),
        int(number[1]),
        tree_hash(digest),
    )


def _optional(cell: str, read: Callable[[str], int]) -> int | None:
    return None if cell.lower() in _NOTHING else read(cell)


def _created(cell: str) -> int:
    try:
        return date_ms(cell)
    except InventoryError:
        raise RowError(
            "its date is not one with a zone, such as 2015-04-07T00:26:18Z: format the column as text"
        ) from None
