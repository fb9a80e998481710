"""Bringing the catalogue up to what the service says of its jobs: a few calls a vault."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from ..catalogue import Catalogue, Download, JobRecord
from ..catalogue.downloads import LEASE_SECONDS
from ..errors import NotFound
from ..service import Service
from .expect import kept_until

SETTLE_SECONDS = 45.0
"""How long after a lost answer a job must show in the list before it is asked for again."""


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
        self.catalogue.jobs.record(listed)
        known = {job.job_id for job in listed}
        for job in self.catalogue.jobs.of_vault(vault):
            if job.job_id not in known:
                self._look_for(job)
        tokens = {job.description: job.job_id for job in listed if job.description}
        downloads = self.catalogue.downloads
        for download in (*downloads.open(), *downloads.asking_elsewhere()):
            if download.vault == vault:
                self._settle(download, tokens)

    def vault_is_gone(self, vault: str) -> None:
        """Note that a vault does not exist any more, nor do its jobs."""
        for job in self.catalogue.jobs.of_vault(vault):
            self.catalogue.jobs.mark_gone(vault, job.job_id)
        for download in self.catalogue.downloads.open():
            if download.vault == vault:
                self.catalogue.downloads.update(
                    download.id, state="failed", ended=self.service.clock.now_ms(),
                    error=f"the vault {vault} does not exist any more",
                )  # fmt: skip

    def _look_for(self, job: JobRecord) -> None:
        until = kept_until(job)
        if until is None or self.service.clock.now() < until:
            try:
                told = self.service.describe_job(job.vault, job.job_id)
            except NotFound:
                pass
            else:
                self.catalogue.jobs.record([JobRecord.from_service(job.vault, told)])
                return
        self.catalogue.jobs.mark_gone(job.vault, job.job_id)

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
        asked = (download.lease_until or 0) - LEASE_SECONDS
        if time.time() > asked + SETTLE_SECONDS:
            self.catalogue.downloads.update(download.id, state="planned", owner=None)

    def go_on(self, download: Download) -> None:
        """Let a download whose job is gone go on from another job of its archive, or expire."""
        other = self.catalogue.jobs.for_archive(download.vault, download.archive_id)
        if other is None:
            self.catalogue.downloads.update(
                download.id, state="expired", ended=self.service.clock.now_ms(),
                error="the service dropped the output after 24 h",
            )  # fmt: skip
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


def _facts(download: Download, job: JobRecord) -> dict[str, Any]:
    """Return what a finished job tells of the whole archive."""
    return {"size": job.size, "tree_hash": download.tree_hash or job.tree_hash}
