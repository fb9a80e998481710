"""Reading inventories: effective all at once, without losing a row, with a history."""

import os
import random
import threading
from contextlib import suppress

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_magic.base.session_limits import Limits
from glacier_magic.catalogue import ArchiveRecord, Catalogue, Scope
from glacier_magic.catalogue.archives import identity
from glacier_magic.catalogue.archives.states import LAG
from glacier_magic.catalogue.storage.schema import LATE_INDEXES
from glacier_magic.errors import InputError
from tests import ROOT
from tests.catalogue import archive_record, mark_deleted

HERE = Scope("111111111111", "eu-west-1")
DAY = 86_400_000
START = 1_500_000_000_000
KILLS = int(os.environ.get("GLACIER_MAGIC_KILLS", "3"))


def identifier(number):
    return random.Random(number).randbytes(69).hex()


def batch(numbers, **known_):
    rows = [
        {
            "archive_id": identifier(n),
            "description": f"f{n % 5}/{n}.txt",
            "created": START + n,
            "size": n * 10,
            "tree_hash": f"{n:064x}",
        }
        | known_
        for n in numbers
    ]
    kinds = {"created": pa.timestamp("ms", "UTC"), "size": pa.int64()}
    return pa.record_batch(
        {
            name: pa.array([row[name] for row in rows], kinds.get(name, pa.string()))
            for name in ("archive_id", "description", "created", "size", "tree_hash")
        }
    )


AT_ONCE = Limits(collected=0)  # so that an interruption leaves rows


@pytest.fixture
def catalogue(place):
    made = Catalogue(place, HERE, limits=AT_ONCE)
    yield made
    made.close()


def read(catalogue, numbers, made, *, whole=True, vault="photos"):
    job = f"job {vault} {made} {random.random()}"
    with catalogue.inventories.loading(vault, job, whole=whole) as load:
        load.add(batch(numbers))
        load.finish(made)
    return load


def stop_half_way(catalogue, numbers, meanwhile=lambda: True):
    with suppress(KeyboardInterrupt), catalogue.inventories.loading("photos", "stopped") as load:
        load.add(batch(numbers))
        assert meanwhile()
        raise KeyboardInterrupt


def upload(catalogue, number, created, state="uploaded"):
    catalogue.archives.record(
        archive_record(
            f"f{number % 5}/{number}.txt",
            archive_id=identifier(number),
            size=number * 10,
            created=created,
            tree_hash=f"{number:064x}",
            state=state,
        )
    )


def states(catalogue, **asked):
    every = ("present", "pending", "unknown", "gone", "deleted here")
    records = catalogue.archives.query("photos", states=every, **asked).records
    ids = {identifier(n): n for n in range(3000)}
    return {ids[record.archive_id]: record.state for record in records}


def check_sums(catalogue, vault="photos"):
    """The folders' sums are those of the rows."""
    records = catalogue.archives.query(vault).records
    for folder in catalogue.archives.du(vault, depth=3):
        below = [r for r in records if r.name.startswith(folder.path)]
        created = [r.created for r in below if r.created is not None]
        assert folder.archives == len(below), folder
        assert folder.bytes == sum(r.size or 0 for r in below)
        assert (folder.oldest, folder.newest) == (min(created), max(created))
    assert catalogue.archives.count(vault) == len(records)


# The numbers of ids


@given(st.lists(st.text("abcXYZ019-_", min_size=138, max_size=138), min_size=1, max_size=5))
def test_the_numbers_of_many_ids_are_those_of_each(ids):
    """Also of ids in the middle of an array."""
    array = pa.array(["x" * 138, *ids]).slice(1)
    keys, checks = identity.columns(array)
    assert list(zip(keys.tolist(), checks.tolist(), strict=True)) == list(map(identity.numbers, ids))


@given(archive_id=st.text("abcXYZ019-_", min_size=1, max_size=138), data=st.data())
def test_an_id_lies_in_the_span_of_its_beginnings(archive_id, data):
    """Any prefix finds the id."""
    prefix = archive_id[: data.draw(st.integers(1, len(archive_id)))]
    low, high = identity.span(prefix)
    assert low <= identity.numbers(archive_id)[0] <= high < 1 << 63


