"""The plan to move archives of a vault to S3."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from ...base.dataframes import marked
from ...base.rendering import SHOWN
from ...base.units import human_bytes, human_sum, plural
from ...catalogue import ArchiveRecord
from ...catalogue.records.moved_records import MovedObject
from ...errors import InputError
from ...errors.steps import option
from ...jobs import Batch, Tracker
from ...migrate.object_keys import Place, labels
from ...service.object_store import ObjectStore
from ..base import PlanLog
from ..restore.download_time import download_time
from ..restore.item_words import staged_until
from ..restore.items import OTHERS, STATES, UNDER_WAY
from ..restore.quoting import destination_words, when_ready
from ..restore.retrieval_plan import RetrievalPlan
from ..restore.timetable import Pace
from .move_items import Existing, MoveItem, decide

if TYPE_CHECKING:
    import pandas as pd

CLASSES = (
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
)
"""The storage classes that objects can be written to."""


def checked_class(word: str) -> str:
    """Return a storage class as S3 spells it.

    :raises InputError: there is none of that name.
    """
    name = word.upper().replace("-", "_")
    if name not in CLASSES:
        names = ", ".join(each.lower().replace("_", "-") for each in CLASSES)
        raise InputError(f"There is no storage class {word!r:.80}", cure=f"Storage classes: {names}.")
    return name


class MigratePlan(RetrievalPlan[MoveItem]):
    """Archives to move to S3: nothing is requested or written until ``run()``.

    Each becomes an object as soon as its job is done, is never written over another object, and is
    proven by S3's own record of it.  The archives stay in the vault.

    :param place: the bucket, and the prefix of the keys.
    :param storage_class: the class of the objects, as S3 spells it.
    :param executor: what copies the bytes; None for threads of this process.
    """

    kind = "migrate"

    def __init__(
        self,
        archives: Sequence[ArchiveRecord],
        *,
        vault: str,
        tier: str,
        place: Place,
        storage_class: str,
        objects: ObjectStore,
        destination: str,
        tracker: Tracker,
        log: PlanLog,
        pace: Pace | None = None,
        executor: Executor | None = None,
    ) -> None:
        self.place, self.storage_class = place, storage_class
        self._objects, self._executor = objects, executor
        super().__init__(
            archives,
            vault=vault,
            tier=tier,
            to=place.url,
            destination=destination,
            tracker=tracker,
            log=log,
            pace=pace,
        )

    def _decide(self) -> list[MoveItem]:
        existing = Existing.look(self._catalogue, self._objects, self.place, self.storage_class)
        return decide(self._archives, existing, vault=self.vault, tier=self.tier, catalogue=self._catalogue)

    # What it says

    @property
    def empty(self) -> bool:
        """Whether nothing is left to move, or to wait for."""
        return not self._having(*STATES, UNDER_WAY)

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        what, size = plural(len(self.items), "archive"), human_sum(item.size for item in self.items)
        return f"Move {what} ({size}) from {self.vault} to {self.place.url} ({self.storage_class})"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        requested = f"{human_bytes(self.bytes)} in {plural(self.requests, 'request')}"
        facts = [("price", self.quote.headline()), ("requested", requested)]
        asking = self.asking
        if self.requests:
            last = self._last.get(self.tier)
            ready = when_ready(self.tier, self._clock, last=last, largest=asking.largest)
            facts += [("tier", self.tier), ("ready", ready)]
            if self._timetable is not None:
                facts.append(("schedule", self._timetable.words()))
        for action in dict.fromkeys(item.words for kind in OTHERS for item in self._having(kind)):
            found = [item for item in self.items if item.words == action]
            words = f"{plural(len(found), 'archive')}, {human_sum(item.size for item in found)}"
            facts.append((action, f"{words}, not requested again{staged_until(found, self._clock.now())}"))
        renamed = sum(item.renamed for item in self.items)
        if renamed:
            facts.append(("keys", f"{plural(renamed, 'key')} other than the name; the table has all"))
        if asking.out or asking.out_unsized:
            time = download_time(
                asking.out, self._timetable, self._catalogue, self._clock, max_rate=self._tracker.max_rate
            )
            destination = destination_words(self._prices, asking, self.destination)
            facts += [("copied by", destination), ("copy", time)]
        return [*facts, ("sources", f"stay in {self.vault} until {option('migrated', True)} deletes them")]

    def _head(self) -> Sequence[str]:
        return ("name", "size", "what happens", "object")

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (item.archive.name or item.archive.archive_id, human_bytes(item.size), item.words, item.place)
            for item in self.items[:SHOWN]
        ]

    @property
    def table(self) -> pd.DataFrame:
        """One row an archive: name, size, archive_id, tree_hash, action, bucket, key, job_id."""
        import pandas as pd

        columns = {
            "name": [item.archive.name for item in self.items],
            "size": [item.size for item in self.items],
            "archive_id": [item.archive.archive_id for item in self.items],
            "tree_hash": [item.archive.tree_hash for item in self.items],
            "action": [item.words for item in self.items],
            "bucket": [item.bucket for item in self.items],
            "key": [item.object_key for item in self.items],
            "job_id": [item.job.job_id if item.job else None for item in self.items],
        }
        return marked(pd.DataFrame(columns).astype({"size": "Int64"}))

    # What it does

    def _run(self) -> Batch:
        self._tracker.actions.copy_with(self._executor)
        return super()._run()

    def _record(self, item: MoveItem, number: int) -> None:
        self._catalogue.moved.add(
            MovedObject(
                download=number,
                bucket=item.bucket,
                key=item.object_key,
                region=self._objects.region,
                storage_class=self.storage_class,
                metadata=json.dumps(labels(item.archive)),
            )
        )
