"""Where the result of unpacking goes, and how its password is asked for."""

import getpass
import gzip
import os
import warnings
from pathlib import Path

import pytest

import glacier_magic as gm
from glacier_magic.errors import InputError, LocalError, WrongKey
from tests.packs.unpacking.beefish import encrypted
from tests.packs.unpacking.conftest import content
from tests.packs.unpacking.packing import tarred

DATA = tarred({"a.txt": b"hello"}, "w:gz")


def test_it_is_beside_the_file_which_stays(files):
    """And replaces nothing, nor anything inside."""
    file = files("photos.tgz", DATA)
    first, second = gm.unpack(file), gm.unpack("photos.tgz")
    assert (first.target, second.target) == (file.with_name("photos"), file.with_name("photos (2)"))
    assert content(first.target) == content(second.target) == {"a.txt": b"hello"}
    assert repr(first) == "photos: 1 file, 5 B, from photos.tgz (gzip, tar)"
    notes = files("notes.txt.gz", gzip.compress(b"new"))
    files("notes.txt", b"old")
    assert gm.unpack(notes).target.name == "notes (2).txt"
    assert (files.folder / "notes.txt").read_bytes() == b"old"
    assert file.read_bytes() == DATA


def test_a_folder_is_made_and_one_that_cannot_be_is_said(files):
    """Before anything is opened."""
    file = files("photos.tgz", DATA)
    assert gm.unpack(file, "new/folder").target == files.folder / "new/folder/photos"
    files("taken", b"")
    with pytest.raises(LocalError, match=r"photos\.tgz cannot be unpacked: .*taken"):
        gm.unpack(file, "taken")
    with pytest.raises(LocalError, match=r"missing\.tgz: No such file"):
        gm.unpack("missing.tgz")


def test_an_interrupt_leaves_nothing(files, monkeypatch):
    """The folder gets its name when it is whole."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    file = files("photos.tgz", DATA)
    monkeypatch.setattr(os, "utime", interrupt)
    with pytest.raises(KeyboardInterrupt):
        gm.unpack(file, "out")
    assert list((files.folder / "out").iterdir()) == []


def test_a_password_is_asked_for_once_if_a_file_needs_it(files, monkeypatch):
    """And not displayed with what has it."""
    questions = []

    def answer(question):
        questions.append(question)
        return "pässwört"

    monkeypatch.setattr(getpass, "getpass", answer)
    keys = gm.Keys()
    files("plain.tgz", DATA)
    gm.unpack("plain.tgz", keys=keys)
    assert questions == []
    for name in ("a", "b"):
        files(f"{name}.tgz.enc", encrypted(DATA, "pässwört".encode()))
        assert content(gm.unpack(f"{name}.tgz.enc", keys=keys).target) == {"a.txt": b"hello"}
    assert questions == ["Password of a.tgz.enc: "]
    assert gm.Keys(password_file="-").given
    assert questions[1:] == ["Password: "]
    assert "pässwört" not in repr(keys)


def test_without_anybody_to_ask_it_says_so(files, monkeypatch):
    """Rather than read what everybody sees."""
    files("a.tgz.enc", encrypted(DATA, b"secret"))

    def shown(_):
        warnings.warn("the password may be echoed", getpass.GetPassWarning, stacklevel=2)

    for ask in (shown, lambda _: (_ for _ in ()).throw(EOFError)):
        monkeypatch.setattr(getpass, "getpass", ask)
        with pytest.raises(InputError, match=r"nobody to ask for it\. password_file"):
            gm.unpack("a.tgz.enc")


def test_only_the_first_line_of_a_password_file_counts(files):
    """Whatever ends it; spaces are part of it."""
    file = files("a.tgz.enc", encrypted(DATA, b" secret "))
    for written in (b" secret ", b" secret \n", b" secret \r\nmore\n"):
        assert gm.unpack(file, keys=gm.Keys(password_file=files("p", written))).files == 1
    with pytest.raises(WrongKey, match="empty"):
        gm.unpack(file, keys=gm.Keys(password_file=files("p", b"\nsecret")))
    with pytest.raises(LocalError, match="q cannot be read"):
        gm.unpack(file, keys=gm.Keys(password_file=Path("q")))
