"""The members of a tar, from its start: header after header (POSIX ustar and pax, GNU, V7).

There is no directory: each header gives the position of the next one.  If that is beyond the data
already read, another range is requested, within the limits.  A compressed tar is one stream, of
which only the beginning can be unpacked.

``tarfile`` is not used for the headers: in Python 3.11.7, the time for a pax header grows with the
square of its length (CVE-2024-6232; 16 kB take a second), and a damaged header is skipped, or taken
for the end of the archive.
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from decimal import Decimal, InvalidOperation
from typing import BinaryIO, Protocol

from ..base.units import human_bytes, storable
from ..errors import IntegrityError, Unlistable
from .contents import FILE, FOLDER, LINK, OTHER, Contents, Member, ReadLimits
from .window import Window

BLOCK = 512
LONGEST_NAME = 1 << 20
"""The largest extended header that is read, in bytes; names have a few hundred."""
MOST_HEADERS = 64
"""The most extended headers for one member."""
_SIZELESS = b"123456"
"""Types without content, whatever their size says: links, devices, folders, pipes."""

_SPARSE_KEYS = {"GNU.sparse.name", "GNU.sparse.realsize", "GNU.sparse.size"}
_KEYS = {"path", "linkpath", "size", "mtime"} | _SPARSE_KEYS

Read = Callable[[int, int], bytes]
"""Returns a number of bytes from an offset on, or fewer at the end of the data."""


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return as many bytes, fewer only at the end."""


class Forward:
    """Reads a stream at positions that only grow."""

    def __init__(self, stream: Readable) -> None:
        self._stream, self._at = stream, 0

    def read(self, start: int, length: int) -> bytes:
        """Return bytes from *start* on, fewer only at the end; an error of the stream is raised before."""
        while self._at < start and (skipped := self._stream.read(min(start - self._at, 1 << 18))):
            self._at += len(skipped)
        data = self._stream.read(length)
        if len(data) < length:
            data += self._stream.read(1)  # raises what has ended it, if that is no end
        self._at += len(data)
        return data


Unwrap = Callable[[BinaryIO], AbstractContextManager[Readable]]
"""Opens what is around a tar, up to the end of the bytes that are at hand."""


class _OutOfReach(Exception):
    """A limit does not allow requesting the next header; the message says where it ends."""


class _Damaged(IntegrityError):
    """A header is invalid, or missing."""

    def __init__(self) -> None:
        super().__init__("A header of the tar is damaged, or missing", cure="")


def list_tar(window: Window, limits: ReadLimits) -> Contents:
    """Return the members of a tar, as many as the limits allow.

    :raises Unlistable: it is not a tar.
    """
    window.limit(limits.bytes)

    def read(start: int, length: int) -> bytes:
        if start == 0 and not window.asked:
            # One request instead of many small ones.
            window.read(0, max(length, min(limits.first, limits.bytes)))
        elif not window.has(start, length):
            if window.rounds >= limits.rounds:  # each is a retrieval of hours
                raise _OutOfReach(f"after {limits.rounds} requests that wait for one another")
            if window.paid >= limits.bytes:
                raise _OutOfReach(f"after {human_bytes(window.paid)}")
        try:
            return window.read(start, length)
        except Unlistable:
            raise _OutOfReach(f"after {human_bytes(window.paid)}") from None

    return _listed("tar", read, window.size, limits).close(window)


def list_tar_gz(window: Window, limits: ReadLimits) -> Contents:
    """Return the members of a tar.gz that unpack from its first bytes.

    :raises Unlistable: it is not gzip, or its content is not a tar.
    """
    window.limit(limits.bytes)
    packed = window.read(0, min(limits.first, limits.bytes))
    if packed[:2] != b"\x1f\x8b":
        raise Unlistable("This is not a gzip file")
    stream = gzip.GzipFile(fileobj=io.BytesIO(packed))

    def read(start: int, length: int) -> bytes:
        if start + length > limits.unpacked:
            raise _OutOfReach(f"after {human_bytes(limits.unpacked)} unpacked")
        try:
            stream.seek(start)  # positions only grow: going back would unpack from the start again
            return stream.read(length)
        except EOFError:
            if len(packed) == window.size:  # there is no more to read: the file itself is truncated
                raise _Damaged from None
            raise _OutOfReach("at the end of the bytes that were read") from None
        except (OSError, zlib.error):
            raise _Damaged from None

    listing = _listed("tar.gz", read, None, limits)
    if not listing.complete:
        listing.notes.append("A compressed tar can be listed from its start only.")
    return listing.close(window)


