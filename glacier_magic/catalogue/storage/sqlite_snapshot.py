"""Many rows of an SQLite file as of one time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from .database import END, NULL

_JOINED = (  # a table of both marks, for SQLite would calculate constants again for each row
    f"WITH marks(ends, lacks) AS MATERIALIZED (SELECT CAST(x'{END.hex()}' AS TEXT), "
    f"CAST(x'{NULL.hex()}' AS TEXT)) SELECT {{}} FROM marks CROSS JOIN archive_rows NOT INDEXED "
    "WHERE {} AND id>? AND id<=?"
)


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

    def joined(
        self, columns: Sequence[str], condition: str, values: Sequence[Any], size: int
    ) -> Iterator[Sequence[bytes]]:
        """Yield joined values of the archives: see :attr:`.database.Snapshot.joined`."""
        texts = (f"CAST(group_concat(IFNULL({column}, lacks), ends) AS BLOB)" for column in columns)
        sql = _JOINED.format(", ".join(texts), condition)
        ((last,),) = self.rows("SELECT COALESCE(max(id), 0) FROM archive_rows")
        for start in range(0, last, size):
            (found,) = self.rows(sql, (*values, start, start + size))
            if found[0] is not None:  # else no row of these is one
                yield found
