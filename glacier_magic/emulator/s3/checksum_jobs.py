"""Jobs of S3 Batch Operations that compute the checksums of objects where they are stored.

The form of the report is that of the user guide and of reports that users have published.  A job does its
work when it is looked at for the first time after its duration.
"""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote

from glacier_magic.emulator import ids
from glacier_magic.emulator.http import Response, whole_number
from glacier_magic.emulator.s3 import object_rows, s3_errors, s3_limits
from glacier_magic.emulator.s3.body_checks import (
    ALGORITHMS,
    COMPOSITE,
    DEFAULT,
    FULL,
    BodyChecks,
    composite,
    encoded,
)
from glacier_magic.emulator.s3.object_reads import object_in, object_source
from glacier_magic.emulator.s3.object_rows import StoredObject
from glacier_magic.emulator.s3.object_writes import kept_headers, store
from glacier_magic.emulator.s3.s3_service import S3Call, s3_operation, timestamp, xml_response
from glacier_magic.emulator.s3.xml_documents import Members, XmlNode

_ARN = "arn:aws:s3:::"
_COLUMNS = "id, created, token, request, status, tasks, failed, reason"
_ENDED = ("Complete", "Failed", "Cancelled")


@s3_operation("POST", "jobs")
def create_job(call: S3Call) -> Response:
    """Create a job; one with the same token and content is the same job (UNCONFIRMED)."""
    request = call.document()
    try:
        text, token = json.dumps(_checked(request)), request.get("ClientRequestToken") or ""
    except ValueError:
        raise s3_errors.malformed_xml() from None
    with call.store.write() as connection:
        found = connection.execute("SELECT id, request FROM s3_jobs WHERE token = ?", (token,)).fetchone()
        if found is not None and found["request"] != text:
            raise s3_errors.S3Error("IdempotencyException", 400, "The token was used for another request.")
        if found is None:
            found = {"id": ids.file_name()}
            connection.execute(
                "INSERT INTO s3_jobs (id, region, created, token, request) VALUES (?, ?, ?, ?, ?)",
                (found["id"], call.region, call.clock.now(), token, text),
            )
    return xml_response("CreateJobResult", [("JobId", found["id"])])


def _checked(request: XmlNode) -> dict[str, str]:
    """Return what is stored of a request."""

    def inside(*path: str) -> XmlNode:
        node = request
        for name in path:
            (node,) = node.all(name)  # a ValueError unless there is exactly one
        return node

    (operation,) = inside("Operation").children
    if operation.name != "S3ComputeObjectChecksum":
        raise s3_errors.not_implemented(f"jobs of {operation.name}")
    algorithm = operation.get("ChecksumAlgorithm") or DEFAULT
    kind = operation.get("ChecksumType") or FULL
    if algorithm not in ALGORITHMS or kind not in (FULL, COMPOSITE):
        raise s3_errors.invalid_request("The checksum is not supported")
    fields = [each.text for each in inside("Manifest", "Spec", "Fields").children]
    location, report = inside("Manifest", "Location"), inside("Report")
    needed = [request.get("RoleArn"), request.get("ClientRequestToken"), request.get("Priority")]
    if not all(needed) or fields not in (["Bucket", "Key"], ["Bucket", "Key", "VersionId"]):
        raise s3_errors.invalid_request("Request invalid")
    if report.get("Enabled") != "true" or request.get("ConfirmationRequired") == "true":
        raise s3_errors.not_implemented("jobs without a report, or that wait for a confirmation")
    return {
        "algorithm": algorithm,
        "kind": kind,
        "manifest": location.get("ObjectArn") or "",
        "etag": (location.get("ETag") or "").strip('"'),
        "report": report.get("Bucket") or "",
        "prefix": report.get("Prefix") or "",
        "scope": report.get("ReportScope") or "AllTasks",
        "description": request.get("Description") or "",
        "role": request.get("RoleArn") or "",
    }


