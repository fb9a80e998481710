"""The JSON form of an inventory, with keys in any order and any white space.

The first archives are read one by one.  If the next ones have the same frame, as in all known
inventories, pieces of some megabytes are cut at the borders of records and read at once.  Records
that differ are read one by one again, as are the end of the list and the text after it.

The border is the brace and the first key of a record.  It cannot be part of a string: its first quote
would end the string, and no key can follow that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa

from .columns import in_order, of_cut, of_items
from .damage import InventoryError, excerpt
from .frames import Frame, are_at
from .listed_archive import Item, date_ms, json_item
from .pieces import Cutter, Ordered, handy
from .scanner import Scanner
from .texts import json_value

BATCH = 10_000  # archives per batch, if read one by one
_EXAMPLES = 100  # archives from which the frame may be learnt
_FIELDS = {
    b"ArchiveId": "archive_id",
    b"ArchiveDescription": "description",
    b"CreationDate": "created",
    b"Size": "size",
    b"SHA256TreeHash": "tree_hash",
}
_MEMBER = re.compile(
    rb'[ \t\r\n]*"([^"\\]*)"[ \t\r\n]*:[ \t\r\n]*(?:"((?:[^"\\]|\\.)*)"|([0-9]+))[ \t\r\n]*([,}])'
)
_COMMA = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*")
_CLOSE = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*\Z")


@dataclass(frozen=True, slots=True)
class _Part:
    batch: pa.RecordBatch
    problem: tuple[int, str] | None = None  # byte within the piece, and the damage
    strange: int | None = None  # first byte that the scanner must read


class JsonInventory:
    """A JSON inventory in any pieces: its archives, vault and date.

    ``vault_arn`` and ``date`` (in milliseconds since 1970) are None until they have been read.
    """

    def __init__(self, source: Iterable[bytes | memoryview]) -> None:
        self.vault_arn: str | None = None
        self.date: int | None = None
        self._source = source
        self._count = 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the archives in order.

        :raises InventoryError: the text is damaged, truncated or followed by more text, or does not
            have exactly one list of archives; the archives before the damage have been yielded.
        """
        scanner = Scanner(handy(self._source))
        found = False
        for key in scanner.members():
            if key != "ArchiveList":
                self._note(key, scanner.value())
                continue
            if found:  # a JSON parser would silently keep only the last
                raise InventoryError("The inventory has two lists of archives")
            found = True
            for batch in self._list(scanner):
                self._count += batch.num_rows
                yield batch
        if not found:
            raise InventoryError("The inventory has no ArchiveList")
        scanner.finish()

    def _note(self, key: str, value: object) -> None:
        if key == "VaultARN":
            self.vault_arn = value if isinstance(value, str) else None
        elif key == "InventoryDate":
            try:
                self.date = date_ms(value) if isinstance(value, str) and value else None
            except InventoryError as error:
                raise InventoryError(f"The inventory {error.message}") from None

    def _list(self, scanner: Scanner) -> Iterator[pa.RecordBatch]:
        items: list[Item] = []
        learning = _EXAMPLES
        elements = scanner.elements()
        while True:
            try:
                raw, value = next(elements)
                items.append(json_item(value))
                frame = _frame_of(raw, scanner.peek_gap()) if learning else None
            except StopIteration:
                break
            except InventoryError as error:
                if items:
                    yield of_items(items)  # the caller counts them before this resumes
                raise self._located(error, scanner) from None
            learning = max(learning - 1, 0)
            if frame is not None or len(items) >= BATCH:
                yield of_items(items)
                items = []
            if frame is not None:
                learning = 0
                yield from self._alike(scanner, frame)
        if items:
            yield of_items(items)

    def _located(self, error: InventoryError, scanner: Scanner) -> InventoryError:
        """Return *error* with the archive's number, if it is about an archive and not about the text."""
        if error.offset is not None:
            return error
        row = self._count + 1
        return InventoryError(
            f"Archive {row:,} of the inventory {error.message}", row=row, offset=scanner.offset
        )

    def _alike(self, scanner: Scanner, frame: Frame) -> Iterator[pa.RecordBatch]:
        """Yield archives as long as they fit the *frame*; then return the rest to the scanner."""
        offset = scanner.offset
        # Cut before the last record, which may continue in the next piece.
        cutter = Cutter(scanner.hand_over(), lambda data: max(data.rfind(frame.first), 0))
        work = Ordered(lambda piece: _parse(piece, frame), cutter)
        left: list[memoryview] = []
        for piece, part in work:
            if part.batch.num_rows:
                yield part.batch
            if part.problem is not None:
                at, what = part.problem
                row = self._count + 1
                raise InventoryError(f"Archive {row:,} of the inventory {what}", row=row, offset=offset + at)
            if part.strange is not None:
                left = [piece[part.strange :], *work.waiting]
                offset += part.strange
                break
            offset += len(piece)
        # The scanner expects the comma after a value; a piece that begins with a record lacks it.
        comma = [b","] if (left[0][:1] if left else cutter.rest[:1]) == b"{" else []
        rest = chain(comma, left, [cutter.rest], cutter.source)
        scanner.resume(handy(rest), offset - len(comma))


