"""Packs that were made to harm: every size, count and name in them is untrusted."""

import hashlib
import json
import os
import struct
from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.errors import IntegrityError
from glacier_magic.packs import PackReader, PackWriter, zstd_frames
from glacier_magic.packs.zstd_frames import END_MAGIC, FRAME, INDEX_MAGIC, TABLE_MAGIC

zstd = zstd_frames.zstd()

LINE = ["a", "file", 512, 3, 0, 0o644, "0" * 64, ""]


class Bytes:
    def __init__(self, data):
        self._data, self.size = data, len(data)

    def read(self, start, end):
        assert 0 <= start <= end <= self.size
        return self._data[start:end]


def pack(index, frames=None, *, sizes=None, count=None, flags=0):
    """Return a pack with a table that fits, but for what is given."""
    frames = [zstd.compress(bytes(2048))] if frames is None else frames
    index = (
        index
        if isinstance(index, bytes)
        else zstd.compress(b"".join(json.dumps(x).encode() + b"\n" for x in index))
    )
    pieces = [*frames, struct.pack("<II", INDEX_MAGIC, len(index)) + index]
    entries = [(len(piece), 2048) for piece in frames] + [(len(pieces[-1]), 0)]
    for number, entry in (sizes or {}).items():
        entries[number] = entry
    table = b"".join(struct.pack("<II", *entry) for entry in entries)
    end = struct.pack("<IBI", len(entries) if count is None else count, flags, END_MAGIC)
    return b"".join(pieces) + struct.pack("<II", TABLE_MAGIC, len(table) + 9) + table + end


def read_all(data):
    reader = PackReader(Bytes(data))
    _, *found = reader.index()
    return [b"".join(reader.read(member)) for member in found]


def test_a_pack_of_this_test_is_one():
    """But for the hash of its member."""
    with pytest.raises(IntegrityError, match="does not match its hash"):
        read_all(pack([{"version": 1}, LINE]))
    right = changed(6, hashlib.sha256(bytes(3)).hexdigest())
    assert read_all(pack(right)) == [bytes(3)]


def changed(place, value):
    return [{"version": 1}, [*LINE[:place], value, *LINE[place + 1 :]]]


@pytest.mark.parametrize(
    "index",
    [
        b"",
        b"no frame",
        zstd.compress(b""),
        zstd.compress(b"no JSON\n"),
        zstd.compress(b'{"version": 1}'),  # no end of the line
        zstd.compress(b'{"version": 1}\n')[:-1],
        zstd.compress(b'{"version": 1}\n') + b"more",
        zstd.compress(b"[" * 100_000 + b"\n"),
        zstd.compress(b'{"version": 1}\n' + b'"' + b"x" * 200_000 + b'"\n'),
        [[1]],
        [{"version": 2}],
        [{"version": 1}, {}],
        [{"version": 1}, LINE[:-1]],
        [{"version": 1}, LINE, LINE],  # the second lies within the first
        changed(0, ""),
        changed(0, None),
        changed(1, "device"),
        changed(2, -1),
        changed(1, "gone"),  # with a content
        changed(2, 1),  # no header before it
        changed(2, 1e9),
        changed(2, True),
        changed(2, 10**30),
        changed(3, -1),
        changed(3, 2049),
        changed(4, 10**30),
        changed(5, 0o10000),
        changed(6, "0"),
        changed(6, "G" * 64),
        changed(7, 0),
    ],
)
def test_an_index_that_is_none_is_refused(index):
    """Each value is checked before it is used."""
    with pytest.raises(IntegrityError, match="not a whole pack"):
        read_all(pack(index))


def test_an_index_that_unpacks_to_endless_zeros_is_refused():
    """A few kB of it: it stops at the longest line."""
    bomb = zstd.compress(b'{"version": 1}\n' + bytes(1 << 28))
    assert len(bomb) < 1 << 16
    with pytest.raises(IntegrityError, match="beyond a limit"):
        read_all(pack(bomb))


def test_an_index_with_endless_members_is_refused():
    """Each has a header in the tar, whose size bounds their number."""
    lines = [{"version": 1}, *([f"{n}", "folder", 512 * (n + 1), 0, 0, 0, "", ""] for n in range(9))]
    with pytest.raises(IntegrityError, match="outside"):
        read_all(pack(lines))


@pytest.mark.parametrize(
    "options",
    [
        {"sizes": {0: (1, 2048)}},
        {"sizes": {0: (1 << 31, 2048)}},
        {"sizes": {0: (0, 1 << 31)}},
        {"count": 0},
        {"count": 1},
        {"count": 3},
        {"count": 1 << 31},
        {"flags": 0x80},
    ],
)
def test_a_table_that_does_not_fit_is_refused(options):
    """It would lead to other bytes, or to too many."""
    with pytest.raises(IntegrityError, match="table"):
        read_all(pack([{"version": 1}, LINE], **options))


def frame(content, **options):
    return zstd.compress(content, options=options.get("options"))


window = {zstd.CompressionParameter.window_log: 28, zstd.CompressionParameter.content_size_flag: 0}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no frame",
        frame(bytes(2047)),
        frame(bytes(2049)),
        frame(bytes(1 << 28)),  # a bomb
        frame(bytes(2048))[:-1],
        frame(bytes(1024)) + frame(bytes(1024)),
        frame(bytes(2048)) + b"more",
    ],
)
def test_a_frame_that_is_not_what_the_table_says_is_refused(content):
    """No more is unpacked than the table says."""
    with pytest.raises(IntegrityError, match="a frame"):
        read_all(pack([{"version": 1}, LINE], [content]))


def test_a_frame_that_needs_much_memory_is_refused():
    """Of 256 MiB, twice the limit, though it has few bytes."""
    stream = zstd.ZstdCompressor(options=window)
    content = stream.compress(bytes(2048)) + stream.flush()
    with pytest.raises(IntegrityError, match="cannot be unpacked"):
        read_all(pack([{"version": 1}, LINE], [content]))


def test_a_table_cannot_make_a_frame_larger_than_it_is_written():
    """What is unpacked at once is bounded."""
    with pytest.raises(IntegrityError, match="table"):
        read_all(pack([{"version": 1}], sizes={0: (len(zstd.compress(bytes(2048))), FRAME + 1)}))


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_refused(data, ends):
    """With or without what a table ends with."""
    data += struct.pack("<IBI", len(data) // 8, 0, END_MAGIC) if ends else b""
    with pytest.raises(IntegrityError):
        read_all(data)


@given(st.integers(0, 1 << 20), st.integers(0, 7))
def test_a_flip_in_a_pack_without_recipients_gives_nothing_else(tmp_path_factory, where, bit):
    """Nor another error; the format of zstd has a few bits without a meaning."""
    data = bytearray(plain_pack(tmp_path_factory.getbasetemp() / f"plain-{os.getpid()}"))
    data[where % len(data)] ^= 1 << bit
    with suppress(IntegrityError):
        assert read_all(bytes(data)) == [b"content" * 100]


@cache
def plain_pack(file):
    """Return a pack of this package."""
    (source := file.with_suffix(".source")).write_bytes(b"content" * 100)
    with PackWriter(file, []) as writer:
        writer.add("name", source)
        return writer.close().file.read_bytes()
