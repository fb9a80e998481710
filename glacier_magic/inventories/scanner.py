"""Reading a JSON text that arrives in pieces, value by value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from .damage import InventoryError, excerpt
from .texts import json_value

LONGEST = 4 << 20
"""The most bytes of one value; records of archives have less than a thousandth of that."""

_NUMBER_TAIL = re.compile("[-+.0-9eE]*")
_SPACE = re.compile("[ \t\r\n]*")
_MARK = "\xef\xbb\xbf"  # UTF-8's byte order mark, as Latin-1; some editors add it


class Scanner:
    """Reads a JSON text through a sliding buffer, in which each byte is one character."""

    def __init__(self, pieces: Iterable[bytes | memoryview]) -> None:
        self._pieces = iter(pieces)
        self._json = json.JSONDecoder(strict=False)
        self._buffer, self._at, self._dropped = "", 0, 0
        while len(self._buffer) < len(_MARK) and self._more(1):  # a piece may be a single byte
            pass
        if self._buffer.startswith(_MARK):
            self._at = len(_MARK)

    @property
    def offset(self) -> int:
        """The number of bytes read so far."""
        return self._dropped + self._at

    def members(self) -> Iterator[str]:
        """Yield the keys of the next object; the caller must read each key's value."""
        self._take("{")
        if self._peek() == "}":
            self._take("}")
            return
        while True:
            key = self.value()
            if not isinstance(key, str):
                raise self._error("The inventory is damaged: a key is not a text")
            self._take(":")
            yield key
            if self._take(",}") == "}":
                return

    def elements(self) -> Iterator[tuple[bytes, object]]:
        """Yield the values in the next array, each with its bytes."""
        self._take("[")
        if self._peek() == "]":
            self._take("]")
            return
        while True:
            self._peek()
            raw, value = self._extent()
            yield raw, value
            if self._take(",]") == "]":
                return

    def value(self) -> object:
        """Return the next value."""
        self._peek()
        return self._extent()[1]

    def values(self) -> Iterator[object]:
        """Yield the values up to the end."""
        while self._peek(at_end=True):
            yield self._extent()[1]

    def finish(self) -> None:
        """Raise :class:`InventoryError` unless only white space is left."""
        if self._peek(at_end=True):
            raise self._error("The inventory is followed by more text")

    def peek_gap(self) -> bytes:
        """Return the comma and white space before the next value; empty if there is none."""
        if self._peek() != ",":
            return b""
        at = self._at
        while True:
            space = _SPACE.match(self._buffer, at + 1)
            end = space.end() if space else at + 1
            if end < len(self._buffer):
                return self._buffer[at:end].encode("latin-1")
            waiting = len(self._buffer) - self._at
            if waiting > LONGEST or not self._more(1):
                return b""
            at = self._at

    def hand_over(self) -> Iterator[bytes | memoryview]:
        """Yield the rest of the text for another reader, until :meth:`resume` is called."""
        rest, self._buffer = self._buffer[self._at :].encode("latin-1"), ""
        self._dropped += self._at
        self._at = 0
        yield rest
        yield from self._pieces

    def resume(self, pieces: Iterable[bytes | memoryview], offset: int) -> None:
        """Continue with *pieces*, which begin at the byte *offset*."""
        self._pieces = iter(pieces)
        self._buffer, self._at, self._dropped = "", 0, offset

    def _extent(self) -> tuple[bytes, object]:
        while True:
            try:
                value, end = self._json.raw_decode(self._buffer, self._at)
            except (ValueError, RecursionError) as error:  # not complete yet, damaged, or nested too deeply
                waiting = len(self._buffer) - self._at
                if waiting <= LONGEST and self._more(waiting):  # doubling the buffer keeps the work linear
                    continue
                raise self._error(f"The inventory is {self._damage()}") from error
            if self._may_continue(value, end) and self._more(1):  # 12 may be the beginning of 123
                continue
            raw = self._buffer[self._at : end].encode("latin-1")
            if len(raw) > LONGEST:
                raise self._error("The inventory has a value that is too long")
            if not raw.isascii() or b"\\ud" in raw or b"\\uD" in raw:  # the buffer has bytes, not characters
                value = json_value(raw)
            self._at = end
            return raw, value

    def _may_continue(self, value: object, end: int) -> bool:
        """Return whether *value* is a number that may continue in the next piece."""
        if not isinstance(value, int | float):
            return False
        tail = _NUMBER_TAIL.match(self._buffer, end)
        return tail is not None and tail.end() == len(self._buffer)

    def _damage(self) -> str:
        if self._at == len(self._buffer):
            return "cut short"
        damaged = self._buffer[self._at : self._at + 80].encode("latin-1")
        return f"cut short or damaged at {excerpt(damaged)}"

    def _peek(self, *, at_end: bool = False) -> str:
        while True:
            space = _SPACE.match(self._buffer, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more(1):
                break
        if not at_end:
            raise self._error("The inventory is cut short")
        return ""

    def _take(self, expected: str) -> str:
        found = self._peek()
        if found not in expected:
            raise self._error(f"The inventory is damaged: {found!a} instead of {expected}")
        self._at += 1
        return found

    def _more(self, wanted: int) -> bool:
        """Drop the bytes already read and add at least *wanted*; return False at the end."""
        texts, length = [self._buffer[self._at :]], 0
        while length < max(wanted, 1):
            piece = next(self._pieces, None)
            if piece is None:
                break
            texts.append(str(piece, "latin-1"))
            length += len(piece)
        if length:
            self._dropped += self._at
            self._buffer, self._at = "".join(texts), 0
        return length > 0

    def _error(self, message: str) -> InventoryError:
        return InventoryError(f"{message} (byte {self.offset:,})", offset=self.offset)
