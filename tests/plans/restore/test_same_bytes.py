"""Archives with the same bytes: asked for once, and not at all where the bytes are here."""

import shutil

import pytest

from glacier_magic.base.session_limits import Limits
from glacier_magic.errors import GlacierError, JobFailed, PlanChanged

PATIENCE = 30.0
LETTER = b"Dear Ann, " * 50

pytestmark = pytest.mark.usefixtures("soon")


@pytest.fixture
def stored(vault, files):
    """Store the same bytes under names, as several archives; the local files are gone."""

    def stored(*names, content=LETTER, into=None):
        ids = []
        for number, name in enumerate(names):
            path = files(name, content, mtime=1_600_000_000 + number)
            ids.append((into or vault).upload(name, again=True).id)
            path.unlink()
        return ids

    return stored


@pytest.fixture
def versions(stored):
    """Three archives of one name and the same bytes."""
    return stored(*["letter 01.txt"] * 3)


@pytest.fixture
def outputs(calls):
    """List the archives' outputs that bytes are fetched from."""
    return calls.noted("open_output", 1)


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_versions_of_one_name_with_the_same_bytes_are_one_request_and_one_file(
    session, vault, versions, ready, jobs_of, tmp_path
):
    """The plan's figures are what is asked for; once more, nothing is."""
    plan = vault.restore("letter 01.txt", to=tmp_path / "back")
    assert (plan.requests, plan.bytes, plan.asking.out) == (1, len(LETTER), len(LETTER))
    assert plan.needed == len(LETTER)
    assert "the same file as another" in repr(plan)
    ready(plan.run())
    assert len(jobs_of()) == 1
    assert names(tmp_path / "back") == ["letter 01.txt"]
    again = vault.restore("letter 01.txt", to=tmp_path / "back")
    assert again.empty
    again.run()
    assert len(jobs_of()) == 1


def test_a_part_of_versions_is_one_request_and_one_file(vault, versions, ready, ranges_of, tmp_path):
    """As the whole is; once more, nothing is asked for."""
    plan = vault.restore("letter 01.txt", byte_range="0-9", to=tmp_path / "back")
    assert plan.bytes == len(LETTER)
    ready(plan.run())
    assert ranges_of() == [f"0-{len(LETTER) - 1}"]
    assert names(tmp_path / "back") == ["letter 01.txt.part-0-9"]
    assert vault.restore("letter 01.txt", byte_range="0-9", to=tmp_path / "back").empty


def test_versions_are_there_where_one_of_them_is(vault, versions, later, jobs_of, tmp_path):
    """A file of the user's own, too."""
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "letter 01.txt").write_bytes(LETTER)
    plan = vault.restore("letter 01.txt", to=tmp_path / "back")
    assert plan.empty
    plan.run()
    assert jobs_of() == []
    assert names(tmp_path / "back") == ["letter 01.txt"]


def test_versions_with_other_bytes_are_asked_for_and_get_names_of_their_own(
    vault, versions, stored, ready, jobs_of, tmp_path
):
    """Nothing is lost."""
    stored("letter 01.txt", content=b"other")
    plan = vault.restore("letter 01.txt", to=tmp_path / "back")
    assert plan.requests == 2
    ready(plan.run())
    assert len(jobs_of()) == 2
    found = {(tmp_path / "back" / name).read_bytes() for name in names(tmp_path / "back")}
    assert found == {LETTER, b"other"}
    assert len(names(tmp_path / "back")) == 2
    assert vault.restore("letter 01.txt", to=tmp_path / "back").empty


def test_equal_archives_under_other_names_are_copied_from_the_one_that_is_asked_for(
    session, vault, stored, ready, outputs, jobs_of, tmp_path
):
    """One request, the bytes fetched once, and each file with its own time."""
    stored("a.txt", "deep/b.txt", "c.txt")
    plan = vault.restore("*", to=tmp_path / "back")
    assert (plan.requests, plan.asking.out, plan.needed) == (1, len(LETTER), 3 * len(LETTER))
    batch = plan.run()
    assert len(batch) == 3
    ready(batch)
    assert len(jobs_of()) == 1
    assert len(outputs) == 1
    assert names(tmp_path / "back") == ["a.txt", "c.txt", "deep/b.txt"]
    for number, name in enumerate(("a.txt", "deep/b.txt", "c.txt")):
        assert (tmp_path / "back" / name).read_bytes() == LETTER
        assert (tmp_path / "back" / name).stat().st_mtime == 1_600_000_000 + number
    record = session.past_plan(plan.number).record
    assert (record.state, record.tally.asked, record.tally.verified) == ("done", 1, 3)
    assert vault.restore("*", to=tmp_path / "back").empty


