"""The plan to move archives of a vault to S3."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from decimal import Decimal
from itertools import repeat
from typing import TYPE_CHECKING, Any

from ...base.bucket_names import BucketFolder
from ...base.dataframes import marked
from ...base.rendering import SHOWN
from ...base.treehash import CHUNK
from ...base.units import from_ms, human_bytes, human_sum, human_total, local_time, plural
from ...catalogue import ArchiveRecord
from ...catalogue.archives.archive_sequence import fields_of
from ...catalogue.records.moved_records import MovedObject
from ...errors import GlacierError, InputError
from ...prices import Quote, QuoteLine, load
from ...prices.figures import Figure
from ...prices.move_costs import TARGETS, TargetClass, Writing, monthly, pays_back, writing
from ...prices.quotes import HERE, HOUR, INTERNET, MINIMUM_HOURS, REGION, early_deletion, gigabytes
from ...prices.storage_costs import Holding, monthly_storage
from ...service.object_store import SHA256, ObjectStore
from ...transfer.migrate.chosen_keys import ChosenKeys
from ...transfer.migrate.destination import Destination, try_out
from ...transfer.migrate.object_keys import labels
from ...transfer.migrate.part_checks import checked_algorithm
from ...transfer.migrate.workers import run_on
from ..restore.download_time import download_time
from ..restore.item_words import staged_until
from ..restore.items import STATES, TWIN, UNDER_WAY
from ..restore.quoting import Asking, destination_words, transferred, when_ready
from ..restore.retrieval_plan import RetrievalPlan
from .move_items import Existing, MoveItem, MoveItems, decide
from .spooling import Spooling

if TYPE_CHECKING:
    import pandas as pd


MOVED = (*STATES, UNDER_WAY)
"""The actions of archives that become objects."""
_WEAKER = (
    "CRC-64/NVME above 1 MiB: it takes half the time of SHA-256, finds accidents, and is no proof against "
    "bytes that somebody chose"
)


def checked_class(word: str) -> str:
    """Return a storage class as S3 spells it.

    :raises InputError: there is none of that name.
    """
    name = word.upper().replace("-", "_")
    if name not in TARGETS:
        names = ", ".join(each.lower().replace("_", "-") for each in TARGETS)
        raise InputError(f"There is no storage class {word!r:.80}", cure=f"Storage classes: {names}.")
    return name


class MigratePlan(RetrievalPlan[MoveItem]):
    """Archives to move to S3: nothing is requested or written until ``run()``.

    Each becomes an object as soon as its job is done, is never written over another object, and is
    proven by S3's own record of it.  The archives stay in the vault.

    :param place: the bucket, and the prefix of the keys.
    :param storage_class: the class of the objects, as S3 spells it.
    :param choice: how the keys are chosen.
    :param executor: what copies the bytes; None for threads of this process.
    :param accept_lifecycle: write to the bucket although a rule of it deletes the objects again.
    :param algorithm: the checksum of objects above 1 MiB; of smaller ones the tree hash is the SHA-256.
    :param known: as in :class:`.RetrievalPlan`.
    """

    kind = "migrate"

    def __init__(
        self,
        archives: Sequence[ArchiveRecord],
        *,
        place: BucketFolder,
        storage_class: str,
        objects: ObjectStore,
        executor: Executor | None = None,
        accept_lifecycle: bool = False,
        choice: ChosenKeys | None = None,
        algorithm: str = SHA256,
        **known: Any,
    ) -> None:
        self.place, self.storage_class, self.algorithm = place, storage_class, algorithm
        self._choice = choice or ChosenKeys()
        self._objects, self._executor = objects, executor
        self._accept_lifecycle = accept_lifecycle
        super().__init__(archives, to=place.name, **known)

    @property
    def _owner(self) -> str:
        return self._catalogue.scope.account

    items: MoveItems

    def _decide(self) -> MoveItems:
        self._s3_prices = load(self._objects.region)
        self._bucket = Destination.look(self._objects, self.place, self._owner)
        existing = Existing.look(self._catalogue, self._objects, self.place, self.storage_class)
        return decide(
            self._archives,
            existing,
            vault=self.vault,
            tier=self.tier,
            catalogue=self._catalogue,
            choice=self._choice,
        )

    def _schedule_again(self) -> None:
        super()._schedule_again()
        moved = [self.items.sums[action] for action in MOVED]
        self._holding = Holding(sum(each.size for each in moved), sum(each.count for each in moved))
        self._writing = Writing.of(zip(self.items.sizes(*STATES), repeat(1)))
        elsewhere = self._executor is not None
        self._spooling = Spooling.of(self.items.sizes(*MOVED), self._catalogue.limits, elsewhere=elsewhere)

    # What it says

    @property
    def empty(self) -> bool:
        """Whether nothing is left to move, or to wait for."""
        return not self._holding.archives

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        sums = self.items.sums.values()
        what = plural(len(self.items), "archive")
        size = human_total(sum(each.size for each in sums), sum(each.unsized for each in sums))
        return f"Move {what} ({size}) from {self.vault} to {self.place.name} ({self.storage_class})"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        requested = f"{human_bytes(self.bytes)} in {plural(self.requests, 'request')}"
        facts = [("price", self.quote.headline()), ("requested", requested), *self._monthly()]
        asking, now = self.asking, self._clock.now()
        if self.requests:
            last = self._last.get(self.tier)
            ready = when_ready(self.tier, self._clock, last=last, largest=asking.largest)
            facts += [("tier", self.tier), ("ready", ready)]
            if self._timetable is not None:
                facts.append(("schedule", self._timetable.words()))
        for action, places in self.items.others().items():
            size = human_sum(map(self.items.size, places))
            until = staged_until([self.items.known[p] for p in places if p in self.items.known], now)
            facts.append((action, f"{plural(len(places), 'archive')}, {size}, not requested again{until}"))
        renamed = Counter(self.items.whys.values())
        if renamed:
            why = ", ".join(f"{words} ({count:,})" for words, count in renamed.items())
            facts.append(("keys", f"{plural(renamed.total(), 'key')} other than the name: {why}"))
        if asking.out or asking.out_unsized:
            time = download_time(
                asking.out, self._timetable, self._catalogue, self._clock, max_rate=self._tracker.max_rate
            )
            destination = destination_words(self._prices, asking, self.destination)
            facts += [("copied by", destination), *self._other_region(), ("copy", time)]
            facts += self._spooling.facts()
            facts += [("checksum", _WEAKER)] if self.algorithm != SHA256 else []
        return [*facts, *self._bucket.facts()]

    @property
    def asking(self) -> Asking:
        """The numbers of its requests and of the way out, which each object of equal bytes takes."""
        found = super().asking
        return replace(found, out=found.out + self.items.sums[TWIN].size)

    @property
    def target(self) -> TargetClass:
        """The storage class with what it costs by."""
        return TARGETS[self.storage_class]

    def _way_in(self) -> Quote:
        """Return the price of the transfer from where the bytes are copied to the bucket."""
        here, region = self.destination, self._objects.region
        if here in (INTERNET, region):  # what arrives from there is free
            return Quote()
        if here == REGION:  # from which one is not known
            figure = Figure.unknown("transfer-out-region", here)
            return Quote((QuoteLine(figure, gigabytes(self.asking.out)),))
        return transferred(self._prices if here == HERE else load(here), self.asking, region)

    def _other_region(self) -> list[tuple[str, str]]:
        region = self._objects.region
        if region == self._prices.region:
            return []
        words = f"the bucket is in {region}, and the vault in {self._prices.region}"
        return [("other region", f"{words}: the transfer to the bucket is {self._way_in().brief()}")]

    def _more(self) -> Quote:
        written = writing(self._s3_prices, self.target, self._writing)
        return written + (self._way_in() if self._objects.region != self._prices.region else Quote())

    @property
    def before(self) -> Quote:
        """What a month of the archives costs in the vault."""
        return monthly_storage(self._prices, self._holding)

    @property
    def after(self) -> Quote:
        """What a month of the objects costs."""
        return monthly(self._s3_prices, self.target, self._holding)

    @property
    def break_even(self) -> Decimal | None:
        """The months after which the move has paid for itself; None if it never does, or is not known."""
        return pays_back(self.quote, self.before, self.after)

    def _monthly(self) -> list[tuple[str, str]]:
        if self.empty:
            return []
        months, days = self.break_even, self.target.days
        saves = "it costs no less there" if months is None else f"pays for itself after {months:.1f} months"
        words = f"{self.before.words()} in the vault, {self.after.words()} as {self.storage_class}; {saves}"
        facts = [("a month", f"{words}. Until the sources are deleted, both are paid")]
        if days:
            facts.append(("at least", f"each object is billed for {days} days, whenever it is deleted"))
        now, moved = self._clock.now_ms(), self.items.places(*MOVED)
        archives, free = self.items.archives, now - MINIMUM_HOURS * HOUR
        ages = fields_of(archives, "size", "created", places=moved)
        young = [(size, made) for size, made in ages if made is None or made > free]
        fee = early_deletion(self._prices, young, now)
        if fee.total != 0:
            newest = max(made or 0 for _, made in fields_of(archives, "size", "created", places=moved))
            end = local_time(from_ms(newest + MINIMUM_HOURS * HOUR), self._clock.now())
            facts.append(("early deletion", f"{fee.words()} if the sources went now; nothing from {end}"))
        return facts

    def _head(self) -> Sequence[str]:
        return ("name", "size", "what happens", "object", "another key because")[: 4 + self._renames]

    @property
    def _renames(self) -> bool:
        return bool(self.items.whys)

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                item.archive.name or item.archive.archive_id,
                human_bytes(item.size),
                item.words,
                item.place,
                *([item.why] if self._renames else []),
            )
            for item in self.items[:SHOWN]
        ]

    @property
    def table(self) -> pd.DataFrame:
        """One row an archive: name, size, archive_id, tree_hash, action, bucket, key, why, job_id."""
        import pandas as pd

        names = ("name", "size", "archive_id", "tree_hash", "action", "bucket", "key", "why", "job_id")
        rows = [
            (
                item.archive.name,
                item.size,
                item.archive.archive_id,
                item.archive.tree_hash,
                item.words,
                item.bucket,
                item.object_key,
                item.why,
                item.job and item.job.job_id,
            )
            for item in self.items  # once: each is made for it
        ]
        return marked(pd.DataFrame(rows, columns=names).astype({"size": "Int64"}))

    # What it does

    @property
    def refused(self) -> GlacierError | None:
        """The error that :meth:`run` would raise now: over its limit, or the bucket deletes the objects."""
        return super().refused or self._refusal

    @property
    def _refusal(self) -> GlacierError | None:
        return self._spooling.refusal or (None if self._accept_lifecycle else self._bucket.refusal)

    def _check_target(self) -> None:
        if refusal := self._refusal:
            raise refusal
        self._tracker.actions.copy_with(self._executor)
        if self._executor is not None and self.algorithm != SHA256:
            run_on(self._executor, checked_algorithm, self.algorithm)
        try_out(self._objects, self.place, self._owner, self.storage_class)

    def _record(self, item: MoveItem, number: int) -> None:
        self._catalogue.moved.add(
            MovedObject(
                download=number,
                bucket=item.bucket,
                key=item.object_key,
                region=self._objects.region,
                storage_class=self.storage_class,
                metadata=json.dumps(labels(item.archive)),
                algorithm=self.algorithm if (item.size or 0) > CHUNK else SHA256,
            )
        )
