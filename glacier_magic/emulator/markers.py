"""Opaque markers: a position in a list, in the length and alphabet of the service's markers."""

from __future__ import annotations

import base64
import binascii
import hashlib

PARTS = 37
"""Bytes in a ListParts marker, which make 50 characters."""

INVENTORY = 101
"""Bytes in an inventory marker, which make 135 characters."""


def encode(position: int, size: int) -> str:
    """Return the marker of *size* bytes for *position*."""
    plain = position.to_bytes(8, "big")
    filler = hashlib.shake_128(plain).digest(size - 8)  # the same position has the same marker
    return base64.urlsafe_b64encode(filler + plain).rstrip(b"=").decode("ascii")


def decode(text: str, size: int) -> int | None:
    """Return the position in a marker, or None if :func:`encode` did not make it."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return None
    position = int.from_bytes(raw[-8:], "big")
    # Encoded again, because the decoder skips characters that are not base64.
    return position if len(raw) == size and encode(position, size) == text else None
