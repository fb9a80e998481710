"""A folder with all that a pack can hold, and packs of it."""

import os
import time

import pytest

from glacier_magic.packs import PackReader, PackWriter, walk
from glacier_magic.packs.encryption import SealedFile


@pytest.fixture
def tree(tmp_path):
    """Names, kinds, sizes and times of all sorts."""
    root = tmp_path / "tree"
    (root / "a-b").mkdir(parents=True)
    (root / "a/deep" / "/".join(["level"] * 30)).mkdir(parents=True)
    contents = {
        "empty": b"",
        "small": b"content",
        "a/one block": b"x" * 512,
        "a/deep/zwölf ☃.txt": b"y" * 513,
        "a-b/long " + "n" * 150: b"long name",
        "a-b/" + "ü" * 120: b"long name with many bytes",
        "a/deep/" + "level/" * 30 + "end": b"long path",
        "large": os.urandom(9 << 20),
        "z/after the large one": b"still there",
    }
    for name, content in contents.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (root / os.fsdecode(b"no \xff\xfe UTF-8")).write_bytes(b"Latin-1")
    (root / "a/to nowhere").symlink_to("missing/./target")
    (root / "link").symlink_to("t" * 130)
    (root / "to a folder").symlink_to("a")
    (root / "z/same as small").hardlink_to(root / "small")
    (root / "runs").write_bytes(b"#!/bin/sh\n")
    (root / "runs").chmod(0o755)
    (root / "closed").mkdir(mode=0o700)
    times = [0, 1, 1_700_000_000_123_456_789, -1_500_000_000, 2**33 * 10**9 + 1, time.time_ns()]
    for number, (_, source) in enumerate(reversed(list(walk(root)))):  # folders last
        os.utime(source, ns=(0, times[number % len(times)]), follow_symlinks=False)
    return root


@pytest.fixture
def packed(tmp_path, key):
    """Pack a folder; return the pack."""

    def pack(folder, recipients=(key.recipient,), name="p.tar.zst.age", **options):
        with PackWriter(tmp_path / name, recipients, **options) as writer:
            for path, source in walk(folder):
                writer.add(path, source)
            return writer.close()

    return pack


class Counted:
    """Reads ranges of bytes, and keeps which."""

    def __init__(self, data):
        self._data, self.size, self.asked = data, len(data), []

    def read(self, start, end):
        self.asked.append((start, end))
        return self._data[start:end]


@pytest.fixture
def reading(key):
    """Open a pack through ranges; return the reader and the ranges of the file."""

    def reader(pack, **options):
        file = Counted(pack.file.read_bytes())
        return PackReader(SealedFile(file.read, file.size, [key]), **options), file

    return reader
