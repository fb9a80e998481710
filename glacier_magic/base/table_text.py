"""A table as lines of text: aligned, in human units, and no wider than the terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from .columns import IDS, NUMBERS, cell
from .rendering import visible
from .tables import ExactTable, Row

LEAST = 16
"""Characters of a text that a narrow terminal shows at least."""
ROOM = 40
"""Characters of the first column, the name, for which others are left out."""

Style = Callable[[str, str], str]
"""Returns a padded text in colour, given its column, or ``""`` for the heading."""


class TextTable:
    """The lines of a table.  Columns are as wide as the first batch of rows needs.

    :param width: the most characters in a line; None for as many as there are.
    :param heading: whether to write the names of the columns.
    :param whole: whether to write ids whole.
    """

    def __init__(
        self,
        table: ExactTable,
        *,
        width: int | None = None,
        heading: bool = True,
        whole: bool = False,
        style: Style | None = None,
    ) -> None:
        self._table, self._width, self._heading, self._whole = table, width, heading, whole
        self._style = style or (lambda _, text: text)
        self.dropped: list[str] = []
        """The columns that the terminal has no room for, once the lines were read."""
        self.count = 0
        """The number of rows, once the lines were read."""

    def __iter__(self) -> Iterator[str]:
        names, pieces = self._table.columns, iter(self._table.rows)
        first = next(pieces, [])
        if not first:
            return
        cells = self._cells(first)
        # A column has one type: that of its first value.
        kinds = [next((row[i] for row in first if row[i] is not None), "") for i in range(len(names))]
        right = {i for i, name in enumerate(names) if name in NUMBERS or _is_number(kinds[i])}
        widths = [
            max(width_of(name) if self._heading else 0, *(width_of(row[i]) for row in cells))
            for i, name in enumerate(names)
        ]
        # Numbers, times and ids are either whole or left out.
        texts = [i for i in range(len(names)) if isinstance(kinds[i], str) and i not in right]
        kept = self._fit(widths, [i for i in texts if names[i] not in IDS])
        self.dropped = [name for i, name in enumerate(names) if i not in kept]
        if self._heading:
            yield self._line(names, kept, widths, right, head=True)
        while first:
            self.count += len(cells)
            for row in cells:
                yield self._line(row, kept, widths, right)
            first = next(pieces, [])
            cells = self._cells(first)

    def _cells(self, rows: Sequence[Row]) -> list[list[str]]:
        text = str if self._whole else None
        names = self._table.columns
        return [
            [
                visible(text(value) if text and name in IDS and value is not None else cell(name, value))
                for name, value in zip(names, row, strict=True)
            ]
            for row in rows
        ]

    def _fit(self, widths: list[int], texts: Sequence[int]) -> list[int]:
        """Leave out the last columns, then shorten the widest texts, until a line fits; return the rest.

        :param texts: the columns that may be shortened; the first is the name.
        """
        kept = list(range(len(widths)))
        if self._width is None:
            return kept
        most = self._width
        least = [
            min(w, ROOM if [i] == list(texts[:1]) else LEAST) if i in texts else w
            for i, w in enumerate(widths)
        ]
        while len(kept) > 1 and sum(least[i] + 2 for i in kept) - 2 > most:
            kept.pop()
        while sum(widths[i] + 2 for i in kept) - 2 > most and any(widths[i] > least[i] for i in kept):
            widths[max(kept, key=lambda i: widths[i] - least[i])] -= 1
        if len(kept) == 1 and 0 in texts:
            widths[0] = min(widths[0], most)
        return kept

    def _line(
        self,
        row: Sequence[str],
        kept: Sequence[int],
        widths: Sequence[int],
        right: set[int],
        *,
        head: bool = False,
    ) -> str:
        parts = []
        for i in kept:
            text = cut(row[i], widths[i]) if self._width is not None else row[i]
            padding = " " * (widths[i] - width_of(text))
            last = i == kept[-1]
            padded = padding + text if i in right else text if last else text + padding
            parts.append(self._style("" if head else self._table.columns[i], padded))
        return "  ".join(parts)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def width_of(text: str) -> int:
    """Return the columns of a terminal that a text takes: two for a wide character, none for an accent."""
    if text.isascii():
        return len(text)
    return sum(map(_char_width, text))


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, width: int) -> str:
    """Return a text in at most *width* columns: its beginning and its end, which has a file's suffix."""
    if width_of(text) <= width:
        return text
    tail = _first(text[::-1], (width - 1) // 2)[::-1]
    return _first(text, width - 1 - width_of(tail)) + "…" + tail


def _first(text: str, width: int) -> str:
    taken = 0
    for place, char in enumerate(text):
        taken += _char_width(char)
        if taken > width:
            return text[:place]
    return text
