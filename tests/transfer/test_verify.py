"""Local files: both hashes in one pass, and what is the same as what is stored."""

import hashlib
import io
import os
from pathlib import Path
from unicodedata import normalize
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_magic.base.dataframes import MARK
from glacier_magic.base.treehash import EMPTY, tree_hash
from glacier_magic.errors import InputError, LocalError
from glacier_magic.transfer import verify as localhash
from glacier_magic.transfer.sources import expand
from glacier_magic.transfer.verify import LocalHash, hash_file, verify

MIB = 1 << 20
SIZES = [0, 1, MIB - 1, MIB, MIB + 1, 4 * MIB, 9 * MIB + 5]


@pytest.fixture
def states(vault):
    """Verify, and return name and state of each row."""

    def states(*paths, **options):
        table = verify(vault.session.catalogue, "photos", paths, **options)
        return dict(zip(table["name"], table["state"], strict=True))

    return states


# Both hashes


@pytest.mark.parametrize("size", SIZES)
def test_both_hashes_come_from_one_pass(tmp_path, size):
    """They are those that each would be alone; every byte is reported once."""
    path, data, seen = tmp_path / "data", os.urandom(size), []
    path.write_bytes(data)
    found = hash_file(path, progress=seen.append)
    assert found == LocalHash(
        path=path, size=size, tree_hash=tree_hash(data), sha256=hashlib.sha256(data).hexdigest()
    )
    assert sum(seen) == size
    assert (found.tree_hash == found.sha256) == (size <= MIB)


@given(data=st.binary(max_size=700))
@settings(max_examples=60)
def test_buffers_are_used_again_only_when_both_are_through(tmp_path_factory, data):
    """With pieces of a few bytes, many times round."""
    path = tmp_path_factory.getbasetemp() / "data"
    path.write_bytes(data)
    with patch.object(localhash, "READ", 5), patch.object(localhash, "CHUNK", 0):
        found = hash_file(path)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.tree_hash == tree_hash(data)


def test_file_that_changes_while_it_is_hashed_is_refused(tmp_path):
    """With a sentence that names it."""
    path = tmp_path / "data"
    path.write_bytes(b"a" * 3 * MIB)

    def grow(_):
        with path.open("ab") as file:
            file.write(b"b")

    with pytest.raises(LocalError, match=r"data' changed while it was hashed"):
        hash_file(path, progress=grow)