@s3_operation("GET", "job")
def describe_job(call: S3Call) -> Response:
    """Return the state of a job."""
    (row,) = _rows(call, "AND id = ?", call.names["job"])
    known = json.loads(row["request"])
    operation: Members = [("ChecksumAlgorithm", known["algorithm"]), ("ChecksumType", known["kind"])]
    report: Members = [
        ("Bucket", known["report"]),
        ("Format", "Report_CSV_20180820"),
        ("Enabled", True),
        ("Prefix", known["prefix"]),
        ("ReportScope", known["scope"]),
    ]
    members = [
        *_summary(row, known),
        ("Operation", [("S3ComputeObjectChecksum", operation)]),
        ("Report", report),
        ("RoleArn", known["role"]),
    ]
    if row["reason"]:
        reason: Members = [("FailureCode", "InvalidManifest"), ("FailureReason", row["reason"])]
        members.append(("FailureReasons", [("member", reason)]))
    return xml_response("DescribeJobResult", [("Job", members)])


@s3_operation("GET", "jobs")
def list_jobs(call: S3Call) -> Response:
    """List the jobs of the region, the newest first."""
    statuses = {value for name, value in call.request.query_pairs() if name == "jobStatuses"}
    limit = whole_number(call.query.get("maxResults", "1000")) or 1000
    start = whole_number(call.query.get("nextToken", "0")) or 0
    rows = [row for row in _rows(call, "ORDER BY rowid DESC") if not statuses or row["status"] in statuses]
    jobs: Members = []
    for row in rows[start : start + limit]:
        known = json.loads(row["request"])
        jobs.append(("member", [*_summary(row, known), ("Operation", "S3ComputeObjectChecksum")]))
    more = start + limit if len(rows) > start + limit else None
    return xml_response("ListJobsResult", [("NextToken", more), ("Jobs", jobs)])


@s3_operation("POST", "job")
def update_job_status(call: S3Call) -> Response:
    """Cancel a job."""
    (row,) = _rows(call, "AND id = ?", call.names["job"])
    if call.query.get("requestedJobStatus") != "Cancelled" or row["status"] in _ENDED:
        raise s3_errors.S3Error("JobStatusException", 400, "The job cannot get this status.")
    with call.store.write() as connection:
        connection.execute("UPDATE s3_jobs SET status = 'Cancelled' WHERE id = ?", (row["id"],))
    return xml_response("UpdateJobStatusResult", [("JobId", row["id"]), ("Status", "Cancelled")])


def _summary(row: sqlite3.Row, known: dict[str, str]) -> Members:
    done: Members = [
        ("TotalNumberOfTasks", row["tasks"]),
        ("NumberOfTasksSucceeded", row["tasks"] - row["failed"]),
        ("NumberOfTasksFailed", row["failed"]),
    ]
    ended = timestamp(row["created"] + s3_limits.CHECKSUM_JOB) if row["status"] in _ENDED else None
    return [
        ("JobId", row["id"]),
        ("Description", known["description"]),
        ("Priority", 10),
        ("Status", row["status"]),
        ("CreationTime", timestamp(row["created"])),
        ("TerminationDate", ended),
        ("ProgressSummary", done),
    ]


def _rows(call: S3Call, condition: str, *values: str) -> list[sqlite3.Row]:
    """Return the rows of jobs of the region, once what is due is done."""
    select = f"SELECT {_COLUMNS} FROM s3_jobs WHERE region = ? {condition}"
    with call.store.read() as connection:
        rows = connection.execute(select, (call.region, *values)).fetchall()
    due = call.clock.now() - s3_limits.CHECKSUM_JOB
    waiting = [row for row in rows if row["status"] == "Active" and row["created"] <= due]
    for row in waiting:
        tasks, failed, reason = _work(call, row["id"], json.loads(row["request"]))
        with call.store.write() as connection:
            connection.execute(
                "UPDATE s3_jobs SET status = ?, tasks = ?, failed = ?, reason = ? WHERE id = ?",
                ("Failed" if reason else "Complete", tasks, failed, reason, row["id"]),
            )
    if not rows and values:
        raise s3_errors.S3Error("NoSuchJob", 404, "The specified job does not exist.")
    if not waiting:
        return rows
    with call.store.read() as connection:
        return connection.execute(select, (call.region, *values)).fetchall()


