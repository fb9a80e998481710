"""Keeping outputs longer: their archives are asked for again before their 24 hours are over."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from ..catalogue import Catalogue, Download
from ..errors import GlacierError
from ..service import Service
from .asking import job_for


@dataclass(frozen=True)
class Renewer:
    """Asks again for archives, or the parts of them, whose output is there, each once.

    The download goes on from the job that it has.  When that is gone, the sweep finds the other.
    """

    service: Service
    catalogue: Catalogue

    def renewed(self, download: Download) -> bool:
        """Tell whether another job that serves a download is under way or finished."""
        jobs = self.catalogue.jobs.usable_for(*download.wanted)
        return any(job.job_id != download.job_id for job in jobs)

    def renew(self, download: Download) -> bool:
        """Ask once more for what a download was asked for: its archive, or the part's cover.

        :returns: whether it was asked for; False where another process does so at this moment, or
            the output is not waiting any more.
        :raises GlacierError: the service refused it; the download says so, too.
        """
        token = f"glacier_magic renewal {uuid.uuid4()}"
        patience = self.catalogue.limits.lost_renewal
        if not self.catalogue.pacing.claim_renewal(download.id, token, patience):
            return False
        try:
            job_id = self.service.start_retrieval(
                download.vault, download.archive_id, download.tier, token, download.cover
            )
        except GlacierError as error:
            words = f"could not be kept longer: {error.message}"
            self.catalogue.downloads.update(download.id, error=words)
            raise
        job = job_for(download, job_id, token, self.service.clock.now_ms())
        self.catalogue.jobs.record([job], ours=True)
        return True
