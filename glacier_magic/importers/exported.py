"""A Parquet or CSV file of archives that ``catalogue export`` wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from ..base.units import to_ms
from ..catalogue.archives.labels import labels_in
from ..catalogue.archives.states import DELETED
from ..catalogue.exporting import EXPORTED, MARK
from . import foreign_tables
from .imported import Imported, ImportedArchive, Left, SourceFile, is_id, size, text, tree_hash

FORMAT = "an exported table of archives"

_HEADS = [list(EXPORTED[:end]) for end in (-2, -1, None)]  # the first had neither notes nor labels


def recognises(file: SourceFile) -> bool:
    """Return whether a file has the header line or the Parquet metadata of an export."""
    if foreign_tables.is_parquet(file):
        schema = foreign_tables.schema(file)
        return schema is not None and MARK in (schema.metadata or {})
    return foreign_tables.columns(file) in _HEADS


def read(path: Path) -> Imported:
    """Return a reader of an exported table."""
    left, file = Left(), SourceFile(path)
    columns = [name for name in EXPORTED if name in foreign_tables.columns(file)]
    return Imported(
        format=f"{FORMAT} ({'Parquet' if foreign_tables.is_parquet(file) else 'CSV'})",
        source=path,
        items=checked(foreign_tables.rows(file, columns, left), left),
        left=left,
        notes=["The table does not include which inventories listed the archives; a catalogue backup does."],
    )


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
        created_ms=time_ms(row.get("created")),
        mtime_ms=time_ms(row.get("modified")),
        tree_hash=tree_hash(row.get("tree_hash")),
        deleted=row["state"] == DELETED,
        gone=row["state"] == "gone",
        seen_ms=time_ms(row.get("seen")),
        labels=labels_in(text(row.get("labels")) or ""),
        note=text(row.get("note")) or "",
    )


def _whole(value: object) -> int | None:
    # Superscripts pass isdigit(), but not int().
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return size(int(value[:20]))  # int() of very long numbers is slow
    return size(value)


def time_ms(value: object) -> int | None:
    """Return a date, as text or datetime, in milliseconds; whole numbers are milliseconds already.

    It is None for what is no date, or has no zone.
    """
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value.strip()) if value.strip() else None
    if isinstance(value, datetime):
        return to_ms(value) if value.tzinfo is not None else None  # without a zone it would be a guess
    return value if type(value) is int else None  # not a bool
