"""Decoding of millions of descriptions into columns: names, formats and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .decoded import UnreadableError
from .families import candidates, read

if TYPE_CHECKING:
    import pyarrow as pa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def decode_columns(
    descriptions: pa.ChunkedArray[Any],
) -> tuple[list[str], list[str | None], list[str], list[int | None]]:
    """Return names, descriptions, formats and modification times of *descriptions*, one list each.

    A description that is the name is None.  The values are those of ``decode``, without notes; times
    are in milliseconds since 1970 UTC.
    Plain names, which are the majority, take a fraction of a microsecond.

    >>> import pyarrow as pa
    >>> stored = "<m><v>4</v><p>Yg==</p><lm>19700101T000001Z</lm></m>"
    >>> names, raw, formats, mtimes = decode_columns(pa.chunked_array([["a.txt", stored]]))
    >>> names, raw == [None, stored], formats, mtimes
    (['a.txt', 'b'], True, ['plain', 'fastglacier-4'], [None, 1000])
    """
    names: list[str] = descriptions.to_pylist()  # what no family reads is a name itself
    raw: list[str | None] = [None] * len(names)
    formats = ["plain"] * len(names)
    mtimes: list[int | None] = [None] * len(names)
    for index in candidates(descriptions):
        description = names[index]
        if not description:
            formats[index] = "none"
            continue
        try:
            found = read(description)
        except UnreadableError:  # stays plain, as with decode()
            continue
        if found is not None:
            if found.name != description:
                names[index], raw[index] = found.name, description
            formats[index] = found.format
            if found.mtime is not None:
                mtimes[index] = (found.mtime - _EPOCH) // _MILLISECOND  # exact: timestamp() is a float
    return names, raw, formats, mtimes
