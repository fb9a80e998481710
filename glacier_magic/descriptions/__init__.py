"""Archive descriptions: decoding those of fourteen years of clients, and encoding new ones.

The service identifies archives by opaque ids; clients store file names in the description.  Each
family of clients has its own module with ``decode``, ``MARKS`` and ``EXAMPLES``; to add one, write
such a module and add it to :data:`FAMILIES`.  Unencoded names (of glacier-cli, glacier-cmd, SAGU
and the SDKs) are plain.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from . import fastglacier, mt_aws
from .bulk import decode_columns
from .decoded import Decoded, DescriptionError, UnreadableError
from .families import FAMILIES, read

__all__ = [
    "DEFAULT",
    "FAMILIES",
    "FORMATS",
    "Decoded",
    "DescriptionError",
    "check",
    "decode",
    "decode_columns",
    "encode",
    "file_name",
]

LONGEST = 1024
"""The most characters that the service accepts in a description."""

DEFAULT = "fastglacier"
"""The default format of :func:`encode`, which most software reads."""

_ILLEGAL = re.compile("[^ -~]")  # all that the service allows: 0x20 to 0x7E


def decode(description: str) -> Decoded:
    """Return the facts about the archived file in *description*.

    White space around it and a pair of double quotes, as in damaged inventories, are ignored.  It
    never raises: a description that no family recognises or that is damaged becomes the name, in
    the format "plain"; an empty description has the format "none".

    >>> decode("<m><v>2</v><p>YS50eHQ=</p><lm>20130101T000000Z</lm></m>").name
    'a.txt'
    """
    if not description:
        return Decoded("", None, "none")
    try:
        found = read(description)
    except UnreadableError as error:  # never lost: even damaged, it identifies its archive to people
        return Decoded(description, None, "plain", str(error))
    return Decoded(description, None, "plain") if found is None else found


def file_name(name: str, description: str) -> str:
    """Return the name of a file with an archive's bytes: it keeps the date and ending of a backup.

    :param name: the archive's name, from its description or from elsewhere.

    >>> file_name("documents", "documents.20130214103045.tgz.enc")
    'documents.20130214103045.tgz.enc'
    """
    found = decode(description)
    return found.file if found.file and found.name == name else name


def check(description: str) -> None:
    """Raise :class:`DescriptionError` unless the service accepts *description* and stores it unchanged.

    Rule from the service's documentation, "Upload Archive": up to 1,024 characters from space to
    tilde.  The service drops leading spaces; other characters break the request's signature.
    """
    if not description:
        raise DescriptionError("The description is empty: give at least one character")
    if len(description) > LONGEST:
        raise DescriptionError(
            f"The description has {len(description):,} characters and the service accepts "
            f"{LONGEST:,}: shorten it"
        )
    illegal = _ILLEGAL.search(description)
    if illegal:
        raise DescriptionError(
            f"The description contains U+{ord(illegal[0]):04X} at character {illegal.start() + 1} and "
            "the service accepts only printable ASCII: replace it, or give the text as a name, "
            "which is encoded"
        )
    if description.startswith(" "):
        raise DescriptionError("The service drops leading spaces: remove them from the description")


def encode(name: str, mtime: datetime | None, *, format: str = DEFAULT) -> str:  # noqa: A002 - the word that users write
    """Return the description for a file called *name*, last modified at *mtime* (aware).

    *format* is "fastglacier" (version 4), "mt2" or "plain", which has the name only.  Fractions of a
    second are dropped.  Raises :class:`DescriptionError` if the format cannot represent the name or
    the time.

    >>> encode("a.txt", None)
    '<m><v>4</v><p>YS50eHQ=</p></m>'
    """
    encoder = FORMATS.get(format)
    if encoder is None:
        raise DescriptionError(f"No format {format!r}: choose one of {', '.join(FORMATS)}")
    if not name:
        raise DescriptionError("The name is empty: give the archive a name")
    try:
        description = encoder(name, mtime)
    except UnicodeEncodeError as error:  # half of a surrogate pair, as Python reads a name that is not UTF-8
        raise DescriptionError(
            f"The name {name!a} is not valid Unicode: rename the file, or give a description"
        ) from error
    if len(description) > LONGEST:
        raise DescriptionError(
            f"The name has {len(name.encode()):,} bytes in UTF-8, too many for a description of the "
            f"format {format!r} with {LONGEST:,} characters: shorten the name, upload from a folder "
            "closer to the file, or give a description"
        )
    return description


def _plain(name: str, _mtime: datetime | None) -> str:
    check(name)
    # A trailing space is allowed, but HTTP drops white space around the value of a header.
    if decode(name).name != name or name.endswith(" "):
        raise DescriptionError(
            f"The name {name!a} would not be decoded unchanged: choose the format fastglacier"
        )
    return name


FORMATS: dict[str, Callable[[str, datetime | None], str]] = {
    "fastglacier": fastglacier.encode,
    "mt2": mt_aws.encode,
    "plain": _plain,
}
"""The formats :func:`encode` writes."""
