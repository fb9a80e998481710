"""The mapping database of Synology's Glacier Backup: names of archives, which no description has.

The app keeps the archives of a task in one vault, and the newest copy of this SQLite file in another
one, ``VAULT_mapping``.  ``file_info_tb`` has the shared folder, the path in it and the archive id of
each file; the data vault is not in it.  Source: the source code of programs that read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import sqlite_files
from .imported import Imported, ImportedArchive, Left, SourceFile, damage_noted, distinct, is_id, text

FORMAT = "a mapping of Synology's Glacier Backup"
_COLUMNS = ("shareName", "basePath", "archiveID")


def recognises(file: SourceFile) -> bool:
    """Return whether a SQLite file has the table of files and archive ids."""
    return {name.lower() for name in _COLUMNS} <= file.tables.get("file_info_tb", frozenset())


def read(path: Path) -> Imported:
    """Return a reader of a mapping."""
    left = Left()
    items = distinct(_archives(path, left), left)
    return Imported(format=FORMAT, source=path, items=items, left=left, names_only=True)


def _archives(path: Path, left: Left) -> Iterator[ImportedArchive]:
    with damage_noted(left, "archives"):
        # A folder has no archive.
        query = f"SELECT {', '.join(_COLUMNS)} FROM file_info_tb WHERE archiveID<>'' ORDER BY rowid"
        for share, base, archive_id in sqlite_files.rows(path, query):
            parts = [part.strip("/") for part in (share, base) if isinstance(part, str)]
            name = text("/".join(filter(None, parts)))
            if name and is_id(archive_id):
                yield ImportedArchive(archive_id=archive_id, name=name)
            else:
                left.add(f"{base!a:.80}", "its archive id or name is invalid")
