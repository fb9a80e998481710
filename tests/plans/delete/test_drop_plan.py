"""Emptying and dropping a vault over its days: what goes on by itself, and what stops it."""

import json
import sqlite3

import pytest

from glacier_magic.errors import (
    AccessDenied,
    InputError,
    JobFailed,
    NotConfirmed,
    NotFound,
    NotReady,
    OverBudget,
    Refused,
    VaultNotEmpty,
)
from glacier_magic.jobs import Batch
from glacier_magic.jobs.dropping import DAY, next_inventory
from glacier_magic.plans import EmptyPlan
from glacier_magic.plans.delete.drop_plan import end
from glacier_magic.prices import configuration_file

pytestmark = pytest.mark.limits(drop_retry=0.05)

PATIENCE = 30.0


@pytest.fixture
def filled(session, put, later):
    """A vault of three archives that somebody else stored, and a neighbour; a day old."""
    session.create_vault("photos")
    session.create_vault("neighbour")
    for name in ("a", "b", "c"):
        put(name)
    put("kept", vault="neighbour")
    later(days=1.2)
    return session.vault("photos")


@pytest.fixture
def store(emulator, region):
    """Tell by the emulator's own store how many archives a vault has, and whether it is there."""

    def store(vault="photos"):
        raw = sqlite3.connect(emulator.folder / "store.sqlite")
        live = raw.execute(
            "SELECT live_count FROM vaults WHERE name=? AND region=? AND deleted IS NULL", (vault, region)
        ).fetchone()
        raw.close()
        return None if live is None else live[0]

    return store


@pytest.fixture
def reaches(session, later):
    """Wait until the drop of a vault is in a state, letting hours pass where it takes some."""

    def reaches(state, vault="photos", hours=0.0, on=None):
        here = on or session
        if hours:
            later(here, hours=hours)

        def there(_):
            drops = [d for d in here.catalogue.drops.shown() if d.vault == vault]
            return bool(drops) and drops[0].state == state

        here.tracker.start()
        here.tracker.wait(there, PATIENCE)
        drop = next(d for d in here.catalogue.drops.shown() if d.vault == vault)
        assert drop.state == state, drop
        return drop

    return reaches


def listed(session, reaches):
    """Bring a drop to its plan."""
    first = session.drop_with_archives("photos")
    if isinstance(first, Batch):
        reaches("confirming", hours=4.2)
        first = session.drop_with_archives("photos")
    assert isinstance(first, EmptyPlan)
    return first


# The way through


@pytest.mark.each_backend
def test_a_vault_is_emptied_proven_and_dropped(session, filled, reaches, store):
    """Two days, one confirmation; the catalogue keeps what was in it."""
    session.vault_in_use = "photos"
    first = session.drop_with_archives("photos")
    assert isinstance(first, Batch)
    assert first.snapshot.rows[0].kind == "drop"
    assert first.snapshot.rows[0].state == "in progress"
    reaches("confirming", hours=4.2)
    plan = session.drop_with_archives("photos")
    assert [a.name for a in plan.archives] == ["a", "b", "c"]
    assert store() == 3
    row = plan.run(confirm="photos").snapshot.rows[0]
    assert store() == 0
    assert row.state == "in progress"
    assert "3 of 3 deleted" in row.error
    assert row.expected is not None
    drop = reaches("dropped", hours=25)
    assert store() is None
    assert store("neighbour") == 1
    assert session.catalogue.archives.count("photos") == 0
    known = session.catalogue.archives.query("photos", states=["deleted"]).records
    assert sorted(a.name for a in known) == ["a", "b", "c"]
    assert session.vault_in_use is None
    assert drop.ended is not None


def test_the_board_and_the_verb_show_it(session, filled, reaches):
    """A row of its own, with what it waits for; a wait for a list ends with the list."""
    assert isinstance(session.drop_with_archives("photos"), Batch)
    assert "drop of photos" in repr(session.jobs())
    reaches("confirming", hours=4.2)
    row = session.drops().snapshot.rows[0]
    assert row.state == "ready"
    assert row.ended
    assert "drop_with_archives" in row.error
    assert session.drops().wait(0.1)


