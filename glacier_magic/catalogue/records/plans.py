"""Plans that were run: what was promised, and what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...base.units import storable
from ..storage.database import Database, Scope


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What came of the downloads of a restore: numbers, bytes, and when the last one ended.

    :param asked: jobs that the plan asked for, and so paid.
    :param still: downloads that have not ended.
    """

    asked: int = 0
    bytes_asked: int = 0
    verified: int = 0
    bytes_verified: int = 0
    failed: int = 0
    expired: int = 0
    forgotten: int = 0
    still: int = 0
    ended: int | None = None


@dataclass(frozen=True, kw_only=True)
class PlanRecord:
    """One plan that was run; times in milliseconds since 1970 UTC.

    :param happened: as the plan told when it was done; None before, and for a restore.
    """

    id: int
    vault: str
    kind: str
    made: int
    run: int
    promised: Mapping[str, Any]
    happened: Mapping[str, Any] | None
    error: str | None
    ended: int | None
    tally: Tally = field(default_factory=Tally)

    @property
    def state(self) -> str:
        """One of under way, not finished, done, incomplete (some did not come), stopped, failed.

        What is not finished runs at this moment, or stopped with its process.
        """
        if self.error is not None:
            return "failed"
        if self.ended is None and self.kind != "restore":
            return "not finished"
        if self.tally.still:
            return "under way"
        if self.tally.failed or self.tally.expired:
            return "incomplete"
        return "stopped" if self.tally.forgotten else "done"


_COLUMNS = "id, vault, kind, made, run, promised, happened, error, ended"
_TALLY = (
    "plan, SUM(CASE WHEN job_id IS NULL THEN 0 ELSE 1 END) AS asked, "
    "SUM(CASE WHEN job_id IS NULL THEN 0 ELSE COALESCE(size, 0) END) AS bytes_asked, "
    "SUM(CASE WHEN outcome IN ('verified', 'unverified') THEN COALESCE(size, 0) ELSE 0 END) "
    "AS bytes_verified, "
    "SUM(CASE WHEN outcome IN ('verified', 'unverified') THEN 1 ELSE 0 END) AS verified, "
    + "".join(
        f"SUM(CASE WHEN outcome='{outcome}' THEN 1 ELSE 0 END) AS {outcome}, "
        for outcome in ("failed", "expired", "forgotten")
    )
    + "SUM(CASE WHEN outcome IS NULL THEN 1 ELSE 0 END) AS still, MAX(ended) AS ended"
)


class Plans:
    """The plans of one account and region."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._key = (scope.account, scope.region)

    def begin(self, kind: str, vault: str, promised: Mapping[str, Any], *, made: int, run: int) -> int:
        """Write a plan that is about to be run; return our number for it.

        Written in one transaction with what the plan intends, both are there or neither is.
        """
        return self._database.insert(
            "INSERT INTO plans(account, region, vault, kind, made, run, promised) VALUES(?,?,?,?,?,?,?)",
            (*self._key, vault, kind, made, run, storable(json.dumps(promised))),
        )

    def end(
        self, plan: int, ended: int, *, happened: Mapping[str, Any] | None = None, error: str | None = None
    ) -> None:
        """Write how the running of a plan ended."""
        told = None if happened is None else storable(json.dumps(happened))
        self._database.execute(
            "UPDATE plans SET happened=?, error=?, ended=? WHERE id=?",
            (told, None if error is None else storable(error), ended, plan),
        )

    # Restores

    def link(self, plan: int, downloads: Iterable[tuple[int, bool, int | None]]) -> None:
        """Let a plan hear what comes of downloads: our number, whether it is asked for, bytes."""
        with self._database.transaction():
            for download, asking, size in downloads:
                self._database.execute(
                    "INSERT INTO plan_downloads(plan, download, asking, size) VALUES(?,?,?,?)",
                    (plan, download, int(asking), size),
                )

    def asked(self, download: int, job_id: str) -> None:
        """Note the job that the service answered to the plan that promised to ask."""
        self._database.execute(
            "UPDATE plan_downloads SET job_id=? WHERE download=? AND asking=1 AND outcome IS NULL",
            (job_id, download),
        )

    def settled(self, download: int, outcome: str, ended: int | None, error: str | None) -> None:
        """Note how a download ended, in every plan that waits for it."""
        self._database.execute(
            "UPDATE plan_downloads SET outcome=?, ended=?, error=? WHERE download=? AND outcome IS NULL",
            (outcome, int(time.time() * 1000) if ended is None else ended, error, download),
        )

    # Reading

    def recent(self, limit: int = 20) -> list[PlanRecord]:
        """Return the plans that were run last, the newest first."""
        return self._select("1=1 ORDER BY run DESC, id DESC LIMIT ?", (limit,))

    def get(self, plan: int) -> PlanRecord | None:
        """Return one plan by our number for it."""
        found = self._select("id=?", (plan,))
        return found[0] if found else None

    def errors(self, plan: int, limit: int = 20) -> list[tuple[str, str, str]]:
        """Return name, outcome and error of downloads of a plan that did not end well."""
        rows = self._database.rows(
            "SELECT d.name, p.outcome, p.error FROM plan_downloads p "
            "JOIN downloads d ON d.id=p.download WHERE p.plan=? "
            "AND p.outcome IN ('failed', 'expired') ORDER BY p.download LIMIT ?",
            (plan, limit),
        )
        return [(row["name"], row["outcome"], row["error"] or "") for row in rows]

    def _select(self, where: str, values: Sequence[Any]) -> list[PlanRecord]:
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM plans WHERE account=? AND region=? AND {where}", (*self._key, *values)
        )
        tallies = self._tallies([row["id"] for row in rows])
        return [_record(row, tallies.get(row["id"], Tally())) for row in rows]

    def _tallies(self, plans: Sequence[int]) -> dict[int, Tally]:
        found: dict[int, Tally] = {}
        for start in range(0, len(plans), 500):  # SQLite bounds the values of a statement
            some = plans[start : start + 500]
            rows = self._database.rows(
                f"SELECT {_TALLY} FROM plan_downloads WHERE plan IN ({','.join('?' * len(some))}) "
                "GROUP BY plan",
                some,
            )
            found |= {row["plan"]: _tally(row) for row in rows}
        return found


def _tally(row: Any) -> Tally:
    counts = [name for name in Tally.__dataclass_fields__ if name != "ended"]
    # a sum is a decimal to some databases
    return Tally(ended=row["ended"], **{name: int(row[name]) for name in counts})


def _record(row: Any, tally: Tally) -> PlanRecord:
    told = row["happened"]
    return PlanRecord(
        id=row["id"],
        vault=row["vault"],
        kind=row["kind"],
        made=row["made"],
        run=row["run"],
        promised=json.loads(row["promised"]),
        happened=None if told is None else json.loads(told),
        error=row["error"],
        ended=row["ended"],
        tally=tally,
    )
