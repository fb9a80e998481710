"""Record batches from cut records: validation, and merging in the records read one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .frames import Bytes, Cut, Frame, Mask, Positions, windows
from .listed_archive import Item
from .texts import is_plain

LISTED = pa.schema(
    [
        ("archive_id", pa.string()),
        ("description", pa.string()),
        ("created", pa.timestamp("ms", tz="UTC")),
        ("size", pa.int64()),
        ("tree_hash", pa.string()),
    ]
)
"""The columns of every batch; ``created`` and ``tree_hash`` may be null."""

_ONE_WIDTH = ("archive_id", "tree_hash")  # in one frame

Mend = Callable[[bytes, int], str | None]
"""Returns the description for its bytes and the position of its record in a cut; None if invalid."""


def of_items(items: Sequence[Item]) -> pa.RecordBatch:
    """Return *items* as a batch."""
    columns = list(zip(*items, strict=True)) or [()] * len(LISTED)
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, LISTED, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=LISTED)


def of_cut(
    data: memoryview, frame: Frame, cut: Cut, odd: bytes, mend: Mend
) -> tuple[pa.RecordBatch, Positions]:
    """Return the valid records cut out of *data* as a batch, and their numbers.

    A description with one of the bytes *odd* needs decoding by *mend*.
    """
    count, names = len(cut.rows), frame.names
    if not count:
        return of_items([]), cut.rows
    texts = _texts(data, names, cut)
    good = np.ones(count, bool)
    _reject(good, texts["archive_id"], _outside_of_ids)
    _reject(good, texts["tree_hash"], _outside_of_hashes)
    # Much faster than decoding, and usually true.
    ascii_only = bool(np.frombuffer(data, np.uint8).max() < 0x80)
    above = not ascii_only and not is_plain(bytes(data))
    description = _mended(texts["description"], odd, above, mend, good)
    try:
        created, size = (_cast(texts[name], LISTED.field(name).type) for name in ("created", "size"))
    except pa.ArrowInvalid:  # a date such as 31 February: the records are then read one by one
        return of_items([]), cut.rows[:0]
    columns = {
        "archive_id": texts["archive_id"],
        "description": description,
        "created": created,
        "size": size,
        "tree_hash": _lower(texts["tree_hash"]),
    }
    batch = pa.RecordBatch.from_arrays([columns[name] for name in LISTED.names], schema=LISTED)
    if good.all():
        return batch, cut.rows
    return batch.filter(pa.array(good)), cut.rows[good]


def in_order(
    batch: pa.RecordBatch, rows: Positions, items: Sequence[Item], item_rows: Sequence[int]
) -> pa.RecordBatch:
    """Return *batch* with *items* merged into its records, in the order of their numbers."""
    if not items:
        return batch
    other = of_items(items)
    order = np.argsort(np.concatenate([rows, np.array(item_rows, np.int64)]), kind="stable")
    arrays = [_chosen(_joined(pair), order) for pair in zip(batch, other, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=LISTED)


def _texts(data: memoryview, names: Sequence[str], cut: Cut) -> dict[str, pa.Array]:
    """Copy each field out of *data*.  For fields of any width, cut all of them and take each in turn."""
    texts = {name: _of_one_width(data, *cut.spans[name]) for name in _ONE_WIDTH}
    names = [name for name in names if name not in _ONE_WIDTH]
    width = 2 * len(names)
    points = np.empty((len(cut.rows), width), np.int32)  # Arrow's strings have 32-bit offsets
    for number, name in enumerate(names):
        points[:, 2 * number], points[:, 2 * number + 1] = cut.spans[name]
    # The fields and what is between them, in turn.
    pieces = _array(pa.string(), points.ravel(), pa.py_buffer(data))
    wanted = np.arange(0, points.size, width, dtype=np.int32)
    for number, name in enumerate(names):
        texts[name] = _chosen(pieces, wanted + np.int32(2 * number))
    return texts


def _of_one_width(data: memoryview, begins: Positions, ends: Positions) -> pa.Array:
    """Copy texts of the same width into memory of exactly their size."""
    width = int(ends[0] - begins[0])
    texts = windows(data, f"S{width}", width)[begins]
    offsets = np.arange(0, width * len(begins) + 1, width, dtype=np.int32)
    return _array(pa.string(), offsets, pa.py_buffer(texts.view(np.uint8)))


def _array(kind: pa.DataType, offsets: npt.NDArray[np.int32], data: pa.Buffer) -> pa.Array:
    return pa.Array.from_buffers(kind, len(offsets) - 1, [None, pa.py_buffer(offsets), data])


# Long-lived arrays use the system's allocator: Arrow's takes a quarter more memory, and the kernel
# then needs as much time to provide it as all other work takes.


def _chosen(array: pa.Array, rows: npt.NDArray[np.integer]) -> pa.Array:
    """Return copies of the values numbered *rows*, which must exist."""
    pool = pa.system_memory_pool()
    return pc.take(array, pa.array(rows), boundscheck=False, memory_pool=pool)


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    return pc.cast(array, kind, memory_pool=pa.system_memory_pool())


def _joined(arrays: Sequence[pa.Array]) -> pa.Array:
    return pa.concat_arrays(arrays, memory_pool=pa.system_memory_pool())


def _inside(texts: pa.Array) -> tuple[npt.NDArray[np.int32], Bytes]:
    """Return the offsets of *texts*, which begin with 0, and all their bytes."""
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32, len(texts) + 1)
    whole = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return ends, whole[: ends[-1]]


def _rows_with(offsets: npt.NDArray[np.int32], places: Positions) -> Positions:
    """Return the numbers of the texts that contain the bytes at *places*."""
    return np.unique(np.searchsorted(offsets, places, side="right") - 1)


def _reject(good: Mask, texts: pa.Array, outside: Callable[[Bytes], Mask | None]) -> None:
    offsets, data = _inside(texts)
    wrong = outside(data)
    if wrong is not None and wrong.any():
        good[_rows_with(offsets, np.flatnonzero(wrong))] = False


def _between(data: Bytes, first: str, last: str) -> Mask:
    """Return which bytes lie between two."""
    # One comparison instead of two: smaller bytes wrap around to large numbers.
    mask: Mask = (data - np.uint8(ord(first))) <= np.uint8(ord(last) - ord(first))
    return mask


def _outside_of_ids(data: Bytes) -> Mask | None:
    """Return which bytes are not letters, digits, ``-`` or ``_``; None if all are."""
    gaps = [("\0", ","), (".", "/"), (":", "@"), ("[", "^"), ("`", "`"), ("{", "\xff")]
    return _any_of(data, gaps)


def _outside_of_hashes(data: Bytes) -> Mask | None:
    return _any_of(data, [("\0", "/"), (":", "@"), ("G", "`"), ("g", "\xff")])


def _any_of(data: Bytes, gaps: Sequence[tuple[str, str]]) -> Mask | None:
    found: Mask | None = None
    for gap in gaps:
        mask = _between(data, *gap)
        if mask.any():
            found = mask if found is None else found | mask
    return found


def _lower(hashes: pa.Array) -> pa.Array:
    offsets, data = _inside(hashes)
    if not _between(data, "A", "F").any():
        return hashes
    return _array(pa.string(), offsets, pa.py_buffer(data | np.uint8(0x20)))  # digits have that bit


def _mended(texts: pa.Array, odd: bytes, above: bool, mend: Mend, good: Mask) -> pa.Array:
    """Return the descriptions, decoded where they have odd bytes, or bytes *above* ASCII."""
    offsets, data = _inside(texts)
    rows = _odd_rows(offsets, data, odd, above)
    if not len(rows):
        return texts
    fields = _chosen(_array(pa.binary(), offsets, pa.py_buffer(data)), rows).to_pylist()
    mended = [mend(field, row) for field, row in zip(fields, rows.tolist(), strict=True)]
    wrong = np.array([text is None for text in mended], bool)
    good[rows[wrong]] = False
    chosen = np.arange(len(texts))
    chosen[rows] = len(texts) + np.arange(len(rows))
    new = pa.array([text or "" for text in mended], pa.string())  # those without a text are not in good
    return _chosen(_joined([texts, new]), chosen)


def _odd_rows(offsets: npt.NDArray[np.int32], data: Bytes, odd: bytes, above: bool) -> Positions:
    mask = np.zeros(len(data), bool)
    for byte in odd:
        mask |= data == byte
    if above:
        mask |= data >= 0x80
    return _rows_with(offsets, np.flatnonzero(mask))
