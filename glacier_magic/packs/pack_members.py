"""The members of a pack: their headers in the tar, and their lines in the index."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from .zstd_frames import Unpacker, damaged

BLOCK = 512
FILE, FOLDER, SYMLINK, HARDLINK, GONE = "file", "folder", "symlink", "hardlink", "gone"
VERSION = 1

_TOP, _TOP_ID = 8**11, 8**7  # the least numbers that do not fit into their field
_TYPES = {FILE: b"0", FOLDER: b"5", SYMLINK: b"2", HARDLINK: b"1"}
_LONGEST_LINE = 1 << 17  # a path has 4 kB, of which each byte can be escaped with six; so has a link
_LARGEST_INDEX = 1 << 30
_STEP = 1 << 20
_HASH = re.compile("[0-9a-f]{64}")
_MOST = 1 << 62


class PackMember(NamedTuple):
    """One file, folder or link of a pack.

    :param path: with slashes; bytes that are no UTF-8 are surrogates.
    :param start: where its content begins in the tar; *size*: bytes of the content.  The index has lines of
        what is not in the tar, with the start 0: files with contents that are stored elsewhere, and what is
        ``gone``.
    :param mtime: last modification, in nanoseconds since 1970 UTC.
    :param sha256: of a file's content; ``""`` if the file changed while it was read, so that the
        content is none that it ever had.
    :param target: of a link; of a hard link, the path of an earlier member.
    """

    path: str
    kind: str
    start: int
    size: int
    mtime: int
    mode: int
    sha256: str = ""
    target: str = ""

    @property
    def torn(self) -> bool:
        """Whether the file changed while it was read."""
        return self.kind == FILE and not self.sha256


def header(member: PackMember, owner: int, group: int) -> bytes:
    """Return the header of a member in the tar: of ustar, and before it what that cannot say, of PAX."""
    # By hand: tarfile takes five times as long, a third of all that packing small files takes.
    path = member.path.encode("utf-8", "surrogateescape") + (b"/" if member.kind == FOLDER else b"")
    target = member.target.encode("utf-8", "surrogateescape")
    records = b"" if _is_utf8(path + target) else _record(b"hdrcharset", b"BINARY")
    seconds, rest = divmod(member.mtime, 10**9)
    if rest or not 0 <= seconds < _TOP:
        sign = b"-" if member.mtime < 0 else b""
        records += _record(b"mtime", b"%b%d.%09d" % (sign, *divmod(abs(member.mtime), 10**9)))
        seconds = max(0, min(seconds, _TOP - 1))
    if len(path) > 100 or not path.isascii():
        records += _record(b"path", path)
    if len(target) > 100 or not target.isascii():
        records += _record(b"linkpath", target)
    size = member.size
    if size >= _TOP:
        records, size = records + _record(b"size", b"%d" % size), 0
    if owner >= _TOP_ID:
        records, owner = records + _record(b"uid", b"%d" % owner), 0
    if group >= _TOP_ID:
        records, group = records + _record(b"gid", b"%d" % group), 0
    own = _ustar(path, (member.mode, owner, group, size, seconds), _TYPES[member.kind], target)
    return _before(len(records)) + records + padding(len(records)) + own if records else own


def padding(size: int) -> bytes:
    """Return the zeros that fill the last block of a content."""
    return bytes(-size % BLOCK)


@lru_cache
def _before(size: int) -> bytes:
    """Return the header of PAX records of a size."""
    return _ustar(b"././@PaxHeader", (0o644, 0, 0, size, 0), b"x", b"")


def _ustar(path: bytes, numbers: tuple[int, ...], kind: bytes, target: bytes) -> bytes:
    """Return one header of ustar; *numbers* are mode, owner, group, size and seconds."""
    first = path[:100].ljust(100, b"\0") + b"%07o\0%07o\0%07o\0%011o\0%011o\0" % numbers
    last = kind + target[:100].ljust(100, b"\0") + b"ustar\x0000"
    checksum = sum(first) + sum(last) + 8 * ord(" ")  # its own field counts as spaces
    return (b"%b%06o\0 %b" % (first, checksum, last)).ljust(BLOCK, b"\0")


def _record(key: bytes, value: bytes) -> bytes:
    """Return a record, whose length counts its own digits."""
    rest = b" %b=%b\n" % (key, value)
    length = len(rest) + len(str(len(rest)))
    length = len(rest) + len(str(length))
    return b"%d%b" % (length, rest)


def _is_utf8(text: bytes) -> bool:
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False


def tar_size(size: int) -> int:
    """Return the most bytes that a file of a size has in the tar, with its headers."""
    return 3 * BLOCK + size + -size % BLOCK


def first_line(about: Mapping[str, Any]) -> bytes:
    """Return the first line of an index, with what the pack is about."""
    return json.dumps({**about, "version": VERSION}).encode() + b"\n"


def line(member: PackMember) -> bytes:
    """Return the line of a member in the index."""
    return json.dumps(member).encode() + b"\n"


def read_index(data: bytes, stream: int) -> Iterator[Any]:
    """Yield what the pack is about, as a mapping, and then its members.

    :param data: the compressed index; *stream*: bytes of the tar.
    :raises IntegrityError: it is damaged, from a newer version, or beyond a limit.
    """
    lines = _lines(data)
    about = _parsed(next(lines, b""))
    if not isinstance(about, dict) or about.get("version") != VERSION:
        raise damaged("its index is not one of this version")
    yield about
    end = 0
    for text in lines:
        member = _member(_parsed(text))
        if not member.start:  # it is not in the tar
            yield member
            continue
        # In order, and each behind its header: this also bounds their number.
        if member.start < end + BLOCK or member.start + member.size > stream:
            raise damaged("its index has a member outside of it")
        end = member.start + member.size
        yield member


def _lines(data: bytes) -> Iterator[bytes]:
    unpacker, left, total = Unpacker(), b"", 0
    while not unpacker.ended:
        piece = unpacker.unpack(data, _STEP)
        if not piece and not unpacker.ended:
            raise damaged("its index is cut")
        data, total = b"", total + len(piece)
        *whole, left = (left + piece).split(b"\n")
        if len(left) > _LONGEST_LINE or total > _LARGEST_INDEX:
            raise damaged("its index is beyond a limit")
        yield from whole
    if left:
        raise damaged("its index is cut")


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise damaged("its index is damaged") from None


def _member(values: Any) -> PackMember:
    kinds = (str, str, int, int, int, int, str, str)
    if not isinstance(values, list) or list(map(type, values)) != list(kinds):
        raise damaged("its index is damaged")
    member = PackMember(*values)
    sized = 0 <= member.start < _MOST and 0 <= member.size < _MOST and abs(member.mtime) < 1 << 63
    hashed = not member.sha256 or (member.kind == FILE and _HASH.fullmatch(member.sha256))
    known = member.kind in _TYPES or (member.kind == GONE and not member.start)
    if not known or not sized or not hashed or not 0 <= member.mode < 8**4 or not member.path:
        raise damaged("its index is damaged")
    return member
