"""The six operations of multipart uploads."""

from __future__ import annotations

import sqlite3

from glacier_magic.emulator import dates, ids
from glacier_magic.emulator.http import Response, whole_number
from glacier_magic.emulator.payloads import Incoming
from glacier_magic.emulator.s3 import (
    bucket_documents,
    object_rows,
    object_writes,
    s3_errors,
    s3_limits,
    s3_upload_rows,
)
from glacier_magic.emulator.s3.body_checks import FULL, TYPES, BodyChecks, algorithm_named
from glacier_magic.emulator.s3.bucket_operations import owner
from glacier_magic.emulator.s3.bucket_rows import StoredBucket
from glacier_magic.emulator.s3.object_reads import number_in
from glacier_magic.emulator.s3.object_rows import StoredPart
from glacier_magic.emulator.s3.part_completion import check_complete
from glacier_magic.emulator.s3.s3_service import S3Call, s3_operation, timestamp, xml_response
from glacier_magic.emulator.s3.s3_upload_rows import PartUpload
from glacier_magic.emulator.s3.xml_documents import Members


@s3_operation("POST", "object", "uploads")
def create_multipart_upload(call: S3Call) -> Response:
    """Start an upload."""
    headers, kind = object_writes.kept_headers(call), object_writes.storage_class(call)
    algorithm, checksum_type = _checksum(call)
    with call.store.write() as connection:
        bucket, now = call.bucket(connection), call.clock.now()
        upload = PartUpload(
            bucket=bucket.id,
            key=call.key,
            upload_id=ids.upload_id(),
            created=now,
            storage_class=kind,
            headers=headers,
            algorithm=algorithm,
            checksum_type=checksum_type,
            payload=ids.file_name(),
        )
        s3_upload_rows.add(connection, upload)
        answer = _abort_headers(connection, bucket, upload) | object_writes.encryption_header(headers)
    if algorithm is not None:
        answer |= {"x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": checksum_type or ""}
    members: Members = [("Bucket", bucket.name), ("Key", call.key), ("UploadId", upload.upload_id)]
    return xml_response("InitiateMultipartUploadResult", members, answer)


def _checksum(call: S3Call) -> tuple[str | None, str]:
    name, kind = call.header("x-amz-checksum-algorithm"), call.header("x-amz-checksum-type")
    if name is None:
        if kind is not None:
            raise s3_errors.invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
            )
        return None, FULL
    algorithm = algorithm_named(name)
    kind = (kind or TYPES[algorithm][0]).upper()
    if kind not in ("COMPOSITE", "FULL_OBJECT"):
        raise s3_errors.invalid_request("Value for x-amz-checksum-type header is invalid.")
    if kind not in TYPES[algorithm]:
        raise s3_errors.invalid_request(
            f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        )
    return algorithm, kind


def _abort_headers(
    connection: sqlite3.Connection, bucket: StoredBucket, upload: PartUpload
) -> dict[str, str]:
    found = bucket_documents.abort_time(connection, bucket, upload.key, upload.created)
    if found is None:
        return {}
    return {"x-amz-abort-date": dates.http_date(found[0]), "x-amz-abort-rule-id": found[1]}


def upload_of(call: S3Call, connection: sqlite3.Connection) -> PartUpload:
    """Return the upload that the request names, or raise the 404; the lifecycle may have aborted it."""
    bucket = call.bucket(connection)
    upload = s3_upload_rows.find(connection, bucket.id, call.key, call.query["uploadId"])
    if upload is None or _aborted(call, connection, bucket, upload):
        raise s3_errors.no_such_upload(UploadId=call.query["uploadId"])
    return upload


def _aborted(call: S3Call, connection: sqlite3.Connection, bucket: StoredBucket, upload: PartUpload) -> bool:
    found = bucket_documents.abort_time(connection, bucket, upload.key, upload.created)
    return found is not None and found[0] <= call.clock.now()


def part_number(call: S3Call) -> int:
    """Return the number of the part in the request."""
    number = whole_number(call.query.get("partNumber", "")) or 0
    if not 1 <= number <= s3_limits.PARTS:
        raise s3_errors.invalid_argument(
            "Part number must be an integer between 1 and 10000, inclusive",
            ArgumentName="partNumber",
            ArgumentValue=call.query.get("partNumber", ""),
        )
    return number


@s3_operation("PUT", "object", "uploadId")
def upload_part(call: S3Call) -> Response:
    """Store a part; the same number again replaces it."""
    number = part_number(call)
    with call.store.read() as connection:  # before the body, so that a refusal costs no transfer
        upload = upload_of(call, connection)
    checks = BodyChecks(call.request.headers, upload.kept, trust=call.service.payloads.trust)
    _check_declared(upload, checks.declared)
    with call.service.payloads.incoming() as incoming:
        object_writes.receive(call, checks, incoming)
        part = store_part(call, number, incoming, checks)
    answer = {"ETag": f'"{part.etag}"'} | object_writes.encryption_header(upload.headers)
    return Response(200, answer | checks.headers())


def _check_declared(upload: PartUpload, declared: str | None) -> None:
    if upload.algorithm is None or declared == upload.algorithm:
        return
    # With a checksum of the full object, a part need not have one.
    if declared is not None or upload.part_checksums:
        raise s3_errors.invalid_request(
            f"Checksum Type mismatch occurred, expected checksum Type: {upload.algorithm.lower()}, "
            f"actual checksum Type: {'null' if declared is None else declared.lower()}"
        )


