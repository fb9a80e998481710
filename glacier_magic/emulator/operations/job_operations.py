"""InitiateJob, DescribeJob, ListJobs and GetJobOutput."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import replace
from typing import Any

from glacier_magic.base import treehash
from glacier_magic.emulator import dates, generated, markers, outputs, service_errors, service_limits
from glacier_magic.emulator.http import BodySource, Response, json_response, whole_number
from glacier_magic.emulator.operations import request_fields
from glacier_magic.emulator.payloads import Files
from glacier_magic.emulator.records import archive_rows, job_rows, setting_rows
from glacier_magic.emulator.records.archive_rows import StoredArchive
from glacier_magic.emulator.records.job_rows import JobRequest, StoredJob
from glacier_magic.emulator.service import Call, operation

_BYTES = re.compile(r"(\d{1,18})-(\d{1,18})")  # bounded: int() of long digits is slow, and SQLite has 64 bits
_OUTPUT_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{1,18})")
_DISCARDED = "The bytes of this archive were discarded: the emulator runs with --discard."


@operation("POST", "vaults/*vault/jobs")
def initiate_job(call: Call) -> Response:
    """Start a retrieval of an archive or an inventory; a repeated request starts a second job."""
    document = call.request.json()
    kinds = {"archive-retrieval": _archive_job, "inventory-retrieval": _inventory_job}
    kind = request_fields.required_text(document, "Type")
    if kind == "select":
        raise service_errors.invalid("Invalid job type: select. This emulator does not run select jobs.")
    if kind not in kinds:
        raise service_errors.invalid(f"Invalid job type: {kind}")
    text = request_fields.text_field(document, "Description")
    topic = _topic(document)
    described = None if text is None else request_fields.printable(text, "Description")
    job_id = kinds[kind](call, document, _with_fault(JobRequest(description=described, topic=topic), call))
    headers = {"Location": call.location("jobs", job_id), "x-amz-job-id": job_id}
    return Response(202, headers)


def _with_fault(request: JobRequest, call: Call) -> JobRequest:
    """Return *request* with the effects of the call's fault."""
    if call.fault is not None and call.fault.kind == "job-failed":
        return replace(request, failure="The job failed.")
    if call.fault is not None and call.fault.kind == "job-expired":
        return replace(request, life=int(call.fault.after * service_limits.SECOND))
    return request


def _topic(document: dict[str, Any]) -> str | None:
    topic = request_fields.text_field(document, "SNSTopic")
    if topic and not topic.startswith("arn:"):
        raise service_errors.invalid(f"Invalid SNS topic ARN: {topic}")
    return topic or None


def _refuse(document: dict[str, Any], kind: str, *names: str) -> None:
    """Refuse fields that belong to another type of job; nulls are accepted."""
    for name in names:
        if document.get(name) is not None:
            raise service_errors.invalid(f"{name} is not allowed for a job of type {kind}.")


def _archive_job(call: Call, document: dict[str, Any], request: JobRequest) -> str:
    _refuse(document, "archive-retrieval", "Format", "InventoryRetrievalParameters", "SelectParameters")
    archive_id = request_fields.required_text(document, "ArchiveId")
    tier = request_fields.text_field(document, "Tier") or "Standard"
    if tier not in service_limits.RETRIEVAL:
        raise service_errors.invalid(f"Invalid tier: {tier}")
    with call.store.write() as connection:
        vault, now = call.vault(connection), call.clock.now()
        archive = _archive(connection, vault.id, archive_id, now)
        start, end = _range(document, archive.size)
        if tier == "Standard":  # the policy does not apply to other tiers
            # In the transaction that adds the job: none can slip in between.
            setting_rows.enforce(connection, vault, end - start + 1, now)
        return job_rows.add(
            connection,
            vault,
            now,
            # A fault takes precedence.
            replace(request, failure=request.failure or _failure(connection, archive)),
            duration=service_limits.RETRIEVAL[tier],
            action=job_rows.ARCHIVE,
            archive=archive.id,
            archive_id=archive.archive_id,
            archive_size=archive.size,
            archive_hash=archive.tree_hash,
            range_start=start,
            range_end=end,
            range_hash=archive_rows.range_hash(connection, archive, start, end),
            tier=tier,
        )