@given(st.text("0123456789abcdefXYZ", max_size=70))
def test_a_tree_hash_comes_back_as_it_was(text):
    """Whatever text another tool recorded."""
    assert identity.unpack_hash(identity.pack_hash(text)) == text


# States


def test_nothing_is_true_before_the_end(catalogue):
    """Neither rows, nor counts, names or totals."""
    with catalogue.inventories.loading("photos", "j") as load:
        load.add(batch(range(10)))
        assert catalogue.archives.query("photos").records == ()
        assert catalogue.archives.count("photos") == 0
        assert catalogue.archives.names_with_prefix("photos", "f") == []
        assert catalogue.archives.get("photos", identifier(1)) is None
        load.finish(START)
    assert len(catalogue.archives.query("photos").records) == 10
    check_sums(catalogue)


def test_an_inventory_that_stops_half_way_changes_nothing(catalogue):
    """Rows that the next inventory does not list stay hidden."""
    read(catalogue, range(10), START)
    stop_half_way(catalogue, range(5, 20))
    assert states(catalogue) == dict.fromkeys(range(10), "present")
    read(catalogue, range(12), START + DAY, whole=False)
    assert set(states(catalogue, where="state<>'gone'")) == set(range(12))
    check_sums(catalogue)
    read(catalogue, range(3, 15), START + 2 * DAY)
    found = states(catalogue)
    assert {n for n, state in found.items() if state == "present"} == set(range(3, 15))
    check_sums(catalogue)


def test_an_end_that_fails_changes_nothing(catalogue):
    """Even if only the last write is missing."""

    def broken():
        raise KeyboardInterrupt

    read(catalogue, range(10), START)
    with suppress(KeyboardInterrupt), catalogue.inventories.loading("photos", "j") as load:
        load.add(batch(range(5, 12)))
        load.finish(START + DAY, also=broken)
    assert states(catalogue) == dict.fromkeys(range(10), "present")
    check_sums(catalogue)
    read(catalogue, range(8), START + 2 * DAY)
    found = states(catalogue)
    assert {n for n in found if found[n] == "present"} == set(range(8))
    check_sums(catalogue)


def test_what_a_later_inventory_does_not_list_is_gone_but_kept(catalogue):
    """No row is deleted."""
    read(catalogue, range(10), START)
    load = read(catalogue, range(2, 12), START + DAY)
    assert (load.added, load.gone) == (2, 2)
    found = states(catalogue)
    assert [n for n in found if found[n] == "gone"] == [0, 1]
    assert len(found) == 12
    check_sums(catalogue)


def test_a_part_never_makes_anything_gone(catalogue):
    """It only adds archives."""
    read(catalogue, range(10), START)
    read(catalogue, [3, 20], START + DAY, whole=False)
    assert states(catalogue) == dict.fromkeys([*range(10), 20], "present")
    assert catalogue.inventories.newest("photos").made == START
    check_sums(catalogue)


def test_an_inventory_without_a_date_only_adds(catalogue):
    """Archives that it lacks are not gone."""
    read(catalogue, range(5), START)
    read(catalogue, range(3, 8), None)
    assert set(states(catalogue).values()) == {"present"}


def test_an_archive_stored_here_is_pending_until_listed_or_overdue(catalogue):
    """An inventory from before it, or shortly after, proves nothing."""
    read(catalogue, range(3), START)
    upload(catalogue, 50, START + DAY)
    upload(catalogue, 51, START + DAY)
    assert states(catalogue)[50] == "pending"
    read(catalogue, range(3), START + DAY + LAG)
    assert states(catalogue)[50] == "pending"
    read(catalogue, [0, 1, 2, 50], START + DAY + LAG + 1)
    found = states(catalogue)
    assert (found[50], found[51]) == ("present", "gone")
    check_sums(catalogue)


