"""What the deletion of archives changes in what is known of them: the rows stay, as history."""

from __future__ import annotations

from collections.abc import Iterable

from ..storage.database import Database, Scope
from . import identity, states, vault_table
from .folders import FolderChanges
from .states import Presence

_PRESENCE = ("origin", "listed", "unlisted", "deleted")


def mark(database: Database, scope: Scope, vault: str, archive_ids: Iterable[str], now: int) -> None:
    """Note that the service has accepted the deletion of archives, in one transaction.

    :param now: the service's time in milliseconds.
    """
    some = list(archive_ids)

    def write() -> None:
        known = vault_table.find(database, scope, vault)
        if known is None:
            return
        changes = FolderChanges()
        for archive_id in some:
            _mark_one(database, known, archive_id, now, changes)
        changes.write(database, known.id)

    database.whole(write)


def _mark_one(
    database: Database, known: vault_table.KnownVault, archive_id: str, now: int, changes: FolderChanges
) -> None:
    row = database.row(
        f"SELECT id, name, size, created, {', '.join(_PRESENCE)} FROM archive_rows "
        "WHERE vault_id=? AND id_key=? AND id_check=?",
        (known.id, *identity.numbers(archive_id)),
    )
    if row is None:
        return
    database.execute("UPDATE archive_rows SET deleted=COALESCE(deleted, ?) WHERE id=?", (now, row["id"]))
    if Presence(*(row[name] for name in _PRESENCE)).there(known.current):
        changes.go(row["name"], row["size"], row["created"])


def mark_vault(database: Database, scope: Scope, vault: str, now: int) -> None:
    """Note that a vault was dropped: whatever was in it is deleted."""
    known = vault_table.find(database, scope, vault)
    if known is None:
        return
    with database.transaction():
        database.execute(
            f"UPDATE archive_rows SET deleted=? WHERE vault_id=? AND {states.there(known.current)}",
            (now, known.id),
        )
        database.execute("DELETE FROM folders WHERE vault_id=?", (known.id,))
