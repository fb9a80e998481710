"""Descriptions of bakthat: ``NAME.YYYYMMDDHHMMSS.tgz``, followed by ``.enc`` if encrypted.

The archive is a gzipped tar of the file or folder NAME; the digits are the time of the backup
in UTC.  Before 27 February 2013, there is no dot before the digits, and before the 17th, they are in
local time.  Without compression, encrypted ones end in ``.enc`` only; others cannot be recognised.
Source: the program's source code.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from .decoded import ENCRYPTED, Decoded, Marks, decoded, parse_stamp

MARKS = Marks(ends=(".tgz", ".enc"))

_NAME = re.compile("(.+?)(?:(\\.?)([0-9]{14})\\.tgz(\\.enc)?|\\.([0-9]{14})\\.enc)", re.DOTALL)
_NOTE = "a .tgz of it, dated by the backup"
_OLD = "a .tgz of it, dated by the backup in UTC or local time"
_BARE = "dated by the backup"
_WHEN = datetime(2013, 2, 14, 10, 30, 45, tzinfo=UTC)

EXAMPLES = (
    (
        "documents.20130214103045.tgz",
        Decoded("documents", _WHEN, "bakthat", _NOTE, "documents.20130214103045.tgz"),
    ),
    (
        "notes.v2.20130214103045.tgz.enc",
        Decoded("notes.v2", _WHEN, "bakthat", f"{_NOTE}; {ENCRYPTED}", "notes.v2.20130214103045.tgz.enc"),
    ),
    ("photos220130214103045.tgz", Decoded("photos2", _WHEN, "bakthat", _OLD, "photos220130214103045.tgz")),
    (
        "dump.sql.20130214103045.enc",
        Decoded("dump.sql", _WHEN, "bakthat", f"{_BARE}; {ENCRYPTED}", "dump.sql.20130214103045.enc"),
    ),
    ("photos.20131332000000.tgz", Decoded("photos.20131332000000.tgz", None, "plain")),
)


def decode(text: str) -> Decoded | None:
    """Decode *text* if it has bakthat's form and a valid date, else return None."""
    if not text.endswith(MARKS.ends):  # much cheaper than the pattern
        return None
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    name, dot, stamp, sealed, bare = match.groups()
    if parse_stamp(stamp or bare) is None:  # 14 digits that are no date are part of a plain name
        return None
    note = _BARE if bare else _NOTE if dot else _OLD
    return decoded(name, stamp or bare, "bakthat", note, ENCRYPTED if sealed or bare else "", file=text)
