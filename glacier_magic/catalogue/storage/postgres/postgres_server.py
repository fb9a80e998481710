"""A connection to a PostgreSQL server, reopened when it is lost; transactions and statements.

A single statement is repeated after a lost connection.  A transaction is repeated only by
:meth:`PostgresServer.whole`.  If a COMMIT gets no response, the server is queried for the outcome.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from ....base.paths import data_folder, home_id
from ....errors import GlacierError, Unavailable
from ..database import Database, Values, closed_error
from ..holding import PLACE, rename
from ..stored_settings import StoredSettings
from . import driver_errors, url
from .migration import migrate
from .values import adapt, marked, row_factory

if TYPE_CHECKING:
    from typing import Self

Result = TypeVar("Result")

CLOCK_SECONDS = 60.0
"""Seconds for which the server's time is extrapolated."""

_CLOCK_STEP = 0.5
"""Seconds by which this computer's clock may differ before the server's time is read again."""

_READS = ("SELECT", "WITH", "EXPLAIN", "SHOW", "VALUES")


class _Undone(Unavailable):
    """A transaction was rolled back because its connection was lost."""


class Clock:
    """The difference between the server's clock and this computer's.

    The server's time is read every :data:`CLOCK_SECONDS`, and after this computer was suspended or its
    clock was set.

    :param ask: returns the server's seconds since 1970.
    :param wall: returns this computer's seconds since 1970.
    :param steady: returns seconds of a clock that is never set.
    """

    def __init__(
        self,
        ask: Callable[[], float],
        *,
        wall: Callable[[], float] | None = None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._given, self._monotonic = ask, wall, steady
        self._skew = self._wall = 0.0
        self._steady = -CLOCK_SECONDS * 2

    def _now(self) -> float:
        return self._given() if self._given is not None else time.time()

    def skew(self) -> float:
        """Return the seconds to add to this computer's time."""
        passed = self._monotonic() - self._steady
        if passed > CLOCK_SECONDS or abs(self._now() - self._wall - passed) > _CLOCK_STEP:
            before = self._now()
            server = self._ask()
            self._wall, self._steady = self._now(), self._monotonic()
            self._skew = server - (before + self._wall) / 2  # the response took half of the time
        return self._skew


class PostgresServer(Database):
    """A connection to a database; the catalogue is the first schema of its search path."""

    def __init__(self, place: str) -> None:
        self._url = url.parse_url(place)
        super().__init__(self._url.place)
        self.home = home_id()  # downloads of users who share the catalogue go to different folders
        self._inside = self._closed = False
        self._clock = Clock(self._ask_time)
        self._connection = self._connect()
        try:
            with self._speaking():
                migrate(self._connection, self.place, self._lock_key)
            self._name()
        except BaseException:
            self._connection.close()
            raise

    @property
    def folder(self) -> Path:
        """The user's data folder."""
        return data_folder()

    def _name(self) -> None:
        """Name the catalogue by the server and the id of a table, both new in a restored dump."""
        row = self.row(
            "SELECT (SELECT system_identifier FROM pg_control_system()) AS server, "
            "CAST(to_regclass('settings') AS oid) AS number"
        )
        name = f"{row['server']} {row['number']}" if row else ""
        if StoredSettings(self).get(PLACE) != name:
            with self.transaction():
                rename(self, name, [name])

    # Connections

    def _connect(self) -> psycopg.Connection[Any]:
        """Return a new connection; wait for a server that is just starting."""
        end = time.monotonic() + self.limits.server_patience
        while True:
            try:
                made = psycopg.connect(
                    **self._url.options, autocommit=True, prepare_threshold=None, row_factory=row_factory
                )
            except psycopg.Error as error:
                if not driver_errors.starting(error) or time.monotonic() > end:
                    raise driver_errors.refused(error, self.place, self._url.secret) from None
                time.sleep(0.2)
                continue
            adapt(made)
            self._learn(made)
            return made

    def _learn(self, connection: psycopg.Connection[Any]) -> None:
        """Read the schema, for the key of the lock, and the server's synchronous_commit."""
        with self._speaking():
            row = connection.execute(
                "SELECT current_schema(), current_setting('synchronous_commit')"
            ).fetchone()
        schema, safe = row or ("", "on")
        # One lock for each schema: catalogues in one database do not wait for each other.
        name = f"glacier_magic catalogue {schema}".encode()
        self._lock_key = int.from_bytes(hashlib.sha256(name).digest()[:8], "big", signed=True)
        self._safe = "on" if safe == "off" else safe  # for transactions that must survive a power failure

    @contextlib.contextmanager
    def reading(self) -> Iterator[psycopg.Connection[Any]]:
        """Give the block a separate connection, in a transaction that reads as of one time."""
        connection = self._connect()
        try:
            with self._speaking(), connection.transaction():
                # One snapshot for all statements.
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                yield connection
        finally:
            connection.close()

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        """Raise errors of the driver as :class:`GlacierError`."""
        try:
            yield
        except psycopg.Error as error:
            known = driver_errors.translated(error, self.place, self._url.secret)
            if known is None:
                raise
            raise known from None

    def _again(self, action: Callable[[], Result]) -> Result:
        """Return the result of *action*; run it again on a new connection if that is lost."""
        end, pause = time.monotonic() + self.limits.server_patience, 0.05
        while True:
            try:
                if self._closed:
                    raise closed_error()
                if self._connection.closed:
                    self._connection = self._connect()
                with self._watching():
                    return action()
            except Unavailable:
                # Not closed: the connection is fine, the statement failed.
                if time.monotonic() > end or not self._connection.closed:
                    raise
            time.sleep(pause)
            pause = min(1.0, pause * 2)

    @contextlib.contextmanager
    def _watching(self) -> Iterator[None]:
        """Close a connection that is lost, and raise :class:`Unavailable`."""
        try:
            with self._speaking():
                try:
                    yield
                except psycopg.Error as error:
                    if driver_errors.is_lost(error, self._connection):
                        self._connection.close()
                        raise Unavailable(
                            f"The connection to the catalogue {self.place} was lost: "
                            f"{driver_errors.message_of(error, self._url.secret)}",
                            cure=driver_errors.NOTHING_LOST,
                        ) from None
                    raise
        except GlacierError:
            raise
        except BaseException:
            if self._connection.info.transaction_status == TransactionStatus.ACTIVE:
                self._connection.close()  # a Ctrl-C during a statement: its response is still to come
            raise

    # Time

    @property
    def skew(self) -> float:  # type: ignore[override]
        """Seconds that the server's clock is ahead of this computer's."""
        return self._clock.skew()

    def _ask_time(self) -> float:
        row = self.row("SELECT extract(epoch FROM clock_timestamp())::float8 AS now")
        return float(row["now"]) if row else time.time()

    # Transactions

    @contextlib.contextmanager
    def transaction(self, *, power_safe: bool = True) -> Iterator[Self]:
        """Run the block as one transaction.

        :raises Unavailable: the connection was lost; the transaction was rolled back.
        """
        with self._lock:
            if self._inside:  # nested: part of the outer transaction
                yield self
                return
            number = self._again(lambda: self._begin(power_safe=power_safe))
            self._inside = True
            try:
                yield self
                self._end(number)
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._inside = False

    def _begin(self, *, power_safe: bool) -> str:
        """Begin as the only writer; return the transaction id on the server."""
        try:
            cursor = self._connection.execute(
                f"BEGIN; SET LOCAL lock_timeout='{self.limits.lock_wait}s'; "
                f"SET LOCAL synchronous_commit={self._safe if power_safe else 'off'}; "
                # Ends with the transaction, even if the connection is lost.
                f"SELECT pg_advisory_xact_lock({self._lock_key}), "
                "pg_current_xact_id()::text AS number"
            )
        except BaseException:
            self._roll_back()
            raise
        while cursor.nextset():  # one round trip; the last of its results has the number
            pass
        return str((cursor.fetchone() or {"number": ""})["number"])

    def _end(self, number: str) -> None:
        try:
            with self._watching():
                done = self._connection.execute("COMMIT").statusmessage
        except Unavailable:
            if not self._connection.closed:
                raise
            done = self._outcome(number)
        if done != "COMMIT":  # a statement had failed, and the block suppressed its error
            raise _Undone(f"The catalogue {self.place} was not changed", cure=driver_errors.NOTHING_LOST)

    def _outcome(self, number: str) -> str:
        """Return the outcome of a transaction whose COMMIT got no response."""

        def ask() -> str:
            row = self._connection.execute("SELECT pg_xact_status(%s::xid8) AS state", (number,)).fetchone()
            if row is not None and row["state"] == "in progress":  # its server process has yet to end
                time.sleep(0.1)
                return ask()
            return "COMMIT" if row is not None and row["state"] == "committed" else "ROLLBACK"

        return self._again(ask)

    def _roll_back(self) -> None:
        with suppress(psycopg.Error):  # of a lost connection: the server rolls back
            if self._connection.info.transaction_status != TransactionStatus.IDLE:
                self._connection.execute("ROLLBACK")
        if self._connection.info.transaction_status != TransactionStatus.IDLE:
            self._connection.close()

    def whole(self, work: Callable[[], Result], *, power_safe: bool = True) -> Result:
        """Return the result of *work*, run in a transaction; repeat it if the connection is lost."""
        with self._lock:
            if self._inside:
                return work()
            for left in (2, 1, 0):
                try:
                    with self.transaction(power_safe=power_safe):
                        return work()
                except _Undone:
                    if not left:
                        raise
            raise AssertionError

    # Statements

    def _run(self, statement: str, given: Values) -> psycopg.Cursor[Any]:
        text = marked(statement)
        with self._lock:
            if self._inside:
                with self._transacting():
                    return self._connection.execute(text, given)
            if text.lstrip().upper().startswith(_READS):
                # A read: it can be repeated.
                return self._again(lambda: self._connection.execute(text, given))
            return self.whole(lambda: self._run(statement, given))

    def execute(self, sql: str, values: Values = ()) -> int:
        """Run one statement; return how many rows it changed."""
        return self._run(sql, values).rowcount

    def executemany(self, sql: str, values: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each of *values*, all or none; return how many rows changed."""
        given = list(values)
        return self.whole(lambda: self._run_many(sql, given)) if given else 0

    def _run_many(self, statement: str, given: list[Sequence[Any]]) -> int:
        with self.using() as cursor:
            cursor.executemany(marked(statement), given)
            return cursor.rowcount

    @contextlib.contextmanager
    def _transacting(self) -> Iterator[None]:
        """Run the block inside a transaction, which is lost with its connection."""
        try:
            with self._watching():
                yield
        except Unavailable as error:
            if self._connection.closed:
                raise _Undone(error.message, cure=error.cure) from None
            raise

    @contextlib.contextmanager
    def using(self) -> Iterator[psycopg.Cursor[Any]]:
        """Give the block a cursor of the current transaction."""
        with self._transacting(), self._connection.cursor() as cursor:
            yield cursor

    def insert(self, sql: str, values: Values) -> int:
        """Run an INSERT; return the id of the new row."""
        (row,) = self.rows(f"{sql} RETURNING id", values)
        return int(row["id"])

    def rows(self, sql: str, values: Values = ()) -> list[Any]:
        """Return all rows of a query."""
        cursor = self._run(sql, values)
        return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._closed = True
            self._connection.close()
