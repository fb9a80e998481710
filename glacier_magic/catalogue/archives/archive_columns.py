"""All archives of a vault as Arrow columns, without a Python object for each value.

The rows are read in the order of the disk and sorted afterwards: an index leads to a random place in the
file for each row.  Of :data:`PIECE` rows, each column is one text that SQLite joins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...base import dataframes
from ...inventories.listed_archive import ID_LENGTH
from ..storage.database import END, NULL, Snapshot
from .identity import unpack_hash
from .query import Statement

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

PIECE = 10_000
"""Rows whose values are joined at a time."""

_WHOLE = ("size", "copies", "wasted", "group")
_TIMES = ("created", "modified", "seen")


def columns_of(
    view: Snapshot, made: Statement, vault: str, *, stored: bool = False, **more: str
) -> pa.Table | None:
    """Return the archives of a statement without a limit, with the columns of :data:`.dataframes.ARCHIVES`.

    :param stored: leave the archives in the order of the disk; the column ``order`` has the row of each.
    :param more: expressions of further columns, by their names.
    :returns: None if rows are as fast, or an archive id has not the length of the service's.
    """
    import numpy as np
    import pyarrow as pa

    digits = "CASE WHEN tree_hash IS NOT NULL THEN hex(tree_hash) END"  # hex() of a null is an empty text
    selected = {"modified": "mtime", "tree_hash": digits, "state": made.state} | more
    names = ["id", *(name for name in dataframes.ARCHIVES if name not in ("archive_id", "vault")), *more]
    pieces: dict[str, list[pa.Array[Any]]] = {name: [] for name in names}
    if view.joined is None:
        return None
    asked = made.condition, (made.vault_id, *made.bound), PIECE
    for joined in view.joined([selected.get(name, name) for name in names], *asked):
        for name, values in zip(names, joined, strict=True):
            pieces[name].append(_READ.get(name, _texts)(_split(values)))
    numbers = np.concatenate([np.zeros(0, np.int64), *pieces.pop("id")])
    order = _order(view, made)
    place = np.full(int(order.max(initial=0)) + 1, -1, np.int64)  # of each row among those read, by its id
    place[numbers] = np.arange(len(numbers))
    rows = place[order]
    rows = rows[rows >= 0]
    taken = None if stored else rows
    found = {name: _ordered(pieces.pop(name), taken, kind_of(name)) for name in list(pieces)}
    if not stored:
        place[numbers[rows]] = np.arange(len(rows))  # from now on, of each row in the result
    archive_ids = _archive_ids(view.joined(["id", "archive_id"], *asked), place, len(rows))
    if archive_ids is None:
        return None
    found["archive_id"] = archive_ids
    found["vault"] = _repeated(pa.scalar(vault, kind_of("vault")), len(rows))
    if found["description"].null_count:  # null: it equals the name
        found["description"] = or_else(found["description"], found["name"])
    table = pa.table({name: found[name] for name in (*dataframes.ARCHIVES, *more)})
    return table.append_column("order", pa.array(rows.astype(np.int32))) if stored else table


def _archive_ids(
    pieces: Iterator[Sequence[bytes]], place: np.ndarray[Any, Any], count: int
) -> pa.Array[Any] | None:
    """Return the archive ids, each written to its place at once: they are half of all the bytes.

    :returns: None if one has not the length of the service's.
    """
    import numpy as np
    import pyarrow as pa

    found = np.empty((count, ID_LENGTH), np.uint8)
    for numbers, joined in pieces:
        at = place[_numbers(_split(numbers))]
        texts = np.frombuffer(joined + END, np.uint8)
        if len(texts) != len(at) * (ID_LENGTH + 1) or (texts[ID_LENGTH :: ID_LENGTH + 1] != END[0]).any():
            return None
        found[at] = texts.reshape(len(at), -1)[:, :ID_LENGTH]
    ends = np.arange(0, (count + 1) * ID_LENGTH, ID_LENGTH, dtype=np.int64)
    return pa.Array.from_buffers(
        kind_of("archive_id"), count, [None, pa.py_buffer(ends), pa.py_buffer(found)]
    )


def _order(view: Snapshot, made: Statement) -> np.ndarray[Any, Any]:
    """Return the ids of all rows of the vault in the order of a statement."""
    import numpy as np

    rows = f"(SELECT *, {made.state} AS state FROM archive_rows)"  # only an order by state calculates it
    # An index of a column has the number of its row as well: no row is read.
    sql = f"SELECT id FROM {rows} AS archive_rows WHERE vault_id=? ORDER BY {made.order}"
    pieces = [np.array(rows)[:, 0] for rows in view.stream(sql, (made.vault_id,), PIECE)]
    return np.concatenate([np.zeros(0, np.int64), *pieces])


def _ordered(
    pieces: list[pa.Array[Any]], rows: np.ndarray[Any, Any] | None, kind: pa.DataType
) -> pa.ChunkedArray[Any]:
    """Return those of the values of all *pieces* that *rows* numbers; None for all."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pa.concat_arrays([pa.array([], kind), *pieces])
    pieces.clear()
    pa.default_memory_pool().release_unused()  # else what is freed adds to what follows
    same = whole.null_count == len(whole) or (
        whole[0].is_valid and pc.all(pc.equal(whole, whole[0]), skip_nulls=False).as_py()
    )
    if len(whole) and same:
        return _repeated(whole[0], len(whole))
    return pa.chunked_array([whole if rows is None else whole.take(pa.array(rows))])


