"""Leases: a process has a row to itself until it releases the lease or stops renewing it."""

from __future__ import annotations

from .database import Database

LEASE_SECONDS = 30.0
"""Seconds without a renewal after which a lease expires."""


class Leases:
    """The leases of the rows of a table with the columns ``owner`` and ``lease_until``."""

    def __init__(self, database: Database, table: str) -> None:
        self._database, self._table = database, table

    def claim(self, row: int, owner: str) -> bool:
        """Take the lease of a row; return False if another process has it."""
        now = self._database.now()
        changed = self._database.execute(
            f"UPDATE {self._table} SET owner=?, lease_until=? "
            "WHERE id=? AND (owner IS NULL OR owner=? OR lease_until<?)",  # one statement: no race
            (owner, now + LEASE_SECONDS, row, owner, now),
        )
        return changed > 0

    def held(self, row: int) -> bool:
        """Return whether a process has the lease of a row."""
        sql = f"SELECT 1 FROM {self._table} WHERE id=? AND owner IS NOT NULL AND lease_until>=?"
        return self._database.row(sql, (row, self._database.now())) is not None

    def renew(self, row: int, owner: str) -> None:
        """Renew the lease of a row."""
        self._database.execute(
            f"UPDATE {self._table} SET lease_until=? WHERE id=? AND owner=?",
            (self._database.now() + LEASE_SECONDS, row, owner),
        )

    def release(self, row: int, owner: str) -> None:
        """Release the lease of a row."""
        self._database.execute(
            f"UPDATE {self._table} SET owner=NULL, lease_until=NULL WHERE id=? AND owner=?", (row, owner)
        )
