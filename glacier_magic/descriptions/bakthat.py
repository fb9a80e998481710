"""Descriptions of bakthat: ``NAME.YYYYMMDDHHMMSS.tgz``, followed by ``.enc`` if encrypted.

The archive is a gzipped tar of the file or folder NAME; the digits are the time of the backup
in UTC.  Source: the program's source code.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from .decoded import Decoded, Marks, decoded, parse_stamp

MARKS = Marks(ends=(".tgz", ".enc"))

_NAME = re.compile("(.+)\\.([0-9]{14})\\.tgz(\\.enc)?", re.DOTALL)
_NOTE = "a .tgz of it, dated by the backup"

EXAMPLES = (
    (
        "documents.20130214103045.tgz",
        Decoded("documents", datetime(2013, 2, 14, 10, 30, 45, tzinfo=UTC), "bakthat", _NOTE),
    ),
    (
        "notes.v2.20130214103045.tgz.enc",
        Decoded(
            "notes.v2",
            datetime(2013, 2, 14, 10, 30, 45, tzinfo=UTC),
            "bakthat",
            f"{_NOTE}; encrypted by the client",
        ),
    ),
    ("photos.20131332000000.tgz", Decoded("photos.20131332000000.tgz", None, "plain")),
)


def decode(text: str) -> Decoded | None:
    """Decode *text* if it has bakthat's form and a valid date, else return None."""
    if not text.endswith(MARKS.ends):  # much cheaper than the pattern
        return None
    match = _NAME.fullmatch(text)
    if match is None or parse_stamp(match[2]) is None:  # 14 digits that are no date are part of a plain name
        return None
    return decoded(match[1], match[2], "bakthat", _NOTE, "encrypted by the client" if match[3] else "")
