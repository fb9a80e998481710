"""A bucket in the place of a vault: listed_bucket, with its objects of every class, and never written to."""

import pytest

from glacier_magic.errors import InputError, NotFound, RegionError
from tests.counting import counting

OBJECTS = {
    "scans/2019/a.tif": "DEEP_ARCHIVE",
    "scans/2019/b.tif": "GLACIER",
    "scans/c.txt": "STANDARD",
    "scans/d\x01\u00e9": "GLACIER_IR",
    "scans/empty": "STANDARD_IA",
    "other/e": "GLACIER",
}


@pytest.fixture
def here(connect):
    """A session in the region of the buckets."""
    return connect(region="us-east-1")


@pytest.fixture
def scans(listed_bucket, s3, bucket):
    """A folder with an object of each class, and the mark of a folder."""
    for key, storage_class in OBJECTS.items():
        body = b"" if key.endswith("empty") else key.encode() * 100
        s3.put_object(Bucket=bucket, Key=key, Body=body, StorageClass=storage_class)
    s3.put_object(Bucket=bucket, Key="scans/folder/", Body=b"")
    return listed_bucket()


def test_the_objects_of_a_folder_are_its_archives(scans, bucket):
    """Names begin below the folder; class, size and folders are shown as of vaults."""
    assert scans.name == f"s3://{bucket}/scans"
    table = scans.archives(sort="name")
    assert dict(zip(table["name"], table["description"], strict=True)) == {
        key.removeprefix("scans/"): storage_class
        for key, storage_class in OBJECTS.items()
        if key.startswith("scans/")
    }
    assert [each.name for each in scans.select("2019")] == ["2019/a.tif", "2019/b.tif"]
    folders = scans.du()
    assert list(folders["archives"]) == [5, 2]
    assert folders["month_usd"].isna().all()


def test_a_later_list_shows_what_was_overwritten_and_removed(scans, s3, bucket, later):
    """The old bytes are gone; what stayed is the same archive."""
    later(days=1)
    s3.put_object(Bucket=bucket, Key="scans/c.txt", Body=b"new")
    s3.delete_object(Bucket=bucket, Key="scans/2019/b.tif")
    scans.inventory()
    changes = scans.diff()
    assert sorted(zip(changes["change"], changes["name"], strict=True)) == [
        ("added", "c.txt"),
        ("gone", "2019/b.tif"),
        ("gone", "c.txt"),
    ]


def test_a_list_is_a_request_for_a_thousand_objects(scans, emulator):
    """And none for an object."""
    with counting(emulator, "ListObjectsV2") as lists, counting(emulator, "HeadObject") as heads:
        scans.inventory()
        assert (lists(), heads()) == (1, 0)


def test_what_is_no_bucket_here_is_refused(here, emulator):
    """With the reason and the next step."""
    abroad = emulator.s3_client("eu-west-1")
    abroad.create_bucket(Bucket="abroad", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    with pytest.raises(NotFound, match="no such bucket: nothing-there"):
        here.known_vault("s3://nothing-there")
    with pytest.raises(RegionError, match="eu-west-1"):
        here.known_vault("s3://abroad")
    with pytest.raises(InputError, match="does not name a bucket"):
        here.vault("s3:///scans")
    assert len(here.vault("s3://abroad").migrations()) == 0


@pytest.mark.parametrize("what", ["upload", "delete", "tags", "backup", "peek"])
def test_nothing_is_written_to_a_bucket(scans, what):
    """Not by its methods, and not by a call to the service that names it."""
    with pytest.raises(InputError, match="only read"):
        getattr(scans, what)("x")
    with pytest.raises(InputError, match="only read"):
        scans.session.service.delete_archive(scans.name, "x")


def test_files_are_compared_by_what_s3_records(scans, s3, bucket, tmp_path, emulator):
    """Nothing is restored; what is known once is not asked for again."""
    for key in OBJECTS:
        path = tmp_path / key.removeprefix("scans/").replace("\x01", "_")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if key.endswith("empty") else key.encode() * 100)
    (tmp_path / "2019/b.tif").write_bytes(b"x" * 1600)
    (tmp_path / "c.txt").unlink()
    states = ["same", "different", "missing locally", "same", "same"]
    assert scans.verify("*", folder=tmp_path)["state"].tolist() == states
    with counting(emulator, "s3:HeadObject") as heads:
        assert scans.verify("*", folder=tmp_path)["state"].tolist() == states
        assert heads() == 1  # of the one that differs


def test_versions_are_listed_and_the_newest_is_used(listed_bucket, s3, bucket, emulator, later, tmp_path):
    """Old ones and delete markers, a thousand a request; what is restored is the newest."""
    place = {"Bucket": bucket, "Key": "scans/2019/a"}
    s3.put_object(**place, Body=b"null")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    second = s3.put_object(**place, Body=b"second", StorageClass="GLACIER")
    later(hours=1)
    marker = s3.delete_object(**place)
    s3.put_object(Bucket=bucket, Key="scans/b", Body=b"b")
    scans = listed_bucket()
    with counting(emulator, "s3:ListObjectVersions") as lists:
        table = scans.versions()
        assert lists() == 1
    columns = ["name", "version_id", "latest", "deleted", "size", "storage_class"]
    assert table[columns].head(3).to_numpy(object, na_value=None).tolist() == [
        ["2019/a", marker["VersionId"], True, True, 0, None],
        ["2019/a", second["VersionId"], False, False, 6, "GLACIER"],
        ["2019/a", "null", False, False, 4, "STANDARD"],
    ]
    assert (table["name"].tolist()[3:], scans.archives()["name"].tolist()) == (["b"], ["b"])
    assert [len(scans.versions(glob)) for glob in ("2019", "2019/a", "*a", "2", "b")] == [3, 3, 3, 0, 1]
    assert (len(scans.versions(limit=2)), len(scans.versions("none"))) == (2, 0)
    s3.put_object(**place, Body=b"newest")
    scans.inventory()
    scans.restore("2019", to=tmp_path / "back").run().wait(30)
    assert (tmp_path / "back/2019/a").read_bytes() == b"newest"
