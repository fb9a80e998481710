"""The base of plans that delete, and the numbers of a selection of archives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from itertools import islice
from typing import TYPE_CHECKING, Any

from ...base import dataframes
from ...base.rendering import SHOWN, visible
from ...base.units import from_ms, human_bytes, human_total, local_time, plural, short_id
from ...catalogue import ArchiveRecord, Catalogue
from ...catalogue.archives.states import DELETED
from ...catalogue.records.deletion_records import DeletionChoice
from ...prices import PriceTable, Quote
from ...prices.quotes import early_deletion, hours_left, other_requests
from ...transfer.engine import Engine
from ..base import PlanLog, T
from ..lasting_plan import LastingPlan

if TYPE_CHECKING:
    import pandas as pd


class DestructivePlan(LastingPlan[T]):
    """A plan that deletes archives or vaults."""

    danger = True

    @property
    def lasts(self) -> bool:
        """Whether it deletes many archives: one is one request, which cannot be stopped."""
        return bool(self.confirmation) and not self.empty


class SelectionPlan(DestructivePlan[T]):
    """A plan that deletes selected archives."""

    def __init__(self, choice: DeletionChoice, *, engine: Engine, log: PlanLog) -> None:
        super().__init__(log)
        self.vault, self.choice = choice.vault, choice
        self._engine = engine
        self._decide_again()
        self._first = list(islice(choice, SHOWN))  # a selection may have millions of archives

    def _decide_again(self) -> None:
        engine = self._engine
        self.tally = DeletionTally(
            self.choice, engine.catalogue, self._prices, engine.service.clock.now_ms(), self._needed()
        )

    def _needed(self) -> Set[str]:
        """Return the archives that snapshots of backups need."""
        return self._engine.catalogue.backups.needed_archives(self.vault)

    @property
    def archives(self) -> list[ArchiveRecord]:
        """All archives of the plan."""
        return list(self.choice)

    @property
    def bytes(self) -> int:
        """Bytes of all archives together; unknown sizes count as 0."""
        return self.tally.bytes

    @property
    def quote(self) -> Quote:
        """The fee for deleting archives before their 90 days, and the price of the requests if any."""
        return self.tally.fee + other_requests(self._prices, self._requests())

    def _requests(self) -> int:
        return len(self.choice)

    def _selection_facts(self) -> list[tuple[str, str]]:
        """Return the price, and the facts of the selection and of the requests if they have a price."""
        return [
            ("price", self.quote.headline()),
            ("undo", "there is none: the service deletes at once"),
            *self.tally.facts(),
            *priced_requests(other_requests(self._prices, self._requests())),
        ]

    def promised(self) -> dict[str, Any]:
        """Return the record of the promise, JSON-serializable."""
        return {**super().promised(), "vault": self.vault, **self.tally.promised()}

    @property
    def table(self) -> pd.DataFrame:
        """The archives, as ``ls`` shows them."""
        return dataframes.archives(self.choice)

    def _head(self) -> Sequence[str]:
        return ("name", "size", "archive id", "created")

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                a.name or a.archive_id,
                human_bytes(a.size),
                short_id(a.archive_id),
                local_time(from_ms(a.created)),
            )
            for a in self._first
        ]

    def _count(self) -> int:
        return len(self.choice)


def priced_requests(quote: Quote) -> list[tuple[str, str]]:
    """Return the price of :func:`.other_requests` as a fact; none where they are free."""
    return [("requests", f"{quote.words()}, {line.figure.cite()}") for line in quote.lines]


NEVER = "never seen"
SEEN = {
    "present": "listed",
    "pending": "uploaded from here and not listed yet",
    "unknown": "reported by another tool and never listed",
    NEVER: "never seen: a whole id",
    "gone": "gone from the newest inventory",
    DELETED: "deleted from here before",
}
"""How an archive was last seen, by its state."""


def _first_of(names: Sequence[str]) -> str:
    return ", ".join(visible(name) for name in names[:3]) + (" ..." if len(names) > 3 else "")


class DeletionTally:
    """Counts, bytes, fee and warnings for selected archives, from one pass over them.

    :param now: the service's time in milliseconds.
    :param needed: the archives that snapshots need.
    """

    def __init__(
        self,
        choice: DeletionChoice,
        catalogue: Catalogue,
        prices: PriceTable,
        now: int,
        needed: Set[str] = frozenset(),
    ) -> None:
        self.archives, self._left_out = len(choice), choice.left_out
        self.bytes = self.unsized = self.young = self.young_bytes = 0
        self.states: Counter[str] = Counter()
        self.busy: list[tuple[str, str]] = []
        self.packs: list[str] = []
        self._now, self._needed = now, needed
        # A retrieval of a deleted archive fails.
        self._retrievals = catalogue.jobs.unfetched(choice.vault) if len(choice) else {}
        newest = catalogue.inventories.newest(choice.vault)  # "listed" is as of this one, whatever its age
        self._listed = from_ms(newest.made) if newest else None
        # One pass over what may be millions: the generator fills the counters while the fee adds up.
        self.fee: Quote = early_deletion(prices, self._counted(choice), now)

    def _counted(self, choice: DeletionChoice) -> Iterator[tuple[int | None, int | None]]:
        for archive in choice.known():
            self._add(archive, archive.state)
            yield archive.size, archive.created
        for archive in choice.unknown:
            self._add(archive, "gone" if archive.state == "gone" else NEVER)
            yield archive.size, archive.created

    def _add(self, archive: ArchiveRecord, state: str) -> None:
        self.bytes += archive.size or 0
        self.unsized += archive.size is None  # the fee is then unknown, unless it is old enough
        self.states[state] += 1
        if archive.created is not None and hours_left(archive.created, self._now):  # an id alone has no age
            self.young += 1
            self.young_bytes += archive.size or 0
        if archive.archive_id in self._needed:
            self.packs.append(archive.name or archive.archive_id)
        status = self._retrievals.get(archive.archive_id)
        if status is not None:
            self.busy.append((archive.name or archive.archive_id, status))

    @property
    def size(self) -> str:
        """The bytes as text, with a remark where the size of some is not known."""
        return human_total(self.bytes, self.unsized)

    def facts(self) -> list[tuple[str, str]]:
        """Return pairs of a label and a text to read before deleting."""
        facts = [("last seen", self._seen()), ("early deletion", self._early())]
        if self._left_out:
            were = "was" if self._left_out == 1 else "were"
            words = f"{plural(self._left_out, 'archive')} that {were} {SEEN[DELETED]}"
            facts.append(("left out", words))
        if self.busy:
            facts.append(("WARNING", self._warning()))
        if self.packs:
            words = (
                f"{plural(len(self.packs), 'archive')} with files of backups, which cannot be recovered then"
            )
            facts.append(("WARNING", f"{words}: {_first_of(self.packs)}"))
        return facts

    def _seen(self) -> str:
        words = []
        for state, words_for in SEEN.items():
            if self.states[state]:
                day = f" as of {self._listed:%Y-%m-%d %H:%M} UTC" if self._listed else ""
                when = day if state == "present" else ""
                words.append(f"{self.states[state]:,} {words_for}{when}")
        return "; ".join(words) or "nothing"

    def _early(self) -> str:
        if self.fee.total == 0 and not self.young:
            return "no fee: all are older than 90 days"
        unaged = sum(line.quantity is None for line in self.fee.lines)
        of_some = "; the age or size of some is not known" if unaged else ""
        return (
            f"{self.fee.headline()} for the rest of the 90 days of {plural(self.young, 'archive')} "
            f"({human_bytes(self.young_bytes)}) younger than that{of_some}"
        )

    def _warning(self) -> str:
        running = sum(status == "InProgress" for _, status in self.busy)
        ready = len(self.busy) - running
        words = []
        if running:
            words.append(f"{plural(running, 'retrieval')} still running, which will fail")
        if ready:
            words.append(f"{plural(ready, 'retrieved output')} not downloaded yet")
        return f"{'; '.join(words)}: {_first_of([name for name, _ in self.busy])}"

    def promised(self) -> dict[str, Any]:
        """Return the numbers for the record of a plan."""
        return {"archives": self.archives, "bytes": self.bytes, "last_seen": dict(self.states)}
