"""Provisioned capacity: shown with its price, bought once, looked up where an answer was lost."""

from dataclasses import replace
from decimal import Decimal

import pytest

from glacier_magic.errors import (
    AccessDenied,
    InputError,
    NotReady,
    OverBudget,
    PlanChanged,
    PriceUnknown,
    Refused,
    Unavailable,
)
from glacier_magic.service.administration import Administration
from tests.counting import counting

PRICE = "[all]\nprovisioned-capacity = 100\n"


@pytest.fixture
def priced(home):
    """A price of one's own, on which a budget may rely."""
    (home / "own").mkdir(exist_ok=True)
    (home / "own" / "prices.toml").write_text(PRICE)


def test_capacity_is_shown_with_its_price_and_bought_once(session, client, priced):
    """Nothing before the run; a second run of the plan gives the first one's result."""
    plan = session.capacity().buy()
    assert "$100" in plan.title
    assert plan.danger
    assert client.list_provisioned_capacity()["ProvisionedCapacityList"] == []
    bought = plan.run()
    assert plan.run() is bought
    (unit,) = client.list_provisioned_capacity()["ProvisionedCapacityList"]
    assert [unit["CapacityId"]] == list(bought.table["unit"]) == [u.id for u in bought.units]
    assert str(bought.table["end"].dtype) == "datetime64[us, UTC]"
    assert unit["CapacityId"] in repr(session.capacity())
    assert f"Bought 1 unit for {dict(plan.facts)['price']}." in repr(bought)
    (past,) = session.history().table.to_dict("records")
    assert (past["kind"], past["state"], past["price"]) == ("capacity", "done", plan.quote.words())
    assert "$100" in repr(session.past_plan(past["id"]))


def test_a_third_unit_is_refused_before_it_is_asked_for(session, client, priced):
    """The service allows two; they end after a month."""
    session.capacity().buy(2).run()
    with pytest.raises(Refused, match="it has 2"):
        session.capacity().buy()
    stale = session.capacity()
    stale.units.clear()
    with pytest.raises(Refused, match="it has 2"):
        stale.buy().run()
    assert len(client.list_provisioned_capacity()["ProvisionedCapacityList"]) == 2


def test_a_budget_refuses_what_costs_more_or_is_not_known(session, priced, home):
    """Without a budget an unknown price is shown as such."""
    with pytest.raises(OverBudget) as refused:
        session.capacity().buy().run(max_cost=Decimal("99.99"))
    assert "tier" not in refused.value.cure
    assert "archives" not in refused.value.cure
    assert session.capacity().buy().limit_to(100).refusal == ""
    (home / "own" / "prices.toml").unlink()
    with pytest.raises(PriceUnknown):
        session.capacity().buy().run(max_cost=1000)
    assert "the price of provisioned capacity" in session.capacity().buy().title


@pytest.mark.parametrize(
    "limit", [float("inf"), Decimal("Infinity"), Decimal("NaN"), -1, 100.0, "5,000", "x"]
)
def test_a_budget_that_is_no_amount_is_refused(session, client, priced, limit):
    """And nothing is bought."""
    plan = session.capacity().buy()
    with pytest.raises(InputError, match="not an amount of US dollars"):
        plan.run(max_cost=limit)
    with pytest.raises(InputError, match="not an amount of US dollars"):
        plan.limit_to(limit)
    assert client.list_provisioned_capacity()["ProvisionedCapacityList"] == []


@pytest.mark.parametrize("fault", ["reset-after", "reset-before", "500"])
def test_a_purchase_whose_answer_is_lost_is_looked_up_and_not_repeated(
    session, connect, limits, client, emulator, priced, fault
):
    """Bought or not: what came of it decides, and nothing is bought before that."""
    emulator.fault(fault, "PurchaseProvisionedCapacity")
    with pytest.raises(Unavailable, match="not known"):
        session.capacity().buy().run()
    units = client.list_provisioned_capacity()["ProvisionedCapacityList"]
    assert len(units) == (fault == "reset-after")
    if units:
        assert "though the response was lost" in session.capacity().note
        assert session.capacity().note == ""
        return
    with pytest.raises(NotReady, match="not known yet"):
        session.capacity().buy()
    later = connect(limits=replace(limits, lost_purchase=0))
    assert "no unit was bought" in later.capacity().note
    later.capacity().buy().run()
    assert len(client.list_provisioned_capacity()["ProvisionedCapacityList"]) == 1


@pytest.mark.parametrize("fault", ["throttling", "access-denied"])
def test_a_purchase_that_is_refused_stands_in_no_ones_way(session, client, emulator, priced, fault):
    """The service said no: it can be asked again at once."""
    emulator.fault(fault, "PurchaseProvisionedCapacity")
    with pytest.raises((Unavailable, AccessDenied)):
        session.capacity().buy().run()
    session.capacity().buy().run()
    assert len(client.list_provisioned_capacity()["ProvisionedCapacityList"]) == 1


@pytest.mark.each_backend
def test_a_purchase_of_a_killed_process_is_found_and_not_repeated(
    child, emulator, region, session, client, priced, tmp_path, session_place
):
    """Killed between the answer and its note."""
    script = """
        import glacier_magic as gm
        folder, region, catalogue = sys.argv[1:]
        session = gm.connect(emulator=folder, region=region, catalogue=catalogue)
        session.catalogue.purchases.settle = stop
        session.capacity().buy().run()
    """
    child(script, emulator.folder, region, session_place).kill_when_stopped()
    found = session.capacity()
    assert "though the response was lost" in found.note
    assert len(found.units) == 1
    assert session.catalogue.purchases.open() is None


