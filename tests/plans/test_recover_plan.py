"""Getting files of a snapshot back through the service: what is asked for, and what is written."""

import os

import pytest

from glacier_magic.errors import InputError, NotFound, NotReady, WrongKey
from glacier_magic.packs.encryption import Identity
from tests.packed import MIB, on_disk, place, write

PATIENCE = 30.0


@pytest.fixture
def recover(backup, key_file, tmp_path, ready, asked_for):
    """Recover files in the way of a user: the same line twice, with the hours between."""

    def recover(*patterns, **options):
        def plan():
            return backup.vault.recover(
                "home", *patterns, **({"to": tmp_path / "to", "key": key_file} | options)
            )

        first = plan()
        if not first.ready:
            ready(first.run())
        return plan().extract()

    return recover


@pytest.fixture
def asked_for(calls):
    """The arguments of the retrievals that were asked for."""
    found = []
    calls.watch("start_retrieval", lambda *arguments: found.append(arguments))
    return found


def back(tmp_path):
    return on_disk(tmp_path / "to")


@pytest.mark.each_backend
def test_all_of_it_comes_back_byte_for_byte(backup, recover, asked_for, session_place, tmp_path):
    """With times and modes, from one request a pack; and an older snapshot likewise."""
    root = write(backup.root, a__x=3 * MIB, a__y=b"small", z=b"", run=b"#!/bin/sh\n")
    (root / "run").chmod(0o755)
    (root / "a").chmod(0o700)
    (root / "link").symlink_to("a/x")
    os.utime(root / "a", ns=(1, 1_500_000_000_123_456_789))
    first = on_disk(root)
    backup.run()
    place(root / "a/y", b"changed")
    (root / "z").unlink()
    second = on_disk(root)
    backup.run()
    done = recover()
    assert back(tmp_path) == second
    assert (done.files, done.there, done.skipped) == (3, 0, ())
    assert len(asked_for) == 2
    recover(as_of=1, to=tmp_path / "older")
    assert on_disk(tmp_path / "older") == first


def test_one_file_is_one_job_of_few_mebibytes(backup, recover, ranges_of, tmp_path):
    """Of a pack of tens of MiB."""
    root = backup.root
    for number in range(24):
        place(root / f"{number:02}", 2 * MIB - 1000)
    small = place(root / "10b", 10_000)
    backup.run()
    assert backup.packs()[0].size > 45 * MIB
    recover("10b")
    assert (tmp_path / "to/10b").read_bytes() == small.read_bytes()
    (asked,) = ranges_of()
    first, last = map(int, asked.split("-"))
    assert last - first < 6 * MIB
    assert list(back(tmp_path)) == ["10b"]


def test_ranges_that_are_near_are_one_request(backup, recover, ranges_of):
    """Those that are far from each other are two."""
    for number in range(20):
        place(backup.root / f"{number:02}", 2 * MIB)
    backup.run()
    recover("01", "03", "17")
    sizes = sorted(int(b) - int(a) + 1 for a, b in (text.split("-") for text in ranges_of()))
    assert len(sizes) == 2
    assert sum(sizes) < 22 * MIB


def test_a_name_is_a_file_a_glob_or_a_folder(backup, recover, tmp_path):
    """A name with signs of globs means itself, too."""
    write(backup.root, a__x=b"1", a__y__z=b"2", ab=b"3", c=b"4")
    place(backup.root / "[c]", b"5")
    backup.run()
    recover("a", to=tmp_path / "1")
    assert list(on_disk(tmp_path / "1")) == ["a", "a/x", "a/y", "a/y/z"]
    recover("[c]", to=tmp_path / "2")
    assert list(on_disk(tmp_path / "2")) == ["[c]", "c"]
    recover("*/z", "ab", to=tmp_path / "3")
    assert [name for name, what in on_disk(tmp_path / "3").items() if what[0] == "file"] == ["a/y/z", "ab"]


def test_without_the_right_key_nothing_is_asked_for(backup, asked_for, tmp_path):
    write(backup.root, a=b"1")
    backup.run()
    (tmp_path / "other.key").write_text(Identity.new().file())
    with pytest.raises(WrongKey, match="encrypted for age1"):
        backup.vault.recover("home", to=tmp_path / "to")
    with pytest.raises(WrongKey, match="None of the given keys"):
        backup.vault.recover("home", to=tmp_path / "to", key=tmp_path / "other.key")
    assert asked_for == []
    assert not (tmp_path / "to").exists()


