"""What a plan of moves says before anything is paid, and what it refuses."""

import gc
import tracemalloc
from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from glacier_magic.catalogue import ArchiveRecord
from glacier_magic.catalogue.archives import archive_sequence
from glacier_magic.errors import AccessDenied, CredentialsError, InputError, OverBudget, Refused
from glacier_magic.plans.migrate.migrate_plan import checked_class
from glacier_magic.plans.restore.items import RetrievalItem
from tests.catalogue import archive_record
from tests.catalogue.archives.test_ingest import START, batch
from tests.transfer.migrate.conftest import proofs

GIB = 1 << 30
REGION = "us-east-1"


@pytest.fixture
def region():
    """A region that has prices."""
    return REGION


@pytest.fixture
def s3(emulator):
    return emulator.s3_client(REGION)


@pytest.fixture
def bucket(s3, tmp_path):
    name = f"plan-{abs(hash(tmp_path)):x}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def vault(session, tmp_path):
    return session.create_vault(f"photos-{abs(hash(tmp_path)):x}")


@pytest.fixture
def plan(filled, bucket):
    """Plan to move three small archives."""

    def plan(**options):
        return filled.migrate("*", to=f"s3://{bucket}/in", **{"tier": "Standard"} | options)

    return plan


@pytest.fixture
def large(session, vault):
    """A vault of 100 archives of 10 GiB, as the catalogue knows them."""
    for n in range(100):
        session.catalogue.archives.record(
            archive_record(
                f"n{n:03}",
                vault=vault.name,
                archive_id=f"{n:03}".ljust(138, "x"),
                size=10 * GIB,
                created=0,
                tree_hash=f"{n:064x}",
                state="listed",
            )
        )
    return vault


# 1,000 GB in 100 archives in us-east-1, and 160 parts of 64 MiB each, reckoned by hand.

PARTS = (100 + 16_000) * 0.005 / 1000  # starting an upload, and each part, is a Standard request
READS = (100 + 16) * 0.0004 / 1000  # the record of each object, and a page for 1,000 parts
STAGED = 1000 * 0.023 / 720  # the parts, for an hour at the Standard price
INDEX, NAMES = 100 * 32 / 2**20, 100 * 8 / 2**20  # GB: 32 KiB and, in S3, 8 KiB at the Standard price
IN_VAULT = (1000 + INDEX) * 0.0036


RECKONED = [
    (
        "DEEP_ARCHIVE",
        "Standard",
        1000 * 0.01 + 100 * 0.03 / 1000 + 100 * 0.05 / 1000 + PARTS + READS + STAGED,
        (1000 + INDEX) * 0.00099 + NAMES * 0.023,
        "3.9",  # 10.12 / (3.60 - 0.99)
    ),
    (
        "DEEP_ARCHIVE",
        "Bulk",
        100 * 0.05 / 1000 + PARTS + READS + STAGED,  # bulk retrievals cost nothing
        (1000 + INDEX) * 0.00099 + NAMES * 0.023,
        "0.0",  # 0.12 / (3.60 - 0.99)
    ),
    (
        "GLACIER_IR",
        "Standard",
        1000 * 0.01 + 100 * 0.03 / 1000 + 100 * 0.02 / 1000 + PARTS + READS,
        1000 * 0.004,  # no overhead, and nothing is smaller than 128 KB
        None,
    ),
    (
        "GLACIER",
        "Standard",
        1000 * 0.01 + 100 * 0.03 / 1000 + 100 * 0.03 / 1000 + PARTS + READS + STAGED,
        (1000 + INDEX) * 0.0036 + NAMES * 0.023,  # as in the vault, and the names
        None,
    ),
    (
        "STANDARD_IA",
        "Expedited",
        1000 * 0.03 + 100 * 10 / 1000 + 100 * 0.01 / 1000 + PARTS + READS,
        1000 * 0.0125,
        None,
    ),
]
"""Class, tier, what is paid once, what a month costs, and the months after which it has paid for itself."""


def test_a_price_reckoned_by_hand(large, bucket):
    """Once, a month before and after, and whether it pays for itself."""
    for name, tier, once, month, months in RECKONED:
        to = f"s3://{bucket}/in"
        plan = large.migrate("*", to=to, storage_class=name, tier=tier, destination="here")
        assert float(plan.quote.total) == pytest.approx(once)
        assert float(plan.before.total) == pytest.approx(IN_VAULT)
        assert float(plan.after.total) == pytest.approx(month)
        words = dict(plan.facts)["a month"]
        if months is None:
            assert plan.break_even is None
            assert "it costs no less there" in words
        else:
            assert float(plan.break_even) == pytest.approx(once / (IN_VAULT - month))
            assert f"pays for itself after {months} months" in words