def test_what_is_no_file_is_refused(tmp_path):
    """Also a pipe, which nobody may ever write to."""
    with pytest.raises(LocalError, match="cannot be read: No such file"):
        hash_file(tmp_path / "missing")
    with pytest.raises(InputError, match="not a regular file"):
        hash_file(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a regular file"):
        hash_file(tmp_path / "pipe")


def test_nothing_has_the_hash_of_nothing(tmp_path):
    """An empty file can be hashed, though not stored."""
    path = tmp_path / "empty"
    path.touch()
    assert hash_file(path).tree_hash == hash_file(path).sha256 == EMPTY


def test_words_are_expanded_like_an_upload_s(files, monkeypatch):
    """``~``, patterns, names with pattern characters; one that means nothing is refused."""
    for name in ("a.txt", "b.txt", "[x].txt"):
        files(name)
    monkeypatch.setenv("HOME", str(files.folder))
    assert [str(p) for p in expand(["[ab].txt", "[x].txt"])] == ["a.txt", "b.txt", "[x].txt"]
    assert list(expand(["~/a.txt"])) == [files.folder / "a.txt"]
    assert list(expand([Path("a.txt")])) == [Path("a.txt")]
    with pytest.raises(InputError, match=r"No file matches 'c\*'"):
        list(expand(["c*"]))


# One file against archives


def test_comparison_names_the_archive_that_is_meant(vault, files, put):
    """The equal one of several of a name, else the newest of the same size, else the newest."""
    files("a", b"first")
    first = vault.upload("a").id
    files("a", b"other", mtime=1_700_000_000)
    vault.upload("a")
    archives = vault.select("name:a")
    assert len(archives) == 2

    def compared(content):
        state, archive = hash_file(files("b", content)).compared(archives)
        return state, archive.archive_id

    second = next(a.archive_id for a in archives if a.archive_id != first)
    assert compared(b"first") == ("same", first)
    assert compared(b"other") == ("same", second)
    assert compared(b"third")[0] == "different"
    assert compared(b"longer")[0] == "size differs"
    assert hash_file(files("b", b"x")).compared([]) == ("size differs", None)


# Folders


def test_folder_is_verified_file_by_file(vault, files):
    """All four outcomes, with the archive's id where there is one."""
    for name in ("album/same", "album/changed", "album/longer", "album/sub/gone", "else/where"):
        files(name, b"as stored")
    stored = vault.upload_all(["album", "else"], recursive=True).set_index("name")["archive_id"]
    files("album/changed", b"not stored")
    files("album/changed", b"AS STORED")
    files("album/longer", b"as stored and more")
    files("album/new", b"new")
    (files.folder / "album/sub/gone").unlink()
    table = verify(vault.session.catalogue, "photos", ["album"], recursive=True)
    assert list(table.columns) == ["name", "path", "size", "state", "archive_id"]
    assert table["size"].dtype == "int64"
    assert table.attrs == {MARK: True, "vault": "photos", "skipped": []}
    rows = table.set_index("name").to_dict("index")
    assert {name: row["state"] for name, row in rows.items()} == {
        "album/same": "same",
        "album/changed": "different",
        "album/longer": "different",
        "album/new": "not stored",
        "album/sub/gone": "missing locally",
    }
    for name, row in rows.items():
        assert row["archive_id"] == stored.get(name, "")
    assert rows["album/same"]["path"] == str(files.folder / "album/same")
    assert rows["album/sub/gone"]["path"] == ""
    assert rows["album/sub/gone"]["size"] == len(b"as stored")
    assert localhash.counted(table) == ("1 same, 2 different, 1 not stored, 1 missing locally")


def test_file_of_another_size_is_not_read(vault, files, states):
    """The size alone says that it is another; nor is one that is not stored."""
    files("a", b"as stored")
    vault.upload("a")
    path = files("a", b"as stored, and more")
    files("b", b"not stored")
    with patch.object(localhash, "tree_hash", side_effect=AssertionError("it was read")):
        assert states(path, "b") == {"a": "different", "b": "not stored"}
    reports = []
    files("a", b"as STORED")
    assert states("a", "b", progress=reports.append) == {"a": "different", "b": "not stored"}
    assert reports[-1].finished
    assert reports[-1].done == reports[-1].total == len(b"as STORED")


def test_current_folder_stands_for_the_whole_vault(vault, files, states):
    """Its files' names have no folder before them."""
    files("a", b"1")
    files("sub/b", b"2")
    vault.upload_all(["a", "sub"], recursive=True)
    (files.folder / "a").unlink()
    assert states(".", recursive=True) == {"a": "missing locally", "sub/b": "same"}
    assert states("sub", recursive=True) == {"sub/b": "same"}
    assert states(files.folder / "sub", recursive=True) == {"sub/b": "same"}
    assert states(files.folder / "sub/../sub", recursive=True) == {"sub/b": "same"}


def test_pattern_characters_in_a_folder_s_name_are_only_themselves(vault, files, states):
    """``[1]`` is not ``1``."""
    files("old [1]/a", b"1")
    files("old 1/b", b"2")
    vault.upload_all(["old [1]", "old 1"], recursive=True)
    assert states("old [1]", recursive=True) == {"old [1]/a": "same"}


def test_file_stored_under_another_name_is_found_by_its_path(vault, files, states):
    """A description of one's own gives it another name; the uploads know where it came from."""
    files("album/a", b"1")
    files("album/b", b"2")
    vault.upload("album/a", description="the summer")
    assert states("album", recursive=True) == {"album/a": "same", "album/b": "not stored"}
    files("album/a", b"!")
    assert states("album/a") == {"album/a": "different"}


def test_one_of_several_versions_is_enough(vault, files, states, put):
    """Whoever stored them; a deleted one does not count."""
    files("a", b"new")
    put("a", b"old")
    mine = vault.upload("a")
    assert states("a") == {"a": "same"}
    vault.delete(f"id:{mine.id}").run()
    assert states("a") == {"a": "not stored"}


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_compare_however_they_are_composed(vault, files, states, forms):
    """Of an archive from a Mac, and of a file on one: none is missing, and an emptied one is different."""
    stored, local = (normalize(form, "Zürich") for form in forms)
    for name in ("ä.txt", "ö.txt"):
        path = files(f"{stored}/{normalize(forms[0], name)}", name.encode())
        vault.upload(path.relative_to(files.folder))
        path.unlink()
    files(f"{local}/{normalize(forms[1], 'ä.txt')}", "ä.txt".encode())
    files(f"{local}/{normalize(forms[1], 'ö.txt')}", b"")
    assert sorted(states(local, recursive=True).values()) == ["different", "same"]


def test_what_cannot_be_compared_is_not_the_same(vault, files, states):
    """The original may be deleted after the check; what has no bytes is no loss."""
    vault.upload(files("album/a").relative_to(files.folder))
    files("album/empty", b"")
    (files.folder / "album" / "dangling").symlink_to("gone")
    (files.folder / "album" / "below").symlink_to(".")
    (files.folder / "album" / "none").mkdir()
    assert states("album", recursive=True) == states("album/*") == {"album/a": "same"}
    files("album/more/x")
    assert states("album/*") == {"album/a": "same", "album/more": "unreadable"}
    (files.folder / "album" / os.fsdecode(b"\xff")).write_bytes(b"x")
    assert states("album", recursive=True) == {
        "album/a": "same",
        "album/more/x": "not stored",
        "album/\\xff": "not stored",
    }


def test_emptied_file_is_different(vault, files, states):
    """It could not be stored as it is, which must not hide that it was more once."""
    files("album/a", b"content")
    files("album/b", b"content")
    vault.upload_all(["album"], recursive=True)
    files("album/a", b"")
    files("album/c", b"")
    table = verify(vault.session.catalogue, "photos", ["album"], recursive=True)
    assert list(table["state"]) == ["different", "same"]
    assert [path for path, _ in table.attrs["skipped"]] == ["album/a", "album/c"]
    assert "empty" in table.attrs["skipped"][0][1]


def test_file_that_cannot_be_read_does_not_end_the_rest(vault, files):
    """It is a row of its own, and the reason is told."""
    files("a", b"1")
    files("b", b"2")
    vault.upload_all(["a", "b"])

    def failing(path, progress):
        if path.name == "a":
            raise PermissionError(13, "Permission denied")
        return tree_hash(path, progress=progress)

    with patch.object(localhash, "tree_hash", failing):
        table = verify(vault.session.catalogue, "photos", ["a", "b"])
    assert list(table["state"]) == ["unreadable", "same"]
    assert table.attrs["skipped"] == [(str(files.folder / "a"), "'a' cannot be read: Permission denied")]


def test_folder_needs_recursive(vault, files, states):
    """As an upload does; and what matches nothing is refused."""
    files("album/a")
    with pytest.raises(InputError, match="folder"):
        states("album")
    with pytest.raises(InputError, match="No file matches"):
        states("nothing*")


def test_both_hashes_are_refused_when_the_disk_fails(tmp_path):
    """In the words of the system."""
    path = tmp_path / "data"
    path.write_bytes(b"a" * 100)

    class Broken(io.FileIO):
        def readinto(self, _):
            raise OSError(5, "Input/output error")

    with (
        patch.object(localhash.io, "FileIO", Broken),
        pytest.raises(LocalError, match="cannot be read: Input/output error"),
    ):
        hash_file(path)
