"""A catalogue of an earlier version: brought over with every row, or left as it was."""

import sqlite3

import pytest

from glacier_magic.catalogue import Catalogue, Scope
from glacier_magic.catalogue.archives import carry
from glacier_magic.catalogue.archives.states import EVENTS
from glacier_magic.catalogue.storage import schema
from glacier_magic.catalogue.storage.schema import APPLICATION_ID

HERE, THERE = Scope("111111111111", "eu-west-1"), Scope("222222222222", "us-east-1")
DAY = 86_400_000
MADE = 1_500_000_000_000
STATES = ("listed", "uploaded", "deleted", "gone", "unknown")
NAMES = ("a/b.txt", "ä", "", "mt2 eyJmaWxl", "x" * 500)


def rows():
    for scope in (HERE, THERE):
        for number in range(40):
            name = NAMES[number % len(NAMES)]
            state = STATES[(number // 5) % len(STATES)]
            yield (
                scope.account,
                scope.region,
                "photos",
                f"{number:0138}",
                name,
                name if number % 2 else f"raw {name}",
                "plain",
                number or None,
                number * 10,
                MADE - number,
                f"{number:064x}" if number % 3 else None,
                state,
                MADE if state in ("listed", "deleted") else None,
            )


@pytest.fixture
def old(tmp_path):
    """A file as version 1 wrote it."""
    path = tmp_path / "catalogue.sqlite"
    with sqlite3.connect(path) as raw:
        raw.executescript(schema.SCHEMA_1)
        raw.execute(f"PRAGMA application_id={APPLICATION_ID}")
        raw.execute("PRAGMA user_version=1")
        raw.executemany(f"INSERT INTO archives VALUES({','.join('?' * 13)})", rows())
        raw.execute("INSERT INTO settings VALUES('vault', 'photos')")
        for job, made in (("old", MADE - DAY), ("new", MADE)):
            raw.execute(
                "INSERT INTO inventories VALUES(?,?,?,?,?,?,?,?)",
                (HERE.account, HERE.region, "photos", job, made, MADE, 8, 80),
            )
        raw.execute(
            "INSERT INTO jobs(account, region, vault, job_id, action, status) VALUES(?,?,?,?,?,?)",
            (HERE.account, HERE.region, "photos", "new", "InventoryRetrieval", "Succeeded"),
        )
        raw.execute("PRAGMA journal_mode=WAL")
    raw.close()
    return path


def test_every_row_is_carried_over_from_version_1(old):
    """With its facts, its raw description and its state."""
    catalogue = Catalogue(old, HERE)
    for scope in (HERE, THERE):
        catalogue.rescope(scope)
        for row in rows():
            if row[0] != scope.account:
                continue
            found = catalogue.archives.get("photos", row[3])
            assert (
                found.name,
                found.description,
                found.format,
                found.mtime,
                found.size,
                found.created,
                found.tree_hash,
                found.state,
            ) == (*row[4:11], EVENTS.get(row[11], row[11]))
        there = [r for r in rows() if r[0] == scope.account and r[11] not in ("deleted", "gone")]
        assert catalogue.archives.count("photos") == len(there)
        (whole, *_) = catalogue.archives.du("photos")
        assert whole.bytes == sum(row[8] for row in there)
    catalogue.rescope(HERE)
    assert len(catalogue.archives.find("photos", "mt2 eyJ").records) > 0
    assert catalogue.settings.get("vault") == "photos"
    assert catalogue.inventories.newest("photos").job_id == "new"
    assert catalogue.jobs.get("photos", "new").status == "Succeeded"
    assert catalogue.database.row("PRAGMA integrity_check")[0] == "ok"
    catalogue.close()


def test_the_view_reads_as_the_table_of_version_1_did(old):
    """What asks for archives by SQL goes on working."""
    columns = (
        "account, region, vault, archive_id, name, description, format, mtime, size, created, "
        "tree_hash, state"
    )
    catalogue = Catalogue(old, HERE)
    found = [tuple(r) for r in catalogue.database.rows(f"SELECT {columns} FROM archives")]
    assert sorted(found) == sorted(row[:12] for row in rows())
    catalogue.close()


def test_a_migrated_catalogue_reads_inventories(old):
    """What is listed no more is gone; what was deleted here stays so for now."""
    catalogue = Catalogue(old, HERE)
    catalogue.archives.record_listed("photos", [], made=MADE + DAY)
    found = catalogue.archives.query("photos", states=["present", "gone", "deleted"]).records
    assert {r.state for r in found} == {"gone", "deleted here"}
    catalogue.close()


def test_a_migration_that_fails_leaves_all_rows_for_the_next(old, monkeypatch):
    """All or none."""

    def broken(*_):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(carry, "rebuild", broken)
        with pytest.raises(RuntimeError):
            Catalogue(old, HERE)
    catalogue = Catalogue(old, HERE)
    assert len(catalogue.database.rows("SELECT 1 FROM archive_rows")) == 80
    catalogue.close()


def test_two_processes_that_open_it_at_once_carry_it_over_once(old, child):
    """The second waits for the first."""
    script = """
        import sys
        from pathlib import Path
        from glacier_magic.catalogue import Catalogue, Scope
        catalogue = Catalogue(Path(sys.argv[1]), Scope("111111111111", "eu-west-1"))
        print(len(catalogue.database.rows("SELECT 1 FROM archive_rows")), flush=True)
        catalogue.close()
    """
    children = [child(script, old) for _ in range(3)]
    for each in children:
        assert each.until("80") == []
        assert each.end() == 0


def test_a_file_of_version_2_gets_the_tables_for_deletions(tmp_path):
    """With nothing in them; what was there stays."""
    path = tmp_path / "catalogue.sqlite"
    with sqlite3.connect(path) as raw:
        for step in schema.MIGRATIONS[:2]:
            raw.executescript(step)
        raw.execute(f"PRAGMA application_id={APPLICATION_ID}")
        raw.execute("PRAGMA user_version=2")
        raw.execute("DROP TABLE archives_1")
        raw.execute("INSERT INTO settings VALUES('vault', 'photos')")
    raw.close()
    catalogue = Catalogue(path, HERE)
    assert catalogue.settings.get("vault") == "photos"
    assert catalogue.deletions.unfinished() == []
    assert catalogue.drops.shown() == []
    catalogue.close()
