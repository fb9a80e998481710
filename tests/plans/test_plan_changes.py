"""What a plan has shown is what it does: if that has changed by the time it runs, it says so."""

import pytest

from glacier_magic.base.paths import data_folder
from glacier_magic.base.ranges import Asked
from glacier_magic.errors import OverBudget, PlanChanged
from glacier_magic.plans.restore.items import COPY

PATIENCE = 30.0
PRICES = """
[all]
retrieval-standard = "{}"
retrieval-standard-requests = 5
transfer-out-internet = "0.09"
"""


@pytest.fixture
def priced():
    """Set the price of standard retrievals, per GB."""

    def priced(amount):
        data_folder().mkdir(parents=True, exist_ok=True)
        (data_folder() / "prices.toml").write_text(PRICES.format(amount))

    priced("0.01")
    return priced


@pytest.fixture
def staged(session, filled, client, later, priced):
    """Outputs of all archives, whole and of the first bytes, that somebody else has asked for."""
    for archive_id in filled.archives()["archive_id"]:
        client.initiate_job(
            vaultName="photos", jobParameters={"Type": "archive-retrieval", "ArchiveId": archive_id}
        )
    later(session, hours=4.1)
    return filled


def test_what_was_staged_when_shown_is_not_paid_for_unasked(session, staged, later, jobs_of, tmp_path):
    """25 hours later nothing is asked for before the new price was shown; the second run goes."""
    plan = staged.restore("*", to=tmp_path / "back", destination="here")
    assert plan.quote.total == 0
    assert "ready to download" in repr(plan)
    later(session, hours=25)
    before = len(jobs_of())
    with pytest.raises(PlanChanged, match=r"would now cost .*; shown was \$0") as raised:
        plan.run()
    assert "3 requests more" in str(raised.value)
    assert len(jobs_of()) == before
    assert plan.result is None
    assert plan.requests == 3
    assert plan.quote.total > 0
    batch = plan.run()
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    assert len(list((tmp_path / "back").rglob("*.t*"))) == 3


def test_a_limit_speaks_first_and_within_it_the_change_is_told_all_the_same(session, staged, later, tmp_path):
    """A limit says what may be paid, not that what was shown may change."""
    low = staged.restore("*", to=tmp_path / "low", destination="here")
    high = staged.restore("*", to=tmp_path / "high", destination="here")
    later(session, hours=25)
    with pytest.raises(OverBudget):
        low.run(max_cost=0, accept_unconfirmed=True)
    with pytest.raises(PlanChanged):
        high.run(max_cost=5, accept_unconfirmed=True)


def test_a_price_that_has_risen_is_shown_before_it_is_paid(filled, priced, jobs_of, tmp_path):
    """The prices of the moment count; one that became unknown is a change as well."""
    plan = filled.restore("*", to=tmp_path / "back")
    priced("0.02")
    with pytest.raises(PlanChanged):
        plan.run()
    (data_folder() / "prices.toml").unlink()
    with pytest.raises(PlanChanged):
        plan.run()
    assert jobs_of() == []
    assert len(plan.run()) == 3


def test_what_gets_cheaper_runs(filled, jobs_of, tmp_path):
    """Another plan has asked meanwhile: nobody needs to look again."""
    plan = filled.restore("*", to=tmp_path / "two")
    filled.restore("c.txt", to=tmp_path / "one").run()
    assert len(plan.run()) == 3
    assert len(jobs_of()) == 3


def test_parts_that_were_staged_are_not_paid_for_unasked(session, filled, later, jobs_of, tmp_path):
    """As for whole archives."""
    part = Asked.head(10)
    filled.restore("c.txt", byte_range=part, to=tmp_path / "one").run()
    later(session, hours=4.1)
    plan = filled.restore("c.txt", byte_range=part, to=tmp_path / "two")
    assert "ready to download" in repr(plan)
    later(session, hours=25)
    before = len(jobs_of())
    with pytest.raises(PlanChanged, match="1 request more"):
        plan.run()
    assert len(jobs_of()) == before
    plan.run()
    assert len(jobs_of()) == before + 1


# What is here already


