"""The six operations of multipart uploads."""

from __future__ import annotations

import re
import sqlite3
from typing import NamedTuple

from glacier_magic.emulator import markers, service_errors, service_limits
from glacier_magic.emulator.http import Response, json_response, whole_number
from glacier_magic.emulator.operations import request_fields
from glacier_magic.emulator.records import upload_rows
from glacier_magic.emulator.records.archive_rows import StoredPiece
from glacier_magic.emulator.records.upload_rows import StoredUpload
from glacier_magic.emulator.service import Call, operation

# Clients send the total or an asterisk.
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(?:\*|\d+)")


@operation("POST", "vaults/*vault/multipart-uploads")
def initiate_multipart_upload(call: Call) -> Response:
    """Start an upload in parts of one size: 1 MiB times a power of two."""
    size, description = _part_size(call), request_fields.description(call.request)
    with call.store.write() as connection:
        vault = call.vault(connection)
        upload_id = upload_rows.start(connection, vault, call.clock.now(), description, size)
    location = call.location("multipart-uploads", upload_id)
    return Response(201, {"Location": location, "x-amz-multipart-upload-id": upload_id})


def _part_size(call: Call) -> int:
    text = call.request.headers.get("x-amz-part-size", "")
    size = whole_number(text) or 0
    # A power of two has one bit.
    if size & (size - 1) or not service_limits.MIN_PART <= size <= service_limits.MAX_PART:
        raise service_errors.invalid(
            f"Invalid part size: {text or 'null'}. Part size must not be null, must be a power of "
            f"two and be between {service_limits.MIN_PART} and {service_limits.MAX_PART} bytes."
        )
    return size


class _Range(NamedTuple):
    text: str
    start: int
    end: int


def _content_range(call: Call) -> _Range:
    text = request_fields.header(call.request, "content-range")
    match = _RANGE.fullmatch(text)
    if match is None or int(match[2]) < int(match[1]):
        raise service_errors.invalid(f"Invalid Content-Range: {text}")
    return _Range(text, int(match[1]), int(match[2]))


def _check_range(asked: _Range, length: int, upload: StoredUpload) -> None:
    """Check a range against the body and the upload; a short part is only found at completion."""
    if asked.end - asked.start + 1 != length:
        raise service_errors.invalid(
            f"Content-Range: {asked.text} is incompatible with Content-Length: {length}"
        )
    number, rest = divmod(asked.start, upload.part_size)
    if rest or length > upload.part_size or number >= service_limits.PARTS:
        raise service_errors.invalid(f"Invalid Content-Range: {asked.text}")


@operation("PUT", "vaults/*vault/multipart-uploads/*upload")
def upload_multipart_part(call: Call) -> Response:
    """Store a part; the same range again replaces it."""
    asked = _content_range(call)
    with call.store.read() as connection:
        upload = _upload(call, connection)  # before the body, so that a wrong id costs no transfer
    request_fields.header(call.request, "x-amz-content-sha256")
    expected = request_fields.tree_hash(call.request)
    _check_range(asked, call.request.body.length, upload)
    with call.service.payloads.incoming() as incoming:
        digest = request_fields.receive(call.request, incoming, expected)
        piece = StoredPiece(asked.start, incoming.size, incoming.keep(), digest, incoming.leaves)
        with call.store.write() as connection:
            upload = _upload(call, connection)  # once more: it may have ended in the meantime
            replaced = upload_rows.add_part(connection, upload, piece, call.clock.now())
    call.service.payloads.remove(*replaced)  # after the commit: a kill before it loses no part
    return Response(204, {"x-amz-sha256-tree-hash": digest})


def _upload(call: Call, connection: sqlite3.Connection, *, ended: bool = False) -> StoredUpload:
    vault, upload_id = call.vault(connection), call.names["upload"]
    return upload_rows.get(connection, vault, upload_id, call.clock.now(), ended=ended)


@operation("POST", "vaults/*vault/multipart-uploads/*upload")
def complete_multipart_upload(call: Call) -> Response:
    """Turn the parts into an archive; for a day, repeating the call returns the same archive id."""
    size, expected = _archive_size(call), request_fields.tree_hash(call.request)
    with call.store.write() as connection:
        upload = _upload(call, connection, ended=True)
        archive_id = upload.archive_id
        if upload.ended == "aborted":
            raise service_errors.not_found(f"The upload ID was not found: {upload.upload_id}")
        if archive_id is None:  # not completed by an earlier call
            upload_rows.check_complete(connection, upload, size, expected)
            vault, now = call.vault(connection), call.clock.now()
            archive_id = upload_rows.complete(connection, vault, upload, now, size=size, tree_hash=expected)
    return Response(
        201,
        {
            "Location": call.location("archives", archive_id),
            "x-amz-archive-id": archive_id,
            # Of the archive, whatever a repeated call sends.
            "x-amz-sha256-tree-hash": upload.tree_hash or expected,
        },
    )


def _archive_size(call: Call) -> int:
    text = request_fields.header(call.request, "x-amz-archive-size")
    size = whole_number(text)
    if size is None:
        raise service_errors.invalid(f"Invalid x-amz-archive-size: {text}")
    return size


@operation("DELETE", "vaults/*vault/multipart-uploads/*upload")
def abort_multipart_upload(call: Call) -> Response:
    """Abort an upload; repeating the call is no error for a day, aborting a completed upload is."""
    with call.store.write() as connection:
        upload = _upload(call, connection, ended=True)
        if upload.ended == "completed":
            raise service_errors.not_found(f"The upload ID was not found: {upload.upload_id}")
        files = [] if upload.ended else upload_rows.abort(connection, upload, call.clock.now())
    call.service.payloads.remove(*files)
    return Response(204)


@operation("GET", "vaults/*vault/multipart-uploads/*upload")
def list_parts(call: Call) -> Response:
    """List the received parts by range, at most 50."""
    limit, start = request_fields.limit(call.request, service_limits.PAGE), _first_part(call)
    with call.store.read() as connection:
        vault, upload = call.vault(connection), _upload(call, connection)
        # One more shows whether there is another page.
        found = upload_rows.parts(connection, upload, start, limit + 1)
    marker = markers.encode(found[limit][0], markers.PARTS) if len(found) > limit else None
    shown = [
        {"RangeInBytes": f"{start}-{start + size - 1}", "SHA256TreeHash": digest}
        for start, size, digest in found[:limit]
    ]
    return json_response(upload.describe(vault) | {"Marker": marker, "Parts": shown})


def _first_part(call: Call) -> int:
    marker = call.request.query.get("marker", "")
    if not marker:
        return 0
    start = markers.decode(marker, markers.PARTS)
    if start is None:
        raise service_errors.invalid(f"Invalid marker: {marker}")
    return start


@operation("GET", "vaults/*vault/multipart-uploads")
def list_multipart_uploads(call: Call) -> Response:
    """List the uploads in progress, at most 50; the marker is the id of the next one."""
    limit = request_fields.limit(call.request, service_limits.PAGE)
    first = call.request.query.get("marker", "")
    with call.store.read() as connection:
        vault = call.vault(connection)
        found = upload_rows.page(connection, vault, call.clock.now(), first, limit + 1)  # one more, as above
    marker = found[limit].upload_id if len(found) > limit else None
    shown = [upload.describe(vault) for upload in found[:limit]]
    return json_response({"Marker": marker, "UploadsList": shown})
