"""The plan to let S3 hash what it stores, and to compare that with what was sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ...base.dataframes import marked
from ...base.rendering import SHOWN
from ...base.units import human_bytes, human_sum, plural
from ...errors import GlacierError, InputError
from ...errors.scrubbing import mask_account
from ...errors.steps import option, step
from ...prices import Quote, QuoteLine
from ...prices.quotes import gigabytes
from ...service.hashing_jobs import RUNNING
from ...transfer.engine import Engine
from ...transfer.migrate.at_rest import RestingProof, grouped, provable
from ...transfer.migrate.prover import Move
from ...transfer.migrate.proving import AT_REST
from ..base import Plan, PlanLog
from .prove_plan import LEVELS, Proved

if TYPE_CHECKING:
    import pandas as pd

_ROLE = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]{1,512}")


class RestPlan(Plan[Proved]):
    """Moves whose objects S3 is to hash where they are: nothing is requested until ``run()``.

    While jobs run, or have reports that were not read, a run reads the reports and requests nothing.

    :param moves: those to choose from; what is not proven at the second level is left out.
    :param role: the ARN of the role that reads the objects for S3; not needed to read reports.
    :raises InputError: the role is no such ARN.
    """

    kind = "prove"
    button = "Prove"

    def __init__(
        self, moves: Sequence[Move], *, vault: str, role: str | None, engine: Engine, log: PlanLog
    ) -> None:
        super().__init__(log)
        if role is not None and not _ROLE.fullmatch(role):
            raise InputError(f"{role!r:.80} is no role", cure="Write arn:aws:iam::ACCOUNT:role/NAME.")
        self.vault, self.role = vault, role
        self._proof = RestingProof(engine, vault)
        self._moves = [move for move in moves if provable(move)]
        self._left_out = len(moves) - len(self._moves)
        self._decide_again()

    def _decide_again(self) -> None:
        regions = sorted({moved.region for moved, _ in self._moves})
        self.jobs = self._proof.open_jobs(regions)
        self.items = [] if self.jobs else self._moves

    @property
    def _running(self) -> int:
        return sum(job.state == RUNNING for job in self.jobs)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to request, and no report to read."""
        return not self.items and self._running == len(self.jobs)

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        if self.jobs:
            ended = plural(len(self.jobs) - self._running, "report")
            return f"Read {ended} of jobs that hash the objects of {self.vault} at rest"
        size = human_sum(row.size for _, row in self.items)
        return f"Let S3 hash {plural(len(self.items), 'object')} ({size}) of {self.vault} at rest"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        facts = [("price", self.quote.headline())]
        if self._running:
            facts.append(("under way", f"{plural(self._running, 'job')}: repeat this when they have ended"))
        if self.items:
            facts += [
                ("requested", plural(len(grouped(self.items)), "job")),
                (
                    "compared",
                    "the checksum of the stored bytes with what was sent; nothing is read or restored",
                ),
                ("role", mask_account(self.role) if self.role else f"none: {option('role', 'ARN')}"),
            ]
        if self._left_out:
            words = f"{plural(self._left_out, 'move')} not proven by S3's record"
            facts.append(("left out", f"{words}: {step('migrations', '--prove')}"))
        return facts

    @property
    def quote(self) -> Quote:
        """The price of a run, line by line."""
        if not self.items:
            return Quote()
        groups = len(grouped(self.items))
        size = sum(row.size or 0 for _, row in self.items)
        amounts = {
            "batch-jobs": Decimal(groups) / 1000,
            "batch-objects": Decimal(len(self.items)) / 1000,
            "compute-checksum": gigabytes(size),
            "s3-standard-put-requests": Decimal(groups) / 1000,
        }
        return Quote(tuple(QuoteLine(self._prices.figure(item), amount) for item, amount in amounts.items()))

    @property
    def refused(self) -> GlacierError | None:
        """The error that :meth:`run` would raise now: over its limit, or without a role."""
        return super().refused or self._without_role

    @property
    def _without_role(self) -> GlacierError | None:
        if self.role is not None or not self.items:
            return None
        return InputError("S3 needs a role that reads the objects", cure=f"Add {option('role', 'ARN')}.")

    def promised(self) -> dict[str, Any]:
        """Return the record of the promise, JSON-serializable."""
        size = sum(row.size or 0 for _, row in self.items)
        return {**super().promised(), "archives": len(self.items), "bytes": size, "level": AT_REST}

    def happened(self, result: Proved) -> dict[str, Any]:
        """Return how many objects were proven, and how many not."""
        return {"proven": len(result.verdicts) - len(result.failed), "failed": len(result.failed)}

    def _head(self) -> Sequence[str]:
        return ("name", "size", "proof", "object")

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (row.name, human_bytes(row.size), LEVELS[moved.proof], moved.url)
            for moved, row in self.items[:SHOWN]
        ]

    def _count(self) -> int:
        return len(self.items)

    @property
    def table(self) -> pd.DataFrame:
        """One row an object: name, size, archive_id, proof, bucket, key."""
        import pandas as pd

        rows = [(r.name, r.size, r.archive_id, m.proof, m.bucket, m.key) for m, r in self.items]
        columns = ["name", "size", "archive_id", "proof", "bucket", "key"]
        return marked(pd.DataFrame(rows, columns=columns).astype({"size": "Int64"}))

    def _asked(self) -> frozenset[str]:
        return frozenset(moved.url for moved, _ in self.items)

    def _run(self) -> Proved:
        if self._without_role is not None:
            raise self._without_role
        ended = [job for job in self.jobs if job.state != RUNNING]
        verdicts = [verdict for job in ended for verdict in self._proof.read(job)]
        groups = grouped(self.items)
        for group, objects in groups.items():
            self._proof.request(group, objects, self.role or "")
        waiting = self._running + len(groups)
        again = step("migrations", f"--prove --level {AT_REST}")
        return Proved(
            verdicts, waiting, f"{plural(waiting, 'job')} under way: {again} reads the report then."
        )
