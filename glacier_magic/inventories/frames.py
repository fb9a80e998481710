"""Cutting thousands of records into fields at once, if they differ only in their values.

All fields but the description have a known form and width, so a record is read from both ends.  A
:class:`Frame` is learnt from one record; records that do not fit it are read one by one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

_SHAPES = {
    "archive_id": re.compile(rb"[A-Za-z0-9_-]+"),
    "created": re.compile(rb"[0-9-]{10}T[0-9:]{8}(?:\.[0-9]{3})?Z"),
    "size": re.compile(rb"[0-9]{1,16}"),  # as many as _digits_before() counts
    "tree_hash": re.compile(rb"[0-9a-fA-F]{64}"),
}
_HASH = 64
_LEAST = {"created": 20, "size": 1, "tree_hash": _HASH, "description": 0}
_SMALLEST = 64  # bytes of a piece: no window reaches beyond it
_BYTE_STEPS = np.array([1 << 8 * place for place in range(8)], np.uint64)
_HIGH, _DIGIT, _SIX = (
    np.uint64(int(pattern * 8, 16)) for pattern in ("F0", "30", "06")
)  # eight bytes at once


@dataclass(frozen=True, slots=True)
class Cut:
    """The fields of the records numbered ``rows``: their begin and end positions."""

    rows: Positions
    spans: dict[str, tuple[Positions, Positions]]


@dataclass(frozen=True, slots=True)
class Frame:
    """The bytes around the fields of a record, with the names of the fields between them.

    ``parts`` begins and ends with bytes, which may be empty; ``width`` is that of the archive id.
    """

    parts: tuple[bytes | str, ...]
    width: int

    @classmethod
    def learnt(cls, record: bytes, spans: Mapping[str, tuple[int, int]]) -> Frame | None:
        """Return the frame of a *record* whose five fields are at *spans*, or None.

        Before the description, only fields of fixed width can be read.
        """
        if len(spans) != len(_SHAPES) + 1:
            return None
        for name, shape in _SHAPES.items():
            if shape.fullmatch(record, *spans[name]) is None:
                return None
        parts: list[bytes | str] = []
        at = 0
        for begin, end, name in sorted((*span, name) for name, span in spans.items()):
            parts += [record[at:begin], name]
            at = end
        front = parts[: parts.index("description")]
        if "size" in front or "created" in front:
            return None
        begin, end = spans["archive_id"]
        return cls((*parts, record[at:]), end - begin)

    @property
    def first(self) -> bytes:
        """The bytes at the beginning of a record."""
        part = self.parts[0]
        return part if isinstance(part, bytes) else b""

    @property
    def names(self) -> list[str]:
        """The names of the fields in order."""
        return [part for part in self.parts if isinstance(part, str)]

    def cut(self, data: memoryview, begins: Positions, ends: Positions) -> Cut:
        """Return the fields of those records from *begins* to *ends* that fit the frame."""
        least = sum(
            len(part) if isinstance(part, bytes) else _LEAST.get(part, self.width) for part in self.parts
        )
        rows = np.flatnonzero(ends - begins >= least)
        if len(data) < _SMALLEST:
            rows = rows[:0]
        begins, ends = begins[rows], ends[rows]
        good = np.ones(len(rows), bool)
        spans: dict[str, tuple[Positions, Positions]] = {}
        middle = self.parts.index("description")
        if len(rows):
            begins = self._front(data, begins, self.parts[:middle], spans, good)
            ends = self._back(data, ends, self.parts[middle + 1 :], spans, good)
        good &= begins <= ends
        spans["description"] = begins, ends
        if good.all() and len(spans) == len(self.names):  # the usual case needs no copies
            return Cut(rows, spans)
        return Cut(rows[good], {name: (b[good], e[good]) for name, (b, e) in spans.items()})

    def _front(
        self,
        data: memoryview,
        at: Positions,
        parts: tuple[bytes | str, ...],
        spans: dict[str, tuple[Positions, Positions]],
        good: Mask,
    ) -> Positions:
        for part in parts:
            if isinstance(part, bytes):
                good &= are_at(data, at, part)
                at = at + len(part)
            else:
                end = at + (_HASH if part == "tree_hash" else self.width)
                spans[part] = at, end
                at = end
        return at

    def _back(
        self,
        data: memoryview,
        at: Positions,
        parts: tuple[bytes | str, ...],
        spans: dict[str, tuple[Positions, Positions]],
        good: Mask,
    ) -> Positions:
        for part in reversed(parts):
            if isinstance(part, bytes):
                at = at - len(part)
                good &= are_at(data, at, part)
                continue
            begin = at - self.width
            if part == "tree_hash":
                begin = at - _HASH
            elif part == "created":
                begin = at - _date_widths(data, at)
                good &= are_at(data, begin + 10, b"T") & are_at(data, at - 1, b"Z")
            elif part == "size":
                count = _digits_before(data, at)
                begin = at - count
                good &= count > 0
            spans[part] = begin, at
            at = begin
        return at


def are_at(data: memoryview, at: Positions, text: bytes) -> Mask:
    """Return for each position whether it has *text*, which has no NUL; False for negative ones.

    Positions must be at least the length of *text* from the end.
    """
    if not text or not len(at):
        return np.ones(len(at), bool)
    found: Mask = windows(data, f"S{len(text)}", len(text))[at] == text
    return found & (at >= 0)  # a negative index counts from the end


def windows(data: memoryview, kind: str, width: int) -> npt.NDArray[np.generic]:
    """Return a view of the *width* bytes at every position."""
    return np.ndarray((len(data) - width + 1,), kind, data, strides=(1,))


def _date_widths(data: memoryview, ends: Positions) -> Positions:
    """Return the width of each date, which is in seconds or milliseconds."""
    return np.where(are_at(data, ends - 10, b"T"), 20, 24)


def _digits_before(data: memoryview, ends: Positions) -> Positions:
    """Return the number of digits, up to sixteen, before each position."""
    words = windows(data, "<u8", 8)  # little-endian: the byte before the position is the highest
    count = _last_digits(words[ends - 8])
    full = np.flatnonzero(count == 8)
    count[full] += _last_digits(words[ends[full] - 16])
    return count


def _last_digits(words: npt.NDArray[np.generic]) -> Positions:
    """Return the number of digits at the end of the eight bytes of each word."""
    eight = words.astype(np.uint64)
    # A byte is a digit if its high half is 3, both as it is and after adding 6.
    other = (eight & _HIGH) ^ _DIGIT
    other |= ((eight + _SIX) & _HIGH) ^ _DIGIT
    return 8 - np.searchsorted(_BYTE_STEPS, other, side="right")  # by the highest byte that is not a digit
