"""Which planned requests may be made now: those that are due and within their batch's limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..catalogue import Catalogue, Download
from .limits import due_times, from_json, weight


@dataclass(frozen=True)
class Releaser:
    """Holds every batch to its limits, also after days in which nobody was there to ask."""

    catalogue: Catalogue

    def release(self, due: Iterable[Download], now: int) -> list[Download]:
        """Return which of the downloads that are *due* may be asked for at *now*.

        The times of the others, and of all that follows them, are moved as far as it takes.
        """
        due = list(due)
        released = [download for download in due if download.limits is None]
        for batch in dict.fromkeys(d.batch for d in due if d.limits is not None):
            released += self._of_batch(batch, now)
        return released

    def _of_batch(self, batch: str, now: int) -> list[Download]:
        pacing = self.catalogue.pacing
        with self.catalogue.database.transaction():  # one process at a time sets the times
            planned = [d for d in pacing.planned(batch) if d.limits is not None]
            if not planned:
                return []
            limits = from_json(planned[0].limits or "[]")
            since = now - max((limit.span for limit in limits), default=0)
            asked = [(at, weight(size)) for at, size in pacing.released(batch, since)]
            wanted = [(download.due or now, weight(download.size)) for download in planned]
            times = due_times(wanted, limits, now, asked)
            pacing.move(
                {
                    d.id: time
                    for d, time, (earliest, _) in zip(planned, times, wanted, strict=True)
                    if time > earliest
                }
            )
        return [d for d, time in zip(planned, times, strict=True) if time <= now]
