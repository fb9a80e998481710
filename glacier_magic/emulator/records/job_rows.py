"""Retrieval jobs.  The state of a job is a function of its row and the time alone.

A job is complete from its ``completes`` on and gone from its ``expires`` on; no thread has to wake
up for either.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from glacier_magic.emulator import dates, ids, service_errors, service_limits
from glacier_magic.emulator.inventory_files import ArchiveLine
from glacier_magic.emulator.records.vault_rows import StoredVault

ARCHIVE = "ArchiveRetrieval"
INVENTORY = "InventoryRetrieval"


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A row of the table of jobs."""

    id: int
    vault: int
    job_id: str
    action: str
    archive: int | None
    archive_id: str | None
    archive_size: int | None
    archive_hash: str | None
    range_start: int | None
    range_end: int | None
    range_hash: str | None
    tier: str | None
    description: str | None
    topic: str | None
    parameters: str | None
    next_marker: str | None
    created: int
    completes: int
    expires: int
    outcome: str
    message: str
    snapshot: int | None
    output: str | None
    output_size: int | None

    def completed(self, now: int) -> bool:
        """Whether the job has succeeded or failed."""
        return now >= self.completes

    def status(self, now: int) -> str:
        """Return ``InProgress``, ``Succeeded`` or ``Failed``."""
        return self.outcome if self.completed(now) else "InProgress"

    @property
    def output_missing(self) -> bool:
        """Whether this is an inventory that is not written yet."""
        return self.action == INVENTORY and self.outcome == "Succeeded" and self.output is None

    def inventory_parameters(self, now: int) -> dict[str, object] | None:
        """Return the requested parameters; after completion, with the marker of the next page."""
        if self.parameters is None:
            return None
        asked: dict[str, object] = json.loads(self.parameters)
        return asked | {"Marker": self.next_marker} if self.completed(now) else asked

    def describe(self, vault_arn: str, now: int) -> dict[str, object]:
        """Return the job object; like the service, with every key present."""
        completed = self.completed(now)
        part = None if self.range_end is None else f"{self.range_start}-{self.range_end}"
        return {
            "Action": self.action,
            "ArchiveId": self.archive_id,
            "ArchiveSHA256TreeHash": self.archive_hash,
            "ArchiveSizeInBytes": self.archive_size,
            "Completed": completed,
            "CompletionDate": dates.iso(self.completes) if completed else None,
            "CreationDate": dates.iso(self.created),
            "InventoryRetrievalParameters": self.inventory_parameters(now),
            "InventorySizeInBytes": self.output_size if completed else None,
            "JobDescription": self.description,
            "JobId": self.job_id,
            "RetrievalByteRange": part,
            # In progress too, as in the documentation's example; its text says null.
            "SHA256TreeHash": self.range_hash,
            "SNSTopic": self.topic,
            "StatusCode": self.status(now),
            # The text in progress is the documentation's.
            "StatusMessage": self.message if completed else "Operation in progress.",
            "Tier": self.tier,  # null for an inventory, as in real responses
            "VaultARN": vault_arn,
        }


COLUMNS = """id, vault, job_id, action, archive, archive_id, archive_size, archive_hash,
    range_start, range_end, range_hash, tier, description, topic, parameters, next_marker,
    created, completes, expires, outcome, message, snapshot, output, output_size"""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """The fields that both types of job share, and the effects of faults."""

    description: str | None
    topic: str | None
    failure: str | None = None
    """Why the job will fail; None if it will succeed."""
    life: int = service_limits.OUTPUT_LIFE
    """How long the job and its output stay after completion."""


def add(
    connection: sqlite3.Connection,
    vault: StoredVault,
    now: int,
    request: JobRequest,
    *,
    duration: int,
    **columns: object,
) -> str:
    """Record a job that takes *duration*, with the *columns* of its type; return its id."""
    row = columns | {
        "vault": vault.id,
        "job_id": ids.job_id(),
        "description": request.description,
        "topic": request.topic,
        "created": now,
        "completes": now + duration,
        "expires": now + duration + request.life,  # counted from the completion, not from the request
        "outcome": "Failed" if request.failure else "Succeeded",
        "message": request.failure or "Succeeded",
    }
    names, places = ", ".join(row), ", ".join("?" * len(row))  # the names are from the code, never a client's
    connection.execute(f"INSERT INTO jobs ({names}) VALUES ({places})", tuple(row.values()))
    return str(row["job_id"])


