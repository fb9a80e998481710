"""Tables in CSV or Parquet files, as dictionaries by column; CSV also as others save it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..errors.scrubbing import scrub
from ..inventories import InventoryError
from .contents import Content
from .imported import Left, SourceFile

if TYPE_CHECKING:
    import pyarrow as pa

_PARQUET = b"PAR1"
_SEPARATORS = ",;\t|"
_PIECE = 10_000  # rows per batch


def is_parquet(file: SourceFile) -> bool:
    """Return whether a file begins like a Parquet file."""
    return file.head.startswith(_PARQUET)


def schema(file: SourceFile) -> pa.Schema | None:
    """Return the schema of a Parquet file, or None for another or damaged one."""
    if not is_parquet(file):
        return None
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_schema(file.path)
    except (pa.ArrowException, OSError, ValueError):
        return None


def columns(file: SourceFile) -> list[str]:
    """Return the columns of a CSV or Parquet file; a file of another kind has none or odd ones."""
    if is_parquet(file):
        found = schema(file)
        return [] if found is None else list(found.names)
    head = Content(file.path).head.decode("utf-8", "replace")
    try:
        return next(csv.reader(io.StringIO(head, newline=""), delimiter=_separator(head)), [])
    except csv.Error:
        return []


def _separator(head: str) -> str:
    return max(_SEPARATORS, key=head.partition("\n")[0].count)


def rows(file: SourceFile, wanted: Iterable[str], left: Left) -> Iterator[dict[str, Any]]:
    """Yield the rows of a CSV or Parquet file; note in *left* if the rest is damaged.

    :param wanted: the columns to read of a Parquet file.
    """
    return _parquet_rows(file, list(wanted), left) if is_parquet(file) else _csv_rows(file, left)


def _parquet_rows(file: SourceFile, wanted: list[str], left: Left) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(file.path) as opened:
            for batch in opened.iter_batches(_PIECE, columns=wanted):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        left.add("the rest of the archives", f"the file is damaged: {scrub(error).splitlines()[0]:.100}")


def _csv_rows(file: SourceFile, left: Left) -> Iterator[dict[str, Any]]:
    content = Content(file.path)
    separator = _separator(content.head.decode("utf-8", "replace"))
    # Breaks within quotes stay.
    with io.TextIOWrapper(content.stream(), encoding="utf-8", errors="surrogateescape", newline="") as lines:
        # Strict: else damaged quotes merge rows without an error.
        reader = csv.DictReader(lines, strict=True, delimiter=separator)
        try:
            yield from reader
        except (csv.Error, InventoryError) as error:
            left.add(f"all lines after {reader.line_num:,}", f"the file is damaged: {scrub(error)}")
