"""What a damaged inventory cannot hide: rows that cannot be, and sums that are not those of the vault."""

import random

import pytest

from glacier_magic.inventories import InventoryError, read
from glacier_magic.inventories.checking import OVERHEAD, Life, check_sums
from glacier_magic.inventories.columns import of_items
from tests.inventories.test_inventories import ALPHABET, MOMENTS, archive, csv_of, json_of, rows

LIFE = Life(MOMENTS[0] - 1000, MOMENTS[0] + 1000)
ITEMS = [archive(number, f'C:\\dir\\"{number}", x') for number in range(8)]
SIZE = sum(item.size for item in ITEMS) + OVERHEAD * len(ITEMS)


def taken(data, form):
    """Read and check *data* as the output of a job."""
    found = []
    for batch in read([data], form):
        LIFE.check(batch, len(found))
        found += rows(batch)
    check_sums(len(found), sum(item.size for item in found), len(ITEMS), SIZE)
    return found


def unnoticed(found, true):
    """Return whether two archives differ only where no check can see it."""
    return (
        (len(found.archive_id), len(found.tree_hash), found.size) == (138, 64, true.size)
        and set(found.archive_id) <= set(ALPHABET)
        and LIFE.begin <= found.created <= LIFE.end
    )


@pytest.mark.parametrize("form", ["CSV", "JSON"])
def test_no_flipped_bit_gives_an_impossible_row(form):
    """Each is right, an error, or another letter where only a second copy can show it."""
    data = csv_of(ITEMS) if form == "CSV" else json_of(ITEMS)
    assert taken(data, form) == ITEMS
    chance, errors = random.Random(1), 0
    for _ in range(120):
        at, bit = chance.randrange(len(data)), 1 << chance.randrange(8)
        try:
            found = taken(data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :], form)
        except InventoryError:
            errors += 1
            continue
        assert all(map(unnoticed, found, ITEMS)), (at, bit)
    assert errors > 40


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"archive_id": "a" * 137}, "an id of another length"),
        ({"archive_id": "a" * 139}, "an id of another length"),
        ({"size": 40_000 * (1 << 30) + 1}, "a size above 40,000 GiB"),
        ({"created": None}, "no date"),
        ({"created": LIFE.begin - 1}, "a date outside its life"),
        ({"created": LIFE.end + 1}, "a date outside its life"),
        ({"tree_hash": None}, "no tree hash"),
    ],
)
def test_a_row_that_cannot_be_is_named(change, what):
    """With its number in the whole inventory, the beginning of its id, and what is wrong."""
    items = [*ITEMS[:3], ITEMS[3]._replace(**change), *ITEMS[4:]]
    LIFE.check(of_items(ITEMS), 0)
    with pytest.raises(InventoryError, match=rf"Archive 1,004, '\w{{12}}'…, has {what}") as caught:
        LIFE.check(of_items(items), 1000)
    assert caught.value.row == 1004


def test_the_largest_archive_can_be():
    """It has 40,000 GiB."""
    LIFE.check(of_items([ITEMS[0]._replace(size=40_000 * (1 << 30))]), 0)


def test_sums_are_those_of_the_vault_where_it_says_them():
    """A count or a size that is not known is not compared."""
    check_sums(2, 10, 2, 10 + 2 * OVERHEAD)
    check_sums(2, 10, None, None)
    with pytest.raises(InventoryError, match="lists 2 archives, and the vault has 3"):
        check_sums(2, 10, 3, None)
    with pytest.raises(InventoryError, match="add up to 65,546 bytes, and the vault has 65,547"):
        check_sums(2, 10, 2, 11 + 2 * OVERHEAD)


def test_another_server_has_ids_of_its_own_length():
    """moto's have 32 characters; in one inventory, all have the same."""
    elsewhere = Life(LIFE.begin, LIFE.end, other_ids=True)
    short = [item._replace(archive_id=item.archive_id[:32]) for item in ITEMS]
    elsewhere.check(of_items(short), 0)
    with pytest.raises(InventoryError, match="id of another length"):
        elsewhere.check(of_items([*short[:-1], ITEMS[-1]]), 0)
    with pytest.raises(InventoryError, match="id of another length"):
        LIFE.check(of_items(short), 0)
