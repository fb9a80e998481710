"""Formatting and parsing of bytes, times and ids."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import overload

LARGEST_ARCHIVE = 10_000 * (4 << 30)
"""Bytes of the largest archive: 10,000 parts of 4 GiB (service documentation, "Multipart Upload")."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw]?)", re.IGNORECASE)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def human_bytes(count: int | float | None) -> str:
    """Return *count* bytes in binary units, three digits: ``1.46 GiB``."""
    if count is None:
        return "?"
    value = float(count)
    for unit in _UNITS:
        if value < (1023.5 if unit != "B" else 1024) or unit == _UNITS[-1]:  # 1023.5 would round to 1024
            break
        value /= 1024
    if unit == "B":
        return f"{int(value)} B"
    digits = 2 if value < 10 else 1 if value < 100 else 0
    number = f"{value:.{digits}f}"
    return f"{number.rstrip('0').rstrip('.') if digits else number} {unit}"


def human_total(size: int, unknown: int) -> str:
    """Return the sum of sizes, *unknown* of which are not known: ``2 MiB and 1 of unknown size``."""
    if not unknown:
        return human_bytes(size)
    return f"{human_bytes(size)} and {unknown:,} of unknown size" if size else "unknown size"


def human_sum(sizes: Iterable[int | None]) -> str:
    """Return the sum of *sizes* as :func:`human_total` does; None is not known."""
    found = list(sizes)
    return human_total(sum(size or 0 for size in found), found.count(None))


def human_duration(seconds: float) -> str:
    """Return a duration in its two largest units: ``3 h 20 min``."""
    left = max(0, round(seconds))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
        if len(parts) == 2 or (parts and count == 0):
            break
    return " ".join(parts)


def parse_duration(text: str) -> float:
    """Parse ``90``, ``4h``, ``1d12h`` or ``2.5 h``; return seconds.

    :raises ValueError: *text* is anything else.
    """
    compact = text.strip()
    pieces = _DURATION.findall(compact)
    if not pieces or _DURATION.sub("", compact).strip():
        raise ValueError(f"not a length of time: {text!r}; write 90s, 15m, 4h or 1d12h")
    seconds = sum(float(number) * _SECONDS[unit.lower()] for number, unit in pieces)
    if seconds > LONGEST:
        raise ValueError(f"too long a time: {_shortened(text)}; at most 100000d can be meant")
    return seconds


MOST_BYTES = 2**63 - 1
"""The largest size in bytes: the largest integer of the databases, 8 EiB."""
LONGEST = 9e9
"""The longest duration in seconds, 285 years: the limit of Python's waits."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Parse ``16MiB``, ``500k``, ``1.5 GB`` or ``4096``; return bytes.

    ``MiB`` is a power of 1,024, ``MB`` and ``M`` are powers of 1,000.

    :raises ValueError: *text* is anything else.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"not a number of bytes: {text!r}; write 4096, 500kB, 16MiB or 1.5GB")
    base = 1024 if found[3] else 1000
    power = " kmgt".index(found[2].lower() or " ")
    count = float(found[1]) * float(base**power)
    if count >= MOST_BYTES:
        raise ValueError(f"too many bytes: {_shortened(text)}; at most 9,223 PB (8 EiB) can be meant")
    return round(count)


def _shortened(text: str) -> str:
    # A message must not repeat a pasted file.
    return repr(text if len(text) <= 30 else f"{text[:12]}...{text[-6:]}")


def parse_rate(text: str) -> float | None:
    """Parse ``10MB/s`` or ``500k``; return bytes a second, or None for ``none``.

    :raises ValueError: *text* is anything else, a rate of 0, or a number without a unit.
    """
    plain = text.strip().lower()
    if plain in ("none", "off", "unlimited"):
        return None
    number = plain.removesuffix("/s").rstrip()
    if _SIZE.fullmatch(number) is None:
        raise ValueError(f"not a rate: {_shortened(text)}; write 5MB/s, 500kB/s or none")
    rate = parse_size(number)
    if number[-1].isdigit():  # a slow rate that was not meant would take days
        raise ValueError(f"{_shortened(text)} has no unit; write {number}MB/s, {number}kB/s or {number}B/s")
    if rate < 1:
        raise ValueError("a rate of nothing would never end; write none for no limit")
    return float(rate)


@overload
def from_ms(milliseconds: int) -> datetime: ...
@overload
def from_ms(milliseconds: int | None) -> datetime | None: ...
def from_ms(milliseconds: int | None) -> datetime | None:
    """Return the aware UTC time of *milliseconds* since 1970, or None."""
    if milliseconds is None:
        return None
    # Exact; Windows accepts no times before 1970.
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)


@overload
def to_ms(moment: datetime) -> int: ...
@overload
def to_ms(moment: datetime | None) -> int | None: ...
def to_ms(moment: datetime | None) -> int | None:
    """Return whole milliseconds since 1970 of an aware time, or None."""
    if moment is None:
        return None
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)  # exact, unlike a float


def iso(milliseconds: int | None) -> str | None:
    """Return the UTC time of *milliseconds* since 1970 in ISO 8601, or None."""
    return None if milliseconds is None else from_ms(milliseconds).isoformat()


def parse_time(text: str | None) -> int | None:
    """Return milliseconds since 1970 of a service date such as ``2012-03-20T17:03:43.221Z``."""
    return to_ms(datetime.fromisoformat(text)) if text else None  # Python parses the Z since 3.11


def masked(account: str) -> str:
    """Return an account id with all but its last four digits starred."""
    return f"********{account[-4:]}"


def short_id(identifier: str) -> str:
    """Return the first characters of an opaque id, enough to distinguish it in a table."""
    return identifier if len(identifier) <= 14 else f"{identifier[:12]}…"


def local_time(moment: datetime | None, now: datetime | None = None, *, zone: bool = True) -> str:
    """Return a time in the user's time zone.

    :param now: the present, whose day and year are left out; None to leave nothing out.
    :param zone: whether to include the name of the time zone.
    """
    if moment is None:
        return ""
    local, here = moment.astimezone(), now and now.astimezone()
    day = "" if here and local.date() == here.date() else "%d %b "
    year = "" if here and local.year == here.year else "%Y "
    return local.strftime(f"{day}{year}%H:%M{' %Z' if zone else ''}")


def storable(text: str) -> str:
    """Return *text* with bytes that are not UTF-8 escaped, because SQLite rejects them."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def plural(count: int, noun: str) -> str:
    """Return ``1 archive`` or ``2,000 archives``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
