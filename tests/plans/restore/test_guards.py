"""What keeps a restore from doing harm: every guard, and the test that fires it.

A guard refuses before anything is asked for: the emulator's list of jobs is empty afterwards.

guard | error | test
--- | --- | ---
costs more than the limit | OverBudget | test_a_restore_over_its_limit_asks_for_nothing
grew dearer since it was shown | OverBudget | test_the_limit_is_checked_again_when_it_is_run
a price is not known | PriceUnknown | test_an_unknown_price_asks_for_nothing
a price is not confirmed | PriceUnknown | test_an_unconfirmed_price_asks_for_nothing
the way out has no price | PriceUnknown | test_the_way_out_counts
an archive's size is not known | PriceUnknown | test_an_unknown_size_asks_for_nothing
a size only a plan file tells | PriceUnknown | test_a_size_that_a_file_claims_asks_for_nothing
the limit is no amount | InputError | test_a_limit_that_is_none_asks_for_nothing
the user's prices cannot be read | InputError | test_broken_prices_ask_for_nothing
no such destination or tier | InputError | test_a_slip_asks_for_nothing
no room on the disk | LocalError | test_a_full_disk_asks_for_nothing
the folder cannot be written | LocalError | test_an_unwritable_folder_asks_for_nothing
nothing of that name is known | NameNotKnown | test_a_wrong_name_asks_for_nothing
the name is in another vault | NameNotKnown | test_a_wrong_vault_asks_for_nothing
the vault does not exist | NotFound | test_a_vault_that_is_not_there_asks_for_nothing
an id belongs to another vault | NotFound | test_an_archive_of_another_vault_asks_for_nothing
the account's policy | none | test_what_the_policy_refuses_waits_and_is_not_paid_for
a session that was closed | CatalogueError | test_a_closed_session_asks_for_nothing
asked for already | none | test_what_was_asked_for_meanwhile_is_not_paid_for
"""

import sys
from dataclasses import replace
from decimal import Decimal

import pytest

from glacier_magic import errors
from glacier_magic.base.paths import data_folder
from glacier_magic.errors import (
    CatalogueError,
    InputError,
    LocalError,
    NameNotKnown,
    NotFound,
    OverBudget,
    PriceUnknown,
)
from glacier_magic.prices import Figure, load

GB = 1 << 30
PRICES = """
[all]
retrieval-standard = 1
retrieval-standard-requests = 1000
retrieval-expedited = 2
retrieval-expedited-requests = 2000
transfer-out-internet = 0
"""


def set_prices(text):
    file = data_folder() / "prices.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def priced():
    """A dollar for a GB, and one for a request: three archives cost 3 dollars and some dust."""
    set_prices(PRICES)


@pytest.fixture
def refused(session, jobs_of):
    """Check that a call is refused, nothing was asked for, and no plan was kept."""

    def refused(error, call, match=None):
        with pytest.raises(error, match=match) as caught:
            call()
        assert caught.value.cure
        assert jobs_of() == []
        assert session.catalogue.downloads.open() == []
        assert session.catalogue.plans.recent() == []
        return caught.value

    return refused


def test_the_table_above_is_whole():
    """Each test is there, each error exists, and no test of a guard is left out."""
    rows = [line.split(" | ") for line in __doc__.splitlines() if " | " in line][2:]
    module = sys.modules[__name__]
    tests = {name for name in vars(module) if name.startswith("test_")}
    assert {test for _, _, test in rows} == tests - {
        "test_the_table_above_is_whole",
        "test_a_limit_that_holds_lets_it_run",
    }
    for _, error, _ in rows:
        assert error == "none" or issubclass(getattr(errors, error), errors.GlacierError)


# Money


def test_a_limit_that_holds_lets_it_run(priced, filled, jobs_of, tmp_path):
    """3 requests at a dollar, 3 x some hundred bytes at a dollar for a GB."""
    plan = filled.restore("*", to=tmp_path)
    plan.run(max_cost="3.01")
    assert len(jobs_of()) == 3