def list_layered(window: Window, limits: ReadLimits, unwrap: Unwrap, kind: str) -> Contents:
    """Return the members of a compressed or encrypted tar that its first bytes have.

    After ``limits.first`` bytes, which show whether the key is right, it requests up to ``limits.bytes``.

    :param unwrap: opens the layers around the tar; its errors but for damage are passed on.
    :raises Unlistable: the first bytes show nothing of it, or its content is not a tar.
    """
    window.limit(limits.bytes)
    reach = min(limits.first, limits.bytes)
    while True:
        packed = window.read(0, reach)
        try:
            with unwrap(io.BytesIO(packed)) as stream:
                read = _bounded(stream, limits.unpacked, cut=len(packed) < window.size)
                listing = _listed(kind, read, None, limits)
        except IntegrityError as error:
            raise Unlistable(
                f"Nothing is listed from its first {human_bytes(len(packed))}: {error}"
            ) from None
        if listing.complete or window.rounds >= limits.rounds or reach >= min(window.size, limits.bytes):
            return listing.close(window)
        reach = limits.bytes


def _bounded(stream: Readable, most: int, *, cut: bool) -> Read:
    """Return the function that reads a stream as far as a limit and its end allow."""
    forward = Forward(stream)

    def read(start: int, length: int) -> bytes:
        if start + length > most:
            raise _OutOfReach(f"after {human_bytes(most)} unpacked")
        try:
            data = forward.read(start, length)
        except IntegrityError:
            if not cut:
                raise _Damaged from None
            data = b""  # a cut cannot be told from damage
        if len(data) < length and cut:  # a cipher without a signature ends anywhere
            raise _OutOfReach("at the end of the bytes that were read")
        return data

    return read


def _listed(kind: str, read: Read, size: int | None, limits: ReadLimits) -> Contents:
    listing = Contents(kind=kind)
    try:
        for member in walk(read, size):
            if len(listing.members) == limits.members:
                raise _OutOfReach(f"after {limits.members:,} members")
            listing.members.append(member)
        listing.complete = True
    except _OutOfReach as end:
        listing.notes.append(f"Not all members are listed: this ends {end}.")
    except _Damaged:
        if not listing.members:
            raise Unlistable("This is not a tar, or is damaged at its start") from None
        last = listing.members[-1].name
        listing.notes.append(f"Damaged or truncated after {storable(last)!r}.")
    return listing


def begins_tar(head: bytes) -> bool:
    """Return whether bytes begin with a header of a tar."""
    if len(head) < BLOCK:
        return False
    try:
        _check(head[:BLOCK])
    except _Damaged:
        return False
    return True


def walk(read: Read, size: int | None = None) -> Iterator[Member]:
    """Yield the members of a tar, reading at positions that only grow.

    :param size: bytes of the tar, if they are known.
    :raises IntegrityError: a header is damaged, or content is cut off.
    """
    at = 0
    common: dict[str, str] = {}
    own: dict[str, str] = {}
    headers = 0
    begin = 0
    while True:
        header = read(at, BLOCK)
        if not header and at and not headers:
            return  # some writers omit the blocks of zeros at the end
        if len(header) < BLOCK:
            raise _Damaged
        if not header.strip(b"\0"):
            if headers:  # an extended header without its member
                raise _Damaged
            return
        _check(header)
        kind, length = header[156:157], _number(header[124:136])
        if kind in b"LKxXg":
            headers += 1
            if headers > MOST_HEADERS or length > LONGEST_NAME:  # bounds memory and time
                raise _Damaged
            _extend(kind, read(at + BLOCK, length), length, own, common)
            at += BLOCK + _blocks(length)
            continue
        extended = common | own  # global pax records, then those of the member
        if kind == b"S":
            at = _skip_map(read, header, at)
        member = _member(header, kind, (begin, at + BLOCK), length, extended)
        # Some writers give links the size of their target, and no content.
        at += BLOCK + (0 if kind in _SIZELESS else _blocks(member.packed))
        if size is not None and at > size:  # the header is sound, and only the content cut off
            yield member
            raise _Damaged
        yield member
        own, headers, begin = {}, 0, at  # extended headers apply to one member


def _check(header: bytes) -> None:
    """Refuse a block with a wrong checksum; some programs sum signed bytes."""
    checksum = _number(header[148:156])
    blank = header[:148] + b" " * 8 + header[156:BLOCK]
    if checksum not in (sum(blank), sum(struct.unpack(f"{BLOCK}b", blank))):
        raise _Damaged


