"""The verb catalogue: how it is, check, backup, restore, export, import, in words."""

import random

import pytest

from glacier_magic.base import dataframes
from glacier_magic.commands import VERBS, Console, run
from glacier_magic.errors import CatalogueError, InputError
from glacier_magic.plans.replacing import ReplacePlan
from tests.catalogue import archive_record
from tests.faces import Face


def record(console, number, name):
    console.session.catalogue.archives.record(
        archive_record(
            name,
            archive_id=random.Random(number).randbytes(69).hex(),
            size=number,
            created=number,
            tree_hash=f"{number:064x}",
        )
    )


@pytest.fixture
def console(notes):
    """A console that is not connected yet."""
    face = Face(notes)
    made = Console(face)
    yield made
    made.close()


@pytest.fixture
def glacier(console, notes, emulator, region, monkeypatch, tmp_path):
    """Run a line of words, connected, with three archives on record."""
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(tmp_path / "catalogue.sqlite"))
    monkeypatch.chdir(tmp_path)

    def glacier(*words):
        notes.clear()
        return run(console, VERBS, [str(word) for word in words])

    glacier("connect", "--data", emulator.folder, "--region", region)
    for number, name in enumerate(("a", "b/c", "<script>alert(1)</script>")):
        record(console, number, name)
    return glacier


def test_the_catalogue_says_where_it_is_and_how_old(glacier, notes, tmp_path, region):
    """With its size, the version of its tables, and each vault's age."""
    table = glacier("catalogue")
    assert list(table.columns) == list(dataframes.CATALOGUED)
    (row,) = table.to_dict("records")
    assert (row["vault"], row["region"], row["archives"], row["kept"]) == ("photos", region, 3, 0)
    assert row["account"].startswith("********")
    assert str(tmp_path / "catalogue.sqlite") in notes[0]
    assert "tables of version" in notes[0]
    assert "3 archives in 1 vault" in notes[0]
    assert table.attrs["path"] == str(tmp_path / "catalogue.sqlite")


def test_it_needs_no_service(glacier, console, notes):
    """A backup can be made, and looked at, where there are no credentials."""
    console.close()
    assert len(glacier("catalogue")) == 1
    glacier("catalogue", "backup", "b.sqlite")
    assert "problems" in glacier("catalogue", "check")
    glacier("catalogue", "export", "t.csv")
    assert console.connected is None


def test_without_a_catalogue_it_says_so(console, monkeypatch, tmp_path):
    """And makes none."""
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(tmp_path / "none.sqlite"))
    for words in (["catalogue"], ["catalogue", "check"], ["catalogue", "backup", "b"]):
        with pytest.raises(InputError, match="There is no catalogue yet"):
            run(console, VERBS, words)
    assert list(tmp_path.iterdir()) == []


def test_a_backup_comes_back_behind_a_plan(glacier, console, notes):
    """Nothing is replaced until it is run; the session goes on with what was restored."""
    glacier("catalogue", "backup", "b.sqlite")
    assert "3 archives in 1 vault" in notes[0]
    record(console, 9, "since")
    plan = glacier("catalogue", "restore", "b.sqlite")
    assert isinstance(plan, ReplacePlan)
    assert plan.danger
    assert len(glacier("ls", "--vault", "photos")) == 4
    done = glacier("catalogue", "restore", "b.sqlite", "--yes")
    assert "is kept as" in done
    assert len(glacier("ls", "--vault", "photos")) == 3
    with pytest.raises(InputError, match="already exists"):
        glacier("catalogue", "backup", "b.sqlite")


def test_a_damaged_catalogue_is_restored_without_a_session(glacier, console, tmp_path):
    """It cannot be opened, which is why."""
    glacier("catalogue", "backup", "b.sqlite")
    console.close()
    path = tmp_path / "catalogue.sqlite"
    path.write_bytes(random.Random(1).randbytes(5000))
    for words in (["ls"], ["catalogue"], ["catalogue", "check"]):
        with pytest.raises(CatalogueError, match="%glacier catalogue restore FILE"):
            glacier(*words)
    assert "or damaged" in repr(glacier("catalogue", "restore", "b.sqlite"))
    glacier("catalogue", "restore", "b.sqlite", "--yes")
    assert len(glacier("ls", "--vault", "photos")) == 3


def test_a_check_that_fails_says_what_to_do(glacier, console, notes):
    """With an exit code of its own; --repair does it."""
    assert set(glacier("catalogue", "check")["problems"]) == {0}
    assert "no problems" in notes[0]
    console.session.catalogue.database.execute("UPDATE folders SET bytes=77 WHERE name=''")
    with pytest.raises(CatalogueError, match="is not the sum of its rows") as failed:
        glacier("catalogue", "check")
    assert failed.value.exit_code == 10
    assert "%glacier catalogue check --repair" in failed.value.cure
    assert set(glacier("catalogue", "check", "--repair")["problems"]) == {0}
    assert glacier("du", "--vault", "photos")["size"].iloc[0] == 3


def test_exported_archives_are_merged_into_another_catalogue(glacier, console, notes, monkeypatch, tmp_path):
    """As tables or as a whole catalogue; it is said what was taken, and nothing comes twice."""
    for file in ("t.csv", "t.parquet"):
        glacier("catalogue", "export", file)
        assert "3 archives in any state" in notes[0]
    glacier("catalogue", "backup", "b.sqlite")
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(tmp_path / "second.sqlite"))
    console.close()
    for file, known in (("b.sqlite", 0), ("t.csv", 3), ("t.parquet", 3)):
        shown = glacier("catalogue", "import", file)
        assert (shown.report.taken["unknown"], shown.report.known) == (3 - known, known)
    assert "known already" in repr(shown)
    assert set(glacier("ls", "--vault", "photos")["state"]) == {"unknown"}
    html = shown._repr_mimebundle_()["text/html"]
    assert "<script>" not in html


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["backup"],
        ["check", "file"],
        ["--yes"],
        ["backup", "b", "--repair"],
        ["restore", "b", "--vault", "v"],
        ["restore", "missing"],
        ["import", "missing"],
        ["export", "t.txt"],
        ["export", "t.csv", "--vault", "nope"],
        ["import", "catalogue.sqlite"],
        ["restore", "catalogue.sqlite"],
        ["import", "text"],
        ["restore", "text"],
        ["backup", "missing/b"],
    ],
)
def test_what_makes_no_sense_is_an_error_and_does_nothing(glacier, tmp_path, words):
    """With a cure, and no file made."""
    (tmp_path / "text").write_text("nothing that is known")
    before = {file.name for file in tmp_path.iterdir()}
    with pytest.raises((InputError, OSError)):
        glacier("catalogue", *words)
    assert {file.name for file in tmp_path.iterdir()} == before
