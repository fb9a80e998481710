"""The retrieval jobs of the service, as it last reported them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields, replace
from typing import Any

from ...base.ranges import ByteRange, is_verifiable
from ...base.units import parse_time
from ...errors.scrubbing import scrub
from ..archives.identity import bytes_key
from ..storage.database import Database, Scope

RETRIEVAL, INVENTORY = "ArchiveRetrieval", "InventoryRetrieval"


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """One job; times in milliseconds since 1970 UTC, size in bytes of its output."""

    vault: str
    job_id: str
    action: str
    archive_id: str | None = None
    byte_range: str | None = None
    tier: str | None = None
    description: str | None = None
    status: str = "InProgress"
    message: str | None = None
    parameters: str | None = None
    size: int | None = None
    tree_hash: str | None = None
    created: int | None = None
    completed: int | None = None
    gone: bool = False
    output_hash: str | None = None

    @classmethod
    def from_service(cls, vault: str, job: Mapping[str, Any]) -> JobRecord:
        """Read a job object of DescribeJob or ListJobs; absent keys are null."""
        parameters = job.get("InventoryRetrievalParameters")
        size = "InventorySizeInBytes" if job["Action"] == INVENTORY else "ArchiveSizeInBytes"
        return cls(
            vault=vault,
            job_id=job["JobId"],
            action=job["Action"],
            archive_id=job.get("ArchiveId"),
            byte_range=job.get("RetrievalByteRange"),
            tier=job.get("Tier"),
            description=job.get("JobDescription"),
            status=job["StatusCode"],
            message=scrub(job.get("StatusMessage") or "") or None,
            parameters=None if parameters is None else json.dumps(parameters, sort_keys=True),
            size=job.get(size) or None,  # neither is ever empty: another server's 0 says nothing
            tree_hash=job.get("ArchiveSHA256TreeHash") or job.get("SHA256TreeHash"),
            created=parse_time(job.get("CreationDate")),
            completed=parse_time(job.get("CompletionDate")),
            output_hash=job.get("SHA256TreeHash"),  # null for a range that is not tree-hash aligned
        )

    def after(self, known: JobRecord | None) -> JobRecord:
        """Return the job with what is known of it, and the service does not say: of restores of objects."""
        if known is None or self.created is not None:
            return self
        return replace(self, tier=known.tier, created=known.created, description=known.description)

    @property
    def usable(self) -> bool:
        """Whether the job is in progress, or has an output that the service still keeps."""
        return not self.gone and self.status in ("InProgress", "Succeeded")

    @property
    def whole_archive(self) -> bool:
        """Whether the job retrieves all of its archive."""
        # A job of the whole archive: our own record has no range, the service's has "0-<size-1>".
        if self.action != RETRIEVAL or self.byte_range is None:
            return self.action == RETRIEVAL
        return self.size is not None and self.byte_range == f"0-{self.size - 1}"

    @property
    def retrieved(self) -> ByteRange | None:
        """The bytes of its archive that its output has; None where that is not known."""
        if self.byte_range is not None:
            return ByteRange.read(self.byte_range)
        return ByteRange(0, self.size - 1) if self.size and self.whole_archive else None

    @property
    def verifiable(self) -> bool:
        """Whether the service reports the tree hash of its output."""
        retrieved = self.retrieved
        if retrieved is None or self.size is None:
            return self.whole_archive
        return is_verifiable(retrieved, self.size)

    def serves(self, part: ByteRange) -> bool:
        """Tell whether its output contains a part of the archive."""
        retrieved = self.retrieved
        return self.whole_archive or (retrieved is not None and retrieved.holds(part))

    @property
    def whole_inventory(self) -> bool:
        """Whether the job is an inventory of the whole vault: no date, limit or marker set."""
        if self.action != INVENTORY:
            return False
        given = json.loads(self.parameters or "{}")
        return not any(given.get(key) for key in ("StartDate", "EndDate", "Limit", "Marker"))

    @property
    def format(self) -> str:
        """The format of an inventory's output: ``JSON`` or ``CSV``."""
        return str(json.loads(self.parameters or "{}").get("Format") or "JSON")  # the service's default


