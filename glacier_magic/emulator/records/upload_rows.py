"""Multipart uploads and their parts."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from glacier_magic.base import treehash
from glacier_magic.emulator import dates, ids, service_errors, service_limits
from glacier_magic.emulator.records import archive_rows
from glacier_magic.emulator.records.archive_rows import StoredPiece
from glacier_magic.emulator.records.vault_rows import StoredVault


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """A multipart upload; *ended* is None, ``completed`` or ``aborted``."""

    id: int
    vault: int
    upload_id: str
    description: str | None
    part_size: int
    created: int
    touched: int
    payload: str
    ended: str | None
    archive_id: str | None
    tree_hash: str | None

    def describe(self, vault: StoredVault) -> dict[str, object]:
        """Return the object of ListMultipartUploads."""
        return {
            "ArchiveDescription": self.description,
            "CreationDate": dates.iso(self.created),
            "MultipartUploadId": self.upload_id,
            "PartSizeInBytes": self.part_size,
            "VaultARN": vault.arn,
        }


_COLUMNS = """id, vault, upload_id, description, part_size, created, touched, payload, ended,
    archive_id, tree_hash"""


def _unknown(upload_id: str) -> service_errors.ServiceError:
    # The message is from third-party emulators; plausible, but not seen in a real log.
    return service_errors.not_found(f"The upload ID was not found: {upload_id}")


def start(
    connection: sqlite3.Connection, vault: StoredVault, now: int, description: str | None, part_size: int
) -> str:
    """Record a new upload and return its id."""
    upload_id = ids.upload_id()
    connection.execute(
        "INSERT INTO uploads"
        " (vault, upload_id, description, part_size, created, touched, payload)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (vault.id, upload_id, description, part_size, now, now, ids.file_name()),
    )
    return upload_id


def get(
    connection: sqlite3.Connection, vault: StoredVault, upload_id: str, now: int, *, ended: bool = False
) -> StoredUpload:
    """Return the upload or raise the 404; one that has ended only if *ended*, and for a day."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM uploads WHERE upload_id = ? AND vault = ?", (upload_id, vault.id)
    ).fetchone()
    upload = None if row is None else StoredUpload(*row)
    if upload is None or (upload.ended is not None and not ended):
        raise _unknown(upload_id)
    if now >= upload.touched + (service_limits.REPEAT_LIFE if upload.ended else service_limits.UPLOAD_LIFE):
        raise _unknown(upload_id)
    return upload


def page(
    connection: sqlite3.Connection, vault: StoredVault, now: int, first: str, limit: int
) -> list[StoredUpload]:
    """Return at most *limit* uploads in progress, starting at the id *first*."""
    start_row = 0
    if first:
        row = connection.execute(
            "SELECT id FROM uploads WHERE upload_id = ? AND vault = ?", (first, vault.id)
        ).fetchone()
        if row is None:
            raise service_errors.invalid(f"Invalid marker: {first}")
        start_row = row["id"]  # the marker names the first upload of the page
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM uploads"
        " WHERE vault = ? AND ended IS NULL AND id >= ? AND touched > ? ORDER BY id LIMIT ?",
        (vault.id, start_row, now - service_limits.UPLOAD_LIFE, limit),
    )
    return [StoredUpload(*row) for row in rows]


def parts(
    connection: sqlite3.Connection, upload: StoredUpload, start: int, limit: int
) -> list[tuple[int, int, str]]:
    """Return (start, size, tree hash) of at most *limit* parts from byte *start* on."""
    rows = connection.execute(
        "SELECT start, size, tree_hash FROM pieces WHERE payload = ? AND start >= ? ORDER BY start LIMIT ?",
        (upload.payload, start, limit),
    )
    return [(row["start"], row["size"], row["tree_hash"]) for row in rows]


def add_part(connection: sqlite3.Connection, upload: StoredUpload, piece: StoredPiece, now: int) -> list[str]:
    """Record a part; return the files it replaces."""
    replaced = archive_rows.add_piece(connection, upload.payload, piece)
    # Each part renews the day of inactivity.
    connection.execute("UPDATE uploads SET touched = ? WHERE id = ?", (now, upload.id))
    return replaced


def check_complete(connection: sqlite3.Connection, upload: StoredUpload, size: int, tree_hash: str) -> None:
    """Raise unless the parts make up *size* bytes without a gap, with this tree hash.

    The messages are UNCONFIRMED.
    """
    found = parts(connection, upload, 0, service_limits.PARTS)  # all of them: later ones are refused
    expected = 0
    for start, length, _ in found:
        if start != expected:  # also after a short part in the middle, which the service accepts
            raise service_errors.invalid(f"Missing part: no bytes were received at offset {expected}.")
        expected = start + length
    if expected != size:
        raise service_errors.invalid(
            f"Invalid x-amz-archive-size: {size}. The received parts have {expected} bytes."
        )
    # Every part but the last has the full part size, a power of two in MiB, so each part's tree
    # hash is a node of the whole tree, and the root follows from these nodes alone.
    computed = treehash.combine(bytes.fromhex(digest) for *_, digest in found).hex()
    if computed != tree_hash:
        raise service_errors.checksum_mismatch(tree_hash, computed)


def complete(
    connection: sqlite3.Connection,
    vault: StoredVault,
    upload: StoredUpload,
    now: int,
    *,
    size: int,
    tree_hash: str,
) -> str:
    """Turn the upload into an archive, which takes over its pieces."""
    archive_id = archive_rows.add(
        connection,
        vault,
        now,
        description=upload.description or "",
        size=size,
        tree_hash=tree_hash,
        payload=upload.payload,
    )
    connection.execute(
        "UPDATE uploads SET ended = 'completed', touched = ?, archive_id = ?, tree_hash = ? WHERE id = ?",
        (now, archive_id, tree_hash, upload.id),
    )
    return archive_id


def abort(connection: sqlite3.Connection, upload: StoredUpload, now: int) -> list[str]:
    """Abort the upload; return the files that are no longer needed."""
    connection.execute("UPDATE uploads SET ended = 'aborted', touched = ? WHERE id = ?", (now, upload.id))
    return drop_pieces(connection, upload.payload)


def drop_pieces(connection: sqlite3.Connection, payload: str) -> list[str]:
    """Delete the pieces of a payload; return their files."""
    files = [piece.file for piece in archive_rows.pieces(connection, payload)]
    connection.execute("DELETE FROM pieces WHERE payload = ?", (payload,))
    return files


def abandoned(connection: sqlite3.Connection, now: int) -> list[StoredUpload]:
    """Return the uploads whose last activity is too long ago."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM uploads WHERE ended IS NULL AND touched <= ?",
        (now - service_limits.UPLOAD_LIFE,),
    )
    return [StoredUpload(*row) for row in rows]