def _archive(connection: sqlite3.Connection, vault: int, archive_id: str, now: int) -> StoredArchive:
    """Return the archive; a recently deleted one is accepted, and its job fails later."""
    archive = archive_rows.find(connection, archive_id)
    if (
        archive is None
        or archive.vault != vault
        or (archive.deleted is not None and now >= archive.deleted + service_limits.RECENT_DELETION)
    ):
        raise service_errors.not_found(f"The archive ID was not found: {archive_id}")
    return archive


def _failure(connection: sqlite3.Connection, archive: StoredArchive) -> str | None:
    if archive.deleted is not None:
        return archive_rows.DELETED_MESSAGE
    if generated.parse(archive.payload) is not None:
        return None
    stored = all(piece.file for piece in archive_rows.pieces(connection, archive.payload))
    return None if stored else _DISCARDED


def _range(document: dict[str, Any], size: int) -> tuple[int, int]:
    """Return the range to retrieve, which must be aligned to MiB (message UNCONFIRMED)."""
    text = request_fields.text_field(document, "RetrievalByteRange")
    if text is None:
        return 0, size - 1
    match = _BYTES.fullmatch(text)
    if match is None or not treehash.is_megabyte_aligned(int(match[1]), int(match[2]), size):
        raise service_errors.invalid(f"Invalid RetrievalByteRange: {text}. It must be megabyte aligned.")
    return int(match[1]), int(match[2])


def _inventory_job(call: Call, document: dict[str, Any], request: JobRequest) -> str:
    _refuse(document, "inventory-retrieval", "ArchiveId", "RetrievalByteRange", "SelectParameters")
    parameters = _inventory_parameters(document)
    with call.store.write() as connection:
        vault, now = call.vault(connection), call.clock.now()
        inventory = vault.inventory(now)
        if inventory.date is None:
            # Code and text UNCONFIRMED.
            raise service_errors.not_found(f"Inventory not available for vault: {vault.arn}")
        job_id = job_rows.add(
            connection,
            vault,
            now,
            request,
            duration=service_limits.INVENTORY,
            action=job_rows.INVENTORY,
            parameters=json.dumps(parameters, sort_keys=True),
            snapshot=inventory.date,  # fixes the contents now, whenever they are written
        )
    call.service.outputs.due.set()  # after the commit: the thread would not see the job before
    return job_id


def _inventory_parameters(document: dict[str, Any]) -> dict[str, str | None]:
    form = request_fields.text_field(document, "Format") or "JSON"
    if form not in ("JSON", "CSV"):
        raise service_errors.invalid(f"Invalid format: {form}")
    given = document.get("InventoryRetrievalParameters") or {}
    if not isinstance(given, dict):
        raise service_errors.serialization("InventoryRetrievalParameters is not an object.")
    names = ("StartDate", "EndDate", "Limit", "Marker")
    asked = {name: _plain(given, name) for name in names}
    _check_parameters(asked)
    return asked | {"Format": form}


def _plain(given: dict[str, Any], name: str) -> str | None:
    value = given.get(name)
    # Documented as a string, which is what comes back; a number is unambiguous.
    if isinstance(value, int) and not isinstance(value, bool) and name == "Limit":
        return str(value)
    return request_fields.text_field(given, name) or None


def _check_parameters(asked: dict[str, str | None]) -> None:
    for name in ("StartDate", "EndDate"):
        date = asked[name]
        if date is not None and dates.parse_iso(date) is None:
            raise service_errors.invalid(f"Invalid {name}: {date}")
    count, marker = asked["Limit"], asked["Marker"]
    if count is not None and not whole_number(count):
        raise service_errors.invalid(f"Invalid Limit: {count}")
    if marker is not None and markers.decode(marker, markers.INVENTORY) is None:
        raise service_errors.invalid(f"Invalid Marker: {marker}")


@operation("GET", "vaults/*vault/jobs/*job")
def describe_job(call: Call) -> Response:
    """Describe a job."""
    job, arn, now = _job(call)
    return json_response(job.describe(arn, now))