_FIELDS = [field.name for field in fields(JobRecord)]
_COLUMNS = ", ".join(_FIELDS)
_USABLE = (
    # By descending status: 'Succeeded' comes before 'InProgress'.
    "gone=0 AND status IN ('InProgress', 'Succeeded') "
    # SQLite and PostgreSQL sort nulls differently.
    "ORDER BY status DESC, completed DESC NULLS LAST, created NULLS FIRST"
)
_UPDATES = ", ".join(f"{name}=excluded.{name}" for name in _FIELDS if name != "gone")


@dataclass(frozen=True)
class RunningJob:
    """Jobs of one vault, action and tier in progress; when the oldest and the newest of them started."""

    vault: str
    action: str
    tier: str | None
    count: int
    since: int | None
    newest: int | None


class Jobs:
    """The jobs of one account and region."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._key = (scope.account, scope.region)

    def record(self, jobs: Iterable[JobRecord], *, ours: bool = False) -> None:
        """Write jobs as the service reports them; ``ours``, once set, remains set."""
        slots = ",".join("?" * (len(_FIELDS) + 3))
        with self._database.transaction():
            for job in jobs:
                self._database.execute(
                    f"INSERT INTO jobs(account, region, {_COLUMNS}, ours) VALUES({slots}) "
                    "ON CONFLICT(account, region, vault, job_id) DO UPDATE SET "
                    f"{_UPDATES}, gone=0, "  # a job in the list exists, whatever was assumed before
                    "ours=CASE WHEN excluded.ours=1 THEN 1 ELSE jobs.ours END",
                    (*self._key, *astuple(job), ours),
                )

    def mark_gone(self, vault: str, *job_ids: str) -> None:
        """Record that the service no longer knows these jobs."""
        with self._database.transaction():
            for job_id in job_ids:
                self._database.execute(
                    # Marked, not deleted: its duration still counts.
                    "UPDATE jobs SET gone=1 WHERE account=? AND region=? AND vault=? AND job_id=?",
                    (*self._key, vault, job_id),
                )

    def claim_renewal(self, job: JobRecord, patience: float) -> bool:
        """Record the intent to keep a copy longer, unless it was recorded *patience* seconds ago.

        A copy whose end is no longer that of *job* was kept longer by another process, and is not claimed.
        """
        now = self._database.now()
        changed = self._database.execute(
            "UPDATE jobs SET renewal=parameters, renewed=? "
            "WHERE account=? AND region=? AND vault=? AND job_id=? AND parameters=? "
            # One statement checks and records; once the copy has its new end, it may be kept longer again.
            "AND (renewal IS NULL OR renewal<>parameters OR renewed<?)",
            (now, *self._key, job.vault, job.job_id, job.parameters, now - patience),
        )
        return changed > 0

    def give_back_renewal(self, job: JobRecord) -> None:
        """Record that the request of a claim was refused, or has no answer."""
        self._database.execute(
            "UPDATE jobs SET renewal=NULL WHERE account=? AND region=? AND vault=? AND job_id=?",
            (*self._key, job.vault, job.job_id),
        )

    def get(self, vault: str, job_id: str) -> JobRecord | None:
        """Return one job by its full id."""
        found = self._select("vault=? AND job_id=?", (vault, job_id))
        return found[0] if found else None

    def of_vault(self, vault: str) -> list[JobRecord]:
        """Return the jobs of a vault that the service still knows, newest first."""
        return self._select("vault=? AND gone=0 ORDER BY created DESC NULLS LAST", (vault,))

    def known(self) -> list[JobRecord]:
        """Return the jobs of all vaults that the service still knows, newest first."""
        return self._select("gone=0 ORDER BY created DESC NULLS LAST", ())

    def running(self) -> list[RunningJob]:
        """Return the number of jobs in progress of each vault, action and tier."""
        rows = self._database.rows(
            "SELECT vault, action, tier, COUNT(*) AS number, MIN(created) AS since, MAX(created) AS newest "
            "FROM jobs WHERE account=? AND region=? AND gone=0 AND status='InProgress' "
            "GROUP BY vault, action, tier",
            self._key,
        )
        return [RunningJob(*row) for row in rows]

    def counts(self) -> dict[str, int]:
        """Return the number of jobs of each vault that the service still knows."""
        rows = self._database.rows(
            "SELECT vault, COUNT(*) AS number FROM jobs "
            "WHERE account=? AND region=? AND gone=0 GROUP BY vault",
            self._key,
        )
        return {row["vault"]: row["number"] for row in rows}

    def others(self, vault: str) -> int:
        """Return how many retrievals of a vault other catalogues requested of archives that this one does."""
        row = self._database.row(
            "SELECT COUNT(*) AS number FROM jobs WHERE account=? AND region=? AND vault=? "
            "AND action='ArchiveRetrieval' AND ours=0 AND EXISTS (SELECT 1 FROM downloads d "
            "WHERE d.account=jobs.account AND d.region=jobs.region AND d.vault=jobs.vault "
            # A job whose response was lost is found by its token.
            "AND d.archive_id=jobs.archive_id AND d.token<>COALESCE(jobs.description, ''))",
            (*self._key, vault),
        )
        return 0 if row is None else int(row["number"])

    def took(self, tier: str, limit: int = 101) -> list[int]:
        """Return the durations of the last finished retrievals of a tier, in milliseconds.

        :param tier: a tier, or ``InventoryRetrieval``.
        """
        column = "action" if tier == INVENTORY else "tier"  # inventory jobs have no tier
        rows = self._database.rows(
            f"SELECT completed-created AS took FROM jobs WHERE account=? AND region=? "
            # An emulator's clock may be set back while a job runs.
            f"AND {column}=? AND status='Succeeded' AND completed>=created "
            "ORDER BY completed DESC LIMIT ?",
            (*self._key, tier, limit),
        )
        return [row["took"] for row in rows]

    def for_archive(self, vault: str, archive_id: str, part: ByteRange | None = None) -> JobRecord | None:
        """Return the first job of :meth:`usable_for`, or None."""
        return next(iter(self.usable_for(vault, archive_id, part)), None)

    def usable_for(self, vault: str, archive_id: str, part: ByteRange | None = None) -> list[JobRecord]:
        """Return all usable jobs whose output has a part of an archive, of any client.

        Finished jobs come first, the latest at the top, and verifiable ones before others.

        :param part: the bytes that the output must have; None for the whole archive.
        """
        found = self._select(
            f"vault=? AND archive_id=? AND action=? AND {_USABLE}", (vault, archive_id, RETRIEVAL)
        )
        usable = [job for job in found if (job.serves(part) if part else job.whole_archive)]
        # Stable: within each, the order of the query.
        return sorted(usable, key=lambda job: (job.status != "Succeeded", not job.verifiable))

    def by_archive(self, vault: str) -> dict[str, JobRecord]:
        """Return the result of :meth:`for_archive` for every archive of a vault that has a job.

        The keys are archive ids, and the :func:`~.identity.bytes_key` of archives.
        """
        best: dict[str, JobRecord] = {}
        for job in self._select(f"vault=? AND archive_id IS NOT NULL AND {_USABLE}", (vault,)):
            if job.archive_id and job.whole_archive:
                best.setdefault(job.archive_id, job)  # the first is the best: see _USABLE
                best.setdefault(bytes_key(job.size, job.tree_hash) or job.archive_id, job)
        return best

    def unfetched(self, vault: str) -> dict[str, str]:
        """Return by archive id the status of retrievals in progress or not downloaded yet."""
        rows = self._database.rows(
            "SELECT archive_id, status FROM jobs WHERE account=? AND region=? AND vault=? "
            "AND action='ArchiveRetrieval' AND gone=0 AND status IN ('InProgress', 'Succeeded') "
            "AND NOT EXISTS (SELECT 1 FROM downloads d WHERE d.account=jobs.account "
            "AND d.region=jobs.region AND d.vault=jobs.vault AND d.job_id=jobs.job_id "
            "AND d.state='verified')",
            (*self._key, vault),
        )
        return {row["archive_id"]: row["status"] for row in rows}

    def inventories_to_read(self) -> list[JobRecord]:
        """Return the inventory jobs of this catalogue whose output has not been read yet."""
        return self._select(
            "action='InventoryRetrieval' AND ours=1 AND gone=0 AND status<>'Failed' "
            "AND NOT EXISTS (SELECT 1 FROM inventories i WHERE i.account=jobs.account "
            "AND i.region=jobs.region AND i.vault=jobs.vault AND i.job_id=jobs.job_id)",
            (),
        )

    def _select(self, where: str, values: tuple[Any, ...]) -> list[JobRecord]:
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM jobs WHERE account=? AND region=? AND {where}", (*self._key, *values)
        )
        return [JobRecord(**{**dict(row), "gone": bool(row["gone"])}) for row in rows]