def test_two_processes_do_not_buy_at_the_same_moment(session, priced):
    """The intent of one is seen by the other."""
    assert session.catalogue.purchases.begin([]) is not None
    assert session.catalogue.purchases.begin([]) is None
    with pytest.raises(NotReady):
        session.capacity().buy()


def test_a_purchase_repeated_after_a_lost_answer_is_the_same_purchase(
    session, connect, client, emulator, priced
):
    """The repeated request finds its unit and buys none; one more request buys one more."""
    emulator.fault("reset-after", "PurchaseProvisionedCapacity")
    with pytest.raises(Unavailable, match="not known"):
        session.capacity().buy().run()
    with counting(emulator, "PurchaseProvisionedCapacity") as purchases:
        (unit,) = client.list_provisioned_capacity()["ProvisionedCapacityList"]
        again = connect().capacity().buy()
        assert again.empty
        assert again.quote.total == 0
        assert unit["CapacityId"] in again.title
        assert "though the response was lost" in repr(again.run())
        assert purchases() == 0
        second = session.capacity().buy()
        assert "1 unit of at most 2" in dict(second.facts)["now"]
        assert "Bought 1 unit" in second.run().note
        assert purchases() == 1
        with pytest.raises(Refused, match="it has 2"):
            session.capacity().buy()
        assert purchases() == 1


def test_a_plan_that_is_run_again_after_a_lost_answer_buys_one_unit(session, emulator, priced):
    """As the button of a card does: it says what it found, and has nothing to do then."""
    plan = session.capacity().buy()
    emulator.fault("reset-after", "PurchaseProvisionedCapacity")
    with pytest.raises(Unavailable):
        plan.run()
    with counting(emulator, "PurchaseProvisionedCapacity") as purchases:
        with pytest.raises(PlanChanged, match="though the response was lost"):
            plan.run()
        assert plan.empty
        assert "1 unit of at most 2" in dict(plan.facts)["now"]
        assert len(plan.run().units) == 1
        assert purchases() == 0


def test_of_two_units_the_one_with_a_lost_answer_counts(session, emulator, priced):
    """What is left of the wish is bought, and no more."""
    emulator.fault("reset-after", "PurchaseProvisionedCapacity")
    with pytest.raises(Unavailable):
        session.capacity().buy(2).run()
    with counting(emulator, "PurchaseProvisionedCapacity") as purchases:
        plan = session.capacity().buy(2)
        assert plan.quote.total == 100
        assert "Bought 1 unit" in plan.run().note
        assert purchases() == 1


def test_a_purchase_whose_unit_cannot_be_listed_is_found_later(session, emulator, priced, monkeypatch):
    """The unit is paid for, and the list that should show it is refused."""
    purchase = Administration.buy_capacity

    def buy(self):
        bought = purchase(self)
        emulator.fault("access-denied", "ListProvisionedCapacity")
        return bought

    monkeypatch.setattr(Administration, "buy_capacity", buy)
    with pytest.raises(AccessDenied):
        session.capacity().buy().run()
    with counting(emulator, "PurchaseProvisionedCapacity") as purchases:
        assert session.capacity().buy().empty
        assert purchases() == 0


@pytest.mark.parametrize("units", [1, 2])
def test_a_unit_bought_meanwhile_changes_the_plan(session, connect, emulator, priced, tmp_path, units):
    """By another computer with a catalogue of its own: what was shown was 0 of 2."""
    there = connect(catalogue=tmp_path / "another computer's.sqlite")
    plan = session.capacity().buy(units)
    assert "0 units of at most 2" in dict(plan.facts)["now"]
    there.capacity().buy().run()
    with counting(emulator, "PurchaseProvisionedCapacity") as purchases:
        with pytest.raises(PlanChanged if units == 1 else Refused):
            plan.run()
        assert purchases() == 0
        assert plan.result is None
        if units == 1:
            assert "1 unit of at most 2" in dict(plan.facts)["now"]
            assert len(plan.run().units) == 2
            assert purchases() == 1


def test_another_computer_sees_the_unit_but_not_whose_answer_was_lost(
    session, connect, emulator, priced, tmp_path
):
    """It cannot know that somebody waits for an answer: its plan shows the unit that there is."""
    there = connect(catalogue=tmp_path / "another computer's.sqlite")
    shown = there.capacity().buy()
    emulator.fault("reset-after", "PurchaseProvisionedCapacity")
    with pytest.raises(Unavailable):
        session.capacity().buy().run()
    with counting(emulator, "PurchaseProvisionedCapacity") as purchases:
        with pytest.raises(PlanChanged, match="1 unit"):
            shown.run()
        assert "1 unit of at most 2" in dict(there.capacity().buy().facts)["now"]
        assert session.capacity().buy().empty
        assert purchases() == 0


def test_a_price_that_has_risen_is_shown_before_it_is_paid(session, client, priced, home):
    """Like that of any plan."""
    plan = session.capacity().buy()
    (home / "own" / "prices.toml").write_text(PRICE.replace("100", "120"))
    with pytest.raises(PlanChanged, match=r"\$120"):
        plan.run()
    assert "$120" in plan.title
    assert client.list_provisioned_capacity()["ProvisionedCapacityList"] == []
    plan.run()
