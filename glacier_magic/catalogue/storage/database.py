"""The interface of a catalogue's database, and what SQLite and PostgreSQL have in common.

Only one transaction writes at a time, and each sees everything that was committed before it began.
Several threads can share a database object.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ...base.session_limits import USUAL, Limits
from ...errors import CatalogueError
from ...errors.steps import step
from .letters import spellings
from .owners import is_dead

if TYPE_CHECKING:
    from typing import Self

Result = TypeVar("Result")
Values = Sequence[Any] | dict[str, Any]

LOAD_SECONDS = 120.0
"""Seconds without a renewal after which another computer's reading of an inventory counts as ended."""

TOGETHER = 200
"""Rows that one statement inserts: it takes two thirds of the time of a statement for each row."""

END, NULL = b"\xff", b"\xfe"
"""The marks in joined values, between two and for a null: bytes that no text in UTF-8 has."""


@dataclass(frozen=True)
class Scope:
    """The account (12 digits) and the region of rows."""

    account: str
    region: str


class Snapshot(Protocol):
    """All tables as of one time."""

    def stream(self, sql: str, values: Sequence[Any], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a query as tuples, *size* at a time."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query as tuples."""

    @property
    def joined(self) -> Callable[[Sequence[str], str, Sequence[Any], int], Iterator[Sequence[bytes]]] | None:
        """Yield the values of expressions for the archives of a condition, as many rows at a time as told.

        The whole table is read in the order of the disk.  Each expression is one text, with the marks
        :data:`END` and :data:`NULL`.  None: the database returns rows as fast.
        """


@dataclass
class _Ticket:
    write: Callable[[], None]
    power_safe: bool = True
    done: bool = False
    error: Exception | None = None


def literal(value: int | str | None) -> str:
    """Return a value in SQL: binding it to each of many rows takes time."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return "NULL" if value is None else str(value)


def closed_error() -> CatalogueError:
    """Return the error for a statement on a closed connection."""
    return CatalogueError(
        "The session that this belongs to is closed",
        cure=f"Nothing is lost: {step('jobs')} shows the requests.",
    )


class Database(ABC):
    """A connection that all threads share, one statement or transaction at a time.

    :param place: the file or URL, without a password.
    """

    home: str = ""
    """Identifies the user's data folder among those that share the catalogue."""

    skew: float = 0.0
    """Seconds that the clock of the leases is ahead of this computer's."""

    limits: Limits = USUAL
    """The limits of the session."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._lock = threading.RLock()  # reentrant: transactions nest
        self._group = threading.Lock()  # held while one thread commits for all
        self._tickets: deque[_Ticket] = deque()

    @property
    def path(self) -> Path:
        """The file.

        :raises CatalogueError: it is on a server.
        """
        raise CatalogueError(
            f"The catalogue {self.place} is on a server and has no file",
            cure="Save the server's database with pg_dump, and restore it with pg_restore.",
        )

    @property
    @abstractmethod
    def folder(self) -> Path:
        """The local folder for files that belong to the catalogue."""

    # Leases

    def now(self) -> float:
        """Return the seconds since 1970 by the clock that all users of the catalogue share."""
        return time.time() + self.skew

    def here(self, seconds: float | None) -> float | None:
        """Return a time of :meth:`now` by this computer's clock."""
        return None if seconds is None else seconds - self.skew

    def release_dead(self) -> None:
        """End the leases of processes of this computer that have ended.

        They end now, for what they asked for may not be listed yet; other computers' leases expire.
        """
        for table in ("uploads", "downloads", "deletions", "drops", "backup_sets"):
            held = f"SELECT DISTINCT owner FROM {table} WHERE owner IS NOT NULL AND lease_until>?"
            for row in self.rows(held, (self.now(),)):
                if is_dead(row["owner"]):
                    end = f"UPDATE {table} SET lease_until=? WHERE owner=?"
                    self.execute(end, (self.now() - 1, row["owner"]))

    # Transactions

    @abstractmethod
    def transaction(self, *, power_safe: bool = True) -> AbstractContextManager[Self]:
        """Run the block as one transaction.

        :param power_safe: see :meth:`together`.
        """

    def together(self, write: Callable[[], None], *, power_safe: bool = True) -> None:
        """Run *write* in a transaction that it shares with waiting threads; it may be run again.

        The threads wait for the disk once, together, which makes many small uploads fast.

        :param power_safe: return only when the transaction is on the disk.  Otherwise it survives
            the end of this process, but a power failure only once a later transaction is on the disk.
        """
        ticket = _Ticket(write, power_safe)
        self._tickets.append(ticket)
        with self._group:  # while one thread commits, others append their tickets and wait
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
            else:  # one failure must not fail the others
                for ticket in tickets:
                    self._commit([ticket])
        for ticket in tickets:
            ticket.done = True

    def whole(self, work: Callable[[], Result], *, power_safe: bool = True) -> Result:
        """Return the result of *work*, run in a transaction; it may be run again."""
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

    def number(self, sql: str, values: Values = ()) -> int:
        """Return the first value of a query; 0 if it is null or there is no row."""
        row = self.row(sql, values)
        return int(row[0] or 0) if row else 0

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    # Conditions, with a question mark for each of their values

    @staticmethod
    def equal(column: str, text: str) -> tuple[str, list[Any]]:
        """Return the condition that a column is a text in one of its :func:`.letters.spellings`."""
        forms = spellings(text)
        return f"{column} IN ({','.join('?' * len(forms))})", forms

    @abstractmethod
    def glob(self, column: str, pattern: str) -> tuple[str, list[Any]]:
        """Return the condition that the text of a column, composed, matches a GLOB pattern."""

    @abstractmethod
    def like(self, column: str, pattern: str) -> tuple[str, list[Any]]:
        """Return the condition that the text of a column, composed, is LIKE a pattern.

        The case of ASCII letters is ignored.
        """

    @abstractmethod
    def contains(self, column: str, text: str) -> tuple[str, list[Any]]:
        """Return the condition that the text of a column, :func:`.letters.folded`, contains a folded text."""

    @abstractmethod
    def position(self, text: str, part: str) -> str:
        """Return the expression for the place of *part* in *text*, both expressions; 0 if it is not in it."""

    @abstractmethod
    def year(self, seconds: str) -> str:
        """Return the expression for the year (UTC) of seconds since 1970; the years are 1 to 9999."""

    @abstractmethod
    def unindexed(self, column: str) -> str:
        """Return the expression for a column that keeps the database from using an index for it."""

    # Searching in names

    @property
    @abstractmethod
    def searchable(self) -> bool:
        """Whether a search index finds names that contain a text."""

    @abstractmethod
    def candidates(self, texts: Iterable[str], limit: int) -> list[int] | None:
        """Return the ids of the rows, in any vault, whose name may contain all of *texts*.

        :returns: None if the index cannot find them, or if there are more than *limit*.
        """

    @abstractmethod
    def index_new_names(self) -> None:
        """Add the rows that were just written to the search index; called in their transaction."""

    @abstractmethod
    def index_in_background(self) -> None:
        """Begin to add the rows that the search index lacks, if they come late; return at once."""

    @abstractmethod
    def reindex_name(self, archive: int, old: str, new: str) -> None:
        """Replace the name of a row in the search index."""

    @abstractmethod
    def reindex_names(self) -> None:
        """Rebuild the search index."""

    # Writing and reading many rows

    @abstractmethod
    def prepare_indexes(self) -> None:
        """Create missing indexes, unless a process that reads an inventory will."""

    @abstractmethod
    def indexes(self) -> set[str]:
        """Return the names of the indexes."""

    @abstractmethod
    def drop_indexes(self) -> None:
        """Drop the indexes that are faster to create after many rows are written than to update."""

    @abstractmethod
    def create_indexes(self) -> None:
        """Create those of these indexes that are missing."""

    def bulk_writing(self) -> AbstractContextManager[None]:
        """Use more memory while the block writes many rows."""
        return nullcontext()

    def insert_many(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        same: dict[str, int | str | None],
        key: str,
    ) -> int:
        """Insert the rows whose *key* is not in the table yet; return how many they were.

        :param columns: a column for each value of a row.
        :param same: further columns, each with the value that all rows have.
        :param key: the columns of a unique index.
        """
        marks = ",".join(["?"] * len(columns) + list(map(literal, same.values())))
        written, left = 0, iter(rows)
        with self.transaction():
            while some := list(islice(left, TOGETHER)):
                written += self.execute(
                    f"INSERT INTO {table}({','.join((*columns, *same))}) "
                    f"VALUES{','.join([f'({marks})'] * len(some))} ON CONFLICT({key}) DO NOTHING",
                    list(chain.from_iterable(some)),
                )
        return written

    @abstractmethod
    def find_ids(self, vault_id: int, wanted: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
        """Return (position, row id) for those archives that the catalogue knows.

        :param wanted: (position, id_key, id_check) of each archive.
        """

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Give the block all committed rows as of one time; writers do not wait for it."""

    def stream(self, sql: str, values: Sequence[Any], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a long result, as of one time, as tuples, *size* at a time."""
        with self.snapshot() as view:
            yield from view.stream(sql, values, size)

    def load_is_running(self) -> bool:
        """Return whether a living process is reading an inventory into the catalogue."""
        rows = self.rows("SELECT owner, touched FROM loads WHERE owner<>''")
        late = self.now() - LOAD_SECONDS
        return any(not is_dead(row["owner"]) and row["touched"] >= late for row in rows)

    # The state of the database

    def change_marker(self) -> tuple[int, ...] | None:
        """Return a value that changes with every write by any process, or None if unknown."""
        return None

    def written_downloads(self, before: tuple[int, ...], marker: tuple[int, ...]) -> set[int] | None:
        """Return the downloads that were changed between two markers.

        :returns: None if anything else that a job board shows may have been written.
        """
        return set() if marker == before else None

    @abstractmethod
    def size(self) -> int:
        """Return the bytes that the catalogue takes on its disk."""

    @abstractmethod
    def integrity(self) -> list[str]:
        """Return the damage that the database itself finds."""
