"""UploadArchive and DeleteArchive."""

from __future__ import annotations

from glacier_magic.emulator import ids, service_errors, service_limits
from glacier_magic.emulator.http import Response
from glacier_magic.emulator.operations import request_fields
from glacier_magic.emulator.payloads import Incoming
from glacier_magic.emulator.records import archive_rows
from glacier_magic.emulator.records.archive_rows import StoredPiece
from glacier_magic.emulator.service import Call, operation


@operation("POST", "vaults/*vault/archives")
def upload_archive(call: Call) -> Response:
    """Store an archive; a repeated upload stores a second archive with its own id."""
    expected = _check(call)
    with call.service.payloads.incoming() as incoming:
        digest = request_fields.receive(call.request, incoming, expected)
        archive_id = _store(call, incoming, digest)
    return Response(
        201,
        {
            "Location": call.location("archives", archive_id),
            "x-amz-archive-id": archive_id,
            "x-amz-sha256-tree-hash": digest,
        },
    )


def _check(call: Call) -> str:
    """Check the request before the body is read; return the tree hash."""
    with call.store.read() as connection:
        call.vault(connection)
    request_fields.description(call.request)
    request_fields.header(call.request, "x-amz-content-sha256")
    length = call.request.body.length
    if not 1 <= length <= service_limits.MAX_ARCHIVE:  # the service refuses empty archives
        raise service_errors.invalid(f"Invalid Content-Length: {length}")
    return request_fields.tree_hash(call.request)


def _store(call: Call, incoming: Incoming, digest: str) -> str:
    payload = ids.file_name()
    piece = StoredPiece(0, incoming.size, incoming.keep(), digest, incoming.leaves)
    with call.store.write() as connection:
        vault = call.vault(connection)  # once more: it may have been deleted during the upload
        archive_rows.add_piece(connection, payload, piece)
        return archive_rows.add(
            connection,
            vault,
            call.clock.now(),
            description=request_fields.description(call.request) or "",  # inventories have "", never null
            size=incoming.size,
            tree_hash=digest,
            payload=payload,
        )


@operation("DELETE", "vaults/*vault/archives/*archive")
def delete_archive(call: Call) -> Response:
    """Delete an archive; deleting it again is no error."""
    with call.store.write() as connection:
        vault = call.vault(connection)
        archive_rows.delete(connection, vault, call.names["archive"], call.clock.now())
    return Response(204)
