"""Streaming readers of what an inventory job gives, CSV or JSON, in bounded memory.

:func:`read` takes the bytes as they arrive and gives record batches, :func:`to_frame` a whole
inventory as a DataFrame.  Both keep every character of every description: the CSV form, which no
ordinary reader can read, is read from both ends of its lines, and what is not UTF-8 comes as
private characters that :func:`original` turns back into the bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .damage import InventoryError
from .reading import COLUMNS, Format, Reading, detect, read
from .tables import to_frame
from .texts import original

if TYPE_CHECKING:
    from .columns import LISTED

__all__ = [
    "COLUMNS",
    "LISTED",
    "Format",
    "InventoryError",
    "Reading",
    "detect",
    "original",
    "read",
    "to_frame",
]


def __getattr__(name: str) -> object:
    if name == "LISTED":  # the one name that needs Arrow
        from .columns import LISTED  # noqa: PLC0415 - costs time: imported when used

        return LISTED
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