def test_what_another_tool_recorded_is_unknown_until_listed(catalogue):
    """The inventory completes and corrects the record."""
    catalogue.archives.record(
        ArchiveRecord(
            vault="photos",
            archive_id=identifier(7),
            name="old name",
            description="old name",
            format="plain",
            mtime=None,
            size=None,
            created=None,
            tree_hash=None,
            state="unknown",
            seen=None,
        )
    )
    assert states(catalogue) == {7: "unknown"}
    check = catalogue.archives.query("photos", text="old name")
    assert len(check.records) == 1
    read(catalogue, [7, 8], START)
    (record,) = catalogue.archives.named("photos", "f2/7.txt")
    assert (record.size, record.tree_hash, record.state) == (70, f"{7:064x}", "present")
    assert catalogue.archives.query("photos", text="old name").records == ()
    assert len(catalogue.archives.query("photos", text="f2/7").records) == 1
    check_sums(catalogue)


def test_a_tools_record_does_not_overwrite_what_is_known(catalogue):
    """Nor does it restore archives that are gone or deleted."""
    read(catalogue, range(4), START)
    mark_deleted(catalogue, identifier(0), now=START)
    read(catalogue, [0, 2, 3], START + DAY)
    for number in range(4):
        upload(catalogue, number, 5, state="unknown")
    assert states(catalogue) == {0: "deleted here", 1: "gone", 2: "present", 3: "present"}
    assert catalogue.archives.get("photos", identifier(2)).created == START + 2
    check_sums(catalogue)


def test_deleted_here_stays_so_until_the_lag_is_over(catalogue):
    """The service lists a deleted archive for a day; one listed after three days is present."""
    read(catalogue, range(4), START)
    mark_deleted(catalogue, identifier(1), now=START + DAY)
    mark_deleted(catalogue, identifier(2), now=START + DAY)
    read(catalogue, range(4), START + DAY + LAG)
    assert states(catalogue)[1] == "deleted here"
    check_sums(catalogue)
    read(catalogue, [0, 1, 3], START + DAY + LAG + 1)
    assert states(catalogue) == {0: "present", 1: "present", 2: "deleted here", 3: "present"}
    check_sums(catalogue)


def test_an_older_inventory_read_later_adds_only_what_was_never_known(catalogue):
    """As gone, because a later inventory does not list it."""
    read(catalogue, range(5, 10), START + DAY)
    read(catalogue, range(8), START)
    found = states(catalogue)
    assert {n for n, state in found.items() if state == "gone"} == set(range(5))
    assert {n for n, state in found.items() if state == "present"} == set(range(5, 10))
    assert catalogue.inventories.newest("photos").made == START + DAY
    check_sums(catalogue)


def test_an_archive_listed_twice_is_one(catalogue):
    """In one batch or in two."""
    read(catalogue, [1, 1, 2], START)
    with catalogue.inventories.loading("photos", "j") as load:
        load.add(batch([1, 3, 3]))
        load.add(batch([3, 2]))
        load.finish(START + DAY)
    assert states(catalogue) == dict.fromkeys([1, 2, 3], "present")
    check_sums(catalogue)


def test_what_is_stored_while_an_inventory_is_read_is_not_lost(catalogue):
    """Whether that lists it or not."""
    with catalogue.inventories.loading("photos", "j") as load:
        load.add(batch(range(5)))
        upload(catalogue, 6, START)
        upload(catalogue, 7, START)
        load.add(batch([5, 6]))
        load.finish(START + DAY)
    assert states(catalogue) == dict.fromkeys(range(7), "present") | {7: "pending"}
    check_sums(catalogue)


def test_a_vault_too_large_to_hold_is_looked_up_in_the_database(catalogue):
    """With the same result."""
    read(catalogue, range(50), START)
    catalogue.database.limits = Limits(known_ids=10, collected=0)
    read(catalogue, range(20, 70), START + DAY)
    found = states(catalogue)
    assert {n for n, state in found.items() if state == "gone"} == set(range(20))
    check_sums(catalogue)