def test_an_inventory_at_hand_is_used_at_once(session, filled, listed, jobs_of):
    """Nothing newer is to be had by asking."""
    job = filled.refresh_inventory()
    with pytest.raises(NotReady):
        job.wait(0.1)
    assert isinstance(session.drop_with_archives("photos"), Batch)
    assert len(jobs_of(action="InventoryRetrieval")) == 1  # the running one is used


def test_a_plan_is_there_at_once_after_an_inventory_was_read(session, vault, put, listed):
    """The service has no newer list to give."""
    put("a")
    listed(vault)
    assert isinstance(session.drop_with_archives("photos"), EmptyPlan)


def test_an_inventory_that_is_done_is_read_without_a_tracker(connect, filled, later, tmp_path):
    """A shell's second command need not wait for the first one's."""
    one = connect(catalogue=tmp_path / "another.sqlite")
    assert isinstance(one.drop_with_archives("photos"), Batch)
    one.close()
    later(hours=4.2)
    two = connect(catalogue=tmp_path / "another.sqlite")
    assert isinstance(two.drop_with_archives("photos"), EmptyPlan)


@pytest.mark.each_backend
def test_it_goes_on_by_itself_in_a_new_session(connect, session, filled, reaches, store, later):
    """Whoever starts any tracker; nothing is asked a second time."""
    listed(session, reaches).run(confirm="photos")
    session.close()
    other = connect()
    other.jobs()
    reaches("dropped", hours=25, on=other)
    assert store() is None


def test_an_empty_vault_needs_no_deletions(session, later, reaches, store, put, client):
    """It was emptied by somebody else; the proof is an inventory all the same."""
    session.create_vault("photos")
    client.delete_archive(vaultName="photos", archiveId=put("a"))
    later(days=1.2)
    plan = listed(session, reaches)
    assert len(plan.choice) == 0
    plan.run(confirm="photos")
    reaches("dropped")
    assert store() is None


# Guards


def test_a_drop_needs_the_name(session, filled, reaches, store):
    """Even of a vault with a single archive."""
    plan = listed(session, reaches)
    for wrong in (None, "yes", "neighbour"):
        with pytest.raises(NotConfirmed):
            plan.run(wrong)
    assert store() == 3


def test_a_limit_of_the_fee_is_kept(session, filled, region, reaches, store):
    """As with rm."""
    listed(session, reaches)
    configuration_file().parent.mkdir(parents=True, exist_ok=True)
    configuration_file().write_text(f"[{region}]\nearly-deletion = 1000000\n")
    with pytest.raises(OverBudget):
        session.drop_with_archives("photos").limit_to("0.01").run(confirm="photos")
    assert store() == 3


def test_the_price_of_the_requests_is_in_the_quote(session, filled, region, reaches, store):
    """Of three archives and the vault; by default they are free, and have no line."""
    assert session.drop_vault("neighbour").quote.lines == ()
    plan = listed(session, reaches)
    assert [line.figure.item for line in plan.quote.lines] == ["early-deletion"]
    configuration_file().parent.mkdir(parents=True, exist_ok=True)
    configuration_file().write_text(f"[{region}]\nearly-deletion = 0\nother-requests = 1000\n")
    plan = listed(session, reaches)
    assert plan.quote.total == 4
    assert "$4.00" in dict(plan.facts)["requests"]
    with pytest.raises(OverBudget):
        plan.run(confirm="photos", max_cost="3.99")
    empty = session.drop_vault("neighbour")
    assert empty.quote.total == 1
    with pytest.raises(OverBudget):
        empty.run(max_cost="0.99")
    assert (store(), store("neighbour")) == (3, 1)


