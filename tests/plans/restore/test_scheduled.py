"""Restores over days: what is asked for when, what refusals move, and what a kill leaves."""

import itertools
import os
import time
from datetime import timedelta
from itertools import pairwise

import pytest

from glacier_magic import cli
from glacier_magic.base.rendering import snapshot_text
from glacier_magic.base.session_limits import Limits
from glacier_magic.errors import (
    AccessDenied,
    CredentialsError,
    GlacierError,
    InputError,
    NotReady,
    Refused,
    Unavailable,
)
from glacier_magic.jobs import pacing
from glacier_magic.jobs.polling import FRESH
from glacier_magic.service import Policy

PATIENCE = 30.0
pytestmark = pytest.mark.usefixtures("soon")

HOUR = 3_600_000
DAY = 24 * HOUR


@pytest.fixture
def filled(vault, files):
    """A vault with six archives of 100 bytes; the local files are gone."""
    for number in range(6):
        path = files(f"{number}.bin", os.urandom(100))
        vault.upload(path.name)
        path.unlink()
    return vault


@pytest.fixture
def requests(calls):
    """The archives that the service was asked for from here, with what it answered."""
    return calls.noted("start_retrieval", 1)


@pytest.fixture
def refusing(calls):
    """Let the next requests be refused with these errors, one each."""
    refusals, original = [], calls.of("start_retrieval")

    def start(*arguments):
        if refusals:
            raise refusals.pop(0)
        return original(*arguments)

    calls.replace("start_retrieval", start)
    return refusals


def states(batch):
    return sorted(row.state for row in batch.snapshot.rows)


@pytest.mark.parametrize(("tier", "hours"), [("standard", 5), ("bulk", 12)])
def test_the_times_of_a_paced_plan_are_those_of_its_last_request(filled, tmp_path, tier, hours):
    """In the fact, in the table of the tiers, and in what history keeps as promised."""
    plan = filled.restore("*", tier=tier, to=tmp_path / "back", spread="3d")
    offer = plan.tiers[tier]
    end = plan.schedule["last"].iloc[-1] + timedelta(hours=hours)
    assert abs(offer.latest - end) < timedelta(seconds=5)
    assert offer.latest - offer.earliest > timedelta(days=2)
    assert plan.promised()["latest"] == plan.tiers[tier].latest.isoformat()
    assert dict(plan.facts)["ready"].startswith("the first in")
    assert "all by" in dict(plan.facts)["ready"]
    at_once = filled.restore("*", tier=tier, to=tmp_path / "back").tiers[tier]
    assert at_once.latest - at_once.earliest < timedelta(hours=8)


def test_only_the_first_day_is_asked_for_at_once(session, filled, tmp_path, requests):
    """The rest is scheduled: on the board with its time, in the DataFrame, in the plan."""
    plan = filled.restore("*", to=tmp_path / "back", spread="3d")
    assert requests == []
    assert list(plan.schedule["archives"]) == [2, 2, 2]
    assert list(plan.schedule["size"]) == [200, 200, 200]
    assert dict(plan.facts)["schedule"].startswith("over 3 days: now 2 archives, 200 B")
    batch = plan.run()
    assert len(requests) == 2
    assert states(batch) == ["in progress"] * 2 + ["scheduled"] * 4
    table = batch.table
    waiting = table[table["state"] == "scheduled"]
    assert waiting["asked"].isna().all()
    first = waiting["due"].min()
    assert list((waiting["due"] - first).dt.days) == [0, 0, 1, 1]
    assert (first - batch.snapshot.now).total_seconds() == pytest.approx(86400, abs=60)


def test_the_board_and_another_plan_say_what_is_scheduled(session, filled, tmp_path):
    """The board when it is due, with the day; the plan that it has not been requested."""
    batch = filled.restore("*", to=tmp_path / "back", daily="200").run()
    row = next(row for row in batch.snapshot.rows if row.state == "scheduled")
    assert f"due {row.due.astimezone():%d %b %H:%M}" in snapshot_text(batch.snapshot)
    plan = repr(filled.restore("*", to=tmp_path / "back"))
    assert "already scheduled" in plan
    assert "already in progress" in plan
    assert "4 scheduled" in snapshot_text(batch.snapshot)


