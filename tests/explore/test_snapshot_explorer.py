"""The explorer of a snapshot: its files, and exactly those recovered that are selected."""

import pytest

from glacier_magic.catalogue import Catalogue, Scope
from glacier_magic.catalogue.archives.file_rows import write_files
from glacier_magic.errors import InputError, WrongKey
from tests.packed import on_disk, place, write

ODD = ("a[1].txt", "a1.txt", "documents.20130214103045.tgz.enc", "<b>bold")


@pytest.fixture
def explorer(vault, key, tmp_path):
    """The explorer of the second of two snapshots, on a key file that is right."""
    disk = write(tmp_path / "disk", a__b__x=b"1" * 10, a__y=b"22", other=b"333")
    for name in ODD:
        place(disk / "odd" / name, name.encode())
    (disk / "empty").mkdir()
    (disk / "link").symlink_to("other")
    vault.backup("home", disk, recipients=[key.recipient]).run()
    place(disk / "a/new", b"4444")
    vault.backup("home").run()
    (tmp_path / "home.key").write_text(key.file())
    made = vault.explore_snapshot("home", key=tmp_path / "home.key")
    yield made
    made.close()


def test_it_has_the_files_of_that_snapshot_with_their_folders(explorer, vault):
    """Sums, filters and the order are those of every explorer."""
    assert [(f.path, f.archives, f.bytes) for f in explorer.folders("", 9)[0]][-1:] == [("a/", 3, 16)]
    assert len(explorer.view) == 9
    assert list(explorer.view.columns) == ["name", "size", "modified"]
    explorer.look(folder="a/", where="size > 3", sort="-size")
    assert list(explorer.view["name"]) == ["a/b/x", "a/new"]
    first = vault.explore_snapshot("home", 1)
    assert len(first.view) == 8
    folder = first._catalogue.folder
    assert folder.exists()
    first.close()
    assert not folder.exists()


def test_only_what_is_selected_is_recovered(explorer, later, tmp_path):
    """A name with a wildcard in it brings no other; the folders above keep their times."""
    explorer.look(folder="odd/", name="a[1]")
    explorer.picked.all_of(explorer.answer)
    plan = explorer.recover(to=tmp_path / "to")
    assert [entry.path for entry in plan.recovery.files] == ["odd/a[1].txt"]
    moved = plan.revised(to=tmp_path / "elsewhere", tier="Bulk")
    assert (moved.folder, moved.tier, moved.recovery.snapshot.ordinal) == (tmp_path / "elsewhere", "Bulk", 2)
    batch = plan.run()
    later(hours=5)
    batch.wait(60)
    plan.extract()
    disk = on_disk(tmp_path / "disk")
    assert on_disk(tmp_path / "to") == {name: disk[name] for name in ("odd", "odd/a[1].txt")}


def test_all_of_it_has_empty_folders_and_links_too(explorer, later, tmp_path):
    """What is there once is not requested again, and the same plan has nothing to do."""
    explorer.picked.all_of(explorer.answer)
    plan = explorer.recover(to=tmp_path / "to")
    batch = plan.run()
    later(hours=5)
    batch.wait(60)
    ready = explorer.recover(to=tmp_path / "to")
    assert (ready.ready, ready.empty, ready.requests) == (True, False, 0)
    ready.run()  # as its button does: it asks for nothing
    ready.extract()
    disk = on_disk(tmp_path / "disk")
    disk["odd/_b_bold"] = disk.pop("odd/<b>bold")  # as names are on every system
    assert on_disk(tmp_path / "to") == disk
    explorer.look(folder="a/")
    explorer.picked.all_of(explorer.answer)
    assert explorer.recover(to=tmp_path / "to").empty


def test_nothing_is_recovered_without_a_selection_or_a_key(explorer):
    with pytest.raises(InputError, match="Nothing is selected"):
        explorer.recover()
    explorer.picked.all_of(explorer.answer)
    explorer.key = None
    with pytest.raises(WrongKey, match="Name the file of your key"):
        explorer.recover()


def test_a_name_stays_what_it_is(explorer):
    """No description is read into it, and saved HTML has no markup of it."""
    explorer.look(folder="odd/")
    assert set(explorer.view["name"]) == {f"odd/{name}" for name in ODD}
    html = explorer._repr_mimebundle_()["text/html"]
    assert "<b>bold" not in html
    assert "&lt;b&gt;bold" in html
    assert "home, snapshot 2" in html


def test_many_files_are_written_in_pieces(tmp_path, monkeypatch):
    catalogue = Catalogue(tmp_path / "files.sqlite", Scope("1", "region"))
    files = [(f"folder {n % 7}/{n}", n, n * 1000) for n in range(25_000)]
    assert write_files(catalogue, "many", files) == 25_000
    (whole,) = catalogue.archives.du("many", "", 0)
    assert (whole.archives, whole.bytes) == (25_000, sum(range(25_000)))
    catalogue.close()
