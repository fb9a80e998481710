"""Restoring objects of a bucket: asked for once, priced, followed, and fetched verified."""

from decimal import Decimal

import pytest

from glacier_magic.errors import AccessDenied, InputError, IntegrityError, JobExpired, OverBudget, Refused
from glacier_magic.plans.restore.object_quoting import ObjectAsking, quote_objects
from glacier_magic.prices import load
from tests.counting import counting

CLASSES = {
    "2019/a.tif": "DEEP_ARCHIVE",
    "2019/b.tif": "GLACIER",
    "now.txt": "STANDARD",
    "instant": "GLACIER_IR",
    "empty": "GLACIER",
}
MIB = 1 << 20
GB = 1 << 30


def content(name):
    return b"" if name == "empty" else name.encode() * 100


@pytest.fixture
def store(s3, bucket):
    def store(name, storage_class="GLACIER", body=None, **more):
        body = content(name) if body is None else body
        return s3.put_object(
            Bucket=bucket, Key=f"scans/{name}", Body=body, StorageClass=storage_class, **more
        )

    return store


@pytest.fixture
def scans(store, listed_bucket):
    """A folder with an object of each class."""
    for name, storage_class in CLASSES.items():
        store(name, storage_class)
    return listed_bucket()


@pytest.fixture
def back(tmp_path):
    """The folder of the restored files."""
    return tmp_path / "work" / "back"


@pytest.fixture
def restores(emulator):
    """The number of requests for restores that came since."""
    with counting(emulator, "s3:RestoreObject") as count:
        yield count


def read(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("[!.]*") if p.is_file()}


def test_a_folder_of_all_classes_comes_back(scans, s3, bucket, restores, later, back):
    """Each archived object is asked for once; the others are fetched at once; a repeat asks nothing."""
    plan = scans.restore("*", tier="Bulk", to=back, days=2)
    assert (plan.requests, plan.bytes) == (3, 2 * len(content("2019/a.tif")))
    assert restores() == 0
    again = scans.restore("*", tier="Bulk", to=back)  # knows no hash of what the first one downloads
    batch = plan.run()
    assert restores() == 3
    scans.session.tracker.wait(lambda seen: seen.count("verified") >= 2, 30)
    assert again.run().snapshot.rows
    assert again.requests == 0
    later(scans.session, hours=9)
    scans.session.tracker.wait(lambda seen: seen.count("verified") == 4, 30)
    assert {row.name for row in batch.snapshot.rows if row.state == "in progress"} == {"2019/a.tif"}
    later(scans.session, hours=40)
    batch.wait(30)
    assert read(back) == {name: content(name) for name in CLASSES}
    until = {row.name: row.ready_until for row in batch.snapshot.rows}
    head = s3.head_object(Bucket=bucket, Key="scans/2019/a.tif")["Restore"]
    assert until["2019/a.tif"].strftime("%d %b %Y %H:%M:%S GMT") in head
    assert scans.restore("*", to=back).empty
    elsewhere = scans.restore("2019", to=back.with_name("elsewhere"))
    assert elsewhere.requests == 0
    elsewhere.run().wait(30)
    assert restores() == 3
    assert scans.session.history().table["done"].tolist()[:1] == [2]


def test_what_others_restored_counts(scans, s3, bucket, restores, later, back):
    """A copy that exists is ready, one under way is waited for, and neither is asked for."""
    for name in ("2019/a.tif", "2019/b.tif"):
        wanted = {"Days": 5, "GlacierJobParameters": {"Tier": "Standard"}}
        s3.restore_object(Bucket=bucket, Key=f"scans/{name}", RestoreRequest=wanted)
    later(scans.session, hours=5)
    plan = scans.restore("2019", to=back)
    assert [item.action for item in plan.items] == ["already requested", "ready to download"]
    batch = plan.run()
    later(scans.session, hours=8)
    batch.wait(30)
    assert restores() == 2  # those of the other client
    assert read(back) == {name: content(name) for name in ("2019/a.tif", "2019/b.tif")}


@pytest.mark.parametrize("kind", ["reset-after", "slow-down"])
def test_an_answer_that_is_lost_is_no_second_restore(scans, emulator, later, back, kind):
    """The object is the job: the next list shows whether it was asked for."""
    name = "s3:RestoreObject"
    before = emulator.status()["requests"].get(name, 0)
    emulator.fault(kind, name)
    batch = scans.restore("2019/b.tif", to=back).run()
    later(scans.session, hours=1)
    scans.session.tracker.wait(lambda seen: seen.count("in progress") == 1, 30)
    later(scans.session, hours=5)
    batch.wait(30)
    assert emulator.status()["requests"][name] - before == (1 if kind == "reset-after" else 2)


def test_a_copy_that_ended_is_asked_for_again(scans, restores, later, held, back):
    """With its price, into the same folder."""
    batch = scans.restore("2019/b.tif", to=back, days=2).run()
    later(scans.session, hours=5)
    scans.session.tracker.wait(lambda seen: seen.count("ready") == 1, 30)
    later(scans.session, days=4)
    with pytest.raises(JobExpired):
        batch.wait(30)
    held.clear()
    again = scans.session.restore_expired()
    assert (again.requests, again.days) == (1, 2)
    batch = again.run()
    later(scans.session, hours=5)
    batch.wait(30)
    assert restores() == 2
    assert read(back) == {"2019/b.tif": content("2019/b.tif")}