def test_bytes_that_another_archive_has_brought_are_copied(
    session, vault, stored, ready, later, jobs_of, tmp_path
):
    """Into another folder, by another name, from another vault of the account."""
    stored("a.txt")
    other = session.create_vault("others")
    stored("b.txt", into=other)
    ready(vault.restore("a.txt", to=tmp_path / "one").run())
    later(session, hours=30)
    plan = other.restore("b.txt", to=tmp_path / "two")
    assert (plan.requests, plan.asking.out) == (0, 0)
    assert str(tmp_path / "one" / "a.txt") in repr(plan)
    plan.run().wait(PATIENCE)
    assert jobs_of("others") == []
    assert (tmp_path / "two" / "b.txt").read_bytes() == LETTER
    (tmp_path / "one" / "a.txt").write_bytes(bytes(len(LETTER)))
    (tmp_path / "two" / "b.txt").unlink()
    assert other.restore("b.txt", to=tmp_path / "three").requests == 1


def test_a_file_in_the_target_is_copied_for_an_equal_archive(vault, stored, jobs_of, tmp_path):
    """Nobody has recorded where it came from; it is what the archive beside it is."""
    stored("a.txt", "b.txt")
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "a.txt").write_bytes(LETTER)
    plan = vault.restore("*", to=tmp_path / "back")
    assert plan.requests == 0
    plan.run().wait(PATIENCE)
    assert jobs_of() == []
    assert names(tmp_path / "back") == ["a.txt", "b.txt"]


def test_a_job_of_an_equal_archive_serves(session, vault, stored, client, ready, jobs_of, tmp_path):
    """Whoever asked for it."""
    first, _ = stored("a.txt", "b.txt")
    client.initiate_job(vaultName="photos", jobParameters={"Type": "archive-retrieval", "ArchiveId": first})
    plan = vault.restore("b.txt", to=tmp_path / "back")
    assert plan.requests == 0
    ready(plan.run())
    assert len(jobs_of()) == 1
    assert (tmp_path / "back" / "b.txt").read_bytes() == LETTER


# When the first one does not come


def test_a_twin_is_not_paid_for_when_the_first_is_refused(
    session, vault, stored, emulator, jobs_of, tmp_path
):
    """It says why, and the next plan shows the price."""
    stored("a.txt", "b.txt")
    emulator.fault("access-denied", "InitiateJob", times=1)
    plan = vault.restore("*", to=tmp_path / "back")
    with pytest.raises(GlacierError):
        plan.run()
    session.jobs()
    assert jobs_of() == []
    assert session.catalogue.downloads.open() == []
    assert vault.restore("*", to=tmp_path / "back").requests == 1


def test_a_twin_is_not_paid_for_when_the_first_fails(
    session, vault, stored, client, later, jobs_of, tmp_path
):
    """The archive was deleted by somebody else while its job ran."""
    first, _ = stored("a.txt", "b.txt")
    batch = vault.restore("*", to=tmp_path / "back").run()
    client.delete_archive(vaultName="photos", archiveId=first)
    later(session, hours=4.1)
    with pytest.raises(JobFailed):
        batch.wait(PATIENCE)
    assert len(jobs_of()) == 1
    assert session.catalogue.downloads.open() == []


def test_a_twin_expires_with_the_first_and_both_are_planned_again(
    session, vault, stored, later, ready, jobs_of, tmp_path, held, until
):
    """As one request."""
    stored("a.txt", "b.txt")
    batch = vault.restore("*", to=tmp_path / "back").run()
    later(session, hours=4.1)
    until(lambda: batch.snapshot.count("ready") == 2)
    later(session, hours=25)
    until(lambda: batch.snapshot.count("expired") == 2)
    held.clear()
    assert jobs_of() == []
    plan = session.restore_expired()
    assert plan.requests == 1
    ready(plan.run())
    assert len(jobs_of()) == 1
    assert names(tmp_path / "back") == ["a.txt", "b.txt"]


