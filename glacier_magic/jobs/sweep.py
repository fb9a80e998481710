"""Updates the catalogue from the job lists of the service, with a few calls per vault."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ..base.bucket_names import is_bucket
from ..catalogue import Catalogue, Download, JobRecord
from ..errors import NotFound
from ..service import Service
from .durations import kept_until

LOOKED_FOR = 10
"""The most DescribeJob calls, for jobs missing from the list, in one poll of a vault."""
SETTLES = timedelta(minutes=10)
"""A job younger than this may be missing from the list although it exists."""
TOGETHER = 500
"""Downloads updated in one transaction."""
SETTLED_HERE = ("asking", "waiting", "ready")


@dataclass(frozen=True)
class Sweeper:
    """Reads the job lists of vaults and updates the downloads that wait for them."""

    service: Service
    catalogue: Catalogue

    def sweep(self, vault: str) -> None:
        """Read all pages of a vault's job list, and update the states of its downloads.

        :raises NotFound: the vault no longer exists.
        """
        # All pages before any write: if one fails, no job counts as missing from the list.
        before = {job.job_id: job for job in self.catalogue.jobs.of_vault(vault)}
        found = [JobRecord.from_service(vault, job) for job in self.service.jobs(vault)]
        listed = [job.after(before.get(job.job_id)) for job in found]
        # Only changes are written: a list may have ten thousand jobs.
        self.catalogue.jobs.record(job for job in listed if before.get(job.job_id) != job)
        known = {job.job_id for job in listed}
        self._miss(vault, [job for job in before.values() if job.job_id not in known])
        tokens = {job.description: job.job_id for job in listed if job.description}
        if is_bucket(vault):  # a restore has no description, and an object has one restore at most
            tokens = {job.archive_id: job.job_id for job in listed if job.archive_id}
        self._settle_all(vault, tokens)

    def vault_is_gone(self, vault: str) -> None:
        """Record that a vault and its jobs no longer exist."""
        jobs = self.catalogue.jobs
        jobs.mark_gone(vault, *(job.job_id for job in jobs.of_vault(vault)))
        for download in self.catalogue.downloads.open():
            if download.vault == vault:
                self.catalogue.downloads.update(
                    download.id,
                    state="failed",
                    ended=self.service.clock.now_ms(),
                    error=f"the vault {vault} no longer exists",
                )

    def _miss(self, vault: str, jobs: Sequence[JobRecord]) -> None:
        """Settle jobs that are missing from the list, with at most LOOKED_FOR DescribeJob calls.

        If the service knows none of those described, the others are gone as well, unless they have
        just started; if it knows one, the rest wait for the next poll.
        """
        now = self.service.clock.now()
        settled = (now - SETTLES).timestamp() * 1000
        # An output past its 24 hours needs no call.
        expired = {job.job_id for job in jobs if (until := kept_until(job)) and until <= now}
        rest = [job for job in jobs if job.job_id not in expired]
        random.shuffle(rest)  # or jobs that the list always omits would hide the others
        gone = {job.job_id for job in rest[:LOOKED_FOR] if not self._found(job)}
        if len(gone) == LOOKED_FOR:
            gone |= {job.job_id for job in rest[LOOKED_FOR:] if (job.created or 0) < settled}
        self.catalogue.jobs.mark_gone(vault, *sorted(expired | gone))

    def _found(self, job: JobRecord) -> bool:
        # ListJobs omits finished jobs after an unspecified time; DescribeJob still knows them.
        try:
            response = self.service.describe_job(job.vault, job.job_id)
        except NotFound:
            return False
        self.catalogue.jobs.record([JobRecord.from_service(job.vault, response)])
        return True

    def _settle_all(self, vault: str, tokens: dict[str, str]) -> None:
        """Settle the downloads of a vault, many per transaction: each commit waits for the disk."""
        jobs = {job.job_id: job for job in self.catalogue.jobs.of_vault(vault)}
        downloads = self.catalogue.downloads
        changing = [
            download
            for download in downloads.in_states(vault, SETTLED_HERE)
            if _may_change(download, jobs.get(download.job_id or ""))
        ]
        for download in downloads.asking_elsewhere():  # few, if any: requests without a response
            if download.vault == vault:
                self._settle(download, tokens)
        if any(download.twin for download in changing):
            downloads.settle_twins(self.service.clock.now_ms())
        for start in range(0, len(changing), TOGETHER):
            with self.catalogue.database.transaction():
                for download in changing[start : start + TOGETHER]:
                    # read again: another thread or process may have changed it meanwhile
                    self._settle(downloads.get(download.id), tokens)

    def _settle(self, download: Download, tokens: dict[str, str]) -> None:
        if download.state == "asking":
            self._settle_asking(download, tokens)
        elif download.job_id and download.state in ("waiting", "ready"):
            job = self.catalogue.jobs.get(download.vault, download.job_id)
            if job is not None:
                self._settle_known(download, job)

    def _settle_asking(self, download: Download, tokens: dict[str, str]) -> None:
        """Find out how a request ended whose response was lost.

        :param tokens: the job ids by the descriptions of the jobs; of a bucket by the archives.
        """
        found = tokens.get(download.token) or tokens.get(download.archive_id)
        if found is not None:
            self.catalogue.downloads.found(download.id, found)
            return
        limits = self.catalogue.limits
        asked = (download.lease_until or 0) - limits.download_lease
        if time.time() > asked + limits.lost_request:
            # Enough time has passed for a job with its token to be listed: the request did not arrive.
            self.catalogue.downloads.update(download.id, state="planned", owner=None)

    def _continue_without_job(self, download: Download) -> None:
        """Continue a download whose job is gone from its file or another job, or expire it."""
        other = self.catalogue.jobs.for_archive(*download.wanted)
        if other is None and self._is_written(download):
            self.catalogue.downloads.update(download.id, state="ready")  # the fetcher verifies it
            return
        if other is None:
            self.catalogue.downloads.update(
                download.id,
                state="expired",
                ended=self.service.clock.now_ms(),
                error="its restored copy ended"
                if download.days
                else "the service dropped the output after 24 h",
            )
            return
        self.catalogue.downloads.adopt(download.id, other.job_id)
        if other.status == "Succeeded":
            self._settle_known(self.catalogue.downloads.get(download.id), other)

    def _is_written(self, download: Download) -> bool:
        there = download.part is None and Path(download.target).is_file()
        return there or self.catalogue.moved.is_written(download)

    def _settle_known(self, download: Download, job: JobRecord) -> None:
        change, now = self.catalogue.downloads.update, self.service.clock.now_ms()
        if job.gone:
            self._continue_without_job(download)
        elif job.status == "Failed":
            reason = job.message or "the job failed"
            change(download.id, state="failed", error=reason, ended=now)
        elif job.status == "Succeeded" and download.state == "waiting":
            # A hash that is known stays: it is what the bytes are verified against.
            whole = {"size": job.size or download.size, "tree_hash": download.tree_hash or job.tree_hash}
            change(download.id, state="ready", **({} if download.part else whole))


def _may_change(download: Download, job: JobRecord | None) -> bool:
    """Tell whether a poll can change a download; an unknown job has been dropped."""
    if download.state == "asking" or job is None:
        return True
    return job.status == "Failed" or (job.status == "Succeeded" and download.state == "waiting")