def test_new_before_the_confirmation(session, filled, reaches, put, later, store):
    """A newer inventory was made: the old list is confirmed by nobody; a new one is asked for."""
    plan = listed(session, reaches)
    put("late")
    later(session, days=1.2)
    with pytest.raises(Refused, match="newer inventory"):
        plan.run(confirm="photos")
    assert store() == 4
    assert isinstance(session.drop_with_archives("photos"), Batch)
    reaches("confirming", hours=4.2)
    again = session.drop_with_archives("photos")
    assert sorted(a.name for a in again.archives) == ["a", "b", "c", "late"]


def test_stored_from_here_before_the_confirmation(session, filled, reaches, files, store):
    """The catalogue knows it at once."""
    plan = listed(session, reaches)
    filled.upload(files("late"))
    with pytest.raises(Refused, match="4 archives"):
        plan.run(confirm="photos")
    assert store() == 4


def test_new_before_the_proof(session, filled, reaches, put, store):
    """It is not deleted, the vault is not dropped, and it is said."""
    plan = listed(session, reaches)
    put("late")  # after the list, of which nobody can know yet
    plan.run(confirm="photos")
    assert store() == 1
    drop = reaches("stopped", hours=25)
    assert "1 archive" in drop.error
    assert store() == 1
    with pytest.raises(JobFailed, match=r"1 drop of 1 stopped: .*1 archive") as failed:
        Batch(session.tracker, (drop.key,)).wait(PATIENCE)
    assert "restore" not in str(failed.value)
    assert "session.drop_with_archives('photos')" in str(failed.value)


def test_stored_from_here_before_the_proof(session, filled, reaches, files, store):
    """It is named."""
    listed(session, reaches).run(confirm="photos")
    filled.upload(files("late<script>.txt"))
    assert "late<script>.txt" in reaches("stopped", hours=25).error
    assert "<script>" not in session.drops()._repr_html()
    assert store() == 1


def test_written_to_after_the_proof(session, filled, reaches, put, later, store, calls):
    """The service refuses to drop it; the next inventory tells why."""
    listed(session, reaches).run(confirm="photos")
    original = calls.of("delete_vault")

    def delete(self, vault):
        put("late")
        calls.replace("delete_vault", original)
        return original(self, vault)

    calls.replace("delete_vault", delete)
    later(session, hours=25)
    session.tracker.start()
    session.tracker.wait(lambda _: "a later write" in (drops(session)[0].note or ""), PATIENCE)
    assert "reports a later write to the vault" in drops(session)[0].note
    assert drops(session)[0].state == "proving"
    assert "1 archive" in reaches("stopped", hours=25).error
    assert store() == 1


def drops(session):
    return session.catalogue.drops.shown()


def test_unfinished_uploads_stop_it(session, filled, reaches, client, store, later):
    """Before the deletion, and before the drop: somebody's parts would be lost."""
    asked = {"vaultName": "photos", "partSize": str(1 << 20), "archiveDescription": "x"}
    upload = client.initiate_multipart_upload(**asked)["uploadId"]
    plan = listed(session, reaches)
    assert "1 multipart upload" in dict(plan.facts)["REFUSED"]
    with pytest.raises(Refused, match="1 multipart upload"):
        plan.run(confirm="photos")
    assert store() == 3
    client.abort_multipart_upload(vaultName="photos", uploadId=upload)
    plan.run(confirm="photos")
    session.tracker.stop()
    later(days=1.2)
    client.initiate_multipart_upload(**asked)
    session.tracker.drops.dropper.step(session.catalogue.drops.busy()[0], session.tracker._stop)
    assert "1 multipart upload" in reaches("stopped").error
    assert store() == 0


