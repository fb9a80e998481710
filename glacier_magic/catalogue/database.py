"""One SQLite file: opened safely, brought to the current version, used by many threads."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
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


def new_owner() -> str:
    """Return a name for this process that tells its computer and number."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def is_dead(owner: str) -> bool:
    """Tell whether *owner* was a process of this computer that does not run any more."""
    host, _, rest = owner.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname() or not rest.isdigit() or os.name == "nt":
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    try:  # killed, but not yet collected by whoever started it
        return Path(f"/proc/{rest}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False


@dataclass
class _Ticket:
    write: Callable[[], None]
    power_safe: bool = True
    done: bool = False
    error: Exception | None = None


class Database:
    """A connection that all threads share, one statement or transaction at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._group = threading.Lock()
        self._tickets: deque[_Ticket] = deque()
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
        except (LocalError, CatalogueError):
            self._connection.close()
            raise
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise LocalError(
                f"The catalogue {path} cannot be opened now: {error}", cure="Repeat in a moment."
            ) from None
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise self._damaged(error) from None

    def _prepare(self) -> None:
        with self.transaction():
            for step in MIGRATIONS[self._checked_version() :]:
                for statement in step.split(";\n"):
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            self._connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
        self._journal()

    def _checked_version(self) -> int:
        """Return the version of the tables; refuse what is not ours before it is touched."""
        version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        owner: int = self._connection.execute("PRAGMA application_id").fetchone()[0]
        empty = not self._connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        if not empty and owner != APPLICATION_ID:
            raise CatalogueError(
                f"{self.path} is a database of another program",
                cure="Set GLACIER_MAGIC_CATALOGUE to another file.",
            )
        if version > len(MIGRATIONS):
            raise CatalogueError(
                f"The catalogue {self.path} was written by a newer version of glacier_magic",
                cure="Upgrade with: pip install -U glacier_magic",
            )
        return version

    def _journal(self) -> None:
        # FULL: an archive id that the service answered must survive a power cut as well.
        self._connection.execute("PRAGMA synchronous=FULL")
        for _ in range(100):  # this one does not wait for another process by itself
            with suppress(sqlite3.OperationalError):
                self._connection.execute("PRAGMA journal_mode=WAL")
                return
            time.sleep(0.1)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the block as one transaction that is kept whole or not at all."""
        with self._lock:
            nested = self._nested
            if not nested:
                self._execute("BEGIN IMMEDIATE", ())
            try:
                yield self._connection
            except BaseException:
                if not nested:
                    with suppress(sqlite3.Error):  # SQLite has rolled back by itself
                        self._connection.execute("ROLLBACK")
                raise
            if not nested:
                self._execute("COMMIT", ())

    @property
    def _nested(self) -> bool:
        try:
            return self._connection.in_transaction
        except sqlite3.ProgrammingError:
            raise _closed() from None

    def release_dead(self) -> None:
        """End the holds of processes of this computer that do not run any more.

        Those of other computers end by themselves when they are not renewed.
        """
        for table in ("uploads", "downloads"):
            held = f"SELECT DISTINCT owner FROM {table} WHERE owner IS NOT NULL AND lease_until>?"
            for row in self.rows(held, (time.time(),)):
                if is_dead(row["owner"]):
                    self.execute(f"UPDATE {table} SET lease_until=0 WHERE owner=?", (row["owner"],))

    def together(self, write: Callable[[], None], *, power_safe: bool = True) -> None:
        """Run *write* in a transaction that it shares with other threads that wait as well.

        One wait for the disk serves all: that is what makes many small uploads quick.

        :param power_safe: return only when it is on the disk itself; otherwise it survives the end
            of this process, but a power cut only once a later one is on the disk.
        """
        ticket = _Ticket(write, power_safe)
        self._tickets.append(ticket)
        with self._group:
            if not ticket.done:
                self._commit([self._tickets.popleft() for _ in range(len(self._tickets))])
        if ticket.error is not None:
            raise ticket.error

    def _commit(self, tickets: list[_Ticket]) -> None:
        try:
            with self._lock:
                self._sync(power_safe=any(ticket.power_safe for ticket in tickets))
                try:
                    with self.transaction():
                        for ticket in tickets:
                            ticket.write()
                finally:
                    self._sync(power_safe=True)
        except Exception as error:
            if len(tickets) == 1:
                tickets[0].error = error
            else:  # one that fails must not take the others with it
                for ticket in tickets:
                    self._commit([ticket])
        for ticket in tickets:
            ticket.done = True

    def _sync(self, *, power_safe: bool) -> None:
        if not self._connection.in_transaction:
            level = "FULL" if power_safe else "NORMAL"
            self._connection.execute(f"PRAGMA synchronous={level}")

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
            if str(error).startswith(("no such", "near ")):
                raise self._damaged(error) from None
            raise LocalError(
                f"The catalogue {self.path} cannot be used: {error}",
                cure="Free some space or close the program that holds it, and repeat.",
            ) from None
        except sqlite3.ProgrammingError as error:
            if "closed" not in str(error):
                raise
            raise _closed() from None
        except (sqlite3.IntegrityError, sqlite3.InterfaceError):
            raise
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from None

    def _damaged(self, error: sqlite3.DatabaseError) -> CatalogueError:
        return CatalogueError(
            f"The catalogue {self.path} is damaged: {error}",
            cure="Move it aside and connect again: names come back with %glacier inventory, "
            "running jobs with %glacier jobs.",
        )

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()


def _closed() -> CatalogueError:
    return CatalogueError(
        "The session that this belongs to is closed",
        cure="Nothing is lost: %glacier jobs shows what was asked for.",
    )
