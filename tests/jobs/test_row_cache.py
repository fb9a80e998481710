"""The rows of boards that are made again after a write, and those that are not."""

from __future__ import annotations

import pytest

from glacier_magic.catalogue import JobRecord
from glacier_magic.jobs.board import rows_of
from glacier_magic.transfer.progress import Report


@pytest.fixture
def restores(session):
    """Write so many restores, each with its job, of which the first is downloading; return their ids."""
    session.tracker.background = False

    def write(count, state="ready"):
        jobs = [
            JobRecord(
                vault="photos",
                job_id=f"job {n}",
                action="ArchiveRetrieval",
                archive_id=f"{n}",
                tier="Bulk",
                status="Succeeded",
                size=100,
                created=1,
                completed=2,
            )
            for n in range(count)
        ]
        session.catalogue.jobs.record(jobs, ours=True)
        return session.catalogue.downloads.want(
            {
                "vault": "photos",
                "batch": "one",
                "archive_id": job.archive_id,
                "name": f"file {n}",
                "size": 100,
                "tier": "Bulk",
                "root": "/",
                "target": f"/file {n}",
                "token": f"token {n}",
                "state": state if n else "downloading",
                "job_id": job.job_id,
            }
            for n, job in enumerate(jobs)
        )

    return write


@pytest.fixture
def statements(session):
    """The statements that the catalogue runs."""
    found = []
    session.catalogue.database._connection.set_trace_callback(found.append)
    yield found
    session.catalogue.database._connection.set_trace_callback(None)


def test_a_write_of_one_download_makes_one_row(session, restores, statements):
    """Not those of the other hundreds, and with as many statements as for ten."""
    numbers = restores(900)
    keys = frozenset(f"download-{number}" for number in numbers)
    before = [session.tracker.snapshot(), session.tracker.snapshot(keys)]
    session.catalogue.downloads.update(numbers[0], done=50, pieces="{}")
    session.catalogue.settings.put("other", "no board shows it")
    session.catalogue.downloads.update(numbers[7], state="verified", ended=3)
    statements.clear()
    after = [session.tracker.snapshot(), session.tracker.snapshot(keys)]
    assert len(statements) <= 20
    for old, new in zip(before, after, strict=True):
        assert [place for place in range(900) if old.rows[place] is not new.rows[place]] == [0, 7]
        assert (new.rows[0].done, new.rows[7].state) == (50, "verified")
        assert (new.count("ready"), new.count("verified")) == (898, 1)
        assert new.recorded.places is old.recorded.places
    statements.clear()
    assert session.tracker.snapshot().rows is after[0].rows
    assert len(statements) <= 4


def test_progress_copies_what_is_known_of_all_rows(session, restores):
    """Counts and places are those of before: a board goes by that they are the same objects."""
    first, *_ = restores(10)
    before = session.tracker.snapshot()
    session.tracker._fetcher.live[first] = Report(label="", done=7, total=100, rate=1.0, eta=2.0)
    after = session.tracker.snapshot()
    assert after.rows[0].done == 7
    assert after.recorded is before.recorded
    session.tracker._fetcher.live.clear()
    session.catalogue.downloads.update(first, done=8)
    assert session.tracker.snapshot().recorded.states is before.recorded.states


WRITES = (
    {"state": "verified", "ended": 3},
    {"state": "failed", "ended": 3, "error": "no"},
    {"state": "waiting", "job_id": None},
    {"state": "planned", "due": 1 << 42},
    {"job_id": "job 5"},
    {"renewal": "another job"},
    {"state": "expired", "ended": 3},
    {"state": "forgotten"},
)


@pytest.mark.parametrize("places", [range(8), range(-1, -9, -1)], ids=["old", "new"])
def test_rows_that_follow_a_write_are_those_that_are_read(session, restores, places):
    """Whatever is written: where the board shows a thousand ended ones at most, and where all."""
    numbers = restores(1020, "verified")
    session.catalogue.jobs.record(
        [JobRecord(vault="photos", job_id="other", action="ArchiveRetrieval", description="another job")]
    )
    keys = frozenset(f"download-{number}" for number in numbers[:10] + numbers[-10:])
    for chosen in (None, keys):
        session.tracker.snapshot(chosen)
    for place, values in zip(places, WRITES, strict=True):
        session.catalogue.downloads.update(numbers[place], **values)
        for chosen in (None, keys):
            now = session.service.clock.now()
            found = session.tracker.snapshot(chosen)
            assert list(found.rows) == rows_of(session.catalogue, now, chosen).rows
            assert found.recorded.places == {row.key: at for at, row in enumerate(found.rows)}
            assert found.finished == all(row.ended for row in found.rows)


def test_an_old_download_that_ends_leaves_the_board_alone(session, restores, statements):
    """Its row does not come back as a job of another client; a batch keeps it where it stands.

    A write that is told of once more makes no row of the others again.
    """
    numbers = restores(1003, "verified")
    assert [row.key for row in session.tracker.snapshot().rows[:2]] == [
        f"download-{numbers[0]}",
        f"download-{numbers[3]}",
    ]
    session.catalogue.downloads.update(numbers[0], state="verified", ended=3)
    rows = session.tracker.snapshot().rows
    assert [row.key for row in rows] == [f"download-{number}" for number in numbers[3:]]
    session.catalogue.downloads.update(numbers[0], done=100)
    statements.clear()
    assert session.tracker.snapshot().rows == rows
    assert len(statements) <= 10
    batch = session.tracker.snapshot(frozenset(f"download-{number}" for number in numbers))
    assert [row.key for row in batch.rows] == [f"download-{number}" for number in numbers]
