"""The content of a file as UTF-8, in which form others saved it: gzip, UTF-16, a byte order mark.

What the AWS CLI prints behind an inventory that it writes to its own output is removed.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..inventories import InventoryError
from .imported import HEAD

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_GZIP = b"\x1f\x8b"
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # first: it begins like UTF-16's
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_PIECE = 1 << 20
_ANSWER = re.compile(
    rb'(?:\{(?=[^{}]*"status": ?200\b)(?=[^{}]*"contentType":)[^{}]*\}'
    rb"|bytes\t(?:application/json|text/csv)\t200"
    rb"|acceptRanges: bytes\r?\ncontentType: (?:application/json|text/csv)\r?\nstatus: 200)\s*\Z"
)
"""The answer to GetJobOutput as JSON, text or YAML; one of a range is not removed."""
_LONGEST = 1024  # bytes of it
_REFUSED = (
    (rb"PK\x03\x04.*\bxl/", "an Excel workbook", "Save it as CSV (UTF-8), and import that."),
    (rb"PK\x03\x04.*opendocument", "an OpenDocument table", "Save it as CSV (UTF-8), and import that."),
    (rb"\xd0\xcf\x11\xe0", "an old Excel workbook", "Save it as CSV (UTF-8), and import that."),
    (rb"PK\x03\x04", "a zip file", "Unpack it, and import what is in it."),
    (
        rb"BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|7z\xbc\xaf",
        "a compressed file other than gzip",
        "Unpack it, and import what is in it.",
    ),
    (
        rb"\s*\{.*botocore\.response\.StreamingBody|\s*" + _ANSWER.pattern,
        "the answer of boto3 or the AWS CLI without the inventory",
        "Save the body, which has the inventory: open(PATH, 'wb').write(answer['body'].read()).",
    ),
)


def refusal(head: bytes) -> tuple[str, str] | None:
    """Return what a file is that cannot be imported, and what to do, by its beginning; None if unknown."""
    for pattern, what, cure in _REFUSED:
        if re.match(pattern, head, re.DOTALL):
            return what, cure
    return None


class Content:
    """The content of a file, which can be read several times."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def head(self) -> bytes:
        """The first bytes; fewer if the file is damaged or no file."""
        found = b""
        if self.path.is_file():
            pieces = self.pieces()
            with suppress(InventoryError):  # reading it says so
                while len(found) < HEAD and (piece := next(pieces, None)) is not None:
                    found += piece
        return found[:HEAD]

    def pieces(self) -> Iterator[bytes]:
        """Yield the content.

        :raises InventoryError: it is no gzip or UTF-16 to its end.
        """
        held = b""
        try:
            for piece in self._utf8():
                data = held + piece
                yield data[:-_LONGEST]
                held = data[-_LONGEST:]
        except InventoryError:
            yield held
            raise
        yield _ANSWER.sub(b"", held)

    def stream(self) -> io.BufferedReader:
        """Return the content as a file."""
        return io.BufferedReader(_Stream(self.pieces()))

    def _utf8(self) -> Iterator[bytes]:
        pieces = self._plain()
        first = next(pieces, b"")
        encoding = next((name for mark, name in _MARKS.items() if first.startswith(mark)), None)
        if encoding is None and 0 in first[:2]:  # UTF-16 without a mark: the text begins with ASCII
            encoding = "utf-16-be" if first[0] == 0 else "utf-16-le"
        if encoding is None:
            yield first.removeprefix(codecs.BOM_UTF8)
            yield from pieces
            return
        decode = codecs.getincrementaldecoder(encoding)().decode
        try:
            yield decode(first).encode()
            for piece in pieces:
                yield decode(piece).encode()
            decode(b"", final=True)
        except UnicodeError:
            raise InventoryError(f"The file is not {encoding.upper()} to its end") from None

    def _plain(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            if file.peek(2)[:2] != _GZIP:
                while piece := file.read(_PIECE):
                    yield piece
                return
            with gzip.GzipFile(fileobj=file) as unpacked:
                try:
                    while piece := unpacked.read1(_PIECE):
                        yield piece
                except (EOFError, zlib.error, gzip.BadGzipFile):
                    raise InventoryError("The compressed file is damaged or truncated") from None


class _Stream(io.RawIOBase):
    """Pieces as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
