"""Versions: archives of one name and different bytes; all are restored, or the newest alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from glacier_magic import cli
from glacier_magic.errors import InputError
from tests.counting import counting

pytestmark = pytest.mark.usefixtures("soon")


@pytest.fixture
def put_later(put, later):
    """Store an archive as another program does, an hour after the last one; return its id."""

    def put_later(name, content):
        later(hours=1)
        return put(name, content)

    return put_later


@pytest.fixture
def ids(vault, put_later, listed):
    """Three versions of one name, two of another, one name alone, and two archives without a name."""
    ids = [
        put_later(name, content)
        for name, content in (
            ("scans/a.tif", b"a1"),
            ("scans/b.tif", b"b1"),
            ("scans/a.tif", b"a2"),
            ("scans/c.tif", b"c"),
            ("scans/b.tif", b"b2"),
            ("scans/a.tif", b"a3"),
            ("", b"x"),
            ("", b"y"),
        )
    ]
    listed(vault)
    return ids


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_of_each_name_the_newest_alone_is_requested(vault, ids, ready, emulator, tmp_path):
    """Within the words; the plan says how many are left out, and twice is not more."""
    plan = vault.restore("scans/*", newest=True, to=tmp_path / "back")
    words = dict(plan.facts)["versions"]
    assert words == "3 older versions of 2 names: left out; without newest they are restored too"
    assert (plan.requests, plan.bytes) == (3, 5)
    with counting(emulator, "InitiateJob") as requests:
        batch = plan.run()
        plan.run()
        assert requests() == 3
        ready(batch)
        assert vault.restore("scans/*", newest=True, to=tmp_path / "back").empty
        assert requests() == 3
    assert files_in(tmp_path / "back") == {"a.tif": b"a3", "b.tif": b"b2", "c.tif": b"c"}


def test_without_it_all_versions_are_requested_and_counted(vault, ids, ready, emulator, tmp_path):
    """Each has a file; archives without a name are no versions of each other."""
    plan = vault.restore("*", to=tmp_path / "back")
    words = dict(plan.facts)["versions"]
    assert words == "3 older versions of 2 names: restored too; newest=True leaves them out"
    assert dict(plan.revised(tier="bulk").facts)["versions"] == words
    with counting(emulator, "InitiateJob") as requests:
        ready(plan.run())
        assert requests() == 8
    assert sorted(files_in(tmp_path / "back").values()) == sorted(
        (b"a1", b"a2", b"a3", b"b1", b"b2", b"c", b"x", b"y")
    )
    assert "versions" not in dict(vault.restore("scans/c.tif").facts)


def test_it_chooses_among_what_ids_and_records_select_too(vault, ids):
    """An older version that is chosen alone is the newest of what is chosen."""

    def chosen(*words):
        plan = vault.restore(*words, newest=True)
        return [item.archive.archive_id for item in plan.items], "versions" in dict(plan.facts)

    assert chosen(f"id:{ids[2]}") == ([ids[2]], False)
    assert chosen(f"id:{ids[0]}", ids[2]) == ([ids[2]], True)
    assert chosen(*vault.select("scans/a.tif")) == ([ids[5]], True)
    assert chosen("scans/a.tif", "scans/b.tif")[0] == [ids[5], ids[4]]


def test_parts_are_of_the_newest(vault, ids, ready, emulator, tmp_path):
    """One request for each name."""
    with counting(emulator, "InitiateJob") as requests:
        ready(
            vault.restore(
                "scans/a.tif", "scans/b.tif", byte_range="1-", newest=True, to=tmp_path / "back"
            ).run()
        )
        assert requests() == 2
    assert files_in(tmp_path / "back") == {"a.tif.part-1-1": b"3", "b.tif.part-1-1": b"2"}


def test_files_of_backups_keep_what_was_stored_as_their_name(vault, put, listed, ready, session, tmp_path):
    """Versions of one name never meet in one file, and each has the ending that says what it is."""
    names = {
        "documents.20130214103045.tgz.enc": b"first",
        "documents.20130215103045.tgz": b"second",
        "documents20130116103045.tgz": b"third",
        "20151201-183007-0b3f9.tar.bz2.gpg": b"fourth",
        "home/duplicity-full.20130214T103045Z.vol1.difftar.gpg": b"fifth",
    }
    for name, content in names.items():
        put(name, content)
    listed(vault)
    assert sorted(set(vault.archives()["name"])) == [
        "documents",
        "home/duplicity-full.vol1.difftar.gpg",
        "iceshelf.tar.bz2.gpg",
    ]
    folder = tmp_path / "back"
    plan = vault.restore("*", to=folder)
    saved = plan.save(tmp_path / "plan.json")
    ready(plan.run())
    assert files_in(folder) == {Path(name).name: content for name, content in names.items()}
    assert vault.restore("*", to=folder).empty
    assert set(vault.verify("*", folder=folder)["state"]) == {"same"}
    assert session.open_plan(saved, to=folder).empty  # a colleague's files have the same names


def test_equal_bytes_are_copies_and_no_versions(vault, put_later, listed, ready, emulator, tmp_path):
    """The bytes that were stored last count, also if they were stored before."""
    for content in (b"one", b"two", b"one", b"one"):
        put_later("x", content)
    put_later("y", b"same")
    put_later("y", b"same")
    listed(vault)
    assert "versions" not in dict(vault.restore("y").facts)
    plan = vault.restore("?", newest=True, to=tmp_path / "back")
    assert dict(plan.facts)["versions"].startswith("1 older version of 1 name: left out")
    with counting(emulator, "InitiateJob") as requests:
        ready(plan.run())
        assert requests() == 2
    assert files_in(tmp_path / "back") == {"x": b"one", "y": b"same"}


def test_two_of_the_same_second_are_both_the_newest(vault, put, later, listed):
    """Inventories have whole seconds; none is left out that may be the newest."""
    put("x", b"old")
    later(hours=1)
    new = [put("x", b"one"), put("x", b"two")]
    listed(vault)
    plan = vault.restore("x", newest=True)
    assert sorted(item.archive.archive_id for item in plan.items) == sorted(new)
    assert "1 older version of 1 name" in dict(plan.facts)["versions"]


def test_versions_of_unknown_age_are_counted_and_the_newest_is_not_guessed(vault, ids, emulator):
    """An inventory would say; nothing is requested."""
    found = [replace(archive, created=None) for archive in vault.select("scans/*")]
    assert "3 older versions of 2 names" in dict(vault.restore(*found).facts)["versions"]
    with counting(emulator, "InitiateJob") as requests, pytest.raises(InputError, match="versions"):
        vault.restore(*found, newest=True).run()
    assert requests() == 0


@pytest.mark.parametrize("other", ["--expired", "--extend", "--stop"])
def test_what_repeats_or_stops_requests_has_no_newest(capsys, other):
    """With what to leave out."""
    assert cli.main(["restore", other, "--newest"]) == InputError.exit_code
    assert "eave out" in capsys.readouterr().err
