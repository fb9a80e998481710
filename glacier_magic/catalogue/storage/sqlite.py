"""A catalogue in an SQLite file.

A text anywhere in a name is found by the trigrams of the FTS5 table ``archive_names``, which stores
no text.  It is filled after the rows, so that recording an archive does not update it: the rows that
it lacks, :data:`TAIL` at most, are always candidates.  Without FTS5 all rows are.  After an inventory a
thread fills it; what that leaves undone, the next search does.
"""

from __future__ import annotations

import atexit
import contextlib
import re
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import CatalogueError, LocalError
from .backup import inspect
from .letters import ascii_lower, composed, differs_composed
from .schema import LATE_INDEXES
from .sqlite_file import COMPOSED, HOLDS, WORDS, SqliteFile, add_functions
from .sqlite_snapshot import SqliteSnapshot

TAIL = 20_000
"""Rows that the search table may lack when a search begins."""

_OTHER = re.compile(r"[^\x01-\x7f]+")
"""Characters whose case SQLite's lower() and its trigrams treat differently."""

WROTE = "glacier_magic_wrote"
"""The SQL function that logs a write: of a download, or of what no job board shows (null)."""
LOGGED_WRITES = {
    "wrote_download": ("UPDATE ON downloads", "NEW.id"),
    "wrote_plan": ("UPDATE ON plan_downloads", "NULL"),
    "wrote_object": ("UPDATE ON moved_objects", "NULL"),
    "wrote_part": ("INSERT ON moved_parts", "NULL"),
    "wrote_part_again": ("UPDATE ON moved_parts", "NULL"),
    "wrote_setting": ("INSERT ON settings", "NULL"),
    "wrote_setting_again": ("UPDATE ON settings", "NULL"),
}
"""The writes that are logged: the temporary triggers, what they follow, and the number that they log."""
LOGGED = 10_000
"""The writes that the log has; after more, all rows are read again."""

CHUNK = 20_000
"""Rows that one transaction adds to the search table."""

INDEXING_PAUSE = 0.2
"""Seconds before the thread begins: a process that ends after an inventory does not wait for it."""

BULK_CACHE = 16 << 10
"""KiB of the file that are cached while many rows are written."""

SORT_CACHE = 1 << 10  # what fits into the cache of a core is sorted in three quarters of the time
"""KiB that are sorted at once, and of the file that are cached, while an index is built."""


