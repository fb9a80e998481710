"""The documents of a bucket: versioning, lifecycle, object lock, who pays, and notifications.

They are stored as they were sent.  Of the lifecycle, only AbortIncompleteMultipartUpload is applied;
no notification is sent.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from glacier_magic.emulator.http import Response, whole_number
from glacier_magic.emulator.s3 import bucket_rows, s3_errors, s3_limits, xml_documents
from glacier_magic.emulator.s3.bucket_rows import StoredBucket
from glacier_magic.emulator.s3.s3_service import S3Call, s3_operation
from glacier_magic.emulator.s3.xml_documents import XmlNode
from glacier_magic.emulator.service_limits import DAY

_Check = Callable[[sqlite3.Connection, StoredBucket, XmlNode], None]

_NO_VERSIONS = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
_OWNER_PAYS: xml_documents.Members = [("Payer", "BucketOwner")]
_LOCKED = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."


def _read(connection: sqlite3.Connection, bucket: StoredBucket, parameter: str) -> XmlNode:
    content = bucket_rows.document(connection, bucket, parameter)
    return XmlNode("") if content is None else xml_documents.read(content)


def versioning(connection: sqlite3.Connection, bucket: StoredBucket) -> str | None:
    """Return ``Enabled``, ``Suspended``, or None for a bucket that never had versions."""
    return _read(connection, bucket, "versioning").get("Status")


def enable_lock(connection: sqlite3.Connection, bucket: StoredBucket) -> None:
    """Enable the object lock of a new bucket, and versions, which it needs."""
    lock = xml_documents.write("ObjectLockConfiguration", [("ObjectLockEnabled", "Enabled")])
    versions = xml_documents.write("VersioningConfiguration", [("Status", "Enabled")])
    bucket_rows.set_document(connection, bucket, "object-lock", lock)
    bucket_rows.set_document(connection, bucket, "versioning", versions)


def retention(connection: sqlite3.Connection, bucket: StoredBucket) -> int | None:
    """Return the default retention of a new object in milliseconds, or None."""
    lock = _read(connection, bucket, "object-lock")
    for rule in lock.all("Rule"):
        for default in rule.all("DefaultRetention"):
            days = whole_number(default.get("Days") or "0") or 0
            years = whole_number(default.get("Years") or "0") or 0
            return (days + 365 * years) * DAY
    return None


def abort_time(
    connection: sqlite3.Connection, bucket: StoredBucket, key: str, created: int
) -> tuple[int, str] | None:
    """Return when the lifecycle aborts an upload, and the id of the rule; None if it does not."""
    found = []
    for rule in _read(connection, bucket, "lifecycle").all("Rule"):
        filters = [rule, *rule.all("Filter")]
        prefix = next((text for each in filters if (text := each.get("Prefix")) is not None), "")
        for action in rule.all("AbortIncompleteMultipartUpload"):
            days = whole_number(action.get("DaysAfterInitiation") or "")
            if days is not None and rule.get("Status") == "Enabled" and key.startswith(prefix):
                found.append((s3_limits.midnight(created + days * DAY), rule.get("ID") or ""))
    return min(found, default=None)


def _check_lifecycle(_: sqlite3.Connection, __: StoredBucket, document: XmlNode) -> None:
    rules = document.all("Rule")
    if not rules or any(rule.get("Status") not in ("Enabled", "Disabled") for rule in rules):
        raise s3_errors.malformed_xml()


def _check_versioning(connection: sqlite3.Connection, bucket: StoredBucket, document: XmlNode) -> None:
    status = document.get("Status")
    if status not in ("Enabled", "Suspended"):
        raise s3_errors.malformed_xml()
    if status == "Suspended" and bucket_rows.document(connection, bucket, "object-lock") is not None:
        raise s3_errors.S3Error("InvalidBucketState", 409, _LOCKED)


def _check_lock(connection: sqlite3.Connection, bucket: StoredBucket, document: XmlNode) -> None:
    if document.get("ObjectLockEnabled") != "Enabled":
        raise s3_errors.malformed_xml()
    if versioning(connection, bucket) != "Enabled":
        raise s3_errors.S3Error("InvalidBucketState", 409, _NO_VERSIONS)


def _check_payer(_: sqlite3.Connection, __: StoredBucket, document: XmlNode) -> None:
    if document.get("Payer") not in ("Requester", "BucketOwner"):
        raise s3_errors.malformed_xml()


class _Kind(NamedTuple):
    operation: str
    parameter: str
    root: str
    missing: tuple[str, str] | None
    """The error if the document does not exist; None if an empty one is returned instead."""
    check: _Check
    initial: xml_documents.Members | None = None


_KINDS = (
    _Kind("BucketVersioning", "versioning", "VersioningConfiguration", None, _check_versioning),
    _Kind(
        "BucketLifecycleConfiguration",
        "lifecycle",
        "LifecycleConfiguration",
        ("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
        _check_lifecycle,
    ),
    _Kind(
        "ObjectLockConfiguration",
        "object-lock",
        "ObjectLockConfiguration",
        ("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket"),
        _check_lock,
    ),
    _Kind(
        "BucketRequestPayment",
        "requestPayment",
        "RequestPaymentConfiguration",
        None,
        _check_payer,
        _OWNER_PAYS,
    ),
    _Kind(
        "BucketNotificationConfiguration", "notification", "NotificationConfiguration", None, lambda *_: None
    ),
)


def _put(kind: _Kind, call: S3Call) -> Response:
    document = call.document()
    if document.name != kind.root:
        raise s3_errors.malformed_xml()
    with call.store.write() as connection:
        bucket = call.bucket(connection)
        kind.check(connection, bucket, document)
        bucket_rows.set_document(connection, bucket, kind.parameter, call.request.body.read())
    return Response(200)


def _get(kind: _Kind, call: S3Call) -> Response:
    with call.store.read() as connection:
        content = bucket_rows.document(connection, call.bucket(connection), kind.parameter)
    if content is None and kind.missing is not None:
        code, message = kind.missing
        raise s3_errors.S3Error(code, 404, message, BucketName=call.names["bucket"])
    empty = xml_documents.write(kind.root, kind.initial or [])
    return Response(200, {"Content-Type": "application/xml"}, empty if content is None else content)


for _kind in _KINDS:
    s3_operation("PUT", "bucket", _kind.parameter, f"Put{_kind.operation}")(partial(_put, _kind))
    s3_operation("GET", "bucket", _kind.parameter, f"Get{_kind.operation}")(partial(_get, _kind))


@s3_operation("DELETE", "bucket", "lifecycle")
def delete_bucket_lifecycle(call: S3Call) -> Response:
    """Remove the lifecycle; removing none is no error."""
    with call.store.write() as connection:
        bucket_rows.set_document(connection, call.bucket(connection), "lifecycle", None)
    return Response(204)
