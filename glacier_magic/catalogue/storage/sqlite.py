"""A catalogue in an SQLite file.

A text anywhere in a name is found by the trigrams of the FTS5 table ``archive_names``, which stores
no text.  It is filled after the rows, so that recording an archive does not update it: the rows that
it lacks, :data:`TAIL` at most, are always candidates.  Without FTS5 all rows are.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import CatalogueError, LocalError
from .backup import inspect
from .database import ascii_lower
from .schema import LATE_INDEXES
from .sqlite_file import WORDS, SqliteFile

TAIL = 20_000
"""Rows that the search table may lack when a search begins."""

_OTHER = re.compile(r"[^\x01-\x7f]+")
"""Characters whose case SQLite's lower() and its trigrams treat differently."""

CHUNK = 20_000
BULK_CACHE = 256 << 10
"""KiB of the file that are cached while many rows are written."""


class SqliteSnapshot:
    """All tables of a file as of one time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def stream(self, sql: str, values: Sequence[Any], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a query as tuples, *size* at a time."""
        cursor = self._connection.execute(sql, values)
        while rows := cursor.fetchmany(size):
            yield rows

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query as tuples."""
        return self._connection.execute(sql, values).fetchall()


class SqliteDatabase(SqliteFile):
    """A catalogue that is one file."""

    # Conditions

    def glob(self, column: str, pattern: str) -> tuple[str, list[Any]]:
        """Return the condition that a column matches a GLOB pattern, with its values."""
        return f"{column} GLOB ?", [pattern]

    def like(self, column: str, pattern: str) -> tuple[str, list[Any]]:
        """Return the condition that a column is LIKE a pattern; the case of ASCII letters is ignored."""
        return f"{column} LIKE ?", [pattern]

    def contains(self, column: str, text: str) -> tuple[str, list[Any]]:
        """Return the condition that a column contains a text; the case of ASCII letters is ignored."""
        return f"instr(lower({column}), ?)>0", [ascii_lower(text)]

    def unindexed(self, column: str) -> str:
        """Return the expression for a column that keeps the database from using an index for it."""
        return f"+{column}"

    # Searching in names

    @property
    def searchable(self) -> bool:
        """Whether there is a search table that this SQLite can read."""
        try:
            self.rows("SELECT rowid FROM archive_names LIMIT 0")
        except (CatalogueError, LocalError):
            return False
        return True

    def candidates(self, texts: Iterable[str], limit: int) -> list[int] | None:
        """Return the ids of the rows, in any vault, whose name may contain all of *texts*.

        :returns: None if the texts are too short for trigrams, there is no search table, or there
            are more rows than *limit*.
        """
        plain = (ascii_lower(run) for text in texts for run in _OTHER.split(text))
        grams = dict.fromkeys(gram for run in plain for gram in _trigrams(run))
        if not grams or not self.searchable:
            return None
        self.catch_up(TAIL)
        # Quoted: no operator of FTS5.
        match = " AND ".join('"' + gram.replace('"', '""') + '"' for gram in grams)
        rows = self.rows(
            "SELECT rowid AS id FROM archive_names WHERE archive_names MATCH ? LIMIT ?", (match, limit + 1)
        )
        if len(rows) > limit:
            return None
        tail = self.rows("SELECT id FROM archive_rows WHERE id>?", (self._mark(),))
        return [row["id"] for row in rows] + [row["id"] for row in tail]

    def _mark(self) -> int:
        return self.number("SELECT value FROM settings WHERE key='search.mark'")

    def catch_up(self, allowed: int = 0) -> None:
        """Add the missing rows to the search table in short transactions, if more than *allowed* are."""
        last, mark = self.number("SELECT max(id) FROM archive_rows"), self._mark()
        if last - mark <= allowed:
            return
        while mark < last:
            with self.transaction():
                mark = self._mark()  # another process may add the same rows
                if mark < last:
                    self._index_names(mark, min(mark + CHUNK, last))
                    mark = min(mark + CHUNK, last)

    def index_new_names(self) -> None:
        """Add the rows that were just written to the search table; called in their transaction."""
        last, mark = self.number("SELECT max(id) FROM archive_rows"), self._mark()
        if 0 < last - mark <= 8 * CHUNK and self.searchable:  # more would hold up other writers
            self._index_names(mark, last)

    def _index_names(self, after: int, last: int) -> None:
        self.execute(
            "INSERT INTO archive_names(rowid, name) "
            "SELECT id, name FROM archive_rows WHERE id>? AND id<=? ORDER BY id",
            (after, last),
        )
        self.execute(
            "INSERT INTO settings(key, value) VALUES('search.mark', ?) "
            "ON CONFLICT(key) DO UPDATE SET value=excluded.value",
            (str(last),),
        )

    def reindex_name(self, archive: int, old: str, new: str) -> None:
        """Replace the name of a row in the search table."""
        if archive <= self._mark() and self.searchable:
            self.execute(  # the table stores no text: a row is deleted by the text that it was made of
                "INSERT INTO archive_names(archive_names, rowid, name) VALUES('delete', ?, ?)", (archive, old)
            )
            self.execute("INSERT INTO archive_names(rowid, name) VALUES(?, ?)", (archive, new))

    def reindex_names(self) -> None:
        """Rebuild the search table."""
        with self.transaction():
            self.execute("DROP TABLE IF EXISTS archive_names")
            self.execute("DELETE FROM settings WHERE key='search.mark'")
        self.prepare_indexes()
        if self.searchable:
            self.catch_up()

    # Writing and reading many rows

    def prepare_indexes(self) -> None:
        """Create the search table and the indexes that are missing.

        Indexes are missing if a process that read the first inventory of a large vault was killed.
        """
        if not self.row("SELECT 1 FROM sqlite_master WHERE name='archive_names'"):
            with suppress(CatalogueError, LocalError):  # an SQLite without FTS5
                self.execute(
                    "CREATE VIRTUAL TABLE IF NOT EXISTS archive_names USING "
                    # No text, no positions: a match is a candidate.
                    "fts5(name, content='', tokenize='trigram', detail=none, columnsize=0)"
                )
        if not self.indexes().issuperset(LATE_INDEXES) and not self.load_is_running():
            self.create_indexes()

    @contextlib.contextmanager
    def bulk_writing(self) -> Iterator[None]:
        """Cache more of the file while the block writes many rows."""
        before = self.row("PRAGMA cache_size")
        self.execute(f"PRAGMA cache_size=-{BULK_CACHE}")
        try:
            yield
        finally:
            self.execute(f"PRAGMA cache_size={before[0] if before else -2000}")
            self.execute("PRAGMA shrink_memory")  # SQLite would keep the pages

    def indexes(self) -> set[str]:
        """Return the names of the indexes."""
        rows = self.rows("SELECT name FROM sqlite_master WHERE type='index'")
        return {row["name"] for row in rows}

    def drop_indexes(self) -> None:
        """Drop the indexes that are faster to create after many rows are written than to update."""
        for name in LATE_INDEXES:
            self.execute(f"DROP INDEX IF EXISTS {name}")

    def create_indexes(self) -> None:
        """Create those of these indexes that are missing, each in its own transaction."""
        for name, columns in LATE_INDEXES.items():
            self.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns.format(**WORDS)}")

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[SqliteSnapshot]:
        """Give the block all committed rows as of one time, on a separate connection."""
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            connection.execute("PRAGMA query_only=1")
            connection.execute("BEGIN")  # one read transaction: no commit of others shows
            yield SqliteSnapshot(connection)
        except sqlite3.DatabaseError as error:
            raise self.unusable(error) from None
        finally:
            connection.close()

    def find_ids(self, vault_id: int, wanted: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
        """Return (position, row id) for those archives that the catalogue knows.

        :param wanted: (position, id_key, id_check) of each archive.
        """
        self.execute(
            "CREATE TEMP TABLE IF NOT EXISTS wanted"
            "(place INTEGER PRIMARY KEY, id_key INTEGER, id_check INTEGER)"
        )
        self.execute("DELETE FROM temp.wanted")
        self.executemany("INSERT INTO temp.wanted VALUES(?,?,?)", wanted)
        found = self.rows(
            # CROSS JOIN fixes the order: a look-up in the index of archive_rows for each wanted one.
            "SELECT w.place, a.id FROM temp.wanted w CROSS JOIN archive_rows a "
            "ON a.vault_id=? AND a.id_key=w.id_key AND a.id_check=w.id_check",
            (vault_id,),
        )
        return [tuple(row) for row in found]

    # The state of the database

    def change_marker(self) -> tuple[int, ...]:
        """Return the number of rows that this connection wrote, and one that commits of others change."""
        (mine,), (others,) = self.rows("SELECT total_changes()") + self.rows("PRAGMA data_version")
        return int(mine), int(others)

    def size(self) -> int:
        """Return the bytes of the file and of its write-ahead log."""
        files = (Path(f"{self.path}{end}") for end in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def integrity(self) -> list[str]:
        """Return the damage that SQLite finds in the file."""
        return inspect(self.path)


def _trigrams(text: str) -> list[str]:
    """Return trigrams that together contain every character of *text*; more would not exclude more rows."""
    last = len(text) - 3
    return [text[i : i + 3] for i in [*range(0, last, 3), last]] if last >= 0 else []
