"""Damaged outputs of inventory jobs: fetched again, and never taken."""

import random
import re
from dataclasses import replace

import pytest

from glacier_magic.errors import AccessDenied, IntegrityError
from glacier_magic.jobs.inventory_output import read_inventory
from tests.jobs.test_inventory_reader import ask


@pytest.fixture
def job(session, vault, client, put, listed, later, request):
    """A finished inventory of three archives, the first of which the catalogue knows already."""
    put("known")
    listed(vault)
    put('C:\\"quoted"')
    put("", b"x" * 1000)
    later(days=1.2)
    job_id = ask(client, Format=getattr(request, "param", "JSON"))
    later(session, hours=4.1)
    session.tracker.refresh(["photos"])
    return session.catalogue.jobs.get("photos", job_id)


FORMS = pytest.mark.parametrize("job", ["JSON", "CSV"], indirect=True)


def facts(vault):
    """Return what the catalogue has of each archive."""
    columns = ["archive_id", "description", "created", "size", "tree_hash", "state"]
    return sorted(map(tuple, vault.archives()[columns].to_numpy().tolist()))


@pytest.fixture
def changed(calls):
    """Let outputs arrive as ``change(number, data)``; return the count of the requests."""
    original, numbers = calls.of("output"), []

    def changed(change):
        def output(*arguments):
            found = original(*arguments)
            numbers.append(len(numbers))
            return replace(found, data=change(numbers[-1], found.data))

        calls.replace("output", output)
        return numbers

    return changed


def flipped(data, chance):
    """Flip a bit of *data*."""
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def substituted(old, new):
    """Return a change of every copy, whose length stays."""

    def change(_number, data):
        found, count = re.subn(old, new, data, count=1)
        assert count == 1
        assert len(found) == len(data)
        return found

    return change


@FORMS
def test_a_bit_that_flips_on_the_way_never_reaches_the_catalogue(session, vault, job, changed):
    """Without TLS each range is fetched twice, and again where the copies differ."""
    chance, wrong = random.Random(2), []
    read_inventory(session.service, session.catalogue, job)
    true = facts(vault)
    assert len(true) == 3

    def change(number, data):
        return flipped(data, chance) if number in wrong else data

    numbers = changed(change)
    for _ in range(20):
        wrong.append(len(numbers) + chance.randrange(2))
        read_inventory(session.service, session.catalogue, job)
        assert facts(vault) == true
    assert len(numbers) == 20 * 4


@FORMS
@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (
            rb"20([0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]+Z\"?,(\"Size\":)?1000)",
            rb"30\1",
            "a date outside its life",
        ),
        (rb",(\"Size\":)?1000,", rb",\g<1>2000,", "add up to"),
    ],
)
def test_an_impossible_output_is_fetched_once_more_and_not_taken(
    session, vault, job, changed, old, new, what
):
    """What is damaged in every copy is told, with the row, and the list stays what it was."""
    before = facts(vault)
    numbers = changed(substituted(old, new))
    with pytest.raises(IntegrityError, match=f"nothing of it was taken: .*{what}") as caught:
        read_inventory(session.service, session.catalogue, job)
    assert "vault.refresh_inventory() requests a new one" in caught.value.cure
    assert len(numbers) == 4
    assert facts(vault) == before
    assert len(before) == 1


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b'"InventoryDate"', b'"InventorxDate"', "no InventoryDate"),
        (rb'"InventoryDate":"20', b'"InventoryDate":"40', "no InventoryDate"),
        (b":vaults/photos", b":vaults/phovos", "of the vault '.*phovos'"),
    ],
)
def test_an_inventory_of_another_vault_or_time_is_not_taken(session, vault, job, changed, old, new, what):
    """The head counts as much as the rows."""
    before = facts(vault)
    changed(substituted(old, new))
    with pytest.raises(IntegrityError, match=what):
        read_inventory(session.service, session.catalogue, job)
    assert facts(vault) == before


def test_an_output_that_is_whole_the_second_time_is_taken(session, vault, job, changed):
    """The first two copies had the same damage."""
    wrong = substituted(b":1000,", b":2000,")
    numbers = changed(lambda number, data: wrong(number, data) if number < 2 else data)
    assert read_inventory(session.service, session.catalogue, job) == 3
    assert len(numbers) == 4


def test_the_vault_is_compared_only_where_it_may_be_asked_about(session, vault, job, calls):
    """A policy may allow the output and not the vault's description; other inventories have other sums."""
    described = session.service.describe_vault("photos")

    def denied(*_):
        raise AccessDenied("no")

    with calls.replaced("describe_vault", denied):
        assert read_inventory(session.service, session.catalogue, job) == 3
    later = dict(described, LastInventoryDate="2099-01-01T00:00:00Z", NumberOfArchives=99)
    with calls.replaced("describe_vault", lambda *_: later):
        assert read_inventory(session.service, session.catalogue, job) == 3
