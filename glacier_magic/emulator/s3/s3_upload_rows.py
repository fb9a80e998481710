"""Multipart uploads in progress."""

from __future__ import annotations

import sqlite3
from dataclasses import astuple, dataclass

from glacier_magic.emulator.s3.body_checks import COMPOSITE, DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class PartUpload:
    """An upload in parts that is in progress."""

    bucket: int
    key: str
    upload_id: str
    created: int
    storage_class: str
    headers: str
    algorithm: str | None
    """The checksum algorithm that was declared when the upload was created, if any."""
    checksum_type: str
    payload: str

    @property
    def kept(self) -> str:
        """The checksum algorithm of the parts and the object."""
        return self.algorithm or DEFAULT

    @property
    def part_checksums(self) -> bool:
        """Whether each part, and the completion, must have the checksums of the parts."""
        return self.checksum_type == COMPOSITE


_FIELDS = tuple(PartUpload.__dataclass_fields__)
_COLUMNS = ", ".join(_FIELDS)


def _row(row: sqlite3.Row) -> PartUpload:
    return PartUpload(**dict(zip(_FIELDS, row, strict=True)))


def add(connection: sqlite3.Connection, upload: PartUpload) -> None:
    """Record a new upload."""
    marks = ", ".join("?" * len(_FIELDS))
    connection.execute(f"INSERT INTO s3_uploads ({_COLUMNS}) VALUES ({marks})", astuple(upload))


def find(connection: sqlite3.Connection, bucket: int, key: str, upload_id: str) -> PartUpload | None:
    """Return an upload in progress, or None."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM s3_uploads WHERE bucket = ? AND key = ? AND upload_id = ?",
        (bucket, key, upload_id),
    ).fetchone()
    return None if row is None else _row(row)


def page(
    connection: sqlite3.Connection, bucket: int, prefix: str, after: tuple[str, str | None]
) -> list[PartUpload]:
    """Return the uploads by key and time that follow a key, or an upload of that key."""
    key, upload_id = after
    last = connection.execute("SELECT id FROM s3_uploads WHERE upload_id = ?", (upload_id,)).fetchone()
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM s3_uploads WHERE bucket = ? AND substr(key, 1, ?) = ?"
        " AND (key > ? OR (key = ? AND id > ?)) ORDER BY key, id",
        (bucket, len(prefix), prefix, key, key, (1 << 62) if last is None else last["id"]),
    )
    return [_row(row) for row in rows]


def end(connection: sqlite3.Connection, upload: PartUpload) -> None:
    """Delete the upload; its parts stay."""
    connection.execute("DELETE FROM s3_uploads WHERE upload_id = ?", (upload.upload_id,))
