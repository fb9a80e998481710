"""DeleteObject and DeleteObjects."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from glacier_magic.emulator import ids
from glacier_magic.emulator.http import Response
from glacier_magic.emulator.s3 import bucket_documents, object_rows, s3_errors, s3_limits
from glacier_magic.emulator.s3.bucket_rows import StoredBucket
from glacier_magic.emulator.s3.object_rows import NewObject
from glacier_magic.emulator.s3.object_writes import record, remove_files
from glacier_magic.emulator.s3.s3_service import S3Call, s3_operation, xml_response
from glacier_magic.emulator.s3.xml_documents import Members

_LOCKED = "Access Denied because object protected by object lock."


@s3_operation("DELETE", "object")
def delete_object(call: S3Call) -> Response:
    """Delete an object, or in a versioned bucket add a delete marker; a missing object is no error."""
    with call.store.write() as connection:
        headers, finish = _delete(
            call, connection, call.bucket(connection), call.key, call.query.get("versionId")
        )
    finish()
    return Response(204, headers)


def _delete(
    call: S3Call, connection: sqlite3.Connection, bucket: StoredBucket, key: str, version_id: str | None
) -> tuple[dict[str, str], Callable[[], object]]:
    """Delete an object; return the headers of the response, and what to call after the commit."""
    now = call.clock.now()
    if version_id is None and bucket_documents.versioning(connection, bucket) is not None:
        marker = NewObject(key=key, modified=now, marker=1, payload=ids.file_name())
        headers, finish = record(call, connection, bucket, marker)
        return headers | {"x-amz-delete-marker": "true"}, finish
    found = object_rows.find(connection, bucket.id, key, version_id)
    headers = {} if version_id is None else {"x-amz-version-id": version_id}
    if found is None:
        return headers, lambda: None
    if found.locked_until is not None and now < found.locked_until:
        raise s3_errors.S3Error("AccessDenied", 403, _LOCKED)
    if found.marker:
        headers["x-amz-delete-marker"] = "true"
    files = object_rows.remove(connection, found)
    return headers, lambda: remove_files(call, found.payload, files)


@s3_operation("POST", "bucket", "delete")
def delete_objects(call: S3Call) -> Response:
    """Delete up to 1,000 objects; the response lists each, or with ``Quiet`` those that failed."""
    document = call.document()
    if not any(name == "content-md5" or name.startswith("x-amz-checksum-") for name in call.request.headers):
        raise s3_errors.invalid_request("Missing required header for this request: Content-MD5")
    asked = document.all("Object")
    if not 1 <= len(asked) <= s3_limits.DELETES or document.name != "Delete":
        raise s3_errors.malformed_xml()
    members: Members = []
    for node in asked:
        key, version_id = node.get("Key") or "", node.get("VersionId")
        names: Members = [("Key", key), ("VersionId", version_id)]
        try:
            with call.store.write() as connection:
                headers, finish = _delete(call, connection, call.bucket(connection), key, version_id)
            finish()
        except s3_errors.S3Error as error:
            members.append(("Error", [*names, ("Code", error.code), ("Message", error.message)]))
            continue
        if document.get("Quiet") != "true":
            if "x-amz-delete-marker" in headers:
                names += [("DeleteMarker", True), ("DeleteMarkerVersionId", headers["x-amz-version-id"])]
            members.append(("Deleted", names))
    return xml_response("DeleteResult", members)
