"""When to look at the jobs of each vault again: as seldom as the tiers and the pages allow."""

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

SOONEST, LATEST = timedelta(seconds=20), timedelta(minutes=15)
"""Bounds of the pause between two looks once a job can be done."""
LAST_RETRY = timedelta(minutes=5)
"""The longest pause after a look that failed; the first is doubled with each that follows."""
JITTER = timedelta(minutes=1)
"""At most so much is added to a pause, and a tenth of it: not all look at the same second."""
PAGE = 50
"""Jobs of one answer of the service (service documentation, "List Jobs")."""
A_PAGE = timedelta(seconds=6)
"""For each further page of a vault's jobs there is so much more between two looks: at ten thousand
jobs twenty minutes, of the 24 hours that each output is kept."""
FRESH = 0.2
"""Real seconds for which a look at a vault counts when something is asked of it."""
UNSETTLED = ("asking", "waiting")
"""States of downloads that a look at the list of jobs may settle."""


def next_moment(running: RunningJob, now: datetime, past: PastDurations) -> datetime:
    """Return when to look again at jobs of one tier, by the oldest of them.

    First when it can be done at the earliest, then twice as close each time to when it usually
    is; after that in a tenth of the time that it is late.
    """
    kind, since = kind_of(running.action, running.tier), from_ms(running.since) or now
    first, usual = since + window(kind)[0], since + past.usual(kind)
    if now < first:
        return first
    if now < usual:
        return min(now + LATEST, now + (usual - now) / 2)
    return now + max(timedelta(minutes=1), (now - usual) / 10)


class Schedule:
    """The moments of the service's time at which vaults are looked at.

    ``patience`` is how many times as long to wait between looks once jobs can be done.
    """

    def __init__(self, catalogue: Catalogue, clock: ServiceClock) -> None:
        self._catalogue, self._clock = catalogue, clock
        self._due: dict[str, datetime] = {}
        self._looked: dict[str, float] = {}  # by our own clock
        self._failed: dict[str, int] = {}
        self._pages: dict[str, int] = {}
        self.patience = 1.0

    def due(self, vaults: Iterable[str], longest: float) -> list[str]:
        """Return which of *vaults* are due.

        :param longest: seconds after which an emulator is looked at in any case: somebody may have
            moved its clock.
        """
        now, steady = self._clock.now(), time.monotonic()
        return [
            vault
            for vault in vaults
            if vault not in self._due
            or self._due[vault] <= now
            or (self._clock.virtual and steady - self._looked.get(vault, 0.0) >= longest)
        ]

    def clear(self) -> None:
        """Let all vaults be due now."""
        self._due.clear()

    def keep(self, vaults: set[str]) -> None:
        """Forget about all vaults but these."""
        self._due = {vault: due for vault, due in self._due.items() if vault in vaults}

    def looked(self, vault: str, next_request: datetime | None) -> None:
        """Plan the next look after one that went well.

        :param next_request: when the next archive of the vault is asked for, if that is planned.
        """
        self._failed.pop(vault, None)
        self._looked[vault] = time.monotonic()
        self._pages[vault] = self._catalogue.jobs.counts().get(vault, 0) // PAGE
        now, running = self._clock.now(), self._running(vault)
        moment = self._by_tiers(running, now)
        if vault in self._catalogue.downloads.vaults_with_work(UNSETTLED) and not running:
            moment = now
        elif moment is None:
            moment = next_request or now + LATEST
        pause = max(moment - now, self.least(vault))
        if not running or moment - now <= LATEST:
            pause *= self.patience
        self._due[vault] = now + pause + min(JITTER, pause / 10) * random.random()  # noqa: S311 - chance, not secrecy

    def failed(self, vault: str) -> None:
        """Plan the next look after one that got no answer."""
        count = self._failed[vault] = self._failed.get(vault, 0) + 1
        self._looked[vault] = time.monotonic()
        first = timedelta(seconds=self._catalogue.limits.list_retry)
        self._due[vault] = self._clock.now() + min(LAST_RETRY, first * 2 ** min(count - 1, 8))

    def heard_of(self, vaults: Iterable[str]) -> None:
        """Look sooner where jobs were begun since that can be done sooner."""
        now = self._clock.now()
        for vault in set(vaults) & self._due.keys() - self._failed.keys():
            moment = self._by_tiers(self._running(vault), now)
            if moment is not None:
                self._due[vault] = min(self._due[vault], max(moment, now + self.least(vault)))

    def least(self, vault: str) -> timedelta:
        """Return the shortest pause between two looks at a vault: its list may be long."""
        return max(SOONEST, A_PAGE * self._pages.get(vault, 0))

    def is_fresh(self, vault: str) -> bool:
        """Tell whether a vault was looked at this very moment, and the look went well."""
        return self._since_look(vault) < FRESH and vault not in self._failed

    def may_look(self, vault: str) -> bool:
        """Tell whether to look before it is due: not where a look has failed, or takes long."""
        pause = A_PAGE.total_seconds() * self._pages.get(vault, 0)
        long_ago = self._clock.virtual or self._since_look(vault) >= pause
        return long_ago and vault not in self._failed and not self.is_fresh(vault)

    def _since_look(self, vault: str) -> float:
        return time.monotonic() - self._looked.get(vault, float("-inf"))

    def next(self) -> datetime | None:
        """Return the moment of the next look at any vault."""
        return min(self._due.values(), default=None)

    def pause(self, longest: float) -> float:
        """Return the seconds until the next look; for *longest* see :meth:`due`."""
        moment = self.next()
        if moment is None:
            return 0.0
        left = self._clock.real_seconds((moment - self._clock.now()).total_seconds())
        if self._clock.virtual:
            last = min(self._looked.get(vault, 0.0) for vault in self._due)
            left = min(left, longest - (time.monotonic() - last))
        return max(0.0, left)

    def _running(self, vault: str) -> list[RunningJob]:
        return [group for group in self._catalogue.jobs.running() if group.vault == vault]

    def _by_tiers(self, running: Iterable[RunningJob], now: datetime) -> datetime | None:
        past = PastDurations(self._catalogue)
        return min((next_moment(group, now, past) for group in running), default=None)
