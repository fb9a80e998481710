"""The verbs for a bucket in use, as they are typed."""

import json
from decimal import Decimal

import pytest

from glacier_magic.commands.bucket_cost import BucketCosts
from glacier_magic.errors import AccessDenied, InputError
from glacier_magic.prices import load

MIB = 1 << 20
KIB = Decimal(1 << 10) / (1 << 30)
"""A KiB in GB."""


@pytest.fixture
def objects(main, emulator, region):
    """The command line with a bucket of one object of each archive class in use."""
    name = f"verbs-{region}"
    main.ok("emulator", "bucket", name)
    s3 = emulator.s3_client(region)
    for key, storage_class in (("a.tif", "GLACIER"), ("b.tif", "DEEP_ARCHIVE"), ("c.txt", "STANDARD")):
        s3.put_object(Bucket=name, Key=f"in/{key}", Body=b"x" * MIB, StorageClass=storage_class)
    main.bucket = f"s3://{name}/in"
    main.ok("use", main.bucket)
    return main


def test_restores_are_speeded_up_and_copies_kept(objects, tmp_path):
    """For the bucket in use; of a vault, both are refused."""
    objects("restore", "*.tif", "--tier", "bulk", "--to", str(tmp_path / "back"), "--yes")
    assert objects("restore", "--hurry", "standard") == InputError.exit_code
    assert "Speed up the restores of 2 objects" in objects.out
    assert "Bulk" in objects.ok("jobs")
    objects.ok("restore", "a.tif", "--hurry", "standard", "--yes")
    assert objects.ok("jobs").count("Standard") == 1
    objects.ok("emulator", "advance", "5h")
    objects.ok("jobs")
    plan = objects.ok("restore", "a.tif", "--extend", "--days", "9", "--yes")
    assert "Keep the copies of 1 object" in plan
    objects.ok("create", "photos")
    for words in (("--hurry", "standard"), ("--extend", "--days", "2"), ("--expired", "--days", "2")):
        assert objects("restore", "--vault", "photos", *words) == InputError.exit_code


def test_the_month_of_a_bucket_is_that_of_its_classes(objects):
    """From the list in the catalogue, with what is not known said."""
    out = objects.ok("cost", objects.bucket)
    assert [line.split()[0] for line in out.splitlines()[1:4]] == ["DEEP_ARCHIVE", "GLACIER", "STANDARD"]
    assert "in total" in out
    assert "as a list does not tell the tiers" in out
    assert '"class":"STANDARD"' in objects.ok("cost", objects.bucket, "--json").replace(" ", "")
    assert objects("cost", objects.bucket, "--depth", "1") == InputError.exit_code


def test_a_bucket_whose_requester_pays_is_used_as_such(objects, emulator, region):
    """It is said once; the owner pays for storage."""
    name = objects.bucket.split("/")[2]
    payer = {"Payer": "Requester"}
    emulator.s3_client(region).put_bucket_request_payment(Bucket=name, RequestPaymentConfiguration=payer)
    assert objects("inventory") == AccessDenied.exit_code
    objects.ok("use", objects.bucket, "--requester-pays")
    objects.ok("inventory")
    assert "paid by the bucket's owner" in objects.ok("cost", objects.bucket)
    assert objects("use", "photos", "--requester-pays") == InputError.exit_code


def test_versions_are_listed(objects, emulator, region):
    """As a table and as JSON; of a vault, and with conditions, they are refused."""
    s3, bucket = emulator.s3_client(region), objects.bucket.split("/")[2]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.delete_object(Bucket=bucket, Key="in/c.txt")
    objects.ok("ls", "--versions")
    assert "4 versions, as S3 lists them now" in objects.out + objects.err
    rows = json.loads(objects.ok("ls", "c.txt", "--versions", "--json"))
    assert [(row["latest"], row["deleted"], row["size"]) for row in rows] == [
        (True, True, 0),
        (False, False, MIB),
    ]
    objects.ok("create", "photos")
    for words in (("--where", "size > 1"), ("--vault", "photos")):
        assert objects("ls", "--versions", *words) == InputError.exit_code


def test_each_class_is_reckoned_by_hand(listed_bucket, s3, bucket, later):
    """Overheads, least sizes, and the rest of the days for which each is billed."""
    sizes = {"GLACIER": 100, "DEEP_ARCHIVE": 100, "GLACIER_IR": 200, "STANDARD_IA": 1, "STANDARD": 1}
    for storage_class, size in {**sizes, "INTELLIGENT_TIERING": 1, "ONEZONE_IA": 1}.items():
        s3.put_object(
            Bucket=bucket, Key=f"scans/{storage_class}", Body=b"x" * size * 1024, StorageClass=storage_class
        )
    s3.put_object(Bucket=bucket, Key="scans/small", Body=b"x", StorageClass="GLACIER_IR")
    scans = listed_bucket()
    later(scans.session, days=60)
    costs = BucketCosts.of(scans.session, scans.name, load("us-east-1"))
    table = costs.table.set_index("class")
    month, early = table["month"], table["early"]
    names = KIB * 8 * Decimal("0.023")
    assert month["GLACIER"] == KIB * 132 * Decimal("0.0036") + names
    assert month["DEEP_ARCHIVE"] == KIB * 132 * Decimal("0.00099") + names
    assert month["GLACIER_IR"] == KIB * (200 + 128) * Decimal("0.004")
    assert month["STANDARD_IA"] == KIB * 128 * Decimal("0.0125")
    assert month["STANDARD"] == KIB * Decimal("0.023")
    assert month[["INTELLIGENT_TIERING", "ONEZONE_IA"]].isna().all()
    assert costs.total.total is None
    assert early["GLACIER"] == pytest.approx(KIB * 132 * Decimal("0.0036"), rel=Decimal("0.01"))
    assert early["DEEP_ARCHIVE"] == pytest.approx(4 * KIB * 132 * Decimal("0.00099"), rel=Decimal("0.01"))
    assert early["STANDARD_IA"] == early["STANDARD"] == 0
    assert table["young"].to_dict() == {
        "DEEP_ARCHIVE": 1,
        "GLACIER": 1,
        "GLACIER_IR": 2,
        "INTELLIGENT_TIERING": 0,
        "ONEZONE_IA": 0,
        "STANDARD": 0,
        "STANDARD_IA": 0,
    }
