"""Getting parts of archives back: what is retrieved for them, and what is written."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...base.ranges import Asked, part_name
from ...base.rendering import near
from ...base.safenames import UnsafePath, safe_target
from ...base.units import human_bytes, human_duration, local_time, plural, short_id
from ...catalogue import ArchiveRecord, Catalogue
from ...errors import InputError
from ...jobs import Batch, Tracker, window
from ...jobs.fetching import NOT_VERIFIABLE
from ...prices import PriceTable, Quote
from ...service import ServiceClock
from ..base import Memory, Plan
from . import folder
from .limited import priced
from .part_items import PartItem, asked_keys, decide, free_name, needed, price, wish
from .quoting import destination_words
from .restoring import ASK, DELETED, READY, RUNNING, SAME, THERE, UNDER_WAY, bytes_key

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 150
"""Bytes of an archive's own name in that of a part of it: file systems take 255 in all."""


class RangedPlan(Plan[Batch]):
    """Parts of archives to get back: nothing is asked for until ``run()``.

    Each file has exactly the bytes asked for, under a name that says which.

    :param asked: what is wanted of each of the archives; an archive may be there several times.
    :param destination: where the bytes go: ``here``, ``region`` or ``internet``.
    :raises InputError: an archive has no such bytes, or its size is not known.
    """

    kind = "restore"
    writes_intent = True

    def __init__(
        self,
        archives: Sequence[ArchiveRecord],
        *,
        asked: Sequence[Asked],
        vault: str,
        tier: str,
        to: Path,
        catalogue: Catalogue,
        tracker: Tracker,
        clock: ServiceClock,
        prices: PriceTable,
        destination: str,
    ) -> None:
        super().__init__(Memory(catalogue, clock))
        self.vault, self.tier, self.to, self.destination = vault, tier, to, destination
        self._catalogue, self._tracker, self._clock = catalogue, tracker, clock
        self._archives, self._prices = list(archives), prices
        self._parts = [
            part.within(archive.name, archive.size) for archive, part in zip(archives, asked, strict=True)
        ]
        self.items = self._decide()

    def beside(self, asked: frozenset[str]) -> None:
        """Do not count what another plan asks for that is run before this one.

        :param asked: keys of that, as :meth:`_asked` returns them.
        """
        self.items = [
            replace(item, action=RUNNING) if item.action == ASK and item.keys & asked else item
            for item in self.items
        ]

    def _decide(self) -> list[PartItem]:
        self._tracker.refresh([self.vault])
        taken: set[str] = set()
        named: dict[tuple[Path, str], PartItem] = {}
        items = []
        for archive, part in zip(self._archives, self._parts, strict=True):
            target, key = _target(archive, part_name("", part), self.to), bytes_key(archive)
            first = named.get((target, key))
            if first is None:
                item = decide(self._catalogue, archive, part, self.to, free_name(target, taken))
                if item.action != DELETED:
                    named[target, key] = item
            else:
                item = replace(first, archive=archive, action=SAME)
            items.append(item)
        return items

    # What it says

    def _having(self, *actions: str) -> list[PartItem]:
        return [item for item in self.items if item.action in actions]

    @property
    def bytes(self) -> int:
        """Bytes that the service is asked to retrieve, and charges for."""
        return sum(item.cover.size for item in self._having(ASK))

    @property
    def quote(self) -> Quote:
        """What asking, and the way out of the region, costs."""
        return price(self._prices, self.items, self.tier, self.destination)

    @property
    def refusal(self) -> str:
        """Why :meth:`run` would refuse the plan: its limit, or too little room in the folder."""
        return super().refusal or folder.shortage(self.to, needed(self.items))

    @property
    def empty(self) -> bool:
        """Whether everything is there already."""
        return not self._having(ASK, RUNNING, READY, UNDER_WAY)

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        written = human_bytes(sum(item.part.size for item in self.items))
        what = plural(len(self.items), "archive")
        return f"Restore a part of {what} ({written}) from {self.vault} to {near(str(self.to))}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What to know before running it."""
        asked = self._having(ASK)
        facts = [("retrieved and charged", self._charged(asked))]
        if asked:
            facts += [("tier", self.tier), ("ready", when_ready(self.tier, self._clock))]
        facts += [("price", priced(self.quote)), *self._limit_facts()]
        facts.append(("destination", destination_words(self.destination)))
        for action in (RUNNING, READY, UNDER_WAY, THERE, SAME, DELETED):
            found = self._having(action)
            if found:
                facts.append((action, f"{plural(len(found), 'part')}, not asked for again"))
        written = needed(self.items)
        facts.append(("written", f"{plural(written, 'byte')}, exactly what was asked for"))
        return [
            *facts,
            ("verified", self._verified()),
            ("free space", folder.room(self.to, needed(self.items))[1]),
        ]

    def _charged(self, asked: list[PartItem]) -> str:
        words = f"{human_bytes(self.bytes)} in {plural(len(asked), 'request')}"
        more = self.bytes - sum(item.part.size for item in asked)
        if not more:
            return words
        why = "the service retrieves whole MiB, and tells hashes of some ranges only"
        return f"{words}, {human_bytes(more)} more than is asked for: {why}"

    def _verified(self) -> str:
        doubtful = [item for item in self.items if not item.verifiable]
        if not doubtful:
            return "by the tree hashes that the service tells of the parts"
        return (
            f"{len(doubtful)} of {plural(len(self.items), 'part')} {NOT_VERIFIABLE}; the file's name says so"
        )

    def _head(self) -> Sequence[str]:
        return ("name", "size", "bytes", "retrieved", "what happens", "file")

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                item.archive.name or short_id(item.archive.archive_id),
                human_bytes(item.part.size),
                str(item.part),
                str(item.cover) if item.action == ASK else "",
                item.action,
                near(str(item.target)),
            )
            for item in self.items
        ]

    @property
    def table(self) -> pd.DataFrame:
        """One row a part: name, size, archive_id, part, cover, verifiable, action, target, job_id.

        ``part`` is what is written, ``cover`` what the service is asked for: first and last byte.
        """
        import pandas as pd

        columns = ("name", "size", "archive_id", "part", "cover", "verifiable", "action", "target", "job_id")
        rows = [
            (
                i.archive.name,
                i.part.size,
                i.archive.archive_id,
                str(i.part),
                str(i.cover),
                i.verifiable,
                i.action,
                str(i.target),
                i.job.job_id if i.job else None,
            )
            for i in self.items
        ]
        return pd.DataFrame(rows, columns=columns).astype({"size": "int64"})

    # What it does

    def promised(self) -> dict[str, Any]:
        """Return what is kept of the plan when it is run, as JSON can hold it."""
        return {
            **super().promised(),
            "archives": len(self.items),
            "bytes": self.bytes,
            "requests": len(self._having(ASK)),
            "tier": self.tier,
            "to": str(self.to),
            "destination": self.destination,
        }

    def happened(self, result: Batch) -> None:
        """Return None: its downloads tell, each when it ends."""

    def _asked(self) -> frozenset[str]:
        return asked_keys(self.items)

    def _decide_again(self) -> None:
        self.items = self._decide()

    def _run(self) -> Batch:
        if not self.empty:
            folder.check(self.to, needed(self.items))
        return carry_out(
            self._catalogue,
            self._tracker,
            self.items,
            title=self.title,
            tier=self.tier,
            root=self.to,
            now=self._clock.now_ms(),
            remember=self._remember,
        )


