"""Plans that are run as one: each request is made once, and its price counted once."""

from decimal import Decimal

import pytest

from glacier_magic.base.paths import data_folder
from glacier_magic.errors import OverBudget
from glacier_magic.plans import CombinedRestore
from glacier_magic.plans.restore.items import ASK, RUNNING
from tests.counting import counting

MIB = 1 << 20
GB = 1 << 30
PATIENCE = 30.0

pytestmark = pytest.mark.usefixtures("soon")


@pytest.fixture
def stored(vault, files):
    """Archives of 8 MiB, two of them with the same bytes; the local files are gone."""
    same = files("a.bin", 8 * MIB).read_bytes()
    for name, content in (("a.bin", same), ("twin.bin", same), ("b.bin", 8 * MIB), ("c.bin", 8 * MIB)):
        path = files(name, content)
        vault.upload(name, again=True)
        path.unlink()
    return vault


@pytest.fixture
def combined(session, stored, tmp_path):
    """Make one plan of several, each of a name, a part or None, and a folder."""
    file = data_folder() / "prices.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        "[all]\nretrieval-standard = 1024\nretrieval-standard-requests = 1000\ntransfer-out-internet = 1024\n"
    )

    def combined(*wanted):
        plans = [stored.restore(name, byte_range=part, to=tmp_path / folder) for name, part, folder in wanted]
        return CombinedRestore(plans, session.tracker, session.plan_log)

    return combined


def numbers(plan):
    """Return requests, bytes to retrieve and bytes to transfer, as a plan prices them."""
    found = dict.fromkeys(("retrieval-standard-requests", "retrieval-standard", "transfer-out-internet"), 0)
    for line in plan.quote.lines:
        found[line.figure.item] += line.quantity
    requests, size, out = found.values()
    return requests * 1000, size * GB, out * GB


def test_each_row_names_its_vault(combined):
    """Names of several vaults may be the same."""
    plan = combined(("a.bin", None, "1"), ("a.bin", None, "2"))
    assert plan._head()[2] == "vault"
    assert [cells[2] for cells in plan._cells()] == ["photos", "photos"]


@pytest.mark.limits(piece=MIB)
@pytest.mark.parametrize(
    ("wanted", "requests"),
    [
        ([("a.bin", None, "1"), ("a.bin", None, "2")], 1),
        ([("a.bin", None, "1"), ("twin.bin", None, "2")], 1),
        ([("a.bin", (5, 9), "1"), ("a.bin", None, "2")], 1),
        ([("a.bin", None, "1"), ("twin.bin", (5, 9), "2")], 2),  # a job of one is no job of the other
        ([("b.bin", (5, 9), "1"), ("b.bin", (5, 9), "2")], 1),
        ([("b.bin", (5, 4 * MIB), "1"), ("b.bin", (MIB, MIB), "2"), ("b.bin", (9, 9), "3")], 1),
        ([("b.bin", (0, 0), "1"), ("b.bin", (MIB, MIB), "2")], 2),
        ([("?.bin", None, "1"), ("*.bin", None, "2")], 3),
        ([("*.bin", (0, 3 * MIB), "1"), ("b.bin", (MIB, MIB), "2"), ("c.bin", None, "2")], 4),
    ],
)
def test_what_several_plans_need_is_priced_as_often_as_it_is_requested_and_fetched(
    session, combined, later, emulator, calls, ranges_of, wanted, requests
):
    """Over the limit, none of it; within the limit, exactly what is priced, and no more by a second run."""
    fetched = calls.noted("open_output", 3)
    plan = combined(*wanted)
    priced = numbers(plan)
    with counting(emulator, "InitiateJob") as made:
        with pytest.raises(OverBudget):
            plan.run(max_cost=plan.quote.total - Decimal("0.01"))
        assert made() == 0
        batch = plan.run(max_cost=plan.quote.total)
        assert plan.run() is batch
        assert made() == requests
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    retrieved = sum(int(last) - int(first) + 1 for first, last in (one.split("-") for one in ranges_of()))
    assert priced == (requests, retrieved, sum(fetched))
    assert all(plan.empty for plan in combined(*wanted).plans)


def test_an_archive_known_by_its_id_alone_is_requested_once_for_two_folders(
    session, vault, put, ready, emulator, tmp_path
):
    """Without a hash no file can be copied: its output is fetched for each folder."""
    archive = put("x", b"bytes")
    plans = [vault.restore(archive, to=tmp_path / folder) for folder in ("1", "2")]
    plan = CombinedRestore(plans, session.tracker, session.plan_log)
    assert [item.action for each in plan.plans for item in each.items] == [ASK, RUNNING]
    with counting(emulator, "InitiateJob") as made:
        ready(plan.run())
        assert made() == 1
    assert [path.read_bytes() for path in sorted(tmp_path.glob("[12]/*"))] == [b"bytes"] * 2
