"""CopyObject and UploadPartCopy, which refuse archived objects."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

from glacier_magic.emulator.http import Response
from glacier_magic.emulator.payloads import Incoming
from glacier_magic.emulator.s3 import object_rows, object_writes, s3_errors, s3_limits
from glacier_magic.emulator.s3.body_checks import FULL, BodyChecks, algorithm_named
from glacier_magic.emulator.s3.object_reads import asked_range, object_source, version_header
from glacier_magic.emulator.s3.object_rows import StoredObject, StoredPart
from glacier_magic.emulator.s3.part_uploads import part_number, store_part, upload_of
from glacier_magic.emulator.s3.s3_service import S3Call, s3_operation, timestamp, xml_response
from glacier_magic.emulator.s3.xml_documents import Members

_ITSELF = (
    "This copy request is illegal because it is trying to copy an object to itself without changing the "
    "object's metadata, storage class, website redirect location or encryption attributes."
)


class _Source(NamedTuple):
    found: StoredObject
    parts: list[StoredPart]
    itself: bool
    """Whether it is what the request writes."""

    @property
    def headers(self) -> dict[str, str]:
        """The header of the version that was copied."""
        return {f"x-amz-copy-source-{name[6:]}": each for name, each in version_header(self.found).items()}


def _source(call: S3Call, code: str, text: str) -> _Source:
    """Return the object to copy; *code* and *text* are those of the error for an archived one."""
    path, _, version = (call.header("x-amz-copy-source") or "").partition("?versionId=")
    name, _, key = unquote(path).removeprefix("/").partition("/")
    if not name or not key:
        raise s3_errors.invalid_argument(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            ArgumentName="x-amz-copy-source",
            ArgumentValue=path,
        )
    with call.store.read() as connection:
        bucket = call.bucket(connection, name)
        found = object_rows.find(connection, bucket.id, key, version or None)
        if found is None or found.marker:
            missing = s3_errors.no_such_version if version else s3_errors.no_such_key
            raise missing(Key=key)
        parts = object_rows.parts(connection, found.payload)
    match, none = call.header("x-amz-copy-source-if-match"), call.header("x-amz-copy-source-if-none-match")
    if match is not None and match.strip('"') not in ("*", found.etag):
        raise object_writes.failed("x-amz-copy-source-If-Match")
    if none is not None and none.strip('"') in ("*", found.etag):
        raise object_writes.failed("x-amz-copy-source-If-None-Match")
    if found.archived(call.clock.now()):
        raise s3_errors.S3Error(code, 403, text)
    return _Source(found, parts, (name, key) == (call.names["bucket"], call.key) and not version)


def _fill(
    call: S3Call, source: _Source, incoming: Incoming, checks: BodyChecks, span: tuple[int, int]
) -> None:
    """Copy the bytes of a *span*: its first one, and their number."""
    if span[1] > s3_limits.MAX_PUT:
        raise s3_errors.invalid_request(
            "The specified copy source is larger than the maximum allowable size for a copy source: "
            f"{s3_limits.MAX_PUT}"
        )
    content = object_source(call, source.found, source.parts)
    try:
        incoming.absorb(content.chunks(*span), checks.digests.values())
    finally:
        content.close()


@s3_operation("PUT", "object", "+copy")
def copy_object(call: S3Call) -> Response:
    """Copy an object, with its headers or with those of the request."""
    source = _source(
        call,
        "ObjectNotInActiveTierError",
        "The source object of the COPY action is not in the active tier and is only stored in Amazon S3 "
        "Glacier.",
    )
    found, kind = source.found, object_writes.storage_class(call)
    replaced = call.header("x-amz-metadata-directive") == "REPLACE"
    if source.itself and not replaced and kind == found.storage_class:
        raise s3_errors.invalid_request(_ITSELF)
    wanted = call.header("x-amz-checksum-algorithm")
    algorithm = found.algorithm if wanted is None else algorithm_named(wanted)
    checks = BodyChecks({}, algorithm, trust=call.service.payloads.trust)
    headers = object_writes.kept_headers(call) if replaced else found.headers
    with call.service.payloads.incoming() as incoming:
        _fill(call, source, incoming, checks, (0, found.size))
        new, version = object_writes.store(call, incoming, checks, kind, headers)
    members: Members = [
        ("ETag", f'"{new.etag}"'),
        ("LastModified", timestamp(new.modified)),
        (f"Checksum{new.algorithm}", new.checksum),
        ("ChecksumType", FULL),
    ]
    answer = version | source.headers | object_writes.encryption_header(headers)
    return xml_response("CopyObjectResult", members, answer)


@s3_operation("PUT", "object", "uploadId+copy")
def upload_part_copy(call: S3Call) -> Response:
    """Store a part that is an object or a range of one."""
    number = part_number(call)
    with call.store.read() as connection:
        upload = upload_of(call, connection)
    # The code of the refusal is UNCONFIRMED.
    source = _source(
        call, "InvalidObjectState", "Operation is not valid for the source object's storage class"
    )
    size, text = source.found.size, call.header("x-amz-copy-source-range")
    span = (0, size - 1) if text is None else asked_range(text, size)
    if span is None or (text is not None and text != f"bytes={span[0]}-{span[1]}"):
        raise s3_errors.invalid_argument(
            f"Range specified is not valid for source object of size: {size}",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=text,
        )
    checks = BodyChecks({}, upload.kept, trust=call.service.payloads.trust)
    with call.service.payloads.incoming() as incoming:
        _fill(call, source, incoming, checks, (span[0], span[1] - span[0] + 1))
        part = store_part(call, number, incoming, checks)
    members: Members = [("ETag", f'"{part.etag}"'), ("LastModified", timestamp(part.modified))]
    if upload.algorithm is not None:
        members.append((f"Checksum{upload.algorithm}", part.checksum))
    return xml_response("CopyPartResult", members, source.headers)
