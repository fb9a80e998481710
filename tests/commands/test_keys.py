"""The verb key, in a shell and in a notebook."""

import stat
import subprocess

import pytest

from glacier_magic.commands import VERBS, Console, run
from glacier_magic.errors import InputError, LocalError
from glacier_magic.packs.encryption import read_identities
from tests.faces import Face


@pytest.fixture
def face():
    return Face()


@pytest.fixture
def glacier(face):
    """Run a line of words without any connection."""
    console = Console(face)
    yield lambda *words: run(console, VERBS, [str(word) for word in words])
    console.close()


def test_a_key_is_a_file_of_its_owner(glacier, face, tmp_path):
    """Only the recipient is shown, and the way back without this program."""
    file = tmp_path / "glacier 1.key"
    recipient = glacier("key", "new", file)
    (identity,) = read_identities(file)
    assert recipient == identity.recipient
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (note,) = face.notes
    assert f"age -d -i '{file}' PACK | zstd -d | tar x" in note
    assert "AGE-SECRET" not in recipient + note


def test_a_key_is_never_overwritten(glacier, tmp_path):
    """What was encrypted for it could not be read again."""
    file = tmp_path / "glacier.key"
    glacier("key", "new", file)
    before = file.read_bytes()
    with pytest.raises(LocalError, match="exists") as caught:
        glacier("key", "new", file)
    assert "no file is overwritten" in caught.value.cure
    assert file.read_bytes() == before
    with pytest.raises(LocalError, match="cannot be written"):
        glacier("key", "new", tmp_path / "missing/glacier.key")


def test_what_is_not_a_word_of_it_is_refused(glacier, tmp_path):
    """With the line to type; nothing is written."""
    with pytest.raises(InputError, match="no action 'old'") as caught:
        glacier("key", "old", tmp_path / "x")
    assert "key new FILE" in caught.value.cure
    assert list(tmp_path.iterdir()) == []


def test_a_shell_prints_the_recipient_alone(bare, tmp_path):
    """For a script; no connection is needed."""
    file = tmp_path / "glacier.key"
    recipient = bare.ok("key", "new", str(file)).strip()
    assert recipient == read_identities(file)[0].recipient
    assert "zstd -d" in bare.err
    assert "AGE-SECRET" not in bare.out + bare.err


def test_age_itself_reads_the_key(glacier, tmp_path, stock_tools):
    """What its own programs make of the file."""
    recipient = glacier("key", "new", tmp_path / "glacier.key")
    seal = subprocess.run(["age", "-r", recipient], input=b"content", stdout=subprocess.PIPE, check=True)
    back = subprocess.run(
        ["age", "-d", "-i", tmp_path / "glacier.key"], input=seal.stdout, stdout=subprocess.PIPE, check=True
    )
    assert back.stdout == b"content"
    said = subprocess.run(["age-keygen", "-y", tmp_path / "glacier.key"], capture_output=True, check=True)
    assert said.stdout.decode().strip() == recipient
