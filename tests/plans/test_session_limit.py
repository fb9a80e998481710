"""The setting ``max_cost`` limits every plan of a session, by the prices of the moment."""

import io
import zipfile
from contextlib import ExitStack

import pytest

from glacier_magic.base.paths import data_folder
from glacier_magic.errors import InputError, OverBudget, PlanChanged
from glacier_magic.explore import Explorer
from glacier_magic.jobs import Batch
from glacier_magic.plans import CombinedRestore
from tests.counting import counting

PATIENCE = 30.0
COSTLY = ("InitiateJob", "GetJobOutput", "DeleteArchive", "DeleteVault", "PurchaseProvisionedCapacity")
PRICES = """
[all]
retrieval-standard = {0}
retrieval-standard-requests = {0}
free-retrieval = 0
transfer-out-internet = {0}
early-deletion = {0}
provisioned-capacity = {0}
"""
KINDS = (
    "whole archives",
    "a part",
    "what expired",
    "what expired in two folders",
    "longer",
    "deletion",
    "drop",
    "a look",
    "a look at a finished output",
    "capacity",
    "explorer",
    "explorer deletion",
    "board",
)


def prices(dollars):
    data_folder().mkdir(parents=True, exist_ok=True)
    (data_folder() / "prices.toml").write_text(PRICES.format(dollars))


def zipped():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("member", b"x" * 100)
    return target.getvalue()


@pytest.fixture
def make(filled, session, files, client, held, later, until, tmp_path):
    """Make a plan of a kind; each would cost something."""
    prices(1)
    for name in ("new.zip", "done.zip"):
        path = files(name, zipped() + name.encode())  # bytes behind the directory are a comment
        archive = filled.upload(path.name)
        path.unlink()
    ids = filled.archives().set_index("name")["archive_id"]
    later(session, days=1.2)
    session.drop_with_archives("photos")
    later(session, hours=4.2)
    expired = [filled.restore(name, to=tmp_path / name[-5:]).run() for name in ("c.txt", "scans/a.tif")]
    later(session, hours=4.1)
    later(session, hours=25)
    until(lambda: all(batch.snapshot.count("expired") for batch in expired))
    filled.restore("scans/b.tif", to=tmp_path / "kept").run()
    client.initiate_job(
        vaultName="photos", jobParameters={"Type": "archive-retrieval", "ArchiveId": archive.id}
    )
    later(session, hours=4.1)
    session.tracker.refresh(["photos"])
    explorer = Explorer(filled)
    explorer.answer.order()
    explorer.picked.all_of(explorer.answer)

    def dropping():
        plan = session.drop_with_archives("photos")
        while isinstance(plan, Batch):  # the tracker reads the list of the vault at the same time
            plan = session.drop_with_archives("photos")
        return plan

    kinds = {
        "whole archives": lambda: filled.restore("*", to=tmp_path / "back"),
        "a part": lambda: filled.restore("new.zip", byte_range="0-9", to=tmp_path / "back"),
        "what expired": lambda: session.restore_expired("c.txt", vault="photos"),
        "what expired in two folders": session.restore_expired,
        "longer": lambda: session.extend("scans/b.tif", vault="photos"),
        "deletion": lambda: filled.delete("*"),
        "drop": dropping,
        "a look": lambda: filled.peek("new.zip"),
        "a look at a finished output": lambda: filled.peek("done.zip"),
        "capacity": lambda: session.capacity().buy(),
        "explorer": lambda: explorer.restore(to=tmp_path / "back"),
        "explorer deletion": explorer.delete,
        "board": lambda: session.tracker.actions.again(expired[0].snapshot.rows),
    }
    assert tuple(kinds) == KINDS
    assert ids["done.zip"] == archive.id
    yield lambda kind: kinds[kind]()
    explorer.close()


@pytest.fixture
def nothing(emulator):
    """Check at the end that no request that costs or destroys has reached the emulator since."""
    counts = {}
    with ExitStack() as stack:

        def begin():
            for operation in COSTLY:
                counts[operation] = stack.enter_context(counting(emulator, operation))

        yield begin
        assert {operation: count() for operation, count in counts.items()} == dict.fromkeys(COSTLY, 0)


def confirmed(plan):
    return {"confirm": plan.confirmation or None}


def test_a_limit_of_nothing_holds_for_every_plan(make, nothing, monkeypatch):
    """Once and twice; each plan says what the limit is, and where it was set."""
    nothing()
    monkeypatch.setenv("GLACIER_MAGIC_MAX_COST", "0")
    for kind in KINDS:
        plan = make(kind)
        assert "limit: $0 (setting max_cost): REFUSED. This costs" in repr(plan), kind
        assert "(setting max_cost)" in plan.card_html(), kind
        for _ in range(2):
            with pytest.raises(OverBudget):
                plan.run(**confirmed(plan))
    several = make("what expired in two folders")
    assert isinstance(several, CombinedRestore)
    for plan in several.plans:
        with pytest.raises(OverBudget):
            plan.run()


def test_a_limit_of_the_plan_comes_before_that_of_the_session(make, jobs_of, monkeypatch):
    """A revised plan has the limit of the first one; that of several holds for all of them."""
    monkeypatch.setenv("GLACIER_MAGIC_MAX_COST", "0")
    plan = make("whole archives").limit_to(2)
    assert "limit: $2.00: kept" in repr(plan)
    assert "limit: $2.00: kept" in repr(plan.revised(destination="here"))
    assert "(setting max_cost): REFUSED" in repr(make("whole archives").revised(tier="standard"))
    assert "limit: " not in repr(make("deletion").without_limit())
    before = len(jobs_of())
    make("what expired in two folders").limit_to(1).run()
    assert len(jobs_of()) == before + 2


def test_the_prices_of_the_moment_count(make, nothing):
    """A plan that got dearer is refused by its limit, and without one shows its new price first."""
    nothing()
    shown, limited = ([make(kind) for kind in KINDS] for _ in range(2))
    before = [plan.quote.total for plan in shown]
    prices(1000)
    for plan, price in zip(limited, before, strict=True):
        with pytest.raises(OverBudget):
            plan.run(**confirmed(plan), max_cost=price)
    for plan, price in zip(shown, before, strict=True):
        with pytest.raises(PlanChanged):
            plan.run(**confirmed(plan))
        assert plan.quote.total > price


def test_a_vault_that_is_empty_is_dropped_within_any_limit(session, monkeypatch):
    """A request to delete it costs nothing."""
    session.create_vault("empty")
    monkeypatch.setenv("GLACIER_MAGIC_MAX_COST", "0")
    plan = session.drop_vault("empty")
    assert "limit: $0 (setting max_cost): kept" in repr(plan)
    assert plan.refusal == ""


def test_a_setting_that_is_no_amount_is_named(filled, monkeypatch):
    """No plan is made without the limit that the user wanted."""
    monkeypatch.setenv("GLACIER_MAGIC_MAX_COST", "lots")
    for made in (filled.restore, filled.delete):
        with pytest.raises(InputError, match="max_cost cannot be 'lots'") as caught:
            made("*")
        assert "GLACIER_MAGIC_MAX_COST" in caught.value.cure
