"""The catalogue as a file: backed up, put back, refused when it is damaged, checked, exported."""

import random
import shutil
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from glacier_magic import importers
from glacier_magic.catalogue import Catalogue, Scope, maintenance
from glacier_magic.catalogue.exporting import EXPORTED, export
from glacier_magic.catalogue.storage import backup as filing
from glacier_magic.catalogue.storage import schema
from glacier_magic.errors import CatalogueError, InputError, LocalError
from glacier_magic.plans.replacing import ReplacePlan
from tests import ROOT
from tests.catalogue import archive_record, read_inventory

HERE, THERE = Scope("111111111111", "eu-west-1"), Scope("222222222222", "eu-west-1")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NAMES = ["a/b.txt", "a/c.txt", "=1+1", 'quo"te,\n', "it's", "😀.jpg", "a/b.txt", "<script>", "e/"]


def identifier(number):
    return random.Random(number).randbytes(69).hex()


def record(catalogue, number, name, **known):
    values = {"archive_id": identifier(number), "size": number, "created": 1000 + number}
    values |= {"tree_hash": f"{number:064x}"}
    catalogue.archives.record(archive_record(name, **(values | known)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "catalogue.sqlite"


@pytest.fixture
def filled(path):
    """A catalogue with archives in every state, of two vaults, closed."""
    catalogue = Catalogue(path, HERE)
    read_inventory(catalogue, [], 5_000_000)
    states = ["pending", "present", "unknown", "gone", "deleted here"]
    for number, name in enumerate(NAMES):
        record(catalogue, number, name, state=states[number % 5])
    record(catalogue, 100, "other", vault="music", tree_hash=None, size=None, created=None)
    catalogue.close()
    return path


def content(path):
    """Return the records of all archives of a catalogue."""
    catalogue = Catalogue(path, HERE)
    found = [
        catalogue.archives.query(vault, states=["present", "pending", "unknown", "gone", "deleted"])
        for vault in ("photos", "music")
    ]
    catalogue.close()
    return [record for page in found for record in page.records]


def files_next_to(path):
    return {file.name for file in path.parent.iterdir()}


# Backups


def test_a_backup_is_a_whole_catalogue_in_one_file(filled, tmp_path):
    """It is readable by its owner alone, and no other file is left."""
    target = tmp_path / "backup.sqlite"
    made = filing.backup(filled, target)
    assert (made.path, made.archives, made.vaults) == (target, len(NAMES) + 1, 2)
    assert made.bytes == target.stat().st_size
    assert target.stat().st_mode & 0o777 == 0o600
    assert files_next_to(target) == {"catalogue.sqlite", "backup.sqlite"}
    assert content(target) == content(filled)


def test_a_backup_replaces_nothing(filled, tmp_path):
    """Not even a link to nowhere."""
    target = tmp_path / "backup.sqlite"
    target.write_text("mine")
    with pytest.raises(InputError, match="already exists"):
        filing.backup(filled, target)
    assert target.read_text() == "mine"
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError):
        filing.backup(filled, link)
    with pytest.raises(LocalError, match="cannot be written"):
        filing.backup(filled, tmp_path / "missing" / "b.sqlite")


WRITER = """
    import sys
    from pathlib import Path
    from tests.catalogue.storage.test_backup import HERE, record
    from glacier_magic.catalogue import Catalogue
    catalogue = Catalogue(Path(sys.argv[1]), HERE)
    for number in range(1000, 100_000):
        record(catalogue, number, f"new/{number}")
        print(number, flush=True)
"""


@pytest.fixture
def here(monkeypatch):
    """Let other processes find this file."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_a_backup_while_others_write_is_of_one_time(filled, tmp_path, child, here):
    """It has everything written before it began, its totals agree, and no writer waited."""
    writer = child(WRITER, filled)
    writer.until("1010")
    for number in range(5):
        target = tmp_path / f"backup-{number}.sqlite"
        filing.backup(filled, target)
    later = writer.kill_and_read()
    assert len(later) > 5
    catalogue = Catalogue(target, HERE)
    assert catalogue.archives.count("photos") >= 11
    assert [each for each in maintenance.check(catalogue) if each.problems] == []
    catalogue.close()


HALTED = """
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    from glacier_magic.catalogue.storage import backup as filing
    def halt(*_):
        print("halted", flush=True)
        sys.stdin.readline()
    setattr(filing, sys.argv[1], halt)
    source, target = Path(sys.argv[2]), Path(sys.argv[3])
    if sys.argv[4] == "backup":
        filing.backup(source, target)
    else:
        filing.restore(source, target, datetime.now(UTC))
"""


def test_a_killed_backup_leaves_no_file_of_its_name(filled, tmp_path, child):
    """The next one takes the name."""
    target = tmp_path / "backup.sqlite"
    halted = child(HALTED, "_flush", filled, target, "backup")
    halted.until("halted")
    halted.kill()
    assert not target.exists()
    filing.backup(filled, target)
    assert content(target) == content(filled)


# Putting back


def test_a_restored_backup_takes_the_place_and_the_old_file_is_kept(filled, tmp_path):
    """Under another name, with everything written since; the backup does not change."""
    backup = tmp_path / "backup.sqlite"
    filing.backup(filled, backup)
    before = content(filled)
    catalogue = Catalogue(filled, HERE)
    record(catalogue, 50, "since")
    catalogue.close()
    kept = filing.restore(backup, filled, NOW)
    assert kept == tmp_path / "catalogue-replaced-20260102-030405.sqlite"
    assert content(filled) == before
    assert len(content(kept)) == len(before) + 1
    again = filing.restore(backup, filled, NOW)
    assert again.name == "catalogue-replaced-20260102-030405-2.sqlite"
    assert content(backup) == before


def test_a_catalogue_that_is_in_use_is_not_replaced(filled, tmp_path, child, here):
    """What the other process writes would be lost."""
    backup = tmp_path / "backup.sqlite"
    filing.backup(filled, backup)
    writer = child(WRITER, filled)
    writer.until("1000")
    with pytest.raises(LocalError, match="Another process uses"):
        filing.restore(backup, filled, NOW)
    writer.kill()
    assert files_next_to(filled) <= {
        "catalogue.sqlite",
        "catalogue.sqlite-wal",
        "catalogue.sqlite-shm",
        "backup.sqlite",
    }
    assert filing.restore(backup, filled, NOW) is not None


@pytest.mark.parametrize("step", ["_settle", "_set_aside", "_flush"])
def test_a_killed_restore_leaves_a_whole_catalogue(filled, tmp_path, child, step):
    """Either the old or the new one."""
    backup = tmp_path / "backup.sqlite"
    filing.backup(filled, backup)
    before = content(filled)
    halted = child(HALTED, step, backup, filled, "restore")
    halted.until("halted")
    halted.kill()
    assert content(filled) == before
    assert filing.restore(backup, filled, NOW) is not None


def test_where_there_is_no_catalogue_one_is_put(filled, tmp_path):
    """A new machine begins like this."""
    target = tmp_path / "new" / "catalogue.sqlite"
    assert filing.restore(filled, target, NOW) is None
    assert content(target) == content(filled)


def test_a_plan_shows_both_files_and_does_nothing_until_it_is_run(filled, tmp_path):
    """And reports the path of the old one."""
    backup = tmp_path / "backup.sqlite"
    filing.backup(filled, backup)
    catalogue = Catalogue(filled, HERE)
    plan = ReplacePlan(backup, filled, catalogue.close)
    assert list(plan.table["archives"]) == ["10", "10"]
    assert "under another name" in repr(plan)
    assert files_next_to(filled) >= {"catalogue.sqlite", "backup.sqlite"}
    assert "is kept as" in plan.run()
    assert any("replaced" in name for name in files_next_to(filled))
    with pytest.raises(InputError, match="the catalogue itself"):
        ReplacePlan(filled, filled, lambda: None)


# Files that are refused


def no_header(data):
    return b"\xff" * 200 + data[200:]


def cut(data):
    return data[: len(data) // 2]


def noise(data):
    return random.Random(1).randbytes(len(data))


def no_tables(data):
    return data[:100] + b"\xff" * (len(data) - 100)


DAMAGES = {
    "header": no_header,
    "cut": cut,
    "noise": noise,
    "tables": no_tables,
    "text": lambda _: b"just a text file, nothing more",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_with_the_way_back_and_left_as_it_is(filled, tmp_path, damage):
    """It does not change by a byte; a backup replaces it, and the damaged file stays under another name."""
    backup = tmp_path / "backup.sqlite"
    filing.backup(filled, backup)
    before = content(filled)
    filled.write_bytes(DAMAGES[damage](filled.read_bytes()))
    data = filled.read_bytes()
    with pytest.raises(CatalogueError) as refused:
        Catalogue(filled, HERE)
    assert "glacier-magic catalogue restore" in str(refused.value)
    assert "vault.inventory()" in str(refused.value)
    assert filled.read_bytes() == data
    with pytest.raises((CatalogueError, InputError)):
        filing.backup(filled, tmp_path / "of-damaged.sqlite")
    with pytest.raises((CatalogueError, InputError)):
        filing.restore(filled, tmp_path / "elsewhere.sqlite", NOW)
    assert not (tmp_path / "of-damaged.sqlite").exists()
    assert filled.read_bytes() == data
    kept = filing.restore(backup, filled, NOW)
    assert kept.read_bytes() == data
    assert content(filled) == before


def test_a_log_beside_a_damaged_file_goes_with_it(filled, tmp_path):
    """SQLite would apply it to the restored file, and damage that as well."""
    backup = tmp_path / "backup.sqlite"
    filing.backup(filled, backup)
    filled.write_bytes(noise(filled.read_bytes()))
    Path(f"{filled}-wal").write_bytes(b"old log")
    kept = filing.restore(backup, filled, NOW)
    assert Path(f"{kept}-wal").read_bytes() == b"old log"
    assert not Path(f"{filled}-wal").exists()
    assert len(content(filled)) == len(NAMES) + 1


def newer(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute(f"PRAGMA user_version={schema.mark() + 1}")
    connection.close()
    return path


def test_a_newer_version_is_refused_and_unchanged(filled, tmp_path):
    """Not by a byte: when it is opened, restored as a backup, or imported."""
    data = newer(filled).read_bytes()
    for attempt in (
        lambda: Catalogue(filled, HERE),
        lambda: filing.restore(filled, tmp_path / "c.sqlite", NOW),
        lambda: filing.backup(filled, tmp_path / "b.sqlite"),
        lambda: importers.read(filled),
    ):
        with pytest.raises(CatalogueError, match="newer version"):
            attempt()
        assert filled.read_bytes() == data
    assert files_next_to(filled) == {"catalogue.sqlite"}


def test_a_backup_of_an_earlier_version_is_brought_to_this_one(filled, tmp_path, monkeypatch):
    """Backups are stored for years."""
    old = tmp_path / "old.sqlite"
    filing.backup(filled, old)
    step = "CREATE TABLE notes(note TEXT)"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
    assert filing.examine(old).archives == len(NAMES) + 1
    filing.restore(old, filled, NOW)
    assert len(content(filled)) == len(NAMES) + 1
    with closing(sqlite3.connect(filled)) as raw:
        assert raw.execute("SELECT count(*) FROM notes").fetchone() == (0,)


# Checking


def problems(catalogue):
    return {each.check: each.detail for each in maintenance.check(catalogue) if each.problems}


@pytest.fixture
def catalogue(filled):
    made = Catalogue(filled, HERE)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        ("UPDATE folders SET bytes=bytes+1 WHERE name='a/'", "folders of photos in eu-west-1"),
        ("UPDATE folders SET newest=1 WHERE name='a/'", "folders of photos in eu-west-1"),
        ("DELETE FROM folders WHERE name=''", "folders of photos in eu-west-1"),
        ("INSERT INTO folders VALUES(77,'','x/',1,1,1,1,0)", "rows without a vault"),
        ("UPDATE archive_rows SET vault_id=9 WHERE name='it''s'", "rows without a vault"),
        ("INSERT INTO absences VALUES(999,1,1,2)", "rows without a vault"),
        ("INSERT INTO archive_names(archive_names) VALUES('delete-all')", "names to search in"),
    ],
)
def test_what_does_not_agree_is_found_and_repaired(catalogue, wrong, check):
    """Each finding has a cure, and afterwards every check passes."""
    catalogue.database.catch_up()
    assert problems(catalogue) == {}
    catalogue.database.execute(wrong)
    assert check in problems(catalogue)
    assert {f.cure for f in maintenance.check(catalogue) if f.problems} == {maintenance.how_to_repair()}
    maintenance.repair(catalogue)
    assert problems(catalogue) == {}


def test_ids_that_cannot_be_found_are_damage(catalogue):
    """It cannot be rebuilt: the cure is a backup."""
    catalogue.database.execute("UPDATE archive_rows SET id_check=id_check+1 WHERE size=3")
    catalogue.database.execute("UPDATE vaults SET current=0 WHERE vault='photos'")
    found = {f.check: f for f in maintenance.check(catalogue) if f.problems}
    assert "1 archive cannot be found by the id" in found["archive ids"].detail
    assert "restore" in found["archive ids"].cure
    assert "inventories" in found


def test_a_check_while_others_write_raises_no_false_alarm(catalogue):
    """It reads the tables as of one time."""
    stop = threading.Event()

    def write():
        number = 1000
        while not stop.is_set():
            record(catalogue, number, f"deep/{number}/x")
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert [problems(catalogue) for _ in range(10)] == [{}] * 10
    finally:
        stop.set()
        thread.join()


def test_a_page_of_noise_is_found(catalogue, filled):
    """If the file can still be opened."""
    catalogue.close()
    data = bytearray(filled.read_bytes())
    data[-4096:-2048] = noise(data[-4096:-2048])
    for start in range(8 * 4096, len(data), 4096):
        data[start : start + 64] = noise(data[start : start + 64])
    filled.write_bytes(data)
    reopened = Catalogue.__new__(Catalogue)
    try:
        reopened = Catalogue(filled, HERE)
    except CatalogueError as error:
        assert "restore" in error.cure  # noqa: PT017 - either way is right
    else:
        found = maintenance.check(reopened)
        assert found[0].problems
        assert found[0].cure == maintenance.how_to_rebuild()
        reopened.close()


def test_the_vaults_of_a_catalogue_are_listed_with_their_age(catalogue):
    """Accounts are masked."""
    rows = maintenance.vaults(catalogue.database)
    assert [(r["vault"], r["account"], r["kept"], r["inventory"]) for r in rows] == [
        ("music", "********1111", 0, None),
        ("photos", "********1111", 1, 5_000_000),
    ]
    assert catalogue.database.size() >= catalogue.path.stat().st_size


# Exporting and merging


@pytest.mark.parametrize("end", [".parquet", ".csv"])
def test_an_exported_table_gives_every_row_back(filled, tmp_path, end):
    """In any state, with any characters in names; accounts are masked."""
    target = tmp_path / f"table{end}"
    catalogue = Catalogue(filled, HERE)
    catalogue.archives.describe(
        replace(catalogue.archives.get("photos", identifier(0)), note="a, b", labels="a b")
    )
    assert export(catalogue.database, target) == len(NAMES) + 1
    catalogue.close()
    assert HERE.account.encode() not in target.read_bytes()
    assert target.stat().st_mode & 0o777 == 0o600
    if end == ".parquet":
        table = pq.read_table(target)
        assert tuple(table.column_names) == EXPORTED
        assert sorted(table["name"].to_pylist()) == sorted([*NAMES, "other"])
    merged = Catalogue(tmp_path / "new.sqlite", HERE)
    report = importers.take(importers.read(target), merged)
    merged.close()
    assert report.taken == {"unknown": 7, "gone": 2, "deleted here": 1}
    before, after = content(filled), content(tmp_path / "new.sqlite")
    kept = ("archive_id", "name", "description", "format", "mtime", "size", "created", "tree_hash")
    kept += ("labels", "note")
    assert [[getattr(r, k) for k in kept] for r in sorted(after, key=lambda r: r.archive_id)] == [
        [getattr(r, k) for k in kept] for r in sorted(before, key=lambda r: r.archive_id)
    ]


def test_an_export_can_be_of_one_vault(filled, tmp_path):
    """For an unknown vault there is an error and no file."""
    catalogue = Catalogue(filled, HERE)
    assert export(catalogue.database, tmp_path / "m.csv", "music") == 1
    with pytest.raises(InputError, match="no vault 'nope'"):
        export(catalogue.database, tmp_path / "n.csv", "nope")
    with pytest.raises(InputError, match=r"\.parquet or \.csv"):
        export(catalogue.database, tmp_path / "n.xls")
    with pytest.raises(InputError, match="already exists"):
        export(catalogue.database, tmp_path / "m.csv")
    catalogue.close()
    assert files_next_to(filled) == {"catalogue.sqlite", "m.csv"}


def test_another_catalogue_is_merged_in(filled, tmp_path):
    """Known archives stay, new ones are added; a second import adds none."""
    other = tmp_path / "other.sqlite"
    shutil.copy(filled, other)
    data = other.read_bytes()
    merged = Catalogue(tmp_path / "mine.sqlite", HERE)
    record(merged, 0, "my own name")
    record(merged, 500, "mine alone")
    report = importers.take(importers.read(other), merged)
    assert (report.taken.total(), report.known) == (len(NAMES), 1)
    assert "inventories (1)" in report.notes[0]
    assert merged.archives.get("photos", identifier(0)).name == "my own name"
    assert merged.archives.get("photos", identifier(4)).state == "deleted here"
    again = importers.take(importers.read(other), merged)
    assert (again.taken.total(), again.known) == (0, len(NAMES) + 1)
    assert problems(merged) == {}
    merged.close()
    assert other.read_bytes() == data


def test_what_belongs_to_another_account_is_left(filled, tmp_path):
    """With the reason, even if the account is masked."""
    catalogue = Catalogue(filled, HERE)
    export(catalogue.database, tmp_path / "t.csv")
    catalogue.close()
    other = Catalogue(tmp_path / "other.sqlite", THERE)
    for source in (filled, tmp_path / "t.csv"):
        report = importers.take(importers.read(source), other)
        assert report.taken.total() == 0
        assert report.left.reasons == {
            "it belongs to another account: connect to that account first": len(NAMES) + 1
        }
    other.close()


def test_a_damaged_table_gives_what_is_whole(filled, tmp_path):
    """Other rows are skipped with a reason, without a traceback."""
    catalogue = Catalogue(filled, HERE)
    for end in (".csv", ".parquet"):
        export(catalogue.database, tmp_path / f"t{end}")
    text = (tmp_path / "t.csv").read_text()
    (tmp_path / "t.csv").write_text(text[: len(text) // 2] + '"unclosed')
    data = bytearray((tmp_path / "t.parquet").read_bytes())
    data[8:200] = b"\xff" * 192
    (tmp_path / "t.parquet").write_bytes(data)
    for end in (".csv", ".parquet"):
        report = importers.take(importers.read(tmp_path / f"t{end}"), catalogue, dry_run=True)
        assert len(report.left)
    catalogue.close()
