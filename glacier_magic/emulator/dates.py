"""Times as the service writes them; inside the emulator a time is milliseconds since 1970 UTC."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)")

LAST = 253_402_300_799_999
"""The last millisecond of the year 9999, after which no date can be written."""


def real_now() -> int:
    """Return the real time, which only signatures and the first start of a clock look at."""
    return time.time_ns() // 1_000_000


def iso(milliseconds: int) -> str:
    """Return the control plane's form, with milliseconds: ``2012-03-20T17:03:43.221Z``."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:03d}Z"


def iso_or_none(milliseconds: int | None) -> str | None:
    """Return :func:`iso` of a time, or None where there is none."""
    return None if milliseconds is None else iso(milliseconds)


def iso_seconds(milliseconds: int) -> str:
    """Return the inventory's form, in whole seconds: ``2012-08-23T19:08:30Z``."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds // 1000))


def http_date(milliseconds: int) -> str:
    """Return the form of the ``Date`` header; never in the words of the machine's locale."""
    t = time.gmtime(milliseconds // 1000)
    clock = f"{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}"
    return f"{_DAYS[t.tm_wday]}, {t.tm_mday:02d} {_MONTHS[t.tm_mon - 1]} {t.tm_year} {clock} GMT"


def parse_iso(text: str) -> int | None:
    """Return the time written as ``YYYY-MM-DDThh:mm:ssTZD``, or None where it is something else."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    zone = "+00:00" if match[2] == "Z" else match[2]
    try:
        return int(datetime.fromisoformat(match[1] + zone).timestamp()) * 1000
    except ValueError:
        return None


def parse_basic(text: str) -> int | None:
    """Return the time of an ``x-amz-date`` (``20120525T002453Z``), or None."""
    try:
        moment = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000
