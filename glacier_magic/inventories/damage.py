"""What is wrong with an inventory, and where."""

from __future__ import annotations

from ..errors import IntegrityError


class InventoryError(IntegrityError, ValueError):
    """An inventory that is damaged, cut short, or no inventory; the text says where.

    ``row`` is the number of the CSV line, or of the JSON archive, counted from 1; ``offset`` that
    of the byte where the trouble was seen, counted from 0.  Each is None where it is not known.
    """

    advice = "Get the inventory again: {inventory}, or save the file once more."

    def __init__(
        self, message: str, *, row: int | None = None, offset: int | None = None, cure: str | None = None
    ) -> None:
        super().__init__(message, cure=cure)
        self.row = row
        self.offset = offset


def excerpt(data: bytes) -> str:
    """Return the beginning of damaged *data* in ASCII, for a message."""
    return ascii(bytes(data[:80]).decode("latin-1"))