def test_what_a_plan_says(plan):
    """Price, months before and after, the minimum, the fee of deleting now; nothing is requested."""
    shown = plan(storage_class="deep-archive")
    facts = dict(shown.facts)
    assert "in the vault" in facts["a month"]
    assert "180 days" in facts["at least"]
    assert "if the sources went now" in facts["early deletion"]
    assert facts["bucket"] == "no versions: an object that somebody deletes is gone"
    assert {line.figure.item for line in shown.quote.lines} >= {
        "deep-archive-put-requests",
        "s3-standard-get-requests",
        "retrieval-standard",
    }
    assert sorted(shown.table.key) == ["in/c.txt", "in/scans/a.tif", "in/scans/b.tif"]
    assert set(shown.choices()) == {"Expedited", "Standard", "Bulk"}
    with pytest.raises(OverBudget):
        shown.run(max_cost=Decimal("0.0000001"))


def test_chosen_keys(plan, filled):
    """The plan shows them with the reason; other archives keep their names; mistakes are refused."""
    table = plan().table.set_index("name")
    table.loc["c.txt", "key"] = "in/elsewhere.txt"
    shown = plan(keys=table.reset_index()[lambda frame: frame.name == "c.txt"])
    assert dict(zip(shown.table.key, shown.table.why, strict=True)) == {
        "in/elsewhere.txt": "given",
        "in/scans/a.tif": "",
        "in/scans/b.tif": "",
    }
    assert dict(shown.facts)["keys"] == "1 key other than the name: given (1)"
    assert "given" in repr(shown)
    assert sorted(plan(key="{created:%Y}/{file}").table.key)[0].endswith("/a.tif")
    with pytest.raises(InputError, match="does not have"):
        plan(keys={"x" * 138: "in/a"})
    with pytest.raises(InputError, match="whose bytes differ"):
        plan(keys=dict.fromkeys(table.archive_id, "in/a"))


def test_a_suffix_where_the_key_has_another_object(plan, s3, bucket, session):
    """The object is unchanged; a suffix that is taken, too, is a conflict."""
    for key in ("in/c.txt", "in/scans/a.tif", "in/scans/a-2.tif"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"other")
    assert list(plan().table.action).count("its key has another object") == 2
    batch = plan(suffix="-2").run()
    found = (
        session.vault(batch.snapshot.rows[0].vault).migrate("*", to=f"s3://{bucket}/in", suffix="-2").table
    )
    found = found.set_index("name")
    assert dict(found.key) == {
        "c.txt": "in/c-2.txt",
        "scans/a.tif": "in/scans/a.tif",
        "scans/b.tif": "in/scans/b.tif",
    }
    assert found.action["c.txt"] == "already in progress"
    assert found.action["scans/a.tif"] == "its key has another object"


def test_an_object_of_the_same_bytes_needs_no_suffix(plan, filled, files, ready, connect, tmp_path, listed):
    """Also where only the object says so: a second archive of that name and those bytes has it, too."""
    files("c.txt", b"c.txt" * 100)
    filled.upload("c.txt", again=True)
    ready(plan().run())
    assert set(plan(suffix="-2").table.action) == {"already in S3", "the same object as another"}
    there = connect(catalogue=tmp_path / "there.sqlite").vault(filled.name)
    listed(there)
    found = there.migrate("*", to=plan().place.name, suffix="-2").table
    assert set(found.action) == {"already in S3"}
    assert sorted(found.key) == ["in/c.txt", "in/c.txt", "in/scans/a.tif", "in/scans/b.tif"]


def test_a_given_key_that_another_move_has(plan, filled, files):
    """Nothing is requested for it, also before the first object is there."""
    plan().run()
    files("late", b"late")
    late = filled.upload("late").id
    shown = plan(keys={late: "in/c.txt"})
    assert shown.table.set_index("name").action["late"] == "its key has another object"
    assert shown.requests == 0


def test_a_sample_is_the_same_each_time(filled, bucket):
    """And is a part of the archives."""
    some = [filled.migrate("*", to=f"s3://{bucket}", sample=2).items for _ in range(2)]
    assert [item.place for item in some[0]] == [item.place for item in some[1]]
    assert len(some[0]) == 2


@pytest.mark.parametrize(
    ("prefix", "refused"), [("", True), ("in/", True), ("in/scans", True), ("out/", False)]
)
def test_a_bucket_that_deletes_the_objects(plan, s3, bucket, prefix, refused, client, filled):
    """It is refused before anything is paid, and may be accepted."""
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": 30}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    assert bool(plan().refused) is refused
    assert plan(accept_lifecycle=True).refused is None
    if refused:
        with pytest.raises(Refused, match="deletes objects"):
            plan().run()
    assert client.list_jobs(vaultName=filled.name)["JobList"] == []


@pytest.mark.parametrize(
    ("fault", "operation", "kind"),
    [
        ("access-denied", "s3:CreateMultipartUpload", AccessDenied),
        ("access-denied", "s3:HeadBucket", AccessDenied),
        ("access-denied", "s3:ListObjectsV2", AccessDenied),
        ("expired-token", "s3:HeadBucket", CredentialsError),
    ],
)
def test_what_is_not_allowed_is_found_before_anything_is_paid(
    plan, emulator, fault, operation, kind, client, filled
):
    """No retrieval is requested."""
    emulator.fault(fault, operation)
    with pytest.raises(kind):
        plan().run()
    emulator.clear_faults()
    assert client.list_jobs(vaultName=filled.name)["JobList"] == []


