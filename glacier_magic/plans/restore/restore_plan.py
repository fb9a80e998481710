"""The plan to restore archives, or parts of them."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...base.ranges import ByteRange
from ...base.rendering import SHOWN, Rendered, near
from ...base.units import from_ms, human_bytes, human_sum, plural
from ...catalogue import ArchiveRecord
from ...errors import GlacierError, InputError, PriceUnknown
from ...errors.steps import option, step
from ...jobs import Batch, Tracker
from ...jobs.asking import other_computers
from ...prices import Quote
from ...prices.money import money
from ...prices.quotes import HERE, TIERS, retrieval, transfer_out
from ...service.retrieval_policies import SUBJECT
from ..base import Plan, PlanLog
from . import sharing
from .download_time import download_time
from .item_words import claims, copies, exactness, in_words, part_in_words, staged_until, table_of
from .items import ASK, OTHERS, TO_FETCH, TO_WRITE, UNDER_WAY, RestoreItem, besides, decide, retrieved, total
from .quoting import Asking, Tiers, checked_destination, checked_tier, destination_words, when_ready
from .request import carry_out, check_folder, folder_named, room, shortage
from .timetable import Pace, Scheduled, Timetable, at_once, timetable

if TYPE_CHECKING:
    import pandas as pd


class RestorePlan(Plan[Batch]):
    """Archives, or parts of them, to get back: nothing is requested until ``run()``.

    ``run()`` returns a :class:`~glacier_magic.jobs.Batch`; each download starts when its job is
    done.  The file of a part has exactly the bytes of the part, and a name that says which.

    :param parts: the bytes of each archive that are wanted; None for whole archives.
    :param to: the folder that the files are written below.
    :param destination: where the bytes go: ``internet``, ``here``, the name of a region, or ``region``.
    :param pace: how its requests are spread over days; None: all at once.
    :param claimed: ids of archives whose size is known from a plan file only.
    :param versions: what it says about older versions of the same names.
    :param exact: retrieve no more of parts than whole MiB, though the service may not send their hash.
    """

    kind = "restore"
    writes_intent = True
    _log: PlanLog

    def __init__(
        self,
        archives: Sequence[ArchiveRecord],
        parts: Sequence[ByteRange] | None = None,
        *,
        vault: str,
        tier: str,
        to: Path,
        destination: str,
        tracker: Tracker,
        log: PlanLog,
        claimed: Collection[str] = (),
        pace: Pace | None = None,
        versions: str = "",
        exact: bool = False,
    ) -> None:
        super().__init__(log)
        self.vault, self.tier, self.to, self.destination = vault, tier, to, destination
        self.pace, self._versions, self._exact = pace, versions, exact
        self._catalogue, self._tracker, self._clock = log.catalogue, tracker, log.clock
        self._archives, self._parts, self._claimed = list(archives), parts, frozenset(claimed)
        self._decide_again()

    def _decide_again(self) -> None:
        self._tracker.refresh([self.vault])  # jobs that other programs started are used as well
        self.items = decide(
            self._archives,
            self._parts,
            vault=self.vault,
            tier=self.tier,
            to=self.to,
            catalogue=self._catalogue,
            exact=self._exact,
        )
        self._timetable = self._paced()
        self._last = self._last_requests()
        self._scheduled = Scheduled(self._catalogue, self.vault, self.items, self._clock.now_ms())

    def revised(
        self,
        *,
        tier: str | None = None,
        to: str | os.PathLike[str] | None = None,
        destination: str | None = None,
    ) -> RestorePlan:
        """Return a plan for the same archives that differs in these; the limit is the same.

        :raises InputError: there is no such tier, destination or folder.
        """
        made = RestorePlan(
            self._archives,
            self._parts,
            vault=self.vault,
            tier=checked_tier(tier or self.tier),
            to=self.to if to is None else folder_named(to),
            destination=checked_destination(destination or self.destination),
            tracker=self._tracker,
            log=self._log,
            claimed=self._claimed,
            pace=self.pace,
            versions=self._versions,
        )
        # A new tier must not lose the budget.
        made.limit, made.limit_source = self.limit, self.limit_source
        made.accepts_unconfirmed = self.accepts_unconfirmed
        return made

    def _paced(self) -> Timetable | None:
        sizes = [item.retrieved for item in self.asked]
        # A request to the service: only where it matters.
        policy = self._tracker.policies.current() if sizes and self.tier == SUBJECT else None
        now = self._clock.now_ms()
        return timetable(sizes, pace=self.pace, policy=policy, tier=self.tier, now=now)

    def _last_requests(self) -> dict[str, datetime]:
        """Return the time of the last request by each tier; without an entry, now."""
        own, other = self._timetable, self._timetable
        if self.tier == SUBJECT:  # the account's policy holds for this tier alone
            sizes, now = [item.retrieved for item in self.asked], self._clock.now_ms()
            other = timetable(sizes, pace=self.pace, policy=None, tier="Bulk", now=now)
        found = {tier: own if tier == self.tier else other for tier in TIERS}
        ends = {t: from_ms(table.due[-1]) for t, table in found.items() if table and table.due}
        return {tier: end for tier, end in ends.items() if end is not None}

    def beside(self, asked: Sequence[RestoreItem]) -> None:
        """Leave out the requests of other plans that are run before this one.

        :param asked: the items of those requests.
        """
        self.items = besides(self.items, asked)
        self._timetable = self._paced()
        self._last = self._last_requests()

    # What it says

    def _having(self, *actions: str) -> list[RestoreItem]:
        return [item for item in self.items if item.action in actions]

    @property
    def folder(self) -> Path:
        """The folder that a user chooses: the files are written below it."""
        return self.to

    @property
    def asked(self) -> list[RestoreItem]:
        """The items that need a request."""
        return self._having(ASK)

    @property
    def _one(self) -> str:
        return "archive" if self._parts is None else "part"

    @property
    def bytes(self) -> int:
        """Bytes that the service is to retrieve; unknown sizes count as 0."""
        return retrieved(self.asked)

    @property
    def requests(self) -> int:
        """Count of retrieval requests, one for each archive or part."""
        return len(self.asked)

    @property
    def empty(self) -> bool:
        """Whether all files exist already."""
        return not self._having(*TO_WRITE, UNDER_WAY)  # what is under way is waited for

    @property
    def refused(self) -> GlacierError | None:
        """The error that :meth:`run` would raise now: over its limit, or too little room."""
        return super().refused or shortage(self.to, self.needed)

    @property
    def asking(self) -> Asking:
        """The numbers of its requests and of the transfer out."""
        return Asking.of(self.items)

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
        )

    @property
    def quote(self) -> Quote:
        """The price in its tier, line by line."""
        return self.tiers[self.tier].quote

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        what, size = plural(len(self.items), self._one), human_sum(item.size for item in self.items)
        return f"Restore {what} ({size}) from {self.vault} to {near(str(self.to))}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        size = human_sum(item.retrieved for item in self.asked)
        requests = f"{size} in {plural(self.requests, 'request')}"
        facts = [("price", self._price()), ("requested", f"{requests}{self._wider()}")]
        asking = self.asking
        if self.requests:
            last = self._last.get(self.tier)
            ready = when_ready(self.tier, self._clock, last=last, largest=asking.largest)
            facts += [("tier", self.tier), ("ready", ready)]
            if self._timetable is not None:
                facts.append(("schedule", self._timetable.words()))
            facts += other_computers(self._catalogue.jobs.counts().get(self.vault, 0), self.requests)
        for action in dict.fromkeys(item.words for kind in OTHERS for item in self._having(kind)):
            found = [item for item in self.items if item.words == action]
            if found:
                words = f"{plural(len(found), self._one)}, {human_sum(item.size for item in found)}"
                more = staged_until(found, self._clock.now()) + copies(found)
                facts.append((action, f"{words}, not requested again{more}"))
        facts += self._scheduled.facts(self._prices, self.destination, to=self.to, tier=self.tier)
        facts += [("versions", self._versions)] if self._versions else []
        facts += claims(self._claimed)
        if self._parts is not None:
            facts += exactness(self.items, total(self._having(*TO_WRITE, UNDER_WAY)))
        if asking.out or asking.out_unsized:
            rate = self._tracker.max_rate
            time = download_time(asking.out, self._timetable, self._catalogue, self._clock, max_rate=rate)
            destination = destination_words(self._prices, asking, self.destination)
            facts += [("destination", destination), ("download", time)]
        return [*facts, ("free space", room(self.to, self.needed, self._unsized)[1])]

    def _wider(self) -> str:
        more = self.bytes - total(self.asked)
        if not more:
            return ""
        why = "the service retrieves whole MiB, and gives the tree hashes of some ranges only"
        fetched = sum(item.fetched or 0 for item in self.asked)
        quote = retrieval(self._prices, more, 0, self.tier)
        quote += transfer_out(self._prices, fetched - total(self.asked), self.destination)
        return (
            f", {human_bytes(more)} more than asked for ({money(quote.total)}): {why}; "
            f"{human_bytes(fetched)} of it is downloaded"
        )

    def _price(self) -> str:
        words = self.quote.headline()
        here = self._scheduled.here(self.to, self.tier)
        if not here:
            return words
        later = self._scheduled.price(here, self._prices, self.destination).headline()
        return f"{words} for this plan, and {later} for what is scheduled already"

    @property
    def schedule(self) -> pd.DataFrame:
        """The days of the requests: day, due, last, archives, size, larger.

        ``due`` and ``last`` are the times of the first and last request of the day (UTC), ``size`` is
        in bytes, and ``larger`` marks a day of one archive above the daily allowance.
        """
        sizes = [item.retrieved for item in self.asked]
        return (self._timetable or at_once(sizes, now=self._clock.now_ms())).table()

    @property
    def _unsized(self) -> int:
        return sum(item.size is None for item in self._having(*TO_WRITE, UNDER_WAY))

    @property
    def needed(self) -> int:
        """Bytes of disk space that it needs; what is in part files has its own already."""
        begun = self._having(*TO_WRITE, UNDER_WAY)  # earlier plans' downloads fill the same disk
        return total(begun) - sum(item.held for item in begun)

    def _check_cost(self, limit: Decimal, *, accept_unconfirmed: bool) -> None:
        # Its author could understate a size, and so the price; a job knows the size.
        unsure = [item for item in self._having(*TO_FETCH) if not (item.job and item.job.size)]
        claimed = [item for item in unsure if item.archive.archive_id in self._claimed]
        if claimed and not accept_unconfirmed:
            raise PriceUnknown(
                f"The size of {plural(len(claimed), 'archive')} is known from the plan file alone, "
                f"so that it stays within {money(limit)} is not sure",
                cure=f"{step('inventory')} adds them; or add {option('accept-unconfirmed', True)}.",
            )
        try:
            super()._check_cost(limit, accept_unconfirmed=accept_unconfirmed)
        except PriceUnknown as error:
            if self.destination == HERE:  # the cure would not help: it is set already
                raise
            cure = f"{error.cure} If this computer is in the region: {option('destination', HERE)}."
            raise PriceUnknown(error.message, cure=cure) from None

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the plan as a file that a colleague opens (:meth:`.Session.open_plan`); return its path.

        It holds the last four digits of the account, no more: enough to notice a wrong one, and
        what every masked output shows; ids of accounts are short enough to be guessed from a hash.

        :raises LocalError: the file exists already, or cannot be written.
        :raises InputError: there are too many archives for one file, or it is about parts.
        """
        if self._parts is not None:
            raise InputError("A plan file has whole archives, and no parts", cure="Name the parts again.")
        return sharing.write(
            Path(path).expanduser().absolute(),
            self._archives,
            vault=self.vault,
            tier=self.tier,
            scope=self._catalogue.scope,
            price=self.quote.headline(),
            now=self._clock.now(),
        )

    def choices(self) -> dict[str, tuple[str, ...]]:
        """Return each tier with its price and how long it takes; none where all is here already."""
        return {} if self.empty else self.tiers.choices(self.limit)

    def _when(self) -> str:
        return self.tiers.when()

    def _sections(self) -> Sequence[Rendered]:
        return [] if self.empty else [self.tiers]  # no request, no tier

    def _head(self) -> Sequence[str]:
        if self._parts is None:
            return ("name", "size", "archive id", "what happens", "file")
        return ("name", "size", "bytes", "retrieved", "what happens", "file")

    def _cells(self) -> list[tuple[str, ...]]:
        words = in_words if self._parts is None else part_in_words
        return [words(item) for item in self.items[:SHOWN]]

    def _count(self) -> int:
        return len(self.items)

    @property
    def table(self) -> pd.DataFrame:
        """One row per archive: name, size, archive_id, tree_hash, action, target, job_id.

        With parts, ``part``, ``cover`` and ``verifiable`` as well: the first and last byte that are
        written, and those that are retrieved.
        """
        return table_of(self.items, parts=self._parts is not None)

    # What it does

    def promised(self) -> dict[str, Any]:
        """Return the record of the promise, JSON-serializable."""
        offer = self.tiers[self.tier]
        return {
            **super().promised(),
            "archives": len(self.items),
            "bytes": retrieved(self._having(*TO_FETCH)),  # of parts too, and compared with the tally
            "unsized": self.asking.out_unsized,
            "requests": self.requests,
            "bytes_asked": self.bytes,
            "counts": {action: len(self._having(action)) for action in (ASK, *OTHERS)},
            "tier": self.tier,
            "destination": self.destination,
            "to": str(self.to),
            "earliest": offer.earliest.isoformat() if offer.earliest else None,
            "latest": offer.latest.isoformat() if offer.latest else None,
        }

    def happened(self, result: Batch) -> None:
        """Return None: each download records its own end."""

    def _asked(self) -> frozenset[str]:
        return frozenset(item.key for item in self.asked)  # by bytes: a twin in its place is not more

    def _run(self) -> Batch:
        if not self.empty:
            check_folder(self.to, self.needed)  # before anything is paid
        return carry_out(
            self._catalogue,
            self._tracker,
            self.items,
            title=self.title,
            tier=self.tier,
            root=self.to,
            now=self._clock.now_ms(),
            remember=self._remember,
            timetable=self._timetable,  # what is due later stays planned: the tracker requests it
        )
