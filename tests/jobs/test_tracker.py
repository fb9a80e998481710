"""The tracker over long hours: how often it looks, and what it lives through."""

import collections
import os
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf
from pathlib import Path

import pytest

import glacier_magic as gm
from glacier_magic.base.session_limits import USUAL
from glacier_magic.catalogue import JobRecord
from glacier_magic.catalogue.records.job_records import RunningJob
from glacier_magic.emulator import process
from glacier_magic.emulator.emulator_keys import ACCESS_KEY, SECRET_KEY
from glacier_magic.jobs import durations, polling, sweep, tracker
from glacier_magic.jobs.fetching import Fetcher
from glacier_magic.service import Connection

JOBS = int(os.environ.get("TRACKER_JOBS", "300"))
"""With 10000 it takes some minutes, and says what the calls are at that size (pytest -s)."""
PORTIONS, EVERY = 6, timedelta(minutes=15)
HOURS = timedelta(hours=12)


@pytest.fixture
def by_the_clock(connect, filled, held, limits):
    """A session whose tracker is driven by hand, waits as for the real service and fetches nothing."""
    session = connect(limits=replace(limits, emulator_idle=inf))
    session.tracker.background = False
    return session


@pytest.fixture
def big(own_emulator, connect, held, limits):
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
    # seeded archives share their bytes, and of equal ones a single one is asked for
    session.catalogue.database.execute("UPDATE archive_rows SET tree_hash=NULL")
    by_hand = connect(
        emulator=own_emulator.folder, region="us-east-1", limits=replace(limits, emulator_idle=inf)
    )
    by_hand.tracker.background = False
    return by_hand.vault("big")


def counted(session):
    """Count the calls of a session by operation."""
    calls = collections.Counter()
    for client in (session.service._patient, session.service._once):
        client.meta.events.register("before-call.glacier", lambda model, **_: calls.update([model.name]))
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


def test_twelve_hours_of_many_jobs_cost_pages_of_calls(big, own_emulator):
    """Asked for over hours, followed for twelve: no job is asked about by itself."""
    session, clock = big.session, big.session.service.clock
    ids = list(big.archives()["archive_id"])
    portions = [ids[number::PORTIONS] for number in range(PORTIONS)]
    started, calls, looks = clock.now(), counted(session), []
    while clock.now() < started + HOURS:
        if portions and clock.now() >= started + EVERY * (PORTIONS - len(portions)):
            big.restore(*portions.pop(), tier="bulk", to="back").run()
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
    assert len(looks) <= (70 + len(polling.EARLY) * PORTIONS if JOBS < 5000 else 30)
    # A look every few requests costs one call for five requests, but a page at least.
    assert calls["ListJobs"] <= (len(looks) + PORTIONS) * (pages + 1) + JOBS // 3
    # After the last portion a few early ones, which share the pause of a long list; then none for hours.
    early = [moment for moment, _ in looks if EVERY * PORTIONS < moment < timedelta(hours=5)]
    assert len(early) <= (1 if JOBS >= 5000 else 2)
    assert not early or early[-1] < EVERY * PORTIONS + timedelta(minutes=25)


def test_a_restore_of_one_archive_costs_few_looks(by_the_clock, emulator):
    """Four soon after it was asked for; then none until it can be done."""
    session, clock = by_the_clock, by_the_clock.service.clock
    session.vault("photos").restore("c.txt", to="back").run()
    began, calls, looks = clock.now(), counted(session), []
    while not look(session).count("ready"):
        if calls["ListJobs"] > len(looks):
            looks.append((clock.now() - began).total_seconds())
        move(session, emulator, session.tracker._schedule.next())
    # Pauses are longer by up to a tenth, at random.
    expected = [15, 60, 300, 900, 3 * 3600]
    assert len(looks) > len(expected)
    for moment, least in zip(looks, expected, strict=False):
        assert least - 2 <= moment <= 1.2 * least + 2
    assert len(looks) <= 20  # of them nine or ten between three hours and four
    assert calls["DescribeJob"] == 0


def running_jobs(session, count, *, created, vault="photos"):
    """Write jobs into the catalogue that the service does not have."""
    session.catalogue.jobs.record(
        JobRecord(
            vault=vault,
            job_id=f"lost-{number}",
            action="ArchiveRetrieval",
            tier="Bulk",
            archive_id=f"archive-{number}",
            size=10,
            created=created,
        )
        for number in range(count)
    )


def test_ten_thousand_jobs_share_one_early_look(by_the_clock, emulator):
    """A look costs 200 calls, one for a page of 50: three calls an hour for each page, at most."""
    session, clock, schedule = by_the_clock, by_the_clock.service.clock, by_the_clock.tracker._schedule
    running_jobs(session, 10_000, created=clock.now_ms())
    began, looks = clock.now(), []
    while clock.now() < began + timedelta(hours=5):
        schedule.looked("photos", None)
        looks.append(clock.now() - began)
        clock.observe({"x-emulator-time": schedule.next().isoformat(), "x-emulator-speed": "0"})
    assert len(looks) == 2
    assert timedelta(minutes=20) <= looks[1] < timedelta(minutes=25)