def store_part(call: S3Call, number: int, incoming: Incoming, checks: BodyChecks) -> StoredPart:
    """Record a part whose bytes have arrived."""
    etag = checks.etag if checks.digests else ids.file_name()
    now = call.clock.now()
    part = StoredPart(number, incoming.size, incoming.keep(), etag, checks.algorithm, checks.checksum, now)
    with call.store.write() as connection:
        upload = upload_of(call, connection)  # again: it may have ended during the transfer
        replaced = object_rows.add_part(connection, upload.payload, part)
    call.service.payloads.remove(*replaced)  # after the commit: a kill before it loses no part
    return part


@s3_operation("GET", "object", "uploadId")
def list_parts(call: S3Call) -> Response:
    """List the received parts by their numbers, at most 1,000."""
    limit = number_in("max-parts", call.query.get("max-parts"), s3_limits.PAGE)
    after = number_in("part-number-marker", call.query.get("part-number-marker"), 0)
    with call.store.read() as connection:
        upload, bucket = upload_of(call, connection), call.bucket(connection)
        found = object_rows.parts(connection, upload.payload, after, limit + 1)
        headers = _abort_headers(connection, bucket, upload)
    shown = found[:limit]
    members: Members = [
        ("Bucket", bucket.name),
        ("Key", upload.key),
        ("UploadId", upload.upload_id),
        ("PartNumberMarker", after),
        ("NextPartNumberMarker", shown[-1].number if shown else 0),
        ("MaxParts", limit),
        ("IsTruncated", len(found) > limit and bool(limit)),
    ]
    for part in shown:
        each: Members = [
            ("PartNumber", part.number),
            ("LastModified", timestamp(part.modified)),
            ("ETag", f'"{part.etag}"'),
            ("Size", part.size),
        ]
        if upload.algorithm is not None:
            each.append((f"Checksum{part.algorithm}", part.checksum))
        members.append(("Part", each))
    members += [
        ("Initiator", owner(call)),
        ("Owner", owner(call)),
        ("StorageClass", upload.storage_class),
        ("ChecksumAlgorithm", upload.algorithm),
        ("ChecksumType", upload.checksum_type if upload.algorithm else None),
    ]
    return xml_response("ListPartsResult", members, headers)


@s3_operation("GET", "bucket", "uploads")
def list_multipart_uploads(call: S3Call) -> Response:
    """List the uploads in progress by key and time, at most 1,000."""
    query = call.query
    limit = number_in("max-uploads", query.get("max-uploads"), s3_limits.PAGE)
    prefix, key = query.get("prefix", ""), query.get("key-marker", "")
    if query.get("delimiter"):
        raise s3_errors.not_implemented("the delimiter of ListMultipartUploads")
    with call.store.read() as connection:
        bucket = call.bucket(connection)
        rows = s3_upload_rows.page(connection, bucket.id, prefix, (key, query.get("upload-id-marker")))
        found = [each for each in rows if not _aborted(call, connection, bucket, each)]
    shown, more = found[:limit], len(found) > limit and bool(limit)
    members: Members = [
        ("Bucket", bucket.name),
        ("KeyMarker", key),
        ("UploadIdMarker", query.get("upload-id-marker", "")),
        ("NextKeyMarker", shown[-1].key if more else None),
        ("NextUploadIdMarker", shown[-1].upload_id if more else None),
        ("Prefix", prefix),
        ("MaxUploads", limit),
        ("IsTruncated", more),
    ]
    members += [("Upload", _upload(call, each)) for each in shown]
    return xml_response("ListMultipartUploadsResult", members)


def _upload(call: S3Call, upload: PartUpload) -> Members:
    return [
        ("Key", upload.key),
        ("UploadId", upload.upload_id),
        ("Initiator", owner(call)),
        ("Owner", owner(call)),
        ("StorageClass", upload.storage_class),
        ("Initiated", timestamp(upload.created)),
        ("ChecksumAlgorithm", upload.algorithm),
        ("ChecksumType", upload.checksum_type if upload.algorithm else None),
    ]


@s3_operation("DELETE", "object", "uploadId")
def abort_multipart_upload(call: S3Call) -> Response:
    """Abort an upload; a repeated call returns a 404."""
    with call.store.write() as connection:
        upload = upload_of(call, connection)
        s3_upload_rows.end(connection, upload)
        files = object_rows.drop_parts(connection, upload.payload)
    call.service.payloads.remove(*files)
    return Response(204)


@s3_operation("POST", "object", "uploadId")
def complete_multipart_upload(call: S3Call) -> Response:
    """Turn the parts into an object."""
    document = call.document(of_body=False)
    fault = None if call.fault is None else call.fault.kind
    if fault == "complete-conflict":
        raise s3_errors.S3Error(
            "ConditionalRequestConflict",
            409,
            "The conditional request cannot succeed due to a conflicting operation against this resource.",
            Condition="If-None-Match",
            Key=call.key,
        )
    if fault == "complete-error-in-200":  # the service starts its response before it knows the outcome
        return Response(200, {"Content-Type": "application/xml"}, s3_errors.document(s3_errors.internal()))
    with call.store.write() as connection:
        upload, bucket = upload_of(call, connection), call.bucket(connection)
        object_writes.check_conditions(call, connection, bucket)
        new, dropped = check_complete(call, connection, upload, document)
        s3_upload_rows.end(connection, upload)
        version, finish = object_writes.record(call, connection, bucket, new)
    call.service.payloads.remove(*dropped)
    finish()
    members: Members = [
        ("Location", f"http://{call.request.headers.get('host', '')}/{bucket.name}/{call.key}"),
        ("Bucket", bucket.name),
        ("Key", call.key),
        ("ETag", f'"{new.etag}"'),
    ]
    members += [(f"Checksum{new.algorithm}", new.checksum), ("ChecksumType", new.checksum_type)]
    headers = version | object_writes.encryption_header(new.headers)
    return xml_response("CompleteMultipartUploadResult", members, headers)
