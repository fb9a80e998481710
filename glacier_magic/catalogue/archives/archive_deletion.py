"""Records of deletions; the rows of deleted archives stay as history."""

from __future__ import annotations

from collections.abc import Sequence

from ..storage.database import Database, Scope
from . import identity, states
from .folders import FolderChanges
from .states import Presence

_PRESENCE = ("origin", "listed", "unlisted", "deleted")


def mark(database: Database, scope: Scope, vault: str, archive_ids: Sequence[str], now: int) -> None:
    """Record, in one transaction, that the service accepted the deletion of archives.

    :param now: the service's time in milliseconds.
    """

    def write() -> None:
        known = identity.find_vault(database, scope, vault)
        if known is None:
            return
        changes = FolderChanges()
        for archive_id in archive_ids:
            row = database.row(
                f"SELECT id, name, size, created, {', '.join(_PRESENCE)} FROM archive_rows "
                "WHERE vault_id=? AND id_key=? AND id_check=?",
                (known.id, *identity.numbers(archive_id)),
            )
            if row is None:  # deleted by its id, without a row in the catalogue
                continue
            # An earlier deletion keeps its time: the service accepts the same deletion twice.
            sql = "UPDATE archive_rows SET deleted=COALESCE(deleted, ?) WHERE id=?"
            database.execute(sql, (now, row["id"]))
            if Presence(*(row[name] for name in _PRESENCE)).in_vault(known.current):
                changes.remove(row["name"], row["size"], row["created"])
        changes.write(database, known.id)

    database.whole(write)


def mark_vault(database: Database, scope: Scope, vault: str, now: int) -> None:
    """Record that a vault was dropped, and that all its archives are deleted."""
    known = identity.find_vault(database, scope, vault)
    if known is None:
        return
    with database.transaction():
        database.execute(
            f"UPDATE archive_rows SET deleted=? WHERE vault_id=? AND {states.in_vault(known.current)}",
            (now, known.id),
        )
        database.execute("DELETE FROM folders WHERE vault_id=?", (known.id,))
