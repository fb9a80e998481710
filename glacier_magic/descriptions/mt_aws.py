"""Descriptions of mt-aws-glacier: ``mt2`` and its short-lived predecessor ``mt1``.

``mt2`` is base64url, without padding, of the UTF-8 JSON object with ``filename`` and ``mtime``.
``mt1`` (December 2012 to January 2013) encoded the text as UTF-8 twice.  Names are relative and
use ``/``.  Source: the project's specification, in its module MetaData.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

from .decoded import Decoded, Marks, UnreadableError, decoded, format_stamp, from_base64, from_json

MARKS = Marks(starts=("mt2 ", "mt1 "))

EXAMPLES = (
    (
        "mt2 eyJmaWxlbmFtZSI6ImZpbGUvYS9iL2MvZCIsIm10aW1lIjoiMjAxMjExMDVUMTQwMjU4WiJ9",
        Decoded("file/a/b/c/d", datetime(2012, 11, 5, 14, 2, 58, tzinfo=UTC), "mt2"),
    ),
    (
        "mt1 eyJmaWxlbmFtZSI6IsOQwq9Bw5DCryIsIm10aW1lIjoiMTk3MDAxMDFUMDAwMjAzWiJ9",
        Decoded("ЯAЯ", datetime(1970, 1, 1, 0, 2, 3, tzinfo=UTC), "mt1"),
    ),
    (
        "mt2 eyJmaWxlbmFtZSI6Im",
        Decoded("mt2 eyJmaWxlbmFtZSI6Im", None, "plain", "begins like mt2, but it is not JSON"),
    ),
)


def decode(text: str) -> Decoded:
    """Decode *text*, which begins with ``mt2`` or ``mt1`` and a space.

    Raises :class:`UnreadableError` if the rest is damaged.
    """
    form = text[:3]
    try:
        body = from_base64(text[4:])
        values = from_json(_undouble(body) if form == "mt1" else body)
        return decoded(values.get("filename"), values.get("mtime"), form)
    except UnreadableError as error:
        raise UnreadableError(f"begins like {form}, but {error}") from error


def _undouble(text: str) -> str:
    try:
        return text.encode("latin-1").decode()  # each character stands for one byte of the inner UTF-8
    except UnicodeError as error:
        raise UnreadableError("its text is not encoded twice") from error


def encode(name: str, mtime: datetime | None) -> str:
    """Return the ``mt2`` form; without *mtime*, mt-aws-glacier itself ignores it.

    Raises :class:`~.decoded.DescriptionError` for a time without a zone and
    :class:`UnicodeEncodeError` for a name that is not valid Unicode.
    """
    values = {"filename": name}
    if mtime is not None:
        values["mtime"] = format_stamp(mtime)
    # Not escaped: escapes would take more of the 1,024 characters.
    body = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
    return f"mt2 {urlsafe_b64encode(body).decode().rstrip('=')}"  # the specification has no padding
