"""The key-value files of Python's ``shelve``, read without the libraries that wrote them.

Most Python installations have only one or two of these libraries, and none is safe with untrusted
files.  This module reads ``dbm.dumb`` (files ``.dir`` and ``.dat``), GNU dbm (also as ``.pag``), the
hash of Berkeley DB from format version 5 on, which Python 2 and many ndbm use, and ``dbm.sqlite3``;
other files are read with Python's :mod:`dbm`.
Source: the documented or published layouts of these files.
"""

from __future__ import annotations

import ast
import dbm
import re
import sqlite3
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ..errors.scrubbing import scrub
from . import sqlite_files

LARGEST = 1 << 30
"""The largest file that is read, in bytes; far more than two dictionaries of names take."""

_SUFFIXES = (".dat", ".dir", ".pag", ".db", ".bak")
# Of the original, the 64-bit and the crash-tolerant 64-bit format.
_GNU = {0x13579ACE, 0x13579ACF, 0x13579AD1}
_HASH, _HASH_VERSIONS = 0x061561, range(5, 11)
_HASH_PAGES, _OVERFLOW = (2, 13), 7  # P_HASH_UNSORTED and P_HASH; P_OVERFLOW
_INLINE, _OFF_PAGE = 1, 3  # H_KEYDATA, H_OFFPAGE
_DUMB_LINE = re.compile(r"""('.*'|".*"), \(([0-9]{1,18})L?, ([0-9]{1,18})L?\)""")  # L: a long of Python 2


class StoreError(ValueError):
    """A key-value file is damaged, or this Python cannot read it; the message says why."""


def entries(path: Path) -> dict[bytes, bytes] | None:
    """Return the keys and values of a key-value file, or None for another file.

    :param path: the file, one of its parts, or the name without suffix, as passed to ``shelve``.
    :raises StoreError: it is damaged, or needs a library that this Python lacks.
    """
    try:
        for base in _bases(path):
            for reader in (_dumb, _single, _through_python):
                found = reader(base)
                if found is not None:
                    return found
    except (OSError, sqlite3.Error, struct.error, IndexError, ValueError, OverflowError) as error:
        raise StoreError(f"its key-value file is damaged: {scrub(error)}") from error
    return None


def _bases(path: Path) -> Iterator[Path]:
    yield path
    if path.suffix in _SUFFIXES:
        yield path.with_suffix("")


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > LARGEST:  # files are read into memory as a whole
        raise ValueError(f"more than {LARGEST:,} bytes")
    return path.read_bytes()


def _dumb(base: Path) -> dict[bytes, bytes] | None:
    index, data = _beside(base, ".dir"), _beside(base, ".dat")
    if not (index.is_file() and data.is_file()):
        return None
    stored, found = _bytes(data), {}
    for line in _bytes(index).decode("latin-1").splitlines():  # as dbm.dumb writes it
        match = _DUMB_LINE.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"{line[:80]!a} in {index.name}")
        start, length = int(match[2]), int(match[3])
        found[_key(match[1])] = _cut(stored, start, length)
    return found


def _key(written: str) -> bytes:
    try:
        return str(ast.literal_eval(written)).encode("latin-1")
    except (SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(f"the key {written[:80]!a}") from error


def _cut(data: bytes, start: int, length: int) -> bytes:
    if start < 0 or length < 0 or start + length > len(data):
        raise ValueError("an entry is beyond the end")
    return data[start : start + length]


def _single(base: Path) -> dict[bytes, bytes] | None:
    for path in (base, _beside(base, ".db"), _beside(base, ".pag")):
        if not path.is_file():
            continue
        with path.open("rb") as file:
            head = file.read(24)
        if sqlite_files.is_one(head):
            return _sqlite(path)
        reader = _reader_of(head) if len(head) == 24 else None
        if reader is not None:
            return dict(reader(_bytes(path)))
    return None


def _reader_of(head: bytes) -> Callable[[bytes], Iterator[tuple[bytes, bytes]]] | None:
    for order in "<>":  # files have the byte order of the computer that wrote them
        if struct.unpack_from(f"{order}I", head)[0] in _GNU:
            return partial(_gnu, order)
        magic, version = struct.unpack_from(f"{order}II", head, 12)
        if magic == _HASH and version in _HASH_VERSIONS:
            return partial(_berkeley, order)
    return None


def _sqlite(path: Path) -> dict[bytes, bytes] | None:
    if sqlite_files.tables(path).get("dict") != frozenset(["key", "value"]):
        return None
    rows = sqlite_files.rows(path, "SELECT CAST(key AS BLOB), CAST(value AS BLOB) FROM Dict")
    return {key: value for key, value in rows if key is not None and value is not None}


def _gnu(order: str, data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the entries of a GNU dbm file with 64-bit offsets: a directory of hash buckets."""
    directory, length, _, _, slots = struct.unpack_from(f"{order}QIIII", data, 8)
    if length > len(data):
        raise ValueError("its directory is beyond the end")
    # Several slots may share a bucket.
    for bucket in set(struct.unpack_from(f"{order}{length // 8}Q", data, directory)):
        for slot in range(slots):
            place = bucket + 112 + 24 * slot  # after the list of free blocks
            number, start, keys, values = struct.unpack_from(f"{order}i4xQii", data, place)
            if number != -1:  # an empty slot
                yield _cut(data, start, keys), _cut(data, start + keys, values)


def _berkeley(order: str, data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the entries of a Berkeley DB hash: pairs of items on each page, long ones on others."""
    (size,) = struct.unpack_from(f"{order}I", data, 20)
    if not 512 <= size <= 65536 or data[24]:  # byte 24: its encryption
        raise ValueError("pages of an unknown kind")
    for start in range(size, len(data) - size + 1, size):  # the first page has no entries
        page = data[start : start + size]
        (count,) = struct.unpack_from(f"{order}H", page, 20)
        if page[25] not in _HASH_PAGES or count % 2:
            continue
        places = struct.unpack_from(f"{order}{count}H", page, 26)
        # Stored from the end of the page.
        items = [page[place:end] for place, end in zip(places, (size, *places[:-1]), strict=True)]
        for key, value in zip(items[::2], items[1::2], strict=True):
            yield _item(data, order, size, key), _item(data, order, size, value)


def _item(data: bytes, order: str, size: int, item: bytes) -> bytes:
    if item[0] == _INLINE:
        return item[1:]
    if item[0] != _OFF_PAGE:
        raise ValueError("an entry of an unknown kind")
    number, length = struct.unpack_from(f"{order}II", item, 4)
    parts, seen = [], 0
    while number and seen < length:  # bounded by the length: the pages may form a loop
        page = _cut(data, number * size, size)
        (number, part), kind = struct.unpack_from(f"{order}I2xH", page, 16)[:2], page[25]
        if kind != _OVERFLOW or not part:
            raise ValueError("a long entry is broken")
        parts.append(page[26 : 26 + part])
        seen += part
    return _cut(b"".join(parts), 0, length)


def _through_python(base: Path) -> dict[bytes, bytes] | None:
    """Read the file with the library that Python recognises, such as the ndbm of macOS."""
    kind = dbm.whichdb(str(base))
    if not kind or kind == "dbm.dumb":  # the latter is read above
        return None
    try:
        with dbm.open(str(base), "r") as store:
            keys = [k if isinstance(k, bytes) else k.encode() for k in store.keys()]  # noqa: SIM118 - a dbm is no mapping
            return {key: store[key] for key in keys}
    except (ImportError, *dbm.error) as error:
        raise ValueError(f"{kind} of this Python cannot read it ({scrub(error)})") from error
