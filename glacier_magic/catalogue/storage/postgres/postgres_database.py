"""A catalogue on a PostgreSQL server; pg_trgm finds names, and COPY writes many rows.

Without the extension pg_trgm, a search reads all names.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from ....errors import GlacierError
from ..database import literal
from ..letters import ascii_lower, composed, differs_composed, folded
from ..schema import LATE_INDEXES
from . import glob
from .migration import WORDS
from .postgres_server import PostgresServer
from .values import marked

TRIGRAMS = "archive_rows_by_text"
MAINTENANCE_MEMORY = "256MB"

_TRIGRAM = re.compile("[0-9A-Za-z]{3}")
"""A text of which the extension makes a trigram, whatever the language of the server."""

_LONGER = "ßẞİ"
"""The characters of living languages that are folded into two."""

_NUMBERS = ("id", "vault_id", "size", "created", "mtime")


class PostgresSnapshot:
    """All tables as of one time."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def stream(self, sql: str, values: Sequence[Any], size: int) -> Iterator[list[Any]]:
        """Yield the rows of a query as tuples, *size* at a time."""
        # A cursor with a name is one of the server: the result is not read into memory as a whole.
        with self._connection.cursor(name="glacier_magic", row_factory=tuple_row) as cursor:
            cursor.execute(marked(sql), values)
            while rows := cursor.fetchmany(size):
                yield rows

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return all rows of a query as tuples."""
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(marked(sql), values).fetchall()

    joined = None  # the server returns rows as fast


class PostgresDatabase(PostgresServer):
    """A catalogue that is a schema of a PostgreSQL database: the first of the search path."""

    # Conditions

    def glob(self, column: str, pattern: str) -> tuple[str, list[Any]]:
        """Return the condition that a column matches a GLOB pattern of SQLite, with its values."""
        pattern = composed(pattern)
        found = glob.translate(pattern)
        return (
            ("FALSE", []) if found is None else (f"{_read(column, pattern, '?[')} {found[0]} ?", [found[1]])
        )

    def like(self, column: str, pattern: str) -> tuple[str, list[Any]]:
        """Return the condition that a column is LIKE a pattern; the case of ASCII letters is ignored."""
        # In the collation "C" only ASCII letters have a case, as in SQLite.
        pattern = composed(pattern)
        return f"""{_read(column, pattern, "_")} COLLATE "C" ILIKE ? ESCAPE ''""", [pattern]

    def contains(self, column: str, text: str) -> tuple[str, list[Any]]:
        """Return the condition that the text of a column, folded, contains a folded text."""
        pattern = f"%{glob.like_escaped(text)}%"
        # In the collation "C" lower() knows ASCII alone.  Of the others only those of the text matter.
        lower = f"lower(normalize({column}, NFC))"
        for char in _LONGER:
            lower = f"replace({lower}, '{char}', '{folded(char)}')"
        return (
            f"CASE WHEN octet_length({column})=char_length({column}) THEN lower({column}) LIKE ? "
            f"ELSE translate({lower}, ?, ?) LIKE ? END"
        ), [pattern, *_others(text), pattern]

    @staticmethod
    def _in_lower(text: str) -> tuple[str, str]:
        """Return the condition, which the index of trigrams answers, that a name has an ASCII text."""
        return "lower(name) LIKE ?", f"%{glob.like_escaped(ascii_lower(text))}%"

    def position(self, text: str, part: str) -> str:
        """Return the expression for the place of *part* in *text*, both expressions; 0 if it is not in it."""
        return f"strpos({text}, {part})"

    def year(self, seconds: str) -> str:
        """Return the expression for the year (UTC) of seconds since 1970."""
        return f"date_part('year', to_timestamp({seconds}) AT TIME ZONE 'UTC')::int"

    def unindexed(self, column: str) -> str:
        """Return the expression for a column that keeps the database from using an index for it."""
        number = column.rpartition(".")[2] in _NUMBERS  # it may have the name of its table
        return f"({column}+0)" if number else f"({column}||'')"  # an expression has no index

    # Searching in names

    @property
    def searchable(self) -> bool:
        """Whether there is an index of trigrams."""
        return TRIGRAMS in self.indexes()

    def indexes(self) -> set[str]:
        """Return the names of the indexes."""
        rows = self.rows("SELECT indexname FROM pg_indexes WHERE schemaname=current_schema()")
        return {row["indexname"] for row in rows}

    def candidates(self, texts: Iterable[str], limit: int) -> list[int] | None:
        """Return the ids of the rows, in any vault, whose name contains all of *texts*.

        :returns: None if no text has a trigram, there is no index of them, or there are more rows
            than *limit*.
        """
        found = [self._in_lower(text) for text in texts if _TRIGRAM.search(text)]
        if not found or not self.searchable:
            return None
        rows = self.rows(
            f"SELECT id FROM archive_rows WHERE {' AND '.join(condition for condition, _ in found)} LIMIT ?",
            [value for _, value in found] + [limit + 1],
        )
        return None if len(rows) > limit else [row["id"] for row in rows]

    def index_new_names(self) -> None:
        """Do nothing: the server updates its index."""

    def index_in_background(self) -> None:
        """Do nothing: the server updates its index."""

    def reindex_name(self, archive: int, old: str, new: str) -> None:
        """Do nothing: the server updates its index."""

    def reindex_names(self) -> None:
        """Rebuild the search index."""
        with self.transaction():
            self.execute(f"DROP INDEX IF EXISTS {TRIGRAMS}")
            self._make_trigrams()

    # Writing and reading many rows

    def prepare_indexes(self) -> None:
        """Create missing indexes, unless a process that reads an inventory will."""
        wanted = {*LATE_INDEXES}
        if self._trigram_schema() or self._may_extend():
            wanted.add(TRIGRAMS)
        if not self.indexes().issuperset(wanted) and not self.load_is_running():
            self.create_indexes()

    def _trigram_schema(self) -> str | None:
        row = self.row(
            "SELECT quote_ident(n.nspname) AS schema FROM pg_extension e "
            "JOIN pg_namespace n ON n.oid=e.extnamespace WHERE e.extname='pg_trgm'"
        )
        return None if row is None else str(row["schema"])

    def _may_extend(self) -> bool:
        return bool(
            self.number(
                "SELECT has_database_privilege(current_database(), 'CREATE')::int "
                "FROM pg_available_extensions WHERE name='pg_trgm'"
            )
        )

    def drop_indexes(self) -> None:
        """Drop the indexes that are faster to create after many rows are written than to update."""
        for name in (*LATE_INDEXES, TRIGRAMS):
            self.execute(f"DROP INDEX IF EXISTS {name}")

    def create_indexes(self) -> None:
        """Create those of these indexes that are missing, each in its own transaction; update statistics."""
        have = self.indexes()
        for name, columns in LATE_INDEXES.items():
            if name not in have:
                self._make(f"CREATE INDEX IF NOT EXISTS {name} ON {columns.format(**WORDS)}")
        if TRIGRAMS not in have:
            self._make_trigrams()
        known = self.number("SELECT reltuples FROM pg_class WHERE oid='archive_rows'::regclass")
        if not have.issuperset(LATE_INDEXES) or known <= 0:
            self.execute("ANALYZE archive_rows")  # plans are poor until autovacuum comes, a minute later

    def _make(self, statement: str) -> None:
        with self.transaction():
            self.execute(f"SET LOCAL maintenance_work_mem='{MAINTENANCE_MEMORY}'")
            self.execute(statement)

    def _make_trigrams(self) -> None:
        if self._trigram_schema() is None and self._may_extend():
            with suppress(GlacierError):  # not a trusted extension, or another process was quicker
                self.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        schema = self._trigram_schema()
        if schema is not None:
            self._make(
                f"CREATE INDEX IF NOT EXISTS {TRIGRAMS} ON archive_rows "
                f"USING gin(lower(name) {schema}.gin_trgm_ops)"
            )

    def insert_many(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        same: dict[str, int | str | None],
        key: str,
    ) -> int:
        """Insert the rows whose *key* is not in the table yet; return how many they were.

        COPY is faster than INSERT but has no ON CONFLICT: a temporary table takes the rows first.
        """
        names = ",".join(columns)
        with self.transaction():
            self.execute(
                f"CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {names} FROM {table} WITH NO DATA"
            )
            with self.using() as cursor, cursor.copy(f"COPY incoming({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            written = self.execute(
                f"INSERT INTO {table}({','.join((names, *same))}) "
                f"SELECT {','.join((names, *map(literal, same.values())))} FROM incoming "
                f"ON CONFLICT({key}) DO NOTHING"
            )
            self.execute("DROP TABLE incoming")  # several batches may be in one transaction
        return written

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[PostgresSnapshot]:
        """Give the block all committed rows as of one time, on a separate connection."""
        with self.reading() as connection:
            connection.execute("SET LOCAL cursor_tuple_fraction=1")  # all rows will be read, not some
            yield PostgresSnapshot(connection)

    def find_ids(self, vault_id: int, wanted: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
        """Return (position, row id) for those archives that the catalogue knows.

        :param wanted: (position, id_key, id_check) of each archive.
        """
        places, keys, checks = map(list, zip(*wanted, strict=True)) if wanted else ([], [], [])
        found = self.rows(
            "SELECT w.place, a.id FROM unnest(?::bigint[], ?::bigint[], ?::bigint[]) "
            "AS w(place, id_key, id_check) JOIN archive_rows a "
            "ON a.vault_id=? AND a.id_key=w.id_key AND a.id_check=w.id_check",
            (places, keys, checks, vault_id),
        )
        return [tuple(row) for row in found]

    # The state of the database

    def size(self) -> int:
        """Return the bytes of the tables and their indexes."""
        return self.number(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
            "WHERE relnamespace=current_schema()::regnamespace AND relkind='r'"
        )

    def integrity(self) -> list[str]:
        """Return which indexes the server knows to be incomplete."""
        rows = self.rows(
            "SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid=i.indexrelid "
            "WHERE c.relnamespace=current_schema()::regnamespace AND NOT i.indisvalid"
        )
        return [f"the index {row['name']} is not valid" for row in rows]


def _read(column: str, pattern: str, one: str) -> str:
    """Return the expression for a column as a pattern is compared with it."""
    if not differs_composed(pattern, one):
        return column
    plain = f"octet_length({column})=char_length({column})"
    return f"(CASE WHEN {plain} THEN {column} ELSE normalize({column}, NFC) END)"


@cache
def _spellings() -> dict[str, str]:
    """Return the characters beyond ASCII that are folded into each character."""
    found: dict[str, str] = {}
    for char in map(chr, range(0x80, 0x20000)):  # all that have a case
        if char.casefold() != char and len(small := folded(char)) == 1:
            found[small] = found.get(small, "") + char
    return found


def _others(text: str) -> tuple[str, str]:
    """Return the other spellings of the characters of a folded text, and these characters."""
    pairs = [(other, char) for char in dict.fromkeys(text) for other in _spellings().get(char, "")]
    return "".join(other for other, _ in pairs), "".join(char for _, char in pairs)
