"""The verbs for a bucket in use, as they are typed."""

import pytest

from glacier_magic.errors import InputError

MIB = 1 << 20


@pytest.fixture
def objects(main, emulator, region):
    """The command line with a bucket of one object of each archive class in use."""
    name = f"verbs-{region}"
    main.ok("emulator", "bucket", name)
    s3 = emulator.s3_client(region)
    for key, storage_class in (("a.tif", "GLACIER"), ("b.tif", "DEEP_ARCHIVE"), ("c.txt", "STANDARD")):
        s3.put_object(Bucket=name, Key=f"in/{key}", Body=b"x" * MIB, StorageClass=storage_class)
    main.ok("use", f"s3://{name}/in")
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
