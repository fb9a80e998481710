"""Looking into zips and tars: what will be fetched for it, at worst, and what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .. import tables
from ..catalogue import ArchiveRecord, ListingRecord
from ..errors import GlacierError, InputError, NotFound, NotReady, Unlistable
from ..jobs import Batch, Tracker
from ..peek import Limits, Listing, Window, kind_of, members, no_kind
from ..prices import PriceTable, Quote
from ..prices.quotes import retrieval
from ..ranges import ByteRange, megabyte_cover, node_over
from ..transfer.engine import Engine
from ..treehash import CHUNK
from ..units import from_ms, human_bytes, local_time, plural
from . import direct
from .limited import LimitedPlan, priced
from .parts import PartItem, check_folder, price
from .ranged import carry_out, when_ready
from .restore import ASK, READY, UNDER_WAY
from .windows import Windows, tidy

if TYPE_CHECKING:
    import pandas as pd

TAR_FIRST = 8 << 20
"""Bytes of a tar that are asked for first: they cost less than two requests, and save hours."""
ZIP_FIRST, ZIP_MOST_FIRST = 1 << 20, 16 << 20
"""Bytes from the end of a zip that the first request has at least; and at most, as one request."""
FREE_ROUNDS = 10
"""How often what costs nothing is fetched and read before somebody is asked again."""
FREE_SECONDS = 120.0
"""Real seconds that fetching it may take before this goes on in the background."""


class _Needed(Exception):
    """Ranges that are not at hand."""

    def __init__(self, parts: list[ByteRange]) -> None:
        super().__init__()
        self.parts = parts


@dataclass(frozen=True)
class Worst:
    """What reading on may still take: requests, bytes, and how often one waits for another."""

    requests: int
    bytes: int
    rounds: int


class PeekPlan(LimitedPlan[Batch]):
    """The members of a zip or tar: ``members`` where they are known, else what it takes to know.

    What costs nothing is done at once: a local copy, parts fetched before, and finished jobs are
    read.  ``run()`` asks for the parts that are missing next; a later plan of the same archive goes
    on from there, in this process or another.

    :param kind: ``zip``, ``tar``, ``tar.gz``; None to tell by the name.
    :param limits: how far reading goes.
    :raises InputError: the name does not tell what it is, or the size is not known.
    :raises Unlistable: it is not what it seems, or a limit does not let it be read.
    """

    def __init__(
        self, archive: ArchiveRecord, *, kind: str | None, tier: str, limits: Limits,
        engine: Engine, tracker: Tracker, prices: PriceTable,
    ) -> None:  # fmt: skip
        super().__init__()
        self.archive, self.tier, self.vault = archive, tier, archive.vault
        self.kind = kind or kind_of(archive.name) or ""
        if not self.kind:
            raise no_kind(archive.name)
        self._engine, self._tracker, self._prices = engine, tracker, prices
        self._catalogue, self._clock = engine.catalogue, engine.service.clock
        if not archive.size:
            raise InputError(
                f"The size of {archive.name!r} is not known, so it cannot be looked into",
                cure="%glacier inventory reads it.",
            )
        self._size = archive.size
        self.limits = _first(self.kind, self._size, limits)
        self.items: list[PartItem] = []
        self._windows = Windows(self._catalogue, archive)
        self._window = self._new_window()
        self.listing = self._known()
        if self.listing is None:
            self._read()

    # Reading

    def _known(self) -> ListingRecord | None:
        found = self._catalogue.listings.get(self.archive.vault, self.archive.archive_id)
        if found is None or found.kind != self.kind:
            return None
        reach = found.most_bytes >= self.limits.bytes and found.most_rounds >= self.limits.rounds
        return found if found.complete or reach else None

    def _read(self) -> None:
        try:
            self.listing = self._read_directly()
            if self.listing is None:
                self._read_what_is_free()
        except Unlistable as error:
            paid = self._paid(self._windows.paid())
            raise Unlistable(f"{error.message.rstrip('.')} ({paid})", cure=error.cure) from None

    def _read_directly(self) -> ListingRecord | None:
        """Read a local copy, or the output of a job that has retrieved the whole archive."""
        local = direct.local_copy(self._catalogue, self.archive)
        if local is not None:
            window = direct.of_file(local, self._size)
            return self._keep(self._members(window), f"the local file {local}")
        self._tracker.refresh([self.vault])
        job = self._catalogue.jobs.for_archive(self.vault, self.archive.archive_id)
        if job is None or job.status != "Succeeded":
            return None
        try:
            found = self._members(direct.of_output(self._engine, job, self._size))
        except NotFound:  # dropped at this moment
            self._catalogue.jobs.mark_gone(self.vault, job.job_id)
            return None
        return self._keep(found, "the output of a finished job")

    def _read_what_is_free(self) -> None:
        for _ in range(FREE_ROUNDS):
            try:
                listing = self._look()
            except _Needed as needed:
                self.items = [self._windows.decide(part) for part in needed.parts]
                ready = [item for item in self.items if _is_ready(item)]
                if not ready or not self._fetch(ready):
                    return
            else:
                if self._windows.doubtful:
                    listing.notes.append("Read from bytes that no tree hash could verify.")
                self.listing = self._keep(listing, "the vault")
                return

    def _look(self) -> Listing:
        """Read as far as what is at hand goes."""
        window = self._window = self._new_window()
        window.limit(self.limits.bytes)
        start = _beginning(self.kind, self._size, self.limits)
        window.read(start.first, start.size)
        return self._members(window)

    def _members(self, window: Window) -> Listing:
        return members(window, self.archive.name, kind=self.kind, limits=self.limits)

    def _new_window(self) -> Window:
        return Window(self._bytes, self._size, announce=self._announce)

    def _announce(self, ranges: list[tuple[int, int]]) -> None:
        parts = [ByteRange(*one) for one in ranges]
        missing = [part for part in parts if not self._windows.has(part)]
        if missing:
            raise _Needed(missing)

    def _bytes(self, first: int, last: int) -> bytes:
        data = self._windows.read(ByteRange(first, last))
        if data is None:
            raise _Needed([ByteRange(first, last)])
        return data

    def _fetch(self, items: Sequence[PartItem]) -> bool:
        """Fetch finished outputs; return whether all came."""
        try:
            check_folder(self._windows.root, items)
            self._carry_out(items).wait(FREE_SECONDS)
        except NotReady:
            return False
        except GlacierError:  # dropped meanwhile, say: decided upon anew
            self._tracker.refresh([self.vault])
            self.items = [self._windows.decide(item.part) for item in self.items]
            return False
        return True

    def _keep(self, listing: Listing, source: str) -> ListingRecord:
        kept = self._catalogue.listings.record(
            self.vault, self.archive.archive_id, listing, listed=self._clock.now_ms(),
            source=source, paid=self._windows.paid(),
            most_bytes=self.limits.bytes, most_rounds=self.limits.rounds,
        )  # fmt: skip
        self.items = []
        if listing.complete:
            self._windows.forget()
        tidy(self._catalogue)
        return kept

    @property
    def members(self) -> pd.DataFrame | None:
        """The members with the columns of :data:`~glacier_magic.tables.MEMBERS`, once known.

        ``attrs`` has vault, archive_id, ``as_of`` (ISO 8601), ``complete`` and ``notes``.
        """
        if self.listing is None:
            return None
        frame = tables.members(self._catalogue.listings.members(self.listing.id))
        listed = from_ms(self.listing.listed)
        frame.attrs.update(
            vault=self.vault,
            archive_id=self.archive.archive_id,
            as_of=listed.isoformat() if listed else None,
            complete=self.listing.complete,
            notes=[self.summary(), *self.listing.notes],
        )
        return frame

    def summary(self) -> str:
        """Return in a sentence what is known, since when, and what was paid for it."""
        if self.listing is None:
            return self.title
        count = plural(self.listing.members, "member")
        more = "" if self.listing.complete else "; there may be more"
        when = local_time(from_ms(self.listing.listed), self._clock.now())
        return (
            f"{self.archive.name!r}, a {self.listing.kind}: {count}{more}; read from "
            f"{self.listing.source} at {when}; {self._paid(self.listing.paid)}."
        )

    def _paid(self, paid: Mapping[str, tuple[int, int]]) -> str:
        if not paid:
            return "paid: nothing"
        quote = Quote()
        for tier, (count, size) in paid.items():
            quote += retrieval(self._prices, size, count, tier)
        requests = plural(sum(count for count, _ in paid.values()), "request")
        total = human_bytes(sum(size for _, size in paid.values()))
        sources = "; ".join(dict.fromkeys(line.figure.cite() for line in quote.lines))
        about = "price" if quote.total is None else "about"
        return f"paid: {requests}, {total}, {about} {quote.words()} ({sources})"

    # What it says

    @property
    def empty(self) -> bool:
        """Whether the members are known."""
        return self.listing is not None

    @property
    def asking(self) -> list[PartItem]:
        """The parts that the service would be asked for, and paid, next."""
        return [item for item in self.items if item.action == ASK]

    @property
    def worst(self) -> Worst:
        """What may have to be asked for after the next parts, at most."""
        rounds = max(0, self.limits.rounds - self._window.rounds)
        read = self._window.paid + sum(item.part.size for item in self.items)
        left = max(0, min(self.limits.bytes, self._size) - read)
        if self.kind == "tar":  # a header lies in one MiB, a long name in one more
            left = min(left, rounds * 2 * CHUNK)
            return Worst(min(2 * rounds, -(-left // CHUNK)), left, rounds if left else 0)
        if self.kind == "zip":
            return Worst(_most_nodes(left), left, min(1, left))
        return Worst(0, 0, 0)

    @property
    def quote(self) -> Quote:
        """What it may still cost, at worst."""
        if self.listing is not None:
            return Quote()
        later = retrieval(self._prices, self.worst.bytes, self.worst.requests, self.tier)
        return price(self._prices, self.items, self.tier) + later

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        if self.listing is not None:
            return self.summary()
        return f"Look into the {self.kind} {self.archive.name!r} ({human_bytes(self._size)})"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What to know before running it."""
        if self.listing is not None:
            return []
        asked = self.asking
        size = human_bytes(sum(item.cover.size for item in asked))
        facts = [("asked for next", f"{size} in {plural(len(asked), 'request')}")]
        if asked:
            now = price(self._prices, self.items, self.tier)
            facts += [("tier", self.tier), ("price", priced(now))]
            facts.append(("ready", when_ready(self.tier, self._clock)))
        waiting = len(self.items) - len(asked)
        if waiting:
            facts.append(("already asked for", f"{plural(waiting, 'part')}, not asked for again"))
        return [*facts, ("after that", self._after()), *self._limit_facts()]

    def _after(self) -> str:
        worst = self.worst
        if self.kind not in ("zip", "tar"):
            return "nothing: only what unpacks from these bytes is listed"
        if not worst.bytes:
            return "nothing"
        why = {
            "zip": "only if the zip's directory is larger than this",
            "tar": "where the next header lies beyond what is at hand",
        }[self.kind]
        return (
            f"{why}: at most {human_bytes(worst.bytes)} in {plural(worst.requests, 'request')}, "
            f"in {plural(worst.rounds, 'round')} of hours; all together at most "
            f"{self.quote.words()}. It is shown again before it is asked for, unless --wait goes on"
        )

    def _head(self) -> Sequence[str]:
        return ("bytes", "size", "what happens") if self.listing is None else _MEMBER_HEAD

    def _cells(self) -> list[tuple[str, ...]]:
        if self.listing is not None:
            return self._member_rows
        return [(str(i.part), human_bytes(i.part.size), i.action) for i in self.items]

    @cached_property
    def _member_rows(self) -> list[tuple[str, ...]]:
        found = self._catalogue.listings.members(self.listing.id) if self.listing else ()
        return [_member_cells(member) for member in found]

    @property
    def table(self) -> pd.DataFrame:
        """The members once they are known; before, one row a part: part, size, action."""
        import pandas as pd  # noqa: PLC0415

        found = self.members
        if found is not None:
            return found
        rows = [(str(item.part), item.part.size, item.action) for item in self.items]
        return pd.DataFrame(rows, columns=["part", "size", "action"]).astype({"size": "int64"})

    # What it does

    def _run(self) -> Batch:
        if self.listing is None:
            self._tracker.refresh([self.vault])
            self.items = [self._windows.decide(item.part) for item in self.items]
        self._keep_limit()
        if self.items:
            check_folder(self._windows.root, self.items)
        return self._carry_out(self.items)

    def _carry_out(self, items: Sequence[PartItem]) -> Batch:
        return carry_out(
            self._catalogue, self._tracker, items, title=self.title, tier=self.tier,
            root=self._windows.root, now=self._clock.now_ms(),
        )  # fmt: skip