def test_waiting_for_what_is_scheduled_is_not_ready_and_says_when(filled, tmp_path):
    """With the exit code of things that take time."""
    batch = filled.restore("*", to=tmp_path / "back", spread=3).run()
    with pytest.raises(NotReady, match="4 scheduled, the next is requested") as caught:
        batch.wait(0)
    assert caught.value.exit_code == 75


@pytest.mark.each_backend
def test_each_day_is_asked_for_when_it_is_due(session, filled, later, asked, tmp_path, until):
    """24 hours apart, in order, each once, and all verified at the end."""
    batch = filled.restore("*", to=tmp_path / "back", spread="3d").run()
    ids = list(filled.archives()["archive_id"])
    seen = asked()
    for day in (1, 2):
        later(session, hours=23.9)
        until(lambda n=2 * day: batch.snapshot.count("verified") == n)
        assert batch.snapshot.count("scheduled") == 6 - 2 * day
        later(session, hours=0.1)
        until(lambda: batch.snapshot.count("in progress") == 2)
        seen += [job for job in asked() if job not in seen]
    later(session, hours=4.1)
    assert len(batch.wait(PATIENCE).files) == 6
    assert sorted(archive for _, archive in seen) == sorted(ids)
    assert [(moment - seen[0][0]) // DAY for moment, _ in seen] == [0, 0, 1, 1, 2, 2]


def test_days_in_which_nobody_was_there_are_not_made_up_for_in_one(
    connect, filled, later, asked, tmp_path, until, settle
):
    """A machine that was off for a week still asks for no more than a day's allowance a day."""
    filled.restore("*", to=tmp_path / "back", spread="6d").run()
    filled.session.close()
    later(days=7)
    session = connect()
    batch = session.pending()
    for _ in range(3):
        until(lambda: batch.snapshot.count("in progress") == 1)
        settle(batch)
        later(session, hours=1)
    assert len(asked()) == 1
    due = sorted(row.due for row in batch.snapshot.rows if row.due)
    assert [(b - a).total_seconds() for a, b in pairwise(due)] == [86400] * 3


def test_a_paced_restore_repeated_follows_the_first(filled, tmp_path, requests):
    """Running the same cell again asks for nothing more."""
    first = filled.restore("*", to=tmp_path / "back", spread="3d").run()
    again = filled.restore("*", to=tmp_path / "back", spread="3d").run()
    assert len(requests) == 2
    assert {row.key for row in again.snapshot.rows} == {row.key for row in first.snapshot.rows}


def test_what_is_scheduled_can_be_asked_for_in_another_tier(filled, tmp_path, requests, until):
    """Then it is not asked for in the first one any more."""
    first = filled.restore("*", to=tmp_path / "back", spread="3d").run()
    second = filled.restore("*", to=tmp_path / "back", tier="bulk").run()
    until(lambda: len(requests) == 6)  # the tracker may ask for one of them
    assert len(set(requests)) == 6
    assert first.snapshot.count("scheduled") == 0
    assert len(second.snapshot.rows) == 6


def test_a_job_that_somebody_else_asked_for_meanwhile_is_used(
    session, filled, client, later, asked, tmp_path, until
):
    """It is looked for before the request of a later day is made."""
    batch = filled.restore("*", to=tmp_path / "back", spread="2d").run()
    scheduled = [d for d in session.catalogue.downloads.open() if d.state == "planned"]
    later(hours=23)
    for download in scheduled:
        client.initiate_job(
            vaultName="photos", jobParameters={"Type": "archive-retrieval", "ArchiveId": download.archive_id}
        )
    time.sleep(FRESH)  # a poll amid these requests must not count as recent when the next are due
    later(session, hours=1.1)
    until(lambda: batch.snapshot.count("scheduled", "requested") == 0)
    assert len(asked()) == 6


# What is refused


@pytest.mark.each_backend
def test_a_request_that_the_policy_refuses_is_moved(session, filled, policy, later, tmp_path, until):
    """Not failed: the board says why and when, and it comes when the policy lets it."""
    policy("BytesPerHour", 1)
    plan = filled.restore("1.bin", to=tmp_path / "back")
    assert "refused until it is raised" in dict(plan.facts)["schedule"]
    batch = plan.run()
    (row,) = batch.snapshot.rows
    assert row.state == "scheduled"
    assert "policy" in row.error
    assert row.due.timestamp() == pytest.approx(batch.snapshot.now.timestamp() + 3600, abs=60)
    policy("None")
    later(session, hours=1.1)
    until(lambda: batch.snapshot.count("in progress"))
    assert batch.snapshot.rows[0].error == ""
    later(session, hours=4.1)
    batch.wait(PATIENCE)


def test_refusals_by_the_policy_are_moved_further_each_time(session, filled, policy, later, tmp_path, until):
    """After some, the tier that is not subject to it is offered."""
    policy("BytesPerHour", 1)
    batch = filled.restore("1.bin", to=tmp_path / "back").run()
    pauses = []
    for moves in (1, 2, 3):
        until(lambda m=moves: session.catalogue.downloads.open()[0].moves == m)
        (row,) = batch.snapshot.rows
        pauses.append(round((row.due - batch.snapshot.now).total_seconds() / 3600))
        later(session, hours=pauses[-1] + 0.1)
    assert pauses == [1, 2, 4]
    assert "tier='bulk'" in row.error


@pytest.mark.limits(workers=1)
def test_what_the_policy_refuses_is_not_tried_with_more(
    session, filled, policy, requests, tmp_path, monkeypatch
):
    """One refusal tells for all that are no smaller."""
    monkeypatch.setattr("glacier_magic.plans.restore.retrieval_plan.timetable", lambda *_, **__: None)
    policy("BytesPerHour", 1)
    batch = filled.restore("*", to=tmp_path / "back").run()
    assert states(batch) == ["scheduled"] * 6
    assert len(requests) == 1


def test_no_capacity_moves_by_minutes_and_offers_standard_after_a_while(
    session, filled, emulator, later, asked, tmp_path, until
):
    """As the service answers it, 503 and all; it was asked once for what it took."""
    emulator.fault("insufficient-capacity", "InitiateJob", times=3)
    batch = filled.restore("1.bin", to=tmp_path / "back", tier="expedited").run()
    pauses = []
    for moves in (1, 2, 3):
        until(lambda m=moves: session.catalogue.downloads.open()[0].moves == m)
        (row,) = batch.snapshot.rows
        pauses.append(round((row.due - batch.snapshot.now).total_seconds() / 60))
        later(session, hours=(pauses[-1] + 0.5) / 60)
    assert pauses == [2, 4, 8]
    assert "Standard" in row.error
    until(lambda: batch.snapshot.count("in progress"))
    later(session, hours=0.1)
    batch.wait(PATIENCE)
    assert len(asked()) == 1


def test_expired_credentials_do_not_fail_what_is_due_in_the_night(
    session, filled, refusing, later, tmp_path, until
):
    """It waits for the next login; only who stands by is told at once."""
    batch = filled.restore("*", to=tmp_path / "back", spread="2d").run()
    refusing.append(CredentialsError("The session token has expired"))
    later(session, hours=24)
    until(lambda: not refusing)
    until(lambda: batch.snapshot.count("in progress") >= 3)
    assert batch.snapshot.count("failed") == 0


def test_expired_credentials_are_told_at_once_to_who_stands_by(filled, refusing, tmp_path):
    """Nothing is put off behind their back."""
    refusing.append(CredentialsError("The session token has expired"))
    with pytest.raises(CredentialsError):
        filled.restore("1.bin", to=tmp_path / "other", tier="bulk").run()


def test_a_refusal_for_good_still_fails(filled, refusing, tmp_path):
    """Who asks has to change something first."""
    refusing.append(AccessDenied("no"))
    with pytest.raises(AccessDenied):
        filled.restore("1.bin", to=tmp_path / "back").run()


@pytest.mark.parametrize(
    ("error", "speed", "policy", "expected"),
    [
        (Refused("", code=pacing.POLICY), 1, Policy("BytesPerHour", 5), [HOUR, 2 * HOUR, DAY]),
        (Refused("", code=pacing.POLICY), 1, None, [HOUR, 2 * HOUR, DAY]),
        (Refused("", code=pacing.POLICY), 1, Policy("FreeTier"), [6 * HOUR + 60_000] * 3),
        (Refused("", code=pacing.CAPACITY), 1, None, [120_000, 240_000, HOUR]),
        (Unavailable("", code="ThrottlingException"), 1, None, [5_000, 10_000, 300_000]),
        (Unavailable("", code="ThrottlingException"), 60, None, [300_000, 600_000, 18_000_000]),
        (CredentialsError(""), 1, None, [5_000, 10_000, 900_000]),
    ],
)
def test_pauses_grow_to_a_limit(error, speed, policy, expected):
    """The free tier's allowance is a day's: on to the next; throttling is of our seconds."""
    now = 100 * DAY + 18 * HOUR
    found = [pacing.pause(error, moves, now=now, speed=speed, policy=policy) for moves in (0, 1, 50)]
    assert found == expected


@pytest.mark.limits(workers=1, request_interval=0.01)
def test_refusals_are_counted_anew_after_progress(session, filled, calls, later, until, tmp_path):
    """Of many requests some are refused: the pauses of the others do not grow with each."""
    original, numbers = calls.of("start_retrieval"), itertools.count(1)

    def start(*arguments):
        if next(numbers) % 3 == 0:
            raise Refused("no capacity", code=pacing.CAPACITY)
        return original(*arguments)

    def waiting():
        return [each for each in session.catalogue.downloads.recent() if each.state == "planned"]

    calls.replace("start_retrieval", start)
    filled.restore("*", tier="expedited", to=tmp_path / "back").run()
    for left in (4, 2):
        now = session.service.clock.now_ms()
        until(lambda left=left: len(waiting()) == left)
        until(lambda now=now: all((each.due or 0) > now for each in waiting()))
        assert {each.moves for each in waiting()} == {1}
        later(session, hours=0.05)
    until(lambda: not waiting())


def test_a_lost_answer_is_not_a_refusal():
    """The job may run: that is the token's affair."""
    assert not pacing.is_postponed(Unavailable("the connection broke"))
    assert not pacing.is_postponed(Refused("something else"))
    assert not pacing.is_postponed(GlacierError("broken"))


# Words


@pytest.mark.parametrize("words", [["--spread", "1h"], ["--daily", "much"]])
def test_bad_paces_are_refused_before_anything(filled, words, requests):
    """As input errors with a cure."""
    number = words[1]
    with pytest.raises(InputError):
        filled.restore("*", **{words[0].removeprefix("--"): number})
    assert requests == []


def test_the_command_line_takes_one_pace(home, capsys):
    """Not two; and its help names both."""
    assert cli.main(["restore", "x", "--spread", "2d", "--daily", "1GB"]) == 2
    assert "not allowed with" in capsys.readouterr().err
    cli.main(["restore", "--help"])
    told = capsys.readouterr().out
    assert "--spread" in told
    assert "--daily" in told


# Killed


PACER = """
    from glacier_magic.service import Service
    folder, region, catalogue, target, when, number = sys.argv[1:]
    stop_at(when, Service, "start_retrieval", int(number))
    limits = {"request_interval": 0.05, "idle": 0.05, "tick": 0.05, "emulator_idle": 0.05}
    session = connect(folder, region, catalogue, workers=1, **limits)
    batch = session.vault("photos").restore("*", to=target, spread="3d").run()
    print("running", flush=True)
    batch.wait()
"""


@pytest.mark.limits(lost_request=Limits.download_lease)
@pytest.mark.parametrize(("when", "number"), [("before", 1), ("after", 1), ("before", 4), ("after", 3)])
def test_a_paced_restore_that_was_killed_goes_on_at_its_pace(
    emulator,
    region,
    connect,
    filled,
    child,
    later,
    asked,
    tmp_path,
    when,
    number,
    until,
    settle,
    session_place,
):
    """On the first day or the second, before a request or after it: each archive once, in time."""
    filled.session.close()
    other = child(PACER, emulator.folder, region, session_place, tmp_path / "back", when, number)
    if number > 1:
        other.until("running")
        emulator.advance(days=1)
    other.kill_when_stopped()
    session = connect()
    batch = session.pending()
    seen = asked()
    for _ in range(9):
        settle(batch)
        seen += [job for job in asked() if job not in seen]
        later(session, hours=8)
    batch.wait(PATIENCE)
    assert len([path for path in (tmp_path / "back").iterdir() if path.is_file()]) == 6
    assert len(seen) == len({archive for _, archive in seen}) == 6
    days = [(moment - seen[0][0]) // DAY for moment, _ in seen]
    assert max(days.count(day) for day in days) == 2