def _frame_of(record: bytes, gap: bytes) -> Frame | None:
    """Return the frame of a record and the *gap* to the next one, or None."""
    if not gap or record[:1] != b"{":
        return None
    spans: dict[str, tuple[int, int]] = {}
    at, end = 1, b","
    while end == b",":
        match = _MEMBER.match(record, at)
        if match is None:
            return None
        name = _FIELDS.get(match[1])
        if name in spans:  # JSON readers take the last of equal keys, and a frame would not
            return None
        if name is not None:
            spans[name] = match.span(2) if match[3] is None else match.span(3)
        at, end = match.end(), match[4]
    return Frame.learnt(record + gap, spans)


def _parse(data: memoryview, frame: Frame) -> _Part:
    """Return the archives in a piece that ends where a record begins; called from several threads."""
    text = np.frombuffer(data, np.uint8)
    braces = np.flatnonzero(text[: max(len(text) - len(frame.first) + 1, 0)] == ord("{"))
    # Every byte is compared with the brace alone; only braces with the rest.
    begins = braces[are_at(data, braces, frame.first)].astype(np.int64)
    lead = _COMMA.match(data)
    if not len(begins) or (lead.end() if lead else 0) != begins[0]:
        return _Part(of_items([]), strange=0)
    ends = np.append(begins[1:], len(data))
    cut = frame.cut(data, begins, ends)
    batch, rows = of_cut(data, frame, cut, b'"\\', _description)
    slow = np.ones(len(begins), bool)
    slow[rows] = False
    items: list[Item] = []
    numbers: list[int] = []

    def before(number: int) -> pa.RecordBatch:
        count = int(np.searchsorted(rows, number))
        return in_order(batch.slice(0, count), rows[:count], items, numbers)

    for number in np.flatnonzero(slow).tolist():
        at = int(begins[number])
        record = bytes(data[at : ends[number]])
        values = _values(record)
        if values is None:
            return _Part(before(number), strange=at)
        for value in values:
            try:
                items.append(json_item(value))
            except InventoryError as error:
                return _Part(before(number), problem=(at, f"{error.message}: {excerpt(record)}"))
            numbers.append(number)
    return _Part(in_order(batch, rows, items, numbers))


def _values(records: bytes) -> list[object] | None:
    """Return the values in *records*, which end in a comma; None if they are malformed."""
    close = _CLOSE.search(records)
    if close is None:
        return None
    try:
        values = json_value(b"[" + records[: close.start()] + b"]")
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, list) else None


def _description(field: bytes, _row: int) -> str | None:
    try:
        value = json_value(b'"' + field + b'"')
    except ValueError:
        return None
    return value if isinstance(value, str) else None
