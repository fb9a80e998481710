"""Names of iceshelf's files: ``PREFIXyyyymmdd-HHMMSS-xxxxx``, and endings that say what they are.

The time is that of the run in UTC, followed by its microseconds in hexadecimal digits and the number
of a slice; a run stores a tar, its parity files, a manifest and lists.  The name is the prefix, or
``iceshelf``, and the endings, so that the same file of several runs has one name; iceshelf itself
needs the whole name, which a restored file has.  Source: the program's documentation and source code.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from .decoded import ENCRYPTED, Decoded, Marks, decoded, parse_stamp

MARKS = Marks(holds=(".tar", ".json", ".lst", ".activity.log"))

_NAME = re.compile(
    "(.*?)([0-9]{8})-([0-9]{6})-[0-9a-f]{5}"
    "((?:-s[0-9]{4,9})?"
    "(?:\\.tar(?:\\.bz2)?(?:\\.gpg)?(?:\\.sig)?|\\.json(?:\\.gpg)?(?:\\.asc)?|\\.lst(?:\\.asc)?"
    "|\\.activity\\.log\\.bz2(?:\\.gpg)?(?:\\.asc)?)"
    "(?:(?:\\.vol[0-9]{1,9}\\+[0-9]{1,9})?\\.par2(?:\\.sig)?)?)",
    re.DOTALL,
)
_NOTE = "dated by the backup"
_WHEN = datetime(2015, 12, 1, 18, 30, 7, tzinfo=UTC)

EXAMPLES = (
    (
        "20151201-183007-0b3f9.tar.bz2.gpg.sig",
        Decoded(
            "iceshelf.tar.bz2.gpg.sig",
            _WHEN,
            "iceshelf",
            f"{_NOTE}; {ENCRYPTED}",
            "20151201-183007-0b3f9.tar.bz2.gpg.sig",
        ),
    ),
    (
        "photos-20151201-183007-0b3f9-s0002.tar",
        Decoded("photos-s0002.tar", _WHEN, "iceshelf", _NOTE, "photos-20151201-183007-0b3f9-s0002.tar"),
    ),
    (
        "20151201-183007-0b3f9.tar.vol003+04.par2",
        Decoded(
            "iceshelf.tar.vol003+04.par2",
            _WHEN,
            "iceshelf",
            _NOTE,
            "20151201-183007-0b3f9.tar.vol003+04.par2",
        ),
    ),
    (
        "20151201-183007-0b3f9.json.asc",
        Decoded("iceshelf.json.asc", _WHEN, "iceshelf", _NOTE, "20151201-183007-0b3f9.json.asc"),
    ),
    ("20151201-993007-0b3f9.tar", Decoded("20151201-993007-0b3f9.tar", None, "plain")),
)


def decode(text: str) -> Decoded | None:
    """Decode *text* if it is the name of an iceshelf file with a valid date, else return None."""
    if not any(held in text for held in MARKS.holds):  # much cheaper than the pattern
        return None
    match = _NAME.fullmatch(text)
    if match is None or parse_stamp(match[2] + match[3]) is None:
        return None
    prefix, date, time, ending = match.groups()
    name = (prefix.rstrip("-_. ") or "iceshelf") + ending
    return decoded(name, date + time, "iceshelf", _NOTE, ENCRYPTED if ".gpg" in ending else "", file=text)
