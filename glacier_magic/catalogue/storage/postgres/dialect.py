"""PostgreSQL's own ways: trigrams of pg_trgm for searching, COPY for writing much.

Where the extension cannot be had, names are searched one by one; all else is the same.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import tuple_row

from ....errors import GlacierError
from ..dialect import LATER, abandoned, lower
from . import glob, sql

if TYPE_CHECKING:
    from .database import PostgresDatabase

TRIGRAMS = "archive_rows_by_text"
MAINTENANCE_MEMORY = "256MB"

_TRIGRAM = re.compile("[0-9A-Za-z]{3}")
"""What the extension surely makes trigrams of, whatever the server's language."""

_NUMBERS = ("id", "vault_id", "size", "created", "mtime")


class PostgresSnapshot:
    """The tables at one moment."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def stream(self, statement: str, values: Sequence[Any], size: int) -> Iterator[list[Any]]:
        """Yield the rows of a query as tuples, some at a time."""
        with self._connection.cursor(name="glacier_magic", row_factory=tuple_row) as cursor:
            cursor.execute(sql.query(statement), values)
            while rows := cursor.fetchmany(size):
                yield rows

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return all rows of a query as tuples."""
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(sql.query(statement), values).fetchall()


class Postgres:
    """PostgreSQL's own ways: see :class:`..dialect.Dialect`."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    # Patterns

    def glob(self, column: str, pattern: str) -> tuple[str, list[Any]]:
        """Return the condition that a column matches a pattern, case counting."""
        found = glob.translated(pattern)
        return ("FALSE", []) if found is None else (f"{column} {found[0]} ?", [found[1]])

    def like(self, column: str, pattern: str) -> tuple[str, list[Any]]:
        """Return the condition that a column is like a pattern; ASCII letters in either case."""
        # of the collation "C" only ASCII letters have cases
        return f"""{column} COLLATE "C" ILIKE ? ESCAPE ''""", [pattern]

    def contains(self, column: str, text: str) -> tuple[str, list[Any]]:
        """Return the condition that a column holds a text; ASCII letters in either case."""
        return f"lower({column}) LIKE ?", [f"%{glob.like_escaped(lower(text))}%"]

    def aside(self, column: str) -> str:
        """Return *column* so that no index is used for it."""
        return f"({column}+0)" if column in _NUMBERS else f"({column}||'')"

    # Searching

    @property
    def searchable(self) -> bool:
        """Whether there is an index of trigrams."""
        return TRIGRAMS in self.indexes()

    def indexes(self) -> set[str]:
        """Return the names of the indexes."""
        rows = self._database.rows("SELECT indexname FROM pg_indexes WHERE schemaname=current_schema()")
        return {row["indexname"] for row in rows}

    def candidates(self, texts: Iterable[str], limit: int) -> list[int] | None:
        """Return the ids of rows whose name holds all of *texts*, in any vault.

        None where no trigram tells, there is no index of them, or it would be more than *limit*
        ids: of those the server reads no more, for it expects many.
        """
        found = [self.contains("name", text) for text in texts if _TRIGRAM.search(text)]
        if not found or not self.searchable:
            return None
        rows = self._database.rows(
            f"SELECT id FROM archive_rows WHERE {' AND '.join(sql for sql, _ in found)} LIMIT ?",
            [value for _, values in found for value in values] + [limit + 1],
        )
        return None if len(rows) > limit else [row["id"] for row in rows]

    def index_new_names(self) -> None:
        """Do nothing: the server keeps its index."""

    def renamed(self, archive: int, old: str, new: str) -> None:
        """Do nothing: the server keeps its index."""

    # Writing much

    def prepare(self) -> None:
        """Make indexes that are missing, unless somebody is about to make them."""
        have = self.indexes()
        wanted = {*LATER, TRIGRAMS} if self._trigram_schema() or self._may_extend() else {*LATER}
        if not have.issuperset(wanted) and abandoned(self._database):
            self.make_indexes()

    def _trigram_schema(self) -> str | None:
        row = self._database.row(
            "SELECT quote_ident(n.nspname) AS schema FROM pg_extension e "
            "JOIN pg_namespace n ON n.oid=e.extnamespace WHERE e.extname='pg_trgm'"
        )
        return None if row is None else str(row["schema"])

    def _may_extend(self) -> bool:
        row = self._database.row(
            "SELECT has_database_privilege(current_database(), 'CREATE') AS may "
            "FROM pg_available_extensions WHERE name='pg_trgm'"
        )
        return row is not None and bool(row["may"])

    @contextlib.contextmanager
    def bulk(self) -> Iterator[None]:
        """Do nothing: the server has its own memory."""
        yield

    def drop_indexes(self) -> None:
        """Drop the indexes that are made quicker afterwards."""
        for name in (*LATER, TRIGRAMS):
            self._database.execute(f"DROP INDEX IF EXISTS {name}")

    def make_indexes(self) -> None:
        """Make those that are missing, each in a transaction of its own; count anew after many."""
        have = self.indexes()
        for name, columns in LATER.items():
            if name not in have:
                self._make(sql.definition(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}"))
        if TRIGRAMS not in have:
            self._make_trigrams()
        row = self._database.row("SELECT reltuples AS n FROM pg_class WHERE oid='archive_rows'::regclass")
        if not have.issuperset(LATER) or (row is not None and row["n"] <= 0):
            self._database.execute("ANALYZE archive_rows")

    def _make(self, statement: str) -> None:
        with self._database.transaction():
            self._database.execute(f"SET LOCAL maintenance_work_mem='{MAINTENANCE_MEMORY}'")
            self._database.execute(statement)

    def _make_trigrams(self) -> None:
        if self._trigram_schema() is None and self._may_extend():
            with suppress(GlacierError):  # it is not trusted here, or another process was quicker
                self._database.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        schema = self._trigram_schema()
        if schema is not None:
            self._make(
                f"CREATE INDEX IF NOT EXISTS {TRIGRAMS} ON archive_rows "
                f"USING gin(lower(name) {schema}.gin_trgm_ops)"
            )

    def write(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        """Insert many rows in the way of *statement*, an INSERT of all columns that they have.

        They are copied to a table beside, from which those that are new are taken.
        """
        table, columns, tail = _insert(statement)
        with self._database.transaction():
            self._database.execute(
                f"CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA"
            )
            with (
                self._database.using() as cursor,
                cursor.copy(f"COPY incoming({columns}) FROM STDIN") as copy,
            ):
                for row in rows:
                    copy.write_row(row)
            written = self._database.execute(
                f"INSERT INTO {table}({columns}) SELECT {columns} FROM incoming {tail}"
            )
            self._database.execute("DROP TABLE incoming")
        return written

    def stream(self, statement: str, values: Sequence[Any], size: int) -> Iterator[list[Any]]:
        """Yield the rows of a long answer as tuples, some at a time, as of one moment."""
        with self.snapshot() as view:
            yield from view.stream(statement, values, size)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[PostgresSnapshot]:
        """Look at all tables as they are at one moment, whoever writes meanwhile."""
        with self._database.reading() as connection:
            connection.execute("SET LOCAL cursor_tuple_fraction=1")  # all of it is wanted
            yield PostgresSnapshot(connection)

    def size(self) -> int:
        """Return the bytes of the tables and their indexes."""
        row = self._database.row(
            "SELECT COALESCE(sum(pg_total_relation_size(oid)), 0) AS n FROM pg_class "
            "WHERE relnamespace=current_schema()::regnamespace AND relkind='r'"
        )
        return int(row["n"]) if row else 0

    def integrity(self) -> list[str]:
        """Return what the server knows to be wrong: indexes that were not made to their end."""
        rows = self._database.rows(
            "SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid=i.indexrelid "
            "WHERE c.relnamespace=current_schema()::regnamespace AND NOT i.indisvalid"
        )
        return [f"the index {row['name']} is not valid" for row in rows]

    def reindex_names(self) -> None:
        """Make the index to search in anew."""
        with self._database.transaction():
            self._database.execute(f"DROP INDEX IF EXISTS {TRIGRAMS}")
            self._make_trigrams()

    def probe(self, vault_id: int, wanted: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
        """Return (position, id) of the rows whose (id_key, id_check) are *wanted*."""
        places, keys, checks = map(list, zip(*wanted, strict=True)) if wanted else ([], [], [])
        found = self._database.rows(
            "SELECT w.place, a.id FROM unnest(?::bigint[], ?::bigint[], ?::bigint[]) "
            "AS w(place, id_key, id_check) JOIN archive_rows a "
            "ON a.vault_id=? AND a.id_key=w.id_key AND a.id_check=w.id_check",
            (places, keys, checks, vault_id),
        )
        return [tuple(row) for row in found]


def _insert(statement: str) -> tuple[str, str, str]:
    """Return the table of an INSERT, its columns, and what follows the values."""
    head, _, rest = statement.partition(" VALUES(")
    table, _, columns = head.removeprefix("INSERT INTO ").partition("(")
    return table, columns.removesuffix(")"), rest.partition(")")[2]
