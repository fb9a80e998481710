"""The error of a damaged inventory."""

from __future__ import annotations

from ..errors import IntegrityError


class InventoryError(IntegrityError, ValueError):
    """An inventory is damaged, truncated, or not an inventory; the message says where.

    ``row`` is the number of the CSV line or JSON archive, from 1; ``offset`` is the position of the
    damaged byte, from 0.  Each is None if it is unknown.
    """

    advice = "Request the inventory again: {inventory}, or save the file again."

    def __init__(
        self, message: str, *, row: int | None = None, offset: int | None = None, cure: str | None = None
    ) -> None:
        super().__init__(message, cure=cure)
        self.row = row
        self.offset = offset


def excerpt(data: bytes) -> str:
    """Return the beginning of *data* in ASCII, for a message."""
    return ascii(bytes(data[:80]).decode("latin-1"))
