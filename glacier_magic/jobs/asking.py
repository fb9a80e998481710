"""Requests for archives: each costs money, so that each archive is requested exactly once."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from secrets import SystemRandom

from ..catalogue import Catalogue, Download, JobRecord
from ..catalogue.archives.states import DELETED, deleted_here
from ..catalogue.records.job_records import RETRIEVAL
from ..errors import ConnectionFailed, GlacierError, Unavailable
from ..service import Service
from ..transfer.crew import Crew, Tuner
from .copying import copy_of, there_already, verified
from .durations import kind_from
from .pacing import Pacer, Refusals, is_postponed

WORKERS = 4
LOOK_EVERY = 20
"""Requests between two looks at the jobs of a vault; a tenth of its jobs where those are more."""
NOTICED = (
    "If another computer restores the same archives at this moment, up to {:,} may be requested, and "
    "charged, twice."
)


def window(jobs: int) -> int:
    """Return how many requests are sent between two looks at the list of so many jobs.

    The list has pages of 50 jobs in no documented order, so that a look reads all of them: one
    ListJobs call comes with five requests, however long the list is.
    """
    return max(LOOK_EVERY, jobs // 10)


def other_computers(jobs: int, requests: int) -> list[tuple[str, str]]:
    """Return the fact that a plan states about other computers; none where it cannot matter.

    :param jobs: the number of jobs that the vault has.
    """
    most = window(jobs + requests)
    return [("another computer", NOTICED.format(most))] if requests > most else []


def random_pause(interval: float) -> float:
    """Return one to two times an interval, so that two computers that both wait do not continue together."""
    return interval * SystemRandom().uniform(1, 2)


@dataclass(frozen=True)
class Asker:
    """Sends the retrieval requests of planned downloads.

    :param look: updates the jobs of a vault from the service, and returns whether it could.
    :param stop: set when the session ends.
    """

    service: Service
    catalogue: Catalogue
    pacer: Pacer
    owner: str
    look: Callable[[str], bool]
    stop: threading.Event
    _others: dict[str, int] = field(default_factory=dict)

    def ask_due(self, downloads: list[Download], *, watched: bool = False) -> list[GlacierError]:
        """Request the planned downloads that are due; return the errors that are final.

        :param watched: whether a user waits for the answer: rejected credentials are an error
            then; otherwise such requests wait for better ones.
        """
        now = self.service.clock.now_ms()
        due = [d for d in downloads if d.state == "planned" and (d.due or 0) <= now]
        released, refusals = self.pacer.release(due, now), Refusals()
        errors: list[GlacierError] = []
        for vault in dict.fromkeys(download.vault for download in released):
            mine = [download for download in released if download.vault == vault]
            errors += self._ask_vault(vault, mine, refusals, watched=watched)
        self.pacer.postpone(refusals.not_sent, progress=refusals.accepted)
        return errors

    def _ask_vault(
        self, vault: str, downloads: Sequence[Download], refusals: Refusals, *, watched: bool
    ) -> list[GlacierError]:
        """Request downloads from a vault, and look at its jobs every few requests.

        What is not requested, because the jobs cannot be listed, stays planned for a later round.
        """
        errors: list[GlacierError | None] = []
        most, rest = min(WORKERS, self.catalogue.limits.workers), list(downloads)
        go_on = self._alone(vault) or watched  # a plan that is run has just looked
        while go_on and rest:
            count = window(self.catalogue.jobs.counts().get(vault, 0))
            # An event that is never set: a round that has begun is not cut short between claim and request.
            crew: Crew[GlacierError | None] = Crew(Tuner(most, most), threading.Event(), "glacier-ask")
            errors += crew.run(partial(self._ask, refusals, watched, download) for download in rest[:count])
            rest = refusals.left(rest[count:])
            go_on = bool(rest) and self._may_go_on(vault, rest, wait=watched)
        return [error for error in errors if error is not None]

    def _may_go_on(self, vault: str, rest: list[Download], *, wait: bool) -> bool:
        """Look at the jobs of a vault; give way to another computer that requests the same archives.

        :param wait: whether to wait here until it has none left; otherwise a later round goes on.
        """
        while self.look(vault):
            if self._alone(vault):
                return True
            random.shuffle(rest)  # or two computers that went on together would request the same again
            if not wait or self.stop.wait(random_pause(self.catalogue.limits.request_interval)):
                break
        return False

    def _alone(self, vault: str) -> bool:
        """Return whether no other computer has requested archives of this one since the last call."""
        before = self._others.get(vault)
        self._others[vault] = found = self.catalogue.jobs.others(vault)
        return before is None or found == before

    def _ask(self, refusals: Refusals, watched: bool, download: Download) -> GlacierError | None:
        """Request one download, unless its file or a job exists or another process requests it."""
        if refusals.expects(download):
            return None
        downloads = self.catalogue.downloads
        # First: no other process requests the archive during the checks that follow.
        if not downloads.claim_asking(download.id, self.owner):
            return None
        there = there_already(download)
        if there is not None:
            now, facts = self.service.clock.now_ms(), verified(download, there)
            downloads.update(download.id, owner=None, ended=now, **facts)
            return None
        existing = self.catalogue.jobs.for_archive(*download.wanted)
        if existing:  # of any client or computer: a second job would be paid, too
            downloads.adopt(download.id, existing.job_id)
            return None
        if copy_of(self.catalogue, download) is not None:  # verified since, in another folder
            downloads.update(download.id, state="ready", owner=None, error=None)
            return None
        # The service may accept a job for an archive that was deleted recently; it fails hours later.
        archive = self.catalogue.archives.get(download.vault, download.archive_id)
        if archive is not None and archive.state == DELETED:  # since it was planned
            return self._fail(download, deleted_here(archive.name or archive.archive_id))
        try:
            job_id = _request(self.service, download, download.token)  # finds the job if the response is lost
        except GlacierError as error:
            if is_postponed(error) and not (watched and isinstance(error, ConnectionFailed)):
                refusals.add(download, error)
                self.pacer.postpone([(download, error)], progress=refusals.accepted)
                return None
            if isinstance(error, Unavailable):
                # The job may run although the response was lost: a second request would be paid too.
                # It stays "asking" until the sweep finds its token, or the lease ends without one.
                downloads.update(download.id, error=error.message, owner=None)
                return None
            return self._fail(download, error)
        refusals.accepted = True
        now = self.service.clock.now_ms()
        downloads.asked(download.id, _job_for(download, job_id, download.token, now), now)
        return None

    def _fail(self, download: Download, error: GlacierError) -> GlacierError:
        now = self.service.clock.now_ms()
        self.catalogue.downloads.update(download.id, state="failed", error=str(error), owner=None, ended=now)
        return error


def _request(service: Service, download: Download, token: str) -> str:
    """Send the request of a download, which is never repeated by the client; return the job id."""
    if download.days is not None:
        return service.buckets.restore(download.vault, download.archive_id, download.tier, download.days)
    return service.start_retrieval(download.vault, download.archive_id, download.tier, token, download.cover)


def _job_for(download: Download, job_id: str, token: str, now: int) -> JobRecord:
    """Return the record of a job that was just requested for a download.

    :param token: the description sent with the request.
    :param now: milliseconds by the service's clock.
    """
    return JobRecord(
        vault=download.vault,
        job_id=job_id,
        action=RETRIEVAL,
        archive_id=download.archive_id,
        tier=kind_from(download.archive_id, download.tier),
        byte_range=download.cover,
        description=token,
        # A part's download has the part's size and hash; a job object has the archive's.
        size=download.size if download.part is None else None,
        tree_hash=download.tree_hash if download.part is None else None,
        created=now,  # until a poll reports the service's own date
    )


@dataclass(frozen=True)
class Renewer:
    """Requests archives again, or parts of them, to extend the 24 hours of their outputs.

    The download continues from its present job.  When that has expired, the sweep finds the new one.
    """

    service: Service
    catalogue: Catalogue

    def renewed(self, download: Download) -> bool:
        """Tell whether another job that serves a download is in progress or finished."""
        jobs = self.catalogue.jobs.usable_for(*download.wanted)
        return any(job.job_id != download.job_id for job in jobs)

    def renew(self, download: Download) -> bool:
        """Repeat the request of a download: its archive, or the cover of its part.

        :returns: whether a request was sent; False if another process has just sent one, or the
            output is no longer waiting.
        :raises GlacierError: the service refused it; the download's error says so as well.
        """
        token = f"glacier_magic renewal {uuid.uuid4()}"
        # Recorded before it is sent: after a crash, or in another process, no second one follows at once.
        if not self.catalogue.pacing.claim_renewal(download.id, token, self.catalogue.limits.lost_renewal):
            return False
        try:
            job_id = _request(self.service, download, token)
        except GlacierError as error:
            words = f"could not be kept longer: {error.message}"
            self.catalogue.downloads.update(download.id, error=words)
            raise
        job = _job_for(download, job_id, token, self.service.clock.now_ms())
        self.catalogue.jobs.record([job], ours=True)
        return True
