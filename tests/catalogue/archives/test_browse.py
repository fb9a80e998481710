"""An open question to the catalogue: order, sums and rows, against counting by hand."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glacier_magic.catalogue import Catalogue, Scope
from glacier_magic.catalogue.archives.browse import SIZES, BrowsingStopped, Cell, Listing, branches, year_of
from glacier_magic.catalogue.archives.query import Query
from glacier_magic.catalogue.archives.states import IN_VAULT, STATES
from tests.catalogue import archive_record

HERE = Scope("123456789012", "eu-west-1")
YEAR = 365 * 86_400_000


@pytest.fixture(scope="module")
def catalogue(new_place):
    found = Catalogue(new_place(), HERE)
    with found.database.transaction():
        for number in range(300):
            record = archive_record(
                f"{'abc'[number % 3]}/{number % 5}/file {number:03}",
                vault="v",
                archive_id=f"id{number:0136}",
                size=None if number == 7 else number * 400_000,
                created=None if number == 8 else 42 * YEAR + number * YEAR // 50,
                state=("uploaded", "listed", "gone", "deleted", "unknown")[number % 7 % 5],
            )
            found.archives.record(replace(record, mtime=None if number % 3 else (number - 50) * YEAR // 10))
        found.archives.record(
            archive_record(
                "of another vault", vault="w", archive_id="w" * 138, size=1, created=0, state="listed"
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
    """Every archive is in one cell: its years, class of size, format and state."""
    counted, summed = Counter(), Counter()
    for record in catalogue.archives.query("v", states=STATES).records:
        year, modified = (
            None if time is None else record_year(time) for time in (record.created, record.mtime)
        )
        size = record.size
        kind = None if size is None else sum(start <= size for start, _ in SIZES) - 1
        cell = Cell(year, modified, kind, record.format, record.state)
        counted[cell] += 1
        summed[cell] += size or 0
    cube = listing(catalogue, states=STATES).cube()
    assert cube == {cell: (counted[cell], summed[cell]) for cell in counted}
    assert {cell.state for cell in cube} == set(STATES)
    assert sum(n for cell, (n, _) in cube.items() if cell.state in IN_VAULT) == len(
        listing(catalogue).order()
    )


def record_year(milliseconds):
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)).year


@settings(max_examples=50, deadline=None)
@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
@example(-1)
@example(-62_135_596_800_000)
@example(253_402_300_799_999)
def test_a_year_is_that_of_the_calendar(catalogue, moment):
    """To the millisecond, also before 1970; other numbers have none."""
    database = catalogue.database
    assert database.number(f"SELECT {year_of(database, str(moment))}") == record_year(moment)
    for beyond in (-62_135_596_800_001, 253_402_300_800_000, 2**62):
        assert database.row(f"SELECT {year_of(database, str(beyond))} AS year")["year"] is None


def test_rows_keep_the_order_of_the_ids(catalogue):
    """Records, frames and sizes are of the rows with these ids."""
    all_of_it = listing(catalogue)
    ids = [int(i) for i in all_of_it.order()]
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


@pytest.mark.parametrize("asked", [{}, {"where": "size > 20MB"}, {"states": STATES}, {"text": "file 01"}])
@pytest.mark.parametrize("path", ["", "a/", "a/1/", "no/"])
def test_a_level_has_the_sums_of_the_matching_archives(catalogue, asked, path):
    """Of a folder and its subfolders, the largest first, on both databases."""
    counted, summed, whole = Counter(), Counter(), [0, 0]
    for record in catalogue.archives.query("v", **asked).records:
        if record.name.startswith(path):
            whole[0] += 1
            whole[1] += record.size or 0
            first, slash, _ = record.name[len(path) :].partition("/")
            counted[path + first + slash] += slash == "/"
            summed[path + first + slash] += record.size or 0
    expected = sorted(((p, n, summed[p]) for p, n in counted.items() if n), key=lambda one: (-one[2], one[0]))
    level = listing(catalogue, **asked).level(path, 10)
    assert (level.whole.archives, level.whole.bytes) == tuple(whole)
    assert [(b.path, b.archives, b.bytes) for b in level.folders] == expected
    assert {b.deeper for b in level.folders} <= {path == ""}
    cut = listing(catalogue, **asked).level(path, 2)
    assert [b.path for b in cut.folders] == [p for p, *_ in expected[:2]]
    assert cut.more == (len(expected) > 2)
    assert cut.whole == level.whole


def test_a_pattern_is_relative_to_a_folder_or_to_each(catalogue):
    """Seen from a folder above, or from the subfolder that is counted."""
    found = listing(catalogue)
    above = found.level("a/", 10, pattern="1/file*", seen_from="a/")
    assert [b.path for b in above.folders] == ["a/1/"]
    each = found.level("a/", 10, pattern="file*", seen_from=None)
    assert each == found.level("a/", 10)
    assert len(each.folders) == 5


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
