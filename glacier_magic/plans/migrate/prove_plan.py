"""The plan to prove moves again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ...base.bucket_names import SCHEME, BucketFolder
from ...base.dataframes import marked
from ...base.rendering import SHOWN, Rendered, escape, html_table, text_table
from ...base.units import human_bytes, plural
from ...catalogue.records.moved_records import CONFLICT, PROVEN, STORED, object_url
from ...errors import CredentialsError, GlacierError, InputError, Unavailable
from ...errors.steps import step
from ...prices import Quote, QuoteLine
from ...service.buckets import BucketEntry
from ...service.object_store import buckets_in
from ...transfer.crew import Child
from ...transfer.engine import Engine
from ...transfer.migrate.prover import RANGE, Move, Prover, Verdict, ask_each
from ...transfer.migrate.proving import READ_BACK, SENT, STORED_AS_SENT
from ...transfer.progress import Count, Meter, Report
from ..base import PlanLog
from ..lasting_plan import LastingPlan
from ..restore.object_plan import DAYS
from ..restore.object_quoting import NO_EXPEDITED, ObjectAsking, by_class, quote_objects, when_restored

if TYPE_CHECKING:
    import pandas as pd

LEVELS = ("none", "sent", "stored", "at rest", "read back")
"""The levels of proof as people read them."""
READ, RESTORE, RESTORING = "read", "restore", "being restored"


@dataclass(frozen=True)
class _Item:
    """A move to prove: what happens to its object, and where that is by a list of the bucket."""

    move: Move
    action: str
    entry: BucketEntry | None = None

    @property
    def size(self) -> int:
        return self.move[1].size or 0


class Proved(Rendered):
    """The outcome of a proof: a verdict on each move that was looked at.

    :param waiting: how many restores, or jobs of S3, have to end before the rest is known.
    :param note: what to do then, as a sentence.
    """

    def __init__(self, verdicts: Sequence[Verdict], waiting: int, note: str) -> None:
        self.verdicts, self.waiting, self._note = list(verdicts), waiting, note

    @property
    def failed(self) -> list[Verdict]:
        """The moves whose objects are gone, differ, or could not be looked at."""
        return [verdict for verdict in self.verdicts if verdict.error is not None]

    @property
    def failure(self) -> GlacierError | None:
        """The error about all of those, of the type of the first; None without one."""
        first = next((verdict.error for verdict in self.failed), None)
        if first is None:
            return None
        count = f"{len(self.failed):,} of {plural(len(self.verdicts), 'object')} not proven"
        return type(first)(f"{count}: {first.message}", cure=first.cure, code=first.code)

    @property
    def table(self) -> pd.DataFrame:
        """One row an object: name, archive_id, bucket, key, proof (0 to 4), error."""
        import pandas as pd

        rows = [
            (v.download.name, v.download.archive_id, v.moved.bucket, v.moved.key, v.moved.proof, v.why)
            for v in self.verdicts
        ]
        columns = ["name", "archive_id", "bucket", "key", "proof", "error"]
        return marked(pd.DataFrame(rows, columns=columns))

    @property
    def words(self) -> str:
        """The outcome in sentences."""
        levels = Counter(verdict.moved.proof for verdict in self.verdicts if verdict.error is None)
        counts = [f"{count:,} {LEVELS[level]}" for level, count in sorted(levels.items())]
        counts += [f"{len(self.failed):,} not proven"] if self.failed else []
        words = [f"{plural(len(self.verdicts), 'object')}: {', '.join(counts)}."] if self.verdicts else []
        if levels[SENT]:
            why = "what was sent is not known, or no inventory has the hash"
            reading = step("migrations", f"--prove --level {READ_BACK}")
            words.append(f"What is only sent is not proven so: {why}. {reading} reads what has one.")
        if self.waiting:
            words.append(self._note)
        return " ".join(words) or "Nothing was looked at."

    def _errors(self) -> list[tuple[str, ...]]:
        return [(v.download.name, v.moved.url, v.why or "") for v in self.failed[:SHOWN]]

    def _repr_text(self) -> str:
        return "\n".join([self.words, *([text_table(_FAILED, self._errors())] if self.failed else [])])

    def _repr_html(self) -> str:
        table = html_table(_FAILED, self._errors(), long=(0, 1, 2)) if self.failed else ""
        return f"<p>{escape(self.words)}</p>{table}"


_FAILED = ("name", "object", "why not")


class ProvePlan(LastingPlan[Proved]):
    """Moves to prove again; no object is asked for until ``run()``.

    To read them back, objects of archive classes are restored first: the run requests the restores that
    are missing and reads what can be read, and a second one, hours later, reads the rest.

    :param moves: those to choose from.
    :param level: the level of proof: 2 by S3's record, 4 by reading the objects.
    :param tier: of the restores.
    :param destination: where this computer is.
    :raises InputError: there is no such level, or tier for one of them.
    """

    kind = "prove"
    button = "Prove"

    def __init__(
        self,
        moves: Sequence[Move],
        *,
        vault: str,
        level: int,
        tier: str,
        destination: str,
        engine: Engine,
        log: PlanLog,
    ) -> None:
        super().__init__(log)
        if level not in (STORED_AS_SENT, READ_BACK):
            raise InputError(f"There is no proof of level {level}", cure="The levels are 2, 3 and 4.")
        self.vault, self.level, self.tier, self.destination = vault, level, tier, destination
        self._engine, self._clock = engine, log.clock
        # What was damaged or gone is believed again only when its bytes were read.
        steps = (STORED, PROVEN, CONFLICT) if level == READ_BACK else (STORED, PROVEN)
        self._moves = [move for move in moves if move[0].step in steps and move[0].etag is not None]
        self._decide_again()

    def _decide_again(self) -> None:
        entries = self._listed() if self.level == READ_BACK else {}
        self.items = [
            _Item(move, _action(entries.get(move[0].url)), entries.get(move[0].url)) for move in self._moves
        ]
        if self.tier == "Expedited" and self._restores.deep:
            raise InputError(NO_EXPEDITED, cure="Use another tier.")

    def _listed(self) -> dict[str, BucketEntry]:
        """Return the objects by their URLs; a request lists 1,000."""
        found, wanted = {}, {moved.url for moved, _ in self._moves}
        for region, place in dict.fromkeys((moved.region, row.root) for moved, row in self._moves):
            for entry in buckets_in(self._engine.service, region).entries(place):
                url = object_url(BucketFolder.read(place).bucket, entry.id.key)
                if url in wanted:
                    found[url] = entry
        return found

    # What it says

    def _having(self, *actions: str) -> list[_Item]:
        return [item for item in self.items if item.action in actions]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to look at."""
        return not self._having(READ, RESTORE)

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        how = "by reading them" if self.level == READ_BACK else "by what S3 records"
        size = human_bytes(sum(item.size for item in self.items))
        return f"Prove {plural(len(self.items), 'object')} ({size}) of {self.vault} {how}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        facts = [("price", self.quote.headline())]
        if self.level == STORED_AS_SENT:
            return [*facts, ("compared", "size, version, parts and checksums, without reading any object")]
        facts.append(("compared", "the tree hash of all bytes with that of the inventory"))
        restored = self._having(RESTORE)
        if restored:
            later = self._reading([replace(item, action=READ) for item in restored])
            facts += [
                ("restored first", f"{plural(len(restored), 'object')}, {self.tier}"),
                ("ready", when_restored(self._restores, self.tier, self._clock)),
                ("reading them then", later.headline()),
            ]
        if waiting := self._having(RESTORING):
            facts.append(("being restored", f"{plural(len(waiting), 'object')}, not requested again"))
        return facts

    @property
    def _restores(self) -> ObjectAsking:
        items = self._having(RESTORE)
        restored = by_class((item.entry.id.text, item.size) for item in items if item.entry)
        return ObjectAsking(
            requests=len(items), bytes=sum(item.size for item in items), days=DAYS, restored=restored
        )

    def _reading(self, items: Sequence[_Item]) -> Quote:
        """Return the price of S3's record of objects, and of their bytes where those are read."""
        records = sum(1 + _parts_of(item.move) // 1000 for item in items)
        if self.level == STORED_AS_SENT:
            figure = self._prices.figure("s3-standard-get-requests")
            return Quote((QuoteLine(figure, Decimal(records) / 1000),))
        read: dict[str, int] = {}
        for item in items:
            if item.entry is not None and not item.entry.id.archived:
                kind = item.entry.id.storage_class
                read[kind] = read.get(kind, 0) + item.size
        outputs = records + sum(-(-item.size // RANGE) for item in items)
        out = sum(item.size for item in items)
        asking = ObjectAsking(requests=0, bytes=0, out=out, outputs=outputs, days=DAYS, read=read)
        return quote_objects(self._prices, asking, self.tier, self.destination)

    @property
    def quote(self) -> Quote:
        """The price of a run, line by line."""
        quote = self._reading(self._having(READ))
        if self._restores.requests:
            quote += quote_objects(self._prices, self._restores, self.tier, self.destination)
        return quote

    def promised(self) -> dict[str, Any]:
        """Return the record of the promise, JSON-serializable."""
        size = sum(item.size for item in self.items)
        return {**super().promised(), "archives": len(self.items), "bytes": size, "level": self.level}

    def happened(self, result: Proved) -> dict[str, Any]:
        """Return how many objects were proven, and how many not."""
        return {"proven": len(result.verdicts) - len(result.failed), "failed": len(result.failed)}

    def _head(self) -> Sequence[str]:
        return ("name", "size", "proof", "what happens", "object")

    def _cells(self) -> list[tuple[str, ...]]:
        words = {READ: "proven"} if self.level == STORED_AS_SENT else {}
        return [
            (
                item.move[1].name,
                human_bytes(item.size),
                LEVELS[item.move[0].proof],
                words.get(item.action, item.action),
                item.move[0].url,
            )
            for item in self.items[:SHOWN]
        ]

    def _count(self) -> int:
        return len(self.items)

    @property
    def table(self) -> pd.DataFrame:
        """One row an object: name, size, archive_id, proof, action, bucket, key."""
        import pandas as pd

        rows = [
            (row.name, row.size, row.archive_id, moved.proof, item.action, moved.bucket, moved.key)
            for item in self.items
            for moved, row in (item.move,)
        ]
        columns = ["name", "size", "archive_id", "proof", "action", "bucket", "key"]
        return marked(pd.DataFrame(rows, columns=columns).astype({"size": "Int64"}))

    def _asked(self) -> frozenset[str]:
        return frozenset(item.move[0].url for item in self._having(RESTORE))

    def _run(self) -> Proved:
        self._stop.clear()
        refused = self._restored()
        read, by_bytes = self._having(READ), self.level == READ_BACK
        ending = Child(self._stop)
        prover = Prover(self._engine, self.level, ending)
        total = sum(item.size for item in read) if by_bytes else len(read)
        meter = Meter("proving", total, self._report, report=Report if by_bytes else Count)

        def prove(item: _Item, meter: Meter) -> Verdict:
            verdict = prover.prove(item.move, meter)
            meter.moved(0 if by_bytes else 1)
            return verdict

        verdicts = list(ask_each(self._engine, read, prove, meter=meter, stop=ending))
        waiting = len(self._having(RESTORE, RESTORING)) - len(refused)
        again = step("migrations", f"--prove --level {READ_BACK}")
        note = f"{plural(waiting, 'object')} being restored: {again} reads them then."
        return Proved([*refused, *verdicts], waiting, note)

    def _restored(self) -> list[Verdict]:
        """Request the missing restores; return those that are refused."""
        refused = []
        for item in self._having(RESTORE):  # what runs already is not charged again
            (moved, download), entry = item.move, item.entry
            assert entry is not None
            try:
                buckets = buckets_in(self._engine.service, moved.region)
                buckets.restore(f"{SCHEME}{moved.bucket}", entry.id.text, self.tier, DAYS)
            except (Unavailable, CredentialsError):
                raise
            except GlacierError as error:  # one refusal must not keep the others
                refused.append(Verdict(moved, download, error))
        return refused


def _action(entry: BucketEntry | None) -> str:
    if entry is None or not entry.id.archived or entry.until is not None:
        return READ
    return RESTORING if entry.restoring else RESTORE


def _parts_of(move: Move) -> int:
    """Return the number of an object's parts, as its checksum tells."""
    _, dash, count = (move[0].checksum or "").rpartition("-")
    return int(count) if dash else 0
