"""How long the service takes, and how long it keeps what it fetched.

From the service's documentation: "Retrieving archives" (downloading-an-archive-two-steps) and
"Describe Job" (api-describe-job-get).
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from ..base.units import from_ms
from ..catalogue import Catalogue, JobRecord
from ..catalogue.records.job_records import INVENTORY

TIERS = ("Expedited", "Standard", "Bulk")

OUTPUT_KEPT = timedelta(hours=24)
"""The service keeps a finished job's output at least this long."""

_WINDOWS = {
    "Expedited": (timedelta(minutes=1), timedelta(minutes=5)),
    "Standard": (timedelta(hours=3), timedelta(hours=5)),
    "Bulk": (timedelta(hours=5), timedelta(hours=12)),
    INVENTORY: (timedelta(hours=3), timedelta(hours=5)),
}
_USUAL = {
    "Expedited": timedelta(minutes=3),
    "Standard": timedelta(hours=4),
    "Bulk": timedelta(hours=8),
    INVENTORY: timedelta(hours=4),
}


def window(tier: str) -> tuple[timedelta, timedelta]:
    """Return the documented shortest and longest time of a tier, or of ``InventoryRetrieval``."""
    return _WINDOWS.get(tier, _WINDOWS["Standard"])


@dataclass(frozen=True)
class PastDurations:
    """How long jobs took so far, by what the catalogue knows of those that are finished.

    Without a catalogue, and for a tier of which nothing has finished yet, what is documented.
    """

    catalogue: Catalogue | None = None

    def usual(self, tier: str) -> timedelta:
        """Return how long a retrieval usually takes: the median, within the documented window."""
        return self._usual.get(tier, _USUAL.get(tier, _USUAL["Standard"]))

    @cached_property
    def _usual(self) -> dict[str, timedelta]:
        if self.catalogue is None:
            return {}
        took = {kind: self.catalogue.jobs.took(kind) for kind in _WINDOWS}
        return {
            kind: min(high, max(low, timedelta(milliseconds=statistics.median(took[kind]))))
            for kind, (low, high) in _WINDOWS.items()
            if took[kind]
        }


NOTHING_PAST = PastDurations()


def kind_of(action: str, tier: str | None) -> str:
    """Return the tier of a job, or ``InventoryRetrieval``."""
    return INVENTORY if action == INVENTORY else (tier or "Standard")


def expected(job: JobRecord, past: PastDurations = NOTHING_PAST) -> datetime | None:
    """Return when a running job is usually done: see :class:`PastDurations`."""
    created = from_ms(job.created)
    return None if created is None else created + past.usual(kind_of(job.action, job.tier))


def kept_until(job: JobRecord) -> datetime | None:
    """Return until when the output of a finished job is kept for certain."""
    completed = from_ms(job.completed)
    return None if completed is None else completed + OUTPUT_KEPT
