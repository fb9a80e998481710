"""Extraction from parts of packs: nothing is trusted, and nothing that is wrong gets a name."""

import os

import pytest

from glacier_magic.backup.recovery import Recovery, matcher
from glacier_magic.errors import IntegrityError, NotFound, WrongKey
from tests.packed import MIB, on_disk, place, write


@pytest.fixture
def recovery(backup, key, tmp_path):
    """A recovery of the last snapshot."""

    def recovery(*patterns, identities=(key,), held=()):
        snapshot = backup.records.snapshots(backup.set.id)[-1]
        return Recovery(
            backup.session.catalogue, backup.set, snapshot, patterns, tmp_path / "to", identities, held
        )

    return recovery


@pytest.fixture
def parts(backup, tmp_path):
    """Take the parts of a recovery out of the archives; ``change(bytes)`` changes each."""

    def parts(recovery, change=bytes):
        return {
            number: [
                (part, place(tmp_path / f"{number} {part}", change(data[part.first : part.last + 1])))
                for part in ranges
            ]
            for number, ranges in recovery.ranges.items()
            for data in [backup.service.content(recovery.packs[number].archive_id)]
        }

    return parts


def files(folder):
    return {name: what[1] for name, what in on_disk(folder).items() if what[0] == "file"}


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("damage", ["a flip", "a cut", "another part", "nothing"])
def test_a_damaged_part_gives_no_file(backup, recovery, parts, tmp_path, plain, damage):
    """Wherever it is damaged, a file is either whole or not there."""
    write(backup.root, a=200_000, b=b"small", c=3 * MIB)
    backup.run(**({"plain": True} if plain else {}))
    changes = {
        "a flip": lambda data: data[:150_000] + bytes([data[150_000] ^ 4]) + data[150_001:],
        "a cut": lambda data: data[:150_000],
        "another part": lambda data: os.urandom(len(data)),
        "nothing": lambda _: b"",
    }
    wanted = recovery()
    with pytest.raises(IntegrityError):
        wanted.extract(parts(wanted, changes[damage]))
    whole = files(backup.root)
    found = files(tmp_path / "to")
    assert "a" not in found
    assert found.items() <= whole.items()
    wanted = recovery()
    wanted.extract(parts(wanted))
    assert files(tmp_path / "to") == whole


def test_a_part_that_is_missing_is_an_error(backup, recovery):
    write(backup.root, a=b"1")
    backup.run()
    with pytest.raises(IntegrityError, match="before they were retrieved"):
        recovery().extract({})


def test_a_content_that_is_recorded_wrongly_gets_no_name(backup, recovery, parts, tmp_path):
    """The hash in the catalogue is what counts."""
    write(backup.root, a=b"one", b=b"two")
    backup.run(plain=True)
    backup.session.catalogue.database.execute("UPDATE contents SET start=start-1 WHERE size=3")
    wanted = recovery(identities=())
    with pytest.raises(IntegrityError, match="does not match its hash"):
        wanted.extract(parts(wanted))
    assert files(tmp_path / "to") == {}


def test_parts_that_are_held_serve(backup, recovery, parts, tmp_path):
    """A whole archive for one of its files, too; what they do not have is asked for."""
    for number in range(12):
        place(backup.root / f"{number:02}", 2 * MIB)
    backup.run()
    all_of_it = recovery()
    ((pack, ranges),) = all_of_it.ranges.items()
    archive = backup.packs()[0].archive_id
    assert recovery("05", held=[(archive, ranges[0])]).ranges == {pack: ranges}
    (small,) = recovery("00").ranges[pack]
    one, other = recovery("00", "11", held=[(archive, small), ("another archive", ranges[0])]).ranges[pack]
    assert one == small
    assert other.first > 16 * MIB
    wanted = recovery("05", held=[(archive, ranges[0])])
    wanted.extract(parts(wanted))
    assert files(tmp_path / "to") == {"05": (backup.root / "05").read_bytes()}


def test_a_folder_is_one_range_of_each_pack(backup, recovery):
    """Its files follow each other, whatever is named like it; here one of them is in an older pack."""
    root = backup.root
    place(root / "b/1", 2 * MIB)
    for name in ("a/1", "a/2", "a/3", "c/1", "c/2", "c/3", "b-1", "b.txt"):
        place(root / name, 3 * MIB)
    backup.run()
    for number in range(2, 12):
        place(root / f"b/{number}/x", 2 * MIB)
    for name in ("a/4", "a/5", "b-2", "b.csv", "c/4", "c/5"):
        place(root / name, 3 * MIB)
    backup.run(pack_size=30 * MIB)
    ranges = recovery("b").ranges
    assert len(ranges) == 3
    assert [len(parts) for parts in ranges.values()] == [1, 1, 1]
    assert sum(part.size for parts in ranges.values() for part in parts) <= (22 + 3 * 10) * MIB


def test_empty_files_need_no_part(backup, recovery, tmp_path):
    write(backup.root, a=b"", b__c=b"", d=b"1")
    backup.run()
    wanted = recovery("a", "b")
    assert wanted.ranges == {}
    assert wanted.extract({}).files == 2
    assert files(tmp_path / "to") == {"a": b"", "b/c": b""}


def test_every_pack_needs_its_key(backup, recovery):
    write(backup.root, a=b"1")
    backup.run()
    with pytest.raises(WrongKey):
        recovery(identities=())
    with pytest.raises(NotFound, match="'x'"):
        recovery("x")


def test_what_fits_no_name_is_named_and_the_rest_is_written(backup, recovery, parts, tmp_path):
    write(backup.root, a__x=b"1", b=b"2")
    backup.run()
    place(tmp_path / "to/a", b"a file where a folder should be")
    wanted = recovery()
    done = wanted.extract(parts(wanted))
    assert {name for name, _ in done.skipped} == {"a/", "a/x"}
    assert files(tmp_path / "to") == {"a": b"a file where a folder should be", "b": b"2"}


def test_a_folder_without_permission_to_write_is_filled(backup, tmp_path):
    """It gets its mode last."""
    root = write(backup.root, a__x=b"1")
    (root / "a").chmod(0o500)
    before = on_disk(root)
    backup.run()
    try:
        assert backup.restore(folder=tmp_path / "to") == before
    finally:
        for folder in (root / "a", tmp_path / "to/a"):
            folder.chmod(0o700)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("a", "a", True),
        ("a", "a/b", True),
        ("a/", "a/", True),
        ("a", "ab", False),
        ("*.txt", "x/y.txt", True),
        ("x/*", "x/y/z", True),
        ("[a]", "[a]", True),
        ("[a]", "a", True),
        ("[a]", "[a]/b", True),
        ("a*", "ba", False),
        ("A", "a", False),
    ],
)
def test_patterns(pattern, path, matches):
    assert matcher([pattern])(path) is matches
    assert matcher([])(path)


def test_a_collection_of_paths_stands_for_exactly_these():
    """A name with a wildcard in it is no pattern there."""
    wanted = matcher([frozenset({"a[1].txt", "folder/"}), "b*"])
    assert all(wanted(path) for path in ("a[1].txt", "folder/", "bees"))
    assert not any(wanted(path) for path in ("a1.txt", "folder/x", "a"))
