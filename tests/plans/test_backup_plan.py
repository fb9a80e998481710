"""What a backup costs: the requests that its plan shows are those that the emulator receives."""

import pytest

from tests.counting import counting, counting_uploads
from tests.packed import MIB, place


@pytest.mark.limits(single_request=MIB, smallest_part=MIB)
def test_the_requests_shown_are_those_sent(backup, emulator):
    """Three packs of 300 files, of which two go in two parts, and the manifest; nothing, the second time."""
    for number in range(300):
        place(backup.root / f"{number:03}", 10_240)
    plan = backup.plan(pack_size=1_200_000)
    assert plan.requests == 4 + 4 + 1 + 1
    with counting_uploads(emulator) as count:
        plan.run()
        assert count() == plan.requests
    with counting(emulator, "*") as count:
        assert backup.run().snapshot is None
        assert count() <= 1
    backup.whole()
