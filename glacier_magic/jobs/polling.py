"""When to poll the jobs of each vault: as rarely as their tiers and the length of the list allow."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from datetime import datetime, timedelta

from ..base.units import from_ms
from ..catalogue import Catalogue
from ..catalogue.records.job_records import RunningJob
from ..service import ServiceClock
from .durations import PastDurations, kind_of, window

LATEST = timedelta(minutes=15)
"""The longest pause between two polls when a job should be finished soon."""
EARLY = (1, 4, 20, 60)
"""When jobs are polled that have just started, in multiples of ``first_look``."""
LAST_RETRY = timedelta(minutes=5)
"""The longest pause after a poll that failed; the first is doubled with each further failure."""
JITTER = timedelta(minutes=1)
"""The most that is added to a pause at random, so that not all clients poll at the same second."""
PAGE = 50
"""Jobs on one page of the list (service documentation, "List Jobs")."""
A_PAGE = timedelta(seconds=6)
"""The pause grows by this for each further page of a vault's jobs: to twenty minutes at ten
thousand jobs, which is little of the 24 hours that an output is available."""
EMULATED_PAGES = 10
"""Pages of a vault's jobs for which an emulator is polled half as often."""
SETTLED = 10
"""How many times as long an emulator is left alone where no job is waited for."""
FRESH = 0.2
"""Real seconds for which a poll is recent enough to send a request to the vault."""
UNSETTLED = ("asking", "waiting")
"""States of downloads that a poll may change."""


def next_poll(running: RunningJob, now: datetime, past: PastDurations, first_look: timedelta) -> datetime:
    """Return when to poll jobs of one tier again.

    By the oldest: first at the end of the tier's shortest time; then each time halfway to the usual
    time; after that, in a tenth of the time by which the job is late.  By the newest: a few times soon
    after it started, because a server other than the service may finish a job at once.
    """
    kind, since = kind_of(running.action, running.tier), from_ms(running.since) or now
    first, usual = since + window(kind)[0], since + past.usual(kind)
    if now < first:
        moment = first
    elif now < usual:
        moment = min(now + LATEST, now + (usual - now) / 2)
    else:
        moment = now + max(timedelta(minutes=1), (now - usual) / 10)
    began = min(from_ms(running.newest) or now, now)  # its clock may be ahead
    early = [began + times * first_look for times in EARLY]
    return min([moment, *(look for look in early if look > now)])


