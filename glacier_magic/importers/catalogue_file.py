"""The archives of another catalogue of glacier_magic, or of a backup of one.

Its inventories, uploads, jobs and downloads are not imported: they are the history of that file.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..catalogue import Catalogue, Scope
from ..catalogue.archives.identity import unpack_hash
from ..catalogue.exporting import READ_ALL, pieces, places
from ..catalogue.storage.backup import backup, examine
from . import sqlite_files
from .exported import checked
from .imported import Imported, ImportedArchive, Left, SourceFile

FORMAT = "a catalogue of glacier_magic"

_OTHERS = ("inventories", "uploads", "jobs", "downloads")


def recognises(file: SourceFile) -> bool:
    """Return whether a SQLite file has the tables of a catalogue."""
    return {"settings", "archive_rows", "inventories", "uploads", "downloads"} <= file.tables.keys()


def read(path: Path) -> Imported:
    """Return a reader of a catalogue, which reads an upgraded copy and does not change the file.

    :raises CatalogueError: it is damaged, or of a newer version.
    """
    examine(path)  # before anything is read: damage must not end an import half-way
    left = Left()
    counts = {table: _count(path, table) for table in _OTHERS}
    history = [f"{table} ({count:,})" for table, count in counts.items() if count]
    return Imported(
        format=FORMAT,
        source=path,
        items=_items(path, left),
        left=left,
        notes=[f"Not imported, as history of that file: {', '.join(history)}."] if history else [],
    )


def _count(path: Path, table: str) -> int:
    try:
        ((count,),) = sqlite_files.rows(path, f"SELECT count(*) FROM {table}")
    except sqlite3.Error:
        return 0
    return int(count)


def _items(path: Path, left: Left) -> Iterator[ImportedArchive]:
    with tempfile.TemporaryDirectory(prefix="glacier_magic-") as folder:
        copy = Path(folder) / "catalogue.sqlite"
        backup(path, copy)
        catalogue = Catalogue(copy, Scope("", ""))  # not used: the archives of all accounts are read
        try:
            yield from checked(_archives(catalogue), left)
        finally:
            catalogue.close()


def _archives(catalogue: Catalogue) -> Iterator[dict[str, Any]]:
    with catalogue.database.snapshot() as view:
        for place in places(view):
            for rows in pieces(view, place):
                for row in rows:
                    found = dict(zip(READ_ALL, row, strict=True))
                    if found["description"] is None:  # a plain description is stored as the name only
                        found["description"] = found["name"]
                    yield found | {"tree_hash": unpack_hash(found["tree_hash"])}
