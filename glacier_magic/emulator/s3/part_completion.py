"""The rules of CompleteMultipartUpload: which parts, in which order, with which checksums."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from itertools import pairwise

from glacier_magic.emulator.http import whole_number
from glacier_magic.emulator.s3 import body_checks, object_rows, object_writes, s3_errors, s3_limits
from glacier_magic.emulator.s3.object_rows import NewObject, StoredPart
from glacier_magic.emulator.s3.s3_service import S3Call
from glacier_magic.emulator.s3.s3_upload_rows import PartUpload
from glacier_magic.emulator.s3.xml_documents import XmlNode

_ORDER = "The list of parts was not in ascending order. Parts must be ordered by part number."


@dataclass(frozen=True, slots=True)
class _Listed:
    """A part as the request lists it."""

    number: int
    etag: str
    checksums: dict[str, str]


def check_complete(
    call: S3Call, connection: sqlite3.Connection, upload: PartUpload, document: XmlNode
) -> tuple[NewObject, list[str]]:
    """Return the object that the listed parts make, and the files of the parts that are left out."""
    stored = {part.number: part for part in object_rows.parts(connection, upload.payload)}
    listed = [_listed(node) for node in document.all("Part")]
    if document.name != "CompleteMultipartUpload" or not listed:
        raise s3_errors.malformed_xml()
    numbers = [each.number for each in listed]
    if any(second <= first for first, second in pairwise(numbers)):
        raise s3_errors.S3Error("InvalidPartOrder", 400, _ORDER, UploadId=upload.upload_id)
    parts = [_matching(upload, each, stored.get(each.number)) for each in listed]
    for part in parts[:-1]:
        if part.size < s3_limits.MIN_PART:
            raise s3_errors.S3Error(
                "EntityTooSmall",
                400,
                "Your proposed upload is smaller than the minimum allowed size",
                ProposedSize=part.size,
                MinSizeAllowed=s3_limits.MIN_PART,
                PartNumber=part.number,
                ETag=part.etag,
            )
    if upload.algorithm is not None and numbers != list(range(1, len(numbers) + 1)):
        raise s3_errors.internal()  # documented: with checksums, numbers must be consecutive from 1
    new = _object(call, upload, parts)
    left_out = [part for number, part in stored.items() if number not in set(numbers)]
    connection.executemany(
        "DELETE FROM s3_parts WHERE payload = ? AND number = ?",
        [(upload.payload, part.number) for part in left_out],
    )
    return new, [part.file for part in left_out]


def _listed(node: XmlNode) -> _Listed:
    try:
        number, etag = whole_number(node.get("PartNumber") or ""), node.get("ETag")
    except ValueError:
        raise s3_errors.malformed_xml() from None
    if number is None or etag is None:
        raise s3_errors.malformed_xml()
    prefix = "Checksum"
    checksums = {
        child.name.removeprefix(prefix): child.text.strip()
        for child in node.children
        if child.name.startswith(prefix)
    }
    return _Listed(number, etag.strip('"'), checksums)


def _matching(upload: PartUpload, listed: _Listed, part: StoredPart | None) -> StoredPart:
    if upload.part_checksums and upload.algorithm is not None and upload.algorithm not in listed.checksums:
        raise s3_errors.invalid_request(
            f"The upload was created using a {upload.algorithm.lower()} checksum. The complete request must "
            f"include the checksum for each part. It was missing for part {listed.number} in the request."
        )
    # Without a declared algorithm, each part may have a checksum of any; only that of S3 is stored.
    compared = listed.checksums if upload.algorithm else {}
    wrong = part is None or part.etag != listed.etag
    if part is None or wrong or any(value != part.checksum for value in compared.values()):
        raise s3_errors.invalid_part(UploadId=upload.upload_id, PartNumber=listed.number, ETag=listed.etag)
    return part


def _object(call: S3Call, upload: PartUpload, parts: list[StoredPart]) -> NewObject:
    size = sum(part.size for part in parts)
    if size > s3_limits.MAX_OBJECT:
        raise s3_errors.S3Error(
            "EntityTooLarge",
            400,
            "Your proposed upload exceeds the maximum allowed object size.",
            ProposedSize=size,
            MaxSizeAllowed=s3_limits.MAX_OBJECT,
        )
    expected = call.header("x-amz-mp-object-size")
    if expected not in (None, str(size)):
        raise s3_errors.invalid_request(
            f"The provided 'x-amz-mp-object-size' header value {expected} does not match what was computed: "
            f"{size}"
        )
    checksum = _checksum(call, upload, parts)
    return NewObject(
        key=upload.key,
        modified=call.clock.now(),
        size=size,
        etag=body_checks.composite_etag(part.etag for part in parts),
        storage_class=upload.storage_class,
        headers=upload.headers,
        algorithm=upload.kept,
        checksum_type=upload.checksum_type,
        checksum=checksum,
        parts=len(parts),
        payload=upload.payload,
        damaged=object_writes.damaged(call),
    )


def _checksum(call: S3Call, upload: PartUpload, parts: list[StoredPart]) -> str:
    """Return the checksum of the object, which the request may declare."""
    algorithm, kind = upload.kept, upload.checksum_type
    given = call.header("x-amz-checksum-type")
    if given is not None and given.upper() != kind:
        raise s3_errors.invalid_request(
            f"The upload was created using the {kind} checksum mode. The complete request must use the same "
            "checksum mode."
        )
    values = [(part.checksum or "", part.size) for part in parts]
    if kind == body_checks.COMPOSITE:
        checksum = body_checks.composite(algorithm, [value for value, _ in values])
    else:
        checksum = body_checks.combined(algorithm, values)
    declared, expected = body_checks.declared_checksum(call.request.headers)
    # The suffix with the number of parts is optional.
    if expected is not None and (declared, expected.partition("-")[0]) != (
        algorithm,
        checksum.partition("-")[0],
    ):
        raise s3_errors.bad_digest(
            f"The {(declared or algorithm).lower()} you specified did not match the calculated checksum."
        )
    return checksum
