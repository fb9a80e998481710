"""Whole files: sealed and opened in processes of their own, and whole or not there."""

import io
import shutil
import subprocess
import sys

import pyrage
import pytest

from glacier_magic.base.treehash import tree_hash
from glacier_magic.errors import InputError, IntegrityError, LocalError, WrongKey
from glacier_magic.packs.encryption import Identity, SealedFile, Sealing, opened

CONTENT = bytes(range(256)) * 1000


def fail(data):
    """Fail as a reader of a tar may."""
    raise ValueError(f"unexpected end after {len(data)} bytes")


@pytest.fixture
def key():
    return Identity.new()


def seal(file, key, *pieces):
    with Sealing(file, [key.recipient] if key else []) as sealing:
        for piece in pieces:
            sealing.write(piece)
        return sealing.close()


@pytest.mark.parametrize("pieces", [(), (b"x",), (CONTENT,), (CONTENT[:70_000], CONTENT[70_000:])])
def test_what_is_sealed_is_opened(tmp_path, key, pieces):
    """By this package, by pyrage, and range by range; with the hash that the service knows it by."""
    sealed = seal(tmp_path / "a.age", key, *pieces)
    data = sealed.file.read_bytes()
    assert (sealed.size, sealed.tree_hash) == (len(data), tree_hash(data))
    content = b"".join(pieces)
    with opened(sealed.file, [Identity.new(), key]) as stream:
        assert stream.read() == content
    target = io.BytesIO()
    pyrage.decrypt_io(io.BytesIO(data), target, [pyrage.x25519.Identity.from_str(key.text)])
    assert target.getvalue() == content
    file = SealedFile(lambda start, end: data[start:end], len(data), [key])
    assert file.read(0, file.size) == content
    assert [path.name for path in tmp_path.iterdir()] == ["a.age"]


def test_without_recipients_it_is_written_as_it_is(tmp_path):
    """And hashed, and stored, by the same way."""
    sealed = seal(tmp_path / "a", None, CONTENT)
    assert sealed.file.read_bytes() == CONTENT
    assert sealed.tree_hash == tree_hash(CONTENT)


def test_what_is_not_closed_leaves_nothing(tmp_path, key):
    """An error, or a Ctrl-C, in the middle."""

    def interrupted():
        with Sealing(tmp_path / "a.age", [key.recipient]) as sealing:
            sealing.write(CONTENT)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, sys
from pathlib import Path
from glacier_magic.packs.encryption import Sealing

file = Path(sys.argv[1])
sealing = Sealing(file, [sys.argv[2]])
sealing.write(bytes(1 << 20))
while not os.listdir(file.parent):
    pass
os.kill(os.getpid(), 9)
"""


def test_a_killed_process_leaves_nothing(tmp_path, key, until):
    """The process that seals does not take its end for the end of the content."""
    words = [sys.executable, "-c", KILLED, tmp_path / "a.age", key.recipient]
    assert subprocess.run(words, check=False).returncode == -9
    until(lambda: list(tmp_path.iterdir()) == [])


def test_no_file_is_overwritten(tmp_path, key):
    """It stays as it was."""
    (tmp_path / "a.age").write_bytes(b"mine")
    with pytest.raises(LocalError, match=r"a\.age"):
        seal(tmp_path / "a.age", key, CONTENT)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.age": b"mine"}


def test_a_folder_that_is_not_there_is_told(tmp_path, key):
    """By the process, as soon as it is written to."""
    with pytest.raises(LocalError, match="No such file or directory"):
        seal(tmp_path / "missing/a.age", key, *[CONTENT] * 10)


def test_a_recipient_that_is_none_is_refused_at_once(tmp_path, key):
    """Before a process is started; an identity is not one."""
    for wrong in ("age1x", key.text):
        with pytest.raises(InputError):
            Sealing(tmp_path / "a.age", [wrong])
    assert list(tmp_path.iterdir()) == []


def test_the_wrong_key_and_a_damage_are_told_apart(tmp_path, key):
    """A flip, a cut, and bytes that are no sealed file."""
    sealed = seal(tmp_path / "a.age", key, CONTENT).file
    with pytest.raises(WrongKey, match=r"a\.age"), opened(sealed, [Identity.new()]) as stream:
        stream.read()
    data = bytearray(sealed.read_bytes())
    data[-100] ^= 1
    for number, bad in enumerate((bytes(data), data[:-1], data[:-70_000], data[:50], b"hello")):
        file = tmp_path / f"bad {number}"
        file.write_bytes(bad)
        with pytest.raises(IntegrityError, match=f"bad {number}"), opened(file, [key]) as stream:
            shutil.copyfileobj(stream, io.BytesIO())
    with pytest.raises(LocalError, match="missing"), opened(tmp_path / "missing", [key]) as stream:
        stream.read()


def test_what_a_damage_led_to_is_told_as_the_damage(tmp_path, key):
    """The block that reads it may fail first."""
    data = seal(tmp_path / "a.age", key, CONTENT).file.read_bytes()
    (tmp_path / "cut").write_bytes(data[:-70_000])
    with pytest.raises(IntegrityError, match="cut"), opened(tmp_path / "cut", [key]) as stream:
        fail(stream.read())
    with pytest.raises(ValueError, match="256000 bytes"), opened(tmp_path / "a.age", [key]) as stream:
        fail(stream.read())


def test_the_stream_may_be_left_early(tmp_path, key):
    """The process ends with the block."""
    sealed = seal(tmp_path / "a.age", key, *[CONTENT] * 20).file
    with opened(sealed, [key]) as stream:
        assert stream.read(10) == CONTENT[:10]
    assert stream.closed
    with pytest.raises(ValueError, match="10 bytes"), opened(sealed, [key]) as stream:
        fail(stream.read(10))
