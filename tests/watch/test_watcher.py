"""What a watcher continues when no session does, and the lines that it prints."""

import json
import os
import sqlite3
from pathlib import Path

import pytest

from glacier_magic import Session
from glacier_magic.catalogue.records.watch_records import LEASE
from glacier_magic.catalogue.storage.owners import new_owner
from glacier_magic.emulator import process
from glacier_magic.errors import AccessDenied, CatalogueError, CredentialsError, Unavailable
from tests.counting import counting
from tests.packed import place
from tests.plans.delete.test_delete_plan import begun
from tests.transfer.migrate.conftest import archives, bucket, requests, s3, to

__all__ = ["archives", "bucket", "requests", "s3", "to"]
pytestmark = pytest.mark.usefixtures("soon")


def left(session):
    """Close a session, as the end of a kernel does."""
    catalogue = session.catalogue.path
    session.close()
    return catalogue


def test_what_a_closed_session_has_requested_arrives(filled, session, watch, emulator, until, tmp_path):
    """Each output is fetched once, verified, and the watcher ends with the last one."""
    filled.restore("*", to=tmp_path / "back").run()
    left(session)
    with counting(emulator, "InitiateJob") as requests, counting(emulator, "GetJobOutput") as fetched:
        watched = watch()
        until(lambda: watched.said("started, 3 requests open"))
        emulator.advance(hours=4.1)
        lines = watched.end()
        assert (requests(), fetched()) == (0, 3)
    assert (tmp_path / "back/scans/a.tif").read_bytes() == b"scans/a.tif" * 100
    assert sum("downloaded and verified" in line for line in lines) == 3
    assert lines[-1].endswith("nothing is open")


@pytest.mark.limits(emulator_idle=3600)
def test_nothing_is_requested_while_nothing_is_due(filled, session, watch, emulator, until, tmp_path):
    """Neither of a job that takes hours, nor without any."""
    filled.restore("c.txt", to=tmp_path / "back").run()
    left(session)
    watched = watch(for_ever=True)
    until(lambda: watched.said("started, 1 request open"))
    watched.later(until)  # the polls with which it begins
    with counting(emulator, "*") as requests:
        watched.later(until)
        assert requests() == 0
    watched.stop()
    assert not watched.said("requested")


def test_without_anything_open_it_ends_without_a_request(session, vault, watch, emulator, until):
    """With --forever it waits for what another process begins."""
    left(session)
    with counting(emulator, "*") as requests:
        assert watch().end() == []
        watched = watch(for_ever=True)
        watched.later(until)
        assert requests() == 0
        assert watched.stop() == []


def test_a_catalogue_that_cannot_be_read_is_no_sign_that_nothing_is_open(session, vault, watch, until):
    """With --forever it is said once, and looked at again."""
    catalogue = left(session)
    for log in catalogue.parent.glob(f"{catalogue.name}-*"):
        log.unlink()
    catalogue.write_bytes(b"no database" * 1000)
    with pytest.raises(CatalogueError, match="is damaged"):
        watch().end()
    watched = watch(for_ever=True)
    watched.later(until)
    assert len(watched.stop()) == 1


def test_it_takes_up_what_begins_while_it_runs(filled, watch, emulator, until, tmp_path):
    """The kernel sends the request, dies, and comes back to a file."""
    watched = watch(for_ever=True)
    watched.later(until)
    filled.restore("c.txt", to=tmp_path / "back").run()
    left(filled.session)
    until(lambda: watched.said("started, 1 request open"))
    emulator.advance(hours=4.1)
    until(lambda: watched.said("nothing is open"))
    watched.stop()
    assert (tmp_path / "back/c.txt").exists()


def test_scheduled_requests_are_sent_when_they_are_due(filled, session, watch, emulator, until, tmp_path):
    """Each once, on its day; a row of a drop and of other clients is not waited for."""
    filled.restore("*", to=tmp_path / "back", spread="3d").run()
    left(session)
    with counting(emulator, "InitiateJob") as requests:
        watched = watch()
        for _ in range(4):
            emulator.advance(days=1)
            watched.later(until)
        lines = watched.end()
        assert requests() == 2  # the first was sent by the session
    assert sum("downloaded and verified" in line for line in lines) == 3
    assert any("requested scans/b.tif, Standard" in line for line in lines)


