"""Dates and times as users write them, converted to the milliseconds that the catalogue stores."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

from ...base.units import to_ms
from ...errors import InputError
from .where import time_span

Moment = datetime | date | str
"""A time (UTC unless it has a zone), a date, or either in ISO 8601, possibly shortened: ``2024-01``."""


def last_ms(when: Moment | None, what: str = "as_of") -> int | None:
    """Return the last millisecond since 1970 UTC of a date or time; None for None.

    The last one, so that ``2024`` includes the inventories made during that year.

    :param what: its name in the error.
    :raises InputError: it is not a date or time.

    >>> last_ms("1970-01-01")
    86399999
    """
    if when is None:
        return None
    try:
        return _milliseconds(when) if isinstance(when, datetime) else _spelled(when)
    except (ValueError, TypeError, OverflowError, AttributeError):
        raise InputError(
            f"{what} is not a date or time: {str(when)!a:.60}",
            cure="Write it like 2024, 2024-01-31 or 2024-01-31T12:30Z.",
        ) from None


def snapshot_moment(text: str) -> str | int:
    """Return the number of a snapshot, or the date that was typed: a year has four digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else text


def _spelled(when: date | str) -> int:
    text = when.isoformat() if isinstance(when, date) else when.strip()
    with suppress(ValueError, OverflowError):
        return time_span(text)[1] - 1
    found = datetime.fromisoformat(text)
    # A whole second means all of it.
    return _milliseconds(found if found.microsecond else found + timedelta(milliseconds=999))


def _milliseconds(when: datetime) -> int:
    found = to_ms(when if when.tzinfo else when.replace(tzinfo=UTC))
    if type(found) is not int:  # pandas' NaT is a datetime as well
        raise ValueError(when)
    return found
