"""Getting archives back: what is asked for, what it costs, and where it will be."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...base.rendering import Rendered, near
from ...base.units import from_ms, human_bytes, human_duration, local_time, plural, weekday_time
from ...catalogue import ArchiveRecord, Catalogue
from ...errors import PriceUnknown
from ...jobs import Batch, Tracker, window
from ...jobs.pacing import to_json
from ...prices import PriceTable, Quote
from ...prices.money import money
from ...prices.quotes import HERE, TIERS
from ...service import ServiceClock
from ...service.retrieval_policies import SUBJECT
from ...steps import step
from ..base import Cells, Memory, Plan
from . import folder, sharing
from .quoting import Asking, Tiers, checked_destination, checked_tier, destination_words
from .restoring import (
    ASK,
    NOTHING,
    OTHERS,
    STATES,
    TO_FETCH,
    TO_WRITE,
    UNDER_WAY,
    RestoreItem,
    besides,
    copies,
    decide,
    in_words,
    staged_until,
    total,
)
from .scheduled import Scheduled, price
from .timetable import Pace, Timetable, at_once, timetable

if TYPE_CHECKING:
    import pandas as pd


class RestorePlan(Plan[Batch]):
    """Archives to get back: nothing is asked for until ``run()``.

    ``run()`` returns a :class:`~glacier_magic.jobs.Batch`; downloads start by themselves when
    their jobs are done.

    :param to: the folder that the files are written below.
    :param destination: where the bytes go: ``here``, ``region`` or ``internet``.
    :param prices: returns the prices that hold at the moment.
    :param pace: how its requests are spread over days; None: all at once.
    :param claimed: ids of archives whose size only the author of a plan file has told.
    """

    kind = "restore"
    writes_intent = True

    def __init__(
        self,
        archives: Sequence[ArchiveRecord],
        *,
        vault: str,
        tier: str,
        to: Path,
        destination: str,
        prices: Callable[[], PriceTable],
        catalogue: Catalogue,
        tracker: Tracker,
        clock: ServiceClock,
        claimed: Collection[str] = (),
        pace: Pace | None = None,
    ) -> None:
        super().__init__(Memory(catalogue, clock))
        self.vault, self.tier, self.to, self.destination = vault, tier, to, destination
        self._load_prices, self.pace = prices, pace
        self._catalogue, self._tracker, self._clock = catalogue, tracker, clock
        self._archives, self._claimed = list(archives), frozenset(claimed)
        self._decide_again()

    def _decide_again(self) -> None:
        self._tracker.refresh([self.vault])
        self.items = decide(
            self._archives, vault=self.vault, tier=self.tier, to=self.to, catalogue=self._catalogue
        )
        self._timetable = self._paced()
        self._last = self._last_requests()
        self._prices = self._load_prices()
        self._scheduled = Scheduled(self._catalogue, self.vault, self._archives, self._clock.now_ms())

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
            vault=self.vault,
            tier=checked_tier(tier or self.tier),
            to=self.to if to is None else folder.folder_named(to),
            destination=checked_destination(destination or self.destination),
            prices=self._load_prices,
            catalogue=self._catalogue,
            tracker=self._tracker,
            clock=self._clock,
            claimed=self._claimed,
            pace=self.pace,
        )
        made._limit, made._accept_unconfirmed = self._limit, self._accept_unconfirmed
        return made

    def _paced(self) -> Timetable | None:
        sizes = [item.size for item in self._having(ASK)]
        policy = self._tracker.policies.current() if sizes and self.tier == SUBJECT else None
        now = self._clock.now_ms()
        return timetable(sizes, pace=self.pace, policy=policy, tier=self.tier, now=now)

    def _last_requests(self) -> dict[str, datetime]:
        """Return when the last archive is asked for by each tier: at once without an entry."""
        own, other = self._timetable, self._timetable
        if self.tier == SUBJECT:  # the account's policy holds for this tier alone
            sizes, now = [item.size for item in self._having(ASK)], self._clock.now_ms()
            other = timetable(sizes, pace=self.pace, policy=None, tier="Bulk", now=now)
        found = {tier: own if tier == self.tier else other for tier in TIERS}
        ends = {t: from_ms(table.due[-1]) for t, table in found.items() if table and table.due}
        return {tier: end for tier, end in ends.items() if end is not None}

    def beside(self, asked: frozenset[str]) -> None:
        """Do not count what another plan asks for that is run before this one.

        :param asked: keys of that, as :meth:`_asked` returns them.
        """
        self.items = besides(self.items, asked)
        self._timetable = self._paced()
        self._last = self._last_requests()

    # What it says

    def _having(self, *actions: str) -> list[RestoreItem]:
        return [item for item in self.items if item.action in actions]

    @property
    def bytes(self) -> int:
        """Bytes that the service is asked to retrieve, as far as sizes are known."""
        return total(self._having(ASK))

    @property
    def requests(self) -> int:
        """Requests that the service is asked to retrieve them with: one an archive."""
        return len(self._having(ASK))

    @property
    def empty(self) -> bool:
        """Whether everything is there already."""
        return not self._having(*TO_WRITE, UNDER_WAY)

    @property
    def refusal(self) -> str:
        """Why :meth:`run` would refuse the plan: its limit, or too little room in the folder."""
        return super().refusal or folder.shortage(self.to, self.needed)

    @property
    def asking(self) -> Asking:
        """What is asked of the service, and moved out of it, in numbers."""
        asked, fetched = self._having(ASK), self._having(*TO_FETCH)
        return Asking(
            requests=len(asked),
            bytes=total(asked),
            unsized=sum(item.size is None for item in asked),
            out=total(fetched) - sum(item.done for item in fetched),
            out_unsized=sum(item.size is None for item in fetched),
            largest=max((item.size or 0 for item in asked), default=0),
        )

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
        """What it costs in its tier, line by line."""
        return self.tiers[self.tier].quote

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        return (
            f"Restore {plural(len(self.items), 'archive')} "
            f"({human_bytes(total(self.items))}) from {self.vault} to {near(str(self.to))}"
        )

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What to know before running it."""
        asked = f"{plural(self.requests, 'archive')}, {human_bytes(self.bytes)}"
        facts = [("asked of the service", f"{asked}, {plural(self.requests, 'request')}")]
        if self.requests:
            facts += [("tier", self.tier), ("ready", self._when())]
            if self._timetable is not None:
                facts.append(("schedule", self._timetable.words()))
        for action in OTHERS:
            found = self._having(action)
            if found:
                words = f"{plural(len(found), 'archive')}, {human_bytes(total(found))}"
                more = staged_until(found, self._clock.now()) + copies(found)
                facts.append((action, f"{words}, not asked for again{more}"))
        facts += self._scheduled.facts(self._prices, self.destination, to=self.to, tier=self.tier)
        facts += self._claims()
        facts += [("price", self._price()), ("destination", destination_words(self.destination))]
        return [*facts, *self._limit_facts(), ("free space", folder.room(self.to, self.needed)[1])]

    def _price(self) -> str:
        words = self.quote.words()
        here = self._scheduled.here(self.to, self.tier)
        if not here:
            return words
        later = price(here, self._prices, self.destination).words()
        return f"{words} for this plan, and {later} for what is scheduled already"

    def _claims(self) -> list[tuple[str, str]]:
        if not self._claimed:
            return []
        count = plural(len(self._claimed), "archive")
        return [("from the plan file", f"{count}: not in this catalogue, sizes as its author says")]

    @property
    def schedule(self) -> pd.DataFrame:
        """The days on which archives are asked for: day, due, last, archives, size, larger.

        ``due`` and ``last`` are the first and the last request of the day (UTC), ``size`` is in
        bytes, and ``larger`` tells of an archive above the daily allowance that is alone.
        """
        sizes = [item.size for item in self._having(ASK)]
        return (self._timetable or at_once(sizes, now=self._clock.now_ms())).table()

    def _when(self) -> str:
        shortest, longest = window(self.tier)
        now = self._clock.now()
        words = (
            f"in {human_duration(shortest.total_seconds())} to "
            f"{human_duration(longest.total_seconds())}, between "
            f"{local_time(now + shortest, now)} and {local_time(now + longest, now)}"
        )
        if self._clock.virtual and self._clock.speed > 0:
            real = self._clock.real_seconds(longest.total_seconds())
            words += f" of emulator time ({human_duration(real)} on your clock at most)"
        last = self._last.get(self.tier, now)
        if last > now:
            end = weekday_time(last + longest, now)
            return f"the first {words}; all by {end}; each output is kept for 24 hours"
        return f"{words}; the output is kept for 24 hours after that"

    @property
    def needed(self) -> int:
        """Bytes of room that it takes at the destination; what is verified has its room already."""
        begun = self._having(*TO_WRITE, UNDER_WAY)
        return total(begun) - sum(item.done for item in begun)

    def _check_cost(self, limit: Decimal, *, accept_unconfirmed: bool) -> None:
        claimed = [i for i in self._having(ASK) if i.archive.archive_id in self._claimed]
        if claimed and not accept_unconfirmed:
            raise PriceUnknown(
                f"The size of {plural(len(claimed), 'archive')} is known from the plan file alone, "
                f"so that it stays within {money(limit)} is not sure",
                cure=f"{step('inventory')} lets your own catalogue know them; or add --accept-unconfirmed.",
            )
        try:
            super()._check_cost(limit, accept_unconfirmed=accept_unconfirmed)
        except PriceUnknown as error:
            if self.destination == HERE:
                raise
            cure = f"{error.cure} Where this machine is in the region: --destination {HERE}."
            raise PriceUnknown(error.message, cure=cure) from None

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the plan as a file that a colleague opens (:meth:`.Session.open_plan`); return its path.

        It holds the last four digits of the account, no more: enough to notice a wrong one, and
        what every masked output shows; ids of accounts are short enough to be guessed from a hash.

        :raises LocalError: the file exists already, or cannot be written.
        :raises InputError: there are too many archives for one file.
        """
        return sharing.write(
            Path(path).expanduser().absolute(),
            self._archives,
            vault=self.vault,
            tier=self.tier,
            scope=self._catalogue.scope,
            price=self.quote.words(),
            now=self._clock.now(),
        )

    def _sections(self) -> Sequence[Rendered]:
        return [] if self.empty else [self.tiers]

    def _head(self) -> Sequence[str]:
        return ("name", "size", "archive id", "what happens", "file")

    def _cells(self) -> Cells[RestoreItem]:
        return Cells(self.items, in_words)

    @property
    def table(self) -> pd.DataFrame:
        """One row an archive: name, size, archive_id, tree_hash, action, target, job_id."""
        import pandas as pd

        columns = ("name", "size", "archive_id", "tree_hash", "action", "target", "job_id")
        rows = [
            (
                i.archive.name,
                i.size,
                i.archive.archive_id,
                i.archive.tree_hash,
                i.action,
                str(i.target),
                i.job.job_id if i.job else None,
            )
            for i in self.items
        ]
        return pd.DataFrame(rows, columns=columns).astype({"size": "Int64"})

    # What it does

    def promised(self) -> dict[str, Any]:
        """Return what is kept of the plan when it is run."""
        offer = self.tiers[self.tier]
        return {
            **super().promised(),
            "archives": len(self.items),
            "bytes": total(self.items),
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
        """Return None: its downloads tell, each when it ends."""

    def _run(self) -> Batch:
        if not self.empty:
            folder.check(self.to, self.needed)
        batch = uuid.uuid4().hex
        with self._catalogue.database.transaction():  # the promise, and each wish, or nothing
            ids = self._want(batch)
        errors = self._tracker.ask_now(batch)
        if errors and len(errors) == self.requests:
            raise errors[0]
        self._tracker.start()
        return Batch(self._tracker, tuple(f"download-{i}" for i in ids), self.title)

    def _asked(self) -> frozenset[str]:
        return frozenset(item.key for item in self._having(ASK))

    def _want(self, batch: str) -> list[int]:
        """Write promise and wishes; return the numbers of all downloads of the plan."""
        downloads, plan = self._catalogue.downloads, self._remember()
        for item in self.items:
            if item.replaces is not None:
                downloads.drop_planned(item.replaces)
        self._dues = self._due_times()
        new = [item for item in self._having(*TO_WRITE) if item.stopped is None]
        ids = downloads.want(self._wish(item, batch) for item in new)
        linked = [(i, item.action == ASK, item.size) for i, item in zip(ids, new, strict=True)]
        for item in self.items:
            number = item.download if item.download is not None else item.stopped
            if number is None or item.action in NOTHING:
                continue
            if item.download is None:
                self._revive(number, item, batch)
            linked.append((number, item.action == ASK, item.size))
        if plan is not None:
            self._catalogue.plans.link(plan, linked)
        return [number for number, _, _ in linked]

    def _due_times(self) -> dict[str, int]:
        """Return when each archive is to be asked for, by its id; empty where all are at once."""
        if self._timetable is None:
            return {}
        ids = [item.archive.archive_id for item in self._having(ASK)]
        return dict(zip(ids, self._timetable.due, strict=True))

    def _revive(self, download: int, item: RestoreItem, batch: str) -> None:
        """Begin a stopped download again: its verified pieces are used."""
        wish = self._wish(item, batch)
        del wish["target"]
        self._catalogue.downloads.update(download, **wish, error=None, failure=None, ended=None, moves=0)

    def _wish(self, item: RestoreItem, batch: str) -> dict[str, Any]:
        archive, job = item.archive, item.job
        due = self._dues.get(archive.archive_id)
        limits = self._timetable.limits if self._timetable is not None and due else None
        return {
            "vault": self.vault,
            "batch": batch,
            "archive_id": archive.archive_id,
            "name": archive.name,
            "size": item.size,
            "tree_hash": archive.tree_hash or (job.tree_hash if job else None),
            "mtime": archive.mtime,
            "tier": self.tier,
            "root": str(self.to),
            "target": str(item.target),
            "token": f"glacier_magic {uuid.uuid4()}",
            "state": STATES[item.action],
            "job_id": job.job_id if job else None,
            "asked": self._clock.now_ms(),
            "due": due,
            "limits": None if limits is None else to_json(limits),
        }
