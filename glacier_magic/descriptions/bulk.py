"""Decoding of millions of descriptions into columns: names, formats and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .decoded import UnreadableError
from .families import candidates, read

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def decode_columns(descriptions: list[str]) -> tuple[list[str], list[str], list[int | None]]:
    """Return names, formats and modification times of *descriptions*, one list each.

    The values are those of ``decode``, without notes; times are in milliseconds since 1970 UTC.
    Plain names, which are the majority, take a fraction of a microsecond.

    >>> decode_columns(["a.txt", "<m><v>4</v><p>Yg==</p><lm>19700101T000001Z</lm></m>", ""])
    (['a.txt', 'b', ''], ['plain', 'fastglacier-4', 'none'], [None, 1000, None])
    """
    names = list(descriptions)  # what no family reads is a name itself
    formats = ["plain"] * len(names)
    mtimes: list[int | None] = [None] * len(names)
    for index in candidates(names):
        description = names[index]
        if not description:
            formats[index] = "none"
            continue
        try:
            found = read(description)
        except UnreadableError:  # stays plain, as with decode()
            continue
        if found is not None:
            names[index] = found.name
            formats[index] = found.format
            if found.mtime is not None:
                mtimes[index] = (found.mtime - _EPOCH) // _MILLISECOND  # exact: timestamp() is a float
    return names, formats, mtimes