def when_ready(tier: str, clock: ServiceClock) -> str:
    """Return in words when what is asked for now can be fetched."""
    shortest, longest = window(tier)
    now = clock.now()
    return (
        f"in {human_duration(shortest.total_seconds())} to "
        f"{human_duration(longest.total_seconds())}, by {local_time(now + longest, now)}; kept for "
        "24 hours after that"
    )


def carry_out(
    catalogue: Catalogue,
    tracker: Tracker,
    items: Sequence[PartItem],
    *,
    title: str,
    tier: str,
    root: Path,
    now: int,
    remember: Callable[[], int | None],
) -> Batch:
    """Ask for what the items need, and follow them; return what was asked for.

    :param remember: writes what is promised and returns its number, in one transaction with the
        consent for the parts.
    :raises GlacierError: the service refused everything.
    """
    batch = uuid.uuid4().hex
    with catalogue.database.transaction():
        plan = remember()
        linked = wish(catalogue, items, tier=tier, root=root, now=now, batch=batch)
        if plan is not None:
            catalogue.plans.link(plan, linked)
    errors = tracker.ask_now(batch)
    if errors and len(errors) == sum(item.action == ASK for item in items):
        raise errors[0]
    tracker.start()
    return Batch(tracker, tuple(f"download-{number}" for number, _, _ in linked), title)


def _target(archive: ArchiveRecord, ending: str, root: Path) -> Path:
    """Return where a part goes: beside where the whole archive would."""
    for name in (archive.name, archive.name.replace("/", "_")):
        try:
            whole = safe_target(root, name, fallback=archive.archive_id)
            short = whole.name.encode()[:LONGEST].decode(errors="ignore")
            found = whole.with_name(f"{short}{ending}")
            return safe_target(root, found.relative_to(root).as_posix(), fallback="part")
        except UnsafePath as error:
            refused = error
    raise InputError(f"{archive.name!r} cannot be written below {root}: {refused}") from None
