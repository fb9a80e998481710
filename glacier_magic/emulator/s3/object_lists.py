"""ListObjectsV2 and ListObjectVersions."""

from __future__ import annotations

import base64
import binascii
import itertools
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import quote

from glacier_magic.emulator.http import Response
from glacier_magic.emulator.s3 import object_rows, s3_errors, s3_limits
from glacier_magic.emulator.s3.bucket_operations import owner
from glacier_magic.emulator.s3.object_reads import number_in
from glacier_magic.emulator.s3.object_rows import StoredObject
from glacier_magic.emulator.s3.s3_service import S3Call, s3_operation, timestamp, xml_response
from glacier_magic.emulator.s3.xml_documents import Members

_AFTER = 0  # a row id below all: everything of the key has been listed
_LAST = "\U0010ffff" * 8
"""The suffix that makes a common prefix sort after all its keys."""


@dataclass(frozen=True, slots=True)
class _Row:
    """An item of a list: a version or a common prefix."""

    at: tuple[str, int]
    """Where the list goes on after it."""
    prefix: str | None = None
    version: StoredObject | None = None


def _rows(call: S3Call, after: tuple[str, int], *, versions: bool) -> Generator[_Row]:
    prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter", "")
    with call.store.read() as connection:
        bucket = call.bucket(connection)
        while True:
            for found in object_rows.listed(connection, bucket.id, prefix, after, versions=versions):
                cut = found.key.find(delimiter, len(prefix)) if delimiter else -1
                if cut < 0:
                    yield _Row((found.key, found.id), version=found)
                    continue
                common = found.key[: cut + len(delimiter)]
                # The rest of the prefix is not read: the list goes on after its last possible key.
                after = (common + _LAST, _AFTER)
                yield _Row(after, prefix=common)
                break
            else:
                return


def _encoding(call: S3Call) -> Callable[[str], str]:
    kind = call.query.get("encoding-type")
    if kind not in (None, "url"):
        raise s3_errors.invalid_argument(
            "Invalid Encoding Method specified in Request", ArgumentName="encoding-type", ArgumentValue=kind
        )
    return (lambda text: text) if kind is None else (lambda text: quote(text, safe="/-_.~*()!'"))


def _page(call: S3Call, after: tuple[str, int], limit: int, *, versions: bool) -> tuple[list[_Row], bool]:
    """Return the rows of a page, and whether there are more; a page of size 0 is never truncated."""
    with closing(_rows(call, after, versions=versions)) as rows:
        found = list(itertools.islice(rows, limit + 1))
    return found[:limit], len(found) > limit > 0


def _entry(call: S3Call, found: StoredObject, encode: Callable[[str], str]) -> Members:
    members: Members = [
        ("Key", encode(found.key)),
        ("LastModified", timestamp(found.modified)),
        ("ETag", f'"{found.etag}"'),
        ("ChecksumAlgorithm", found.algorithm),
        ("ChecksumType", found.checksum_type),
        ("Size", found.size),
        ("StorageClass", found.storage_class),
    ]
    if "RestoreStatus" in (call.header("x-amz-optional-object-attributes") or ""):
        now = call.clock.now()
        if found.restoring(now):
            members.append(("RestoreStatus", [("IsRestoreInProgress", True)]))
        elif found.restored(now):
            until = timestamp(found.restore_until or 0)
            members.append(("RestoreStatus", [("IsRestoreInProgress", False), ("RestoreExpiryDate", until)]))
    return members


def _prefixes(shown: list[_Row], encode: Callable[[str], str]) -> Members:
    return [("CommonPrefixes", [("Prefix", encode(row.prefix))]) for row in shown if row.prefix is not None]


@s3_operation("GET", "bucket", "list-type")
def list_objects_v2(call: S3Call) -> Response:
    """List the objects in the order of their keys, at most 1,000."""
    query, encode = call.query, _encoding(call)
    if query["list-type"] != "2":
        raise s3_errors.invalid_argument("Invalid List Type specified in Request")
    limit = number_in("max-keys", query.get("max-keys"), s3_limits.PAGE)
    token, start = query.get("continuation-token"), query.get("start-after")
    after = (_from_token(token), _AFTER) if token is not None else (start or "", _AFTER)
    shown, more = _page(call, after, limit, versions=False)
    members: Members = [
        ("Name", call.names["bucket"]),
        ("Prefix", encode(query.get("prefix", ""))),
        ("Delimiter", encode(query["delimiter"]) if query.get("delimiter") else None),
        ("StartAfter", encode(start) if start else None),
        ("ContinuationToken", token),
        ("NextContinuationToken", _token(shown[-1].at[0]) if more else None),
        ("KeyCount", len(shown)),
        ("MaxKeys", limit),
        ("EncodingType", query.get("encoding-type")),
        ("IsTruncated", more),
    ]
    for row in shown:
        if row.version is not None:
            entry = _entry(call, row.version, encode)
            if query.get("fetch-owner") == "true":
                entry.append(("Owner", owner(call)))
            members.append(("Contents", entry))
    return xml_response("ListBucketResult", members + _prefixes(shown, encode))


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode("ascii")


def _from_token(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (ValueError, binascii.Error):
        raise s3_errors.invalid_argument(
            "The continuation token provided is incorrect", ArgumentName="continuation-token"
        ) from None


@s3_operation("GET", "bucket", "versions")
def list_object_versions(call: S3Call) -> Response:
    """List all versions in the order of their keys, the newest of a key first, at most 1,000."""
    query, encode = call.query, _encoding(call)
    limit = number_in("max-keys", query.get("max-keys"), s3_limits.PAGE)
    key, marker = query.get("key-marker", ""), query.get("version-id-marker")
    if marker is not None and not key:
        raise s3_errors.invalid_argument("A version-id marker cannot be specified without a key marker.")
    with call.store.read() as connection:
        bucket = call.bucket(connection)
        last = None if marker is None else object_rows.find(connection, bucket.id, key, marker)
    # A common prefix as the marker stands for all its keys.
    passed = _LAST if query.get("delimiter") and key.endswith(query["delimiter"]) else ""
    after = (key + passed, _AFTER if last is None else last.id)
    shown, more = _page(call, after, limit, versions=True)
    last = shown[-1].version if shown else None
    members: Members = [
        ("Name", call.names["bucket"]),
        ("Prefix", encode(query.get("prefix", ""))),
        ("Delimiter", encode(query["delimiter"]) if query.get("delimiter") else None),
        ("KeyMarker", encode(key)),
        ("VersionIdMarker", marker),
        ("NextKeyMarker", encode(shown[-1].prefix or shown[-1].at[0]) if more else None),
        ("NextVersionIdMarker", last.version_id if more and last is not None else None),
        ("MaxKeys", limit),
        ("EncodingType", query.get("encoding-type")),
        ("IsTruncated", more),
    ]
    for row in shown:
        if row.version is not None:
            members.append(_version(call, row.version, encode))
    return xml_response("ListVersionsResult", members + _prefixes(shown, encode))


def _version(call: S3Call, found: StoredObject, encode: Callable[[str], str]) -> tuple[str, Members]:
    more: Members = [
        ("VersionId", found.version_id),
        ("IsLatest", bool(found.latest)),
        ("Owner", owner(call)),
    ]
    if found.marker:
        return "DeleteMarker", [
            ("Key", encode(found.key)),
            ("LastModified", timestamp(found.modified)),
            *more,
        ]
    return "Version", _entry(call, found, encode) + more