def test_a_verified_copy_in_another_folder_is_copied_and_not_paid_for(
    session, filled, priced, later, jobs_of, tmp_path
):
    """The plan says where it is; the copy is verified, and so is its time."""
    filled.restore("c.txt", to=tmp_path / "one").run()
    later(session, hours=4.1)
    session.jobs().wait(PATIENCE)
    later(session, hours=30)
    plan = filled.restore("c.txt", to=tmp_path / "two")
    assert plan.quote.total == 0
    assert f"a verified copy is at {tmp_path / 'one' / 'c.txt'}" in dict(plan.facts)[COPY]
    before = len(jobs_of())
    plan.run().wait(PATIENCE)
    assert len(jobs_of()) == before
    one, two = tmp_path / "one" / "c.txt", tmp_path / "two" / "c.txt"
    assert two.read_bytes() == one.read_bytes()
    assert two.stat().st_mtime == one.stat().st_mtime
    assert [path.name for path in two.parent.iterdir()] == ["c.txt"]


def test_a_copy_that_is_not_what_it_was_is_not_relied_on(session, filled, priced, later, jobs_of, tmp_path):
    """Of the same size even; one that changes after the plan was shown is paid for by nobody."""
    filled.restore("c.txt", to=tmp_path / "one").run()
    later(session, hours=4.1)
    session.jobs().wait(PATIENCE)
    later(session, hours=30)
    plan = filled.restore("c.txt", to=tmp_path / "two")
    copy = tmp_path / "one" / "c.txt"
    copy.write_bytes(bytes(copy.stat().st_size))
    assert filled.restore("c.txt", to=tmp_path / "three").requests == 1
    before = len(jobs_of())
    with pytest.raises(PlanChanged):
        plan.run()
    assert len(jobs_of()) == before


@pytest.mark.usefixtures("soon")
def test_what_is_scheduled_and_came_meanwhile_is_copied_when_it_is_due(
    session, filled, later, calls, tmp_path
):
    """By another plan, into another folder, and its output is gone by then."""
    made = calls.noted("start_retrieval", 1)
    paced = filled.restore("*", to=tmp_path / "paced", spread="3d").run()
    now = filled.restore("*", to=tmp_path / "now").run()
    later(session, hours=4.1)
    now.wait(PATIENCE)
    asked = set(made)
    assert len(made) == len(asked) == 3
    for _ in range(3):
        later(session, hours=25)
        session.tracker.refresh(["photos"])
    later(session, hours=5)
    paced.wait(PATIENCE)
    assert len(made) == 3
    assert len([p for p in (tmp_path / "paced").rglob("*") if p.is_file()]) == 3


# What is scheduled


def test_what_is_scheduled_shows_the_price_that_is_still_to_come(filled, priced, tmp_path):
    """Into this folder or another, by a plan that itself costs nothing for it."""
    whole = filled.restore("*", to=tmp_path / "back").quote.words()
    filled.restore("*", to=tmp_path / "back", spread="3d").run()
    facts = dict(filled.restore("*", to=tmp_path / "back").facts)
    assert facts["scheduled already"].startswith("2 archives, ")
    assert "stop_restores()" in facts["scheduled already"]
    assert "still to come" in facts["scheduled already"]
    assert facts["price"].endswith("for what is scheduled already")
    assert f"and {whole} for" not in facts["price"]
    assert " and $0 for" not in facts["price"]
    elsewhere = dict(filled.restore("*", to=tmp_path / "other").facts)
    assert str(tmp_path / "back") in elsewhere["scheduled elsewhere"]
    assert "scheduled already" not in elsewhere
    instead = filled.restore("*", to=tmp_path / "back", tier="bulk")  # takes their place
    assert instead.requests == 2
    assert "scheduled already" not in dict(instead.facts)


@pytest.mark.usefixtures("soon")
def test_a_scheduled_restore_is_stopped(session, filled, later, jobs_of, tmp_path):
    """What was not asked for never is; the history says so, and it can be paced otherwise."""
    plan = filled.restore("*", to=tmp_path / "back", spread="3d")
    batch = plan.run()
    said = session.stop_restores()
    assert said.startswith("Stopped: 2 archives")
    assert session.stop_restores().startswith("Nothing of it is")
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    for _ in range(3):
        later(session, hours=25)
        session.tracker.refresh(["photos"])
    assert jobs_of() == []
    assert session.past_plan(plan.number).record.tally.forgotten == 2
    assert session.past_plan(plan.number).record.state == "stopped"
    again = filled.restore("*", to=tmp_path / "back", spread="2d")
    assert again.requests == 2
    assert list(again.schedule["archives"]) == [1, 1]
