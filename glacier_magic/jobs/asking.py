"""Asking the service for archives: paid, so each wish is asked for exactly once."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial

from ..catalogue import Catalogue, Download, JobRecord
from ..catalogue.jobs import RETRIEVAL
from ..errors import GlacierError, Unavailable
from ..service import Service
from ..transfer.crew import Crew, Tuner

WORKERS = 4
REFUSED = ("ThrottlingException", "RequestTimeoutException")
"""Answers that say for certain that the service has not taken a request."""


@dataclass(frozen=True)
class Asker:
    """Turns planned downloads into jobs of the service."""

    service: Service
    catalogue: Catalogue
    owner: str

    def ask_all(self, downloads: list[Download]) -> list[GlacierError]:
        """Ask for each planned download; return what went wrong for good."""
        planned = [d for d in downloads if d.state == "planned"]
        if not planned:
            return []
        crew: Crew[GlacierError | None] = Crew(
            Tuner(WORKERS, WORKERS), threading.Event(), "glacier-ask"
        )
        asked = crew.run(partial(self.ask, download) for download in planned)
        return [error for error in asked if error is not None]

    def ask(self, download: Download) -> GlacierError | None:
        """Ask for one download, unless a job for it exists or another process is at it."""
        downloads = self.catalogue.downloads
        if not downloads.claim_asking(download.id, self.owner):
            return None
        existing = self._existing(download)
        if existing:
            downloads.adopt(download.id, existing.job_id)
            return None
        try:
            job_id = self.service.start_retrieval(
                download.vault,
                download.archive_id,
                download.tier,
                download.token,
                download.cover,
            )
        except Unavailable as error:
            self._unclear(download, error)
            return None
        except GlacierError as error:
            downloads.update(download.id, state="failed", error=str(error), owner=None)
            return error
        now = self.service.clock.now_ms()
        downloads.asked(download.id, self._job(download, job_id, now), now)
        return None

    def _existing(self, download: Download) -> JobRecord | None:
        jobs, part = self.catalogue.jobs, download.asked_part
        if part is None:
            return jobs.for_archive(download.vault, download.archive_id)
        return jobs.for_part(download.vault, download.archive_id, part)

    def _unclear(self, download: Download, error: Unavailable) -> None:
        if error.code in REFUSED:
            self.catalogue.downloads.update(
                download.id, state="planned", error=error.message, owner=None
            )
        else:
            # The job may run although its answer was lost.  It stays "asking" until the sweep
            # finds it by its token, or does not find it once the lease is over.
            self.catalogue.downloads.update(download.id, error=error.message, owner=None)

    def _job(self, download: Download, job_id: str, now: int) -> JobRecord:
        return JobRecord(
            vault=download.vault,
            job_id=job_id,
            action=RETRIEVAL,
            archive_id=download.archive_id,
            tier=download.tier,
            byte_range=download.cover,
            description=download.token,
            # Of a part these are the part's; the service tells those of the archive.
            size=download.size if download.part is None else None,
            tree_hash=download.tree_hash if download.part is None else None,
            created=now,
        )
