"""Small facts worth keeping between sessions: the last connection, the vault in use."""

from __future__ import annotations

from .database import Database


class StoredSettings:
    """A persistent mapping of text to text; never holds a credential."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> str | None:
        """Return the value kept under *key*, or None."""
        row = self._database.row("SELECT value FROM settings WHERE key=?", (key,))
        return None if row is None else str(row["value"])

    def put(self, key: str, value: str) -> None:
        """Keep *value* under *key*."""
        self._database.execute(
            "INSERT INTO settings(key, value) VALUES(?, ?) "
            "ON CONFLICT(key) DO UPDATE SET value=excluded.value",
            (key, value),
        )
