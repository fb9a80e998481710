"""A table of names: a CSV or Parquet file, or a DataFrame, with archive_id, name and modified.

``modified``, a date with its offset from UTC, may be missing.  The columns are found by their names,
in any case and spelt with or without spaces and underscores; other columns are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from . import foreign_tables
from .exported import time_ms
from .imported import Imported, ImportedArchive, Left, SourceFile, distinct, is_id, text

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "a table of names"
COLUMNS = ("archive_id", "name", "modified")

_MISSING = ("", "None", "nan", "NaT", "<NA>")
_SPELT = {name.replace("_", ""): name for name in COLUMNS}


def recognises(file: SourceFile) -> bool:
    """Return whether a CSV or Parquet file has the columns archive_id and name."""
    return {"archive_id", "name"} <= _known(foreign_tables.columns(file)).keys()


def read(path: Path) -> Imported:
    """Return a reader of a CSV or Parquet file."""
    left, file = Left(), SourceFile(path)
    columns = foreign_tables.columns(file)
    return _imported(path, left, columns, foreign_tables.rows(file, _known(columns).values(), left))


def of_frame(frame: pd.DataFrame, name: str = "The DataFrame") -> Imported:
    """Return a reader of a DataFrame.

    :param name: what messages call it.
    :raises InputError: it has no column archive_id or name.
    """
    columns = [str(column) for column in frame.columns]
    if not {"archive_id", "name"} <= _known(columns).keys():
        raise InputError(
            f"{name} has no columns archive_id and name", cure=f"Its columns are: {', '.join(columns)[:200]}."
        )
    rows = (dict(zip(columns, row, strict=True)) for row in frame.itertuples(index=False, name=None))
    return _imported(Path(name), Left(), columns, rows)


def _known(columns: Iterable[str]) -> dict[str, str]:
    """Return the columns of names by those of a table that mean them."""
    spelt = {column: _SPELT.get(re.sub("[ _-]", "", column).casefold()) for column in columns}
    return {meaning: column for column, meaning in reversed(spelt.items()) if meaning}


def _imported(source: Path, left: Left, columns: list[str], rows: Iterable[Mapping[str, Any]]) -> Imported:
    known = _known(columns)
    extra = [column for column in columns if column not in known.values()]
    return Imported(
        format=FORMAT,
        source=source,
        items=distinct(_archives(known, rows, left), left),
        left=left,
        notes=[f"Columns that were ignored: {', '.join(map(repr, extra))[:200]}."] if extra else [],
        names_only=True,
    )


def _archives(
    known: Mapping[str, str], rows: Iterable[Mapping[str, Any]], left: Left
) -> Iterator[ImportedArchive]:
    for number, row in enumerate(rows, 1):
        archive_id, name, modified = (row.get(known.get(column, "")) for column in COLUMNS)
        archive_id = str(archive_id).strip()
        if not is_id(archive_id):
            left.add(f"row {number:,}", "its archive id is invalid")
        elif not text(name):
            left.add(f"row {number:,}", "it has no name")
        else:
            mtime = time_ms(modified) if isinstance(modified, str | datetime) else None
            if mtime is None and str(modified) not in _MISSING:
                left.add(f"the time of row {number:,}", "it is no date with an offset, such as Z")
            yield ImportedArchive(archive_id=archive_id, name=text(name), mtime_ms=mtime)
