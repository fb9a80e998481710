"""The columns of a whole vault: what the rows say, in their order, whatever the values are."""

import pandas as pd
import pytest

from glacier_magic.base import dataframes
from glacier_magic.catalogue import ArchiveRecord, Catalogue, Scope
from glacier_magic.catalogue.archives import archive_columns
from glacier_magic.catalogue.archives.query import Query, statement
from tests.catalogue import mark_deleted

HERE = Scope("111111111111", "eu-west-1")
NAMES = ("b", "", "a/ä\u0301", "a/b", "😀\x00\x01\x1f", "b", "z" * 1000, "back\\slash")


def archive(number, **known):
    name = NAMES[number % len(NAMES)]
    values = {
        "vault": "photos",
        "archive_id": f"{number:0138}",
        "name": name,
        "description": "" if number % 5 == 0 else f"of {name}" if number % 3 == 0 else name,
        "format": ("plain", "imported")[number % 2],
        "mtime": None if number % 4 else number,
        "size": None if number % 7 == 0 else 10**12 - number % 3,
        "created": None if number % 11 == 0 else 10**6 - number % 6,
        "tree_hash": {0: None, 1: "not a hash"}.get(number % 9, f"{number % 9:064x}"),
        "state": ("uploaded", "listed", "unknown")[number % 3],
        "seen": None,
        "note": "tags" * (number % 2),
        "labels": "b db" * (number % 3 == 0),
    }
    return ArchiveRecord(**(values | known))


@pytest.fixture
def catalogue(tmp_path, monkeypatch):
    """A vault with rows of another one between its own, some of them gone or deleted."""
    monkeypatch.setattr(archive_columns, "PIECE", 7)
    made = Catalogue(tmp_path / "catalogue.sqlite", HERE)
    for number in range(60):
        made.archives.record(archive(number))
        if number % 4 == 0:
            made.archives.record(archive(number, vault="other"))
    mark_deleted(made, f"{9:0138}", now=5)
    made.archives.record(archive(10, state="gone"))
    yield made
    made.close()


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"glob": "*"},
        {"sort": "-size,name"},
        {"sort": "tree_hash"},
        {"sort": "-state,-created"},
        {"states": ["gone", "deleted"]},
        {"states": []},
    ],
)
def test_the_columns_have_the_values_of_the_rows_in_their_order(catalogue, asked):
    """Nulls, equal values, any character, and rows of other vaults between them."""
    records = catalogue.archives.query("photos", **asked).records
    made = statement(catalogue.database, HERE, "photos", Query(**asked))
    with catalogue.database.snapshot() as view:
        assert archive_columns.columns_of(view, made, "photos").num_rows == len(records)
    found = catalogue.archives.frame("photos", **asked)
    pd.testing.assert_frame_equal(found, dataframes.archives(records), check_column_type=False)


def test_columns_of_one_value_take_no_memory(tmp_path):
    """Five of the twelve columns of most vaults."""
    catalogue = Catalogue(tmp_path / "catalogue.sqlite", HERE)
    same = {"name": "a", "description": "a", "format": "plain", "labels": "", "note": "", "state": "uploaded"}
    for number in range(20):
        catalogue.archives.record(archive(number, **same))
    made = statement(catalogue.database, HERE, "photos", Query())
    with catalogue.database.snapshot() as view, pytest.MonkeyPatch.context() as patched:
        patched.setattr(archive_columns, "PIECE", 4)
        found = archive_columns.columns_of(view, made, "photos")
    for name in ("name", "format", "labels", "note", "state", "vault"):
        assert len({chunk.buffers()[2].address for chunk in found[name].chunks}) == 1
        assert found[name].num_chunks == 5 + 1
    catalogue.close()


def test_other_archive_ids_are_read_by_rows(catalogue):
    """Those that have not the length of the service's; two of them may have it together."""
    for archive_id in ("1" * 137, "2" * 139):
        catalogue.archives.record(archive(1, archive_id=archive_id))
    made = statement(catalogue.database, HERE, "photos", Query())
    with catalogue.database.snapshot() as view:
        assert archive_columns.columns_of(view, made, "photos") is None
    found = catalogue.archives.frame("photos")
    records = catalogue.archives.query("photos").records
    assert {"1" * 137, "2" * 139} < set(found["archive_id"])
    pd.testing.assert_frame_equal(found, dataframes.archives(records))
