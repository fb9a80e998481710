"""Plans that were run: what they promised, and their outcomes."""

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
    """The outcomes of the downloads of a restore: counts, bytes, and when the last one ended.

    :param asked: the jobs that the plan requested and paid.
    :param still: the downloads that have not ended.
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

    :param happened: what the plan reported at its end; None before, and for a restore.
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
    def retrieves(self) -> bool:
        """Whether it is over when its downloads are."""
        return self.kind in ("restore", "migrate")

    @property
    def state(self) -> str:
        """One of under way, not finished, done, incomplete (some failed or expired), stopped, failed.

        A plan that is not finished is running, or its process has ended.
        """
        if self.error is not None:
            return "failed"
        if self.ended is None and not self.retrieves:
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
    # A part that no hash covers is complete as well.
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
        """Write a plan that is about to run; return its number.

        Call it in the transaction that writes the plan's requests: both are recorded or neither.
        """
        return self._database.insert(
            "INSERT INTO plans(account, region, vault, kind, made, run, promised) VALUES(?,?,?,?,?,?,?)",
            (*self._key, vault, kind, made, run, storable(json.dumps(promised))),
        )

    def end(
        self, plan: int, ended: int, *, happened: Mapping[str, Any] | None = None, error: str | None = None
    ) -> None:
        """Record the outcome of a plan."""
        report = None if happened is None else storable(json.dumps(happened))
        self._database.execute(
            "UPDATE plans SET happened=?, error=?, ended=? WHERE id=?",
            (report, None if error is None else storable(error), ended, plan),
        )

    # Restores

    def link(self, plan: int, downloads: Iterable[tuple[int, bool, int | None]]) -> None:
        """Link downloads to a plan: the number of each, whether it is requested, and its bytes."""
        with self._database.transaction():
            for download, asking, size in downloads:
                self._database.execute(
                    "INSERT INTO plan_downloads(plan, download, asking, size) VALUES(?,?,?,?)",
                    (plan, download, int(asking), size),
                )

    def asked(self, download: int, job_id: str) -> None:
        """Record the job id of a download in the plan that requested it."""
        self._database.execute(
            # A plan that has its outcome keeps it when a later plan requests the archive again.
            "UPDATE plan_downloads SET job_id=? WHERE download=? AND asking=1 AND outcome IS NULL",
            (job_id, download),
        )

    def settled(self, download: int, outcome: str, ended: int | None, error: str | None) -> None:
        """Record the outcome of a download in every plan that waits for it."""
        self._database.execute(
            "UPDATE plan_downloads SET outcome=?, ended=?, error=? WHERE download=? AND outcome IS NULL",
            (outcome, int(time.time() * 1000) if ended is None else ended, error, download),
        )

    # Reading

    def recent(self, limit: int = 20) -> list[PlanRecord]:
        """Return the last plans that were run, newest first."""
        return self._select("1=1 ORDER BY run DESC, id DESC LIMIT ?", (limit,))

    def get(self, plan: int) -> PlanRecord | None:
        """Return one plan by its number, or None."""
        found = self._select("id=?", (plan,))
        return found[0] if found else None

    def errors(self, plan: int, limit: int = 20) -> list[tuple[str, str, str]]:
        """Return name, outcome and error of the failed and expired downloads of a plan."""
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
    # PostgreSQL returns a sum as a Decimal
    return Tally(ended=row["ended"], **{name: int(row[name]) for name in counts})


def _record(row: Any, tally: Tally) -> PlanRecord:
    report = row["happened"]
    return PlanRecord(
        id=row["id"],
        vault=row["vault"],
        kind=row["kind"],
        made=row["made"],
        run=row["run"],
        promised=json.loads(row["promised"]),
        happened=None if report is None else json.loads(report),
        error=row["error"],
        ended=row["ended"],
        tally=tally,
    )
