"""glacier-cli's SQLite file, ``~/.cache/glacier-cli/db``: archives of all vaults it was used with.

Its one table ``archive`` has id, name (which is the description), vault, the access key it
was used with, and when the archive was last in an inventory or deleted.  ``created_here`` is when
the row was made: the archive's own age only where no inventory has listed it yet.  Region and
account are not in the file.  Rule from the program's source; git-annex keeps no file of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ..scrubbing import scrub
from . import sqlite_files
from .imported import Imported, ImportedArchive, Left, SourceFile, is_id, milliseconds, text

FORMAT = "glacier-cli's SQLite"
_COLUMNS = ("id", "name", "vault", "last_seen_upstream", "created_here", "deleted_here")


def recognises(file: SourceFile) -> bool:
    """Tell whether a SQLite file has glacier-cli's table."""
    return {*_COLUMNS, "key"} <= file.tables.get("archive", frozenset())


def read(path: Path) -> Imported:
    """Begin to read glacier-cli's file."""
    left = Left()
    return Imported(
        format=FORMAT, source=path, items=_archives(path, left), jobs=iter(()), left=left, notes=_keys(path)
    )


def _keys(path: Path) -> list[str]:
    """Return what to say where several access keys, so maybe several accounts, are mixed."""
    try:
        ((count,),) = sqlite_files.rows(path, 'SELECT count(DISTINCT "key") FROM archive')
    except sqlite3.Error:
        return []
    if count < 2:
        return []
    return [f"The file was used with {count} access keys; all count as those of this account."]


def _archives(path: Path, left: Left) -> Iterator[ImportedArchive]:
    try:
        for archive_id, name, vault, seen, made, deleted in sqlite_files.rows(
            path, f"SELECT {', '.join(_COLUMNS)} FROM archive ORDER BY rowid"
        ):
            if not is_id(archive_id) or not isinstance(vault, str):
                left.add(f"{name!a:.80}", "its archive id or vault is none")
                continue
            yield ImportedArchive(
                archive_id=archive_id,
                vault=vault,
                name=text(name),
                description=text(name),
                created_ms=milliseconds(made) if seen is None else None,
                deleted=deleted is not None,
                seen_ms=milliseconds(seen),
            )
    except sqlite3.Error as error:
        left.add("the rest of the archives", f"the file is damaged: {scrub(error)}")
