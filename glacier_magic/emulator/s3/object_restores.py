"""RestoreObject: a copy of an archived object that can be read for some days."""

from __future__ import annotations

from glacier_magic.emulator.http import Response, whole_number
from glacier_magic.emulator.s3 import object_rows, s3_errors, s3_limits
from glacier_magic.emulator.s3.object_reads import object_in
from glacier_magic.emulator.s3.object_rows import StoredObject
from glacier_magic.emulator.s3.s3_service import S3Call, s3_operation
from glacier_magic.emulator.s3.xml_documents import XmlNode
from glacier_magic.emulator.service_limits import DAY

_TIERS = ("Expedited", "Standard", "Bulk")
_DAYS = 30_000  # the end must be before the end of the calendar


@s3_operation("POST", "object", "restore")
def restore_object(call: S3Call) -> Response:
    """Start a restore, speed one up, or change when a copy expires."""
    document, now = call.document(), call.clock.now()
    with call.store.write() as connection:
        bucket = call.bucket(connection)
        row = object_rows.find(connection, bucket.id, call.key, call.query.get("versionId"))
        found = object_in(call, row)
        tiers = s3_limits.RETRIEVAL.get(found.storage_class)
        if tiers is None:
            raise _refused(found)
        days, tier = _asked(document)
        if tier not in tiers:  # code and text UNCONFIRMED
            raise s3_errors.invalid_argument(
                f"Retrieval option {tier} is not supported by this storage class",
                ArgumentName="Tier",
                ArgumentValue=tier,
            )
        until = now + days * DAY
        if found.restored(now):
            ready, status = found.restore_ready or now, 200
        elif found.restoring(now):
            current = found.restore_tier or "Standard"
            if tiers[tier] >= tiers[current]:
                raise s3_errors.S3Error(
                    "RestoreAlreadyInProgress", 409, "Object restore is already in progress"
                )
            ready, status = min(found.restore_ready or now, now + tiers[tier]), 202
        else:
            ready, status = now + tiers[tier], 202
        # The documentation is inconsistent: days count from the request, or from when the copy is available.
        end = s3_limits.midnight(max(until, ready + days * DAY) if status == 202 else until)
        if call.fault is not None and call.fault.kind == "expired-copy":
            end = ready + int(call.fault.after * 1000)
        object_rows.set_restore(connection, found, tier, ready, end)
    return Response(status)


def _refused(found: StoredObject) -> s3_errors.S3Error:
    if found.storage_class == "INTELLIGENT_TIERING":
        return s3_errors.S3Error(
            "ObjectAlreadyInActiveTierError",
            403,
            "This object is already in the active tier and does not need to be restored.",
        )
    return s3_errors.S3Error(
        "InvalidObjectState",
        403,
        "Restore is not allowed for the object's current storage class",
        StorageClass=found.storage_class,
    )


def _asked(document: XmlNode) -> tuple[int, str]:
    """Return the days and the tier of a request."""
    if document.get("Type") is not None or document.all("OutputLocation"):
        raise s3_errors.not_implemented("RestoreObject with an output location")
    if document.name != "RestoreRequest":
        raise s3_errors.malformed_xml()
    days = whole_number(document.get("Days") or "")
    if days is None:
        raise s3_errors.malformed_xml()
    if not 1 <= days <= _DAYS:  # code and text UNCONFIRMED
        raise s3_errors.invalid_argument(
            "Restoration days should be at least 1", ArgumentName="Days", ArgumentValue=days
        )
    parameters = document.all("GlacierJobParameters")
    tier = parameters[0].get("Tier") if parameters else document.get("Tier") or "Standard"
    if tier not in _TIERS:
        raise s3_errors.malformed_xml()
    return days, tier
