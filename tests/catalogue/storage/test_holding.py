"""What costs or destroys waits for the user where a catalogue was restored, copied or moved."""

import collections
import os
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glacier_magic import cli
from glacier_magic.catalogue.records.deletion_records import DeletionChoice
from glacier_magic.catalogue.storage import backup as filing
from glacier_magic.errors import NotReady, Refused
from glacier_magic.plans import EmptyPlan
from glacier_magic.plans.restore.timetable import Pace

PATIENCE = 30.0
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("soon")


@pytest.fixture
def requests():
    """Count the requests of sessions by operation."""
    return collections.Counter()


@pytest.fixture
def opened(connect, requests):
    """Open sessions whose requests are counted, all together."""

    def opened(**options):
        session = connect(**options)
        for client in (session.service._patient, session.service._once):
            client.meta.events.register(
                "before-call.glacier", lambda model, **_: requests.update([model.name])
            )
        return session

    return opened


@pytest.fixture
def vault(opened, put, later):
    """A vault of three archives that the catalogue of a session knows."""
    session = opened()
    vault = session.create_vault("photos")
    for name in "abc":
        put(name, name.encode() * 100)
    later(days=1.2)
    job = vault.refresh_inventory()
    later(session, hours=4.1)
    job.result(PATIENCE)
    return vault


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Be another computer from now on; copy a catalogue there."""

    def elsewhere(catalogue):
        monkeypatch.setenv("GLACIER_MAGIC_HOME", str(tmp_path / "computer-2" / "home"))
        (tmp_path / "computer-2").mkdir()
        return shutil.copy(catalogue, tmp_path / "computer-2" / "catalogue.sqlite")

    return elsewhere


@pytest.fixture
def left(emulator, region):
    """Count the archives that the emulator still has of the vault."""

    def left():
        store = sqlite3.connect(emulator.folder / "store.sqlite")
        sql = "SELECT live_count FROM vaults WHERE name='photos' AND region=?"
        (count,) = store.execute(sql, (region,)).fetchone()
        store.close()
        return count

    return left


@pytest.fixture
def passes(later):
    """Let days pass in steps, in each of which the tracker does all that it can."""

    def passes(session, days):
        for _ in range(days * 6):
            later(session, hours=4)
            rounds(session, 3)

    return passes


def rounds(session, count):
    """Let the tracker look at everything so many times."""
    for _ in range(count):
        seen = session.tracker._reported
        session.tracker.wake()
        session.tracker.wait(lambda _, seen=seen: session.tracker._reported != seen, 1.0)


def restored(session, backup):
    """Put a backup in the place of a session's catalogue."""
    session.close()
    filing.restore(backup, session.catalogue.path, NOW)


def confirmed_drop(session, vault):
    """Begin a drop, and kill the process between the confirmation and the first deletion."""
    session.drop_with_archives(vault.name)
    session.tracker.stop()  # of the process that is killed
    drop = session.catalogue.drops.open_of(vault.name)
    archives, drops = session.catalogue.archives, session.catalogue.drops
    choice = DeletionChoice(archives, vault.name, archives.numbers(vault.name, None))
    session.catalogue.deletions.begin(
        choice,
        what="all of it",
        size=300,
        promised={},
        also=lambda number: drops.move(drop.id, ["confirming"], "deleting", deletion=number),
    )


# Restored


def test_a_restored_schedule_is_not_paid_for_again(opened, requests, vault, later, passes, tmp_path):
    """Its files exist: nothing is requested, neither when it is opened nor after resuming."""
    session, back = vault.session, tmp_path / "back"
    batch = vault.restore("*", to=back, spread=3).run()
    filing.backup(session.catalogue.path, tmp_path / "older")
    passes(session, 3)
    assert len(batch.wait(PATIENCE).files) == 3
    later(session, days=2)
    before = requests["InitiateJob"]
    restored(session, tmp_path / "older")
    again = opened()
    board = again.jobs()
    passes(again, 3)
    assert requests["InitiateJob"] == before
    assert "Held since the catalogue was restored, copied or moved: 2 archives" in repr(board)
    assert "session.held.resume()" in repr(board)
    with pytest.raises(NotReady, match="2 jobs of 2 on hold"):
        again.pending().wait(PATIENCE)
    assert "2 archives to ask for (200 B)" in repr(again.held)
    assert again.held.resume() == "Goes on: 2 archives to ask for (200 B)."
    again.jobs()
    passes(again, 3)
    assert requests["InitiateJob"] == before
    assert sorted(row.state for row in board.snapshot.rows) == ["verified"] * 3
    assert sorted(file.name for file in back.iterdir()) == ["a", "b", "c"]
    assert again.held.resume() == "Nothing is on hold."


