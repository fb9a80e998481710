"""Which inventories were read, and how old what they say is."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .database import Database, Scope


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """One inventory that was read: its own date, when it was read, what it held."""

    vault: str
    job_id: str
    made: int | None
    loaded: int
    archives: int
    bytes: int


class Inventories:
    """The inventories of one account and region."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._key = (scope.account, scope.region)

    def record(
        self, *, vault: str, job_id: str, made: int | None, archives: int, size: int
    ) -> None:
        """Note that the output of an inventory job is in the catalogue."""
        self._database.execute(
            "INSERT OR REPLACE INTO inventories VALUES(?,?,?,?,?,?,?,?)",
            (*self._key, vault, job_id, made, int(time.time() * 1000), archives, size),
        )

    def newest(self, vault: str) -> Inventory | None:
        """Return the inventory with the latest date of its own, or None."""
        row = self._database.row(
            "SELECT vault, job_id, made, loaded, archives, bytes FROM inventories "
            "WHERE account=? AND region=? AND vault=? ORDER BY made DESC, loaded DESC",
            (*self._key, vault),
        )
        return None if row is None else Inventory(**dict(row))

    def has(self, vault: str, job_id: str) -> bool:
        """Tell whether the output of this job has been read."""
        sql = "SELECT 1 FROM inventories WHERE account=? AND region=? AND vault=? AND job_id=?"
        return self._database.row(sql, (*self._key, vault, job_id)) is not None