def test_another_vault_of_that_name(session, filled, reaches, client, later, store):
    """Another client dropped and created it again: this drop must not touch it."""
    listed(session, reaches).run(confirm="photos")
    session.tracker.stop()
    later(days=1.2)
    client.delete_vault(vaultName="photos")
    client.create_vault(vaultName="photos")
    drop = session.catalogue.drops.busy()[0]
    session.tracker.drops.dropper.step(drop, session.tracker._stop)
    assert "created again" in drops(session)[0].error
    assert store() == 0


def test_a_vault_that_somebody_else_has_dropped(session, filled, reaches, client, later):
    """What was wanted has happened."""
    listed(session, reaches).run(confirm="photos")
    session.tracker.stop()
    later(days=1.2)
    client.delete_vault(vaultName="photos")
    session.tracker.drops.dropper.step(session.catalogue.drops.busy()[0], session.tracker._stop)
    assert drops(session)[0].state == "dropped"
    assert "another client" in drops(session)[0].note


def test_denied_deletions_stop_it(session, filled, reaches, emulator, store, client):
    """With the reason; nothing is tried again by itself."""
    plan = listed(session, reaches)
    emulator.fault("access-denied", "DeleteArchive", times=100)
    try:
        plan.run(confirm="photos")
    finally:
        emulator.clear_faults()
    drop = reaches("stopped")
    assert "3 archives could not be deleted" in drop.error
    assert store() == 3


@pytest.mark.limits(denials=2)
def test_many_denied_deletions_stop_it_early(session, filled, reaches, emulator, put):
    """As with rm."""

    plan = listed(session, reaches)
    emulator.fault("access-denied", "DeleteArchive", times=100)
    try:
        with pytest.raises(AccessDenied, match="in a row"):
            plan.run(confirm="photos")
    finally:
        emulator.clear_faults()
    assert "in a row" in reaches("stopped").error


def test_a_drop_is_ended_by_the_user(session, filled, reaches, store, later):
    """In any state; it does not come back."""
    assert isinstance(session.drop_with_archives("photos"), Batch)
    session.stop_drop("photos")
    assert drops(session) == []
    listed(session, reaches).run(confirm="photos")
    assert "ended" in session.stop_drop("photos")
    with pytest.raises(InputError):
        session.stop_drop("photos")
    later(session, days=2)
    session.tracker.wait(lambda _: False, 0.3)
    assert store() == 0  # emptied, and still there
    with pytest.raises(InputError):
        session.stop_drop("neighbour")


def test_a_drop_confirmed_anew_takes_the_place_of_a_stopped_one(session, filled, reaches, calls, store):
    """Nothing of the first one is left to be resumed; forgotten deletions stop a drop."""
    plan = listed(session, reaches)

    def forget(self, vault, archive_id):
        session.catalogue.deletions.ended(1, "forgotten")
        raise KeyboardInterrupt

    with calls.replaced("delete_archive", forget), pytest.raises(KeyboardInterrupt):
        plan.run(confirm="photos")
    again = session.drop_with_archives("photos")
    again.run(confirm="photos")
    assert store() == 0
    assert [drop.state for drop in drops(session)] == ["proving"]
    assert session.catalogue.deletions.unfinished() == []
    session.catalogue.drops.update(drops(session)[0].id, state="deleting", deletion=1)
    assert "forgotten" in reaches("stopped").error


def test_an_outdated_plan_runs_nothing(session, filled, reaches, store):
    """The drop was ended between plan and button."""
    plan = listed(session, reaches)
    session.stop_drop("photos")
    with pytest.raises(Refused, match="ended"):
        plan.run(confirm="photos")
    assert store() == 3
    assert session.catalogue.deletions.unfinished() == []


def test_an_interrupt_stops_the_deleting(session, filled, reaches, calls, store):
    """Ctrl-C means stop: the tracker does not go on behind the user's back."""
    plan = listed(session, reaches)

    def interrupt(*_):
        raise KeyboardInterrupt

    with calls.replaced("delete_archive", interrupt), pytest.raises(KeyboardInterrupt):
        plan.run(confirm="photos")
    assert reaches("stopped").error == "stopped by you"
    assert store() == 3


