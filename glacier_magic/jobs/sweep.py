"""Bringing the catalogue up to what the service says of its jobs: a few calls a vault."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ..base.units import from_ms
from ..catalogue import Catalogue, Download, JobRecord
from ..errors import NotFound
from ..service import Service
from .durations import kept_until

LOOKED_FOR = 10
"""Jobs that are not in the list and are asked about one by one, in one look at a vault."""
SETTLES = timedelta(minutes=10)
"""A list is not taken to be right about jobs that are younger than this."""
TOGETHER = 500
"""Downloads that are settled in one transaction."""
SETTLED_HERE = ("asking", "waiting", "ready")


@dataclass(frozen=True)
class Sweeper:
    """Reads the job lists of vaults and settles what waits for them."""

    service: Service
    catalogue: Catalogue

    def sweep(self, vault: str) -> None:
        """Read one vault's jobs, all pages, and move its downloads to the states that follow.

        :raises NotFound: the vault does not exist any more.
        """
        listed = [JobRecord.from_service(vault, job) for job in self.service.jobs(vault)]
        before = {job.job_id: job for job in self.catalogue.jobs.of_vault(vault)}
        self.catalogue.jobs.record(job for job in listed if before.get(job.job_id) != job)
        known = {job.job_id for job in listed}
        self._miss(vault, [job for job in before.values() if job.job_id not in known])
        self._settle_all(vault, {job.description: job.job_id for job in listed if job.description})

    def vault_is_gone(self, vault: str) -> None:
        """Note that a vault does not exist any more, nor do its jobs."""
        jobs = self.catalogue.jobs
        jobs.mark_gone(vault, *(job.job_id for job in jobs.of_vault(vault)))
        for download in self.catalogue.downloads.open():
            if download.vault == vault:
                self.catalogue.downloads.update(
                    download.id,
                    state="failed",
                    ended=self.service.clock.now_ms(),
                    error=f"the vault {vault} does not exist any more",
                )

    def _miss(self, vault: str, jobs: Sequence[JobRecord]) -> None:
        """Settle jobs that are not in the list: each is asked about, but not thousands of them.

        When the service knows none of those that it was asked about, its list is right for the
        others as well, unless they have just begun; when it does know one, the rest have time
        until the next look.
        """
        now = self.service.clock.now()
        expired = {job.job_id for job in jobs if (until := kept_until(job)) and until <= now}
        rest = [job for job in jobs if job.job_id not in expired]
        random.shuffle(rest)
        gone = {job.job_id for job in rest[:LOOKED_FOR] if not self._found(job)}
        if len(gone) == LOOKED_FOR:
            gone |= {job.job_id for job in rest[LOOKED_FOR:] if _age(job, now) > SETTLES}
        self.catalogue.jobs.mark_gone(vault, *sorted(expired | gone))

    def _found(self, job: JobRecord) -> bool:
        try:
            told = self.service.describe_job(job.vault, job.job_id)
        except NotFound:
            return False
        self.catalogue.jobs.record([JobRecord.from_service(job.vault, told)])
        return True

    def _settle_all(self, vault: str, tokens: dict[str, str]) -> None:
        """Settle the downloads of a vault, many in one transaction: each waits for the disk."""
        jobs = {job.job_id: job for job in self.catalogue.jobs.of_vault(vault)}
        downloads = self.catalogue.downloads
        changing = [
            download
            for download in downloads.in_states(vault, SETTLED_HERE)
            if _may_change(download, jobs.get(download.job_id or ""))
        ]
        for download in downloads.asking_elsewhere():  # few, if any: requests left unclear
            if download.vault == vault:
                self._settle(download, tokens)
        if any(download.twin for download in changing):
            downloads.settle_twins(self.service.clock.now_ms())
        for start in range(0, len(changing), TOGETHER):
            with self.catalogue.database.transaction():
                for download in changing[start : start + TOGETHER]:
                    # as it is now: another thread or process may have moved it meanwhile
                    self._settle(downloads.get(download.id), tokens)

    def _settle(self, download: Download, tokens: dict[str, str]) -> None:
        if download.state == "asking":
            self._settle_asking(download, tokens)
        elif download.job_id and download.state in ("waiting", "ready"):
            job = self.catalogue.jobs.get(download.vault, download.job_id)
            if job is not None:
                self._settle_known(download, job)

    def _settle_asking(self, download: Download, tokens: dict[str, str]) -> None:
        """Find out how a request ended whose answer was lost with its process."""
        if download.token in tokens:
            self.catalogue.downloads.found(download.id, tokens[download.token])
            return
        limits = self.catalogue.limits
        asked = (download.lease_until or 0) - limits.download_lease
        if time.time() > asked + limits.lost_request:
            self.catalogue.downloads.update(download.id, state="planned", owner=None)

    def go_on(self, download: Download) -> None:
        """Let a download whose job is gone go on from its file or another job, or expire."""
        other = self.catalogue.jobs.for_archive(*download.wanted)
        if other is None and download.part is None and Path(download.target).is_file():
            self.catalogue.downloads.update(download.id, state="ready")  # whose file is looked at
            return
        if other is None:
            self.catalogue.downloads.update(
                download.id,
                state="expired",
                ended=self.service.clock.now_ms(),
                error="the service dropped the output after 24 h",
            )
            return
        self.catalogue.downloads.adopt(download.id, other.job_id)
        if other.status == "Succeeded":
            self._settle_known(self.catalogue.downloads.get(download.id), other)

    def _settle_known(self, download: Download, job: JobRecord) -> None:
        change, now = self.catalogue.downloads.update, self.service.clock.now_ms()
        if job.gone:
            self.go_on(download)
        elif job.status == "Failed":
            reason = job.message or "the job failed"
            change(download.id, state="failed", error=reason, ended=now)
        elif job.status == "Succeeded" and download.state == "waiting":
            whole = {} if download.part else _facts(download, job)
            change(download.id, state="ready", **whole)


def _may_change(download: Download, job: JobRecord | None) -> bool:
    """Tell whether a look can move a download; a job that is not known is gone, or another's."""
    if download.state == "asking" or job is None:
        return True
    return job.status == "Failed" or (job.status == "Succeeded" and download.state == "waiting")


def _age(job: JobRecord, now: datetime) -> timedelta:
    created = from_ms(job.created)
    return SETTLES * 2 if created is None else now - created


def _facts(download: Download, job: JobRecord) -> dict[str, Any]:
    """Return what a finished job tells of the whole archive."""
    return {"size": job.size, "tree_hash": download.tree_hash or job.tree_hash}
