"""Plans that were run are remembered: what was promised, and what happened."""

import pytest

from glacier_magic.errors import InputError, PriceUnknown, Unavailable
from glacier_magic.plans import Memory, Plan
from glacier_magic.service import Service

PATIENCE = 30.0


@pytest.fixture
def filled(vault, files):
    """A vault with three archives; the local files are gone."""
    for name in ("scans/a.tif", "scans/b.tif", "c.txt"):
        path = files(name, name.encode() * 100)
        vault.upload(name)
        path.unlink()
    return vault


class Small(Plan):
    """The least that a plan must say."""

    kind, title, facts, empty, vault = "small", "Do a little", (("undo", "none"),), False, "photos"

    def __init__(self, memory, outcome="done"):
        super().__init__(memory)
        self._outcome = outcome

    def happened(self, result):
        return {"words": result}

    def _run(self):
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


def test_any_plan_is_kept_when_it_is_run_and_not_before(session):
    """Promise and outcome; one without a memory runs as well."""
    plan = Small(Memory(session.catalogue, session.service.clock))
    assert session.catalogue.plans.recent() == []
    assert plan.run() == plan.run() == "done"
    (kept,) = session.catalogue.plans.recent()
    assert (kept.kind, kept.vault, kept.state) == ("small", "photos", "done")
    assert kept.promised["title"] == "Do a little"
    assert kept.promised["facts"] == [["undo", "none"]]
    assert kept.happened == {"words": "done"}
    assert kept.made <= kept.run <= kept.ended
    assert kept.id == plan.number
    assert Small(None).run() == "done"
    assert len(session.catalogue.plans.recent()) == 1


def test_a_plan_that_fails_is_kept_with_its_error_and_can_be_run_again(session):
    """Each try is one of its own."""
    memory = Memory(session.catalogue, session.service.clock)
    plan = Small(memory, Unavailable("no network"))
    with pytest.raises(Unavailable):
        plan.run()
    plan._outcome = "done"
    assert plan.run() == "done"
    last, first = session.catalogue.plans.recent()
    assert (first.state, last.state) == ("failed", "done")
    assert "no network" in first.error


def test_a_limit_needs_a_price(session):
    """A plan that reckons none refuses, and is not kept; nor is a limit that is none."""
    plan = Small(Memory(session.catalogue, session.service.clock))
    with pytest.raises(PriceUnknown):
        plan.run(max_cost=5)
    for wrong in ("five", -1, 0.5, True, "NaN"):
        with pytest.raises(InputError):
            plan.run(max_cost=wrong)
    assert session.catalogue.plans.recent() == []


def test_a_restore_is_kept_with_what_came_of_it(session, filled, later, tmp_path):
    """Filled in as the downloads end."""
    plan = filled.restore("*", to=tmp_path / "back")
    batch = plan.run()
    (kept,) = session.catalogue.plans.recent()
    assert kept.state == "under way"
    assert kept.promised["archives"] == 3
    assert (kept.tally.asked, kept.tally.still, kept.tally.verified) == (3, 3, 0)
    assert kept.tally.bytes_asked == plan.bytes
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    kept = session.catalogue.plans.get(plan.number)
    assert kept.state == "done"
    assert (kept.tally.verified, kept.tally.bytes_verified) == (3, plan.bytes)
    assert kept.run < kept.tally.ended


def test_a_second_plan_of_the_same_archives_pays_nothing(session, filled, later, tmp_path):
    """Both hear how they end; only the first has asked."""
    first = filled.restore("*", to=tmp_path / "back")
    second = filled.restore("*", to=tmp_path / "back")
    third = filled.restore("*", to=tmp_path / "elsewhere")
    for plan in (first, second, third):
        plan.run()
    later(session, hours=4.1)
    session.pending().wait(PATIENCE)
    tallies = [session.catalogue.plans.get(p.number).tally for p in (first, second, third)]
    assert [t.asked for t in tallies] == [3, 0, 0]
    assert [t.verified for t in tallies] == [3, 3, 3]


def test_a_deletion_is_kept(session, filled, monkeypatch):
    """How many, and which could not be."""
    filled.remove("c.txt").run()
    (kept,) = session.catalogue.plans.recent()
    assert (kept.kind, kept.state) == ("delete", "done")
    assert kept.promised["archives"] == 1
    assert kept.happened["deleted"] == 1

    def fail(*_):
        raise Unavailable("no network")

    monkeypatch.setattr(Service, "delete_archive", fail)
    with pytest.raises(Unavailable):
        filled.remove("*").run()
    assert session.catalogue.plans.recent()[0].state == "failed"
