"""Asking the service for archives: paid, so each wish is asked for exactly once."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial

from ..catalogue import Catalogue, Download, JobRecord
from ..catalogue.archives.states import DELETED, deleted_here
from ..catalogue.records.job_records import RETRIEVAL
from ..errors import ConnectionFailed, GlacierError, Unavailable
from ..service import Policies, Service
from ..transfer.crew import Crew, Tuner
from .copying import copy_of, there_already, verified
from .postponing import POLICY, is_postponed, pause, words
from .release import Releaser

WORKERS = 4


@dataclass(frozen=True)
class Asker:
    """Turns planned downloads into jobs of the service."""

    service: Service
    catalogue: Catalogue
    policies: Policies
    owner: str

    def ask_due(self, downloads: list[Download], *, watched: bool = False) -> list[GlacierError]:
        """Ask for what is due of planned downloads; return what went wrong for good.

        :param watched: whether somebody waits for the answer, and hears of credentials that are
            not accepted; otherwise such requests wait for better ones.
        """
        now = self.service.clock.now_ms()
        due = [d for d in downloads if d.state == "planned" and (d.due or 0) <= now]
        released = Releaser(self.catalogue).release(due, now)
        if not released:
            return []
        round_, most = _Round(self, watched), min(WORKERS, self.catalogue.limits.workers)
        crew: Crew[GlacierError | None] = Crew(Tuner(most, most), threading.Event(), "glacier-ask")
        asked = crew.run(partial(round_.ask, download) for download in released)
        return [error for error in asked if error is not None]

    def put_off(self, download: Download, error: GlacierError) -> None:
        """Move a download that was refused for now to a later time, and say why."""
        now, speed = self.service.clock.now_ms(), self.service.clock.speed
        policy = self.policies.current() if error.code == POLICY else None
        due = now + pause(error, download.moves, now=now, speed=speed, policy=policy)
        reason = words(error, download.moves + 1)
        self.catalogue.pacing.refused(download.id, self.owner, due, reason)

    def ask(self, download: Download, *, watched: bool = False) -> GlacierError | None:
        """Ask for one download, unless its file or a job is there or another process is at it.

        :raises Postponed: the service refuses it for now.
        """
        downloads = self.catalogue.downloads
        if not downloads.claim_asking(download.id, self.owner):
            return None
        there = there_already(download)
        if there is not None:
            now, facts = self.service.clock.now_ms(), verified(download, there)
            downloads.update(download.id, owner=None, ended=now, **facts)
            return None
        existing = self.catalogue.jobs.for_archive(*download.wanted)
        if existing:
            downloads.adopt(download.id, existing.job_id)
            return None
        if copy_of(self.catalogue, download) is not None:  # came meanwhile, into another folder
            downloads.update(download.id, state="ready", owner=None, error=None)
            return None
        archive = self.catalogue.archives.get(download.vault, download.archive_id)
        if archive is not None and archive.state == DELETED:  # since it was planned
            return self._refused(download, deleted_here(archive.name or archive.archive_id), watched=watched)
        try:
            job_id = self.service.start_retrieval(
                download.vault, download.archive_id, download.tier, download.token, download.cover
            )
        except GlacierError as error:
            return self._refused(download, error, watched=watched)
        now = self.service.clock.now_ms()
        downloads.asked(download.id, job_for(download, job_id, download.token, now), now)
        return None

    def _refused(self, download: Download, error: GlacierError, *, watched: bool) -> GlacierError | None:
        if is_postponed(error) and not (watched and isinstance(error, ConnectionFailed)):
            self.put_off(download, error)
            raise Postponed(error) from None
        if isinstance(error, Unavailable):
            # The job may run although its answer was lost.  It stays "asking" until the sweep
            # finds it by its token, or does not find it once the lease is over.
            self.catalogue.downloads.update(download.id, error=error.message, owner=None)
            return None
        now = self.service.clock.now_ms()
        self.catalogue.downloads.update(download.id, state="failed", error=str(error), owner=None, ended=now)
        return error


def job_for(download: Download, job_id: str, token: str, now: int) -> JobRecord:
    """Return the record of a job that was just asked for, for what a download takes.

    :param token: the description that the request had.
    :param now: milliseconds by the service's clock.
    """
    return JobRecord(
        vault=download.vault,
        job_id=job_id,
        action=RETRIEVAL,
        archive_id=download.archive_id,
        tier=download.tier,
        byte_range=download.cover,
        description=token,
        # Of a part these are the part's; the service tells those of the archive.
        size=download.size if download.part is None else None,
        tree_hash=download.tree_hash if download.part is None else None,
        created=now,
    )


class Postponed(Exception):
    """The service refused a request for now; the download was moved to a later time."""

    def __init__(self, reason: GlacierError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Round:
    """One round of requests: what was refused is not tried with more of the same."""

    def __init__(self, asker: Asker, watched: bool) -> None:
        self._asker, self._watched = asker, watched
        self._refusals: dict[str, tuple[int, GlacierError]] = {}

    def ask(self, download: Download) -> GlacierError | None:
        """Ask for one download, or move it with what was refused to one no larger."""
        least, reason = self._refusals.get(download.tier, (0, None))
        if reason is not None and (download.size or 0) >= least:
            self._asker.put_off(download, reason)
            return None
        try:
            return self._asker.ask(download, watched=self._watched)
        except Postponed as postponed:
            # A larger one would be refused by the same policy; the other reasons know no size.
            size = (download.size or 0) if postponed.reason.code == POLICY else 0
            known = self._refusals.get(download.tier)
            self._refusals[download.tier] = (size if known is None else min(size, known[0]), postponed.reason)
            return None