def test_ids_that_share_their_first_number_are_distinguished():
    """By the second one."""
    import numpy as np

    numbers = identity.IdIndex(np.array([5, 7, 7, 7]), np.array([1, 1, 2, 3]), np.array([10, 11, 12, 13]))
    found = numbers.find(np.array([7, 7, 7, 5, 9, 1]), np.array([3, 1, 4, 1, 1, 1]))
    assert found.tolist() == [13, 11, -1, 10, -1, -1]


def indexes(catalogue):
    return catalogue.database.indexes()


def test_many_new_archives_are_indexed_afterwards(catalogue):
    """All indexes exist at the end, even after an interruption."""
    catalogue.database.limits = Limits(bulk_rows=100, collected=0)
    before = indexes(catalogue)
    stop_half_way(catalogue, range(200), lambda: indexes(catalogue) < before)
    assert indexes(catalogue) == before
    with catalogue.inventories.loading("photos", "j") as load:
        load.add(batch(range(2000)))
        load.finish(START)
    assert indexes(catalogue) == before >= set(LATE_INDEXES)
    assert len(catalogue.archives.query("photos", text="1999.t").records) == 1
    check_sums(catalogue)


def test_new_archives_of_several_batches_are_written_together(place):
    """In one transaction, not one for each batch."""
    made = Catalogue(place, HERE)
    begun, begin = [], made.database.transaction
    made.database.transaction = lambda **how: begun.append(how) or begin(**how)
    with made.inventories.loading("photos", "j") as load:
        begun.clear()
        for start in (0, 10, 20):
            load.add(batch(range(start, start + 10)))
        assert begun == [{"power_safe": False}] * 3  # the claim of the vault is renewed
        assert made.database.number("SELECT count(*) FROM archive_rows") == 0
        load.finish(START)
    assert sum(how == {"power_safe": False} for how in begun) == 4
    check_sums(made)
    made.close()


def test_a_long_first_inventory_waits_in_a_file_until_it_is_whole(place):
    """Nothing of it is written before; what an interruption of the writing leaves is used by the next."""
    made = Catalogue(place, HERE, limits=Limits(collected=0, kept_rows=0))
    files = set(made.database.folder.iterdir())
    stop_half_way(made, range(500), lambda: made.database.number("SELECT count(*) FROM archive_rows") == 0)
    assert set(made.database.folder.iterdir()) == files
    written, write = [], made.database.insert_many

    def stopping(*rows):
        if len(written) == 9:
            raise KeyboardInterrupt
        written.append(write(*rows))
        return written[-1]

    def read_overlapping():
        with made.inventories.loading("photos", "j") as load:
            for start in range(0, 600, 200):
                load.add(batch(range(start, start + 210)))
            upload(made, 605, START)
            upload(made, 615, START)
            load.finish(START)

    made.database.insert_many = stopping
    with pytest.raises(KeyboardInterrupt):
        read_overlapping()
    assert sum(written) > 0
    assert states(made) == {605: "pending", 615: "pending"}
    made.database.insert_many = write
    read_overlapping()
    assert states(made) == dict.fromkeys(range(610), "present") | {615: "pending"}
    check_sums(made)
    made.close()


# The time axis


@settings(max_examples=15, deadline=None)
@given(lists=st.lists(st.sets(st.integers(0, 12)), min_size=1, max_size=6))
def test_every_inventory_of_the_past_is_shown_as_it_was(new_place, lists):
    """However often an archive is added, gone and listed again."""
    made = Catalogue(new_place(), HERE)
    try:
        for day, numbers in enumerate(lists):
            read(made, sorted(numbers), START + day * DAY)
        for day, numbers in enumerate(lists):
            page = made.archives.query("photos", as_of=START + day * DAY + 5)
            assert {r.archive_id for r in page.records} == set(map(identifier, numbers))
            assert page.as_of == START + day * DAY
        for a, first in enumerate(lists):
            for b, second in enumerate(lists):
                found = made.archives.difference("photos", START + a * DAY, START + b * DAY)
                came, went = (found["archive_id"][found["change"] == c] for c in ("added", "gone"))
                assert set(came) == set(map(identifier, second - first))
                assert set(went) == set(map(identifier, first - second))
                assert found.attrs["growth"] == sum(second) * 10 - sum(first) * 10
        check_sums(made) if lists[-1] else None
    finally:
        made.close()


