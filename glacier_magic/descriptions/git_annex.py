"""Descriptions of git-annex's glacier remote: a prefix of the user, and a key of git-annex.

A key is ``BACKEND-sSIZE-mMTIME--HASH.ext``; in an encrypted remote it is itself a keyed hash.
The file's name is only in the git-annex repository, so the key is used as the name.
Source: git-annex's pages "key format" and "backends".
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from .decoded import ENCRYPTED, Decoded, Marks, decoded

MARKS = Marks(holds=("--",))

_HASH = "(?:MD5|SHA1|SHA224|SHA256|SHA384|SHA512|SHA3_[0-9]+|SKEIN[0-9]+|BLAKE2[BS]P?[0-9]+)"
_KEY = re.compile(
    "(?:.*[^A-Z0-9_])?"  # the user's prefix, which cannot end within a backend's name
    f"(?:(GPGHMAC{_HASH}--[0-9a-f]+)"
    f"|{_HASH}E?((?:-[sSmC][0-9]{{1,19}})*)--[0-9a-f]{{32,128}}(?:\\.[^/\\\\]{{1,40}})?"
    "|WORM((?:-[sSmC][0-9]{1,19})+)--.+)",
    re.DOTALL,
)
_ENCRYPTED = f"{ENCRYPTED}; its name is in the git-annex repository"
_PLAIN = "a git-annex key; its name is in the git-annex repository"
_HASHED = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

EXAMPLES = (
    (
        "GPGHMACSHA1--2945f64be96ccbb9feb4d8ff44ac9692fdbe654e",
        Decoded("GPGHMACSHA1--2945f64be96ccbb9feb4d8ff44ac9692fdbe654e", None, "git-annex", _ENCRYPTED),
    ),
    (
        f"SHA256E-s1048576--{_HASHED}.ext",
        Decoded(f"SHA256E-s1048576--{_HASHED}.ext", None, "git-annex", _PLAIN),
    ),
    (
        "photos-WORM-s3-m1289672605--IMG_0001.jpg",
        Decoded(
            "photos-WORM-s3-m1289672605--IMG_0001.jpg",
            datetime(2010, 11, 13, 18, 23, 25, tzinfo=UTC),
            "git-annex",
            _PLAIN,
        ),
    ),
    ("minutes -- SHA256 draft", Decoded("minutes -- SHA256 draft", None, "plain")),
)


def decode(text: str) -> Decoded | None:
    """Decode *text* if it is a key of a hash or WORM backend, else return None.

    Only WORM keys have the modification time of the file.
    """
    if MARKS.holds[0] not in text:  # much cheaper than the pattern
        return None
    match = _KEY.fullmatch(text)
    if match is None:
        return None
    fields = (match[2] or "") + (match[3] or "")
    plain = decoded(text, None, "git-annex", _ENCRYPTED if match[1] else _PLAIN)
    return replace(plain, mtime=_time(fields))


def _time(fields: str) -> datetime | None:
    # 11 digits end in the year 5138, within the calendar.
    found = re.search("-m([0-9]{1,11})(?![0-9])", fields)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + timedelta(seconds=int(found[1])) if found else None
