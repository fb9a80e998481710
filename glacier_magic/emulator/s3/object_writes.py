"""The writing of an object: checking its headers, receiving its bytes, and recording it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace

from glacier_magic.emulator import ids
from glacier_magic.emulator.http import Response
from glacier_magic.emulator.payloads import Incoming, arriving
from glacier_magic.emulator.s3 import bucket_documents, object_rows, s3_errors, s3_limits
from glacier_magic.emulator.s3.body_checks import FULL, BodyChecks
from glacier_magic.emulator.s3.bucket_rows import StoredBucket
from glacier_magic.emulator.s3.object_rows import NewObject, StoredPart
from glacier_magic.emulator.s3.s3_service import S3Call, s3_operation

_KEPT = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)
_META = "x-amz-meta-"


def kept_headers(call: S3Call) -> str:
    """Return the headers that are stored with an object, as JSON.

    :raises S3Error: the user metadata is too large.
    """
    headers = call.request.headers
    kept = {name: headers[name] for name in _KEPT if name in headers}
    encodings = [each.strip() for each in kept.pop("content-encoding", "").split(",")]
    # That is the coding of the request, not of the object.
    if own := ",".join(each for each in encodings if each not in ("", "aws-chunked")):
        kept["content-encoding"] = own
    kept.setdefault("content-type", "binary/octet-stream")
    meta = {name: value for name, value in headers.items() if name.startswith(_META)}
    size = sum(len(name) - len(_META) + len(value.encode("latin-1")) for name, value in meta.items())
    if size > s3_limits.METADATA:
        raise s3_errors.S3Error(
            "MetadataTooLarge",
            400,
            "Your metadata headers exceed the maximum allowed metadata size",
            Size=size,
            MaxSizeAllowed=s3_limits.METADATA,
        )
    encryption = headers.get("x-amz-server-side-encryption", "AES256")
    if encryption not in ("AES256", "aws:kms", "aws:kms:dsse"):
        raise s3_errors.invalid_argument("The encryption method specified is not supported")
    kept["x-amz-server-side-encryption"] = encryption
    return json.dumps(kept | meta)


def storage_class(call: S3Call) -> str:
    """Return the storage class that a request asks for."""
    name = call.header("x-amz-storage-class") or "STANDARD"
    if name not in s3_limits.CLASSES:
        raise s3_errors.S3Error(
            "InvalidStorageClass",
            400,
            "The storage class you specified is not valid",
            StorageClassRequested=name,
        )
    return name


def check_conditions(call: S3Call, connection: sqlite3.Connection, bucket: StoredBucket) -> None:
    """Raise an error unless the object with the key meets the conditions of the request."""
    found = object_rows.find(connection, bucket.id, call.key)
    exists = found is not None and not found.marker  # a delete marker counts as absent
    none, expected = call.header("if-none-match"), call.header("if-match")
    if none is not None:
        if none != "*":
            raise s3_errors.not_implemented("If-None-Match with an entity tag")
        if exists:
            raise failed("If-None-Match")
    if expected is not None:
        if found is None or not exists:
            raise s3_errors.no_such_key(Key=call.key)
        if expected.strip('"') != found.etag:
            raise failed("If-Match")


def failed(condition: str) -> s3_errors.S3Error:
    """Return the error of a condition that is not met."""
    return s3_errors.S3Error("PreconditionFailed", 412, s3_errors.CONDITION, Condition=condition)


def receive(call: S3Call, checks: BodyChecks, incoming: Incoming) -> None:
    """Read the body of a request and compare it with what the request declares."""
    body = call.request.body
    if body.length > s3_limits.MAX_PUT:
        raise s3_errors.S3Error(
            "EntityTooLarge",
            400,
            "Your proposed upload exceeds the maximum allowed size",
            ProposedSize=body.length,
            MaxSizeAllowed=s3_limits.MAX_PUT,
        )
    incoming.absorb(arriving(body), checks.digests.values())
    checks.verify(body.trailers())


def remove_files(call: S3Call, payload: str, files: list[str]) -> None:
    """Remove files that no row refers to."""
    # A reader opens its files one after another; files in use are removed at the next start.
    if not call.service.payloads.in_use(payload):
        call.service.payloads.remove(*files)


def record(
    call: S3Call, connection: sqlite3.Connection, bucket: StoredBucket, new: NewObject
) -> tuple[dict[str, str], Callable[[], None]]:
    """Record an object; return the header of its version, and what to call after the commit."""
    kept = bucket_documents.retention(connection, bucket)
    new = replace(new, locked_until=None if kept is None else new.modified + kept)
    status = bucket_documents.versioning(connection, bucket)
    version = ids.upload_id()[:32] if status == "Enabled" else "null"
    replaced = object_rows.find(connection, bucket.id, new.key, version)
    files = object_rows.add(connection, bucket.id, new, version)
    headers = {} if status is None else {"x-amz-version-id": version}
    return headers, lambda: remove_files(call, replaced.payload if replaced else "", files)


def store(
    call: S3Call, incoming: Incoming, checks: BodyChecks, kind: str, headers: str
) -> tuple[NewObject, dict[str, str]]:
    """Record received bytes as an object; return it, and the header of its version."""
    payload, now = ids.file_name(), call.clock.now()
    file = incoming.keep()
    part = StoredPart(0, incoming.size, file, checks.etag, checks.algorithm, checks.checksum, now)
    new = NewObject(
        key=call.key,
        modified=now,
        size=incoming.size,
        etag=etag(checks, headers),
        storage_class=kind,
        headers=headers,
        algorithm=checks.algorithm,
        checksum_type=FULL,
        checksum=checks.checksum,
        payload=payload,
        damaged=damaged(call),
    )
    with call.store.write() as connection:
        bucket = call.bucket(connection)  # again: both may have changed during the transfer
        check_conditions(call, connection, bucket)
        object_rows.add_part(connection, payload, part)
        version, finish = record(call, connection, bucket, new)
    finish()
    return new, version


def check_lock(connection: sqlite3.Connection, bucket: StoredBucket, checks: BodyChecks) -> None:
    """Raise if the bucket locks new objects, and the request has no checksum."""
    if bucket_documents.retention(connection, bucket) is not None and not checks.is_declared:
        raise s3_errors.invalid_request(
            "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object "
            "Lock parameters"
        )


def damaged(call: S3Call) -> int:
    """Return whether a fault damages the bytes of a new object."""
    return int(call.fault is not None and call.fault.kind == "corrupt-at-rest")


def checksum_headers(found: NewObject) -> dict[str, str]:
    """Return the headers of a checksum."""
    if found.checksum is None or found.algorithm is None:
        return {}
    name = f"x-amz-checksum-{found.algorithm.lower()}"
    return {name: found.checksum, "x-amz-checksum-type": found.checksum_type or FULL}


def encryption_header(headers: str) -> dict[str, str]:
    """Return the header of the encryption, which is one of the *headers* stored with an object."""
    return {"x-amz-server-side-encryption": json.loads(headers)["x-amz-server-side-encryption"]}


@s3_operation("PUT", "object")
def put_object(call: S3Call) -> Response:
    """Store an object."""
    headers, kind = kept_headers(call), storage_class(call)
    checks = BodyChecks(call.request.headers, trust=call.service.payloads.trust)
    with call.store.read() as connection:  # before the body, so that a refusal costs no transfer
        bucket = call.bucket(connection)
        check_conditions(call, connection, bucket)
        check_lock(connection, bucket, checks)
    with call.service.payloads.incoming() as incoming:
        receive(call, checks, incoming)
        new, version = store(call, incoming, checks, kind, headers)
    answer = {"ETag": f'"{new.etag}"'} | checksum_headers(new) | encryption_header(headers) | version
    return Response(200, answer)


def etag(checks: BodyChecks, headers: str) -> str:
    """Return the entity tag of received bytes: their MD5, unless a key of KMS encrypts them."""
    if "aws:kms" in encryption_header(headers)["x-amz-server-side-encryption"] or not checks.digests:
        return ids.file_name()
    return checks.etag