def test_a_thousand_jobs_that_are_not_listed_cost_ten_calls(session, vault):
    """A computer that was off for days: the list is believed once ten look-ups confirm it."""
    week_ago = session.service.clock.now_ms() - 7 * 86_400_000
    running_jobs(session, 1000, created=week_ago)
    calls = counted(session)
    session.tracker.refresh(["photos"])
    assert calls["DescribeJob"] == sweep.LOOKED_FOR
    assert session.catalogue.jobs.known() == []


def test_jobs_that_have_just_begun_are_not_given_up(session, vault):
    """The service may list a job only after a while: it is asked about, or waited for."""
    running_jobs(session, 30, created=session.service.clock.now_ms())
    session.tracker.refresh(["photos"])
    assert len(session.catalogue.jobs.known()) == 30 - sweep.LOOKED_FOR


HOUR = timedelta(hours=1)
BEGAN = datetime(2026, 5, 1, tzinfo=UTC)


def moment_after(passed, tier="Standard", newest=timedelta()):
    began, last = (int(moment.timestamp() * 1000) for moment in (BEGAN, BEGAN + newest))
    group = RunningJob("photos", "ArchiveRetrieval", tier, 2, began, last)
    first_look = timedelta(seconds=USUAL.first_look)
    return polling.next_poll(group, BEGAN + passed, durations.NOTHING_PAST, first_look) - BEGAN


@pytest.mark.parametrize("tier", ["Standard", "Bulk"])
def test_a_job_is_looked_at_soon_after_it_began(tier):
    """A server of another make may finish it at once; so does the newest of many."""
    looks = [timedelta(seconds=seconds) for seconds in (0, 15, 60, 300, 900)]
    for before, after in pairwise(looks):
        assert moment_after(before, tier) == after
        assert moment_after(HOUR + before, tier, newest=HOUR) == HOUR + after
    assert moment_after(timedelta(), tier, newest=9 * HOUR) == looks[1]


def test_few_look_before_a_job_should_be_done_then_closer_and_closer():
    """Standard: at three hours, then towards four, and seldom for one that is late."""
    assert moment_after(timedelta(minutes=15)) == moment_after(2 * HOUR) == 3 * HOUR
    assert moment_after(timedelta(minutes=15), "Bulk") == 5 * HOUR
    assert moment_after(timedelta(seconds=15), "Expedited") == timedelta(minutes=1)
    assert moment_after(3 * HOUR) == 3 * HOUR + polling.LATEST
    assert moment_after(timedelta(hours=3.9)) == timedelta(hours=3.95)
    assert moment_after(timedelta(hours=14)) == timedelta(hours=15)


def test_what_past_jobs_took_says_when_the_next_is_expected(session, vault):
    """The median of the tier, within the documented window."""
    usual = lambda: durations.PastDurations(session.catalogue).usual("Standard") / HOUR  # noqa: E731 - short, and called once
    assert usual() == 4
    for number, took in enumerate([3.5, 3.25, 9.0]):
        session.catalogue.jobs.record(
            [
                JobRecord(
                    vault="photos",
                    job_id=f"job-{number}",
                    action="ArchiveRetrieval",
                    tier="Standard",
                    status="Succeeded",
                    created=0,
                    completed=int(took * 3.6e6),
                )
            ]
        )
    assert usual() == 3.5
    running_jobs(session, 1, created=0)
    for number in range(9):
        session.catalogue.jobs.record(
            [
                JobRecord(
                    vault="photos",
                    job_id=f"slow-{number}",
                    action="ArchiveRetrieval",
                    tier="Standard",
                    status="Succeeded",
                    created=0,
                    completed=int(9 * 3.6e6),
                )
            ]
        )
    assert usual() == 5


def test_after_a_sleep_it_looks_at_once(by_the_clock, monkeypatch):
    """A pause that took hours by the wall's clock alone: the lid was closed."""
    session = by_the_clock
    session.vault("photos").restore("c.txt", to="back").run()
    look(session)
    assert not session.tracker._schedule.due({"photos"}, float("inf"))
    real, skipped = time.time, iter([0.0, 3 * 3600.0])
    session.tracker._wake.set()
    monkeypatch.setattr(tracker.time, "time", lambda: real() + next(skipped, 3 * 3600.0))
    session.tracker._rest(0.0)
    assert session.tracker._schedule.due({"photos"}, float("inf")) == ["photos"]


def test_an_undisturbed_pause_is_no_sleep(by_the_clock):
    """What was planned stays planned."""
    session = by_the_clock
    session.vault("photos").restore("c.txt", to="back").run()
    look(session)
    session.tracker._rest(0.01)
    assert not session.tracker._schedule.due({"photos"}, float("inf"))


@pytest.mark.limits(list_retry=0)
def test_a_lost_network_is_a_note_and_it_goes_on(session, filled, own_service_down, soon, until):
    """The board says so; when the service answers again, the file comes."""
    batch, up = own_service_down(session, filled)
    until(lambda: batch.snapshot.note)
    assert batch.snapshot.count("in progress") == 1
    up()
    batch.wait(60)
    assert not batch.snapshot.note