def test_a_confirmed_deletion_is_continued_and_no_failed_one_repeated(
    filled, session, watch, emulator, client
):
    """Only what was confirmed; a queue that ended with failures is for the user."""
    begun(session, filled, "scans/*")
    failed = begun(session, filled, "c.txt")
    session.catalogue.database.execute(
        "UPDATE deletion_items SET state='failed' WHERE deletion=?", (failed.id,)
    )
    session.catalogue.database.execute("UPDATE deletions SET failed=1, state='done' WHERE id=?", (failed.id,))
    left(session)
    with counting(emulator, "DeleteArchive") as requests:
        lines = watch().end()
        assert requests() == 2
    assert lines[1].endswith("started deletion of 2 archives from photos")
    assert lines[2].endswith("finished deletion of 2 archives from photos")


def test_sources_of_moves_are_deleted_only_while_s3_has_them(
    archives, vault, session, watch, to, ready, later, s3, bucket, requests
):
    """S3 is asked for each object, as by the session that was closed."""
    archives(a=10, b=20, c=30)
    ready(vault.migrate("*", to=to, storage_class="STANDARD", tier="Standard").run())
    later(session, days=91)
    plan = vault.delete_migrated()
    session.catalogue.deletions.begin(plan.choice, what=plan.title, size=plan.bytes, promised=plan.promised())
    s3.delete_object(Bucket=bucket, Key="in/a")
    left(session)
    lines = watch().end()
    assert requests("DeleteArchive") == 2
    assert any("started deletion of 3 archives" in line for line in lines)


@pytest.mark.limits(denials=2, workers=1)
def test_a_deletion_that_a_lock_denies_is_said_and_not_tried_again(filled, session, watch, calls):
    """It stays with its reason; the watcher goes on with the rest."""
    begun(session, filled)
    left(session)

    def deny(*_):
        raise AccessDenied("denied", code="AccessDeniedException")

    calls.replace("delete_archive", deny)
    lines = watch().end()
    assert sum("started deletion" in line for line in lines) == 1
    assert any("failed deletion of 3 archives" in line for line in lines)


@pytest.mark.limits(drop_retry=0.05)
def test_a_drop_goes_on_to_its_end(session, put, later, watch, emulator, client, until):
    """Emptied, proven empty, and dropped, over days."""
    session.create_vault("photos")
    put("a")
    later(days=1.2)
    session.drop_with_archives("photos")
    later(session, hours=4.1)
    until(lambda: session.catalogue.drops.open_of("photos").state == "confirming")
    session.drop_with_archives("photos").run(confirm="photos")
    left(session)
    watched = watch()
    for _ in range(3):
        emulator.advance(days=1.2)
        watched.later(until)
    lines = watched.end()
    assert any("finished drop of photos" in line for line in lines), lines
    assert client.list_vaults()["VaultList"] == []


def test_what_an_interrupted_backup_has_packed_is_stored(backup, session, watch, calls, emulator):
    """Once, and nothing else: the folders are not looked at."""

    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    place(backup.root / "a.bin", 5000)
    for name in ("upload_archive", "start_upload"):
        calls.replace(name, kill)
    with pytest.raises(Killed):
        backup.run()
    for name in ("upload_archive", "start_upload"):
        calls.restore(name)
    assert [found.name for found in session.catalogue.backups.to_send()] == ["home"]
    place(backup.root / "b.bin", 5000)
    left(session)
    with counting(emulator, "CompleteMultipartUpload") as sent:
        lines = watch().end()
        assert sent() == 1
    assert lines[-2].endswith("finished upload of packs of the backup home")


def test_a_login_that_fails_is_said_once_and_tried_again(filled, session, watch, emulator, until, tmp_path):
    """Without a secret; what is open waits."""
    filled.restore("c.txt", to=tmp_path / "back").run()
    left(session)
    tried, works = [], []

    def open_session(connection, catalogue, limits):
        tried.append(connection)
        if not works:
            raise CredentialsError("The keys of profile archive have expired")
        return Session(connection, catalogue=catalogue, limits=limits)

    emulator.advance(hours=4.1)
    watched = watch(sessions=open_session)
    until(lambda: len(tried) > 3)
    works.append(True)
    lines = watched.end()
    assert sum("have expired" in line for line in lines) == 1
    assert (tmp_path / "back/c.txt").exists()


