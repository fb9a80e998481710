"""Another catalogue of this very program, or a backup of one: its archives.

They are told as they were known there.  What inventories, uploads, jobs and downloads it has on
record stays there: each belongs to the history of that file.
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
    """Tell by its tables."""
    return {"settings", "archive_rows", "inventories", "uploads", "downloads"} <= file.tables.keys()


def read(path: Path) -> Imported:
    """Begin to read a catalogue; it is copied first, brought to this version, and left alone.

    :raises CatalogueError: it is damaged, or from a newer version.
    """
    examine(path)
    left = Left()
    counts = {table: _count(path, table) for table in _OTHERS}
    kept = [f"{count:,} of {table}" for table, count in counts.items() if count]
    return Imported(
        format=FORMAT,
        source=path,
        items=_items(path, left),
        jobs=iter(()),
        left=left,
        notes=[f"Left in that file, as its own history: {', '.join(kept)}."] if kept else [],
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
        catalogue = Catalogue(copy, Scope("", ""))
        try:
            yield from checked(_archives(catalogue), left)
        finally:
            catalogue.close()


def _archives(catalogue: Catalogue) -> Iterator[dict[str, Any]]:
    with catalogue.database.snapshot() as view:
        for place in places(view):
            for rows in pieces(view, place):
                for row in rows:
                    told = dict(zip(READ_ALL, row, strict=True))
                    if told["description"] is None:
                        told["description"] = told["name"]
                    yield told | {"tree_hash": unpack_hash(told["tree_hash"])}
