"""What plans of retrievals share: the requests, their price by tier, and when they are made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from ...base.collector import uncollected
from ...base.rendering import Rendered
from ...base.units import from_ms
from ...catalogue import ArchiveRecord
from ...jobs import Batch, Tracker
from ...prices import Quote
from ...prices.quotes import TIERS
from ...service.retrieval_policies import SUBJECT
from ..base import Plan, PlanLog
from .item_rows import Item, Items
from .items import ACTIONS, ASK, TO_FETCH
from .quoting import Asking, Tiers
from .request import carry_out
from .timetable import Pace, Timetable, at_once, timetable

if TYPE_CHECKING:
    import pandas as pd


class RetrievalPlan(Plan[Batch], Generic[Item]):
    """Archives, or parts of them, to retrieve by jobs: nothing is requested until ``run()``.

    ``run()`` returns a :class:`~glacier_magic.jobs.Batch`.

    :param destination: where the bytes go: ``internet``, ``here``, the name of a region, or ``region``.
    :param pace: how its requests are spread over days; None: all at once.
    """

    writes_intent = True
    _log: PlanLog
    items: Items[Item]

    def __init__(
        self,
        archives: Sequence[ArchiveRecord],
        *,
        vault: str,
        tier: str,
        to: Path | str,
        destination: str,
        tracker: Tracker,
        log: PlanLog,
        pace: Pace | None = None,
    ) -> None:
        super().__init__(log)
        self.vault, self.tier, self.destination, self.pace = vault, tier, destination, pace
        self._root = str(to)
        self._catalogue, self._tracker, self._clock = log.catalogue, tracker, log.clock
        self._archives = archives
        self._decide_again()

    def _decide_again(self) -> None:
        self._tracker.refresh([self.vault])  # jobs that other programs started are used as well
        with uncollected():
            self.items = self._decide()
        self._schedule_again()

    def _decide(self) -> Items[Item]:
        raise NotImplementedError

    def _schedule_again(self) -> None:
        self._timetable = self._paced()
        self._last = self._last_requests()

    def _paced(self) -> Timetable | None:
        # A request to the service: only where it matters.
        asks = self.tier == SUBJECT and bool(self.items.places(ASK))
        policy = self._tracker.policies.current() if asks else None
        sizes, now = self.items.retrieved(ASK), self._clock.now_ms()
        return timetable(sizes, pace=self.pace, policy=policy, tier=self.tier, now=now)

    def _last_requests(self) -> dict[str, datetime]:
        """Return the time of the last request by each tier; without an entry, now."""
        own, other = self._timetable, self._timetable
        if self.tier == SUBJECT:  # the account's policy holds for this tier alone
            sizes, now = self.items.retrieved(ASK), self._clock.now_ms()
            other = timetable(sizes, pace=self.pace, policy=None, tier="Bulk", now=now)
        found = {tier: own if tier == self.tier else other for tier in TIERS}
        return {tier: from_ms(table.due[-1]) for tier, table in found.items() if table and table.due}

    # What it says

    def _having(self, *actions: str) -> list[Item]:
        return list(self.items.at(self.items.places(*actions)))

    @property
    def asked(self) -> list[Item]:
        """The items that need a request."""
        return self._having(ASK)

    @property
    def bytes(self) -> int:
        """Bytes that the service is to retrieve; unknown sizes count as 0."""
        return self.asking.bytes

    @property
    def requests(self) -> int:
        """Count of retrieval requests, one for each archive or part."""
        return self.asking.requests

    @property
    def asking(self) -> Asking:
        """The numbers of its requests and of the transfer out."""
        return Asking.of_sums(self.items.sums)

    @property
    def tiers(self) -> Tiers:
        """The three tiers side by side: price with its lines, and when it is ready."""
        return Tiers(
            self._prices,
            self.asking,
            destination=self.destination,
            chosen=self.tier,
            now=self._clock.now(),
            last=self._last,
            more=self._more(),
        )

    def _more(self) -> Quote:
        """Return what is paid besides the retrieval and the way out."""
        return Quote()

    @property
    def quote(self) -> Quote:
        """The price in its tier, line by line."""
        return self.tiers[self.tier].quote

    @property
    def schedule(self) -> pd.DataFrame:
        """The days of the requests: day, due, last, archives, size, larger.

        ``due`` and ``last`` are the times of the first and last request of the day (UTC), ``size`` is
        in bytes, and ``larger`` marks a day of one archive above the daily allowance.
        """
        sizes = tuple(self.items.retrieved(ASK))
        return (self._timetable or at_once(sizes, now=self._clock.now_ms())).table()

    def choices(self) -> dict[str, tuple[str, ...]]:
        """Return each tier with its price and how long it takes; none where all is here already."""
        return {} if self.empty else self.tiers.choices(self.limit)

    def _when(self) -> str:
        return self.tiers.when()

    def _sections(self) -> Sequence[Rendered]:
        return [] if self.empty else [self.tiers]  # no request, no tier

    def _count(self) -> int:
        return len(self.items)

    # What it does

    def promised(self) -> dict[str, Any]:
        """Return the record of the promise, JSON-serializable."""
        offer = self.tiers[self.tier]
        return {
            **super().promised(),
            "archives": len(self.items),
            # Of parts too, and compared with the tally.
            "bytes": sum(self.items.sums[action].retrieved for action in TO_FETCH),
            "unsized": self.asking.out_unsized,
            "requests": self.requests,
            "bytes_asked": self.bytes,
            "counts": {action: self.items.sums[action].count for action in ACTIONS},
            "tier": self.tier,
            "destination": self.destination,
            "to": self._root,
            "earliest": offer.earliest.isoformat() if offer.earliest else None,
            "latest": offer.latest.isoformat() if offer.latest else None,
        }

    def happened(self, result: Batch) -> None:
        """Return None: each download records its own end."""

    def _asked(self) -> frozenset[str]:
        return frozenset(self.items.keys(ASK))  # by bytes: a twin in its place is not more

    def _run(self) -> Batch:
        if not self.empty:
            self._check_target()  # before anything is paid
        return carry_out(
            self._catalogue,
            self._tracker,
            self.items,
            title=self.title,
            tier=self.tier,
            root=self._root,
            now=self._clock.now_ms(),
            remember=self._remember,
            timetable=self._timetable,  # what is due later stays planned: the tracker requests it
            record=self._record,
        )

    def _check_target(self) -> None:
        """Check that the bytes can be written where they are to go."""

    def _record(self, item: Item, number: int) -> None:
        """Write what else belongs to the download of an item, in the transaction of its row."""