def test_another_account_is_refused(filled, session, watch, until, home, tmp_path):
    """Credentials that changed meanwhile must not continue the work of another account."""
    filled.restore("c.txt", to=tmp_path / "back").run()
    left(session)
    [stored] = (home / "own/catalogues").glob("*.json")
    text = json.loads(stored.read_text())
    known = text["known"]
    # as if the catalogue were of an account that this login does not reach
    text["known"]["account"] = "999999999999"
    stored.write_text(json.dumps(text))
    database = sqlite3.connect(known["file"])
    database.execute("UPDATE downloads SET account='999999999999'")
    database.commit()
    database.close()
    watched = watch(for_ever=True)
    until(lambda: watched.said("another account"))
    watched.stop()
    assert "999999999999" not in "".join(watched.lines)


# Who watches


def test_a_second_one_says_who_watches(filled, session, watch, emulator, until, tmp_path):
    """Or waits for the end of the first; a kernel's watch is taken over."""
    filled.restore("c.txt", to=tmp_path / "back").run()
    assert session.catalogue.watches.claim("kernel", session.owner)
    first = watch(for_ever=True)
    until(lambda: first.said("started, 1 request open"))
    with pytest.raises(Unavailable, match=f"process {os.getpid()} on .* watches"):
        watch().end()
    waiting = watch(for_ever=True, by="server")
    until(lambda: waiting.said("watches it"))
    assert session.catalogue.watches.current().by == "watch"
    first.stop()
    until(lambda: waiting.said("started, 1 request open"))
    assert session.catalogue.watches.current().by == "server"
    waiting.stop()
    assert session.catalogue.watches.current() is None


def age(session, seconds):
    """Let the lease of a watch be as old as if so many seconds had passed."""
    settings, watches = session.catalogue.settings, session.catalogue.watches
    found = json.loads(settings.get(watches._key))
    settings.put(watches._key, json.dumps(found | {"until": found["until"] - seconds}))


@pytest.mark.each_backend
def test_the_lease_of_a_watch(connect):
    """One process has it; one that died, or does not renew it, has it no more."""
    session = connect()
    watches, me, other = session.catalogue.watches, new_owner(), new_owner()
    assert watches.claim("watch", me)
    assert watches.claim("watch", me)
    assert not watches.claim("server", other)
    assert not watches.claim("kernel", other)
    watches.release(other)
    assert watches.current().owner == me
    age(session, LEASE * 0.9)
    assert watches.claim("watch", me)  # renewed
    age(session, LEASE * 0.9)
    assert not watches.claim("server", other)
    age(session, LEASE * 0.2)
    assert watches.current() is None
    assert watches.claim("server", other)
    dead = me.replace(f":{os.getpid()}:", ":4194303:")
    watches.release(other)
    assert watches.claim("watch", dead)
    assert watches.claim("watch", me)


def test_a_replaced_catalogue_is_opened_again(filled, session, watch, until, tmp_path):
    """Or the watcher would write to the file that was moved away."""
    catalogue = left(session)
    watched = watch(for_ever=True)
    watched.later(until)
    before = next(iter(watched.watcher._followed.values()))
    copy = Path(f"{catalogue}.copy")
    copy.write_bytes(catalogue.read_bytes())
    copy.replace(catalogue)
    watched.later(until)
    assert next(iter(watched.watcher._followed.values())) is not before
    catalogue.unlink()
    until(lambda: not watched.watcher._followed)
    watched.stop()


def test_an_emulator_that_was_stopped_is_not_started_again(
    own_emulator, connect, files, watch, until, tmp_path
):
    """It was the user; what is open goes on when it runs."""
    session = connect(emulator=own_emulator.folder)
    vault = session.create_vault("photos")
    vault.upload(files("a.txt"))
    vault.restore("a.txt", to=tmp_path / "back").run()
    left(session)
    watched = watch(for_ever=True)
    until(lambda: watched.said("started, 1 request open"))
    process.stop(own_emulator.folder)
    watched.later(until)
    assert process.find(own_emulator.folder) is None
    process.start(own_emulator.folder, speed=0)
    own_emulator.advance(hours=4.1)
    until((tmp_path / "back/a.txt").exists)
    watched.stop()
