"""A Parquet or CSV file of archives that ``catalogue export`` wrote."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from ..base.units import to_ms
from ..catalogue.archives.states import DELETED
from ..catalogue.exporting import EXPORTED, MARK
from ..scrubbing import scrub
from .imported import Imported, ImportedArchive, Left, SourceFile, is_id, size, text, tree_hash

FORMAT = "an exported table of archives"

_PARQUET = b"PAR1"
_HEAD = ",".join(f'"{name}"' for name in EXPORTED).encode()
_PIECE = 10_000  # rows per batch


def recognises(file: SourceFile) -> bool:
    """Return whether a file has the header line or the Parquet metadata of an export."""
    first = file.head.split(b"\n", 1)[0].rstrip(b"\r").removeprefix(b"\xef\xbb\xbf")
    if first in (_HEAD, _HEAD.replace(b'"', b"")):  # some programs save it without quotes
        return True
    # All Parquet files begin with PAR1.
    return file.head.startswith(_PARQUET) and MARK in _metadata(file.path)


def _metadata(path: Path) -> dict[bytes, bytes]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return dict(parquet.read_schema(path).metadata or {})
    except (pa.ArrowException, OSError, ValueError):
        return {}


def read(path: Path) -> Imported:
    """Return a reader of an exported table."""
    left = Left()
    is_parquet = SourceFile(path).head.startswith(_PARQUET)
    rows = _from_parquet(path, left) if is_parquet else _from_csv(path, left)
    return Imported(
        format=f"{FORMAT} ({'Parquet' if is_parquet else 'CSV'})",
        source=path,
        items=checked(rows, left),
        left=left,
        notes=["The table does not include which inventories listed the archives; a catalogue backup does."],
    )


def _from_parquet(path: Path, left: Left) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            columns = [name for name in EXPORTED if name in file.schema_arrow.names]
            for batch in file.iter_batches(_PIECE, columns=columns):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        left.add("the rest of the archives", f"the file is damaged: {scrub(error).splitlines()[0]:.100}")


def _from_csv(path: Path, left: Left) -> Iterator[dict[str, Any]]:
    # Line breaks within quotes stay; a spreadsheet may have added a byte order mark.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.DictReader(file, strict=True)  # else damaged quotes merge rows without an error
        try:
            yield from reader
        except csv.Error as error:
            left.add(f"all lines after {reader.line_num:,}", f"the file is damaged: {scrub(error)}")


def checked(rows: Iterator[dict[str, Any]], left: Left) -> Iterator[ImportedArchive]:
    """Yield the archives in rows with the columns ``EXPORTED``; invalid rows are left out."""
    for number, row in enumerate(rows, 1):
        if not is_id(row.get("archive_id")):
            left.add(f"archive {number:,}", "its archive id is invalid")
        elif not row.get("state") or not text(row.get("vault")):
            left.add(f"archive {number:,}", "the row is incomplete")
        else:
            yield _archive(row)


def _archive(row: dict[str, Any]) -> ImportedArchive:
    bare = row.get("format") == "imported" and not row.get("description")  # imported without a description
    return ImportedArchive(
        archive_id=str(row["archive_id"]),
        account=text(row.get("account")) or None,
        region=text(row.get("region")) or None,
        vault=text(row["vault"]),
        name=text(row.get("name")),
        description=None if bare else text(row.get("description")),
        size=_whole(row.get("size")),
        created_ms=_time_ms(row.get("created")),
        mtime_ms=_time_ms(row.get("mtime")),
        tree_hash=tree_hash(row.get("tree_hash")),
        deleted=row["state"] == DELETED,
        gone=row["state"] == "gone",
        seen_ms=_time_ms(row.get("seen")),
    )


def _whole(value: object) -> int | None:
    # Superscripts pass isdigit(), but not int().
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return size(int(value[:20]))  # int() of very long numbers is slow
    return size(value)


def _time_ms(value: object) -> int | None:
    """Return a date, as text or datetime, in milliseconds; whole numbers are milliseconds already."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value.strip()) if value.strip() else None
    if isinstance(value, datetime):
        return to_ms(value) if value.tzinfo is not None else None  # without a zone it would be a guess
    return value if type(value) is int else None  # not a bool