_MEMBER_HEAD = ("name", "size", "modified", "kind")


def _member_cells(member: Mapping[str, Any]) -> tuple[str, ...]:
    mtime = member["mtime"]
    told = mtime is not None and abs(mtime) < tables.LATEST
    when = local_time(from_ms(mtime)) if told else member["written"]
    return member["name"], human_bytes(member["size"]), when, member["kind"]


def _is_ready(item: PartItem) -> bool:
    done = item.job is not None and item.job.status == "Succeeded"
    return item.action == READY or (item.action == UNDER_WAY and done)


def _first(kind: str, size: int, limits: Limits) -> Limits:
    """Return the limits with as much to read first as this kind is worth."""
    most = min(limits.bytes, TAR_FIRST) if kind == "tar" else limits.bytes
    if most < size:  # a power of two is one request
        most = 1 << max(0, most.bit_length() - 1)
    return replace(limits, first=max(CHUNK, most))


def _beginning(kind: str, size: int, limits: Limits) -> ByteRange:
    """Return the bytes to read first."""
    if kind == "zip":
        tail = ByteRange(max(0, size - ZIP_FIRST), size - 1)
        node = node_over(tail, size)
        least = megabyte_cover(tail, size)
        return node if node.size <= min(ZIP_MOST_FIRST, limits.bytes) else least
    return ByteRange(0, min(size, limits.first) - 1)


def _most_nodes(size: int) -> int:
    """Return in how many requests, at most, neighbouring bytes come that are nodes of the tree."""
    chunks = -(-size // CHUNK)
    return min(chunks, 2 * chunks.bit_length())