@pytest.fixture
def own_service_down(emulator, calls):
    """Ask for something, then let nothing through until told so."""
    from glacier_magic.errors import Unavailable

    def down(session, vault):
        batch = vault.restore("c.txt", to="back").run()
        original = calls.of("jobs")

        def lost(self, name):
            raise Unavailable("no way to the service")

        calls.replace("jobs", lost)
        session.tracker.wake()

        def up():
            calls.replace("jobs", original)
            emulator.advance(hours=4.1)
            session.service.account()
            session.tracker.wake()

        return batch, up

    return down


@pytest.mark.limits(list_retry=0)
def test_keys_that_were_renewed_in_their_file_are_used(
    emulator, region, tmp_path, monkeypatch, until, soon, limits
):
    """Expired ones are told of on the board; once another tool writes new ones, it goes on."""
    keys = tmp_path / "credentials"
    good = f"[default]\naws_access_key_id={ACCESS_KEY}\naws_secret_access_key={SECRET_KEY}\n"
    old = process.credentials(emulator.folder, 60)
    keys.write_text(
        f"[default]\naws_access_key_id={old['AccessKeyId']}\naws_secret_access_key={old['SecretAccessKey']}\n"
        f"aws_session_token={old['SessionToken']}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
    connection = Connection(endpoint_url=emulator.url, region=region)
    with gm.Session(connection, catalogue=tmp_path / "keys.sqlite", limits=limits) as session:
        vault = session.create_vault("photos")
        (tmp_path / "a.txt").write_bytes(b"a")
        vault.upload(tmp_path / "a.txt")
        batch = vault.restore("a.txt", to=tmp_path / "back").run()
        emulator.advance(61)
        keys.write_text("")  # the other tool is writing
        session.tracker.wake()
        until(lambda: "No AWS credentials were found" in batch.snapshot.note)
        assert "sent once the login works" in batch.snapshot.note
        keys.write_text(good)
        session.tracker.wake()
        emulator.advance(hours=4.1)
        until(lambda: session.tracker.wake() or batch.snapshot.finished)
        assert batch.snapshot.count("verified") == 1


def test_rows_are_made_once_for_all_that_look(session, filled):
    """Boards and the tracker share them until something is written, here or elsewhere."""
    session.tracker.background = False
    batch = filled.restore("c.txt", to="back").run()
    first, board = session.tracker.snapshot(), batch.snapshot
    assert session.tracker.snapshot().rows is first.rows
    assert board.rows == first.rows
    assert batch.snapshot.rows is board.rows
    with gm.connect(
        emulator=session.connection.emulator, region=session.region, catalogue=session.catalogue.path
    ) as other:
        other.catalogue.jobs.mark_gone("photos", first.rows[0].job_id)
    assert session.tracker.snapshot().rows is not first.rows
    assert batch.snapshot.rows is not board.rows


def test_a_board_of_everything_hears_of_others_while_nothing_is_open(session, filled, connect, soon, until):
    """The thread goes on for it, and ends with the session."""
    heard = []
    leave = session.tracker.watch(heard.append, lasting=True)
    session.tracker.start()
    until(lambda: heard)
    other = connect()
    other.tracker.background = False
    other.vault("photos").restore("c.txt", to="back").run()
    until(lambda: heard[-1].count("in progress") == 1)
    leave()
    session.close()
    until(lambda: "glacier-tracker" not in {thread.name for thread in threading.enumerate()})


def test_what_has_ended_can_be_forgotten_and_its_file_stays(filled, session, ready, files):
    """It leaves the board for good, also where the service still lists its job."""
    from glacier_magic.errors import InputError

    batch = filled.restore("c.txt", to="back").run()
    with pytest.raises(InputError, match="None of these rows"):
        session.tracker.actions.forget(batch.snapshot.rows)
    ready(batch)
    row = batch.snapshot.rows[0]
    assert session.tracker.actions.forget([row]) == 1
    session.tracker.refresh(["photos"])
    assert session.tracker.snapshot().rows == ()
    assert (files.folder / "back" / "c.txt").exists()


def test_asking_again_is_a_plan_into_the_same_folder(filled, session, ready):
    """What is there is not requested again; without the file it has its price."""
    batch = filled.restore("c.txt", to="back").run()
    ready(batch)
    plan = session.tracker.actions.again(batch.snapshot.rows)
    assert plan.empty
    (row,) = batch.snapshot.rows
    Path(row.file).unlink()
    assert not session.tracker.actions.again(batch.snapshot.rows).empty


@pytest.mark.limits(downloads=1)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_of_a_thread_keeps_no_download_back(session, filled, ready, monkeypatch, tmp_path):
    """The next one, which the thread would have taken, begins in another."""
    original, errors = Fetcher._fetch, [RuntimeError("a fault of the program")]

    def fetch(fetcher, download):
        if errors:
            raise errors.pop()
        original(fetcher, download)

    monkeypatch.setattr(Fetcher, "_fetch", fetch)
    ready(filled.restore("*", to=tmp_path / "back").run())
    assert not errors
    assert len([each for each in (tmp_path / "back").rglob("*") if each.is_file()]) == 3
