"""The room for parts that are not held in memory: none up to 625 GiB, and two of the largest parts."""

import tempfile
from dataclasses import replace

import pytest

from glacier_magic.base.session_limits import USUAL
from glacier_magic.errors import LocalError
from glacier_magic.plans.migrate.spooling import Spooling
from glacier_magic.transfer.migrate.moving import held

GIB, TIB = 1 << 30, 1 << 40


@pytest.mark.parametrize(
    ("sizes", "part", "needed"),
    [
        ([], 0, 0),
        ([1, 625 * GIB], 0, 0),
        ([1, 625 * GIB + 1], GIB // 8, 8 * GIB),
        ([5 * TIB + 1], GIB, 8 * GIB),
        ([40_000 * GIB, 5 * TIB + 1], 4 * GIB, 8 * GIB),
    ],
)
def test_the_room_for_archives_of_any_size(sizes, part, needed):
    """It is in the plan; on workers, it is that of a range."""
    spooling = Spooling.of(sizes, USUAL)
    assert (spooling.part, spooling.needed) == (part, needed)
    assert [label for label, _ in spooling.facts()] == ["temporary files"] * bool(part)
    if part:
        assert "each worker" in Spooling.of(sizes, USUAL, elsewhere=True).facts()[0][1]
    assert Spooling.of([100], replace(USUAL, object_in_memory=10, object_spool=50)).needed == 100


def test_a_full_disk_is_an_error_before_anything_is_requested():
    """And where it fills up meanwhile, the part fails, not the process."""
    plenty = Spooling.of([40_000 * GIB], replace(USUAL, object_spool=1 << 60))
    assert tempfile.gettempdir() in plenty.refusal.message
    assert Spooling.of([40_000 * GIB], replace(USUAL, object_spool=1 << 60), elsewhere=True).refusal is None
    with pytest.raises(LocalError, match="no temporary file"):
        held(1 << 62)
