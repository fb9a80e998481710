r"""The CSV form of an inventory.

A quote in a description is written ``\"``, but a backslash is not escaped, so that ordinary readers
cannot parse it.  Lines are therefore cut from both ends (:mod:`.frames`), and only descriptions with
quotes need decoding.  Lines end in ``\n`` or ``\r\n``, which the last one may lack; empty lines and
repeated header lines are skipped.  An inventory truncated at the end of a line looks complete:
compare its length with that of the job.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from .columns import in_order, of_cut, of_items
from .damage import InventoryError, excerpt
from .frames import Frame, Positions, are_at
from .listed_archive import CSV_LINE, HEADER, Item, csv_item, csv_text, is_header
from .pieces import Cutter, Ordered, handy
from .texts import decode

_EXAMPLES = 16  # lines from which the frame may be learnt


@dataclass(frozen=True, slots=True)
class _Part:
    batch: pa.RecordBatch
    lines: int
    problem: tuple[int, int, str] | None = None  # line and byte within the piece, and the damage


def batches(source: Iterable[bytes | memoryview]) -> Iterator[pa.RecordBatch]:
    """Yield the archives in *source*, a CSV inventory in any pieces, in order.

    :raises InventoryError: a line is damaged or the first is not the header; the archives before
        it have been yielded.
    """
    reader = _Reader()
    lines = bytes_before = 0
    for piece, part in Ordered(reader.parse, reader.pieces(source)):
        if part.batch.num_rows:
            yield part.batch
        if part.problem is not None:
            line, offset, what = part.problem
            raise InventoryError(
                f"Line {lines + line:,} of the inventory {what}",
                row=lines + line,
                offset=bytes_before + offset,
            )
        lines += part.lines
        bytes_before += len(piece)


class _Reader:
    def __init__(self) -> None:
        self._frame: Frame | None = None
        self._header_read = False

    def pieces(self, source: Iterable[bytes | memoryview]) -> Iterator[memoryview]:
        """Yield pieces of whole lines; the first one includes the header."""
        cutter = Cutter(handy(source), lambda data: data.rfind(b"\n") + 1)
        for piece in cutter:
            yield self._learn(piece)
        if cutter.stuck:
            raise InventoryError(f"The inventory has a line of {len(cutter.rest):,} bytes or more")
        if cutter.rest or not self._header_read:
            yield self._learn(memoryview(cutter.rest))

    def _learn(self, piece: memoryview) -> memoryview:
        """Check the header in the first *piece*, and learn the frame of its lines."""
        if self._header_read:
            return piece
        self._header_read = True
        # 64 KiB hold the examples even with the longest descriptions.
        first, *lines = bytes(piece[: 1 << 16]).split(b"\n", _EXAMPLES + 1)
        if not is_header(first):
            name = HEADER.decode()
            raise InventoryError(f"Line 1 of the inventory is not {name}", row=1, offset=0)
        for line in lines:
            match = CSV_LINE.fullmatch(line.removesuffix(b"\r"))
            if match is not None:
                spans = {name: match.span(name) for name in match.groupdict()}
                self._frame = Frame.learnt(match[0], spans)
            if self._frame is not None:
                break
        return piece

    def parse(self, data: memoryview) -> _Part:
        """Return the archives in whole lines; called from several threads."""
        text = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(text == ord("\n"))  # a description has no line breaks
        if not len(data) or data[-1] != ord("\n"):
            ends = np.append(ends, len(data))
        begins = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)
        count = len(ends)
        if count and len(data):
            # The byte before the end of an empty line belongs to the line before.
            ends = ends - ((text[ends - 1] == ord("\r")) & (ends > begins))
        batch, rows = self._quick(data, begins, ends)
        slow = np.ones(count, bool)
        slow[rows] = False
        items: list[Item] = []
        numbers: list[int] = []
        for number in np.flatnonzero(slow & (ends > begins)).tolist():
            line = bytes(data[begins[number] : ends[number]])
            try:
                items.append(csv_item(line))
                numbers.append(number)
            except InventoryError as error:
                if is_header(line):
                    continue
                before = int(np.searchsorted(rows, number))
                batch = in_order(batch.slice(0, before), rows[:before], items, numbers)
                what = f"{error.message}: {excerpt(line)}"
                return _Part(batch, number, (number + 1, int(begins[number]), what))
        return _Part(in_order(batch, rows, items, numbers), count)

    def _quick(
        self, data: memoryview, begins: Positions, ends: Positions
    ) -> tuple[pa.RecordBatch, Positions]:
        if self._frame is None:
            return of_items([]), np.empty(0, np.int64)
        cut = self._frame.cut(data, begins, ends)
        begin, end = cut.spans["description"]
        quoted = end - begin > 1
        if quoted.any():
            quoted &= are_at(data, begin, b'"') & are_at(data, end - 1, b'"')
        bare = set(np.flatnonzero(~quoted).tolist())
        cut = replace(cut, spans=cut.spans | {"description": (begin + quoted, end - quoted)})

        def mend(field: bytes, row: int) -> str | None:
            text = csv_text(field, quoted=row not in bare)
            return None if text is None else decode(text)

        return of_cut(data, self._frame, cut, b'",' if bare else b'"', mend)
