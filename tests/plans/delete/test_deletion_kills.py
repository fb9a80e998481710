"""Killed with SIGKILL in every state of a deletion and of a drop, and then gone on with.

The emulator's own store says what was deleted, and its log of requests how often it was asked.
"""

import sqlite3

import pytest

from glacier_magic.base.session_limits import Limits
from glacier_magic.emulator import process
from glacier_magic.jobs import Batch
from tests.catalogue import archive_record

pytestmark = pytest.mark.limits(drop_retry=0.05)

PATIENCE = 30.0
COUNT = 250

WORK = """
    import sys, threading
    import glacier_magic as gm
    from glacier_magic.catalogue.records.deletion_records import Deletions
    from glacier_magic.catalogue.records.drop_records import Drops
    from glacier_magic.jobs.dropping import Dropper
    from glacier_magic.service import Service
    folder, region, catalogue, log, moment = sys.argv[1:]
    lock = threading.Lock()
    def say(text):
        with lock:
            with open(log, "a") as file:
                file.write(text + chr(10))
    def here(name):  # stops where it is to be killed
        if name == moment:
            with lock:
                print("here", flush=True)
                threading.Event().wait()
    def around(kind, name, before, after, note=None):
        original = getattr(kind, name)
        def call(self, *args, **options):
            if note:
                say(note(*args))
            here(before)
            result = original(self, *args, **options)
            here(after)
            return result
        setattr(kind, name, call)
    sent = [0]
    original = Service.delete_archive
    def delete_archive(self, vault, archive_id):
        say(archive_id)
        with lock:
            sent[0] += 1
        original(self, vault, archive_id)
        if sent[0] >= 100:
            here("after the hundredth answer")
    Service.delete_archive = delete_archive
    around(Deletions, "begin", "before the queue", "after the queue")
    around(Deletions, "settle", "before the first outcomes", "after the first outcomes")
    around(Deletions, "ended", "before the end", "after the end")
    around(Drops, "begin", "before the drop", "after the drop")
    around(Service, "start_inventory", "before the inventory", "after the inventory")
    around(Dropper, "_take", "before the job", "after the job")
    around(Dropper, "_prove_empty", "before the proof", "after the proof")
    around(Service, "delete_vault", "before the vault", "after the vault")
    session = connect(folder, region, catalogue, tick=0.05, emulator_idle=0.05, deletion_batch=20)
"""

DELETE = (
    WORK
    + """
    session.vault("photos").delete("*").run(confirm="photos")
    print("done", flush=True)
"""
)

DROP = (
    WORK
    + """
    found = session.drop_with_archives("photos")
    if isinstance(found, gm.EmptyPlan):
        found.run(confirm="photos")
    print("ready", flush=True)
    sys.stdin.readline()
    session.service.account()  # hears the emulator's clock
    session.drops().wait()
    sys.stdin.readline()  # the thread that dropped it may still come to where it is killed
"""
)


@pytest.fixture
def seeded(emulator, region, client, put):
    """A vault of many archives, with a neighbour of as many names, both listed at once."""
    for vault in ("photos", "neighbour"):
        process.seed(emulator.folder, vault, COUNT, region=region, size=100)


@pytest.fixture
def live(emulator, region):
    """Count the archives of a vault in the emulator's own store; None for a vault dropped."""

    def live(vault):
        store = sqlite3.connect(emulator.folder / "store.sqlite")
        row = store.execute(
            "SELECT v.deleted, (SELECT count(*) FROM archives a WHERE a.vault=v.id "
            "AND a.deleted IS NULL) FROM vaults v WHERE v.name=? AND v.region=?",
            (vault, region),
        ).fetchone()
        store.close()
        return None if row[0] is not None else row[1]

    return live


@pytest.fixture
def killed(child, emulator, region, tmp_path, session_place):
    """Run a script until it is at a moment, and kill it there; return what it had sent."""
    log = tmp_path / "requests"

    def killed(script, moment):
        log.touch()
        running = child(script, emulator.folder, region, session_place, log, moment)
        running.until("here")
        running.kill()
        return log.read_text().split()

    killed.log = log
    return killed


@pytest.fixture
def sent(calls, killed):
    """Note in the same log what this process sends."""

    original = calls.of("delete_archive")

    def delete(self, vault, archive_id):
        with killed.log.open("a") as file:
            file.write(archive_id + "\n")
        return original(self, vault, archive_id)

    calls.replace("delete_archive", delete)
    return lambda: killed.log.read_text().split()


@pytest.fixture
def inventoried(connect, seeded, later):
    """The vault's list is in the catalogue."""
    session = connect()
    job = session.vault("photos").refresh_inventory()
    later(session, hours=4.2)
    assert len(job.result(PATIENCE)) == COUNT
    session.close()


