"""Whole files: sealed in processes of their own, and whole or not there."""

import io
import subprocess
import sys

import pyrage
import pytest

from glacier_magic.base.treehash import tree_hash
from glacier_magic.errors import InputError, LocalError
from glacier_magic.packs.encryption import Identity, SealedFile, Sealing

CONTENT = bytes(range(256)) * 1000


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
    """By pyrage, and range by range; with the hash that the service knows it by."""
    sealed = seal(tmp_path / "a.age", key, *pieces)
    data = sealed.file.read_bytes()
    assert (sealed.size, sealed.tree_hash) == (len(data), tree_hash(data))
    content = b"".join(pieces)
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
