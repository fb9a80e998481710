"""Archive descriptions: reading what fourteen years of clients wrote, and writing ours.

The service knows archives by opaque ids; a file's name is where its client put it, in the
description.  Each family of clients has a module of its own here with ``decode``, ``MARKS`` and
``EXAMPLES``; a new one is such a module and an entry in :data:`FAMILIES`.  Names that clients sent
as they were (glacier-cli, glacier-cmd, iceshelf, SAGU, the SDKs) are plain.
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
]

LONGEST = 1024
"""Characters the service takes in a description."""

DEFAULT = "fastglacier"
"""The format that :func:`encode` writes unless told otherwise: most software reads it."""

_ILLEGAL = re.compile("[^ -~]")


def decode(description: str) -> Decoded:
    """Return what *description* says about the archived file.

    White space around it and one pair of double quotes, left by damaged inventories, do not
    matter.  It never raises: what no family knows, and what is damaged, comes back whole as the
    name, in the format "plain"; an empty description is of the format "none".

    >>> decode("<m><v>2</v><p>YS50eHQ=</p><lm>20130101T000000Z</lm></m>").name
    'a.txt'
    """
    if not description:
        return Decoded("", None, "none")
    try:
        found = read(description)
    except UnreadableError as error:
        return Decoded(description, None, "plain", str(error))
    return Decoded(description, None, "plain") if found is None else found


def check(description: str) -> None:
    """Raise :class:`DescriptionError` unless the service takes *description* and keeps it whole.

    Rule from the service's documentation, "Upload Archive": up to 1,024 characters from space to
    tilde.  A leading space is lost on the way; other characters break the request's signature.
    """
    if not description:
        raise DescriptionError("The description is empty: give at least one character")
    if len(description) > LONGEST:
        raise DescriptionError(
            f"The description has {len(description):,} characters and the service takes "
            f"{LONGEST:,}: shorten it"
        )
    illegal = _ILLEGAL.search(description)
    if illegal:
        raise DescriptionError(
            f"The description holds U+{ord(illegal[0]):04X} at character {illegal.start() + 1} and "
            "the service takes only printable ASCII: replace it, or give the text as a name, "
            "which is encoded"
        )
    if description.startswith(" "):
        raise DescriptionError("The service drops leading spaces: remove them from the description")


def encode(name: str, mtime: datetime | None, *, format: str = DEFAULT) -> str:  # noqa: A002 - the word that users write
    """Return the description for a file called *name*, last modified at *mtime* (aware).

    *format* is "fastglacier" (version 4, the form most software reads), "mt2" or "plain", which
    carries the bare name and no time.  Fractions of a second are lost.  Raises
    :class:`DescriptionError` where the format cannot carry the name or the time, with what to do.

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
    except UnicodeEncodeError as error:
        raise DescriptionError(
            f"The name {name!a} is not valid Unicode: rename the file, or give a description"
        ) from error
    if len(description) > LONGEST:
        raise DescriptionError(_too_long(name, format))
    return description


def _too_long(name: str, form: str) -> str:
    return (
        f"The name has {len(name.encode()):,} bytes in UTF-8, too many for a description of the "
        f"format {form!r} with its {LONGEST:,} characters: shorten the name, upload from a folder "
        "nearer to the file, or give a description"
    )


def _plain(name: str, _mtime: datetime | None) -> str:
    check(name)
    # A trailing space is legal, but white space around a header's value is not part of it.
    if decode(name).name != name or name.endswith(" "):
        raise DescriptionError(
            f"The name {name!a} would not be read back as it is: choose the format fastglacier"
        )
    return name


FORMATS: dict[str, Callable[[str, datetime | None], str]] = {
    "fastglacier": fastglacier.encode,
    "mt2": mt_aws.encode,
    "plain": _plain,
}
"""The formats :func:`encode` writes."""
