"""GetObject, HeadObject and GetObjectAttributes."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from email.utils import parsedate_to_datetime

from glacier_magic.emulator import dates
from glacier_magic.emulator.http import BodySource, Response, whole_number
from glacier_magic.emulator.s3 import object_rows, s3_errors, s3_limits
from glacier_magic.emulator.s3.body_checks import FULL
from glacier_magic.emulator.s3.object_rows import StoredObject, StoredPart
from glacier_magic.emulator.s3.object_writes import checksum_headers
from glacier_magic.emulator.s3.s3_service import S3Call, s3_operation, xml_response
from glacier_magic.emulator.s3.xml_documents import Members

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_RESPONSE = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)


def version_of(call: S3Call) -> StoredObject:
    """Return the version of the object that the request names.

    :raises S3Error: there is none, or it is a delete marker.
    """
    with call.store.read() as connection:
        bucket = call.bucket(connection)
        return object_in(call, object_rows.find(connection, bucket.id, call.key, call.query.get("versionId")))


def object_in(call: S3Call, found: StoredObject | None) -> StoredObject:
    """Return *found* if it is an object; raise the error of S3 if it is missing or a delete marker."""
    if found is None:
        missing = s3_errors.no_such_version if "versionId" in call.query else s3_errors.no_such_key
        raise missing(Key=call.key)
    if found.marker:
        if "versionId" in call.query:
            error = s3_errors.S3Error(
                "MethodNotAllowed", 405, "The specified method is not allowed against this resource."
            )
        else:
            error = s3_errors.no_such_key(Key=call.key)
        error.headers |= {"x-amz-delete-marker": "true", "x-amz-version-id": found.version_id}
        raise error
    return found


def version_header(found: StoredObject) -> dict[str, str]:
    """Return the header of the version; empty for a bucket that never had versions."""
    return {} if found.version_id == "null" else {"x-amz-version-id": found.version_id}


def restore_header(found: StoredObject, now: int) -> dict[str, str]:
    """Return the header x-amz-restore: whether a restore is in progress, or when its copy expires."""
    if found.restoring(now):
        return {"x-amz-restore": 'ongoing-request="true"'}
    if found.restored(now):
        until = dates.http_date(found.restore_until or 0)
        return {"x-amz-restore": f'ongoing-request="false", expiry-date="{until}"'}
    return {}


def _headers(call: S3Call, found: StoredObject) -> dict[str, str]:
    headers = {
        "Last-Modified": dates.http_date(found.modified),
        "ETag": f'"{found.etag}"',
        "Accept-Ranges": "bytes",
        **found.response_headers(),
        **version_header(found),
        **restore_header(found, call.clock.now()),
    }
    if found.storage_class != "STANDARD":
        headers["x-amz-storage-class"] = found.storage_class
    for name in _RESPONSE:
        if f"response-{name}" in call.query:
            headers[name] = call.query[f"response-{name}"]
    return headers


def _check_conditions(call: S3Call, found: StoredObject) -> None:
    match, none = call.header("if-match"), call.header("if-none-match")
    modified, unmodified = _moment(call, "if-modified-since"), _moment(call, "if-unmodified-since")
    changed = found.modified // 1000
    if match is not None and not _names(match, found):
        raise s3_errors.S3Error("PreconditionFailed", 412, s3_errors.CONDITION, Condition="If-Match")
    if match is None and unmodified is not None and changed > unmodified:
        raise s3_errors.S3Error(
            "PreconditionFailed", 412, s3_errors.CONDITION, Condition="If-Unmodified-Since"
        )
    unchanged = none is None and modified is not None and changed <= modified
    if unchanged or (none is not None and _names(none, found)):
        error = s3_errors.S3Error("NotModified", 304, "Not Modified")
        error.headers |= {"ETag": f'"{found.etag}"', "Last-Modified": dates.http_date(found.modified)}
        raise error


def _names(condition: str, found: StoredObject) -> bool:
    return condition == "*" or found.etag in [each.strip().strip('"') for each in condition.split(",")]


def _moment(call: S3Call, name: str) -> float | None:
    text = call.header(name)
    try:
        return None if text is None else parsedate_to_datetime(text).timestamp()
    except ValueError:  # a date that cannot be read is ignored
        return None


def asked_range(text: str, size: int) -> tuple[int, int] | None:
    """Return the first and last byte of a range; None if it is malformed, and thus ignored.

    :raises S3Error: no byte is in it.
    """
    match = _RANGE.fullmatch(text)
    if match is None or match[0] == "bytes=-":
        return None
    if match[1]:
        start, end = int(match[1]), min(int(match[2] or size), size - 1)
        if match[2] and int(match[2]) < start:
            return None
    else:
        start, end = max(size - int(match[2]), 0), size - 1
    if start >= size or match[0] == "bytes=-0":
        raise s3_errors.S3Error(
            "InvalidRange",
            416,
            "The requested range is not satisfiable",
            RangeRequested=text,
            ActualObjectSize=size,
        )
    return start, end


@s3_operation("HEAD", "object")
def head_object(call: S3Call) -> Response:
    """Return the headers of an object, which may be archived."""
    response, _ = _answer(call, version_of(call))
    response.announced = response.count
    return response


@s3_operation("GET", "object")
def get_object(call: S3Call) -> Response:
    """Return the bytes of an object, or a range of them."""
    found = version_of(call)
    if found.archived(call.clock.now()):
        raise s3_errors.S3Error(
            "InvalidObjectState",
            403,
            "The operation is not valid for the object's storage class",
            StorageClass=found.storage_class,
        )
    response, parts = _answer(call, found)
    response.source = object_source(call, found, parts)
    return response


def _answer(call: S3Call, found: StoredObject) -> tuple[Response, list[StoredPart]]:
    """Return the response without its body, and the parts that contain the body."""
    _check_conditions(call, found)
    headers = _headers(call, found)
    with call.store.read() as connection:
        parts = object_rows.parts(connection, found.payload)
    span = asked_range(call.request.headers.get("range", ""), found.size)
    number = call.query.get("partNumber")
    if number is not None:
        span = _part_span(number, parts)
        if found.parts is not None:
            headers["x-amz-mp-parts-count"] = str(found.parts)
    if call.request.headers.get("x-amz-checksum-mode") == "ENABLED":
        if number is not None:
            part = parts[int(number) - 1]
            headers |= checksum_headers(replace(found, algorithm=part.algorithm, checksum=part.checksum))
        elif span is None:
            headers |= checksum_headers(found)
    if span is None:
        return Response(200, headers, count=found.size), parts
    start, end = span
    headers["Content-Range"] = f"bytes {start}-{end}/{found.size}"
    return Response(206, headers, start=start, count=end - start + 1), parts


def _part_span(text: str, parts: list[StoredPart]) -> tuple[int, int]:
    number = whole_number(text) or 0
    if not 1 <= number <= s3_limits.PARTS:
        raise s3_errors.invalid_argument("Part number must be an integer between 1 and 10000, inclusive")
    if number > len(parts):
        raise s3_errors.S3Error(
            "InvalidPartNumber",
            416,
            "The requested partnumber is not satisfiable",
            ActualPartCount=len(parts),
        )
    start = sum(part.size for part in parts[: number - 1])
    return start, start + parts[number - 1].size - 1


def object_source(call: S3Call, found: StoredObject, parts: list[StoredPart]) -> BodySource:
    """Return the bytes of an object."""
    if found.size and not any(part.file for part in parts):
        raise s3_errors.not_implemented("reading with --discard, which keeps no bytes")
    source = call.service.payloads.archive(found.payload, [(part.file, part.size) for part in parts])
    return _Damaged(source) if found.damaged else source


class _Damaged:
    """A body whose middle byte is damaged."""

    def __init__(self, source: BodySource) -> None:
        self._source = source
        self.size = source.size

    def chunks(self, start: int, count: int) -> Iterator[bytes]:
        at = self.size // 2
        for piece in self._source.chunks(start, count):
            wrong = at - start
            if 0 <= wrong < len(piece):
                yield piece[:wrong] + bytes([piece[wrong] ^ 1]) + piece[wrong + 1 :]
            else:
                yield piece
            start += len(piece)

    def send(self, connection: socket.socket, start: int, count: int) -> None:
        for piece in self.chunks(start, count):
            connection.sendall(piece)

    def close(self) -> None:
        self._source.close()


_ATTRIBUTES = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")


@s3_operation("GET", "object", "attributes")
def get_object_attributes(call: S3Call) -> Response:
    """Return the attributes of an object, which may be archived, and the parts of a multipart object."""
    asked = [each.strip() for each in (call.header("x-amz-object-attributes") or "").split(",")]
    if not set(asked) <= set(_ATTRIBUTES):
        raise s3_errors.invalid_argument("Invalid attribute name specified.")
    found = version_of(call)
    members: Members = []
    if "ETag" in asked:
        members.append(("ETag", found.etag))
    if "Checksum" in asked and found.algorithm is not None:
        value: Members = [
            (f"Checksum{found.algorithm}", (found.checksum or "").partition("-")[0]),
            ("ChecksumType", found.checksum_type or FULL),
        ]
        members.append(("Checksum", value))
    if "ObjectParts" in asked and found.parts is not None:
        members.append(("ObjectParts", _parts(call, found)))
    if "StorageClass" in asked:
        members.append(("StorageClass", found.storage_class))
    if "ObjectSize" in asked:
        members.append(("ObjectSize", found.size))
    headers = {"Last-Modified": dates.http_date(found.modified)} | version_header(found)
    return xml_response("GetObjectAttributesResponse", members, headers)


def _parts(call: S3Call, found: StoredObject) -> Members:
    limit = number_in("x-amz-max-parts", call.header("x-amz-max-parts"), s3_limits.PAGE)
    after = number_in("x-amz-part-number-marker", call.header("x-amz-part-number-marker"), 0)
    with call.store.read() as connection:
        rows = object_rows.parts(connection, found.payload, after, limit + 1)
    shown = rows[:limit]
    members: Members = [
        ("PartsCount", found.parts),
        ("PartNumberMarker", after),
        ("NextPartNumberMarker", shown[-1].number if shown else 0),
        ("MaxParts", limit),
        ("IsTruncated", len(rows) > limit),
    ]
    for part in shown:
        each: Members = [("PartNumber", part.number), ("Size", part.size)]
        if part.checksum is not None:  # parts without a checksum are not listed
            members.append(("Part", [*each, (f"Checksum{part.algorithm}", part.checksum)]))
    return members


def number_in(name: str, text: str | None, default: int) -> int:
    """Return a number that a request gives, at most a page; *default* where it is not given.

    :raises S3Error: it is not a number.
    """
    if text is None:
        return default
    number = whole_number(text)
    if number is None or number > (1 << 31) - 1:
        raise s3_errors.invalid_argument(
            f"Provided {name} not an integer or within integer range", ArgumentName=name, ArgumentValue=text
        )
    return min(number, default) if default else number
