"""Descriptions of glacier-rsync: ``grsync|PATH|SIZE|MTIME|TEXT``.

PATH is absolute, SIZE and MTIME (seconds since 1970, with a fraction) are those of the file; TEXT is
the user's.  The archive may be compressed with zstd, which only the program's database says.
Source: the program's source code.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from .decoded import Decoded, Marks, UnreadableError, decoded

MARKS = Marks(starts=("grsync|",))

_FIELDS = re.compile("grsync\\|(.+?)\\|([0-9]{1,15})\\|(-?[0-9]{1,11})(?:\\.[0-9]+)?\\|.*", re.DOTALL)
_DAMAGED = "begins like glacier-rsync's, but it is not complete"

EXAMPLES = (
    (
        "grsync|/home/me/a|b.txt|12|1600000000.4999|",
        Decoded(
            "/home/me/a|b.txt",
            datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC),
            "glacier-rsync",
            "the file had 12 bytes",
        ),
    ),
    (
        "grsync|/a.txt|7|1600000000.0|taxes",
        Decoded(
            "/a.txt", datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC), "glacier-rsync", "the file had 7 bytes"
        ),
    ),
    ("grsync|/a.txt|7", Decoded("grsync|/a.txt|7", None, "plain", _DAMAGED)),
)


def decode(text: str) -> Decoded:
    """Decode *text*, which begins with ``grsync|``; raise :class:`UnreadableError` if it is damaged."""
    match = _FIELDS.fullmatch(text)
    if match is None:
        raise UnreadableError(_DAMAGED)
    path, size, seconds = match.groups()
    found = decoded(path, None, "glacier-rsync", f"the file had {size} bytes")
    try:
        return replace(found, mtime=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(seconds)))
    except OverflowError:  # a time outside the calendar loses the time, not the name
        return found
