"""Files of OpenPGP and age, as gpg and pyrage write them."""

import base64
import io
import os
import subprocess
import sys
import threading

import pyrage
import pytest

import glacier_magic as gm
from glacier_magic.errors import InputError, IntegrityError, WrongKey
from glacier_magic.packs.unpacking import programs
from tests.packs.unpacking.aged import sealed
from tests.packs.unpacking.conftest import PASSWORD, content
from tests.packs.unpacking.packing import tarred

MEMBERS = {"a.txt": b"hello", "b.bin": os.urandom(700_000)}


@pytest.fixture
def identity(tmp_path):
    """A key, and its file as age-keygen writes it."""
    made = pyrage.x25519.Identity.generate()
    path = tmp_path / "identity.key"
    path.write_text(f"# created: today\n# public key: {made.to_public()}\n{made}\n")
    return made, path


def test_gpg_of_a_key_opens_with_the_keyring(unpack, gpg):
    """Without any option."""
    found = unpack("a.tgz.gpg", gpg("-r", "us@example.org", "-e", data=tarred(MEMBERS, "w:gz")))
    assert found.target.name == "a"
    assert found.kinds == ("gpg", "gzip", "tar")
    assert content(found.target) == MEMBERS


@pytest.mark.parametrize("armor", [[], ["--armor"]])
def test_gpg_of_a_password_takes_it_from_the_file(unpack, gpg, password_file, armor):
    """Told by its first bytes."""
    words = ["--pinentry-mode", "loopback", "--passphrase-file", str(password_file()), *armor]
    data = gpg(*words, "--symmetric", data=tarred(MEMBERS))
    assert content(unpack("backup", data, PASSWORD).target) == MEMBERS
    with pytest.raises(WrongKey, match="gpg does not open it"):
        unpack("backup", data, "wrong")


def test_iceshelf_signs_what_it_has_encrypted(unpack, gpg, monkeypatch, tmp_path):
    """gpg twice, and the signature of an unknown key does not hinder."""
    data = tarred(MEMBERS, "w:bz2")
    for name, words in (("gpg", ["-r", "us@example.org", "-e"]), ("sig", ["-s"])):
        data = gpg(*words, data=data)
        found = unpack("20151201-183007-0b3f9.tar.bz2.gpg" + (".sig" if name == "sig" else ""), data)
        assert found.target.name.startswith("20151201-183007-0b3f9")
        assert content(found.target) == MEMBERS
    assert found.kinds == ("gpg", "gpg", "bzip2", "tar")
    signed = gpg("--clearsign", data=b"{}\n")
    monkeypatch.setenv("GNUPGHOME", str(tmp_path))  # without keys
    tmp_path.chmod(0o700)
    found = unpack("20151201-183007-0b3f9.json.asc", signed)
    assert (found.target.name, found.target.read_bytes()) == ("20151201-183007-0b3f9.json", b"{}\n")


def test_peek_opens_gpg_and_tells_a_wrong_password(vault, ready, ranges_of, gpg, password_file):
    """After the first MiB alone."""
    words = ["--pinentry-mode", "loopback", "--passphrase-file", str(password_file()), "--symmetric"]
    vault.upload_stream(
        io.BytesIO(gpg(*words, data=tarred({"a.txt": b"", "b.bin": os.urandom(3 << 20)}))), "a.tar.gpg"
    )
    ready(vault.peek("a.tar.gpg").run())
    for _ in range(2):
        with pytest.raises(WrongKey, match=r"gpg does not open it.*\(paid: 1 request, 1 MiB"):
            vault.peek("a.tar.gpg", keys=gm.Keys(password_file=password_file("wrong")))
    plan = vault.peek("a.tar.gpg", keys=gm.Keys(password_file=password_file()), rounds=1)
    assert plan.members["name"].to_list() == ["a.txt", "b.bin"]
    assert ranges_of() == [f"0-{(1 << 20) - 1}"]


def test_gpg_without_the_key_says_what_is_missing(unpack, gpg, monkeypatch, tmp_path, files):
    """And without gpg, how to get it."""
    data = gpg("-r", "us@example.org", "-e", data=tarred(MEMBERS))
    monkeypatch.setenv("GNUPGHOME", str(tmp_path))
    tmp_path.chmod(0o700)
    with pytest.raises(WrongKey, match="No secret key"):
        unpack("a.tar.gpg", data)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="Install GnuPG"):
        unpack("a.tar.gpg", data)
    assert content(files.folder / "out") == {}


