"""Times as the service writes them; internally, a time is milliseconds since 1970 UTC."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache

_ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)")

LAST = 253_402_300_799_999
"""The last millisecond of the year 9999, after which no date can be written."""


def real_now() -> int:
    """Return the real time; only signatures and a clock's first start use it."""
    return time.time_ns() // 1_000_000


def iso(milliseconds: int) -> str:
    """Return the control plane's form, with milliseconds: ``2012-03-20T17:03:43.221Z``."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:03d}Z"


def iso_or_none(milliseconds: int | None) -> str | None:
    """Return :func:`iso` of a time, or None for None."""
    return None if milliseconds is None else iso(milliseconds)


def iso_seconds(milliseconds: int) -> str:
    """Return the inventory's form, in whole seconds: ``2012-08-23T19:08:30Z``."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds // 1000))


def basic(milliseconds: int) -> str:
    """Return the form of signatures, ``20120525T002453Z``."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(milliseconds // 1000))


def http_date(milliseconds: int) -> str:
    """Return the form of the ``Date`` header."""
    return formatdate(milliseconds // 1000, usegmt=True)  # strftime would follow the locale


def parse_iso(text: str) -> int | None:
    """Parse a time of the form ``YYYY-MM-DDThh:mm:ssTZD``; return None if it is malformed."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    zone = "+00:00" if match[2] == "Z" else match[2]
    try:
        return int(datetime.fromisoformat(match[1] + zone).timestamp()) * 1000
    except ValueError:
        return None


@lru_cache(maxsize=64)  # the requests of a second have the same time
def parse_basic(text: str) -> int | None:
    """Parse the form of :func:`basic`; return None if it is malformed."""
    try:
        parsed = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(parsed.timestamp()) * 1000