def _number(text: bytes) -> int:
    """Return a number: octal digits, or GNU's binary form with a first byte of 128 or 255."""
    if text[:1] in (b"\x80", b"\xff"):
        value = int.from_bytes(text[1:], "big")
        if text[0] == 0xFF:
            value -= 1 << 8 * (len(text) - 1)
        return value
    digits = text.partition(b"\0")[0].strip()  # some writers pad with spaces
    if digits.strip(b"01234567"):  # int() would accept signs and underscores as well
        raise _Damaged
    return int(digits, 8) if digits else 0


def _blocks(length: int) -> int:
    if length < 0:
        raise _Damaged
    return -(-length // BLOCK) * BLOCK


def _extend(kind: bytes, data: bytes, length: int, own: dict[str, str], common: dict[str, str]) -> None:
    """Apply an extended header: a long name, or pax records."""
    if len(data) < length:
        raise _Damaged
    if kind in b"LK":
        own["path" if kind == b"L" else "linkpath"] = _text(data.partition(b"\0")[0])
    else:
        known = {key: value for key, value in _records(data) if key in _KEYS}
        (common if kind == b"g" else own).update(known)


def _records(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the records of a pax header, each of the form ``LENGTH KEY=VALUE`` with a line feed."""
    at = 0
    while at < len(data) and data[at : at + 1] != b"\0":
        space = data.find(b" ", at, at + 20)  # bounded: hostile records may have no space at all
        digits = data[at:space] if space > at else b""
        if not digits.isdigit():
            raise _Damaged
        end = at + int(digits)
        record = data[space + 1 : end]
        key, equals, value = record[:-1].partition(b"=")
        if not equals or record[-1:] != b"\n" or end > len(data):
            raise _Damaged
        yield _text(key), _text(value)
        at = end


def _member(
    header: bytes, kind: bytes, places: tuple[int, int], length: int, extended: Mapping[str, str]
) -> Member:
    name = _text(header[:100].partition(b"\0")[0])
    prefix = _text(header[345:500].partition(b"\0")[0])
    if header[257:263] == b"ustar\0" and prefix:  # GNU's old form has times in these bytes
        name = f"{prefix}/{name}"
    packed = _whole(extended.get("size"), length)
    name = extended.get("GNU.sparse.name") or extended.get("path") or name
    real = extended.get("GNU.sparse.realsize") or extended.get("GNU.sparse.size")
    size = _number(header[483:495]) if kind == b"S" else _whole(real, packed)
    what = _kind(kind, name)
    return Member(
        name=name,
        kind=what,
        size=0 if kind in _SIZELESS else size,
        packed=packed,
        start=places[0],
        content=places[1],
        mtime=_milliseconds(extended.get("mtime"), header[136:148]),
        target=(extended.get("linkpath") or _text(header[157:257].partition(b"\0")[0]))
        if what == LINK
        else "",
        mode=_mode(header[100:108]),
        hard=kind == b"1",
    )


def _kind(kind: bytes, name: str) -> str:
    if kind == b"5" or (kind in b"0\0" and name.endswith("/")):  # V7 has no type for folders
        return FOLDER
    if kind in b"12":
        return LINK
    return FILE if kind in b"0\x007S" else OTHER


def _whole(text: str | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) < 20):  # int() of very long numbers is slow
        raise _Damaged
    return int(text)


def _mode(field: bytes) -> int:
    try:
        return _number(field)
    except _Damaged:  # a listing does not need it
        return 0


def _milliseconds(text: str | None, field: bytes) -> int | None:
    """Return a time in milliseconds since 1970, or None if it is outside the calendar."""
    try:
        # Exact: pax has fractions of any length.
        seconds = Decimal(text) if text is not None else Decimal(_number(field))
    except (InvalidOperation, _Damaged):
        return None
    if not seconds.is_finite() or not -(1 << 36) < seconds < 1 << 37:
        return None
    return int(seconds * 1000)


def _skip_map(read: Read, header: bytes, at: int) -> int:
    """Return the position of the last block of the map of a sparse file in GNU's old form."""
    more = header[482:483]
    while more not in (b"\0", b""):
        at += BLOCK
        block = read(at, BLOCK)
        if len(block) < BLOCK:
            raise _Damaged
        more = block[504:505]
    return at


def _text(raw: bytes) -> str:
    return storable(raw.decode("utf-8", "surrogateescape"))
