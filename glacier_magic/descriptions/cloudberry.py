"""Descriptions that are a JSON object with a path: CloudBerry (MSP360) and older QNAP programs.

CloudBerry writes ``Path`` in UTF-7, ``UTCDateModified`` and optional ``Flags`` (1 compressed,
2 encrypted); ``UTCDateModified`` identifies it.  Any other object with a path is "json-path".
Keys may be in lower case.  Source: a statement of CloudBerry's developers, and real archives.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from .decoded import Decoded, Marks, UnreadableError, changed_bytes, decoded, from_json

MARKS = Marks(starts=("{",))

_SHIFTED = re.compile("\\+[A-Za-z0-9+/]*-")

EXAMPLES = (
    (
        '{"Path":"dir2/+BEQEMAQ5BDs-3","UTCDateModified":"20130322T120043Z"}',
        Decoded("dir2/файл3", datetime(2013, 3, 22, 12, 0, 43, tzinfo=UTC), "cloudberry"),  # noqa: RUF001 - a sample in another script
    ),
    (
        '{"Path":"glacier-ui.exe","UTCDateModified":"20130313T040002Z"}',
        Decoded("glacier-ui.exe", datetime(2013, 3, 13, 4, 0, 2, tzinfo=UTC), "cloudberry"),
    ),
    (
        '{"path":"C:+AFw-my+AF8-docs+AFw-a.txt","utcdatemodified":"20130313T040002Z","flags":3}',
        Decoded(
            "C:\\my_docs\\a.txt",
            datetime(2013, 3, 13, 4, 0, 2, tzinfo=UTC),
            "cloudberry",
            "compressed, encrypted by the client",
        ),
    ),
    (
        '{"Path":"CB+F8-M5/a","UTCDateModified":"20130313T040002Z"}',
        Decoded(
            "CB+F8-M5/a",
            datetime(2013, 3, 13, 4, 0, 2, tzinfo=UTC),
            "cloudberry",
            "its path is not valid UTF-7 and is kept as it is",
        ),
    ),
    ('{"path": "/sample/1234.pdf", "type": "file"}', Decoded("/sample/1234.pdf", None, "json-path")),
    (
        '{"title": "no path"}',
        Decoded('{"title": "no path"}', None, "plain", "begins like JSON, but it holds no file name"),
    ),
)


def decode(text: str) -> Decoded:
    """Decode *text*, which begins with a brace.

    Raises :class:`UnreadableError` if it is not JSON or has no path.
    """
    try:
        values = {key.lower(): value for key, value in from_json(text).items()}
        path, stamp = values.get("path"), values.get("utcdatemodified")
        if not isinstance(stamp, str):
            return decoded(path, None, "json-path")
        name, note = _from_utf7(path)
        return decoded(name, stamp, "cloudberry", note, _change(values.get("flags")))
    except UnreadableError as error:
        raise UnreadableError(f"begins like JSON, but {error}") from error


def _from_utf7(path: object) -> tuple[object, str]:
    if not isinstance(path, str) or not _SHIFTED.search(path):  # without a shift, a lone + is a plus sign
        return path, ""
    try:
        name = path.encode("ascii").decode("utf-7")
        name.encode()  # refuses half of a surrogate pair
    except UnicodeError:
        return path, "its path is not valid UTF-7 and is kept as it is"
    return name, ""


def _change(flags: object) -> str:
    if not isinstance(flags, int):  # flags of an unknown form cost the note, not the name
        return ""
    return changed_bytes(compressed=bool(flags & 1), encrypted=bool(flags & 2))
