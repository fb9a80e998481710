"""Provisioned capacity: shown with its price, bought once, looked up where an answer was lost."""

from decimal import Decimal

import pytest

from glacier_magic.administration import capacity as capacity_module
from glacier_magic.errors import (
    AccessDenied,
    NotReady,
    OverBudget,
    PriceUnknown,
    Refused,
    Unavailable,
)

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
        session.capacity().buy(max_cost=Decimal("99.99"))
    assert "tier" not in refused.value.cure
    assert "archives" not in refused.value.cure
    session.capacity().buy(max_cost=Decimal(100))
    (home / "own" / "prices.toml").unlink()
    with pytest.raises(PriceUnknown):
        session.capacity().buy(max_cost=Decimal(1000))
    assert "unknown" in session.capacity().buy().title


@pytest.mark.parametrize("fault", ["reset-after", "reset-before", "500"])
def test_a_purchase_whose_answer_is_lost_is_looked_up_and_not_repeated(
    session, client, emulator, priced, monkeypatch, fault
):
    """Bought or not: what came of it decides, and nothing is bought before that."""
    emulator.fault(fault, "PurchaseProvisionedCapacity")
    with pytest.raises(Unavailable, match="not known"):
        session.capacity().buy().run()
    units = client.list_provisioned_capacity()["ProvisionedCapacityList"]
    assert len(units) == (fault == "reset-after")
    if units:
        assert "though its answer was lost" in session.capacity().note
        assert session.capacity().note == ""
        return
    with pytest.raises(NotReady, match="not known yet"):
        session.capacity().buy()
    monkeypatch.setattr(capacity_module, "SETTLE_SECONDS", 0)
    assert "did not go through" in session.capacity().note
    session.capacity().buy().run()
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
        import sys
        import glacier_magic as gm
        folder, region, catalogue = sys.argv[1:]
        session = gm.connect(emulator=folder, region=region, catalogue=catalogue)
        def settle(*_):
            print("bought", flush=True)
            sys.stdin.readline()
        session.catalogue.purchases.settle = settle
        session.capacity().buy().run()
    """
    one = child(script, emulator.folder, region, session_place)
    one.until("bought")
    one.kill()
    found = session.capacity()
    assert "though its answer was lost" in found.note
    assert len(found.units) == 1
    assert session.catalogue.purchases.open() is None


def test_two_processes_do_not_buy_at_the_same_moment(session, priced):
    """The intent of one is seen by the other."""
    assert session.catalogue.purchases.begin([]) is not None
    assert session.catalogue.purchases.begin([]) is None
    with pytest.raises(NotReady):
        session.capacity().buy()