def test_changed_bytes_of_gpg_are_refused(unpack, gpg, files):
    """Though most of the tar is extracted by then."""
    data = bytearray(gpg("-r", "us@example.org", "-z", "0", "-e", data=tarred(MEMBERS)))
    for changed in (data[: len(data) // 2], data[:-300_000] + bytes(300_000)):
        with pytest.raises(IntegrityError, match="gpg data is damaged"):
            unpack("a.tar.gpg", bytes(changed))
    signed = gpg("-z", "0", "-s", data=b"text " * 1000)
    with pytest.raises(IntegrityError, match="BAD signature"):
        unpack("a.txt.sig", signed.replace(b"text", b"TEXT", 1))
    assert content(files.folder / "out") == {}


@pytest.mark.parametrize("armored", [False, True])
def test_age_opens_with_the_key_file(unpack, identity, armored):
    """Of a file with armor, too."""
    key, path = identity
    data = pyrage.encrypt(tarred(MEMBERS, "w:gz"), [key.to_public()], armored=armored)
    found = unpack("a.tgz.age", data, key=path)
    assert (found.target.name, found.kinds) == ("a", ("age", "gzip", "tar"))
    assert content(found.target) == MEMBERS


def test_age_opens_with_a_passphrase(unpack):
    """In armor, too; a wrong one is told."""
    data = sealed(tarred(MEMBERS), PASSWORD)
    armor = b"-----BEGIN AGE ENCRYPTED FILE-----\n%s-----END AGE ENCRYPTED FILE-----\n"
    assert content(unpack("a.tar.age", data, PASSWORD).target) == MEMBERS
    lines = b"".join(base64.b64encode(data[at : at + 48]) + b"\n" for at in range(0, len(data), 48))
    with pytest.raises(WrongKey, match="another key or passphrase"):
        unpack("a.tar.age", armor % lines, "wrong")


def test_a_passphrase_opens_no_more_than_fits_into_memory(unpack, files, monkeypatch):
    """The limit counts the sealed bytes; with a key there is none."""
    data = sealed(tarred(MEMBERS), PASSWORD)
    monkeypatch.setattr(programs, "IN_MEMORY", len(data))
    assert content(unpack("a.tar.age", data, PASSWORD).target) == MEMBERS
    monkeypatch.setattr(programs, "IN_MEMORY", len(data) - 1)
    with pytest.raises(gm.LocalError, match="Decrypt it with age -d"):
        unpack("b.tar.age", data, PASSWORD)
    assert [path.name for path in (files.folder / "out").iterdir()] == ["a"]


def test_age_without_its_key_says_what_is_missing(unpack, identity, tmp_path, files):
    """Another key, none, and a file that is no key."""
    data = pyrage.encrypt(tarred(MEMBERS), [pyrage.x25519.Identity.generate().to_public()])
    with pytest.raises(WrongKey, match="another key"):
        unpack("a.tar.age", data, key=identity[1])
    with pytest.raises(WrongKey, match="Give its file: key"):
        unpack("a.tar.age", data)
    empty = tmp_path / "empty.key"
    empty.write_text("# nothing\n")
    with pytest.raises(WrongKey, match="no line that begins with AGE-SECRET-KEY-1"):
        unpack("a.tar.age", data, key=empty)
    empty.write_text("AGE-SECRET-KEY-1NONSENSE\n")
    with pytest.raises(WrongKey):
        unpack("a.tar.age", data, key=empty)
    with pytest.raises(gm.LocalError, match="cannot be read"):
        unpack("a.tar.age", data, key=tmp_path / "missing")
    assert content(files.folder / "out") == {}


def test_a_header_of_five_thousand_keys_is_refused(unpack, identity):
    """Each costs an agreement of keys before anything is known to be right."""
    stanza = b"-> X25519 " + base64.b64encode(os.urandom(32))[:-1] + b"\n" + base64.b64encode(bytes(32))[:-1]
    header = b"age-encryption.org/v1\n" + (stanza + b"\n") * 5000 + b"--- " + base64.b64encode(bytes(32))[:-1]
    for many in (
        header,
        header[: 100 << 10],
        header.replace(b"-> X25519", b"-> X25519 " + bytes(64 << 10), 1),
    ):
        with pytest.raises(InputError, match="more than 128 keys, or no end"):
            unpack("a.tar.age", many + b"\n" + os.urandom(1000), key=identity[1])


def test_changed_bytes_of_age_are_refused(unpack, identity, files):
    """At any place, and at the end of a chunk."""
    key, path = identity
    data = pyrage.encrypt(tarred(MEMBERS), [key.to_public()])
    for changed in (data[:400_000], data[:-1], data[:-1] + bytes([data[-1] ^ 1]), data + b"x"):
        with pytest.raises(IntegrityError, match="age data is damaged"):
            unpack("a.tar.age", changed, key=path)
    assert content(files.folder / "out") == {}


def test_age_has_an_interpreter_of_its_own(identity):
    """pyrage holds the lock of the one that it runs in."""
    key, path = identity
    file = path.with_name("data.age")
    file.write_bytes(pyrage.encrypt(b"hello", [key.to_public()]))
    script = (
        "import sys, glacier_magic as gm; gm.unpack(sys.argv[1], keys=gm.Keys(sys.argv[2]));"
        "print('pyrage' in sys.modules)"
    )
    words = [sys.executable, "-c", script, file, path]
    assert subprocess.run(words, check=True, capture_output=True).stdout == b"False\n"
    assert path.with_name("data").read_bytes() == b"hello"


def test_a_process_that_is_not_read_to_its_end_is_ended(identity, tmp_path):
    """And so is the thread that feeds it."""
    from glacier_magic.packs.unpacking.opening import unwrap

    key, path = identity
    file = tmp_path / "a.age"
    file.write_bytes(pyrage.encrypt(bytes(30_000_000), [key.to_public()]))
    before = threading.active_count()
    with file.open("rb") as stream, unwrap(stream, name="a.age", keys=gm.Keys(path), most=1 << 40) as layer:
        assert layer.read(10) == bytes(10)
    assert threading.active_count() == before
