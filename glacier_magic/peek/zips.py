"""The members of a zip, from its end: the central directory, ZIP64 too (PKWARE APPNOTE 6.3).

``zipfile`` is not used: one name that is not UTF-8, or one odd extra field, would hide all other
members; the signature of an end record in a comment makes the zip look empty; and its objects for a
hostile directory of 64 MiB take 500 MiB before a limit can stop it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from ..base.treehash import CHUNK
from ..errors import Unlistable
from .contents import FILE, FOLDER, LINK, OTHER, Contents, Member, ReadLimits
from .window import Window

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s4B4HL2L5H2L")
_LONGEST_COMMENT = 0xFFFF
_ENCRYPTED, _UTF8, _HIDDEN = 0x1, 0x800, 0x2000  # bits 0, 11 and 13 of the flags (APPNOTE 4.4.4)
_NTFS_EPOCH = 11_644_473_600_000
"""Milliseconds from 1601 to 1970."""
_SPLIT = "This is one part of a split zip"


def list_zip(window: Window, limits: ReadLimits) -> Contents:
    """Return the members of a zip, from its end record and directory.

    :raises Unlistable: it is not a zip, is truncated or split, or its directory exceeds a limit.
    """
    window.limit(limits.bytes)
    directory, count, shift = _directory(window)
    listing = Contents(kind="zip", complete=True)
    for member in _entries(directory, shift):
        if len(listing.members) == limits.members:
            listing.complete = False
            listing.notes.append(f"Only the first {limits.members:,} members are listed.")
            break
        listing.members.append(member)
    found = len(listing.members)
    # The count of writers without ZIP64 overflows at 65,536.
    if listing.complete and found % 0x10000 != count % 0x10000:
        listing.notes.append(f"The end record has {count:,} members; the directory has {found:,}.")
    if any(member.encrypted for member in listing.members):
        listing.notes.append("Encrypted members are marked; their names and sizes are readable.")
    return listing.close(window)


def _directory(window: Window) -> tuple[bytes, int, int]:
    """Return the directory, its stated number of members, and the shift of its offsets."""
    damaged = False
    for at in _ends(window):
        end = _END.unpack(window.read(at, _END.size))
        _, disk, first_disk, here, count, length, offset, _ = end
        top = at
        if 0xFFFF in (disk, first_disk, here, count) or 0xFFFFFFFF in (length, offset):  # the marks of ZIP64
            wide = _zip64(window, at)
            if wide is not None:
                top, disk, first_disk, here, count, length, offset = wide
        if disk or first_disk or here != count:
            raise Unlistable(_SPLIT)
        # Data before the zip, as in a self-extracting program, shifts all offsets.
        start = top - length
        if start >= 0 and start >= offset:
            directory = window.read(start, length)
            if not length or directory[:4] == b"PK\1\2":  # otherwise these bytes only look like an end record
                return directory, count, start - offset
        damaged = True
    if damaged:
        raise Unlistable("The directory of this zip is damaged")
    raise Unlistable("This is not a zip, or its end is missing")


def _ends(window: Window) -> Iterator[int]:
    """Yield possible positions of the end record, the most likely one first.

    The last chunk is searched first, the one before it only if a comment may extend so far.
    """
    last_chunk = window.size - (window.size - 1) // CHUNK * CHUNK if window.size else 0
    most = _LONGEST_COMMENT + _END.size
    for reach in (last_chunk, most):
        tail_at = max(0, window.size - reach)
        tail = window.read(tail_at, reach)
        at, found = len(tail), False
        while (at := tail.rfind(b"PK\5\6", 0, at)) >= 0:
            # Its comment must end with the file.
            if int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail) - at - _END.size:
                found = True
                yield tail_at + at
        if found or reach >= most:
            return


def _zip64(window: Window, end: int) -> tuple[int, int, int, int, int, int, int] | None:
    """Return position, disks, counts, length and offset of the ZIP64 end record, or None."""
    place = end - _LOCATOR.size
    if place < 0:
        return None
    signature, disk, stated, disks = _LOCATOR.unpack(window.read(place, _LOCATOR.size))
    if signature != b"PK\6\7":
        return None
    if disk or disks > 1:
        raise Unlistable(_SPLIT)
    # With data before the zip, the stated offset is wrong; the record is just before the locator.
    for at in (place - _END64.size, stated):
        record = window.read(at, _END64.size) if 0 <= at <= place - _END64.size else b""
        if record[:4] == b"PK\6\6":
            _, _, _, _, here_disk, first_disk, here, count, length, offset = _END64.unpack(record)
            return at, here_disk, first_disk, here, count, length, offset
    raise Unlistable("The end of this zip is damaged")


def _entries(directory: bytes, shift: int) -> Iterator[Member]:
    at = 0
    while at < len(directory):
        if len(directory) - at < _ENTRY.size or directory[at : at + 4] != b"PK\1\2":
            if directory[at : at + 4] == b"PK\5\5":
                return  # a signature of the directory itself
            raise Unlistable("The directory of this zip is damaged")
        entry = _ENTRY.unpack_from(directory, at)
        name_length, extra_length, comment_length = entry[12:15]
        start = at + _ENTRY.size
        at = start + name_length + extra_length + comment_length
        if at > len(directory):
            raise Unlistable("The directory of this zip is truncated")
        raw = directory[start : start + name_length]
        extra = directory[start + name_length : start + name_length + extra_length]
        yield _member(entry, raw, dict(_extras(extra)), shift)


def _extras(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(extra):  # an odd field ends the fields, not the listing
        kind, length = struct.unpack_from("<2H", extra, at)
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _member(entry: tuple[int, ...], raw: bytes, extras: dict[int, bytes], shift: int) -> Member:
    (_, _, made_on, _, _, flags, _, clock, day, _, packed, size, *_, outer, start) = entry
    wide = extras.get(1, b"")
    values = []
    for value in (size, packed, start):
        moved = value == 0xFFFFFFFF and len(wide) >= 8  # the ZIP64 field has only the values that do not fit
        values.append(int.from_bytes(wide[:8], "little") if moved else value)
        wide = wide[8:] if moved else wide
    name = _name(raw, flags, extras)
    return Member(
        name=name,
        kind=_kind(name, made_on, outer),
        size=values[0],
        packed=values[1],
        start=values[2] + shift,
        mtime=_mtime(extras),
        written=_written(day, clock),
        encrypted=bool(flags & (_ENCRYPTED | _HIDDEN)),
    )


def _kind(name: str, made_on: int, outer: int) -> str:
    mode = outer >> 16 & 0xF000 if made_on == 3 else 0  # Unix
    if name.endswith("/") or mode == 0x4000:
        return FOLDER
    return {0: FILE, 0x8000: FILE, 0xA000: LINK}.get(mode, OTHER)


def _name(raw: bytes, flags: int, extras: dict[int, bytes]) -> str:
    unicode = extras.get(0x7075, b"")  # Info-ZIP's; valid only with the CRC of the plain name
    if unicode[:1] == b"\1" and unicode[1:5] == zlib.crc32(raw).to_bytes(4, "little"):
        raw, flags = unicode[5:], _UTF8
    if flags & _UTF8:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            pass
    return raw.decode("cp437")  # the encoding of MS-DOS, the default of the format


def _mtime(extras: dict[int, bytes]) -> int | None:
    """Return the time in Unix or Windows extra fields, in milliseconds since 1970 UTC."""
    unix = extras.get(0x5455, b"")
    if len(unix) >= 5 and unix[0] & 1:
        return int.from_bytes(unix[1:5], "little", signed=True) * 1000
    windows = extras.get(0x000A, b"")
    # Attribute 1, 24 bytes: three times, the first of them mtime.
    if len(windows) >= 16 and windows[4:8] == b"\1\0\x18\0":
        return int.from_bytes(windows[8:16], "little") // 10_000 - _NTFS_EPOCH  # units of 100 ns
    return None


def _written(day: int, clock: int) -> str:
    """Return the local time of the computer that created the zip."""
    return (
        f"{(day >> 9) + 1980}-{day >> 5 & 15:02}-{day & 31:02} "
        f"{clock >> 11:02}:{clock >> 5 & 63:02}:{clock % 32 * 2:02}"  # MS-DOS counts two seconds at a time
    )
