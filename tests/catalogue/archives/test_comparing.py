"""Duplicates, compared with a reckoning in Python."""

from itertools import count, groupby
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacier_magic.catalogue import Catalogue, Scope
from glacier_magic.catalogue.archives import comparing
from glacier_magic.catalogue.archives.identity import pack_hash
from glacier_magic.catalogue.archives.query import scanned
from tests.catalogue import archive_record, mark_deleted, read_inventory

HERE = Scope("111111111111", "eu-west-1")
HASHES = (None, "0" * 64, "0" * 63 + "1", "f" * 64, "74" * 32, "odd", "ODD", "o" * 27)
STATES = {"uploaded": "pending", "listed": "present", "unknown": "unknown", "deleted": "deleted here"}
ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, 0, 1, 2, 1 << 40]),
        st.sampled_from(HASHES),
        st.sampled_from([None, 0, 1_600_000_000_000]),
        st.sampled_from(list(STATES)),
    ),
    max_size=14,
)


@pytest.fixture(scope="module")
def catalogue(new_place):
    made = Catalogue(new_place(), HERE)
    yield made
    made.close()


def record(vault, number, size, tree_hash, created, state):
    return archive_record(
        f"{number}.jpg", number, vault=vault, size=size, created=created, tree_hash=tree_hash, state=state
    )


def reckoned(records):
    """Return group, copies, wasted, id and state of each duplicate, in order."""
    kept = [r for r in records if r.state != "deleted" and None not in (r.size, r.tree_hash)]
    same = [list(rows) for _, rows in groupby(sorted(kept, key=_bytes), key=_bytes)]
    groups = [rows for rows in same if len(rows) > 1]
    groups.sort(key=lambda rows: (-(len(rows) - 1) * rows[0].size, *_bytes(rows[0])))
    return [
        (number, len(rows), (len(rows) - 1) * row.size, row.archive_id, STATES[row.state])
        for number, rows in enumerate(groups, 1)
        for row in sorted(rows, key=lambda r: (r.created is not None, r.created or 0, r.archive_id))
    ]


def _bytes(record):
    return record.size, pack_hash(record.tree_hash)


vaults = (f"vault-{number}" for number in count())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_duplicates_are_those_of_a_reckoning(catalogue, rows):
    """Groups, order, bytes and states, in whichever vault of the catalogue."""
    vault = next(vaults)
    records = [record(vault, number, *row) for number, row in enumerate(rows)]
    with catalogue.database.transaction():
        for each in records:
            catalogue.archives.record(each)
            if each.state == "deleted":
                mark_deleted(catalogue, each.archive_id, vault)
    found = catalogue.archives.duplicates(vault)
    columns = ["group", "copies", "wasted", "archive_id", "state"]
    assert list(found[columns].itertuples(index=False, name=None)) == reckoned(records)
    assert found.attrs["unlisted"] == sum(state == "pending" for *_, state in reckoned(records))


def plan(catalogue, vault):
    """Return the steps of SQLite's plan for the duplicates of a vault."""
    asked = []
    watched = SimpleNamespace(
        unindexed=catalogue.database.unindexed, stream=lambda sql, values, _: asked.append((sql, values))
    )
    known = comparing.identity.find_vault(catalogue.database, HERE, vault)
    comparing._copies(watched, known, scanned(catalogue.database, HERE, vault))
    ((sql, values),) = asked
    return [row[3] for row in catalogue.database.rows(f"EXPLAIN QUERY PLAN {sql}", values)]


def test_most_of_a_table_is_scanned_and_a_small_vault_is_not(tmp_path):
    """The sizes that occur twice come from their index; it is not followed to the rows of a large vault."""
    catalogue = Catalogue(tmp_path / "catalogue.sqlite", HERE)
    for vault, archives in (("small", 3), ("large", 100)):
        read_inventory(
            catalogue,
            [record(vault, n, n, "0" * 64, 0, "listed") for n in range(archives)],
            1_700_000_000_000,
            vault=vault,
        )
    sizes = "SEARCH archive_rows USING COVERING INDEX archive_rows_by_size (vault_id=?)"
    for vault, scans in (("small", 0), ("large", 1)):
        steps = plan(catalogue, vault)
        assert sizes in steps
        assert steps.count("SCAN archive_rows") == scans
    catalogue.close()
