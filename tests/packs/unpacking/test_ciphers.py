"""Passwords without a signature: bakthat's files, and those of OpenSSL and QNAP."""

import gzip
import hashlib
import json
import os
import random
import zipfile
from pathlib import Path

import pytest

from glacier_magic.errors import InputError, IntegrityError, WrongKey
from glacier_magic.packs.unpacking.layers import kind_of
from tests.packs.unpacking.beefish import encrypted
from tests.packs.unpacking.conftest import PASSWORD, content
from tests.packs.unpacking.packing import tarred

SAMPLES = Path(__file__).parent / "samples/bakthat-0.6.0.zip"
"""Written by bakthat: README.md beside it says how."""
MEMBERS = {"notes/a.txt": b"hello", "notes/b.bin": os.urandom(5000)}


@pytest.mark.parametrize("number", range(24))
def test_what_bakthat_itself_has_written_is_opened(unpack, number):
    """Passwords of 1 to 56 bytes, in UTF-8 and Latin-1; each length of padding; a tgz of the user's."""
    with zipfile.ZipFile(SAMPLES) as samples:
        about = json.loads(samples.read("samples.json"))[number]
        (name,) = (one for one in samples.namelist() if one.startswith(f"{number}/"))
        data, password = samples.read(name), bytes.fromhex(about["password"])
    found = unpack(name.partition("/")[2], data, password or None)
    path = found.target
    if path.is_dir():
        (path,) = path.iterdir()
    assert path.name.startswith(("notes", about["name"]))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == about["sha256"]


def test_a_password_is_tried_as_old_terminals_wrote_it(unpack):
    """In Latin-1 as well as in UTF-8, and as it is in a file that is neither."""
    data = encrypted(tarred(MEMBERS, "w:gz"), "pässwört".encode("latin-1"))
    assert content(unpack("a.tgz.enc", data, "pässwört").target) == MEMBERS
    assert content(unpack("a.tgz.enc", data, "pässwört".encode("latin-1")).target) == MEMBERS


def test_random_bytes_are_of_no_kind():
    """Else one of so many files of bakthat's would be taken for another program's."""
    noise = random.Random(1)
    kinds = {kind_of(noise.randbytes(600), "a.enc") for _ in range(20_000)}
    assert kinds == {"bakthat"}


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_bakthat_uncompressed_or_compressed_before_is_told_by_content(unpack, mode):
    """Its names do not say it."""
    found = unpack("notes.20130214103045.enc", encrypted(tarred(MEMBERS, mode), b"secret"), "secret")
    assert content(found.target) == MEMBERS


def test_what_has_no_magic_is_accepted_if_it_is_not_random(unpack):
    """The header of a picture differs from noise; noise itself is taken for a wrong password."""
    picture = b"\0\0\0\x18QQQQ" + bytes(100) + os.urandom(20_000)
    assert unpack("a.jpg.enc", encrypted(picture, b"secret"), "secret").target.read_bytes() == picture
    with pytest.raises(WrongKey):
        unpack("a.jpg.enc", encrypted(os.urandom(20_000), b"secret"), "secret")


def test_a_wrong_password_of_bakthat_writes_nothing(unpack, files):
    """It is told before anything is written."""
    data = encrypted(tarred(MEMBERS, "w:gz"), PASSWORD.encode())
    for wrong in ("wrong", PASSWORD[:-1], "w" * 57):
        with pytest.raises(WrongKey, match=r"^a\.tgz\.enc: The password is wrong") as caught:
            unpack("a.tgz.enc", data, wrong)
        assert caught.value.exit_code == 11
    with pytest.raises(WrongKey, match="empty"):
        unpack("a.tgz.enc", data, "")
    with pytest.raises(InputError, match="nobody to ask"):
        unpack("a.tgz.enc", data)
    assert content(files.folder / "out") == {}


def test_bakthat_cut_short_is_damage(unpack, files):
    """Behind its beginning, gzip shows it; a part of a block shows it by itself."""
    data = encrypted(tarred(MEMBERS, "w:gz"), b"secret")
    for size in (len(data) - 800, len(data) - 3):
        with pytest.raises(IntegrityError):
            unpack("a.tgz.enc", data[:size], "secret")
    assert content(files.folder / "out") == {}


@pytest.mark.parametrize("derivation", [["-md", "md5"], ["-md", "sha256"], ["-pbkdf2"]])
@pytest.mark.parametrize("name", ["photos.tar.gz", "photo.jpg", "notes.txt"])
def test_openssl_is_told_with_its_derivation_by_content(unpack, openssl, password_file, derivation, name):
    """As QNAP wrote it, with the names of the files as they were."""
    data = tarred(MEMBERS, "w:gz")
    if name == "photo.jpg":
        data = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\1\1" + bytes(64) + os.urandom(30_000)
    elif name == "notes.txt":
        data = "für später".encode()
    words = ["enc", "-aes-256-cbc", *derivation, "-pass", f"file:{password_file()}"]
    found = unpack(name, openssl(*words, data=data), PASSWORD)
    if name == "photos.tar.gz":
        assert found.target.name == "photos"
        assert found.kinds == ("openssl", "gzip", "tar")
        assert content(found.target) == MEMBERS
    else:
        assert found.target.name == name
        assert found.target.read_bytes() == data


def test_a_wrong_password_of_openssl_writes_nothing(unpack, openssl, password_file, files):
    """And an end that is cut off is damage."""
    words = ["enc", "-aes-256-cbc", "-md", "md5", "-pass", f"file:{password_file()}"]
    data = openssl(*words, data=gzip.compress(b"hello" * 9))
    with pytest.raises(WrongKey):
        unpack("a.gz", data, "wrong")
    long = openssl(*words, data=b"text " * 100_000)
    with pytest.raises(IntegrityError):
        unpack("a.txt", long[:-16], PASSWORD)
    assert content(files.folder / "out") == {}
