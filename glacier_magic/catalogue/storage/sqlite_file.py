"""A connection to an SQLite file: opening and migrating it, transactions and statements."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import CatalogueError, LocalError
from ...errors.steps import step
from . import schema
from .database import Database, Values, closed_error
from .holding import hold_if_copied
from .letters import composed, folded

if TYPE_CHECKING:
    from typing import Self

WORDS = schema.Words(
    key="INTEGER PRIMARY KEY",
    text="TEXT",
    bytes="BLOB",
    by_key=" WITHOUT ROWID",
    first="",  # in SQLite nulls always come first
    hash="lower(hex(a.tree_hash))",
    unhex_contents="UPDATE contents SET sha256=glacier_magic_unhex(sha256)",
)

PAGE = 8192
"""Bytes of a page: many rows are written in nine tenths of the time that smaller pages take."""

HOLDS = "glacier_magic_holds"
"""The SQL function of a text and a folded text: whether the first, folded, contains the second."""

COMPOSED = "glacier_magic_composed"
"""The SQL function :func:`.letters.composed`."""


def add_functions(connection: sqlite3.Connection) -> None:
    """Add :data:`HOLDS` and :data:`COMPOSED` to a connection, and what its migration needs."""
    connection.create_function("glacier_magic_unhex", 1, bytes.fromhex, deterministic=True)
    connection.create_function(COMPOSED, 1, lambda text: text and composed(text), deterministic=True)
    connection.create_function(HOLDS, 2, lambda text, part: part in folded(text), deterministic=True)


class SqliteFile(Database):
    """A connection to one file."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                path.touch(mode=0o600)  # SQLite would let others read it
            self._connection = sqlite3.connect(
                path,
                timeout=30,  # seconds that a writer waits for another one
                isolation_level=None,  # transactions begin explicitly
                check_same_thread=False,  # a lock serializes the threads
            )
        except (OSError, sqlite3.Error) as error:
            raise CatalogueError(
                f"The catalogue {path} cannot be opened: {error}",
                cure="Check the folder's permissions, or set GLACIER_MAGIC_CATALOGUE to a file "
                "that can be written.",
            ) from None
        add_functions(self._connection)
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare()
        except (LocalError, CatalogueError):
            self._connection.close()
            raise
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise LocalError(
                f"The catalogue {path} cannot be opened now: {error}", cure="Try again shortly."
            ) from None
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise self._damaged(error) from None

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def folder(self) -> Path:
        """The folder that the file is in."""
        return self._path.parent.absolute()

    def _prepare(self) -> None:
        self._connection.execute(f"PRAGMA page_size={PAGE}")  # of a new file
        with self.transaction():  # of several processes that open a new file, one creates the tables
            for statement in schema.upgrade(self._version(), self.path, WORDS):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
            self._connection.execute(f"PRAGMA user_version={schema.mark()}")
            hold_if_copied(self, self._path)
        self._journal()

    def _version(self) -> int:
        """Return the number of the version that the file stores.

        :raises CatalogueError: it is a database of another program.
        """
        version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        owner: int = self._connection.execute("PRAGMA application_id").fetchone()[0]
        empty = not self._connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        if not empty and owner != schema.APPLICATION_ID:
            raise CatalogueError(
                f"{self.path} is a database of another program",
                cure="Set GLACIER_MAGIC_CATALOGUE to another file.",
            )
        return version

    def _journal(self) -> None:
        # FULL: an archive id that the service returned must survive a power failure.
        self._connection.execute("PRAGMA synchronous=FULL")
        for _ in range(100):  # this statement ignores the timeout of the connection
            with suppress(sqlite3.OperationalError):
                # Readers and the writer do not block each other.
                self._connection.execute("PRAGMA journal_mode=WAL")
                return
            time.sleep(0.1)

    @contextlib.contextmanager
    def transaction(self, *, power_safe: bool = True) -> Iterator[Self]:
        """Run the block as one transaction."""
        with self._lock:
            nested = self._nested
            if not nested:
                if not power_safe:
                    self._sync(power_safe=False)
                self._execute("BEGIN IMMEDIATE", ())  # the write lock at once: upgrading a read lock can fail
            try:
                yield self
                if not nested:
                    self._execute("COMMIT", ())
            except BaseException:
                if not nested:
                    with suppress(sqlite3.Error):  # SQLite rolls back some errors itself
                        self._connection.execute("ROLLBACK")
                raise
            finally:
                if not power_safe:
                    self._sync(power_safe=True)

    @property
    def _nested(self) -> bool:
        try:
            return self._connection.in_transaction
        except sqlite3.ProgrammingError:
            raise closed_error() from None

    def _sync(self, *, power_safe: bool) -> None:
        if not self._connection.in_transaction:  # SQLite refuses the change inside a transaction
            level = "FULL" if power_safe else "NORMAL"
            self._execute(f"PRAGMA synchronous={level}", ())

    def execute(self, sql: str, values: Values = ()) -> int:
        """Run one statement; return how many rows it changed."""
        with self._lock:
            return self._execute(sql, values).rowcount

    def executemany(self, sql: str, values: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each of *values*, all or none; return how many rows changed."""
        with self.transaction():
            return self._connection.executemany(sql, values).rowcount

    def insert(self, sql: str, values: Values) -> int:
        """Run an INSERT; return the id of the new row."""
        with self._lock:
            return self._execute(sql, values).lastrowid or 0

    def rows(self, sql: str, values: Values = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._lock:
            return self._execute(sql, values).fetchall()

    def _execute(self, sql: str, values: Values) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, values)
        except sqlite3.OperationalError as error:
            raise self.unusable(error) from None
        except sqlite3.ProgrammingError as error:
            if "closed" not in str(error):  # a bug in our SQL or values
                raise
            raise closed_error() from None
        except (sqlite3.IntegrityError, sqlite3.InterfaceError):
            raise
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from None

    def unusable(self, error: sqlite3.DatabaseError) -> LocalError | CatalogueError:
        """Return the error to raise for an error of SQLite."""
        missing = str(error).startswith(("no such", "near "))  # our own SQL fails: tables are missing
        if missing or not isinstance(error, sqlite3.OperationalError):
            return self._damaged(error)
        return LocalError(
            f"The catalogue {self.path} cannot be used: {error}",
            cure="Free some space or close the program that holds it, and repeat.",
        )

    def _damaged(self, error: sqlite3.DatabaseError) -> CatalogueError:
        return CatalogueError(
            f"The catalogue {self.path} is damaged: {error}",
            cure=f"Restore a backup: {step('catalogue', 'restore FILE')}. Or move it aside and connect "
            f"again: names come back with {step('inventory')}, running jobs with {step('jobs')}.",
        )

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()
