"""Killed in every state of a restore, then resumed: nothing paid twice, and the history is true."""

import pytest

from glacier_magic.errors import NotReady

PATIENCE = 30.0

RESTORER = """
    from glacier_magic.catalogue.records import plans
    from glacier_magic.jobs import asking
    from glacier_magic.service import Service
    folder, region, catalogue, target, state = sys.argv[1:]
    if state == "promised":
        stop_at("before", plans.Plans, "link")
    elif state == "planned":
        stop_at("before", asking.Asker, "ask_due")
    elif state == "asking":
        stop_at("before", Service, "start_retrieval", 2)
    elif state == "asked":
        stop_at("after", Service, "start_retrieval", 2)
    elif state == "downloading":
        stop_at("before", Service, "open_output")
    session = connect(folder, region, catalogue, tick=0.05, emulator_idle=0.05, workers=1)
    session.vault("photos").restore("*", to=target).run()
    if state == "waiting":
        stop()
    print("waiting", flush=True)
    sys.stdin.readline()
    session.service.account()
    session.tracker.wake()
    session.jobs().wait(60)
"""

STATES = ["promised", "planned", "asking", "asked", "waiting", "downloading"]


@pytest.fixture
def killed(emulator, region, session, child, later, tmp_path, session_place):
    """Kill a process of ours that restores everything, in a state."""

    def killed(state):
        session.close()
        other = child(RESTORER, emulator.folder, region, session_place, tmp_path / "back", state)
        if state == "downloading":
            other.until("waiting")
            later(hours=4.1)
            other.go_on()
        other.kill_when_stopped()

    return killed


def finish(session, later):
    """Wait until all is asked for, let the hours pass, and wait for the files."""
    batch = session.pending()
    while any(d.state in ("planned", "asking") for d in session.catalogue.downloads.open()):
        with pytest.raises(NotReady):
            batch.wait(0.1)
    later(session, hours=4.1)
    batch.wait(PATIENCE)


@pytest.mark.limits(lost_request=0, workers=1)
@pytest.mark.parametrize("state", STATES)
def test_a_restore_that_was_killed_pays_nothing_twice(
    killed, connect, vault, files, later, jobs_of, tmp_path, state
):
    """One job an archive at the service, whole files, and one plan in the history that says so.

    Before the promise was written there is neither plan nor download: the restore is run again.
    """
    archives = [vault.upload(files(f"{n}.bin", bytes([n + 1]) * 1000)).id for n in range(3)]
    killed(state)
    session = connect()
    if state == "promised":
        assert session.catalogue.plans.recent() == []
        assert session.catalogue.downloads.open() == []
        session.vault("photos").restore("*", to=tmp_path / "back").run()
    assert len(session.catalogue.downloads.open()) == 3
    finish(session, later)
    assert sorted(jobs_of()) == sorted(archives)
    assert sorted(p.name for p in (tmp_path / "back").iterdir()) == ["0.bin", "1.bin", "2.bin"]
    (kept,) = session.catalogue.plans.recent()
    assert kept.state == "done"
    assert (kept.tally.asked, kept.tally.verified, kept.tally.bytes_verified) == (3, 3, 3000)
    assert kept.promised["requests"] == 3


@pytest.mark.limits(lost_request=0, workers=1)
@pytest.mark.each_backend
@pytest.mark.parametrize("state", ["planned", "asked"])
def test_the_same_command_after_a_kill_goes_on_with_the_first_plan(
    killed, connect, vault, files, later, jobs_of, tmp_path, state
):
    """Who restores again instead of waiting pays nothing more, and the second plan promises so."""
    archives = [vault.upload(files(f"{n}.bin", bytes([n + 1]) * 1000)).id for n in range(3)]
    killed(state)
    session = connect()
    plan = session.vault("photos").restore("*", to=tmp_path / "back")
    assert plan.requests == 0
    assert plan.quote.total == 0
    plan.run(max_cost=0)
    finish(session, later)
    assert sorted(jobs_of()) == sorted(archives)
    second, first = session.catalogue.plans.recent()
    assert [p.tally.asked for p in (first, second)] == [3, 0]
    assert [p.tally.verified for p in (first, second)] == [3, 3]
