"""Answers as DataFrames: columns of Arrow, filled a piece at a time, that pandas takes over.

A million archives are some 400 MB of text; nothing of it is there twice, and no more than
:data:`PIECE` rows are Python objects at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...base import dataframes
from ...base.units import from_ms
from ..storage.database import Database, Scope
from .identity import unpack_hash
from .query import COLUMNS, Query, left_out, pieces, statement

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PIECE = 10_000
"""Rows that are Python objects at a time."""

READ = (*COLUMNS.split(", "), "state")
"""The columns of a row as it is read."""
ARCHIVES = (
    "name",
    "size",
    "created",
    "archive_id",
    "tree_hash",
    "description",
    "format",
    "mtime",
    "state",
    "vault",
)
"""The columns of a table of archives."""
_WHOLE = ("size", "copies", "wasted", "group")
_TIMES = ("created", "mtime", "seen")

Rows = list[tuple[Any, ...]]


def frame(database: Database, scope: Scope, vault: str, asked: Query) -> pd.DataFrame:
    """Return what was asked for as a DataFrame: see :meth:`.archives.Archives.frame`."""
    made = statement(database, scope, vault, asked)
    rows = pieces(database, made, PIECE) if made else iter(())
    found = table(_first(rows, asked.limit), vault, made.as_of if made else None)
    found.attrs["more"] = left_out(database, scope, vault, asked, made) if made else 0
    return found


def table(parts: Iterable[Rows], vault: str, made: int | None) -> pd.DataFrame:
    """Return rows of the columns that a query selects, some at a time, as a DataFrame.

    :param made: date of the inventory that tells them, in milliseconds.
    """
    found = build(vault, parts)
    as_of = from_ms(made)
    found.attrs.update(as_of=as_of.isoformat() if as_of else None, more=0)
    return found


def _first(rows: Iterator[Rows], limit: int | None) -> Iterator[Rows]:
    """Yield no more than *limit* rows."""
    for piece in rows:
        if limit is None:
            yield piece
            continue
        yield piece[:limit]
        limit -= min(limit, len(piece))


def build(
    vault: str, rows: Iterable[Rows], *, read: Sequence[str] = READ, columns: Sequence[str] = ARCHIVES
) -> pd.DataFrame:
    """Return *rows* as a DataFrame, typed by what its columns are, also without any row.

    :param read: what the values of a row are, in their order; ``vault`` need not be among them.
    :param columns: those of the DataFrame.  ``attrs`` has ``vault``, and ``unlisted``: how many
        archives no inventory has listed yet that were stored from here.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    schema = pa.schema([(name, kind_of(name)) for name in columns])
    batches = [batch(vault, piece, read, schema) for piece in rows if piece]
    table = pa.Table.from_batches(batches, schema)
    del batches
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
    found.attrs.update(vault=vault, unlisted=unlisted)
    return found


def kind_of(name: str) -> pa.DataType:
    """Return the type of a column by its name."""
    import pyarrow as pa

    if name in _TIMES:  # microseconds reach beyond every calendar's end; nanoseconds end in 2262
        return pa.timestamp("us", "UTC")
    return pa.int64() if name in _WHOLE else pa.large_string()


def batch(vault: str, rows: Rows, read: Sequence[str], schema: pa.Schema) -> pa.RecordBatch:
    """Return rows as columns of *schema*."""
    import pyarrow as pa

    values = dict(zip(read, zip(*rows, strict=True), strict=True))
    made: dict[str, Any] = {}
    for field in schema:
        if field.name == "vault" and "vault" not in values:
            made["vault"] = pa.repeat(pa.scalar(vault, field.type), len(rows))
        else:
            column = _COLUMNS.get(field.name, _plain)
            made[field.name] = column(values[field.name], field.type)
    if "description" in made and made["description"].null_count:
        made["description"] = _or_else(made["description"], made["name"])
    return pa.record_batch([made[name] for name in schema.names], schema)


def _plain(values: Sequence[Any], kind: Any) -> Any:
    import pyarrow as pa

    return pa.array(values, kind)


def _or_else(texts: Any, others: Any) -> Any:
    """Return *others* where there is no text; where there is none at all, nothing is copied."""
    import pyarrow.compute as pc

    return others if texts.null_count == len(texts) else pc.coalesce(texts, others)


def _times(values: Sequence[int | None], kind: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.multiply(pa.array(values, pa.int64()), 1000).cast(kind)


def _hashes(values: Sequence[bytes | None], kind: Any) -> Any:
    """Spell tree hashes, all at once where they are alike."""
    import numpy as np
    import pyarrow as pa

    if any(value is None or len(value) != 32 for value in values):
        return pa.array([unpack_hash(value) for value in values], kind)
    spelled = b"".join(values).hex().encode()  # type: ignore[arg-type]  # none of them is None
    ends = np.arange(0, 64 * len(values) + 1, 64, dtype=np.int64)
    whole = [None, pa.py_buffer(ends), pa.py_buffer(spelled)]
    return pa.Array.from_buffers(kind, len(values), whole)


_COLUMNS: dict[str, Callable[[Sequence[Any], Any], Any]] = {
    "created": _times,
    "mtime": _times,
    "seen": _times,
    "tree_hash": _hashes,
}
