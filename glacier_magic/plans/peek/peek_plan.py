"""The plan to list the members of a zip or tar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...base import dataframes
from ...base.treehash import CHUNK
from ...base.units import from_ms, human_bytes, iso, local_time, plural
from ...catalogue import ArchiveRecord, ListingRecord
from ...catalogue.archives.states import deleted_here
from ...errors import Unlistable, WrongKey
from ...jobs import Batch, window
from ...peek import SEALED
from ...prices import Quote
from ...prices.quotes import HERE, retrieval, transfer_out
from ..base import Plan, PlanLog
from ..restore.items import ASK, DELETED, TO_FETCH, RestoreItem, retrieved, total
from ..restore.quoting import (
    DESTINATIONS,
    Asking,
    destination_words,
    priced,
    quote_for,
    ready_between,
    when_ready,
)
from .looking import Look

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Worst:
    """The most that further reading may take: requests, bytes, and rounds of requests."""

    requests: int
    bytes: int
    rounds: int


class PeekPlan(Plan[Batch]):
    """The members of a zip or tar: ``members`` where they are known, else what it takes to know.

    What costs nothing is done at once: a local copy and parts fetched before are read, and, in the
    region of the vault, the outputs of finished jobs.  ``run()`` requests or fetches the parts that
    are missing next; a later plan of the same archive goes on from there, in this process or another.

    :param destination: where the bytes go: ``here``, ``region`` or ``internet``.
    :param look: as in :class:`.Look`.
    :raises InputError: the name's ending is not known, or the size is not; or it is encrypted without keys.
    :raises Unlistable: it is not what it seems, or a limit does not let it be read.
    :raises WrongKey: the key or the password does not open it.
    """

    kind = "restore"  # in the history: it requests, pays and downloads as one
    writes_intent = True

    def __init__(
        self, archive: ArchiveRecord, *, tier: str, destination: str, log: PlanLog, **look: Any
    ) -> None:
        super().__init__(log)
        self.vault, self.archive, self.tier = archive.vault, archive, tier
        self._catalogue, self._clock = log.catalogue, log.clock
        self.destination = destination
        self._look = Look(archive, tier=tier, destination=destination, **look)
        try:
            self._look.read()  # free: nothing is requested, and nothing leaves the region
        except (Unlistable, WrongKey) as error:  # what was paid in vain is said as well
            paid = self._paid(self._look.paid())
            raise type(error)(f"{error.message.rstrip('.')} ({paid})", cure=error.cure) from None

    @property
    def listing(self) -> ListingRecord | None:
        """The listing of the members, or None."""
        return self._look.listing

    @property
    def items(self) -> list[RestoreItem]:
        """The parts that are missing next, and what each takes."""
        return self._look.items

    @property
    def members(self) -> pd.DataFrame | None:
        """The members with the columns of :data:`~glacier_magic.base.dataframes.MEMBERS`, once known.

        ``attrs`` has vault, archive_id, ``as_of`` (ISO 8601), ``complete`` and ``notes``.
        """
        if self.listing is None:
            return None
        frame = dataframes.members(self._catalogue.listings.members(self.listing.id))
        frame.attrs.update(
            vault=self.vault,
            archive_id=self.archive.archive_id,
            as_of=iso(self.listing.listed),
            complete=self.listing.complete,
            notes=[self.summary(), *self.listing.notes],
        )
        return frame

    def summary(self) -> str:
        """Return a sentence with the count of members, its source and what was paid."""
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
        quote, words = Quote(), []
        for kind, (count, size) in paid.items():
            if kind in DESTINATIONS:
                quote += transfer_out(self._prices, size, kind)
                words.append(f"transfer of {human_bytes(size)}")
            else:
                quote += retrieval(self._prices, size, count, kind)
                words.append(f"{plural(count, 'request')}, {human_bytes(size)}")
        sources = "; ".join(dict.fromkeys(line.figure.cite() for line in quote.lines))
        about = "price" if quote.total is None else "about"
        return f"paid: {', '.join(words)}, {about} {quote.words()} ({sources})"

    # What it says

    @property
    def empty(self) -> bool:
        """Whether the members are known."""
        return self.listing is not None

    @property
    def asking(self) -> list[RestoreItem]:
        """The parts that the next paid requests are for."""
        return [item for item in self.items if item.action == ASK]

    @property
    def costs(self) -> bool:
        """Whether the next step costs something: requests, or the transfer of finished outputs."""
        charged = (ASK,) if self.destination == HERE else TO_FETCH
        return any(item.action in charged for item in self.items)

    @property
    def worst(self) -> Worst:
        """The most that may have to be requested after the next parts."""
        rounds = max(0, self._look.limits.rounds - self._look.window.rounds)
        read = self._look.window.paid + total(self.items)
        left = max(0, min(self._look.limits.bytes, self._look.size) - read)
        if self._look.kind == "tar":  # a header lies in one MiB, a long name in one more
            left = min(left, rounds * 2 * CHUNK)
            return Worst(min(2 * rounds, -(-left // CHUNK)), left, rounds if left else 0)
        if self._look.kind == "zip" or (self._look.kind in SEALED and rounds):
            return Worst(_most_nodes(left), left, min(1, left))  # its end says where its directory is
        return Worst(0, 0, 0)  # compressed: what does not begin at the first byte cannot be unpacked

    @property
    def quote(self) -> Quote:
        """The highest price that it may still cost."""
        if self.listing is not None:
            return Quote()
        worst = self.worst
        asking = Asking(requests=worst.requests, bytes=worst.bytes, out=worst.bytes, outputs=worst.requests)
        later = quote_for(self._prices, asking, self.tier, self.destination)
        return self._next_quote + later  # the worst case: a limit must hold until the members are known

    @property
    def price(self) -> str:
        """The price of the next parts alone as text; empty where they cost nothing."""
        return self._next_quote.words() if self.costs else ""

    @property
    def next_quote(self) -> Quote | None:
        """The price of the next parts; None where they cost nothing."""
        return self._next_quote if self.costs else None

    def _when(self) -> str:
        if not self.asking:
            return ""
        now, (shortest, longest) = self._clock.now(), window(self.tier)
        return f"{self.tier}, {ready_between(now + shortest, now + longest, now)}"

    @property
    def _next_quote(self) -> Quote:
        return quote_for(self._prices, Asking.of(self.items), self.tier, self.destination)

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        if self.listing is not None:
            return self.summary()
        return self._look.title

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        if self.listing is not None:
            return []
        asked = self.asking
        size = human_bytes(retrieved(asked))
        facts = [("price", priced(self._next_quote))] if self.costs else []
        facts.append(("requested next", f"{size} in {plural(len(asked), 'request')}"))
        if asked:
            facts += [("tier", self.tier), ("ready", when_ready(self.tier, self._clock))]
        if self.costs:
            destination = destination_words(self._prices, Asking.of(self.items), self.destination)
            facts.append(("destination", destination))
        waiting = len(self.items) - len(asked)
        if waiting:
            facts.append(("already requested", f"{plural(waiting, 'part')}, not requested again"))
        return [*facts, ("after that", self._after())]

    def _after(self) -> str:
        worst = self.worst
        if self._look.kind not in ("zip", "tar", *SEALED):
            return "nothing: only what unpacks from these bytes is listed"
        if not worst.bytes:
            return "nothing"
        why = {
            **dict.fromkeys(SEALED, "where the first MiB has not all members, if the key opens it"),
            "zip": "only if the zip's directory is larger than this",
            "tar": "where the next header lies beyond what is at hand",
        }[self._look.kind]
        return (
            f"{why}: at most {human_bytes(worst.bytes)} in {plural(worst.requests, 'request')}, "
            f"in {plural(worst.rounds, 'round')} of hours; all together at most "
            f"{self.quote.headline()}. It is shown again before it is requested, "
            "unless a command waits for all rounds"
        )

    def _head(self) -> Sequence[str]:
        return ("bytes", "size", "what happens") if self.listing is None else _MEMBER_HEAD

    def _cells(self) -> list[tuple[str, ...]]:
        if self.listing is not None:
            return self._member_rows
        return [(str(i.part), human_bytes(i.size), i.action) for i in self.items]

    @cached_property
    def _member_rows(self) -> list[tuple[str, ...]]:
        found = self._catalogue.listings.members(self.listing.id) if self.listing else ()
        return [_member_cells(member) for member in found]

    @property
    def table(self) -> pd.DataFrame:
        """The members once they are known; before, one row per part: part, size, action."""
        import pandas as pd

        found = self.members
        if found is not None:
            return found
        rows = [(str(item.part), item.size, item.action) for item in self.items]
        return pd.DataFrame(rows, columns=["part", "size", "action"]).astype({"size": "int64"})

    # What it does

    def promised(self) -> dict[str, Any]:
        """Return the record of the promise, JSON-serializable."""
        asked = [item for item in self.items if item.action == ASK]
        return {
            **super().promised(),
            "archives": 1,
            "requests": len(asked),
            "tier": self.tier,
            "bytes": retrieved(item for item in self.items if item.action in TO_FETCH),
            "destination": self.destination,
        }

    def happened(self, result: Batch) -> None:
        """Return None: each download records its own end."""

    def _asked(self) -> frozenset[str]:
        return frozenset(item.key for item in self.asking)

    def _decide_again(self) -> None:
        if self.listing is None:
            self._look.decide_again()

    def _run(self) -> Batch:
        if any(item.action == DELETED for item in self.items):  # its job could fail hours later
            raise deleted_here(self.archive.name)
        return self._look.carry_out(self.items, self._remember)


_MEMBER_HEAD = ("name", "size", "modified", "kind")


def _member_cells(member: Mapping[str, Any]) -> tuple[str, ...]:
    mtime = member["mtime"]
    shown = mtime is not None and abs(mtime) < dataframes.LATEST  # a header may claim any year
    when = local_time(from_ms(mtime)) if shown else member["written"]
    return member["name"], human_bytes(member["size"]), when, member["kind"]


def _most_nodes(size: int) -> int:
    """Return in how many requests, at most, neighbouring bytes come that are nodes of the tree."""
    chunks = -(-size // CHUNK)
    return min(chunks, 2 * chunks.bit_length())  # nodes grow by powers of two, and then shrink again
