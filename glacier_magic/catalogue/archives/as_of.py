"""Dates and times as users write them, converted to the milliseconds that the catalogue stores."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from ...base.units import to_ms
from ...errors import InputError
from .where import time_span

Moment = datetime | date | str
"""A time (UTC unless it has a zone), a date, or either in ISO 8601, possibly shortened: ``2024-01``."""


def last_ms(moment: Moment | None, what: str = "as_of") -> int | None:
    """Return the last millisecond since 1970 UTC of a date or time; None for None.

    The last one, so that ``2024`` includes the inventories made during that year.

    :param what: its name in the error.
    :raises InputError: it is not a date or time.

    >>> last_ms("1970-01-01")
    86399999
    """
    if moment is None:
        return None
    if isinstance(moment, str):
        return _spelled(moment, what)
    if isinstance(moment, datetime):
        return _instant(moment, what)
    if isinstance(moment, date):
        return _spelled(moment.isoformat(), what)
    raise _misunderstood(moment, what)


def _instant(moment: datetime, what: str) -> int:
    try:
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        found = to_ms(aware)
    except (ValueError, TypeError, OverflowError):
        found = None
    if type(found) is not int:  # pandas' NaT is a datetime, too
        raise _misunderstood(moment, what)
    return found


def _spelled(text: str, what: str) -> int:
    try:
        return time_span(text)[1] - 1
    except (ValueError, OverflowError):
        pass
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise _misunderstood(text, what) from None
    # A whole second means all of it.
    step = timedelta(0) if found.microsecond else timedelta(milliseconds=999)
    return _instant(found + step, what)


def _misunderstood(moment: object, what: str) -> InputError:
    return InputError(
        f"{what} is no moment: {str(moment)!a:.60}",
        cure="Write it like 2024, 2024-01-31 or 2024-01-31T12:30Z.",
    )
