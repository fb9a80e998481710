"""Objects, their versions, and the parts that contain their bytes.

A payload is a list of parts by their numbers: one of number 0 for an object of a single request.
Completing a multipart upload turns its parts into those of the object; nothing is copied.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from glacier_magic.emulator.s3 import s3_limits


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObject:
    """The facts of an object that is to be recorded."""

    key: str
    modified: int
    size: int = 0
    etag: str = ""
    storage_class: str = "STANDARD"
    headers: str = "{}"
    """The headers that are returned with the object, as JSON."""
    algorithm: str | None = None
    checksum_type: str | None = None
    checksum: str | None = None
    parts: int | None = None
    """The number of parts; None for an object of one request."""
    payload: str = ""
    damaged: int = 0
    """Whether reads return damaged bytes: a fault."""
    locked_until: int | None = None
    marker: int = 0
    """Whether it is a delete marker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject(NewObject):
    """A version of an object."""

    id: int
    bucket: int
    version_id: str
    latest: int
    restore_tier: str | None
    restore_ready: int | None
    restore_until: int | None

    def response_headers(self) -> dict[str, str]:
        """Return the headers that were stored with the object."""
        found: dict[str, str] = json.loads(self.headers)
        return found

    def restoring(self, now: int) -> bool:
        """Return whether a restore is in progress."""
        return self.restore_ready is not None and now < self.restore_ready

    def restored(self, now: int) -> bool:
        """Return whether there is a copy that can be read."""
        ready, until = self.restore_ready, self.restore_until
        return ready is not None and until is not None and ready <= now < until

    def archived(self, now: int) -> bool:
        """Return whether the bytes cannot be read."""
        return self.storage_class in s3_limits.RETRIEVAL and not self.restored(now)


@dataclass(frozen=True, slots=True)
class StoredPart:
    """Bytes of one request: a whole object, or a part."""

    number: int
    size: int
    file: str
    etag: str
    algorithm: str | None
    checksum: str | None
    modified: int


_NEW = tuple(NewObject.__dataclass_fields__)
_FIELDS = tuple(StoredObject.__dataclass_fields__)
_COLUMNS = ", ".join(_FIELDS)


def _object(row: sqlite3.Row) -> StoredObject:
    return StoredObject(**dict(zip(_FIELDS, row, strict=True)))


def find(
    connection: sqlite3.Connection, bucket: int, key: str, version_id: str | None = None
) -> StoredObject | None:
    """Return a version of an object, or its latest one; it may be a delete marker."""
    condition = "latest" if version_id is None else "version_id = ?"
    values = (bucket, key) if version_id is None else (bucket, key, version_id)
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM s3_objects WHERE bucket = ? AND key = ? AND {condition}", values
    ).fetchone()
    return None if row is None else _object(row)


def add(connection: sqlite3.Connection, bucket: int, new: NewObject, version_id: str) -> list[str]:
    """Record a version as the latest, replacing one of the same id; return the files no longer needed."""
    files: list[str] = []
    replaced = find(connection, bucket, new.key, version_id)
    if replaced is not None:
        connection.execute("DELETE FROM s3_objects WHERE id = ?", (replaced.id,))
        files = drop_parts(connection, replaced.payload)
    connection.execute(
        "UPDATE s3_objects SET latest = 0 WHERE bucket = ? AND key = ? AND latest", (bucket, new.key)
    )
    names = ("bucket", "version_id", "latest", *_NEW)
    values = (bucket, version_id, 1, *(getattr(new, name) for name in _NEW))
    marks = ", ".join("?" * len(names))
    connection.execute(f"INSERT INTO s3_objects ({', '.join(names)}) VALUES ({marks})", values)
    return files


def remove(connection: sqlite3.Connection, found: StoredObject) -> list[str]:
    """Delete a version; return the files that are no longer needed."""
    connection.execute("DELETE FROM s3_objects WHERE id = ?", (found.id,))
    connection.execute(
        "UPDATE s3_objects SET latest = 1 WHERE id ="
        " (SELECT max(id) FROM s3_objects WHERE bucket = ? AND key = ?)",
        (found.bucket, found.key),
    )
    return drop_parts(connection, found.payload)


def set_restore(
    connection: sqlite3.Connection, found: StoredObject, tier: str, ready: int, until: int
) -> None:
    """Record a restore."""
    connection.execute(
        "UPDATE s3_objects SET restore_tier = ?, restore_ready = ?, restore_until = ? WHERE id = ?",
        (tier, ready, until, found.id),
    )


def add_part(connection: sqlite3.Connection, payload: str, part: StoredPart) -> list[str]:
    """Record a part; return the files that it replaces."""
    replaced = connection.execute(
        "SELECT file FROM s3_parts WHERE payload = ? AND number = ?", (payload, part.number)
    ).fetchall()
    connection.execute(
        "INSERT OR REPLACE INTO s3_parts (payload, number, size, file, etag, algorithm, checksum, modified)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (payload, part.number, part.size, part.file, part.etag, part.algorithm, part.checksum, part.modified),
    )
    return [str(row["file"]) for row in replaced]


def parts(connection: sqlite3.Connection, payload: str, after: int = -1, limit: int = -1) -> list[StoredPart]:
    """Return parts of a payload in order, of a number above *after*; all of them by default."""
    rows = connection.execute(
        "SELECT number, size, file, etag, algorithm, checksum, modified FROM s3_parts"
        " WHERE payload = ? AND number > ? ORDER BY number LIMIT ?",
        (payload, after, limit),
    )
    return [StoredPart(*row) for row in rows]


def drop_parts(connection: sqlite3.Connection, payload: str) -> list[str]:
    """Delete the parts of a payload; return their files."""
    files = [part.file for part in parts(connection, payload)]
    connection.execute("DELETE FROM s3_parts WHERE payload = ?", (payload,))
    return files


def listed(
    connection: sqlite3.Connection,
    bucket: int,
    prefix: str,
    after: tuple[str, int],
    *,
    versions: bool = False,
) -> Iterator[StoredObject]:
    """Yield objects in the order of their keys, or all versions, those of one key newest first.

    :param after: the key and row id of the last one that is not wanted; of the same key, rows with a
        smaller id follow.
    """
    key, number = after
    # Compared as bytes of UTF-8, which is the order of S3; no text is above its own bytes and 0xFF.
    end = prefix.encode() + b"\xff"
    kind = "ORDER BY key, id DESC" if versions else "AND latest AND NOT marker ORDER BY key"
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM s3_objects WHERE bucket = ? AND key >= ? AND key < CAST(? AS TEXT)"
        f" AND (key > ? OR (key = ? AND id < ?)) {kind}",
        (bucket, max(prefix, key, key=str.encode), end, key, key, number),
    )
    return map(_object, rows)