def test_bytes_that_are_not_those_of_the_object_get_no_name(scans, store, emulator, back):
    """Neither those that changed on their way, nor those that were written since the list."""
    emulator.fault("flip", "s3:GetObject")
    with pytest.raises(IntegrityError, match="other bytes than S3 stored"):
        scans.restore("now.txt", to=back).run().wait(30)
    assert read(back) == {}
    scans.restore("now.txt", to=back).run().wait(30)
    store("instant", "GLACIER_IR", b"new")
    with pytest.raises(Refused, match="overwritten"):
        scans.restore("instant", to=back).run().wait(30)
    assert read(back) == {"now.txt": content("now.txt")}


def test_no_key_leads_out_of_the_folder(store, listed_bucket, back):
    """Absolute ones, those with dots, and those with control characters."""
    names = ["x/../../up", "/etc/absolute", "a\x01b", "..", "c:\\windows"]
    for name in names:
        store(name, "STANDARD")
    listed_bucket().restore("*", to=back).run().wait(30)
    found = read(back.parent)
    assert sorted(found.values()) == sorted(map(content, names))
    assert {f"back/{name}" for name in ("x/up", "etc/absolute", "a_b", "windows")} < set(found)
    assert all(name.startswith("back/") for name in found)


def test_the_price_is_that_reckoned_by_hand():
    """By class and tier: retrieval, requests, the copies' days at STANDARD, reads, the way out."""
    asking = ObjectAsking(
        requests=3000,
        bytes=300 * GB,
        out=400 * GB,
        outputs=10_000,
        days=4,
        restored={"GLACIER": (1000, 100 * GB), "DEEP_ARCHIVE": (2000, 200 * GB)},
        read={"GLACIER_IR": 60 * GB, "STANDARD": 40 * GB},
    )
    prices = load("us-east-1")
    copies = Decimal(300) * 5 / 30 * Decimal("0.023")
    reads = Decimal(60) * Decimal("0.03") + Decimal(10) * Decimal("0.0004")
    standard = Decimal("1.00") + Decimal("0.05") + Decimal("4.00") + Decimal("0.20")
    bulk = Decimal(0) + Decimal(0) + Decimal("0.50") + Decimal("0.05")
    assert quote_objects(prices, asking, "Standard", "here").total == standard + copies + reads
    assert quote_objects(prices, asking, "Bulk", "here").total == bulk + copies + reads
    out = quote_objects(prices, asking, "Bulk", "internet").total
    assert out == bulk + copies + reads + 400 * Decimal("0.09")
    assert quote_objects(prices, asking, "Expedited", "here").total is None


def test_what_buckets_have_not_is_refused_before_any_request(scans, restores, back):
    """A tier of one class, a part, a pace; and the limit holds."""
    with pytest.raises(InputError, match="Deep Archive"):
        scans.restore("*", tier="Expedited", to=back)
    assert scans.restore("2019/b.tif", tier="Expedited", to=back).requests == 1
    with pytest.raises(InputError, match="as a whole"):
        scans.restore("*", byte_range="0-1", to=back)
    with pytest.raises(InputError, match="at once"):
        scans.restore("*", spread="2d", to=back)
    with pytest.raises(OverBudget):
        scans.restore("*", to=back).run(max_cost="0.0001", accept_unconfirmed=True)
    with pytest.raises(InputError, match="kept for one"):
        scans.session.vault("photos").restore_archives([], days=2)
    assert scans.restore("*", to=back, days=9).revised(tier="Bulk").days == 9
    assert restores() == 0


def test_a_bucket_whose_requester_pays(connect, store, s3, bucket, emulator, later, back):
    """Each request says so, those of later sessions too; without it S3 refuses the first one."""
    store("a")
    store("now", "STANDARD")
    payer = {"Payer": "Requester"}
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration=payer)
    session, name = connect(region="us-east-1"), f"s3://{bucket}/scans"

    def sent():
        return {k: n for k, n in emulator.status()["requests"].items() if k.startswith("s3:")}

    before = sent()
    with pytest.raises(AccessDenied) as refused:
        session.vault(name).inventory()
    assert "requester_pays=True" in refused.value.cure
    session.vault(name, requester_pays=True).inventory()
    session.close()
    scans = connect(region="us-east-1").vault(name)
    plan = scans.restore("*", to=back)
    assert dict(plan.facts)["paid by"].startswith("this account, as the requester")
    assert {"s3-standard-get-requests", "transfer-out-internet"} <= {
        line.figure.item for line in plan.quote.lines
    }
    batch = plan.run()
    later(scans.session, hours=5)
    assert dict(scans.extend("a", days=9).facts)["paid by"]
    batch.wait(30)
    assert read(back) == {name: content(name) for name in ("a", "now")}
    scans.session.service.describe_vault(name)
    counts = {k: n - before.get(k, 0) for k, n in sent().items()}
    assert [counts[f"s3:{each}"] for each in ("RestoreObject", "HeadBucket", "GetObject")] == [1, 1, 2]
    with pytest.raises(InputError, match="does not name a bucket"):
        scans.session.vault("photos", requester_pays=True)