def test_a_set_that_is_plain_by_now_needs_the_key_of_its_older_packs(backup, asked_for, recover, tmp_path):
    write(backup.root, a=b"1")
    backup.run()
    write(backup.root, b=b"2")
    backup.run(plain=True)
    with pytest.raises(WrongKey):
        backup.vault.recover("home", to=tmp_path / "to")
    assert asked_for == []
    recover()
    assert {name: what[1] for name, what in back(tmp_path).items()} == {"a": b"1", "b": b"2"}


def test_files_that_are_there_are_not_asked_for(backup, recover, asked_for, tmp_path):
    write(backup.root, a=b"1", b=b"2")
    backup.run()
    place(tmp_path / "to/a", b"1", mtime=5)
    done = recover("a")
    assert (done.files, done.there) == (0, 1)
    assert asked_for == []
    recover()
    assert len(asked_for) == 1
    assert recover().there == 2
    assert len(asked_for) == 1


def test_a_file_of_that_name_stays_and_the_one_beside_it_counts(backup, recover, asked_for, tmp_path):
    write(backup.root, a=b"of the snapshot")
    backup.run()
    place(tmp_path / "to/a", b"of the user")
    assert recover().renamed == 1
    assert {name: what[1] for name, what in back(tmp_path).items()} == {
        "a": b"of the user",
        "a (2)": b"of the snapshot",
    }
    assert recover().there == 1
    assert len(asked_for) == 1


def test_nothing_is_asked_for_twice(backup, key_file, ready, asked_for, tmp_path):
    """Before the parts are there, after a file came from elsewhere, and after an interrupted extraction."""
    for number in range(8):
        place(backup.root / str(number), 2 * MIB)
    backup.run()

    def plan(*patterns):
        return backup.vault.recover("home", *patterns, to=tmp_path / "to", key=key_file)

    batch = plan("0", "7").run()
    with pytest.raises(NotReady, match="not retrieved yet"):
        plan("0", "7").extract()
    assert {item.action for item in plan("0", "7").items} <= {"already in progress", "already requested"}
    ready(batch)
    assert len(asked_for) == 2
    place(tmp_path / "to/0", (backup.root / "0").read_bytes())
    for patterns in (("0", "7"), ("7",), ("0",)):
        again = plan(*patterns)
        assert again.ready
        assert again.asked == []
    assert plan("0", "7").extract().files == 1
    assert (tmp_path / "to/7").read_bytes() == (backup.root / "7").read_bytes()
    assert len(asked_for) == 2


def test_a_part_that_another_recovery_needs_stays(backup, key_file, ready, asked_for, tmp_path):
    for number in range(8):
        place(backup.root / str(number), 2 * MIB)
    backup.run()

    def plan(name):
        return backup.vault.recover("home", name, to=tmp_path / "to", key=key_file)

    for name in ("0", "7"):
        ready(plan(name).run())
    plan("0").extract()
    assert plan("7").ready
    plan("7").extract()
    assert sorted(back(tmp_path)) == ["0", "7"]
    assert len(asked_for) == 2


@pytest.mark.parametrize("plain", [False, True])
def test_a_damaged_part_is_refused(backup, key_file, ready, tmp_path, plain):
    """No file of it gets its name."""
    write(backup.root, a=300_000)
    backup.run(**({"plain": True} if plain else {}))

    def plan():
        return backup.vault.recover("home", "a", to=tmp_path / "to", key=key_file)

    ready(plan().run())
    ready_plan = plan()
    (item,) = ready_plan.items
    data = bytearray(item.target.read_bytes())
    data[1000] ^= 1
    item.target.write_bytes(data)
    with pytest.raises(NotReady):  # it is downloaded again from the same job
        ready_plan.extract()
    assert not (tmp_path / "to/a").exists()


def test_nothing_is_written_through_a_link(backup, recover, tmp_path):
    """One that was in the folder, or that a snapshot has as a link while another had a folder."""
    write(backup.root, a__x=b"1", b__y=b"2", c=b"3")
    backup.run()
    (tmp_path / "outside").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "to/a").symlink_to(tmp_path / "outside", target_is_directory=True)
    (tmp_path / "to/c").symlink_to(tmp_path / "outside" / "c")
    done = recover()
    assert list((tmp_path / "outside").iterdir()) == []
    assert "a/x" in [name for name, _ in done.skipped]
    assert (tmp_path / "to/b/y").read_bytes() == b"2"


