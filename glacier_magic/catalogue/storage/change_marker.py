"""Whether anything was written since one last looked: by this process or by another."""

from __future__ import annotations

from .database import Database


class Changes:
    """Tells the state of a database apart from that before, without reading a table."""

    def __init__(self, database: Database) -> None:
        self._database, self._told = database, True

    def marker(self) -> tuple[int, ...] | None:
        """Return what is another after every write; None where the database does not tell.

        SQLite counts the rows that this connection has written, and the commits of others that it
        has seen.
        """
        if not self._told:
            return None
        try:
            mine = self._database.row("SELECT total_changes() AS number")
            others = self._database.row("PRAGMA data_version")
        except Exception:  # another database, with errors of its own
            self._database.row("SELECT 1 AS number")  # raises what is wrong, unless it was that
            self._told = False
            return None
        return (int(mine[0]), int(others[0])) if mine and others else None
