"""One archive of an inventory, read alone: slow, but in any form."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from .damage import InventoryError
from .texts import decode

COLUMNS = ("ArchiveId", "ArchiveDescription", "CreationDate", "Size", "SHA256TreeHash")
"""The service's names of the fields, in the order of a CSV inventory."""
HEADER = ",".join(COLUMNS).encode()
"""The first line of a CSV inventory."""
ID_LENGTH = 138
"""Characters of an archive id (service documentation, "Upload Archive")."""
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
_DATE = re.compile(
    "([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\\.([0-9]{1,9}))?"
    "(?:Z|([+-][0-9]{2}):?([0-9]{2}))"
)
_KEYS = set(COLUMNS)
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

    Other programs write ``+00:00`` or another offset in place of ``Z``, and a space in place of
    ``T``.  Fractions of a millisecond are dropped.

    :raises InventoryError: *text* is not a date.

    >>> date_ms("2015-04-07T00:26:18.462Z")
    1428366378462
    """
    match = _DATE.fullmatch(text)
    try:
        if match is not None:
            day, time, fraction, hours, minutes = match.groups()
            whole = datetime.fromisoformat(f"{day}T{time}{hours or '+00'}:{minutes or '00'}")
            # Exact, without floats.
            seconds = (whole - datetime.fromtimestamp(0, UTC)) // timedelta(seconds=1)
            return 1000 * seconds + int((fraction or "").ljust(3, "0")[:3])
    except ValueError:  # such as 31 February
        pass
    raise InventoryError(f"has {text[:40]!a} instead of a date such as 2015-04-07T00:26:18Z")


def csv_item(line: bytes) -> Item:
    """Return the archive in a line of a CSV inventory, without its line end.

    :raises InventoryError: the line is damaged.
    """
    match = CSV_LINE.fullmatch(line)
    if match is None:
        raise InventoryError("is damaged")
    size, field = int(match["size"]), match["description"]
    quoted = len(field) > 1 and field[:1] == field[-1:] == b'"'
    description = csv_text(field[1:-1] if quoted else field, quoted=quoted)
    if description is None:
        raise InventoryError("has a description that is not quoted as the service does")
    if size > _LARGEST:
        raise InventoryError("has a size that is too large")
    return Item(
        match["archive_id"].decode(),
        decode(description),
        date_ms(match["created"].decode()),
        size,
        match["tree_hash"].decode().lower(),
    )


def csv_text(field: bytes, *, quoted: bool) -> bytes | None:
    r"""Return the description in a *field* without its outer quotes; None if it is malformed.

    In quotes, ``\"`` is a quote, and a backslash alone is no escape; without them, a field has
    neither quotes nor commas.  So two lines whose line end was damaged are not one.
    """
    rest = field.replace(b'\\"', b"") if quoted else field
    if b'"' in rest or (not quoted and re.search(b"[,\n]", rest)):
        return None
    return field.replace(b'\\"', b'"') if quoted else field


def json_item(value: object) -> Item:
    """Return the archive in a JSON *value*; a missing description becomes an empty one.

    The size may be a text of digits; date and tree hash may be missing.  A misspelt key is damage.

    :raises InventoryError: the value is not an archive.
    """
    if not isinstance(value, dict):
        raise InventoryError("is not an object")
    missing, unknown = sorted(_KEYS - value.keys()), sorted(value.keys() - _KEYS)
    if missing and unknown:
        raise InventoryError(f"has {unknown[0][:40]!a} instead of {missing[0]}")
    value = {key: each for key, each in value.items() if each == each}  # noqa: PLR0124 - without NaN
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