def test_links_of_a_snapshot_are_written_as_such(backup, recover, tmp_path):
    """Also those that lead out of the folder: none is followed, and none is replaced."""
    write(backup.root, z=b"1")
    (backup.root / "a").symlink_to("/etc")
    (backup.root / "b").symlink_to("../..")
    backup.run()
    place(tmp_path / "to/b", b"of the user")
    assert [name for name, _ in recover().skipped] == ["b"]
    assert str((tmp_path / "to/a").readlink()) == "/etc"
    assert (tmp_path / "to/b").read_bytes() == b"of the user"
    assert [name for name, _ in recover().skipped] == ["b"]


def test_names_come_back_as_near_as_they_can(backup, recover, asked_for, tmp_path):
    """A backslash is no folder, and two names that become one get a number."""
    root = backup.root
    for number, name in enumerate([b"a\\b", b"a_b", b"caf\xe9", b"x:y", b"tail. "]):
        place(root / os.fsdecode(name), b"%d" % number)
    place(root / "plain name.txt", b"5")
    backup.run()
    done = recover()
    assert done.renamed == 5
    assert "5 names changed:" in repr(done)
    assert {name: what[1] for name, what in back(tmp_path).items()} == {
        "a_b": b"0",
        "a_b (2)": b"1",
        "caf_xe9": b"2",
        "x_y": b"3",
        "tail__": b"4",
        "plain name.txt": b"5",
    }
    assert recover().there == 6
    assert len(asked_for) == 1


def test_what_is_not_there_is_not_found(backup, key_file, tmp_path):
    write(backup.root, a=b"1")
    backup.run()
    for words, options in ((("nothing",), {}), ((), {"as_of": 7}), ((), {"as_of": "2001-01-01"})):
        with pytest.raises(NotFound):
            backup.vault.recover("home", *words, key=key_file, to=tmp_path / "to", **options)
    with pytest.raises(NotFound, match="no backup"):
        backup.vault.recover("other", key=key_file, to=tmp_path / "to")


# A sample


@pytest.fixture
def sample(backup, key_file):
    """Plan to read random files of the set."""
    return lambda amount="2": backup.vault.check_sample("home", amount, key=key_file)


def test_a_sample_is_read_once_and_the_next_one_is_another(backup, sample, ready, asked_for):
    """The same line goes on with what was asked for; without a sample, nothing is asked for."""
    for number in range(40):
        place(backup.root / f"{number:02}", 2 * MIB)
    backup.run()
    assert set(backup.vault.check_backup("home")["problem"]) == {""}
    assert sample().recovery.files == sample().recovery.files
    assert len(sample("10%").recovery.files) == 4
    read = []
    for _ in range(2):
        assert asked_for == []
        plan = sample()
        with pytest.raises(NotReady):
            plan.verify()
        ready(plan.run())
        assert 1 <= len(asked_for) <= 2
        again = sample()
        assert again.ready
        table = again.verify()
        assert set(table["problem"]) == {""}
        read.append(table["path"].tolist())
        assert read[-1] == [entry.path for entry in plan.recovery.files]
        assert not again.to.exists()
        asked_for.clear()
    assert read[0] != read[1]


def test_a_sample_finds_what_an_inventory_does_not(backup, sample, ready):
    """Here the catalogue has another hash of the content than that which was stored."""
    write(backup.root, a=b"a" * 5000, b=b"b" * 5000, empty=b"")
    backup.run()
    backup.session.catalogue.database.execute(
        "UPDATE contents SET sha256=? WHERE id=(SELECT MIN(id) FROM contents)", (bytes(32),)
    )
    assert set(backup.vault.check_backup("home")["problem"]) == {""}
    ready(sample("100%").run())
    assert sample("100%").verify()["problem"].tolist() == ["The content of 'a' does not match its hash", ""]


@pytest.mark.parametrize("amount", ["0", "0%", "101%", "-1", "x", "", "1.5"])
def test_a_sample_of_no_amount_is_refused(backup, sample, amount):
    write(backup.root, a=b"a")
    backup.run()
    with pytest.raises(InputError, match="neither a number of files"):
        sample(amount)
