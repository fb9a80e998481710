"""Looking into encrypted and compressed tars: the first MiB shows a wrong key before the rest is paid."""

import bz2
import os

import pyrage
import pytest

import glacier_magic as gm
from glacier_magic.errors import InputError, Unlistable, WrongKey
from tests.counting import counting
from tests.packs.unpacking.aged import sealed
from tests.packs.unpacking.beefish import encrypted
from tests.packs.unpacking.packing import tarred

MIB = 1 << 20
MEMBERS = {"first.txt": b"hello", "big.bin": os.urandom(2 * MIB), "last.txt": b"bye"}


@pytest.fixture
def key(tmp_path):
    """A key of age, and its file."""
    made = pyrage.x25519.Identity.generate()
    path = tmp_path / "identity.key"
    path.write_text(f"{made}\n")
    return made.to_public(), path


@pytest.fixture
def password(tmp_path):
    """Keys of a password."""

    def password(text):
        path = tmp_path / "password.txt"
        path.write_text(text)
        return gm.Keys(password_file=path, asks=False)

    return password


def names(plan):
    return plan.members["name"].to_list()


def test_the_first_mib_shows_that_the_key_is_right_then_the_rest_is_asked_for(
    vault, store, ready, ranges_of, key
):
    """In two rounds, each of which is shown first; the second only if members may be missing."""
    store("a.tar.age", pyrage.encrypt(tarred(MEMBERS), [key[0]]))
    keys = gm.Keys(key[1])
    plan = vault.peek("a.tar.age", keys=keys)
    assert dict(plan.facts)["requested next"] == "1 MiB in 1 request"
    assert dict(plan.facts)["after that"].startswith("where the first MiB has not all members")
    ready(plan.run())
    assert ranges_of() == [f"0-{MIB - 1}"]
    plan = vault.peek("a.tar.age", keys=keys)
    worst = plan.worst
    assert not plan.empty
    assert worst.bytes == 0
    ready(plan.run())
    plan = vault.peek("a.tar.age", keys=keys)
    assert names(plan) == list(MEMBERS)
    assert plan.members.attrs["complete"]
    assert sum(int(last) - int(first) + 1 for first, last in (r.split("-") for r in ranges_of())) < 4 * MIB
    assert names(vault.peek("a.tar.age")) == list(MEMBERS)  # of the catalogue, which needs no key


def test_one_round_lists_what_the_first_mib_has(vault, store, ready, ranges_of, key):
    """For the price of that alone."""
    store("a.tar.age", pyrage.encrypt(tarred(MEMBERS), [key[0]]))
    for _ in range(2):
        plan = vault.peek("a.tar.age", keys=gm.Keys(key[1]), rounds=1)
        if not plan.empty:
            ready(plan.run())
    assert names(plan) == ["first.txt", "big.bin"]
    assert not plan.members.attrs["complete"]
    assert ranges_of() == [f"0-{MIB - 1}"]


def test_a_wrong_key_or_password_costs_one_mib(
    vault, put, listed, ready, ranges_of, password, emulator, tmp_path
):
    """However often another one is tried; without any, nothing is asked for."""
    put("notes.20130214103045.tgz.enc", encrypted(tarred({"a": os.urandom(1100 << 10)}, "w:gz"), b"right"))
    listed(vault)
    name = "notes"
    with counting(emulator, "InitiateJob") as requests:
        with pytest.raises(InputError, match=r"are encrypted\. Give key=\.\.\. or password_file="):
            vault.peek(name)
        assert requests() == 0
    ready(vault.peek(name, keys=password("wrong")).run())
    with counting(emulator, "InitiateJob") as requests:
        for wrong in ("wrong", "wronger"):
            with pytest.raises(WrongKey, match=r"The password is wrong.*\(paid: 1 request, 1 MiB"):
                vault.peek(name, keys=password(wrong))
        plan = vault.peek(name, keys=password("right"), rounds=1)
        assert names(plan) == ["a"]
        assert requests() == 0
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("catalogue.sqlite*"))
    assert b"wronger" not in kept


def test_a_whole_archive_in_the_first_mib_needs_one_round(vault, store, ready, ranges_of, password):
    """Padding and all, for the file says its kind."""
    for name, data in {
        "a.tgz.enc": encrypted(tarred({"a": b"x", "b": b"y"}, "w:gz"), b"right"),
        "c.tar.enc": encrypted(tarred({"a": b"x", "b": b"y"}), b"right"),
    }.items():
        store(name, data)
        ready(vault.peek(name, keys=password("right")).run())
        plan = vault.peek(name, keys=password("right"))
        assert names(plan) == ["a", "b"]
        assert plan.members.attrs["complete"]
    assert len(ranges_of()) == 2


def test_a_tar_cut_at_the_mib_is_not_taken_for_whole(vault, store, ready, password):
    """Blowfish has no signature: what is decrypted just ends, here between two members."""
    data = tarred({"a": bytes(MIB - 512 - 8 - 8), "b": b"y"})
    store("c.tar.enc", encrypted(data, b"right"))
    for _ in range(2):
        plan = vault.peek("c.tar.enc", keys=password("right"), rounds=1)
        if not plan.empty:
            ready(plan.run())
    assert names(plan) == ["a"]
    assert not plan.members.attrs["complete"]


def test_a_passphrase_of_age_is_tested_and_its_file_listed_only_whole(
    vault, store, ready, ranges_of, password
):
    """pyrage opens such a file as a whole: the user is told rather than charged for more."""
    store("a.tar.age", sealed(tarred(MEMBERS), "right"))
    ready(vault.peek("a.tar.age", keys=password("wrong")).run())
    with pytest.raises(WrongKey):
        vault.peek("a.tar.age", keys=password("wrong"))
    with pytest.raises(Unlistable, match="Nothing is listed from its first 1 MiB"):
        vault.peek("a.tar.age", keys=password("right"))
    assert len(ranges_of()) == 1


def test_what_is_inside_must_be_a_tar(vault, store, ready, key):
    """Anything else is refused after the first MiB."""
    store("a.jpg.age", pyrage.encrypt(os.urandom(3 * MIB), [key[0]]))
    ready(vault.peek("a.jpg.age", keys=gm.Keys(key[1])).run())
    with pytest.raises(Unlistable, match=r"not a tar.*\(paid: 1 request"):
        vault.peek("a.jpg.age", keys=gm.Keys(key[1]))


def test_other_compressions_are_listed_like_gzip(vault, store, ready, ranges_of):
    """In one round, as far as their bytes go."""
    store("a.tar.bz2", bz2.compress(tarred(MEMBERS)))
    ready(vault.peek("a.tar.bz2").run())
    plan = vault.peek("a.tar.bz2")
    assert names(plan) == list(MEMBERS)
    assert len(ranges_of()) == 1


def test_a_local_copy_is_read_without_a_request(vault, files, ranges_of, key):
    """With the same key."""
    files("a.tar.age", pyrage.encrypt(tarred(MEMBERS), [key[0]]))
    vault.upload("a.tar.age")
    assert names(vault.peek("a.tar.age", keys=gm.Keys(key[1]))) == list(MEMBERS)
    assert ranges_of() == []
