"""Query results as DataFrames, built from Arrow columns that are filled a batch of rows at a time.

A million archives have about 400 MB of text.  It is in memory only once, and no more than
:data:`PIECE` rows are Python objects at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...base import dataframes
from ...base.units import iso
from ..storage.database import Database, Scope
from .archive_columns import columns_of, kind_of, or_else, times
from .folders import fills_table
from .identity import unpack_hash
from .query import COLUMNS, Query, Statement, left_out, statement

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PIECE = 10_000
"""Rows that are Python objects at a time."""

READ = (*COLUMNS.replace("mtime", "modified").split(", "), "state")
"""The columns of a row as :mod:`.query` reads it, by the names that tables give them."""

Rows = list[tuple[Any, ...]]


def frame(database: Database, scope: Scope, vault: str, query: Query) -> pd.DataFrame:
    """Return the result of a query as a DataFrame: see :meth:`.archives.Archives.frame`."""
    made = statement(database, scope, vault, query)
    read = whole(database, scope, vault, query, made)
    if made and read is not None:
        return _dated(_framed(read, vault), made.as_of)
    rows = database.stream(made.sql, made.values, PIECE) if made else iter(())
    found = table(_first(rows, query.limit), vault, made.as_of if made else None)
    if made and len(found) == query.limit:  # else all are shown, and a count would read every name again
        found.attrs["more"] = left_out(database, scope, vault, query, made)
    return found


def whole(
    database: Database, scope: Scope, vault: str, query: Query, made: Statement | None, **more: Any
) -> pa.Table | None:
    """Return all archives of a vault as Arrow columns; None if rows are as fast: see :func:`.columns_of`.

    :param made: the statement of the query.
    :param more: those of :func:`.columns_of`.
    """
    every = replace(query, sort=None, states=None, as_of=None) in (Query(), Query(glob="*"))
    if made is None or not every or not fills_table(database, scope, vault):
        return None
    with database.snapshot() as view:
        return columns_of(view, made, vault, **more)


def table(parts: Iterable[Rows], vault: str, made: int | None) -> pd.DataFrame:
    """Return rows of the columns :data:`READ`, in batches, as a DataFrame.

    :param made: the date, in milliseconds, of the inventory that they are based on.
    """
    return _dated(build(vault, parts), made)


def _dated(found: pd.DataFrame, made: int | None) -> pd.DataFrame:
    found.attrs.update(as_of=iso(made), more=0)
    return found


def _first(rows: Iterator[Rows], limit: int | None) -> Iterator[Rows]:
    """Yield at most *limit* rows."""
    for piece in rows:  # the statement reads one row more than the limit
        yield piece if limit is None else piece[:limit]
        limit = None if limit is None else max(0, limit - len(piece))


def build(
    vault: str,
    rows: Iterable[Rows],
    *,
    read: Sequence[str] = READ,
    columns: Sequence[str] = dataframes.ARCHIVES,
) -> pd.DataFrame:
    """Return *rows* as a DataFrame; its columns have the same types if there are no rows.

    :param read: the names of a row's values; ``vault`` may be missing.
    :param columns: the columns of the DataFrame.  ``attrs`` has ``vault``, and ``unlisted``: the number
        of archives that were uploaded and are in no inventory yet.
    """
    return _framed(arrow(vault, rows, read=read, columns=columns), vault)


def arrow(vault: str, rows: Iterable[Rows], *, read: Sequence[str], columns: Sequence[str]) -> pa.Table:
    """Return *rows* as Arrow columns: see :func:`build`."""
    import pyarrow as pa

    schema = pa.schema([(name, kind_of(name)) for name in columns])
    return pa.Table.from_batches([batch(vault, piece, read, schema) for piece in rows if piece], schema)


def _framed(table: pa.Table, vault: str) -> pd.DataFrame:
    """Return a table as a DataFrame; pandas takes over its columns."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = table.column_names
    if "size" in columns:
        place = table.schema.get_field_index("size")
        table = table.set_column(place, "size", pc.fill_null(table["size"], 0))
    unlisted = 0
    if "state" in columns:
        unlisted = pc.sum(pc.equal(table["state"], "pending"), min_count=0).as_py()
    kind = dataframes.text_type()
    found: pd.DataFrame = table.to_pandas(
        types_mapper=lambda given: kind if given == pa.large_string() else None,
        self_destruct=True,
        split_blocks=True,
    )
    return dataframes.marked(found, vault=vault, unlisted=unlisted)


def batch(vault: str, rows: Rows, read: Sequence[str], schema: pa.Schema) -> pa.RecordBatch:
    """Return rows as the columns of *schema*."""
    import pyarrow as pa

    values = dict(zip(read, zip(*rows, strict=True), strict=True))
    made: dict[str, Any] = {}
    for field in schema:
        if field.name == "vault" and "vault" not in values:
            # The rows of one vault do not repeat its name.
            made["vault"] = pa.repeat(pa.scalar(vault, field.type), len(rows))
        else:
            column = _COLUMNS.get(field.name, _plain)
            made[field.name] = column(values[field.name], field.type)
    if "description" in made and made["description"].null_count:  # null: it equals the name
        made["description"] = or_else(made["description"], made["name"])
    return pa.record_batch([made[name] for name in schema.names], schema)


def _plain(values: Sequence[Any], kind: Any) -> Any:
    import pyarrow as pa

    return pa.array(values, kind)


def _times(values: Sequence[int | None], _kind: Any) -> Any:
    import pyarrow as pa

    return times(pa.array(values, pa.int64()))


def _hashes(values: Sequence[bytes | None], kind: Any) -> Any:
    """Return tree hashes in hexadecimal digits."""
    import numpy as np
    import pyarrow as pa

    if any(value is None or len(value) != 32 for value in values):
        return pa.array([unpack_hash(value) for value in values], kind)
    # One call of hex() for the whole batch, not one for each row.
    spelled = b"".join(values).hex().encode()  # type: ignore[arg-type]  # none of them is None
    ends = np.arange(0, 64 * len(values) + 1, 64, dtype=np.int64)
    whole = [None, pa.py_buffer(ends), pa.py_buffer(spelled)]
    return pa.Array.from_buffers(kind, len(values), whole)


_COLUMNS: dict[str, Callable[[Sequence[Any], Any], Any]] = {
    "created": _times,
    "modified": _times,
    "seen": _times,
    "tree_hash": _hashes,
}
