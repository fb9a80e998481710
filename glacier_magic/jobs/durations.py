"""How long jobs take, how long their outputs are available, and which will be missed.

From the service's documentation: "Retrieving archives" (downloading-an-archive-two-steps) and
"Describe Job" (api-describe-job-get).
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.units import from_ms, human_bytes, plural
from ..catalogue import Catalogue, JobRecord
from ..catalogue.records.job_records import INVENTORY
from ..service import ServiceClock
from ..steps import step

if TYPE_CHECKING:
    from .board import BoardSnapshot, JobRow

TIERS = ("Expedited", "Standard", "Bulk")

OUTPUT_KEPT = timedelta(hours=24)
"""The service keeps a finished job's output at least this long."""
EXTEND_BEFORE = timedelta(hours=5)
"""Less than this before its end an output is asked for again; AWS's own vault-to-S3 solution does
so at the same moment (its developer guide)."""
HURRY_BEFORE = timedelta(hours=1)
"""Less than this before its end an output does not wait for others to be fetched."""

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


@dataclass(frozen=True)
class ExpiringOutput:
    """An output that waits or is being fetched: bytes to come, and real seconds it is kept."""

    key: str
    left: int
    seconds: float
    running: bool = False


def outputs_of(snapshot: BoardSnapshot, clock: ServiceClock) -> list[ExpiringOutput]:
    """Return what the rows of a board still have to fetch, first the one that goes first."""
    found = [_output(row, snapshot, clock) for row in snapshot.rows if _to_fetch(row)]
    return sorted(found, key=lambda output: output.seconds)


def _to_fetch(row: JobRow) -> bool:
    return row.kind == "archive" and row.ours and row.state in ("ready", "downloading")


def _output(row: JobRow, snapshot: BoardSnapshot, clock: ServiceClock) -> ExpiringOutput:
    kept = row.ready_until - snapshot.now if row.ready_until else timedelta(days=1)
    seconds = clock.real_seconds(max(0.0, kept.total_seconds()))
    left = max(0, (row.size or 0) - row.done)
    return ExpiringOutput(row.key, left, seconds, running=row.state == "downloading")


def missed(outputs: Iterable[ExpiringOutput], rate: float) -> list[ExpiringOutput]:
    """Return the outputs that are gone before they are fetched, one after the other.

    :param rate: bytes a second of all downloads together.
    """
    found, passed = [], 0.0
    for output in outputs:
        end = passed + output.left / rate
        if end > output.seconds:
            found.append(output)
            end = max(passed, output.seconds)  # until then it takes the line's time
        passed = end
    return found


def hurried(outputs: Sequence[ExpiringOutput], rate: float, clock: ServiceClock) -> set[str]:
    """Return the keys of the outputs that would be gone if they waited for those that run."""
    soon = clock.real_seconds(HURRY_BEFORE.total_seconds())
    found = {output.key for output in outputs if output.seconds < soon}
    if rate > 0:
        in_turn = sorted(outputs, key=lambda output: not output.running)
        found |= {output.key for output in missed(in_turn, rate)}
    return found - {output.key for output in outputs if output.running}


def warning(outputs: Sequence[ExpiringOutput], rate: float) -> str:
    """Return what to say of outputs that will be missed, and what to do; "" if there are none."""
    lost = missed(outputs, rate) if rate > 0 else []
    if not lost:
        return ""
    size = human_bytes(sum(output.left for output in lost))
    return (
        f"{plural(len(lost), 'output')}, {size}, will not be fetched before they are gone at this "
        f"rate ({human_bytes(rate)}/s): lift a limit with {step('rate', 'none')}, or keep them longer "
        f"with {step('restore', '--extend')}"
    )


def expired(snapshot: BoardSnapshot, peeks: Path) -> str:
    """Return what to do about what has expired; "" if nothing has.

    :param peeks: the folder of the parts that looks into archives have asked for: they ask again.
    """
    hidden = f"{peeks}{os.sep}"
    if any(row.state == "expired" and not row.target.startswith(hidden) for row in snapshot.rows):
        return f"{step('restore', '--expired')} plans what has expired again, with its price"
    return ""
