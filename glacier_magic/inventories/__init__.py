"""Streaming readers of the output of inventory jobs, CSV or JSON, in bounded memory.

:func:`read` takes the bytes as they arrive and yields record batches.  It preserves every character
of every description: lines of the CSV form, which ordinary readers cannot parse, are read from both
ends, and bytes that are not UTF-8 become private characters that :func:`original` converts back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .damage import InventoryError
from .reading import COLUMNS, Reading, read
from .texts import original

if TYPE_CHECKING:
    from .columns import LISTED

__all__ = ["COLUMNS", "LISTED", "InventoryError", "Reading", "original", "read"]


def __getattr__(name: str) -> object:
    if name == "LISTED":  # the only name that needs Arrow
        from .columns import LISTED  # noqa: PLC0415 - costs time: imported when used

        return LISTED
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