def _repeated(value: pa.Scalar[Any], count: int) -> pa.ChunkedArray[Any]:
    """Return a value *count* times, in pieces that share their memory."""
    import pyarrow as pa

    piece, (many, rest) = pa.repeat(value, PIECE), divmod(count, PIECE)
    return pa.chunked_array([piece] * many + [piece.slice(0, rest)])


# Values


def _split(joined: bytes) -> pa.Array[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = pc.split_pattern(pa.array([joined], pa.large_binary()), END).values
    null = pc.equal(values, NULL)
    return pc.if_else(null, None, values) if pc.any(null).as_py() else values


def _texts(values: pa.Array[Any]) -> pa.Array[Any]:
    return values.cast(kind_of("name"))


def _numbers(values: pa.Array[Any]) -> pa.Array[Any]:
    return _texts(values).cast(kind_of("size"))


def _times(values: pa.Array[Any]) -> pa.Array[Any]:
    return times(_numbers(values))


def _hashes(values: pa.Array[Any]) -> pa.Array[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.ascii_lower(_texts(values))
    if pc.all(pc.equal(pc.binary_length(texts), 64)).as_py():
        return texts
    packed = (None if text is None else bytes.fromhex(text) for text in texts.to_pylist())
    return pa.array(map(unpack_hash, packed), texts.type)


_READ: dict[str, Callable[[pa.Array[Any]], pa.Array[Any]]] = {
    "id": _numbers,
    "size": _numbers,
    "created": _times,
    "modified": _times,
    "seen": _times,
    "tree_hash": _hashes,
}


def kind_of(name: str) -> pa.DataType:
    """Return the Arrow type of a column by its name."""
    import pyarrow as pa

    if name in _TIMES:  # microseconds reach beyond every calendar's end; nanoseconds end in 2262
        return pa.timestamp("us", "UTC")
    # Large: 64-bit offsets, for more than 2 GiB of text.
    return pa.int64() if name in _WHOLE else pa.large_string()


def times(milliseconds: pa.Array[Any]) -> pa.Array[Any]:
    """Return times since 1970 as the type that :func:`kind_of` says."""
    import pyarrow.compute as pc

    return pc.multiply(milliseconds, 1000).cast(kind_of("created"))


def or_else(texts: Any, others: Any) -> Any:
    """Return *texts* with nulls replaced from *others*; if all are null, *others* without a copy."""
    import pyarrow.compute as pc

    return others if texts.null_count == len(texts) else pc.coalesce(texts, others)
