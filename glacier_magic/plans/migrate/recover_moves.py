"""The plan to learn the moves of a lost catalogue from their objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from ...base.bucket_names import BucketFolder
from ...base.dataframes import marked
from ...base.rendering import SHOWN
from ...base.units import human_bytes, human_sum, plural
from ...catalogue.records.moved_records import CONFLICT
from ...errors.steps import step
from ...prices import Quote, QuoteLine
from ...service.object_store import ObjectStore, ObjectToWrite
from ...transfer.crew import Child
from ...transfer.engine import Engine
from ...transfer.migrate.object_keys import OWN
from ...transfer.migrate.prover import ask_each
from ...transfer.migrate.recovered import ELSEWHERE, OTHER, TAKEN, kind_of, record_recovered
from ...transfer.progress import Count, Meter
from ..base import PlanLog
from ..lasting_plan import LastingPlan

if TYPE_CHECKING:
    import pandas as pd

PAGE = 1_000
"""Objects in a list, which is one request."""


class RecoverMovesPlan(LastingPlan[str]):
    """Objects to be asked for the archives that they were: the bucket is listed, and nothing else, before
    ``run()``.

    :param vault: the vault whose moves are recorded; other objects are counted.
    """

    kind = "recover"
    button = "Recover"

    def __init__(
        self, vault: str, place: BucketFolder, *, objects: ObjectStore, engine: Engine, log: PlanLog
    ) -> None:
        super().__init__(log)
        self.vault, self.place = vault, place
        self._objects, self._engine = objects, engine
        self._owner = engine.catalogue.scope.account
        self._listed = {
            key: size
            for key, size in objects.keys(place.bucket, place.prefix, self._owner)
            if not key.startswith(place.prefix + OWN)
        }
        self.found: Counter[str] = Counter()
        """After a run, how many objects are moves of the vault, of other vaults, and something else."""
        self._decide_again()

    def _decide_again(self) -> None:
        moves = self._engine.catalogue.moved.in_bucket(self.place.bucket)
        known = {moved.key for moved in moves if moved.etag is not None or moved.step != CONFLICT}
        self.keys = [key for key in self._listed if key not in known]

    @property
    def empty(self) -> bool:
        """Whether the catalogue knows all objects."""
        return not self.keys

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        what, size = plural(len(self.keys), "object"), human_sum(self._listed[key] for key in self.keys)
        return f"Learn what was moved to {self.place.name} from the metadata of {what} ({size})"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        count, lists = len(self._listed), max(1, -(-len(self._listed) // PAGE))
        known = count - len(self.keys)
        return [
            ("price", self.quote.headline()),
            ("listed", f"{plural(count, 'object')}, {plural(lists, 'request')} made for this plan"),
            *([("known already", plural(known, "object"))] if known else []),
            ("recorded", f"as sent, which deletes no source: {step('migrations', '--prove')} proves them"),
        ]

    @property
    def quote(self) -> Quote:
        """The price of a run: a request an object."""
        requests = Decimal(len(self.keys)) / 1000
        return Quote((QuoteLine(self._prices.figure("s3-standard-get-requests"), requests),))

    def promised(self) -> dict[str, Any]:
        """Return the record of the promise, JSON-serializable."""
        return {**super().promised(), "requests": len(self.keys)}

    def happened(self, result: str) -> dict[str, Any]:
        """Return how many objects are moves of the vault, of other vaults, and something else."""
        return {"words": result, **self.found}

    def _head(self) -> Sequence[str]:
        return ("key", "size")

    def _cells(self) -> list[tuple[str, ...]]:
        return [(key, human_bytes(self._listed[key])) for key in self.keys[:SHOWN]]

    def _count(self) -> int:
        return len(self.keys)

    @property
    def table(self) -> pd.DataFrame:
        """One row an object: key, size."""
        import pandas as pd

        sizes = [self._listed[key] for key in self.keys]
        return marked(pd.DataFrame({"key": self.keys, "size": sizes}))

    def _run(self) -> str:
        self._stop.clear()
        ending, self.found = Child(self._stop), Counter()
        meter = Meter("reading metadata", len(self.keys), self._report, report=Count)
        self.found.update(
            ask_each(self._engine, self.keys, partial(self._ask, ending), meter=meter, stop=ending)
        )
        counts = [f"{self.found[kind]:,} {kind}" for kind in (TAKEN, ELSEWHERE, OTHER) if self.found[kind]]
        return f"{plural(len(self.keys), 'object')}: {', '.join(counts) or 'nothing to learn'}."

    def _ask(self, ending: Child, key: str, meter: Meter) -> str:
        new = ObjectToWrite(bucket=self.place.bucket, key=key, owner=self._owner, storage_class="")
        found = self._engine.budget.call(lambda: self._objects.head(new), ending, meter.note)
        meter.moved(1)
        if found is None:
            return "gone"
        kind = kind_of(found[1], self.vault)
        if kind == TAKEN:
            record_recovered(self._engine.catalogue, self.place, self._objects.region, key, found)
        return kind