def get(connection: sqlite3.Connection, vault: StoredVault, job_id: str, now: int) -> StoredJob:
    """Return the job, or raise the 404 that unknown and expired ones share."""
    # Housekeeping deletes the rows of expired jobs a day later.
    row = connection.execute(
        f"SELECT {COLUMNS} FROM jobs WHERE job_id = ? AND vault = ? AND expires > ?", (job_id, vault.id, now)
    ).fetchone()
    if row is None:
        raise service_errors.not_found(f"The job ID was not found: {job_id}")
    return StoredJob(*row)


def page(
    connection: sqlite3.Connection,
    vault: StoredVault,
    now: int,
    *,
    first: str,
    limit: int,
    completed: bool | None,
    status: str | None,
) -> list[StoredJob]:
    """Return at most *limit* jobs in order of creation, starting at the id *first*."""
    clauses, values = ["vault = ?", "expires > ?"], [vault.id, now]
    if first:
        clauses.append("id >= ?")
        values.append(_position(connection, vault, first))
    # Filters that contradict each other find nothing.
    for done in {completed, None if status is None else status != "InProgress"} - {None}:
        clauses.append("completes <= ?" if done else "completes > ?")
        values.append(now)
    if status in ("Succeeded", "Failed"):
        clauses.append(f"outcome = '{status}'")  # one of two constants: no client's text is in the SQL
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM jobs WHERE {' AND '.join(clauses)} ORDER BY id LIMIT ?", (*values, limit)
    )
    return [StoredJob(*row) for row in rows]


def _position(connection: sqlite3.Connection, vault: StoredVault, job_id: str) -> int:
    # Expired jobs too: a listing goes on if the job in its marker expires meanwhile.
    row = connection.execute(
        "SELECT id FROM jobs WHERE job_id = ? AND vault = ?", (job_id, vault.id)
    ).fetchone()
    if row is None:
        raise service_errors.invalid(f"Invalid marker: {job_id}")
    return int(row["id"])


def unwritten(connection: sqlite3.Connection) -> StoredJob | None:
    """Return the oldest inventory job whose output is not written yet."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM jobs WHERE snapshot IS NOT NULL AND output IS NULL"
        " AND outcome = 'Succeeded' ORDER BY id LIMIT 1"
    ).fetchone()
    return None if row is None else StoredJob(*row)


def inventory_lines(
    connection: sqlite3.Connection, job: StoredJob, bounds: tuple[int, int, int], limit: int
) -> Iterator[tuple[int, ArchiveLine]]:
    """Yield the archives that existed at the job's snapshot, each with its position.

    *bounds* are the first position and the creation dates from (inclusive) and to (exclusive).
    """
    position, since, until = bounds
    rows = connection.execute(
        "SELECT id, archive_id, description,"
        " strftime('%Y-%m-%dT%H:%M:%SZ', created / 1000, 'unixepoch'), size, tree_hash"
        " FROM archives WHERE vault = ? AND id >= ? AND created < ? AND created >= ?"
        " AND created < ? AND (deleted IS NULL OR deleted >= ?) ORDER BY id LIMIT ?",
        (job.vault, position, job.snapshot, since, until, job.snapshot, limit),
    )
    for row in rows:
        yield row[0], ArchiveLine(*row[1:])


def set_output(
    connection: sqlite3.Connection, job: StoredJob, file: str, size: int, next_marker: str | None
) -> None:
    """Record the written output."""
    connection.execute(
        "UPDATE jobs SET output = ?, output_size = ?, next_marker = ? WHERE id = ? AND output IS NULL",
        (file, size, next_marker, job.id),
    )
