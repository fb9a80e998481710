"""One SQLite file: opened safely, brought to the current version, used by many threads."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CatalogueError, LocalError
from .schema import MIGRATIONS

APPLICATION_ID = 0x676C6163
"""Written into the file's header, so that a stranger's database is never taken for ours."""


@dataclass(frozen=True)
class Scope:
    """Account (12 digits) and region that rows belong to."""

    account: str
    region: str


class Database:
    """A connection that all threads share, one statement or transaction at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                path.touch(mode=0o600)
            self._connection = sqlite3.connect(
                path, timeout=30, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise CatalogueError(
                f"The catalogue {path} cannot be opened: {error}",
                cure="Check the folder's permissions, or set GLACIER_MAGIC_CATALOGUE to a file "
                "that can be written.",
            ) from None
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise CatalogueError(
                f"The catalogue {path} is damaged: {error}",
                cure="Move it aside and connect again: names come back with %glacier inventory, "
                "running jobs with %glacier jobs.",
            ) from None
        except CatalogueError:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        # FULL: an archive id that the service answered must survive a power cut as well.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        with self.transaction():
            version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
            owner: int = self._connection.execute("PRAGMA application_id").fetchone()[0]
            empty = not self._connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            if not empty and owner != APPLICATION_ID:
                raise CatalogueError(f"{self.path} is a database of another program", cure="")
            if version > len(MIGRATIONS):
                raise CatalogueError(
                    f"The catalogue {self.path} was written by a newer version of glacier_magic",
                    cure="Upgrade with: pip install -U glacier_magic",
                )
            for step in MIGRATIONS[version:]:
                for statement in step.split(";\n"):
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            self._connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the block as one transaction that is kept whole or not at all."""
        with self._lock:
            nested = self._connection.in_transaction
            if not nested:
                self._execute("BEGIN IMMEDIATE", ())
            try:
                yield self._connection
            except BaseException:
                if not nested:
                    self._connection.execute("ROLLBACK")
                raise
            if not nested:
                self._execute("COMMIT", ())

    def execute(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> int:
        """Run one statement; return how many rows it changed."""
        with self._lock:
            return self._execute(sql, values).rowcount

    def insert(self, sql: str, values: Sequence[Any] | dict[str, Any]) -> int:
        """Run an INSERT; return the id of the new row."""
        with self._lock:
            return self._execute(sql, values).lastrowid or 0

    def rows(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._lock:
            return self._execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> sqlite3.Row | None:
        """Return the first row of a query, or None."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def _execute(self, sql: str, values: Sequence[Any] | dict[str, Any]) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, values)
        except sqlite3.OperationalError as error:
            if "full" in str(error) or "locked" in str(error) or "readonly" in str(error):
                raise LocalError(
                    f"The catalogue {self.path} cannot be written: {error}",
                    cure="Free some space or close the program that holds it, and repeat.",
                ) from None
            raise

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()