def test_a_restore_over_its_limit_asks_for_nothing(priced, filled, refused, tmp_path):
    """By the call, by the plan's own limit, and not a part of it instead."""
    plan = filled.restore("*", to=tmp_path)
    refused(OverBudget, lambda: plan.run(max_cost=3), r"\$3\.01.*\$3\.00")
    plan.limit_to("2.5")
    refused(OverBudget, plan.run)
    assert "REFUSED" in repr(plan)
    assert list(tmp_path.glob("scans")) == []


def test_the_limit_is_checked_again_when_it_is_run(priced, filled, refused, tmp_path):
    """Prices of the moment it is run, not of when it was shown."""
    plan = filled.restore("*", to=tmp_path).limit_to(5)
    assert "$5.00: kept" in repr(plan)
    set_prices(PRICES.replace("1000", "2000"))
    refused(OverBudget, plan.run)


def test_an_unknown_price_asks_for_nothing(filled, refused, tmp_path):
    """The region of this test has no price at all."""
    error = refused(PriceUnknown, lambda: filled.restore("*", to=tmp_path).run(max_cost=1000))
    assert "--refresh" in error.cure


def test_an_unconfirmed_price_asks_for_nothing(vault, connect, refused, files, tmp_path):
    """A plan is not run on it, unless the user accepts it."""
    session = connect(region="us-east-1")
    elsewhere = session.create_vault("photos")
    elsewhere.upload(files("x"))
    doubtful = Figure.flat(
        "retrieval-bulk", Decimal("0.0025"), region="us-east-1", source="a blog", date="", confirmed=False
    )
    prices = replace(load("us-east-1"), figures={**load("us-east-1").figures, "retrieval-bulk": doubtful})
    plan = elsewhere.restore("x", tier="bulk", to=tmp_path / "back")
    session.plan_log.prices = lambda: prices
    refused(PriceUnknown, lambda: plan.run(max_cost=5), "not confirmed")
    assert session.catalogue.plans.recent() == session.catalogue.downloads.open() == []
    plan.run(max_cost=5, accept_unconfirmed=True)
    assert len(session.catalogue.downloads.open()) == 1


def test_the_way_out_counts(priced, filled, refused, jobs_of, tmp_path):
    """Its price is unknown to another region; where the machine is in the region, it is nothing."""
    plan = filled.restore("*", to=tmp_path, destination="region")
    error = refused(PriceUnknown, lambda: plan.run(max_cost=100), "another region")
    assert "destination='here'" in error.cure
    filled.restore("*", to=tmp_path, destination="here").run(max_cost=100)
    assert len(jobs_of()) == 3


def test_an_unknown_size_asks_for_nothing(priced, vault, put, refused, tmp_path):
    """An archive that the catalogue has never seen may be of any size."""
    archive = put("who knows")
    plan = vault.restore(f"id:{archive}", to=tmp_path)
    refused(PriceUnknown, lambda: plan.run(max_cost=1000), "how much")


def test_a_size_that_a_file_claims_asks_for_nothing(priced, filled, connect, refused, jobs_of, tmp_path):
    """A colleague's catalogue does not know the archives; told to, it relies on the file."""
    filled.restore("*", to=tmp_path / "a").save(tmp_path / "plan.json")
    with connect(catalogue=tmp_path / "colleague.sqlite") as colleague:
        plan = colleague.open_plan(tmp_path / "plan.json", to=tmp_path / "b")
        assert "not in this catalogue" in repr(plan)
        refused(PriceUnknown, lambda: plan.run(max_cost=5), "3 archives")
        plan.run(max_cost=5, accept_unconfirmed=True)
        assert len(jobs_of()) == 3


def test_a_limit_that_is_none_asks_for_nothing(priced, filled, refused, tmp_path):
    """A float among them: it is rounded already."""
    plan = filled.restore("*", to=tmp_path)
    for wrong in ("lots", 0.5, -1, True, "NaN"):
        refused(InputError, lambda wrong=wrong: plan.run(max_cost=wrong), "amount")


