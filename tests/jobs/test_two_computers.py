"""Two computers with catalogues of their own ask for the same archives at the same time."""

import threading

import pytest

from glacier_magic.emulator import process
from glacier_magic.jobs.asking import LOOK_EVERY, window
from glacier_magic.plans.restore.timetable import Pace

ARCHIVES, FIRST = 400, 122
"""FIRST is the second of a portion of requests: what follows in it is requested without a look."""

pytestmark = pytest.mark.usefixtures("held")


@pytest.fixture
def archives(session, emulator, region, vault, listed):
    """The archives of the vault, which the first computer has from an inventory."""
    process.seed(emulator.folder, "photos", ARCHIVES, region=region, size=1000)
    listed(vault)
    # seeded archives share their bytes, and of equal ones a single one is asked for
    session.catalogue.database.execute("UPDATE archive_rows SET tree_hash=NULL")
    return vault.select("*")


@pytest.fixture
def there(connect, tmp_path):
    """The same vault, for another computer."""
    return connect(catalogue=tmp_path / "there.sqlite").vault("photos")


@pytest.fixture
def interrupted(calls):
    """Call a function before the request that has the number FIRST is sent."""

    def interrupted(function):
        original, sent = calls.of("start_retrieval"), []

        def start(*arguments):
            sent.append(arguments)
            if len(sent) == FIRST:
                function()
            return original(*arguments)

        calls.replace("start_retrieval", start)

    return interrupted


def lists(session):
    """Return a list that gets an entry with each ListJobs request of a session."""
    sent = []
    for client in (session.service._patient, session.service._once):
        client.meta.events.register("before-call.glacier.ListJobs", lambda **_: sent.append(1))
    return sent


@pytest.mark.usefixtures("soon", "one_at_a_time")
def test_one_that_starts_in_between_is_noticed(
    session, vault, archives, there, jobs_of, tmp_path, interrupted
):
    """The first is held within its requests; the second asks for all others, which it takes over."""
    other = there.restore_archives(archives, to=tmp_path / "there")
    interrupted(other.run)
    plan, sent = vault.restore_archives(archives, to=tmp_path / "here"), lists(session)
    assert f"up to {window(ARCHIVES)} may be requested" in dict(plan.facts)["another computer"]
    batch = plan.run()
    jobs = jobs_of()
    print(f"\n{len(jobs)} jobs for {ARCHIVES} archives, {len(sent)} ListJobs requests")
    assert set(jobs) == {archive.archive_id for archive in archives}
    assert len(jobs) < ARCHIVES + LOOK_EVERY
    assert batch.snapshot.count("in progress") == ARCHIVES


@pytest.mark.limits(request_interval=1.0)
def test_two_at_the_same_time_ask_for_little_twice(vault, archives, there, jobs_of, tmp_path):
    """Neither is held: the first portion can be the same; after that, one gives way to the other."""
    plans = [one.restore_archives(archives, to=tmp_path / one.session.owner) for one in (vault, there)]
    together = threading.Barrier(2)

    def run(plan):
        together.wait()
        plan.run()

    threads = [threading.Thread(target=run, args=(plan,)) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    jobs = jobs_of()
    print(f"\n{len(jobs)} jobs for {ARCHIVES} archives")
    assert set(jobs) == {archive.archive_id for archive in archives}
    assert len(jobs) <= ARCHIVES + 2 * window(ARCHIVES)


@pytest.mark.usefixtures("soon", "one_at_a_time")
@pytest.mark.limits(request_interval=0)
def test_scheduled_requests_are_noticed_too(
    session, vault, archives, there, later, jobs_of, tmp_path, interrupted
):
    """The requests of a day are all due at once; the trackers of both computers send them."""
    for one in (vault, there):
        one.session.tracker.background = False
        one.restore_archives(archives, to=tmp_path / one.session.owner, pace=Pace.of("2d", None)).run()
    later(session, there.session, days=1.5)

    def rounds(one):
        for _ in range(3):  # in the first, it gives way
            steps = one.session.tracker.snapshots()
            next(steps)
            steps.close()

    interrupted(lambda: rounds(there))
    rounds(vault)
    jobs = jobs_of()
    print(f"\n{len(jobs)} jobs for {len(set(jobs))} archives")
    assert len(set(jobs)) >= ARCHIVES // 2
    assert len(jobs) < len(set(jobs)) + LOOK_EVERY