def test_a_broken_network_is_waited_for(session, filled, reaches, emulator, later, store):
    """The note says what is wrong; the drop goes on when it is mended."""
    listed(session, reaches).run(confirm="photos")
    emulator.fault("expired-token", "DescribeVault", times=3)
    try:
        reaches("dropped", hours=25)
    finally:
        emulator.clear_faults()
    assert store() is None


def test_a_lost_inventory_job_is_asked_for_again(session, filled, reaches, emulator, jobs_of):
    """The service gave up on the first one."""
    emulator.fault("job-failed", "InitiateJob", times=1)
    assert isinstance(session.drop_with_archives("photos"), Batch)
    session.tracker.start()
    reaches_two = lambda _: len(jobs_of(action="InventoryRetrieval")) == 2  # noqa: E731 - short, and called once
    emulator.advance(hours=4.2)
    session.service.account()
    session.tracker.wake()
    session.tracker.wait(reaches_two, PATIENCE)
    reaches("confirming", hours=4.2)


def test_a_vault_too_young_for_an_inventory_waits_for_one(session, put, reaches, later):
    """The service has none to give; it is asked a quarter of a day later."""
    session.create_vault("photos")
    put("a")
    first = session.drop_with_archives("photos")
    assert "no inventory yet" in first.snapshot.rows[0].error
    later(session, days=1.2)
    session.tracker.wait(lambda _: drops(session)[0].job_id is not None, PATIENCE)
    reaches("confirming", hours=4.2)


@pytest.mark.parametrize("name", ["absent", "a/b", "../photos", "<script>", "x" * 256])
def test_a_vault_that_is_not_there_is_not_dropped(session, name):
    """Nothing is begun."""
    with pytest.raises((NotFound, InputError)):
        session.drop_with_archives(name)
    assert drops(session) == []


# An empty vault, as before


def test_a_refusal_says_when_the_next_inventory_can_prove_it(session, vault, put, later):
    """Not inventoried yet; with archives; emptied since."""
    archive = put("a")
    with pytest.raises(VaultNotEmpty, match="no inventory yet"):
        session.drop_vault("photos").run()
    later(session, days=1.2)
    with pytest.raises(VaultNotEmpty, match="lists 1 archive") as caught:
        session.drop_vault("photos").run()
    assert "next daily inventory, about" in caught.value.cure
    assert "drop_with_archives" in caught.value.cure
    vault.delete(f"id:{archive}").run()
    with pytest.raises(VaultNotEmpty, match="lists 1 archive"):
        session.drop_vault("photos").run()
    later(session, days=1.2)
    session.drop_vault("photos").run()
    assert list(session.vaults()["vault"]) == []


def test_the_next_inventory_is_at_the_same_time_of_day():
    """A day after the last one that is not over; a day from now where there was none."""
    assert next_inventory(None, 5) == 5 + DAY
    assert next_inventory(1000, 1000) == 1000 + DAY
    assert next_inventory(1000, 1000 + 3 * DAY + 1) == 1000 + 4 * DAY


def test_plans_promise_what_a_record_can_keep(session, filled, reaches):
    """Both kinds of drop."""
    plan = listed(session, reaches)
    assert plan.kind == session.drop_vault("photos").kind == "drop"
    assert json.loads(json.dumps(plan.promised()))["archives"] == 3
    assert json.loads(json.dumps(session.drop_vault("photos").promised()))["archives"] == 0


def test_a_drop_that_has_changed_is_not_ended(session, filled):
    """It has moved on in another process: its deletion goes on, and the error says so."""
    session.drop_with_archives("photos")
    drop = session.catalogue.drops.open_of("photos")
    session.catalogue.drops.move(drop.id, (drop.state,), "confirming")
    with pytest.raises(Refused, match="has changed"):
        end(session.catalogue, drop)
    assert session.catalogue.drops.open_of("photos").state == "confirming"
