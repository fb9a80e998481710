"""All families of descriptions, and the dispatch to them by cheap marks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import bakthat, cloudberry, duplicity, fastglacier, git_annex, glacier_rsync, iceshelf, mt_aws
from .decoded import Decoded, Family

if TYPE_CHECKING:
    import pyarrow as pa

FAMILIES: tuple[Family, ...] = (
    mt_aws,
    fastglacier,
    cloudberry,
    glacier_rsync,
    bakthat,
    duplicity,
    iceshelf,
    git_annex,
)
"""The families in the order in which they are tried; those with starts come first."""

# Spelled out, because candidates() looks at one character: stripping millions of texts costs more.
WHITE = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680" + "".join(
    map(chr, (*range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000))
)
"""White space according to Python."""

_Decoder = Callable[[str], Decoded | None]
_BY_START: dict[str, list[tuple[tuple[str, ...], _Decoder]]] = defaultdict(list)
_BY_SHAPE: list[_Decoder] = []
for _family in FAMILIES:
    _marks = _family.MARKS
    for _first in {start[0] for start in _marks.starts}:  # a set: the starts of one family may share a letter
        _BY_START[_first].append((_marks.starts, _family.decode))
    if not _marks.starts:
        _BY_SHAPE.append(_family.decode)


def _one_of(chars: set[str]) -> str:
    codes = "".join(f"\\x{{{ord(char):x}}}" for char in sorted(chars))
    return f"[{codes}]"


_FIRST = _one_of({'"', *WHITE, *_BY_START})  # one look at a character excludes most descriptions
_LAST = _one_of({'"', *WHITE, *(end[-1] for f in FAMILIES for end in f.MARKS.ends)})
_HELD = "|".join(re.escape(held) for f in FAMILIES for held in f.MARKS.holds)
_NOT_PLAIN = rf"\A\z|\A{_FIRST}|{_LAST}\z|{_HELD}"


def read(description: str) -> Decoded | None:
    """Decode *description* with its family, or return None if it has none.

    Raises :class:`UnreadableError` if it has the mark of a family and is damaged.
    """
    text = description.strip()
    if text[:1] == '"' == text[-1:] and len(text) > 1:
        text = text[1:-1].strip()
    if text[:1] in _BY_START:
        for starts, decoder in _BY_START[text[0]]:
            if text.startswith(starts):
                return decoder(text)
    for decoder in _BY_SHAPE:
        found = decoder(text)
        if found is not None:
            return found
    return None


def candidates(descriptions: pa.ChunkedArray[Any]) -> list[int]:
    """Return the indexes of those *descriptions* that may not be plain names."""
    import pyarrow.compute as pc

    # one chunk: pyarrow 16 ends the process where there is none
    may_be = pc.match_substring_regex(descriptions, _NOT_PLAIN).combine_chunks()
    found: list[int] = pc.indices_nonzero(may_be).to_pylist()
    return found
