"""Archives of a catalogue of version 1, brought over to the tables of version 2."""

from __future__ import annotations

import time
from typing import Any

from ..storage.database import Database, Scope
from . import identity, vault_table
from .folders import rebuild
from .states import LISTED, TOLD, UPLOADED

_COLUMNS = (
    "vault_id, id_key, id_check, archive_id, name, description, format, mtime, size, created, "
    "tree_hash, origin, listed, unlisted, deleted"
)
_ORIGIN = {"uploaded": UPLOADED, "unknown": TOLD}


def carry_over(database: Database) -> None:
    """Bring the rows over, all or none, where that was not done yet."""
    if not database.has_table("archives_1"):
        return
    with database.transaction():
        if not database.has_table("archives_1"):  # another process was quicker
            return
        places = database.rows(
            "SELECT DISTINCT account, region, vault FROM archives_1 "
            "UNION SELECT DISTINCT account, region, vault FROM inventories"
        )
        for place in places:
            _carry_vault(database, Scope(place["account"], place["region"]), place["vault"])
        database.execute("DROP TABLE archives_1")


def _carry_vault(database: Database, scope: Scope, vault: str) -> None:
    vault_id = vault_table.known(database, scope, vault).id
    key = (scope.account, scope.region, vault)
    newest = database.row(
        "SELECT job_id FROM inventories WHERE account=? AND region=? AND vault=? "
        "ORDER BY made DESC, loaded DESC",
        key,
    )
    if newest is not None:
        database.execute(
            "UPDATE inventories SET ordinal=1 WHERE account=? AND region=? AND vault=? AND job_id=?",
            (*key, newest["job_id"]),
        )
    current = int(newest is not None)
    database.execute("UPDATE vaults SET current=? WHERE id=?", (current, vault_id))
    after = ""
    while True:
        rows = database.rows(
            "SELECT * FROM archives_1 WHERE account=? AND region=? AND vault=? AND archive_id>? "
            "ORDER BY archive_id LIMIT 20000",
            (*key, after),
        )
        if not rows:
            break
        after = rows[-1]["archive_id"]
        database.executemany(
            f"INSERT INTO archive_rows({_COLUMNS}) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            [(vault_id, *_converted(dict(row), current)) for row in rows],
        )
    rebuild(database, vault_id, current)


def _converted(row: dict[str, Any], current: int) -> tuple[Any, ...]:
    state = row["state"]
    listed = {"listed": current, "gone": 0}.get(state)
    if listed is None and row["seen"] is not None:
        listed = current
    raw = None if row["description"] == row["name"] else row["description"]
    return (
        *identity.numbers(row["archive_id"]),
        row["archive_id"],
        row["name"],
        raw,
        row["format"],
        row["mtime"],
        row["size"],
        row["created"],
        identity.pack_hash(row["tree_hash"]),
        _ORIGIN.get(state, LISTED),
        listed,
        current if state == "gone" else None,
        # the time was not kept; the latest possible one lets the inventories' lag pass first
        int(time.time() * 1000) if state == "deleted" else None,
    )
