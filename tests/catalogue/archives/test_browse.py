"""An open question to the catalogue: order, sums and rows, against counting by hand."""

from collections import Counter

import pytest

from glacier_magic.catalogue import ArchiveRecord, Catalogue, Scope
from glacier_magic.catalogue.archives.browse import SIZES, BrowsingStopped, Cell, Listing, branches
from glacier_magic.catalogue.archives.query import Query
from glacier_magic.catalogue.archives.states import IN_VAULT, STATES

HERE = Scope("123456789012", "eu-west-1")
YEAR = 365 * 86_400_000


@pytest.fixture
def catalogue(place):
    found = Catalogue(place, HERE)
    for number in range(300):
        found.archives.record(
            ArchiveRecord.described(
                f"{'abc'[number % 3]}/{number % 5}/file {number:03}",
                vault="v",
                archive_id=f"id{number:0136}",
                size=None if number == 7 else number * 400_000,
                created=None if number == 8 else 42 * YEAR + number * YEAR // 50,
                tree_hash="0" * 64,
                seen=None,
                state=("uploaded", "listed", "gone", "deleted", "unknown")[number % 7 % 5],
            )
        )
    found.archives.record(
        ArchiveRecord.described(
            "of another vault",
            vault="w",
            archive_id="w" * 138,
            size=1,
            created=0,
            tree_hash="0" * 64,
            seen=None,
            state="listed",
        )
    )
    yield found
    found.close()


def listing(catalogue, **asked):
    return Listing(catalogue.database, HERE, "v", Query(**asked))


def names(found, ids):
    return [record.name for record in found.records([int(i) for i in ids])]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"sort": "-size"},
        {"sort": "created"},
        {"sort": "state,-name"},
        {"sort": "-description"},
        {"sort": "format"},
        {"glob": "a/*"},
        {"text": "FILE 01"},
        {"where": "size > 20MB and created > '2013'", "sort": "size"},
        {"where": "created is null"},
        {"states": ("gone", "deleted")},
        {"states": STATES, "glob": "b/2/*"},
    ],
)
def test_the_order_is_that_of_a_query(catalogue, asked):
    """The same rows in the same order, by index or by scan; the first ones as well."""
    whole = catalogue.archives.query("v", **asked)
    found = listing(catalogue, **asked)
    expected = [record.name for record in whole.records]
    assert expected
    assert names(found, found.order()) == expected
    assert names(found, found.first(7)) == expected[:7]


def test_the_sums_are_those_of_the_rows(catalogue):
    """Every archive is in one cell: its year, class of size, format and state."""
    counted, summed = Counter(), Counter()
    for record in catalogue.archives.query("v", states=STATES).records:
        year = None if record.created is None else record_year(record.created)
        size = record.size
        kind = None if size is None else sum(start <= size for start, _ in SIZES) - 1
        cell = Cell(year, kind, record.format, record.state)
        counted[cell] += 1
        summed[cell] += size or 0
    cube = listing(catalogue, states=STATES).cube()
    assert cube == {cell: (counted[cell], summed[cell]) for cell in counted}
    assert {cell.state for cell in cube} == set(STATES)
    assert sum(n for cell, (n, _) in cube.items() if cell.state in IN_VAULT) == len(
        listing(catalogue).order()
    )


def record_year(milliseconds):
    from datetime import UTC, datetime

    return datetime.fromtimestamp(milliseconds / 1000, UTC).year


def test_rows_can_be_asked_whether_they_answer(catalogue):
    """Rows of another result are recognized; rows keep the order of the ids."""
    all_of_it, some = listing(catalogue), listing(catalogue, glob="a/*")
    ids = [int(i) for i in all_of_it.order()]
    assert some.among(ids) == {int(i) for i in some.order()}
    backwards = ids[::-1]
    assert names(all_of_it, backwards) == names(all_of_it, ids)[::-1]
    assert list(all_of_it.frame_of(backwards)["name"]) == names(all_of_it, backwards)
    assert set(all_of_it.sizes(ids)) == set(ids)


def test_a_reading_ends_when_its_result_is_not_needed(catalogue):
    """Reading ends early when the result is no longer needed."""
    left = Listing(catalogue.database, HERE, "v", Query(), lambda: True)
    with pytest.raises(BrowsingStopped):
        left.order()


def test_an_unknown_vault_is_empty(catalogue):
    """It has no rows and no totals."""
    found = Listing(catalogue.database, HERE, "nowhere", Query())
    assert (list(found.order()), found.cube(), found.first(5)) == ([], {}, [])
    assert len(found.frame_of([])) == 0


def test_folders_come_largest_first_and_say_whether_they_go_deeper(catalogue):
    """Each with the totals of all below it; a limit is reported."""
    found, more = branches(catalogue.database, HERE, "v", "", 10)
    sums = {f.path: f.bytes for f in catalogue.archives.du("v") if f.path}
    assert [b.path for b in found] == sorted(sums, key=lambda path: -sums[path])
    assert {b.path: b.bytes for b in found} == sums
    assert all(b.deeper for b in found)
    assert not more
    below, more = branches(catalogue.database, HERE, "v", "a/", 2)
    assert (len(below), more) == (2, True)
    assert not any(b.deeper for b in below)
