"""A catalogue's database: what SQLite and PostgreSQL have in common, used by many threads.

There is one writer at a time, whichever it is: a transaction that has begun sees nothing change but
by itself, and what one process has written the next one sees.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ...errors import CatalogueError
from ...steps import step

if TYPE_CHECKING:
    from typing import Self

    from .dialect import Dialect

Result = TypeVar("Result")
Values = Sequence[Any] | dict[str, Any]


@dataclass(frozen=True)
class Scope:
    """Account (12 digits) and region that rows belong to."""

    account: str
    region: str


def new_owner() -> str:
    """Return a name for this process that tells its computer and number."""
    return f"{_computer()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


@cache
def _computer() -> str:
    """Return a name that no other computer or container has, though it may be called the same."""
    marks = [str(uuid.getnode())]
    with suppress(OSError):
        marks.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        marks.append(str(Path("/proc/self/ns/pid").readlink()))
    mark = uuid.uuid5(uuid.NAMESPACE_OID, " ".join(marks)).hex[:8]
    return f"{socket.gethostname()}/{mark}"


def is_dead(owner: str) -> bool:
    """Tell whether *owner* was a process of this computer that does not run any more."""
    computer, _, rest = owner.rpartition(":")[0].rpartition(":")
    if computer != _computer() or not rest.isdigit() or os.name == "nt":
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


def closed() -> CatalogueError:
    """Return the error for what is done with a connection that was closed."""
    return CatalogueError(
        "The session that this belongs to is closed",
        cure=f"Nothing is lost: {step('jobs')} shows what was asked for.",
    )


class Database(ABC):
    """A connection that all threads share, one statement or transaction at a time.

    :param place: where it is, as it may be shown to anybody.
    """

    home: str = ""
    """What tells the user's data folder from those of others who share the catalogue."""

    skew: float = 0.0
    """Seconds that the clock which leases go by is ahead of this computer's."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._lock = threading.RLock()
        self._group = threading.Lock()
        self._tickets: deque[_Ticket] = deque()

    @property
    def path(self) -> Path:
        """The file.

        :raises CatalogueError: it is on a server.
        """
        raise CatalogueError(
            f"The catalogue {self.place} is on a server and has no file",
            cure="Whoever runs the server saves it with pg_dump and restores it with pg_restore.",
        )

    @property
    @abstractmethod
    def folder(self) -> Path:
        """The folder of this computer for files that belong to the catalogue."""

    @property
    @abstractmethod
    def dialect(self) -> Dialect:
        """What this kind of database does in its own way."""

    # Leases

    def now(self) -> float:
        """Return the seconds since 1970 by the clock that all who share the catalogue go by."""
        return time.time() + self.skew

    def here(self, moment: float | None) -> float | None:
        """Return a moment of that clock by this computer's."""
        return None if moment is None else moment - self.skew

    def release_dead(self) -> None:
        """End the holds of processes of this computer that do not run any more.

        Those of other computers end by themselves when they are not renewed.
        """
        for table in ("uploads", "downloads", "deletions", "drops"):
            held = f"SELECT DISTINCT owner FROM {table} WHERE owner IS NOT NULL AND lease_until>?"
            for row in self.rows(held, (self.now(),)):
                if is_dead(row["owner"]):
                    self.execute(f"UPDATE {table} SET lease_until=0 WHERE owner=?", (row["owner"],))

    # Transactions

    @abstractmethod
    def transaction(self, *, power_safe: bool = True) -> AbstractContextManager[Self]:
        """Run the block as one transaction that is kept whole or not at all.

        :param power_safe: see :meth:`together`.
        """

    def together(self, write: Callable[[], None], *, power_safe: bool = True) -> None:
        """Run *write* in a transaction that it shares with other threads that wait as well.

        One wait for the disk serves all: that is what makes many small uploads quick.  It may be
        run again where it failed.

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
        def write() -> None:
            for ticket in tickets:
                ticket.write()

        try:
            self.whole(write, power_safe=any(ticket.power_safe for ticket in tickets))
        except Exception as error:
            if len(tickets) == 1:
                tickets[0].error = error
            else:  # one that fails must not take the others with it
                for ticket in tickets:
                    self._commit([ticket])
        for ticket in tickets:
            ticket.done = True

    def whole(self, work: Callable[[], Result], *, power_safe: bool = True) -> Result:
        """Return what *work* does, done in a transaction; it may be run again."""
        with self.transaction(power_safe=power_safe):
            return work()

    # Statements: a question mark or :name stands for each value

    @abstractmethod
    def execute(self, sql: str, values: Values = ()) -> int:
        """Run one statement; return how many rows it changed."""

    @abstractmethod
    def executemany(self, sql: str, values: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each of *values*; return how many rows they changed."""

    @abstractmethod
    def insert(self, sql: str, values: Values) -> int:
        """Run an INSERT into a table whose key is ``id``; return the id of the new row."""

    @abstractmethod
    def rows(self, sql: str, values: Values = ()) -> list[Any]:
        """Return all rows of a query; a row is indexed by the names of its columns."""

    def row(self, sql: str, values: Values = ()) -> Any | None:
        """Return the first row of a query, or None."""
        found = self.rows(sql, values)
        return found[0] if found else None

    @abstractmethod
    def has_table(self, name: str) -> bool:
        """Tell whether there is a table of this name."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""
