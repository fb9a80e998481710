"""Who drives a row: one process at a time, until it has not been heard of for a while."""

from __future__ import annotations

from .database import Database

LEASE_SECONDS = 30.0
"""A process that has not renewed its hold on a row for this long is taken for dead."""


class Leases:
    """The holds on the rows of one table with the columns ``owner`` and ``lease_until``."""

    def __init__(self, database: Database, table: str) -> None:
        self._database, self._table = database, table

    def claim(self, row: int, owner: str) -> bool:
        """Take the right to drive a row, unless another living process has it."""
        now = self._database.now()
        changed = self._database.execute(
            f"UPDATE {self._table} SET owner=?, lease_until=? "
            "WHERE id=? AND (owner IS NULL OR owner=? OR lease_until<?)",
            (owner, now + LEASE_SECONDS, row, owner, now),
        )
        return changed > 0

    def renew(self, row: int, owner: str) -> None:
        """Extend the hold of a living process."""
        self._database.execute(
            f"UPDATE {self._table} SET lease_until=? WHERE id=? AND owner=?",
            (self._database.now() + LEASE_SECONDS, row, owner),
        )

    def release(self, row: int, owner: str) -> None:
        """Let go of a row."""
        self._database.execute(
            f"UPDATE {self._table} SET owner=NULL, lease_until=NULL WHERE id=? AND owner=?", (row, owner)
        )
