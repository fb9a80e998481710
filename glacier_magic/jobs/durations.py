"""How long jobs take, how long their outputs are available, and which will be missed.

From the service's documentation: "Retrieving archives" (downloading-an-archive-two-steps) and
"Describe Job" (api-describe-job-get).
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.bucket_names import KEPT, is_deep
from ..base.units import from_ms, human_bytes, plural
from ..catalogue import Catalogue, JobRecord
from ..catalogue.records.job_records import INVENTORY
from ..catalogue.records.moved_records import is_object
from ..errors.steps import step
from ..service import ServiceClock

if TYPE_CHECKING:
    from .board import BoardSnapshot, JobRow

DEEP = " from Deep Archive"
"""What follows the tier of a job whose object is in Deep Archive."""
TIERS = ("Expedited", "Standard", "Bulk")

OUTPUT_KEPT = timedelta(hours=24)
"""The service keeps a finished job's output at least this long."""
EXTEND_BEFORE = timedelta(hours=5)
"""An output that expires earlier than this is requested again; AWS's own vault-to-S3 solution does
so at the same time (its developer guide)."""
HURRY_BEFORE = timedelta(hours=1)
"""An output that expires earlier than this is downloaded before others."""

_WINDOWS = {
    "Expedited": (timedelta(minutes=1), timedelta(minutes=5)),
    "Standard": (timedelta(hours=3), timedelta(hours=5)),
    "Bulk": (timedelta(hours=5), timedelta(hours=12)),
    INVENTORY: (timedelta(hours=3), timedelta(hours=5)),
    # "Within 12 hours" and "within 48 hours" (S3 user guide, "Archive retrieval options").
    f"Standard{DEEP}": (timedelta(hours=6), timedelta(hours=12)),
    f"Bulk{DEEP}": (timedelta(hours=12), timedelta(hours=48)),
}
_USUAL = {  # within the windows, until the catalogue has finished jobs
    "Expedited": timedelta(minutes=3),
    "Standard": timedelta(hours=4),  # one real archive job took 3 h 52 min
    "Bulk": timedelta(hours=8),
    INVENTORY: timedelta(hours=4),  # real jobs took from 3 h 47 min to 3 h 56 min
    f"Standard{DEEP}": timedelta(hours=12),
    f"Bulk{DEEP}": timedelta(hours=48),
}


def window(tier: str) -> tuple[timedelta, timedelta]:
    """Return the documented shortest and longest time of a tier, or of ``InventoryRetrieval``."""
    return _WINDOWS.get(tier, _WINDOWS["Standard"])  # the tier of a request that names none


@dataclass(frozen=True)
class PastDurations:
    """How long the finished jobs of the catalogue took.

    Without a catalogue, or finished jobs of a tier, the usual documented time is returned.
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


def kind_from(archive_id: str, tier: str) -> str:
    """Return the tier of the job of an archive, which says so if it is an object in Deep Archive."""
    return f"{tier}{DEEP}" if is_deep(archive_id) else tier


def expected(job: JobRecord, past: PastDurations = NOTHING_PAST) -> datetime | None:
    """Return when a running job is expected to finish; see :class:`PastDurations`."""
    created = from_ms(job.created)
    return None if created is None else created + past.usual(kind_of(job.action, job.tier))


def kept_until(job: JobRecord) -> datetime | None:
    """Return until when the output of a finished job is certainly available."""
    known = json.loads(job.parameters or "{}").get(KEPT)  # the copy of an object has an end
    if known is not None:
        return datetime.fromisoformat(known)
    completed = from_ms(job.completed)
    return None if completed is None else completed + OUTPUT_KEPT


@dataclass(frozen=True)
class ExpiringOutput:
    """An output to download: the bytes left, and the real seconds until it expires."""

    key: str
    left: int
    seconds: float
    running: bool = False


def outputs_of(snapshot: BoardSnapshot, clock: ServiceClock) -> list[ExpiringOutput]:
    """Return the outputs that the rows of a board still have to download, by their expiry."""
    rows = [row for row in snapshot.rows if row.kind == "archive" and row.ours]
    found = [_output(row, snapshot, clock) for row in rows if row.state in ("ready", "downloading")]
    return sorted(found, key=lambda output: output.seconds)


def _output(row: JobRow, snapshot: BoardSnapshot, clock: ServiceClock) -> ExpiringOutput:
    kept = row.ready_until - snapshot.now if row.ready_until else OUTPUT_KEPT
    seconds = clock.real_seconds(max(0.0, kept.total_seconds()))
    left = max(0, (row.size or 0) - row.done)
    return ExpiringOutput(row.key, left, seconds, running=row.state == "downloading")


def missed(outputs: Iterable[ExpiringOutput], rate: float) -> list[ExpiringOutput]:
    """Return the outputs that expire before their download, if they are downloaded in order.

    :param rate: bytes per second of all downloads together.
    """
    found, passed = [], 0.0
    for output in outputs:
        end = passed + output.left / rate
        if end > output.seconds:
            found.append(output)
            end = max(passed, output.seconds)  # until it expires, it takes bandwidth
        passed = end
    return found


def hurried(outputs: Sequence[ExpiringOutput], rate: float, clock: ServiceClock) -> set[str]:
    """Return the keys of the outputs that would expire if they waited for the running downloads."""
    soon = clock.real_seconds(HURRY_BEFORE.total_seconds())
    found = {output.key for output in outputs if output.seconds < soon}
    if rate > 0:  # without a rate nothing can be predicted
        in_turn = sorted(outputs, key=lambda output: not output.running)  # stable: by expiry within each
        found |= {output.key for output in missed(in_turn, rate)}
    # The running ones have a place already.
    return found - {output.key for output in outputs if output.running}


def warning(outputs: Sequence[ExpiringOutput], rate: float) -> str:
    """Return a warning about the outputs that will be missed, with the cure; "" if there are none."""
    lost = missed(outputs, rate) if rate > 0 else []
    if not lost:
        return ""
    size = human_bytes(sum(output.left for output in lost))
    return (
        f"{plural(len(lost), 'output')}, {size}, will expire before their download at this "
        f"rate ({human_bytes(rate)}/s): lift a limit with {step('rate', 'none')}, or extend them "
        f"with {step('restore', '--extend')}"
    )


def expired_note(snapshot: BoardSnapshot, peeks: Path) -> str:
    """Return the next step for expired outputs; "" if there are none.

    :param peeks: the folder of the parts requested by peeks, which request them again themselves.
    """
    hidden = f"{peeks}{os.sep}"  # or a folder whose name only begins alike would match
    targets = [row.target for row in snapshot.recorded.of("expired") if not row.target.startswith(hidden)]
    return f"{request_again(targets)} plans what has expired again, with its price" if targets else ""


def request_again(targets: Iterable[str]) -> str:
    """Return the step that requests expired outputs for these targets again; of moves, if all are."""
    return step("migrations", "--resume") if all(map(is_object, targets)) else step("restore", "--expired")
