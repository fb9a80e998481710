"""Answers as DataFrames: made by columns, a piece at a time, so that a million rows are quick."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..units import from_ms
from .database import Database, Scope
from .identity import unpack_hash
from .query import COLUMNS, Query, pieces, statement

if TYPE_CHECKING:
    import pandas as pd

PIECE = 50_000
"""Rows that are Python objects at a time."""

_NAMES = [*COLUMNS.split(", "), "state"]
_WHOLE = ("size", "created", "mtime")
_SHOWN = (
    "name", "size", "created", "archive_id", "tree_hash", "description", "format", "mtime",
    "state",
)  # fmt: skip


def frame(database: Database, scope: Scope, vault: str, asked: Query) -> pd.DataFrame:
    """Return what was asked for as a DataFrame: see :meth:`.archives.Archives.frame`."""
    made = statement(database, scope, vault, asked)
    parts = [] if made is None else pieces(database, made, PIECE)
    return table(parts, vault, made.as_of if made else None, asked.limit)


def table(
    parts: Iterable[Sequence[Any]], vault: str, made: int | None, limit: int | None = None
) -> pd.DataFrame:
    """Return rows of the columns that a query selects, some at a time, as a DataFrame.

    :param made: date of the inventory that tells them, in milliseconds.
    :param limit: how many of them at most.
    """
    import pandas as pd  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    schema = pa.schema([(n, pa.int64() if n in _WHOLE else pa.large_string()) for n in _SHOWN])
    table = pa.Table.from_batches([_batch(rows, schema) for rows in parts], schema)
    more = limit is not None and table.num_rows > limit
    if more:
        table = table.slice(0, limit)
    columns: dict[str, Any] = {}
    for name in _SHOWN:
        if name == "size":
            columns[name] = table[name].fill_null(0).to_numpy()
        elif name in _WHOLE:
            columns[name] = _times(table[name])
        else:
            columns[name] = pd.Series(table[name].to_pandas(), dtype="str")
    columns["vault"] = pd.Series([vault], dtype="str").repeat(table.num_rows).to_numpy()
    found = pd.DataFrame(columns).astype({"vault": "str"})
    as_of = from_ms(made)
    found.attrs.update(vault=vault, as_of=as_of.isoformat() if as_of else None, more=more)
    return found


def _times(column: Any) -> Any:
    import pandas as pd  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    # microseconds reach beyond every calendar's end; nanoseconds end in 2262
    moments = pc.multiply(column, 1000).cast(pa.timestamp("us"))
    return pd.to_datetime(moments.to_pandas()).astype("datetime64[us]").dt.tz_localize("UTC")


def _batch(rows: Sequence[Any], schema: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    values: dict[str, Any] = dict(zip(_NAMES, zip(*rows, strict=True), strict=True))
    raw = zip(values["description"], values["name"], strict=True)
    values["description"] = [name if text is None else text for text, name in raw]
    values["tree_hash"] = [unpack_hash(packed) for packed in values["tree_hash"]]
    return pa.record_batch([pa.array(values[n], schema.field(n).type) for n in _SHOWN], schema)