def test_a_twin_of_what_is_scheduled_waits_and_stops_with_it(
    session, vault, stored, later, jobs_of, tmp_path
):
    """It is never asked for by itself; another tier takes both."""
    stored("a.txt", "b.txt")
    stored("z.txt", content=b"another")
    vault.restore("z.txt", "a.txt", "b.txt", to=tmp_path / "back", spread="2d").run()
    assert len(jobs_of()) == 1
    instead = vault.restore("*", to=tmp_path / "back", tier="bulk")
    assert instead.requests == 1
    session.stop_restores()
    later(session, days=3)
    session.tracker.refresh(["photos"])
    assert [d.name for d in session.catalogue.downloads.open() if d.name != "z.txt"] == []
    assert jobs_of() == []


@pytest.mark.parametrize("gone", ["before", "after"])
def test_a_twin_comes_from_the_output_when_the_first_file_is_gone(
    session, vault, stored, ready, later, jobs_of, tmp_path, gone
):
    """Also where the first one cannot be written: one job serves both."""
    stored("a.txt", "b.txt")
    if gone == "before":
        plan = vault.restore("*", to=tmp_path / "back")
        batch = plan.run()
        (tmp_path / "back").mkdir(exist_ok=True)
        (tmp_path / "back" / "a.txt").mkdir()
        ready(batch)
    else:
        ready(vault.restore("a.txt", to=tmp_path / "back").run())
        shutil.rmtree(tmp_path / "back")
        vault.restore("b.txt", to=tmp_path / "back").run().wait(PATIENCE)
    assert (tmp_path / "back" / "b.txt").read_bytes() == LETTER
    assert len(jobs_of()) == 1


def test_a_copy_that_vanishes_between_plan_and_run_is_shown(
    session, vault, stored, ready, later, jobs_of, tmp_path
):
    """Its price is shown before it is paid."""
    stored("a.txt", "b.txt")
    ready(vault.restore("a.txt", to=tmp_path / "one").run())
    later(session, hours=30)
    plan = vault.restore("b.txt", to=tmp_path / "two")
    assert plan.requests == 0
    (tmp_path / "one" / "a.txt").unlink()
    with pytest.raises(PlanChanged):
        plan.run()
    assert jobs_of() == []


# Killed

RUNNER = """
    from glacier_magic.jobs import copying
    from glacier_magic.service import Service
    folder, region, catalogue, back, when = sys.argv[1:]
    if when == "copying":
        stop_at("after", copying, "_copied")
    else:
        stop_at(when, Service, "start_retrieval")
    session = connect(folder, region, catalogue, tick=0.05, emulator_idle=0.05)
    session.vault("photos").restore("*", to=back).run().wait(60)
"""


@pytest.mark.limits(lost_request=-Limits.download_lease)
@pytest.mark.each_backend
@pytest.mark.parametrize("when", ["before", "after", "copying"])
def test_killed_at_any_moment_the_bytes_are_asked_for_once(
    session, vault, stored, child, later, emulator, region, jobs_of, tmp_path, session_place, when
):
    """And every archive gets its file."""

    stored("a.txt", "b.txt", "c.txt")
    if when == "copying":
        first = vault.restore("a.txt", to=tmp_path / "back").run()
        later(session, hours=4.1)
        first.wait(PATIENCE)
        later(session, hours=30)
    expected = 0 if when == "copying" else 1
    child(RUNNER, emulator.folder, region, session_place, tmp_path / "back", when).kill_when_stopped()
    session.catalogue.database.execute("UPDATE downloads SET lease_until=1")
    session.jobs()
    batch = vault.restore("*", to=tmp_path / "back").run()
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    session.pending().wait(PATIENCE)
    assert len(jobs_of()) == expected
    assert [n for n in names(tmp_path / "back") if not n.startswith(".")] == ["a.txt", "b.txt", "c.txt"]
