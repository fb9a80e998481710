"""The verbs hash and verify, as a face hears them and as a shell sees them."""

import hashlib
from dataclasses import replace

import pandas as pd
import pytest

from glacier_magic import cli
from glacier_magic.base.treehash import tree_hash
from glacier_magic.commands import VERBS, Console, run
from glacier_magic.errors import InputError, IntegrityError, LocalError, NameNotKnown
from tests.catalogue import mark_deleted
from tests.faces import Face

MIB = 1 << 20


@pytest.fixture
def face():
    return Face()


@pytest.fixture
def console(face):
    console = Console(face)
    yield console
    console.close()


@pytest.fixture
def glacier(console):
    """Run a line of words without any connection."""

    def glacier(*words):
        return run(console, VERBS, [str(word) for word in words])

    return glacier


@pytest.fixture
def connected(session_place, glacier, emulator, region, monkeypatch):
    """Run a line of words in an empty vault."""
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(session_place))
    glacier("connect", "--data", emulator.folder, "--region", region)
    glacier("create", "photos")
    return glacier


# hash


def test_hash_shows_both_and_why_they_differ(glacier, console, face, files):
    """Without a connection; a table for programs comes with it."""
    data = b"0" * (MIB + 1)
    files("scan.tif", data)
    shown = glacier("hash", "scan.tif")
    text = repr(shown)
    assert tree_hash(data) in text
    assert hashlib.sha256(data).hexdigest() in text
    assert "(1,048,577 bytes)" in text
    assert len(text.splitlines()) == 4
    assert face.reports[-1].finished
    assert face.reports[-1].done == len(data)
    assert len(face.notes) == 1
    assert "sha256sum" in face.notes[0]
    row = shown.table.iloc[0]
    assert row.to_dict() == {
        "name": "scan.tif",
        "path": str(files.folder / "scan.tif"),
        "size": MIB + 1,
        "tree_hash": tree_hash(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    assert console.connected is None


def test_hash_takes_many_files_once_each(glacier, files):
    """Patterns and names may mean the same one."""
    files("b.txt", b"b")
    files("a.txt", b"a")
    files("empty", b"")
    shown = glacier("hash", "*.txt", "b.txt", "empty")
    assert list(shown.table["name"]) == ["a.txt", "b.txt", "empty"]
    lines = repr(shown).splitlines()
    assert lines[0].split() == ["name", "size", "tree", "hash", "SHA-256"]
    assert len(lines) == 4


def test_hash_shows_names_of_strangers_harmlessly(glacier, files):
    """In a terminal and in a page."""
    files("<img src=x>\x1b[31m", b"x")
    bundle = glacier("hash", "<*")._repr_mimebundle_()
    assert "\x1b" not in "".join(bundle.values())
    assert "<img" not in bundle["text/html"]


def test_hash_refuses_what_has_none(glacier, files):
    """A folder, a file that is not there, a check against nothing."""
    files("album/a")
    with pytest.raises(InputError, match="'album' is a folder"):
        glacier("hash", "album")
    with pytest.raises(InputError, match="No file matches"):
        glacier("hash", "nothing")
    with pytest.raises(InputError, match="--check needs an archive"):
        glacier("hash", "album/a", "--check")
    (files.folder / "dangling").symlink_to("nowhere")
    with pytest.raises(LocalError, match="cannot be read"):
        glacier("hash", "dangling")


def test_hash_against_an_archive_says_whether_it_is_that(connected, files):
    """Same, different, or already of another size; with the archive that was meant."""
    files("a", b"as stored")
    connected("upload", "a")
    files("b", b"as STORED")
    files("c", b"longer than that")
    shown = connected("hash", "a", "b", "c", "--against", "a")
    assert list(shown.table["state"]) == ["same", "different", "size differs"]
    assert set(shown.table["archive"]) == {"a"}
    assert len(set(shown.table["archive_id"])) == 1
    assert "size differs" in repr(shown)
    assert "same" in repr(connected("hash", "a", "--against", "a", "--check"))


def test_hash_against_an_id_takes_one_that_begins_with_a_hyphen(connected, files, console):
    """Ids do, one in 64."""
    files("a", b"as stored")
    connected("upload", "a")
    session = console.session
    record = session.catalogue.archives.matching("photos")[0]
    odd = "-" + record.archive_id[1:]
    mark_deleted(session.catalogue, record.archive_id)
    session.catalogue.archives.record(replace(record, archive_id=odd))
    for word in (f"id:{odd}", odd, f"id:{odd[:9]}"):
        shown = connected("hash", "a", "--against", word, "--vault", "photos")
        assert list(shown.table["state"]) == ["same"]
        assert list(shown.table["archive_id"]) == [odd]


def test_hash_against_what_is_not_known_is_refused(connected, files):
    """Before anything is read."""
    files("a", b"content")
    with pytest.raises(NameNotKnown, match="'b'"):
        connected("hash", "a", "--against", "b")


def test_check_fails_unless_all_are_the_same(connected, files):
    """With what is wrong, and where the table is."""
    for number in range(7):
        files(f"f{number}", b"as stored")
    connected("upload", "f0")
    files("f1", b"as STORED")
    with pytest.raises(IntegrityError, match=r"1 of 2 files is not .*'f1' \(different\)") as caught:
        connected("hash", "f0", "f1", "--against", "f0", "--check")
    assert caught.value.exit_code == 5
    assert "without --check" in caught.value.cure


# verify


def test_verify_returns_a_table_and_sums_it_up(connected, face, files):
    """What was left out is told as well."""
    for name in ("album/a", "album/b", "album/c"):
        files(name, b"as stored")
    connected("upload", "album", "--recursive")
    files("album/b", b"as STORED")
    files("album/d", b"new")
    files("album/e", b"")
    (files.folder / "album/c").unlink()
    face.notes.clear()
    table = connected("verify", "album", "-r")
    assert isinstance(table, pd.DataFrame)
    assert list(table["state"]) == ["same", "different", "missing locally", "not stored"]
    assert face.notes[-1] == (
        "photos, according to the catalogue: 1 same, 1 different, 1 not stored, 1 missing locally."
    )
    assert any("album/e" in note and "empty" in note for note in face.notes)


def test_verify_can_be_made_to_fail(connected, files):
    """For scripts, which see the exit code."""
    for name in "abcdefg":
        files(f"album/{name}", b"as stored")
    connected("upload", "album", "--recursive")
    assert set(connected("verify", "album", "-r", "--check")["state"]) == {"same"}
    for name in "abcdefg":
        files(f"album/{name}", b"as STORED")
    with pytest.raises(IntegrityError, match=r"7 of 7 files are not .*and 2 more"):
        connected("verify", "album", "-r", "--check", "--vault", "photos")


def test_exit_codes_of_the_command_line(emulator, region, files, capsys):
    """0 for a table, whatever it says; 5 for a check that fails."""
    files("a", b"as stored")
    connect = ["connect", "--data", str(emulator.folder), "--region", region]
    for words in (connect, ["create", "photos"], ["upload", "a"]):
        assert cli.main(words) == 0
    files("b", b"as STORED")
    capsys.readouterr()
    assert cli.main(["hash", "b", "--against", "a"]) == 0
    said = capsys.readouterr()
    assert "different" in said.out
    assert tree_hash(b"as STORED") in said.out
    assert cli.main(["hash", "b", "--against", "a", "--check"]) == 5
    assert "IntegrityError" in capsys.readouterr().err
    assert cli.main(["verify", "a", "b"]) == 0
    assert "not stored" in capsys.readouterr().out
    assert cli.main(["verify", "a", "b", "--check"]) == 5