class SqliteDatabase(SqliteFile):
    """A catalogue that is one file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._log: deque[int | None] | None = None
        self._logged = 0
        self._indexing: threading.Thread | None = None
        self._closing = threading.Event()

    def close(self) -> None:
        """End the thread that fills the search table, and close the connection."""
        self._stop_indexing()
        super().close()

    # Conditions

    def glob(self, column: str, pattern: str) -> tuple[str, list[Any]]:
        """Return the condition that a column matches a GLOB pattern, with its values."""
        return self._matching(column, "GLOB", composed(pattern), "?[")

    def like(self, column: str, pattern: str) -> tuple[str, list[Any]]:
        """Return the condition that a column is LIKE a pattern; the case of ASCII letters is ignored."""
        return self._matching(column, "LIKE", composed(pattern), "_")

    @staticmethod
    def _matching(column: str, operator: str, pattern: str, one: str) -> tuple[str, list[Any]]:
        if not differs_composed(pattern, one):
            return f"{column} {operator} ?", [pattern]
        plain = f"length({column})=length(CAST({column} AS BLOB))"
        sql = f"CASE WHEN {plain} THEN {column} ELSE {COMPOSED}({column}) END {operator} ?"
        return sql, [pattern]

    def contains(self, column: str, text: str) -> tuple[str, list[Any]]:
        """Return the condition that the text of a column, folded, contains a folded text."""
        plain = f"length({column})=length(CAST({column} AS BLOB))"
        if not text.isascii():
            return f"NOT {plain} AND {HOLDS}({column}, ?)", [text]
        # Of an ASCII text: SQLite itself is ten times as fast.
        return f"CASE WHEN {plain} THEN instr(lower({column}), ?)>0 ELSE {HOLDS}({column}, ?) END", [text] * 2

    def position(self, text: str, part: str) -> str:
        """Return the expression for the place of *part* in *text*, both expressions; 0 if it is not in it."""
        return f"instr({text}, {part})"

    def year(self, seconds: str) -> str:
        """Return the expression for the year (UTC) of seconds since 1970."""
        return f"CAST(strftime('%Y', {seconds}, 'unixepoch') AS INTEGER)"

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
        if self._missing() > allowed:
            while self._index_some():
                pass

    def _missing(self) -> int:
        """Return how many rows the search table lacks."""
        return self.number("SELECT max(id) FROM archive_rows") - self._mark()

    def _index_some(self) -> bool:
        """Add :data:`CHUNK` rows at most to the search table; return whether it lacks more."""
        with self.transaction(power_safe=False):  # it can be made again
            missing, mark = self._missing(), self._mark()  # another process may add the same rows
            if missing > 0:
                self._index_names(mark, mark + min(CHUNK, missing))
        return missing > CHUNK

    def index_new_names(self) -> None:
        """Add the rows that were just written to the search table; called in their transaction."""
        if 0 < (missing := self._missing()) <= CHUNK and self.searchable:  # more would hold up other writers
            mark = self._mark()
            self._index_names(mark, mark + missing)

    def index_in_background(self) -> None:
        """Begin to add the rows that the search table lacks; the thread ends with the connection."""
        running = self._indexing is not None and self._indexing.is_alive()
        if running or self._missing() <= 0 or not self.searchable:
            return
        self._indexing = threading.Thread(target=self._index_all, name="glacier_magic names", daemon=True)
        atexit.register(self._stop_indexing)
        self._indexing.start()

    def _index_all(self) -> None:
        pause = INDEXING_PAUSE
        with suppress(CatalogueError, LocalError):  # the next search adds what is missing
            while not self._closing.wait(pause):
                began = time.monotonic()
                if not self._index_some():
                    return
                pause = time.monotonic() - began  # other threads and processes get the lock for as long

    def _stop_indexing(self) -> None:
        self._closing.set()
        if self._indexing is not None:
            self._indexing.join()
            atexit.unregister(self._stop_indexing)

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
        try:
            with self._caching(BULK_CACHE):
                yield
        finally:
            self.execute("PRAGMA shrink_memory")  # SQLite would keep the pages

    @contextlib.contextmanager
    def _caching(self, kib: int) -> Iterator[None]:
        before = self.number("PRAGMA cache_size")
        self.execute(f"PRAGMA cache_size=-{kib}")
        try:
            yield
        finally:
            self.execute(f"PRAGMA cache_size={before}")

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
        with self._caching(SORT_CACHE):
            for name, columns in LATE_INDEXES.items():
                self.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns.format(**WORDS)}")

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[SqliteSnapshot]:
        """Give the block all committed rows as of one time, on a separate connection."""
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        add_functions(connection)
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
        """Return the number of rows that this connection wrote, one that commits of others change, and more.

        The third is the number of writes that were logged.
        """
        self._log_writes()
        with self._lock:  # no write in between, or it would not count among the logged ones
            (mine,), (others,) = self.rows("SELECT total_changes()") + self.rows("PRAGMA data_version")
            return int(mine), int(others), self._logged

    def _log_writes(self) -> None:
        """From now on, log the downloads that this connection changes, and writes that no board shows."""
        if self._log is not None:
            return
        log = self._log = deque(maxlen=LOGGED)

        def wrote(number: int | None) -> None:
            log.append(number)
            self._logged += 1

        self._connection.create_function(WROTE, 1, wrote)
        for name, (event, number) in LOGGED_WRITES.items():
            # Temporary: of this connection alone, and not in the file.
            self.execute(
                f"CREATE TEMP TRIGGER IF NOT EXISTS {name} AFTER {event} BEGIN SELECT {WROTE}({number}); END"
            )

    def written_downloads(self, before: tuple[int, ...], marker: tuple[int, ...]) -> set[int] | None:
        """Return the downloads that were changed between two markers.

        :returns: None if anything else that a job board shows may have been written.
        """
        wrote, others, logged = (new - old for new, old in zip(marker, before, strict=True))
        # What the log lacks is of another table, or a row that came or went.
        if others or wrote != logged or not 0 <= logged <= LOGGED or self._log is None:
            return None
        since = self._logged - before[2]  # later writes as well, which the next marker has again
        found = list(self._log)[-since:] if since else []
        return None if since > LOGGED else {number for number in found if number is not None}

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