def test_broken_prices_ask_for_nothing(filled, refused, tmp_path):
    """The file is named."""
    set_prices("[all]\nretrieval-standart = 1")
    refused(InputError, lambda: filled.restore("*", to=tmp_path), "the nearest is retrieval-standard")


def test_a_slip_asks_for_nothing(filled, refused, tmp_path):
    """A destination or a tier that does not exist."""
    refused(InputError, lambda: filled.restore("*", to=tmp_path, destination="moon"), "moon")
    refused(InputError, lambda: filled.restore("*", to=tmp_path, tier="fast"), "fast")


# The disk


def test_a_full_disk_asks_for_nothing(filled, refused, disk, tmp_path):
    """Neither when it was full before, nor when it has filled since the plan was shown."""
    plan = filled.restore("*", to=tmp_path / "back")
    assert "NOT ENOUGH" not in repr(plan)
    disk(free=10)
    assert "NOT ENOUGH" in repr(plan)
    refused(LocalError, plan.run, "no room")


def test_an_unwritable_folder_asks_for_nothing(filled, refused, tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "file").write_bytes(b"")
    refused(LocalError, filled.restore("*", to=tmp_path / "file" / "back").run, "cannot be written")


# The names


def test_a_wrong_name_asks_for_nothing(filled, refused):
    """What the catalogue does not know."""
    refused(NameNotKnown, lambda: filled.restore("scans/z*"))


def test_a_wrong_vault_asks_for_nothing(session, filled, refused):
    """The name is known, but of another vault."""
    refused(NameNotKnown, lambda: session.create_vault("videos").restore("c.txt"), "videos")


def test_a_vault_that_is_not_there_asks_for_nothing(session, filled, refused, tmp_path):
    """By name nothing is known there; by a whole id the service says so."""
    refused(NameNotKnown, lambda: session.vault("gone").restore("*"))
    plan = session.vault("gone").restore(f"id:{'x' * 138}", to=tmp_path)
    with pytest.raises(NotFound, match="Vault not found"):
        plan.run()


def test_an_archive_of_another_vault_asks_for_nothing(session, filled, jobs_of, tmp_path):
    """The service refuses, and the plan is kept as one that failed."""
    other = session.create_vault("other")
    (archive,) = filled.archives("c.txt")["archive_id"]
    with pytest.raises(NotFound, match="archive ID"):
        other.restore(f"id:{archive}", to=tmp_path).run()
    assert jobs_of() == jobs_of("other") == []
    assert session.catalogue.plans.recent()[0].state == "failed"


# The service, and other processes


def test_what_the_policy_refuses_waits_and_is_not_paid_for(session, filled, client, jobs_of, tmp_path):
    """It is moved to a later hour, and the history says that nothing has come of it yet."""
    client.set_data_retrieval_policy(Policy={"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": 1}]})
    try:
        batch = filled.restore("*", to=tmp_path).run()
    finally:
        client.set_data_retrieval_policy(Policy={"Rules": [{"Strategy": "None"}]})
    (kept,) = session.catalogue.plans.recent()
    assert kept.state == "under way"
    assert (kept.tally.asked, kept.tally.failed, kept.tally.still) == (0, 0, 3)
    assert {row.state for row in batch.snapshot.rows} == {"scheduled"}
    assert "policy" in batch.snapshot.rows[0].error
    assert jobs_of() == []


def test_a_closed_session_asks_for_nothing(filled, jobs_of, tmp_path):
    """Its plans are of no use any more."""
    plan = filled.restore("*", to=tmp_path)
    filled.session.close()
    with pytest.raises(CatalogueError):
        plan.run()
    assert jobs_of() == []


def test_what_was_asked_for_meanwhile_is_not_paid_for(priced, filled, client, jobs_of, tmp_path):
    """Of three archives somebody has asked for one: the limit is for the other two."""
    plan = filled.restore("*", to=tmp_path)
    (archive,) = filled.archives("c.txt")["archive_id"]
    client.initiate_job(vaultName="photos", jobParameters={"Type": "archive-retrieval", "ArchiveId": archive})
    plan.run(max_cost="2.01")
    assert plan.requests == 2
    assert len(jobs_of()) == 3
