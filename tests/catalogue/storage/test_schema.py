"""A catalogue of an earlier or a later version: brought to this one, or refused and left as it was."""

import sqlite3
from contextlib import closing

import pytest

from glacier_magic.catalogue import Catalogue, Scope
from glacier_magic.catalogue.storage import schema
from glacier_magic.catalogue.storage.sqlite_file import WORDS
from glacier_magic.errors import CatalogueError

HERE = Scope("111111111111", "eu-west-1")
STEP = """
CREATE TABLE notes(key {text} PRIMARY KEY, note {text} NOT NULL){by_key};
INSERT INTO notes SELECT key, value FROM settings WHERE key='vault'
"""


@pytest.fixture
def first(place):
    """Make a catalogue of version 1."""
    catalogue = Catalogue(place, HERE)
    catalogue.settings.put("vault", "photos")
    catalogue.close()
    return place


@pytest.fixture
def later():
    """Give the program a later version, until the returned function is called."""
    released = schema.MIGRATIONS
    with pytest.MonkeyPatch.context() as patch:

        def migrate(step=STEP):
            patch.setattr(schema, "MIGRATIONS", (*released, step))
            return patch.undo

        yield migrate


def notes(place):
    catalogue = Catalogue(place, HERE)
    found = [tuple(row) for row in catalogue.database.rows("SELECT key, note FROM notes")]
    catalogue.close()
    return found


def test_a_step_is_applied_once(first, later):
    """The content stays."""
    later()
    for _ in range(2):
        assert notes(first) == [("vault", "photos")]


def test_a_new_catalogue_gets_every_step(place, later):
    """In their order."""
    later()
    assert notes(place) == []


@pytest.mark.each_backend
def test_backups_of_a_catalogue_with_hashes_as_texts_stay(place, monkeypatch):
    """Their contents are found by their hashes, so that nothing is stored again."""
    digest = "00ff" * 16
    before = schema.BACKUPS.replace("sha256 {bytes}", "sha256 {text}")
    monkeypatch.setattr(schema, "MIGRATIONS", (schema.SCHEMA, schema.NOTES, before))
    catalogue = Catalogue(place, HERE)
    catalogue.database.execute(
        "INSERT INTO contents(set_id, sha256, size, pack_id, start) VALUES(1, ?, 5, 1, 0)", (digest,)
    )
    catalogue.close()
    monkeypatch.undo()
    catalogue = Catalogue(place, HERE)
    number = catalogue.backups.content(1, 5, digest)
    assert number is not None
    assert catalogue.backups.contents(1, [number])[number].sha256 == digest
    catalogue.close()


def test_a_step_that_fails_changes_nothing(first, later):
    """Not even its first statement."""
    later(f"{STEP};\nINSERT INTO nowhere VALUES(1)")
    with pytest.raises(Exception, match="nowhere"):
        Catalogue(first, HERE)
    later()
    assert notes(first) == [("vault", "photos")]


def test_several_processes_that_open_it_at_once_apply_a_step_once(first, child):
    """The others wait for the first."""
    script = f"""
        import sys
        from pathlib import Path
        from glacier_magic.catalogue import Catalogue, Scope
        from glacier_magic.catalogue.storage import schema
        schema.MIGRATIONS = (*schema.MIGRATIONS, {STEP!r})
        place = sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1])
        catalogue = Catalogue(place, Scope("111111111111", "eu-west-1"))
        print(len(catalogue.database.rows("SELECT 1 FROM notes")), flush=True)
        catalogue.close()
    """
    children = [child(script, first) for _ in range(3)]
    for each in children:
        assert each.until("1") == []
        assert each.end() == 0


def test_a_newer_version_is_refused(first, later):
    """An older program must not touch what it does not understand."""
    back = later()
    notes(first)
    back()
    with pytest.raises(CatalogueError, match="newer version") as caught:
        Catalogue(first, HERE)
    assert "pip install" in caught.value.cure
    later()
    assert notes(first) == [("vault", "photos")]


def file_of(path, number):
    with sqlite3.connect(path) as raw:
        raw.executescript(schema.SCHEMA.format(**WORDS))
        raw.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
        raw.execute(f"PRAGMA user_version={number}")
        raw.execute("INSERT INTO settings VALUES('vault', 'photos')")
    raw.close()
    return path


def test_files_from_before_the_first_release_open(tmp_path):
    """They have the tables of version 1, and the number 4."""
    catalogue = Catalogue(file_of(tmp_path / "c.sqlite", 4), HERE)
    assert catalogue.settings.get("vault") == "photos"
    catalogue.close()


def test_a_file_of_the_last_unreleased_version_keeps_its_open_work(tmp_path):
    """It lacks one index: scheduled requests and deletions that began are in no inventory."""
    path = file_of(tmp_path / "c.sqlite", 3)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DROP INDEX downloads_by_bytes")
        raw.commit()
    for _ in range(2):
        catalogue = Catalogue(path, HERE)
        assert catalogue.settings.get("vault") == "photos"
        assert catalogue.database.row("SELECT 1 FROM sqlite_master WHERE name='downloads_by_bytes'")
        catalogue.close()


@pytest.mark.parametrize("number", [1, 2])
def test_files_of_versions_that_were_never_released_are_refused_unchanged(tmp_path, number):
    """With a cure."""
    path = file_of(tmp_path / "c.sqlite", number)
    before = path.read_bytes()
    with pytest.raises(CatalogueError, match="never released") as caught:
        Catalogue(path, HERE)
    assert "Move it aside" in caught.value.cure
    assert path.read_bytes() == before
