"""Archives and the pieces that contain their bytes.

A payload is a list of pieces, one per request that uploaded bytes.  Completing a multipart upload
turns the pieces of its parts into those of the archive; nothing is copied.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from glacier_magic.base import treehash
from glacier_magic.emulator import generated, ids, service_errors
from glacier_magic.emulator.payloads import combine_leaves
from glacier_magic.emulator.records import vault_rows
from glacier_magic.emulator.records.vault_rows import StoredVault


@dataclass(frozen=True, slots=True)
class StoredArchive:
    """An archive, deleted or not."""

    id: int
    vault: int
    archive_id: str
    description: str
    size: int
    tree_hash: str
    created: int
    deleted: int | None
    payload: str


@dataclass(frozen=True, slots=True)
class StoredPiece:
    """Bytes uploaded in one request: a whole archive or a part."""

    start: int
    size: int
    file: str
    tree_hash: str
    leaves: bytes


_COLUMNS = "id, vault, archive_id, description, size, tree_hash, created, deleted, payload"


def find(connection: sqlite3.Connection, archive_id: str) -> StoredArchive | None:
    """Return the archive with this id, in any vault, deleted or not."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM archives WHERE archive_id = ?", (archive_id,)
    ).fetchone()
    return None if row is None else StoredArchive(*row)


def by_key(connection: sqlite3.Connection, key: int) -> StoredArchive:
    """Return the archive with this row id."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM archives WHERE id = ?", (key,)).fetchone()
    return StoredArchive(*row)


def add(
    connection: sqlite3.Connection,
    vault: StoredVault,
    now: int,
    *,
    description: str,
    size: int,
    tree_hash: str,
    payload: str,
) -> str:
    """Record an archive and return its id."""
    archive_id = ids.archive_id()
    connection.execute(
        "INSERT INTO archives (vault, archive_id, description, size, tree_hash, created, payload)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (vault.id, archive_id, description, size, tree_hash, now, payload),
    )
    vault_rows.record_change(connection, vault, now, 1, size)
    return archive_id


def delete(connection: sqlite3.Connection, vault: StoredVault, archive_id: str, now: int) -> None:
    """Delete an archive: retrievals in progress will fail, completed ones stay downloadable."""
    archive = find(connection, archive_id)
    if archive is None:
        # UNCONFIRMED for an id that never existed; for a deleted one the service says 204.
        raise service_errors.not_found(f"The archive ID was not found: {archive_id}")
    if archive.vault != vault.id:
        # The vault name is valid, and the archive not in it, but this is the service's message.
        raise service_errors.invalid(f"Invalid vault name: {vault.arn}")
    if archive.deleted is not None:  # deleting twice is no error, and counts once
        return
    connection.execute("UPDATE archives SET deleted = ? WHERE id = ?", (now, archive.id))
    connection.execute(
        # Documented: jobs in progress may or may not survive; here they fail.
        "UPDATE jobs SET outcome = 'Failed', message = ? WHERE archive = ? AND completes > ?",
        (DELETED_MESSAGE, archive.id, now),
    )
    vault_rows.record_change(connection, vault, now, -1, -archive.size)


DELETED_MESSAGE = "The archive was deleted."
"""StatusMessage of a retrieval whose archive was deleted (text UNCONFIRMED)."""


def add_piece(connection: sqlite3.Connection, payload: str, piece: StoredPiece) -> list[str]:
    """Record a piece; return the files of the pieces it replaces."""
    replaced = connection.execute(
        "SELECT file FROM pieces WHERE payload = ? AND start = ?", (payload, piece.start)
    ).fetchall()
    connection.execute(
        "INSERT OR REPLACE INTO pieces (payload, start, size, file, tree_hash, leaves)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (payload, piece.start, piece.size, piece.file, piece.tree_hash, piece.leaves),
    )
    return [str(row["file"]) for row in replaced]


def pieces(connection: sqlite3.Connection, payload: str) -> list[StoredPiece]:
    """Return the pieces of a payload in order, without their leaves."""
    # Leaves take 32 bytes a MiB: 1.25 GiB for the largest archive.
    rows = connection.execute(
        "SELECT start, size, file, tree_hash, x'' FROM pieces WHERE payload = ? ORDER BY start", (payload,)
    )
    return [StoredPiece(*row) for row in rows]


def range_hash(connection: sqlite3.Connection, archive: StoredArchive, start: int, end: int) -> str | None:
    """Return the tree hash of bytes *start* to *end*, or None if the service returns none."""
    if not treehash.is_tree_hash_aligned(start, end, archive.size):
        return None
    if start == 0 and end == archive.size - 1:  # known even with --trust, where no leaves are
        return archive.tree_hash
    recipe = generated.parse(archive.payload)
    if recipe is not None:
        return recipe.tree_hash(archive.size, start, end)
    return _stored_hash(connection, archive.payload, start, end)


def _stored_hash(connection: sqlite3.Connection, payload: str, start: int, end: int) -> str | None:
    rows = connection.execute(
        "SELECT start, size, leaves FROM pieces"
        " WHERE payload = ? AND start <= ? AND start + size > ? ORDER BY start",
        (payload, end, start),
    )
    leaves = bytearray()
    for row in rows:
        if not row["leaves"]:  # uploaded with --trust
            return None
        # Pieces start at whole MiB, as part sizes are 2**n MiB.
        first = max(start - row["start"], 0) // treehash.CHUNK
        last = -(-(min(end + 1, row["start"] + row["size"]) - row["start"]) // treehash.CHUNK)
        leaves += row["leaves"][32 * first : 32 * last]  # 32 bytes per MiB
    return combine_leaves(bytes(leaves))