def test_settings_that_cannot_be_read_are_named(plan, emulator, s3, bucket):
    """They are no reason to stop."""
    for operation in ("s3:GetBucketLifecycleConfiguration", "s3:GetObjectLockConfiguration"):
        emulator.fault("access-denied", operation)
    assert "its lifecycle rules cannot be read" in dict(plan().facts)["bucket"]
    emulator.clear_faults()


def test_a_trial_leaves_nothing(plan, s3, bucket):
    """The upload that was started to try rights and class is aborted."""
    plan().run()
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_a_bucket_that_does_not_exist(filled, bucket):
    """It is refused, with what to do."""
    with pytest.raises(InputError, match=r"no such bucket.*Check its name"):
        filled.migrate("*", to=f"s3://none-{bucket}/in")


TO_IRELAND = {
    "here": Decimal("0.02"),  # us-east-1 to eu-west-1
    "us-east-1": Decimal("0.02"),
    "eu-west-1": Decimal("0.02"),  # the way out; from there it is free
    "internet": Decimal(0),  # what comes in is free
    "sa-east-1": Decimal("0.158"),  # 0.02 to sa-east-1, and from there 0.138
    "region": None,
}
"""US dollars for a GB between regions, by where the bytes are copied; None if that is not known."""


def test_a_bucket_of_another_region(filled, emulator, bucket, ready):
    """It is refused without consent; the transfer and the prices there are in the quote, and it is moved."""
    other, name = emulator.s3_client("eu-west-1"), f"far-{bucket}"
    place = {"LocationConstraint": "eu-west-1"}
    other.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    with pytest.raises(InputError, match="in eu-west-1, and the vault in us-east-1"):
        filled.migrate("*", to=f"s3://{name}/in")

    def planned(destination):
        return filled.migrate("*", to=f"s3://{name}/in", cross_region=True, destination=destination)

    for destination, price in TO_IRELAND.items():
        plan = planned(destination)
        amounts = [line.amount for line in plan.quote.lines if line.figure.item == "transfer-out-region"]
        wanted = None if price is None else price * plan.bytes / GIB
        assert (None if None in amounts else sum(amounts)) == wanted
        assert (plan.quote.total is None) is (price is None)
        assert "the bucket is in eu-west-1" in dict(plan.facts)["other region"]
    put = next(line.figure for line in plan.quote.lines if line.figure.item == "deep-archive-put-requests")
    assert (put.region, put.price) == ("eu-west-1", Decimal("0.055"))
    ready(planned("here").run())
    assert other.list_objects_v2(Bucket=name)["KeyCount"] == 3
    assert set(proofs(filled.session, name).values()) == {("proven", 2)}


def test_classes_by_either_spelling():
    """Others are refused."""
    assert checked_class("glacier-ir") == checked_class("GLACIER_IR") == "GLACIER_IR"
    with pytest.raises(InputError, match="no storage class"):
        checked_class("onezone")


@pytest.fixture
def many(session, monkeypatch):
    """A vault of 4,000 archives; of eight one has the name of another, and of 24 one its bytes, too."""
    monkeypatch.setattr(archive_sequence, "PIECE", 1_000)
    vault = session.create_vault("many")
    rows = batch(range(4_000)).to_pylist()
    for row in range(8, len(rows), 8):
        names = ("description", "tree_hash", "size") if row % 24 == 0 else ("description",)
        rows[row] |= {name: rows[row - 1][name] for name in names}
    with session.catalogue.inventories.loading("many", "job") as load:
        load.add(pa.RecordBatch.from_pylist(rows, batch([0]).schema))
        load.finish(START)
    return vault


def test_a_plan_of_many_holds_no_object_of_an_archive(many, bucket, tmp_path):
    """A move and a restore of columns say what those of records say, in the bytes of a key or path."""
    plans = {
        "migrate": lambda what: many.migrate(what, to=f"s3://{bucket}/in", tier="Bulk"),
        "restore": lambda what: many.restore(what, to=tmp_path / "out", tier="Bulk"),
    }
    records = [replace(each) for each in many.select("*")]
    for plan in plans.values():
        wanted, found = plan(records), plan("*")
        pd.testing.assert_frame_equal(found.table, wanted.table)
        assert found.promised() == wanted.promised()
    del records, wanted, found

    def objects():
        gc.collect()
        return {id(each) for each in gc.get_objects() if isinstance(each, ArchiveRecord | RetrievalItem)}

    for plan in plans.values():
        before = objects()  # those of other tests
        tracemalloc.start()
        made = plan("*")
        made.as_text()
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] / 4_000
        tracemalloc.stop()
        assert held < 500  # an archive and its item took 1,500
        assert (len(made.items), len(objects() - before)) == (4_000, 0)