def _work(call: S3Call, job: str, known: dict[str, str]) -> tuple[int, int, str]:
    """Do the work of a job; return the number of its tasks, and of failed ones, and why it failed."""
    bucket, _, key = known["manifest"].removeprefix(_ARN).partition("/")
    try:
        found = _find(call, bucket, key)
        if found.etag != known["etag"]:
            return 0, 0, "The manifest is not the object with this ETag."
        tasks = list(csv.reader(io.StringIO(_read(call, found).decode())))
        results: dict[str, list[list[str]]] = {"succeeded": [], "failed": []}
        for task in tasks:
            status, rest = _task(call, known, task)
            results[status].append([*[*task, ""][:3], status, *rest])
        _report(call, job, known, results)
    except (s3_errors.S3Error, UnicodeDecodeError) as error:
        return 0, 0, str(error)
    return len(tasks), len(results["failed"]), ""


def _task(call: S3Call, known: dict[str, str], task: list[str]) -> tuple[str, list[str]]:
    try:
        found = _find(call, task[0], unquote(task[1]), *task[2:3])
        value = _checksum(call, found, known)
    except s3_errors.S3Error as error:
        return "failed", [str(error.status), error.code, error.message]
    shown = {
        "checksum_base64": value,
        "etag": found.etag,
        "checksumAlgorithm": known["algorithm"],
        "checksumType": known["kind"],
    }
    return "succeeded", ["200", "", json.dumps(shown)]


def _find(call: S3Call, bucket: str, key: str, version: str = "") -> StoredObject:
    there = replace(call, names={"bucket": bucket, "key": key}, query={})
    with call.store.read() as connection:
        row = there.bucket(connection).id
        return object_in(there, object_rows.find(connection, row, key, version or None))


def _read(call: S3Call, found: StoredObject) -> bytes:
    return b"".join(_pieces(call, found, 0, found.size))


def _pieces(call: S3Call, found: StoredObject, start: int, count: int) -> Iterator[bytes]:
    with call.store.read() as connection:
        parts = object_rows.parts(connection, found.payload)
    source = object_source(call, found, parts)
    try:
        yield from source.chunks(start, count)
    finally:
        source.close()


def _checksum(call: S3Call, found: StoredObject, known: dict[str, str]) -> str:
    with call.store.read() as connection:
        sizes = [part.size for part in object_rows.parts(connection, found.payload)]
    values, start = [], 0
    for size in [found.size] if known["kind"] == FULL else sizes:
        digest = ALGORITHMS[known["algorithm"]][1]()
        for piece in _pieces(call, found, start, size):
            digest.update(piece)
        values.append(encoded(digest.digest()))
        start += size
    return values[0] if known["kind"] == FULL else composite(known["algorithm"], values)


def _report(call: S3Call, job: str, known: dict[str, str], results: dict[str, list[list[str]]]) -> None:
    folder = f"{known['prefix']}/job-{job}".lstrip("/")
    bucket, listed = known["report"].removeprefix(_ARN), []
    for status, rows in results.items():
        if not rows:
            continue
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows(rows)
        key = f"{folder}/results/{ids.file_name()}.csv"
        _keep(call, bucket, key, file.getvalue())
        listed.append({"TaskExecutionStatus": status, "Bucket": bucket, "Key": key})
    schema = "Bucket, Key, VersionId, TaskStatus, HTTPStatusCode, ErrorCode, ResultMessage"
    manifest = {"Format": "Report_CSV_20180820", "Results": listed, "ReportSchema": schema}
    _keep(call, bucket, f"{folder}/manifest.json", json.dumps(manifest))


def _keep(call: S3Call, bucket: str, key: str, text: str) -> None:
    there = replace(call, names={"bucket": bucket, "key": key}, query={}, fault=None)
    checks = BodyChecks({})
    with call.service.payloads.incoming() as incoming:
        incoming.absorb([text.encode()], checks.digests.values())
        store(there, incoming, checks, "STANDARD", kept_headers(there))
