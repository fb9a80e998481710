"""glacier-rsync's SQLite file: the archives of its vaults.

``sync_history`` has path, size and modification time of each file, and id, location, tree hash and
compression of its archive; ``location`` is ``/ACCOUNT/vaults/VAULT/archives/ID``.  The size is that
of the archive unless it is compressed.  Source: the program's source code and documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from pathlib import Path

from ..base.units import to_ms
from . import sqlite_files
from .imported import (
    Imported,
    ImportedArchive,
    Left,
    SourceFile,
    damage_noted,
    is_id,
    milliseconds,
    size,
    text,
    tree_hash,
)

FORMAT = "glacier-rsync's SQLite"
_COLUMNS = ("path", "file_size", "mtime", "archive_id", "location", "checksum", "compression", "timestamp")
_LOCATION = re.compile("/([0-9]{12}|[^/]*)/vaults/([A-Za-z0-9_.-]{1,255})/archives/.*", re.DOTALL)


def recognises(file: SourceFile) -> bool:
    """Return whether a SQLite file has glacier-rsync's table."""
    return set(_COLUMNS) <= file.tables.get("sync_history", frozenset())


def read(path: Path) -> Imported:
    """Return a reader of glacier-rsync's file."""
    left = Left()
    return Imported(format=FORMAT, source=path, items=_archives(path, left), left=left)


def _archives(path: Path, left: Left) -> Iterator[ImportedArchive]:
    with damage_noted(left, "archives"):
        query = f"SELECT {', '.join(_COLUMNS)} FROM sync_history ORDER BY rowid"
        for name, length, mtime, archive_id, location, checksum, how, stored in sqlite_files.rows(
            path, query
        ):
            if not is_id(archive_id):
                left.add(f"{name!a:.80}", "its archive id is invalid")
                continue
            place = _LOCATION.fullmatch(location) if isinstance(location, str) else None
            account, vault = place.groups() if place else (None, None)
            compressed = how not in (None, "", "plain")
            yield ImportedArchive(
                archive_id=archive_id,
                account=account if account and len(account) == 12 else None,
                vault=vault,
                name=text(name),
                size=None if compressed else size(length),
                created_ms=_http_date(stored),
                mtime_ms=milliseconds(mtime),
                tree_hash=tree_hash(checksum),
                note=f"compressed with {text(how):.20}" if compressed and isinstance(how, str) else "",
            )


def _http_date(value: object) -> int | None:
    if isinstance(value, str):
        with suppress(ValueError, OverflowError):
            return to_ms(parsedate_to_datetime(value))
    return None
