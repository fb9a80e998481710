"""The tracker over long hours: how often it looks, and what it lives through."""

import collections
import os
import time
from datetime import timedelta

import pytest

from glacier_magic.emulator import process
from glacier_magic.jobs import tracker

JOBS = int(os.environ.get("TRACKER_JOBS", "300"))
"""With 10000 it takes some minutes, and says what the calls are at that size (pytest -s)."""
PORTIONS, EVERY = 6, timedelta(minutes=15)
HOURS = timedelta(hours=12)


@pytest.fixture
def by_the_clock(monkeypatch):
    """Let the tracker wait for the hours to pass, as for the real service, and fetch nothing."""
    monkeypatch.setattr(tracker, "VIRTUAL_LATEST", float("inf"))
    monkeypatch.setattr(tracker, "LOOK_FIRST", 0.0)
    monkeypatch.setattr(tracker.Fetcher, "start_ready", lambda _: None)
    monkeypatch.setattr(tracker.Tracker, "_follow", lambda _: None)


@pytest.fixture
def big(own_emulator, connect):
    """A vault of JOBS archives that the catalogue knows."""
    session = connect(emulator=own_emulator.folder, region="us-east-1")
    session.create_vault("big")
    process.seed(own_emulator.folder, "big", JOBS, size=1000)
    vault = session.vault("big")
    own_emulator.advance(days=1.2)
    job = vault.refresh_inventory()
    own_emulator.advance(hours=4.1)
    session.tracker.wake()
    job.result(60)
    return vault


def counted(session):
    """Count the calls of a session by operation."""
    calls = collections.Counter()
    for client in (session.service._patient, session.service._once):
        client.meta.events.register(
            "before-call.glacier", lambda model, **_: calls.update([model.name])
        )
    return calls


def look(session):
    """Let the tracker do what is due, once."""
    steps = session.tracker.snapshots()
    snapshot = next(steps)
    steps.close()
    return snapshot


def move(session, emulator, moment):
    """Move the clock to a moment; the session hears of it by a call that is not counted."""
    seconds = (moment - session.service.clock.now()).total_seconds()
    emulator.advance(max(1.0, seconds))
    session.service.clock.observe(process_time(emulator))


def process_time(emulator):
    told = emulator.status()
    return {"x-emulator-time": told["time"], "x-emulator-speed": "0"}


@pytest.mark.parametrize("tier", ["bulk"])
def test_twelve_hours_of_many_jobs_cost_pages_of_calls(big, own_emulator, by_the_clock, tier):
    """Asked for over hours, followed for twelve: no job is asked about by itself."""
    session, clock = big.session, big.session.service.clock
    ids = list(big.archives()["archive_id"])
    portions = [ids[number::PORTIONS] for number in range(PORTIONS)]
    started, calls, looks = clock.now(), counted(session), []
    while clock.now() < started + HOURS:
        if portions and clock.now() >= started + EVERY * (PORTIONS - len(portions)):
            big.restore(*portions.pop(), tier=tier, to="back").run()
        before = calls["ListJobs"]
        began = time.monotonic()
        snapshot = look(session)
        if calls["ListJobs"] > before:
            looks.append((clock.now() - started, calls["ListJobs"] - before))
        took = time.monotonic() - began
        due = [started + HOURS, *filter(None, [session.tracker._schedule.next()])]
        if portions:
            due.append(started + EVERY * (PORTIONS - len(portions)))
        move(session, own_emulator, min(due))
    pages = -(-JOBS // 50)
    print(f"\n{JOBS} jobs: {dict(calls)}; {len(looks)} looks, the last step took {took:.2f} s")
    print([f"{moment.total_seconds() / 3600:.2f} h: {number}" for moment, number in looks])
    assert snapshot.count("ready") == JOBS
    assert calls["InitiateJob"] == JOBS
    assert calls["DescribeJob"] == 0
    assert calls["ListJobs"] <= 60 * (pages + 1)
    first = next(moment for moment, _ in looks if moment > EVERY * PORTIONS)
    assert first >= timedelta(hours=5)
