"""Archives with the same bytes, by size and tree hash: one request serves all of them.

A download that waits for another with the same bytes is in the state ``waiting`` and has no job.  It
gets the job of the other one once that exists, and is copied from its verified file.  No request is
made for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...descriptions import file_name
from ..archives import identity
from ..storage.database import Database, Scope

WAITS = "state='waiting' AND job_id IS NULL AND part IS NULL"
"""The condition of a download that waits for another."""

SAME = (
    "other.tree_hash=downloads.tree_hash AND other.size=downloads.size AND other.part IS NULL "
    "AND other.account=downloads.account AND other.region=downloads.region "
    # A job belongs to one vault and can serve no archive of another.
    "AND other.vault=downloads.vault AND COALESCE(other.home, '')=COALESCE(downloads.home, '') "
    "AND other.id<>downloads.id"
)
"""The condition of another download of the same bytes, from the same vault to the same user."""

IN_TURN = (
    "NOT EXISTS (SELECT 1 FROM downloads other WHERE downloads.part IS NULL "
    "AND other.state IN ('ready', 'downloading') AND other.id<downloads.id "
    f"AND {SAME})"
)
"""The condition of the first download among those of the same bytes."""

_OTHERS = f"downloads other WHERE {SAME}"
# Databases sort null differently.
_LAST = f"FROM {_OTHERS} ORDER BY COALESCE(other.ended, 0) DESC, other.id DESC LIMIT 1"
_BYTES_OF = "tree_hash=(SELECT last.tree_hash FROM downloads last WHERE last.id=?)"


def serve(database: Database, download: int, job_id: str) -> None:
    """Let the job of a download serve those that wait for the same bytes."""
    database.execute(
        f"UPDATE downloads SET job_id=? WHERE {_BYTES_OF} AND {WAITS} "
        f"AND EXISTS (SELECT 1 FROM {_OTHERS} AND other.id=?)",
        (job_id, download, download),
    )


def settled(
    database: Database, key: tuple[str, str], last: int | None
) -> list[tuple[int, dict[str, str | None]]]:
    """Return the next state of downloads that wait although none of the same bytes is in progress.

    :param key: account and region.
    :param last: the number of a download that has just ended; None for all.
    :returns: the number and the new values of each.
    """
    some, values = ("1=1", ()) if last is None else (_BYTES_OF, (last,))
    rows = database.rows(
        f"SELECT id, (SELECT other.state {_LAST}) AS ended, (SELECT other.error {_LAST}) AS error, "
        f"EXISTS (SELECT 1 FROM {_OTHERS} AND other.state='verified') AS there FROM downloads "
        f"WHERE account=? AND region=? AND {some} AND {WAITS} "
        f"AND NOT EXISTS (SELECT 1 FROM {_OTHERS} "
        "AND (other.state IN ('planned', 'asking', 'ready', 'downloading') "
        "OR (other.state='waiting' AND other.job_id IS NOT NULL)))",  # or two twins would wait for each other
        (*key, *values),
    )
    return [(row["id"], _end(row)) for row in rows]


def _end(row: Any) -> dict[str, str | None]:
    if row["there"]:  # copied by the downloader, which verifies it
        return {"state": "ready", "error": None}
    if row["ended"] == "forgotten":  # the user has cancelled the other one
        return {"state": "forgotten", "error": None}
    why = row["error"] or row["ended"] or "it is no longer in progress"
    return {"state": "failed", "error": f"The archive that this is a copy of was not restored: {why}"}


def verified_files(
    database: Database, size: int | None = None, tree_hash: str | None = None
) -> dict[str, list[str]]:
    """Return this user's verified files of whole archives, of all vaults, accounts and regions.

    :param size: bytes of those that are wanted.
    :param tree_hash: theirs; None for all files.
    :returns: the paths, the newest first, by the :func:`~.identity.bytes_key` of the archives.
    """
    some, values = ("", ()) if tree_hash is None else ("size=? AND tree_hash=? AND ", (size, tree_hash))
    rows = database.rows(
        f"SELECT size, tree_hash, target FROM downloads WHERE {some}state='verified' "
        "AND part IS NULL AND COALESCE(home, '')=? ORDER BY id DESC",
        (*values, database.home),
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        key = identity.bytes_key(row["size"], row["tree_hash"])
        if key is not None:
            found.setdefault(key, []).append(row["target"])
    return found


def file_names(
    database: Database, scope: Scope, vault: str, size: int | None, tree_hash: str | None
) -> Sequence[tuple[str, str]]:
    """Return id and :func:`.file_name` of the archives of a vault that have these bytes."""
    known = identity.find_vault(database, scope, vault)
    if known is None:
        return []
    rows = database.rows(
        "SELECT archive_id, name, description FROM archive_rows WHERE vault_id=? AND size=? AND tree_hash=?",
        (known.id, size, identity.pack_hash(tree_hash)),
    )
    return [(row["archive_id"], file_name(row["name"], row["description"] or row["name"])) for row in rows]
