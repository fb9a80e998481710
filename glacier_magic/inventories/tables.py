"""A whole inventory as a DataFrame."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..base import dataframes
from ..base.units import from_ms
from .reading import Reading, detect, read

if TYPE_CHECKING:
    import pandas as pd

_BLOCK = 4 << 20
_ENOUGH = 100  # bytes from which the form is detected

Source = str | bytes | os.PathLike[str] | IO[bytes] | Iterable[bytes]


def to_frame(source: Source, format: str | None = None) -> pd.DataFrame:  # noqa: A002 - the word that users write
    """Return the archives of an inventory, lossless and in order.

    :param source: a path, an open binary file, or bytes, whole or in pieces.
    :param format: ``JSON`` or ``CSV``; None detects it.
    :returns: the columns ``archive_id``, ``description``, ``created`` (UTC, to the millisecond),
        ``size`` (bytes) and ``tree_hash``, texts backed by Arrow; ``attrs`` has ``vault_arn`` and
        ``as_of`` of a JSON inventory.
    :raises InventoryError: it is damaged, truncated, or not an inventory.
    """
    with ExitStack() as stack:
        if isinstance(source, str | os.PathLike):
            source = stack.enter_context(Path(source).open("rb"))
        pieces = _pieces([source] if isinstance(source, bytes) else source)
        if format is None:
            first = b""
            while len(first.lstrip()) < _ENOUGH and (piece := next(pieces, b"")):
                first += piece
            format = detect(first)  # noqa: A001 - the word that users write
            pieces = chain([first], pieces)
        reading = read(pieces, format)
        stack.callback(reading.close)
        return _frame(reading)


def _frame(reading: Reading) -> pd.DataFrame:
    import pyarrow as pa

    from .columns import LISTED  # noqa: PLC0415 - costs time: imported when used

    kind = dataframes.text_type()
    table = pa.Table.from_batches(reading, schema=LISTED)
    frame: pd.DataFrame = table.to_pandas(
        types_mapper=lambda given: kind if given == pa.string() else None,
        self_destruct=True,
        split_blocks=True,
    )
    made = from_ms(reading.date)
    frame.attrs.update(vault_arn=reading.vault_arn, as_of=made and made.isoformat())
    return frame


def _pieces(source: IO[bytes] | Iterable[bytes]) -> Iterator[bytes]:
    read_some = getattr(source, "read", None)
    if read_some is None:
        yield from (piece for piece in source if piece)
        return
    while piece := read_some(_BLOCK):
        yield piece
