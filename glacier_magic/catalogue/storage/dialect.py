"""What a database does in its own way: searching in names, patterns, bulk writing.

PostgreSQL's ways are in :mod:`.postgres.dialect`.  SQLite finds text anywhere in a name by the
trigrams of an FTS5 table, ``archive_names``, that holds no text of its own.  It is filled behind
the rows: those after the last one in it, a few thousand at most, are searched one by one; so that
recording an archive costs nothing for it.  Without FTS5 all rows are.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ...errors import CatalogueError, LocalError
from . import backup as filing
from .database import Database, is_dead

if TYPE_CHECKING:
    from .sqlite import SqliteDatabase

TAIL = 20_000
"""Rows that may be missing in the search table when a search begins."""

_OTHER = re.compile(r"[^\x01-\x7f]+")
"""What has cases that the two of SQLite fold in different ways."""

CHUNK = 20_000
BULK_CACHE = 256 << 10
"""KiB of pages that are held while much is written; a catalogue otherwise holds 16 MiB."""

PATIENCE = 120.0
"""Seconds after which a reading by a process of another computer is taken for dead."""

LATER = {
    "archive_rows_by_name": "archive_rows(vault_id, name, created)",
    "archive_rows_by_size": "archive_rows(vault_id, size)",
    "archive_rows_by_created": "archive_rows(vault_id, created)",
}
"""Indexes that are made quicker afterwards than kept, where most rows are new."""


class Snapshot(Protocol):
    """The tables at one moment."""

    def stream(self, sql: str, values: Sequence[Any], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a query as tuples, some at a time."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query as tuples."""


