"""The plan to restore archives, or parts of them."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...base.ranges import ByteRange
from ...base.rendering import SHOWN, near
from ...base.units import human_bytes, human_sum, human_total, plural
from ...catalogue import ArchiveRecord
from ...errors import GlacierError, InputError, PriceUnknown
from ...errors.steps import option, step
from ...jobs.asking import other_computers
from ...prices.money import money
from ...prices.quotes import HERE, retrieval, transfer_out
from . import sharing
from .download_time import KEPT, download_time
from .item_rows import Items
from .item_words import claims, copies, exactness, in_words, part_in_words, staged_until, table_of
from .items import ASK, THERE, TO_FETCH, TO_WRITE, UNDER_WAY, RestoreItem, besides, decide
from .quoting import checked_destination, checked_tier, destination_words, when_ready
from .request import check_folder, folder_named, room, shortage
from .retrieval_plan import RetrievalPlan
from .timetable import Scheduled
from .whole_archives import decide_whole

if TYPE_CHECKING:
    import pandas as pd


class RestorePlan(RetrievalPlan[RestoreItem]):
    """Archives, or parts of them, to get back: nothing is requested until ``run()``.

    ``run()`` returns a :class:`~glacier_magic.jobs.Batch`; each download starts when its job is
    done.  The file of a part has exactly the bytes of the part, and a name that says which.

    :param parts: the bytes of each archive that are wanted; None for whole archives.
    :param to: the folder that the files are written below.
    :param claimed: ids of archives whose size is known from a plan file only.
    :param versions: what it says about older versions of the same names.
    :param exact: retrieve no more of parts than whole MiB, though the service may not send their hash.
    :param known: as in :class:`RetrievalPlan`.
    """

    kind = "restore"
    kept = KEPT

    def __init__(
        self,
        archives: Sequence[ArchiveRecord],
        parts: Sequence[ByteRange] | None = None,
        *,
        to: Path,
        claimed: Collection[str] = (),
        versions: str = "",
        exact: bool = False,
        **known: Any,
    ) -> None:
        self.to, self._versions, self._exact = to, versions, exact
        self._parts, self._claimed = parts, frozenset(claimed)
        super().__init__(archives, to=to, **known)

    def _decide(self) -> Items[RestoreItem]:
        known: dict[str, Any] = {"vault": self.vault, "tier": self.tier, "to": self.to}
        if self._parts is None:
            return decide_whole(self._archives, catalogue=self._catalogue, **known)
        return Items.of(
            decide(self._archives, self._parts, catalogue=self._catalogue, exact=self._exact, **known)
        )

    def _schedule_again(self) -> None:
        super()._schedule_again()
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
        made = self._remade(
            self._archives,
            parts=self._parts,
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

    def _remade(self, archives: Sequence[ArchiveRecord], **known: Any) -> RestorePlan:
        return RestorePlan(archives, **known)

    def beside(self, asked: Sequence[RestoreItem]) -> None:
        """Leave out the requests of other plans that are run before this one.

        :param asked: the items of those requests.
        """
        self.items = Items.of(besides(self.items, asked))
        super()._schedule_again()

    # What it says

    @property
    def folder(self) -> Path:
        """The folder that a user chooses: the files are written below it."""
        return self.to

    @property
    def _one(self) -> str:
        return "archive" if self._parts is None else "part"

    @property
    def empty(self) -> bool:
        """Whether all files exist already."""
        return not self.items.places(*TO_WRITE, UNDER_WAY)  # what is under way is waited for

    @property
    def ready(self) -> bool:
        """Whether all files exist already, and none is waited for."""
        return all(item.action == THERE for item in self.items)

    @property
    def refused(self) -> GlacierError | None:
        """The error that :meth:`run` would raise now: over its limit, or too little room."""
        return super().refused or shortage(self.to, self.needed)

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        sums = self.items.sums.values()
        what = plural(len(self.items), self._one)
        size = human_total(sum(each.size for each in sums), sum(each.unsized for each in sums))
        return f"Restore {what} ({size}) from {self.vault} to {near(str(self.to))}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        size = human_total(self.bytes, self.asking.unsized)
        requests = f"{size} in {plural(self.requests, 'request')}"
        facts = [("price", self._price()), ("requested", f"{requests}{self._wider()}")]
        asking = self.asking
        if self.requests:
            facts += [("tier", self.tier), ("ready", self._ready())]
            if self._timetable is not None:
                facts.append(("schedule", self._timetable.words()))
            facts += other_computers(self._catalogue.jobs.counts().get(self.vault, 0), self.requests)
        for action, places in self.items.others().items():
            found = [self.items.known[place] for place in places if place in self.items.known]
            words = f"{plural(len(places), self._one)}, {human_sum(map(self.items.size, places))}"
            more = staged_until(found, self._clock.now()) + copies(found)
            facts.append((action, f"{words}, not requested again{more}"))
        facts += self._scheduled.facts(self._prices, self.destination, to=self.to, tier=self.tier)
        facts += [("versions", self._versions)] if self._versions else []
        facts += claims(self._claimed)
        if self._parts is not None:
            facts += exactness(self.items, sum(self.items.sums[each].size for each in (*TO_WRITE, UNDER_WAY)))
        if asking.out or asking.out_unsized:
            rate, kept = self._tracker.max_rate, self.kept
            time = download_time(
                asking.out, self._timetable, self._catalogue, self._clock, max_rate=rate, kept=kept
            )
            destination = destination_words(self._prices, asking, self.destination)
            facts += [("destination", destination), ("download", time)]
        return [*facts, ("free space", room(self.to, self.needed, self._unsized)[1])]

    def _ready(self) -> str:
        last = self._last.get(self.tier)
        return when_ready(self.tier, self._clock, last=last, largest=self.asking.largest)

    def _wider(self) -> str:
        more = self.bytes - self.items.sums[ASK].size
        if not more:
            return ""
        why = "the service retrieves whole MiB, and gives the tree hashes of some ranges only"
        fetched = self.items.sums[ASK].fetched
        quote = retrieval(self._prices, more, 0, self.tier)
        quote += transfer_out(self._prices, fetched - self.items.sums[ASK].size, self.destination)
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
    def _unsized(self) -> int:
        return sum(self.items.sums[action].unsized for action in (*TO_WRITE, UNDER_WAY))

    @property
    def needed(self) -> int:
        """Bytes of disk space that it needs; what is in part files has its own already."""
        begun = (*TO_WRITE, UNDER_WAY)  # earlier plans' downloads fill the same disk
        held = sum(item.held for item in self.items.known.values() if item.action in begun)
        return sum(self.items.sums[action].size for action in begun) - held

    def _check_cost(self, limit: Decimal, *, accept_unconfirmed: bool) -> None:
        # Its author could understate a size, and so the price; a job knows the size.
        fetched = self._having(*TO_FETCH) if self._claimed else []
        unsure = [item for item in fetched if not (item.job and item.job.size)]
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

    def _head(self) -> Sequence[str]:
        if self._parts is None:
            return ("name", "size", "archive id", "what happens", "file")
        return ("name", "size", "bytes", "retrieved", "what happens", "file")

    def _cells(self) -> list[tuple[str, ...]]:
        words = in_words if self._parts is None else part_in_words
        return [words(item) for item in self.items[:SHOWN]]

    @property
    def table(self) -> pd.DataFrame:
        """One row per archive: name, size, archive_id, tree_hash, action, target, job_id.

        With parts, ``part``, ``cover`` and ``verifiable`` as well: the first and last byte that are
        written, and those that are retrieved.
        """
        return table_of(self.items, parts=self._parts is not None)

    # What it does

    def _check_target(self) -> None:
        check_folder(self.to, self.needed)
