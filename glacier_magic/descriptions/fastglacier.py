"""Descriptions of FastGlacier, also written by QNAP and read by most third-party software.

``<m><v>4</v><p>BASE64</p><lm>yyyyMMddTHHmmssZ</lm><ce>C:E:MD5:SIZE</ce></m>``: ``p`` is the path
in base64 of UTF-8 (one that ends in ``/`` marks a folder), ``lm`` the modification time, ``ce``
(optional) whether the file was compressed and encrypted before the upload.  Version 3 has no SIZE
in ``ce``, version 2 no ``ce``; version 1 is ``<ArchiveMetadata><Path>BASE64</Path>``.
Source: the program's page "FastGlacier metadata format".
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import UTC, datetime

from .decoded import Decoded, Marks, UnreadableError, changed_bytes, decoded, format_stamp, from_base64

MARKS = Marks(starts=("<m>", "<ArchiveMetadata>"))

_USUAL = re.compile("<m><v>([234])</v><p>([A-Za-z0-9+/]+=?=?)</p>(?:<lm>([0-9]{8}T[0-9]{6}Z)</lm>)?</m>")
_PATH = re.compile("<(p|Path)>([^<]*)</\\1>")
_VERSION = re.compile("<v>([^<]*)</v>")
_MODIFIED = re.compile("<lm>([^<]*)</lm>")
# The first version's element for the time is undocumented; its value has the usual form.
_ANY_STAMP = re.compile(">([0-9]{8}T[0-9]{6}Z)<")
_CHANGED = re.compile("<ce>([01]):([01]):?([0-9A-Fa-f]*):?([0-9]*)</ce>")

EXAMPLES = (
    (
        "<m><v>4</v><p>Z2xhY2llci1kZy5wZGY=</p><lm>20120821T170824Z</lm>"
        "<ce>1:1:4340ebcf79712dc5e3ef7d50bab98ba5:54687</ce></m>",
        Decoded(
            "glacier-dg.pdf",
            datetime(2012, 8, 21, 17, 8, 24, tzinfo=UTC),
            "fastglacier-4",
            "compressed, encrypted by the client; the file had "
            "MD5 4340ebcf79712dc5e3ef7d50bab98ba5, 54687 bytes",
        ),
    ),
    (
        "<m><v>3</v><p>Z2xhY2llci1kZy5wZGY=</p><lm>20120821T170824Z</lm>"
        "<ce>1:0:4340ebcf79712dc5e3ef7d50bab98ba5</ce></m>",
        Decoded(
            "glacier-dg.pdf",
            datetime(2012, 8, 21, 17, 8, 24, tzinfo=UTC),
            "fastglacier-3",
            "compressed by the client; the file had MD5 4340ebcf79712dc5e3ef7d50bab98ba5",
        ),
    ),
    (
        "<m><v>2</v><p>cGhvdG9zLw==</p><lm>20130101T000000Z</lm></m>",
        Decoded("photos/", datetime(2013, 1, 1, tzinfo=UTC), "fastglacier-2", "the marker of a folder"),
    ),
    (
        "<ArchiveMetadata><Path>UkVOREVSRkFSTTUvQjovb25lL3R3by90aHJlZS9jaDAxX3NlcTAwNF9zaDAwMTAu"
        "MjA0NC5kcHg=</Path></ArchiveMetadata>",
        Decoded("RENDERFARM5/B:/one/two/three/ch01_seq004_sh0010.2044.dpx", None, "fastglacier-1"),
    ),
    (
        "<m><v>4</v><p>L3NhbXBsZS8xMjM0LnBkZg==</p><lm>20190501T100059Z</lm></m>",
        Decoded("/sample/1234.pdf", datetime(2019, 5, 1, 10, 0, 59, tzinfo=UTC), "fastglacier-4"),
    ),
    (
        "<m><v>4</v><p>!</p></m>",
        Decoded(
            "<m><v>4</v><p>!</p></m>", None, "plain", "begins like FastGlacier's, but its base64 is damaged"
        ),
    ),
)


def decode(text: str) -> Decoded:
    """Decode *text*, which begins with ``<m>`` or ``<ArchiveMetadata>``.

    A version after 4 is read like 4, with a note.  Raises :class:`UnreadableError` if there is no
    path or its base64 is damaged.
    """
    try:
        usual = _USUAL.fullmatch(text)  # the vast majority: one match instead of four
        if usual and not (name := from_base64(usual[2])).endswith("/"):  # the marker of a folder needs a note
            return decoded(name, usual[3], f"fastglacier-{usual[1]}")
        path = _PATH.search(text)
        if path is None:
            raise UnreadableError("it holds no path")
        return _decoded(text, from_base64(path[2]))
    except UnreadableError as error:
        raise UnreadableError(f"begins like FastGlacier's, but {error}") from error


def _decoded(text: str, name: str) -> Decoded:
    first = not text.startswith("<m>")
    stamp = (_ANY_STAMP if first else _MODIFIED).search(text)
    version = "1" if first else _first_group(_VERSION, text)
    known = version in {"1", "2", "3", "4"}  # later ones may add elements, as 3 and 4 have
    return decoded(
        name,
        stamp[1] if stamp else None,
        f"fastglacier-{version}" if known else "fastglacier-4",
        "" if known else f"of the unknown version {version!r}",
        "the marker of a folder" if name.endswith("/") else "",
        _change(text),
    )


def _first_group(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


def _change(text: str) -> str:
    match = _CHANGED.search(text)
    if match is None:
        return ""
    compressed, encrypted, md5, size = match.groups()
    note = changed_bytes(compressed=compressed == "1", encrypted=encrypted == "1")
    # Of the original file, so they cannot verify the archive's bytes.
    facts = [f"MD5 {md5}"] * bool(md5) + [f"{size} bytes"] * bool(size)
    return f"{note}; the file had {', '.join(facts)}" if note and facts else note


def encode(name: str, mtime: datetime | None) -> str:
    """Return the form of version 4; without *mtime*, there is no ``lm``.

    Raises :class:`~.decoded.DescriptionError` for a time without a zone and
    :class:`UnicodeEncodeError` for a name that is not valid Unicode.
    """
    path = b64encode(name.encode()).decode()
    modified = f"<lm>{format_stamp(mtime)}</lm>" if mtime is not None else ""
    return f"<m><v>4</v><p>{path}</p>{modified}</m>"
