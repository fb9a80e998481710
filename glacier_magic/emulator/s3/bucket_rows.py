"""Buckets and their documents: lifecycle, versioning, lock and notifications."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass

from glacier_magic.emulator.s3 import s3_errors

_NAME = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class StoredBucket:
    """A bucket."""

    id: int
    name: str
    region: str
    created: int


_COLUMNS = "id, name, region, created"


def find(connection: sqlite3.Connection, name: str) -> StoredBucket | None:
    """Return the bucket of that name, or None."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM s3_buckets WHERE name = ?", (name,)).fetchone()
    return None if row is None else StoredBucket(*row)


def get(connection: sqlite3.Connection, name: str) -> StoredBucket:
    """Return the bucket of that name, or raise the 404."""
    bucket = find(connection, name)
    if bucket is None:
        raise s3_errors.S3Error("NoSuchBucket", 404, "The specified bucket does not exist", BucketName=name)
    return bucket


def add(connection: sqlite3.Connection, name: str, region: str, now: int) -> None:
    """Record a bucket.

    :raises S3Error: the name is not valid.
    """
    if not _NAME.fullmatch(name):
        raise s3_errors.S3Error(
            "InvalidBucketName", 400, "The specified bucket is not valid.", BucketName=name
        )
    connection.execute("INSERT INTO s3_buckets (name, region, created) VALUES (?, ?, ?)", (name, region, now))


def page(connection: sqlite3.Connection, prefix: str, after: str, limit: int) -> list[StoredBucket]:
    """Return at most *limit* buckets by name, after the name *after*."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM s3_buckets WHERE name > ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
        (after, len(prefix), prefix, limit),
    )
    return [StoredBucket(*row) for row in rows]


def delete(connection: sqlite3.Connection, bucket: StoredBucket) -> list[str]:
    """Delete a bucket without objects, and its uploads; return the files that are no longer needed."""
    if connection.execute("SELECT 1 FROM s3_objects WHERE bucket = ? LIMIT 1", (bucket.id,)).fetchone():
        raise s3_errors.S3Error(
            "BucketNotEmpty", 409, "The bucket you tried to delete is not empty", BucketName=bucket.name
        )
    parts = "s3_parts WHERE payload IN (SELECT payload FROM s3_uploads WHERE bucket = ?)"
    files = [row["file"] for row in connection.execute(f"SELECT file FROM {parts}", (bucket.id,))]
    connection.execute(f"DELETE FROM {parts}", (bucket.id,))
    for table in ("s3_uploads", "s3_documents"):
        connection.execute(f"DELETE FROM {table} WHERE bucket = ?", (bucket.id,))
    connection.execute("DELETE FROM s3_buckets WHERE id = ?", (bucket.id,))
    return files


def document(connection: sqlite3.Connection, bucket: StoredBucket, name: str) -> bytes | None:
    """Return a document of the bucket as it was sent, or None."""
    row = connection.execute(
        "SELECT content FROM s3_documents WHERE bucket = ? AND name = ?", (bucket.id, name)
    ).fetchone()
    return None if row is None else bytes(row["content"])


def requester_pays(connection: sqlite3.Connection, bucket: StoredBucket) -> bool:
    """Return whether the requester pays for requests to the bucket, not its owner."""
    return b">Requester<" in (document(connection, bucket, "requestPayment") or b"")


def set_document(
    connection: sqlite3.Connection, bucket: StoredBucket, name: str, content: bytes | None
) -> None:
    """Set a document of the bucket, or remove it."""
    connection.execute("DELETE FROM s3_documents WHERE bucket = ? AND name = ?", (bucket.id, name))
    if content is not None:
        connection.execute("INSERT INTO s3_documents VALUES (?, ?, ?)", (bucket.id, name, content))
