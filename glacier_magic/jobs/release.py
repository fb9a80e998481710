"""Which planned requests may be made now: those that are due and within their batch's limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..catalogue import Catalogue, Download
from .limits import Limit, due_times, from_json, weight


@dataclass(frozen=True)
class Releaser:
    """Holds every batch to its limits, also after days in which nobody was there to ask."""

    catalogue: Catalogue

    def release(self, due: Iterable[Download], now: int) -> list[Download]:
        """Return which of the downloads that are *due* may be asked for at *now*.

        The times of the others, and of all that follows them, are moved as far as it takes.
        """
        due = list(due)
        released = {download.id for download in due if download.limits is None}
        for batch, limits in {d.batch: d.limits for d in due if d.limits is not None}.items():
            released |= self._of_batch(batch, from_json(limits), now)
        return [download for download in due if download.id in released]

    def _of_batch(self, batch: str, limits: list[Limit], now: int) -> set[int]:
        pacing = self.catalogue.pacing
        with self.catalogue.database.transaction():  # one process at a time sets the times
            planned = pacing.planned(batch)
            since = now - max((limit.span for limit in limits), default=0)
            asked = [(at, weight(size)) for at, size in pacing.released(batch, since)]
            wanted = [(one.due or now, weight(one.size)) for one in planned]
            times = due_times(wanted, limits, now, asked)
            found = list(zip(planned, times, strict=True))
            pacing.move({one.id: time for one, time in found if time > (one.due or now)})
        return {one.id for one, time in found if time <= now}