def test_what_is_missing_of_a_restored_schedule_is_requested_after_resuming(
    opened, requests, vault, passes, tmp_path
):
    """Once each."""
    session, back = vault.session, tmp_path / "back"
    vault.restore("*", to=back, spread=3).run()
    filing.backup(session.catalogue.path, tmp_path / "older")
    passes(session, 1)
    session.stop_restores()
    restored(session, tmp_path / "older")
    again = opened()
    again.held.resume()
    again.jobs()
    passes(again, 4)
    assert sorted(file.name for file in back.iterdir()) == ["a", "b", "c"]
    assert requests["InitiateJob"] == 1 + 3  # of the inventory, and one an archive


def test_a_discarded_schedule_is_never_requested(opened, requests, vault, passes, tmp_path):
    """It is no longer on hold, nor on the board."""
    session = vault.session
    vault.restore("*", to=tmp_path / "back", spread=3).run()
    filing.backup(session.catalogue.path, tmp_path / "older")
    restored(session, tmp_path / "older")
    again, before = opened(), requests["InitiateJob"]
    assert again.held.discard() == "Given up: 2 archives to ask for (200 B)."
    board = again.jobs()
    passes(again, 4)
    assert requests["InitiateJob"] == before
    assert {row.state for row in board.snapshot.rows} == {"verified"}


def test_new_work_is_not_on_hold(opened, requests, vault, passes, tmp_path):
    """A new restore takes over the requests that are on hold; each is sent once."""
    session = vault.session
    vault.restore("*", to=tmp_path / "back", spread=3).run()
    filing.backup(session.catalogue.path, tmp_path / "older")
    restored(session, tmp_path / "older")
    again, before = opened(), requests["InitiateJob"]
    plan = again.vault("photos").restore("*", to=tmp_path / "back")
    assert plan.requests == 2
    batch = plan.run()
    passes(again, 1)
    assert len(batch.wait(PATIENCE).files) == 3
    assert requests["InitiateJob"] == before + 2
    assert repr(again.held) == "Nothing is on hold."


@pytest.mark.parametrize("face", ["jobs", "wait", "deletions", "python"])
def test_a_stopped_drop_does_not_go_on_when_an_older_backup_is_looked_at(
    opened, requests, vault, tmp_path, face, left, monkeypatch, emulator, region, capsys
):
    """No archive is deleted on looking at the board, in the shell and in Python."""
    session = vault.session
    confirmed_drop(session, vault)
    filing.backup(session.catalogue.path, tmp_path / "older")
    session.stop_drop("photos")
    restored(session, tmp_path / "older")
    if face == "python":
        again = opened()
        board = again.jobs()
        rounds(again, 5)
        assert "copied or moved: drop of photos" in repr(board)
    else:
        monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(session.catalogue.path))
        assert cli.main(["connect", "--data", str(emulator.folder), "--region", region]) == 0
        assert cli.main([face]) == (75 if face == "wait" else 0)
        out, err = capsys.readouterr()
        assert "on hold" in out + err or "glacier-magic catalogue resume" in out + err
    assert requests["DeleteArchive"] == 0
    assert left() == 3


def test_a_drop_continues_only_when_the_user_says_so(opened, requests, vault, tmp_path, left, until):
    """Before that, no verb continues it; then all archives are deleted."""
    session = vault.session
    confirmed_drop(session, vault)
    filing.backup(session.catalogue.path, tmp_path / "older")
    restored(session, tmp_path / "older")
    again = opened()
    with pytest.raises(Refused, match="on hold"):
        again.drop_with_archives("photos")
    (deletion,) = again.catalogue.deletions.unfinished()
    with pytest.raises(Refused, match="on hold"):
        again.resume_deletion(deletion)
    assert (requests["DeleteArchive"], left()) == (0, 3)
    assert again.held.resume() == "Goes on: drop of photos."
    again.jobs()
    until(lambda: left() == 0)
    assert requests["DeleteArchive"] == 3


def test_a_drop_that_is_given_up_can_begin_again(opened, requests, vault, tmp_path):
    """With its confirmation."""
    session = vault.session
    confirmed_drop(session, vault)
    filing.backup(session.catalogue.path, tmp_path / "older")
    restored(session, tmp_path / "older")
    again = opened()
    assert again.held.discard() == "Given up: drop of photos."
    again.jobs()
    rounds(again, 5)
    assert requests["DeleteArchive"] == 0
    assert again.catalogue.deletions.unfinished() == []
    assert isinstance(again.drop_with_archives("photos"), EmptyPlan)


# Copied


def test_a_copied_catalogue_asks_for_nothing_by_itself(
    opened, requests, vault, passes, tmp_path, elsewhere, monkeypatch
):
    """Three archives are three jobs, also when both computers go on; nothing is held at home."""
    session = vault.session
    vault.restore("*", to=tmp_path / "back", spread=3).run()
    session.close()
    home_folder = os.environ["GLACIER_MAGIC_HOME"]
    copied = elsewhere(session.catalogue.path)
    copy = opened(catalogue=copied)
    copy.jobs()
    passes(copy, 1)
    assert requests["InitiateJob"] == 2  # of the inventory, and of the first archive
    copy.close()
    monkeypatch.setenv("GLACIER_MAGIC_HOME", home_folder)
    home = opened()
    assert home.held.words == ""
    home.jobs()
    passes(home, 3)
    home.close()
    monkeypatch.setenv("GLACIER_MAGIC_HOME", str(Path(copied).parent / "home"))
    copy = opened(catalogue=copied)
    copy.held.resume()
    copy.jobs()
    passes(copy, 1)
    assert requests["InitiateJob"] == 1 + 3
    assert len(list((tmp_path / "back").iterdir())) == 3


