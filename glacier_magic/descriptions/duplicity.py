"""Names of duplicity's files, as other programs uploaded them: volumes, signatures and manifests.

``duplicity-full.TIME.volN.difftar.gpg``; an incremental one is ``duplicity-inc.TIME.to.TIME...``.
The name is without the times, so that the same volume of several backups has one name; duplicity
itself needs the whole name, which a restored file has.  Source: names of files that it wrote.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from .decoded import ENCRYPTED, Decoded, Marks, decoded, parse_stamp

MARKS = Marks(holds=("duplicity-",))

_TIME = "[0-9]{8}T[0-9]{6}Z"
_NAME = re.compile(
    f"(.*?duplicity-(?:(?:full|full-signatures)|(?:inc|new-signatures)\\.{_TIME}\\.to))\\.({_TIME})"
    "(\\.(?:vol[0-9]{1,9}\\.difftar|sigtar|manifest)(?:\\.part)?(\\.gpg|\\.gz)?)",
    re.DOTALL,
)
_BETWEEN = re.compile(f"\\.{_TIME}\\.to$")
_NOTE = "dated by the backup"
_WHEN = datetime(2013, 2, 14, 10, 30, 45, tzinfo=UTC)

EXAMPLES = (
    (
        "duplicity-full.20130214T103045Z.vol1.difftar.gpg",
        Decoded(
            "duplicity-full.vol1.difftar.gpg",
            _WHEN,
            "duplicity",
            f"{_NOTE}; {ENCRYPTED}",
            "duplicity-full.20130214T103045Z.vol1.difftar.gpg",
        ),
    ),
    (
        "home/duplicity-inc.20130101T000000Z.to.20130214T103045Z.manifest",
        Decoded(
            "home/duplicity-inc.manifest",
            _WHEN,
            "duplicity",
            _NOTE,
            "home/duplicity-inc.20130101T000000Z.to.20130214T103045Z.manifest",
        ),
    ),
    (
        "duplicity-full-signatures.20130214T103045Z.sigtar.gz",
        Decoded(
            "duplicity-full-signatures.sigtar.gz",
            _WHEN,
            "duplicity",
            _NOTE,
            "duplicity-full-signatures.20130214T103045Z.sigtar.gz",
        ),
    ),
    ("duplicity-notes.txt", Decoded("duplicity-notes.txt", None, "plain")),
)


def decode(text: str) -> Decoded | None:
    """Decode *text* if it is the name of a duplicity file with a valid date, else return None."""
    if MARKS.holds[0] not in text:  # much cheaper than the pattern
        return None
    match = _NAME.fullmatch(text)
    if match is None or parse_stamp(match[2]) is None:
        return None
    name = _BETWEEN.sub("", match[1]) + match[3]
    return decoded(name, match[2], "duplicity", _NOTE, ENCRYPTED if match[4] == ".gpg" else "", file=text)
