"""The durable store: one SQLite file in WAL mode, many readers and one writer."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glacier_magic.emulator import store_schema

_IDLE_READERS = 16
"""Idle reading connections to hold open."""


class Store:
    """Transactions on ``store.sqlite``.

    Commits survive a killed process at any point; WAL with ``synchronous=NORMAL`` may lose the last
    commits only if the machine loses power.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        # Its pop and append are atomic: readers take no lock.
        self._readers: deque[sqlite3.Connection] = deque()
        self._closed = False
        self._writer = self._connect()
        self._writer.execute("PRAGMA journal_mode=WAL")  # readers and the writer do not wait for each other
        self._writer.execute("PRAGMA synchronous=NORMAL")
        self._writer.execute("PRAGMA cache_size=-65536")  # 64 MiB
        self._prepare()

    def _connect(self) -> sqlite3.Connection:
        # Without implicit transactions; readers move from one thread to another.
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        return connection

    def _prepare(self) -> None:
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version > store_schema.VERSION:
            raise ValueError(f"{self._path} was written by a newer version of this emulator.")
        self._writer.executescript(store_schema.STATEMENTS)
        self._writer.execute(f"PRAGMA user_version={store_schema.VERSION}")

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that sees one state of the store."""
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = self._connect()
            connection.execute("PRAGMA query_only=ON")
        connection.execute("BEGIN")  # all reads of an operation see the same state
        try:
            yield connection
        finally:
            # Nothing was written; an old snapshot would keep the WAL from shrinking.
            connection.execute("ROLLBACK")
            if len(self._readers) < _IDLE_READERS and not self._closed:
                self._readers.append(connection)
            else:
                connection.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Yield the writing connection; commit at the end, roll back on an exception."""
        with self._lock:
            self._writer.execute("BEGIN IMMEDIATE")  # takes the write lock before anything is read
            try:
                yield self._writer
            except BaseException:  # also an interrupt: a transaction left open would break every later write
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    def meta(self, key: str, default: str) -> str:
        """Return the value of *key*, first storing *default* if there is none."""
        with self.write() as connection:
            connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (key, default))
            row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row["value"])

    def close(self) -> None:
        """Wait for the current transaction, then close the file."""
        with self._lock:
            self._closed = True  # connections that are reading now are closed when they are returned
            while self._readers:
                self._readers.pop().close()
            self._writer.close()
