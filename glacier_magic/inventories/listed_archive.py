"""One archive of an inventory, read alone: slow, but in any form."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from .damage import InventoryError
from .texts import decode

HEADER = b"ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash"
"""The first line of a CSV inventory."""
_MARK = b"\xef\xbb\xbf"  # some editors add it

# Only the description has no fixed form, so a line is matched from both ends.
CSV_LINE = re.compile(
    b'("?)(?P<archive_id>[A-Za-z0-9_-]+)\\1,(?P<description>.*),'
    b'("?)(?P<created>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z)\\4,'
    b'("?)(?P<size>[0-9]{1,19})\\6,("?)(?P<tree_hash>[0-9A-Fa-f]{64})\\8',
    re.DOTALL,
)
_ID = re.compile("[A-Za-z0-9_-]+")
_HASH = re.compile("[0-9A-Fa-f]{64}")
_DIGITS = re.compile("[0-9]{1,19}")
_DATE = re.compile("([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\\.([0-9]{1,9}))?Z")
_LARGEST = (1 << 63) - 1  # of the int64 column


class Item(NamedTuple):
    """One archive; ``created`` is in milliseconds since 1970."""

    archive_id: str
    description: str
    created: int | None
    size: int
    tree_hash: str | None


def is_header(line: bytes) -> bool:
    """Return whether a line, with or without its end, is the header of the columns."""
    return line.removeprefix(_MARK).rstrip(b"\r\n").replace(b'"', b"") == HEADER


def date_ms(text: str) -> int:
    """Return a date of the service, with or without a fraction, in milliseconds since 1970.

    Fractions of a millisecond are dropped.

    :raises InventoryError: *text* is not a date.

    >>> date_ms("2015-04-07T00:26:18.462Z")
    1428366378462
    """
    match = _DATE.fullmatch(text)
    try:
        if match is not None:
            whole = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
            # Exact, without floats.
            seconds = (whole - datetime.fromtimestamp(0, UTC)) // timedelta(seconds=1)
            return 1000 * seconds + int((match[2] or "").ljust(3, "0")[:3])
    except ValueError:  # such as 31 February
        pass
    raise InventoryError(f"has {text[:40]!a} instead of a date such as 2015-04-07T00:26:18Z")


def csv_item(line: bytes) -> Item:
    r"""Return the archive in a line of a CSV inventory, without its line end.

    Quotes around a description are removed, and ``\"`` in it becomes a quote; nothing else changes.

    :raises InventoryError: the line is damaged.
    """
    match = CSV_LINE.fullmatch(line)
    if match is None:
        raise InventoryError("is damaged")
    size, description = int(match["size"]), match["description"]
    if len(description) > 1 and description[:1] == description[-1:] == b'"':
        description = description[1:-1].replace(b'\\"', b'"')  # a backslash alone is not an escape
    if size > _LARGEST:
        raise InventoryError("has a size that is too large")
    return Item(
        match["archive_id"].decode(),
        decode(description),
        date_ms(match["created"].decode()),
        size,
        match["tree_hash"].decode().lower(),
    )


def json_item(value: object) -> Item:
    """Return the archive in a JSON *value*; a missing description becomes an empty one.

    The size may be a text of digits; date and tree hash may be missing.

    :raises InventoryError: the value is not an archive.
    """
    if not isinstance(value, dict):
        raise InventoryError("is not an object")
    description = value.get("ArchiveDescription")
    size, created, tree_hash = (value.get(key) for key in ("Size", "CreationDate", "SHA256TreeHash"))
    if isinstance(size, str) and _DIGITS.fullmatch(size):
        size = int(size)
    if type(size) is not int or not 0 <= size <= _LARGEST:  # not a bool
        raise InventoryError("has no size")
    if not isinstance(description, str | None):
        raise InventoryError("has a description that is not a text")
    if not isinstance(created, str | None):
        raise InventoryError("has a date that is not a text")
    return Item(
        _matching(_ID, value.get("ArchiveId"), "id"),
        description or "",  # the service itself writes "", never null
        None if created is None else date_ms(created),
        size,
        None if tree_hash is None else _matching(_HASH, tree_hash, "tree hash").lower(),
    )


def _matching(shape: re.Pattern[str], value: object, what: str) -> str:
    if isinstance(value, str) and shape.fullmatch(value):
        return value
    raise InventoryError(f"has no {what}")
