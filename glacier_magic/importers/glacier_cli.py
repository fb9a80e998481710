"""glacier-cli's SQLite file, ``~/.cache/glacier-cli/db``: the archives of all its vaults.

Its table ``archive`` has the id, name (the description), vault and access key of each archive, and
when it was last in an inventory or was deleted.  ``created_here`` is when the row was created,
which is the creation of the archive only if no inventory has listed it yet.  Region and account are
not in the file.  Source: the program's source code.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from . import sqlite_files
from .imported import Imported, ImportedArchive, Left, SourceFile, damage_noted, is_id, milliseconds, text

FORMAT = "glacier-cli's SQLite"
_COLUMNS = ("id", "name", "vault", "last_seen_upstream", "created_here", "deleted_here")


def recognises(file: SourceFile) -> bool:
    """Return whether a SQLite file has glacier-cli's table."""
    return {*_COLUMNS, "key"} <= file.tables.get("archive", frozenset())


def read(path: Path) -> Imported:
    """Return a reader of glacier-cli's file."""
    left = Left()
    return Imported(format=FORMAT, source=path, items=_archives(path, left), left=left, notes=_keys(path))


def _keys(path: Path) -> list[str]:
    """Return a note if the file has several access keys, and so perhaps several accounts."""
    try:
        # Quoted, because KEY is a keyword of SQL.
        ((count,),) = sqlite_files.rows(path, 'SELECT count(DISTINCT "key") FROM archive')
    except sqlite3.Error:
        return []
    if count < 2:
        return []
    return [f"The file has {count} access keys; all archives are taken as those of this account."]


def _archives(path: Path, left: Left) -> Iterator[ImportedArchive]:
    with damage_noted(left, "archives"):
        for archive_id, name, vault, seen, made, deleted in sqlite_files.rows(
            path, f"SELECT {', '.join(_COLUMNS)} FROM archive ORDER BY rowid"
        ):
            if not is_id(archive_id) or not isinstance(vault, str):
                left.add(f"{name!a:.80}", "its archive id or vault is invalid")
                continue
            yield ImportedArchive(
                archive_id=archive_id,
                vault=vault,
                name=text(name),
                description=text(name),
                # A row may come from an inventory, long after the creation of the archive.
                created_ms=milliseconds(made) if seen is None else None,
                deleted=deleted is not None,
                seen_ms=milliseconds(seen),
            )