@pytest.mark.parametrize(
    ("moment", "kept"),
    [
        ("before the queue", False),
        ("after the queue", True),
        ("after the hundredth answer", True),
        ("before the first outcomes", True),
        ("after the first outcomes", True),
        ("before the end", True),
    ],
)
def test_a_deletion_is_gone_on_with_where_it_was_killed(
    inventoried, connect, killed, sent, live, put, moment, kept
):
    """Only what was confirmed is deleted, each a bounded number of times."""
    before = killed(DELETE, moment)
    session = connect()
    vault = session.vault("photos")
    new = put("came after the confirmation")
    session.catalogue.archives.record(vault_record(session, new))
    unfinished = session.catalogue.deletions.unfinished()
    assert len(unfinished) == kept
    if not kept:
        assert (before, live("photos")) == ([], COUNT + 1)
        return
    assert unfinished[0].archives == COUNT
    done = session.resume_deletion(unfinished[0])
    assert (done.deleted, done.failed, done.left) == (COUNT, 0, 0)
    assert live("photos") == 1
    assert live("neighbour") == COUNT
    assert new not in sent()
    assert [a.archive_id for a in vault.delete("*").archives] == [new]
    once_more(before, sent())


def vault_record(session, archive_id):

    return archive_record(
        "came after the confirmation",
        archive_id=archive_id,
        created=session.service.clock.now_ms(),
        tree_hash=None,
    )


def once_more(before, after):
    """Each was sent at most twice, and twice only what was not on record at the kill."""
    assert len(set(after)) == COUNT
    again = len(after) - COUNT
    # batches of 20 were recorded; one may wait, one may be under way, and a request per worker
    assert again <= 2 * 20 + Limits.workers
    assert max(after.count(each) for each in set(before)) <= 2 if before else again == 0


def test_killed_again_and_again_it_comes_to_its_end(inventoried, child, connect, killed, sent, live):
    """Each process gets a little further; the requests stay in proportion."""
    killed(DELETE, "after the first outcomes")
    resume = DELETE.replace(
        'session.vault("photos").delete("*").run(confirm="photos")',
        "session.resume_deletion(session.catalogue.deletions.unfinished()[0])",
    )
    for _ in range(3):
        killed(resume, "after the first outcomes")
    session = connect()
    [queue] = session.catalogue.deletions.unfinished()
    assert queue.deleted > 3 * 15
    session.resume_deletion(queue)
    assert (live("photos"), live("neighbour")) == (0, COUNT)
    assert len(sent()) - COUNT <= 4 * (20 + Limits.workers)


@pytest.mark.parametrize(
    "moment", ["after the drop", "before the inventory", "after the inventory", "after the job"]
)
def test_a_drop_killed_before_its_list_asks_once(seeded, connect, killed, later, jobs_of, live, moment):
    """Whatever was asked for is found again."""
    killed(DROP, moment)
    session = connect()
    asked = session.drop_with_archives("photos")
    assert isinstance(asked, Batch)
    later(session, hours=4.2)
    session.tracker.wait(lambda _: state(session) == "confirming", PATIENCE)
    assert len(jobs_of(action="InventoryRetrieval")) == 1
    assert len(session.catalogue.drops.shown()) == 1
    assert len(session.drop_with_archives("photos").choice) == COUNT
    assert (live("photos"), live("neighbour")) == (COUNT, COUNT)


def state(session):
    return session.catalogue.drops.shown()[0].state


@pytest.mark.parametrize(
    "moment",
    ["before the queue", "after the queue", "after the hundredth answer", "before the end", "after the end"],
)
def test_a_drop_killed_while_it_deletes_goes_on_by_itself(
    inventoried, connect, killed, sent, live, later, moment
):
    """In the next session of anybody, without a question; not before it was confirmed."""
    before = killed(DROP, moment)
    session = connect()
    session.jobs()
    if moment == "before the queue":
        assert state(session) == "confirming"
        session.tracker.wait(lambda _: False, 0.3)
        assert (sent(), live("photos")) == ([], COUNT)
        return
    session.tracker.wait(lambda _: state(session) == "proving", PATIENCE)
    assert (live("photos"), live("neighbour")) == (0, COUNT)
    once_more(before, sent())
    later(session, hours=25)
    session.tracker.wait(lambda _: state(session) == "dropped", PATIENCE)
    assert (live("photos"), live("neighbour")) == (None, COUNT)


@pytest.mark.each_backend
@pytest.mark.parametrize(
    "moment", ["before the proof", "after the proof", "before the vault", "after the vault"]
)
def test_a_drop_killed_at_its_end_is_dropped(
    inventoried, connect, child, emulator, region, tmp_path, killed, live, later, moment, session_place
):
    """The proof is asked for once more; a vault that is gone already is what was wanted."""
    running = child(DROP, emulator.folder, region, session_place, killed.log, moment)
    running.until("ready")
    process.advance(emulator.folder, 25 * 3600)
    running.go_on()
    running.until("here")
    running.kill()
    session = connect()
    session.jobs()
    later(session, hours=25)
    session.tracker.wait(lambda _: state(session) == "dropped", PATIENCE)
    assert (live("photos"), live("neighbour")) == (None, COUNT)
    assert session.catalogue.archives.count("photos") == 0