def _job(call: Call) -> tuple[StoredJob, str, int]:
    with call.store.read() as connection:
        vault, now = call.vault(connection), call.clock.now()
        job = job_rows.get(connection, vault, call.names["job"], now)
    return call.service.outputs.written(job, now), vault.arn, now


@operation("GET", "vaults/*vault/jobs")
def list_jobs(call: Call) -> Response:
    """List at most 50 jobs in order of creation; the marker is the id of the next one."""
    query, limit = call.request.query, request_fields.limit(call.request, service_limits.PAGE)
    status, completed = query.get("statuscode") or None, query.get("completed") or None
    if status not in (None, "InProgress", "Succeeded", "Failed"):
        raise service_errors.invalid(f"The job status code is not valid: {status}")
    if completed not in (None, "true", "false"):
        raise service_errors.invalid(f"Invalid completed: {completed}")
    with call.store.read() as connection:
        vault, now = call.vault(connection), call.clock.now()
        found = job_rows.page(
            connection,
            vault,
            now,
            first=query.get("marker", ""),
            limit=limit + 1,  # one more shows whether there is another page
            completed=None if completed is None else completed == "true",
            status=status,
        )
    marker = found[limit].job_id if len(found) > limit else None
    written = (call.service.outputs.written(job, now) for job in found[:limit])
    shown = [job.describe(vault.arn, now) for job in written]
    return json_response({"JobList": shown, "Marker": marker})


@operation("GET", "vaults/*vault/jobs/*job/output")
def get_job_output(call: Call) -> Response:
    """Send the output of a succeeded job: all of it (200) or a range (206)."""
    job, _, now = _job(call)
    if job.status(now) != "Succeeded":
        raise service_errors.invalid(f"The job is not currently available for download: {job.job_id}")
    size = outputs.size(job)
    start, end, partial = _output_range(call.request.headers.get("range", ""), size)
    headers = {"Accept-Ranges": "bytes"}
    if partial:
        headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    offset = job.range_start or 0  # ranges of the output count from the start of the retrieved range
    if job.action == job_rows.ARCHIVE:
        source = _archive_output(call, job, offset + start, offset + end, headers)
    else:
        source = _inventory_output(call, job, headers)
    count = end - start + 1
    return Response(206 if partial else 200, headers, source=source, start=offset + start, count=count)


def _output_range(asked: str, size: int) -> tuple[int, int, bool]:
    """Return the range to send and whether it is partial; a malformed range is ignored."""
    match = _OUTPUT_RANGE.fullmatch(asked)
    if match is None or int(match[2]) < int(match[1]):
        return 0, size - 1, False
    start, end = int(match[1]), int(match[2])
    if start >= size:
        # 400, not 416.
        raise service_errors.invalid(f"The start of the range is larger than size of retrieved data: {asked}")
    return start, min(end, size - 1), True  # an end past the data is cut: boto 2 relies on it


def _archive_output(call: Call, job: StoredJob, start: int, end: int, headers: dict[str, str]) -> BodySource:
    with call.store.read() as connection:
        archive = archive_rows.by_key(connection, job.archive or 0)  # complete jobs outlive their archive
        digest = None
        if job.range_hash is not None:  # only a range that is a node of the tree has nodes below it
            digest = archive_rows.range_hash(connection, archive, start, end)
        pieces = archive_rows.pieces(connection, archive.payload)
    headers["Content-Type"] = "application/octet-stream"
    if digest is not None:
        headers["x-amz-sha256-tree-hash"] = digest
    if archive.description:
        headers["x-amz-archive-description"] = archive.description
    return outputs.archive_source(call.service.payloads, archive, pieces)


def _inventory_output(call: Call, job: StoredJob, headers: dict[str, str]) -> BodySource:
    asked = job.inventory_parameters(0) or {}
    headers["Content-Type"] = "text/csv" if asked["Format"] == "CSV" else "application/json"
    file = call.service.payloads.output(job.output or "")
    return Files([(file, job.output_size or 0)], lambda: None)