class Dialect(Protocol):
    """The ways of a database; conditions come with a question mark for each of their values."""

    @property
    def searchable(self) -> bool:
        """Whether texts are found anywhere in a name without reading all names."""

    def glob(self, column: str, pattern: str) -> tuple[str, list[Any]]:
        """Return the condition that a column matches a pattern, case counting."""

    def like(self, column: str, pattern: str) -> tuple[str, list[Any]]:
        """Return the condition that a column is like a pattern; ASCII letters in either case."""

    def contains(self, column: str, text: str) -> tuple[str, list[Any]]:
        """Return the condition that a column holds a text; ASCII letters in either case."""

    def aside(self, column: str) -> str:
        """Return *column* so that no index is used for it."""

    def candidates(self, texts: Iterable[str], limit: int) -> list[int] | None:
        """Return the ids of rows whose name may hold all of *texts*, in any vault.

        None where they are not to be had, or it would be more than *limit* ids.
        """

    def index_new_names(self) -> None:
        """Make the rows that were just written findable, in the same transaction."""

    def renamed(self, archive: int, old: str, new: str) -> None:
        """Make a row findable by the name that it has now."""

    def prepare(self) -> None:
        """Make what the schema cannot say, and what a killed process left unmade."""

    def bulk(self) -> AbstractContextManager[None]:
        """Make ready for a block that writes much."""

    def indexes(self) -> set[str]:
        """Return the names of the indexes."""

    def drop_indexes(self) -> None:
        """Drop the indexes that are made quicker afterwards."""

    def make_indexes(self) -> None:
        """Make those that are missing."""

    def write(self, sql: str, rows: Sequence[Sequence[Any]]) -> int:
        """Insert many rows in the way of *sql*, an INSERT of all columns that they have."""

    def stream(self, sql: str, values: Sequence[Any], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a long answer as tuples, some at a time, as of one moment.

        Nobody waits for whoever takes the rows; what is committed is seen.
        """

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Look at all tables as they are at one moment, whoever writes meanwhile."""

    def size(self) -> int:
        """Return the bytes that the catalogue takes where it is kept."""

    def integrity(self) -> list[str]:
        """Return what the database itself finds wrong with what it keeps."""

    def reindex_names(self) -> None:
        """Make anew what names are searched by."""

    def probe(self, vault_id: int, wanted: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
        """Return (position, id) of the rows whose (id_key, id_check) are *wanted*.

        :param wanted: positions with those two numbers.
        """


def abandoned(database: Database) -> bool:
    """Tell whether nobody reads an inventory: whoever began one is dead."""
    rows = database.rows("SELECT owner, touched FROM loads WHERE owner<>''")
    late = database.now() - PATIENCE
    return all(is_dead(row["owner"]) or row["touched"] < late for row in rows)


class SqliteSnapshot:
    """The tables of a file at one moment."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def stream(self, sql: str, values: Sequence[Any], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a query as tuples, some at a time."""
        cursor = self._connection.execute(sql, values)
        while rows := cursor.fetchmany(size):
            yield rows

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        return self._connection.execute(sql, values).fetchall()


class Sqlite:
    """SQLite's own ways."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    # Patterns

    def glob(self, column: str, pattern: str) -> tuple[str, list[Any]]:
        """Return the condition that a column matches a pattern, case counting."""
        return f"{column} GLOB ?", [pattern]

    def like(self, column: str, pattern: str) -> tuple[str, list[Any]]:
        """Return the condition that a column is like a pattern; ASCII letters in either case."""
        return f"{column} LIKE ?", [pattern]

    def contains(self, column: str, text: str) -> tuple[str, list[Any]]:
        """Return the condition that a column holds a text; ASCII letters in either case."""
        return f"instr(lower({column}), ?)>0", [lower(text)]

    def aside(self, column: str) -> str:
        """Return *column* so that no index is used for it."""
        return f"+{column}"

    # Searching

    @property
    def searchable(self) -> bool:
        """Whether there is a table of trigrams that can be used."""
        try:
            self._database.rows("SELECT rowid FROM archive_names LIMIT 0")
        except (CatalogueError, LocalError):
            return False
        return True

    def candidates(self, texts: Iterable[str], limit: int) -> list[int] | None:
        """Return the ids of rows whose name may hold all of *texts*, in any vault.

        None where they are too short for trigrams, there is no table of them, or it would be more
        than *limit* ids.  Case does not count.
        """
        plain = (lower(run) for text in texts for run in _OTHER.split(text))
        grams = dict.fromkeys(gram for run in plain for gram in _trigrams(run))
        if not grams or not self.searchable:
            return None
        self.catch_up(TAIL)
        match = " AND ".join('"' + gram.replace('"', '""') + '"' for gram in grams)
        rows = self._database.rows(
            "SELECT rowid AS id FROM archive_names WHERE archive_names MATCH ? LIMIT ?", (match, limit + 1)
        )
        if len(rows) > limit:
            return None
        tail = self._database.rows("SELECT id FROM archive_rows WHERE id>?", (self._mark(),))
        return [row["id"] for row in rows] + [row["id"] for row in tail]

    def _mark(self) -> int:
        row = self._database.row("SELECT value FROM settings WHERE key='search.mark'")
        return int(row["value"]) if row else 0

    def catch_up(self, allowed: int = 0) -> None:
        """Bring the search table to all rows, in short transactions, if over *allowed* miss."""
        row = self._database.row("SELECT max(id) AS last FROM archive_rows")
        last = (row["last"] if row else None) or 0
        mark = self._mark()
        if last - mark <= allowed:
            return
        while mark < last:
            with self._database.transaction():
                mark = self._mark()  # another process may do the same
                if mark < last:
                    self._index_names(mark, min(mark + CHUNK, last))
                    mark = min(mark + CHUNK, last)

    def index_new_names(self) -> None:
        """Add the rows that were just written to the search table, in the same transaction."""
        row = self._database.row("SELECT max(id) AS last FROM archive_rows")
        last, mark = (row["last"] if row else None) or 0, self._mark()
        if 0 < last - mark <= 8 * CHUNK and self.searchable:
            self._index_names(mark, last)

    def _index_names(self, after: int, last: int) -> None:
        self._database.execute(
            "INSERT INTO archive_names(rowid, name) "
            "SELECT id, name FROM archive_rows WHERE id>? AND id<=? ORDER BY id",
            (after, last),
        )
        self._database.execute(
            "INSERT INTO settings(key, value) VALUES('search.mark', ?) "
            "ON CONFLICT(key) DO UPDATE SET value=excluded.value",
            (str(last),),
        )

    def renamed(self, archive: int, old: str, new: str) -> None:
        """Tell the search table that a row has another name now."""
        if archive <= self._mark() and self.searchable:
            self._database.execute(
                "INSERT INTO archive_names(archive_names, rowid, name) VALUES('delete', ?, ?)", (archive, old)
            )
            self._database.execute("INSERT INTO archive_names(rowid, name) VALUES(?, ?)", (archive, new))

    # Writing much

    def prepare(self) -> None:
        """Make what the schema cannot say: the table to search in, and indexes that are missing.

        They are where a process was killed while it read the first inventory of a large vault.
        """
        if not self._database.has_table("archive_names"):
            with suppress(CatalogueError, LocalError):  # an SQLite without FTS5
                self._database.execute(
                    "CREATE VIRTUAL TABLE IF NOT EXISTS archive_names USING "
                    "fts5(name, content='', tokenize='trigram', detail=none, columnsize=0)"
                )
        if not self.indexes().issuperset(LATER) and abandoned(self._database):
            self.make_indexes()

    @contextlib.contextmanager
    def bulk(self) -> Iterator[None]:
        """Hold many pages in memory while the block writes much."""
        before = self._database.row("PRAGMA cache_size")
        self._database.execute(f"PRAGMA cache_size=-{BULK_CACHE}")
        try:
            yield
        finally:
            self._database.execute(f"PRAGMA cache_size={before[0] if before else -2000}")
            self._database.execute("PRAGMA shrink_memory")

    def indexes(self) -> set[str]:
        """Return the names of the indexes."""
        rows = self._database.rows("SELECT name FROM sqlite_master WHERE type='index'")
        return {row["name"] for row in rows}

    def drop_indexes(self) -> None:
        """Drop the indexes that are made quicker afterwards."""
        for name in LATER:
            self._database.execute(f"DROP INDEX IF EXISTS {name}")

    def make_indexes(self) -> None:
        """Make them, each in a transaction of its own."""
        for name, columns in LATER.items():
            self._database.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}")

    def write(self, sql: str, rows: Sequence[Sequence[Any]]) -> int:
        """Insert many rows in the way of *sql*, an INSERT of all columns that they have."""
        return self._database.executemany(sql, rows)

    def stream(self, sql: str, values: Sequence[Any], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a long answer as tuples, some at a time, as of one moment.

        It has a connection of its own, so that nobody waits for whoever takes the rows, and sees
        what is committed.
        """
        with self.snapshot() as view:
            yield from view.stream(sql, values, size)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[SqliteSnapshot]:
        """Look at all tables as they are at one moment, whoever writes meanwhile."""
        connection = sqlite3.connect(self._database.path, timeout=30, isolation_level=None)
        try:
            connection.execute("PRAGMA query_only=1")
            connection.execute("BEGIN")
            yield SqliteSnapshot(connection)
        except sqlite3.DatabaseError as error:
            raise self._database.unusable(error) from None
        finally:
            connection.close()

    def size(self) -> int:
        """Return the bytes of the file and of what is kept beside it while it is in use."""
        files = (Path(f"{self._database.path}{end}") for end in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def integrity(self) -> list[str]:
        """Return what the database itself finds wrong in its file."""
        return filing.inspect(self._database.path)

    def reindex_names(self) -> None:
        """Make the table to search in anew."""
        with self._database.transaction():
            self._database.execute("DROP TABLE IF EXISTS archive_names")
            self._database.execute("DELETE FROM settings WHERE key='search.mark'")
        self.prepare()
        if self.searchable:
            self.catch_up()

    def probe(self, vault_id: int, wanted: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
        """Return (position, id) of the rows whose (id_key, id_check) are *wanted*."""
        self._database.execute(
            "CREATE TEMP TABLE IF NOT EXISTS wanted"
            "(place INTEGER PRIMARY KEY, id_key INTEGER, id_check INTEGER)"
        )
        self._database.execute("DELETE FROM temp.wanted")
        self._database.executemany("INSERT INTO temp.wanted VALUES(?,?,?)", wanted)
        found = self._database.rows(
            "SELECT w.place, a.id FROM temp.wanted w CROSS JOIN archive_rows a "
            "ON a.vault_id=? AND a.id_key=w.id_key AND a.id_check=w.id_check",
            (vault_id,),
        )
        return [tuple(row) for row in found]


def _trigrams(text: str) -> list[str]:
    """Return trigrams that hold each character of *text*; all of them would hardly tell more."""
    last = len(text) - 3
    return [text[i : i + 3] for i in [*range(0, last, 3), last]] if last >= 0 else []


def of(database: Database) -> Dialect:
    """Return the ways of a database."""
    return database.dialect


def lower(text: str) -> str:
    """Return *text* with ASCII letters in lower case, as SQLite's own lower() does it."""
    return "".join(c.lower() if c.isascii() else c for c in text)