class PollSchedule:
    """The times, by the service's clock, at which vaults are polled.

    ``patience`` multiplies the pauses between polls, except the hours before a tier's shortest time.
    """

    def __init__(self, catalogue: Catalogue, clock: ServiceClock) -> None:
        self._catalogue, self._clock = catalogue, clock
        self._first_look = timedelta(seconds=catalogue.limits.first_look)
        self._due: dict[str, datetime] = {}
        self._looked: dict[str, float] = {}  # by our own clock
        self._failed: dict[str, int] = {}
        self._pages: dict[str, int] = {}
        self.patience = 1.0

    def due(self, vaults: Iterable[str], longest: float) -> list[str]:
        """Return which of *vaults* are due.

        :param longest: real seconds after which an emulator is polled in any case; more with many jobs.
        """
        now = self._clock.now()
        found = [vault for vault in vaults if vault not in self._due or self._due[vault] <= now]
        rested = [
            vault
            for vault in set(vaults) - set(found)
            if self._clock.virtual and self._since_look(vault) >= self._rest(vault, longest)
        ]
        if rested:  # a user may have advanced the emulator's clock
            waiting = self._catalogue.downloads.vaults_with_work(UNSETTLED)
            waiting |= {group.vault for group in self._catalogue.jobs.running()}
            longest *= SETTLED  # of the others, an output may have expired
            found += [v for v in rested if v in waiting or self._since_look(v) >= self._rest(v, longest)]
        return found

    def clear(self) -> None:
        """Make all vaults due now."""
        self._due.clear()

    def keep(self, vaults: set[str]) -> None:
        """Forget all vaults but these."""
        # A vault without jobs must not set the time of the next poll.
        self._due = {vault: due for vault, due in self._due.items() if vault in vaults}

    def looked(self, vault: str, next_request: datetime | None) -> None:
        """Plan the next poll after one that succeeded.

        :param next_request: when the next archive of the vault is requested, if any is planned.
        """
        self._failed.pop(vault, None)
        self._looked[vault] = time.monotonic()
        self._pages[vault] = self._catalogue.jobs.counts().get(vault, 0) // PAGE
        now, running = self._clock.now(), self._running(vault)
        moment = self._by_tiers(running, now)
        if vault in self._catalogue.downloads.vaults_with_work(UNSETTLED) and not running:
            moment = now  # they wait for a job that is not in the list
        elif moment is None:
            moment = next_request or now + LATEST
        pause = max(moment - now, self.least(vault))
        if not running or moment - now <= LATEST:  # not the hours before a tier's shortest time
            pause *= self.patience
        self._due[vault] = now + pause + min(JITTER, pause / 10) * random.random()  # noqa: S311 - chance, not secrecy

    def failed(self, vault: str) -> None:
        """Plan the next poll after one that failed."""
        count = self._failed[vault] = self._failed.get(vault, 0) + 1
        self._looked[vault] = time.monotonic()
        first = timedelta(seconds=self._catalogue.limits.list_retry)
        # The exponent has a limit as well: an outage of hours would overflow a timedelta.
        self._due[vault] = self._clock.now() + min(LAST_RETRY, first * 2 ** min(count - 1, 8))

    def jobs_changed(self, vaults: Iterable[str]) -> None:
        """Poll earlier where jobs have started that can be finished earlier."""
        now = self._clock.now()
        # A failed vault keeps its pause: new jobs do not end an outage.
        for vault in set(vaults) & self._due.keys() - self._failed.keys():
            moment = self._by_tiers(self._running(vault), now)
            if moment is not None:
                # Only earlier: new jobs do not delay older ones.
                self._due[vault] = min(self._due[vault], max(moment, now + self.least(vault)))

    def least(self, vault: str) -> timedelta:
        """Return the shortest pause between two polls of a vault."""
        return max(self._first_look, A_PAGE * self._pages.get(vault, 0))

    def is_fresh(self, vault: str) -> bool:
        """Tell whether the last poll of a vault succeeded and was just now."""
        return self._since_look(vault) < FRESH and vault not in self._failed

    def may_look(self, vault: str) -> bool:
        """Tell whether to poll before it is due: not after a failure, nor again where the list is long."""
        pause = A_PAGE.total_seconds() * self._pages.get(vault, 0)
        long_ago = self._clock.virtual or self._since_look(vault) >= pause
        return long_ago and vault not in self._failed and not self.is_fresh(vault)

    def _since_look(self, vault: str) -> float:
        return time.monotonic() - self._looked.get(vault, float("-inf"))

    def next(self) -> datetime | None:
        """Return the time of the next poll of any vault."""
        return min(self._due.values(), default=None)

    def pause(self, longest: float) -> float:
        """Return the real seconds until the next poll; for *longest* see :meth:`due`."""
        moment = self.next()
        if moment is None:
            return 0.0
        left = self._clock.real_seconds((moment - self._clock.now()).total_seconds())
        if self._clock.virtual:
            # An emulator is polled by real time, whatever its own clock says.
            last = min(self._looked.get(vault, 0.0) + self._rest(vault, longest) for vault in self._due)
            left = min(left, last - time.monotonic())
        return max(0.0, left)

    def _rest(self, vault: str, longest: float) -> float:
        return longest * (1 + self._pages.get(vault, 0) / EMULATED_PAGES)

    def _running(self, vault: str) -> list[RunningJob]:
        return [group for group in self._catalogue.jobs.running() if group.vault == vault]

    def _by_tiers(self, running: Iterable[RunningJob], now: datetime) -> datetime | None:
        past = PastDurations(self._catalogue)
        return min((next_poll(group, now, past, self._first_look) for group in running), default=None)
