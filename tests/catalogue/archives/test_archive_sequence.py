"""Archives as columns are those that records are, one by one, by slices and in any order."""

import random

import pytest

from glacier_magic.catalogue.archives import archive_sequence
from glacier_magic.catalogue.archives.archive_sequence import (
    ArchiveRows,
    by_age,
    field_of,
    records_of,
    same_bytes,
)
from tests.catalogue.archives.test_archive_columns import archive, catalogue  # noqa: F401 - a fixture
from tests.catalogue.archives.test_ingest import START, read


@pytest.mark.parametrize("ids", [138, 137])
def test_columns_are_the_records(catalogue, monkeypatch, ids):  # noqa: F811
    """Also those with ids of another length, which are read by rows."""
    monkeypatch.setattr(archive_sequence, "PIECE", 7)
    read(catalogue, range(20), START)
    read(catalogue, range(1, 30), START + 1)
    catalogue.archives.record(archive(61, archive_id="3" * ids))
    wanted = list(catalogue.archives.query("photos", "*").records)
    assert {each.seen for each in wanted} == {None, START + 1}
    found = catalogue.archives.matching("photos", "*")
    assert isinstance(found, ArchiveRows)
    assert list(found) == wanted
    assert repr(found) == f"<{len(wanted)} archives>"
    assert (found[0], found[-1], found[3:20:4]) == (wanted[0], wanted[-1], wanted[3:20:4])
    places = random.sample(range(len(wanted)), 30)
    assert list(records_of(found, places)) == [wanted[place] for place in places]
    assert list(field_of(found, "created")) == [each.created for each in wanted]
    aged = by_age(found)
    assert list(aged) == by_age(wanted)
    assert same_bytes(aged) == same_bytes(list(aged))
    with pytest.raises(IndexError):
        found[len(wanted)]
