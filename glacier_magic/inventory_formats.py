"""Streaming readers of what an inventory job gives: CSV and JSON, in little memory.

Rules from the service's documentation, "Get Job Output", and from real inventories.  Bytes that
are not UTF-8, which should not occur, become lone surrogates as in Python's file names, so that
nothing is lost.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

CSV_HEADER = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash"
"""The first line of a CSV inventory."""

# Only the description has no fixed shape, so a line is read from both ends.
_CSV_LINE = re.compile(
    '("?)([A-Za-z0-9_-]+)\\1,(.*),("?)([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z)\\4,'
    '("?)([0-9]{1,18})\\6,("?)([0-9A-Fa-f]{64})\\8',
    re.DOTALL,
)
_DATE = re.compile("([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\\.([0-9]{1,9}))?Z")
_NUMBER_TAIL = re.compile("[-+.0-9eE]*")
_SPACE = re.compile("[ \t\r\n]*")
_LONGEST_VALUE = 1 << 24


class InventoryError(ValueError):
    """An inventory that is damaged or cut short; the text says where."""


@dataclass(frozen=True, slots=True)
class Item:
    """One archive in an inventory; ``created`` is the date as the inventory has it."""

    archive_id: str
    description: str
    created: str
    size: int
    tree_hash: str


@dataclass(slots=True)
class Header:
    """What a JSON inventory says about itself; a field is empty as long as it is not known.

    ``inventory_date`` is the date of the snapshot, as the inventory has it.
    """

    vault_arn: str = ""
    inventory_date: str = ""


def parse_date(text: str) -> datetime:
    """Return the aware UTC time in *text*, a date of the service with or without milliseconds.

    Raises :class:`InventoryError` for anything else.

    >>> parse_date("2015-04-07T00:26:18.462Z").isoformat()
    '2015-04-07T00:26:18.462000+00:00'
    """
    match = _DATE.fullmatch(text)
    try:
        if match is not None:
            whole = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
            return whole.replace(microsecond=int((match[2] or "").ljust(6, "0")[:6]))
    except ValueError:
        pass
    raise InventoryError(f"{text!r} is not a date such as 2015-04-07T00:26:18Z")


def read_csv(lines: Iterable[bytes]) -> Iterator[Item]:
    r"""Yield the archives in *lines*, a CSV inventory cut behind each ``\n``, such as a file.

    The format writes a quote in a description as ``\"`` and leaves a backslash alone, so the csv
    module cannot read it.  Raises :class:`InventoryError` with the number of a line that is
    damaged; a wrong first line counts, an empty one is passed over.
    """
    numbered = enumerate(map(_text_of_line, lines), 1)
    _, first = next(numbered, (1, ""))
    if first.removeprefix("\ufeff").replace('"', "") != CSV_HEADER:
        raise InventoryError(f"Line 1 of the inventory is not {CSV_HEADER}")
    for number, line in numbered:
        if line:
            yield _csv_item(number, line)


def _text_of_line(line: bytes) -> str:
    return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "surrogateescape")


def _csv_item(number: int, line: str) -> Item:
    match = _CSV_LINE.fullmatch(line)
    if match is None:
        raise InventoryError(f"Line {number} of the inventory is damaged: {line[:80]!a}")
    description = match[3]
    if len(description) > 1 and description[0] == description[-1] == '"':
        description = description[1:-1].replace('\\"', '"')
    return Item(match[2], description, match[5], int(match[7]), match[9])


def read_json(chunks: Iterable[bytes]) -> tuple[Header, Iterator[Item]]:
    """Return the header of a JSON inventory given in *chunks*, and an iterator over its archives.

    Reading stops where the list of archives begins: in the service's order of keys the header is
    then complete.  Keys behind the list are put into the same header once the iterator has run to
    its end.  Unknown keys are passed over; memory is bounded by a chunk and the largest value.

    Raises :class:`InventoryError`, here or while iterating, where the text is damaged, ends early
    or goes on behind its end, or has no list of archives.
    """
    scanner, header = _Scanner(chunks), Header()
    keys = scanner.keys()
    for key in keys:
        if key == "ArchiveList":
            return header, _json_items(scanner, keys, header)
        _note(header, key, scanner.value())
    raise InventoryError("The inventory has no ArchiveList")


def _json_items(scanner: _Scanner, keys: Iterator[str], header: Header) -> Iterator[Item]:
    for number, value in enumerate(scanner.elements(), 1):
        yield _json_item(number, value)
    for key in keys:
        if key == "ArchiveList":
            raise InventoryError("The inventory has two lists of archives")
        _note(header, key, scanner.value())
    scanner.finish()


def _note(header: Header, key: str, value: object) -> None:
    text = value if isinstance(value, str) else ""
    if key == "VaultARN":
        header.vault_arn = text
    elif key == "InventoryDate":
        header.inventory_date = text


def _json_item(number: int, value: object) -> Item:
    if not isinstance(value, dict):
        raise InventoryError(f"Archive {number} of the inventory is not an object")
    description, size = value.get("ArchiveDescription"), value.get("Size")
    texts = [value.get(key) for key in ("ArchiveId", "CreationDate", "SHA256TreeHash")]
    if description is None:
        description = ""
    if not all(isinstance(text, str) for text in (*texts, description)):
        raise InventoryError(f"Archive {number} of the inventory lacks a text")
    if type(size) is not int or size < 0:
        raise InventoryError(f"Archive {number} of the inventory has no size")
    archive_id, created, tree_hash = cast("list[str]", texts)
    return Item(archive_id, cast("str", description), created, size, tree_hash)


class _Scanner:
    """Read a JSON text that comes in chunks, value by value, over a sliding buffer."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self._texts = self._decoded(chunks, decoder)
        self._json = json.JSONDecoder(strict=False)
        self._buffer, self._at = "", 0

    @staticmethod
    def _decoded(chunks: Iterable[bytes], decoder: codecs.IncrementalDecoder) -> Iterator[str]:
        for chunk in chunks:
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)

    def keys(self) -> Iterator[str]:
        """Yield the keys of the object that comes next; its caller reads each key's value."""
        self._take("{")
        if self._peek() == "}":
            self._take("}")
            return
        while True:
            key = self.value()
            if not isinstance(key, str):
                raise InventoryError("The inventory is damaged: a key is not a text")
            self._take(":")
            yield key
            if self._take(",}") == "}":
                return

    def elements(self) -> Iterator[object]:
        """Yield the values in the array that comes next."""
        self._take("[")
        if self._peek() == "]":
            self._take("]")
            return
        while True:
            yield self.value()
            if self._take(",]") == "]":
                return

    def value(self) -> object:
        """Return the value that comes next."""
        self._peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._buffer, self._at)
            except (ValueError, RecursionError) as error:
                waiting = len(self._buffer) - self._at
                if waiting <= _LONGEST_VALUE and self._more(waiting):
                    continue
                raise InventoryError(f"The inventory is {self._damage()}") from error
            if self._may_go_on(value, end) and self._more(1):
                continue
            self._at = end
            return value

    def _may_go_on(self, value: object, end: int) -> bool:
        """Tell whether *value* is a number that the next chunk could still change."""
        if not isinstance(value, int | float):
            return False
        tail = _NUMBER_TAIL.match(self._buffer, end)
        return tail is not None and tail.end() == len(self._buffer)

    def _damage(self) -> str:
        return f"cut short or damaged at {self._buffer[self._at : self._at + 60]!a}"

    def finish(self) -> None:
        """Raise :class:`InventoryError` unless only white space is left."""
        if self._peek(at_end=True):
            raise InventoryError("The inventory goes on behind its end")

    def _peek(self, *, at_end: bool = False) -> str:
        while True:
            space = _SPACE.match(self._buffer, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more(1):
                break
        if not at_end:
            raise InventoryError("The inventory is cut short")
        return ""

    def _take(self, expected: str) -> str:
        found = self._peek()
        if found not in expected:
            raise InventoryError(f"The inventory is damaged: {found!a} in the place of {expected}")
        self._at += 1
        return found

    def _more(self, wanted: int) -> bool:
        """Drop what was read and add at least *wanted* characters; False if there are none."""
        texts, length = [self._buffer[self._at :]], 0
        while length < max(wanted, 1):
            text = next(self._texts, None)
            if text is None:
                break
            texts.append(text)
            length += len(text)
        if length:
            self._buffer, self._at = "".join(texts), 0
        return length > 0
