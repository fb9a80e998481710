"""Keeping outputs longer: their archives are asked for again before their 24 hours are over."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from ..catalogue import Catalogue, Download, JobRecord
from ..catalogue.records.jobs import RETRIEVAL
from ..errors import GlacierError
from ..service import Service

PATIENCE = 60.0
"""Seconds in which a lost request shows in the list of jobs; before, it is not made again."""


@dataclass(frozen=True)
class Renewer:
    """Asks again for archives whose output is there, each once.

    The download goes on from the job that it has.  When that is gone, the sweep finds the other.
    """

    service: Service
    catalogue: Catalogue

    def renewed(self, download: Download) -> bool:
        """Tell whether another job of the whole archive is under way or finished."""
        jobs = self.catalogue.jobs.usable_for(download.vault, download.archive_id)
        return any(job.job_id != download.job_id for job in jobs)

    def renew(self, download: Download) -> GlacierError | None:
        """Ask once more for an archive; return what the service had against it."""
        token = f"glacier_magic renewal {uuid.uuid4()}"
        if not self.catalogue.pacing.claim_renewal(download.id, token, PATIENCE):
            return None
        try:
            job_id = self.service.start_retrieval(
                download.vault, download.archive_id, download.tier, token
            )
        except GlacierError as error:
            words = f"could not be kept longer: {error.message}"
            self.catalogue.downloads.update(download.id, error=words)
            return error
        job = JobRecord(
            vault=download.vault, job_id=job_id, action=RETRIEVAL, tier=download.tier,
            archive_id=download.archive_id, description=token, size=download.size,
            tree_hash=download.tree_hash, created=self.service.clock.now_ms(),
        )  # fmt: skip
        self.catalogue.jobs.record([job], ours=True)
        return None
