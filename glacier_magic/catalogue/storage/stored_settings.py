"""Settings in the catalogue."""

from __future__ import annotations

from .database import Database


class StoredSettings:
    """A persistent mapping of text to text; it never holds a credential."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> str | None:
        """Return the value of *key*, or None."""
        row = self._database.row("SELECT value FROM settings WHERE key=?", (key,))
        return None if row is None else str(row["value"])

    def put(self, key: str, value: str) -> None:
        """Set the value of *key*."""
        self._database.execute(
            "INSERT INTO settings(key, value) VALUES(?, ?) "
            "ON CONFLICT(key) DO UPDATE SET value=excluded.value",
            (key, value),
        )

    def swap(self, key: str, before: str, after: str) -> bool:
        """Set the value of *key* if it is *before*, or missing; return whether it was set."""
        sql = "INSERT INTO settings(key, value) VALUES(?, ?) ON CONFLICT(key) "
        sql += "DO UPDATE SET value=excluded.value WHERE settings.value=?"
        return self._database.execute(sql, (key, after, before)) > 0