@pytest.mark.parametrize("how", ["older copy over it", "moved", "backup opened"])
def test_the_place_is_where_the_catalogue_was_opened_last(vault, opened, tmp_path, how):
    """A copy that was put back by hand is detected, and so is a backup that is opened directly."""
    session, older = vault.session, tmp_path / "older.sqlite"
    path = session.catalogue.path
    vault.restore("*", to=tmp_path / "back", spread=3).run()
    session.close()
    if how == "backup opened":
        filing.backup(path, older)
        assert "2 archives" in opened(catalogue=older).held.words
        return
    shutil.copy(path, older)
    for _ in range(2):
        again = opened()
        assert again.held.words == ""
        again.close()
    if how == "moved":
        path = path.rename(tmp_path / "moved.sqlite")
    else:
        path.write_bytes(older.read_bytes())
    assert "2 archives" in opened(catalogue=path).held.words


def test_a_catalogue_of_an_earlier_version_is_not_held(vault, opened, tmp_path):
    """It has no name of a place."""
    session = vault.session
    vault.restore("*", to=tmp_path / "back", spread=3).run()
    session.catalogue.database.execute("DELETE FROM settings WHERE key='place'")
    session.close()
    again = opened()
    assert again.held.words == ""
    again.close()
    assert opened().held.words == ""
    moved = shutil.copy(session.catalogue.path, tmp_path / "copy.sqlite")
    assert "2 archives" in opened(catalogue=moved).held.words


def test_a_dump_that_is_restored_on_a_server_is_held(vault, opened, tmp_path, database_url):
    """Its table has another id; the original catalogue is not held."""
    first = opened(catalogue=database_url)
    plan = first.vault("photos").restore_archives(
        vault.session.catalogue.archives.query("photos").records,
        to=tmp_path / "back",
        pace=Pace.of("3d", None),
    )
    plan.run()
    first.close()
    again = opened(catalogue=database_url)
    assert again.held.words == ""
    for words in (
        "ALTER TABLE settings RENAME TO before",
        "CREATE TABLE settings(LIKE before INCLUDING ALL)",
        "INSERT INTO settings SELECT * FROM before",
    ):
        again.catalogue.database.execute(words)
    again.close()
    held = opened(catalogue=database_url).held
    assert "2 archives" in held.words
    held.resume()
    assert opened(catalogue=database_url).held.words == ""


HALTED = """
    import sys, time
    from datetime import datetime, UTC
    from pathlib import Path
    from glacier_magic.catalogue.storage import backup as filing
    source, target = map(Path, sys.argv[1:])
    original = Path.replace
    def replace(part, other):
        original(part, other)
        print("renamed", flush=True)
        time.sleep(60)
    Path.replace = replace
    filing.restore(source, target, datetime.now(UTC))
"""


def test_a_restore_that_is_killed_after_the_rename_is_held_all_the_same(vault, opened, tmp_path, child):
    """The mark is in the file before it gets its name."""
    session = vault.session
    vault.restore("*", to=tmp_path / "back", spread=3).run()
    session.close()
    older = shutil.copy(session.catalogue.path, tmp_path / "older.sqlite")
    halted = child(HALTED, older, session.catalogue.path)
    halted.until("renamed")
    halted.kill()
    assert "2 archives" in opened().held.words


# Before a paid request


def test_a_scheduled_archive_with_a_job_of_somebody_else_is_not_requested(
    opened, requests, vault, later, tmp_path, client
):
    """However short ago the list of jobs was read."""
    session = vault.session
    batch = vault.restore("*", to=tmp_path / "back", spread=3).run()
    for archive in session.catalogue.archives.query("photos").records:
        asked = {"Type": "archive-retrieval", "ArchiveId": archive.archive_id}
        client.initiate_job(vaultName="photos", jobParameters=asked)
    before = requests["InitiateJob"]
    later(session, days=1.1)
    rounds(session, 10)
    assert requests["InitiateJob"] == before
    assert batch.snapshot.count("scheduled") == 1


def test_a_scheduled_archive_whose_file_is_there_is_not_requested(requests, vault, passes, tmp_path):
    """With the right size and tree hash it is the verified file."""
    session, back = vault.session, tmp_path / "back"
    batch = vault.restore("*", to=back, spread=3).run()
    for name in "abc":
        (back / name).write_bytes(name.encode() * 100)
    before = requests["InitiateJob"]
    passes(session, 4)
    assert len(batch.wait(PATIENCE).files) == 3
    assert requests["InitiateJob"] == before
    assert sorted(file.name for file in back.iterdir()) == ["a", "b", "c"]