def test_a_time_before_the_first_inventory_is_refused(catalogue):
    """With the date of the first one."""
    read(catalogue, range(3), START)
    with pytest.raises(InputError, match="that old") as caught:
        catalogue.archives.query("photos", as_of=START - 1)
    assert "2017-07-14" in caught.value.cure
    with pytest.raises(InputError):
        catalogue.archives.difference("photos")


# Several processes


LOADER = """
    import sys
    from tests.catalogue.archives.test_ingest import AT_ONCE, HERE, START, batch
    from glacier_magic.catalogue import Catalogue
    catalogue = Catalogue(sys.argv[1], HERE, limits=AT_ONCE)
    with catalogue.inventories.loading("photos", sys.argv[2]) as load:
        for start in range(0, 2000, 50):
            load.add(batch(range(start, start + 50)))
            print(start, flush=True)
        load.finish(START + int(sys.argv[2]))
    print("done", flush=True)
    catalogue.close()
"""


def test_a_killed_reading_is_completed_by_the_next(backend, place, child, monkeypatch):
    """Its rows stay hidden; the next reading does not wait and is complete."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    kills = KILLS
    Catalogue(place, HERE).close()
    for number in range(kills):
        loader = child(LOADER, place, 1)
        loader.until(str(random.Random(number).randrange(0, 2000, 50)))
        loader.kill()
        catalogue = Catalogue(place, HERE)
        upload(catalogue, 2000 + number, START)
        if backend == "sqlite":
            assert catalogue.database.row("PRAGMA integrity_check")[0] == "ok"
        found = states(catalogue)
        assert found == {2000 + n: "pending" for n in range(number + 1)}
        check_sums(catalogue)
        catalogue.close()
    catalogue = Catalogue(place, HERE)
    read(catalogue, range(1990), START)
    assert set(states(catalogue)) == {*range(2000), *range(2000, 2000 + kills)} - {
        n for n in range(1990, 2000) if n not in states(catalogue)
    }
    assert catalogue.archives.count("photos") == 1990 + kills
    check_sums(catalogue)
    catalogue.close()


RECORDER = """
    import sys
    from tests.catalogue.archives.test_ingest import HERE, START, upload
    from glacier_magic.catalogue import Catalogue
    catalogue = Catalogue(sys.argv[1], HERE)
    for number in range(int(sys.argv[2]), 3000):
        upload(catalogue, number, START)
        print(number, flush=True)
"""


def test_what_was_acknowledged_survives_every_kill(backend, place, child, monkeypatch):
    """Folders and names agree with the rows."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    Catalogue(place, HERE).close()
    there = 0
    for number in range(KILLS):
        recorder = child(RECORDER, place, there)
        recorder.until(str(there + random.Random(number).randrange(20)))
        recorder.kill()
        catalogue = Catalogue(place, HERE)
        found = states(catalogue)
        if backend == "sqlite":
            assert catalogue.database.row("PRAGMA integrity_check")[0] == "ok"
        check_sums(catalogue)
        assert catalogue.archives.query("photos", text=f"/{there}.t").records
        catalogue.close()
        assert set(found) >= set(range(there))
        there = len(found)


def test_two_readings_of_a_vault_take_turns(place):
    """The second waits, and neither loses anything."""
    first, second = Catalogue(place, HERE), Catalogue(place, HERE)
    with first.inventories.loading("photos", "one") as load:
        thread = threading.Thread(target=read, args=(second, range(5, 15), START + DAY))
        thread.start()
        load.add(batch(range(10)))
        load.finish(START)
    thread.join()
    found = states(first)
    assert {n for n, state in found.items() if state == "gone"} == set(range(5))
    check_sums(first)
    first.close()
    second.close()
