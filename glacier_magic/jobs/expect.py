"""How long the service takes, and how long it keeps what it fetched.

From the service's documentation: "Retrieving archives" (downloading-an-archive-two-steps) and
"Describe Job" (api-describe-job-get).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ..catalogue import JobRecord
from ..catalogue.jobs import INVENTORY
from ..units import from_ms

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
    return _WINDOWS[tier]


def usual(tier: str) -> timedelta:
    """Return how long a retrieval usually takes: 3 minutes, 4 hours or 8 hours."""
    return _USUAL.get(tier, _USUAL["Standard"])


def _kind(job: JobRecord) -> str:
    return INVENTORY if job.action == INVENTORY else (job.tier or "Standard")


def expected(job: JobRecord) -> datetime | None:
    """Return when a running job is usually done: 3 minutes, 4 hours or 8 hours after it began."""
    created = from_ms(job.created)
    if created is None:
        return None
    return created + usual(_kind(job))


def earliest(job: JobRecord) -> datetime | None:
    """Return the earliest time at which it makes sense to look whether a running job is done."""
    created = from_ms(job.created)
    if created is None:
        return None
    return created + _WINDOWS.get(_kind(job), _WINDOWS["Standard"])[0]


def kept_until(job: JobRecord) -> datetime | None:
    """Return until when the output of a finished job is kept for certain."""
    completed = from_ms(job.completed)
    return None if completed is None else completed + OUTPUT_KEPT
