"""Lists in pages, versions, and the documents of a bucket."""

import itertools

import pytest


def test_a_list_is_complete_whatever_the_page(s3, bucket):
    """With a prefix and a delimiter, in the order of UTF-8, each key once."""
    keys = ["a", "a/1", "a/2/x", "a/2/y", "a0", "b/é", "b/\ue000", "b/\U0001f600", "c"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    for size, delimiter, prefix in itertools.product((1, 2, 1000), ("", "/"), ("", "a", "a/", "b/")):
        asked = {"Bucket": bucket, "Prefix": prefix} | ({"Delimiter": delimiter} if delimiter else {})
        for call, names in (("list_objects_v2", "Contents"), ("list_object_versions", "Versions")):
            pages = s3.get_paginator(call).paginate(**asked, PaginationConfig={"PageSize": size})
            found, prefixes = [], []
            for page in pages:
                found += [each["Key"] for each in page.get(names, [])]
                prefixes += [each["Prefix"] for each in page.get("CommonPrefixes", [])]
            wanted = [key for key in keys if key.startswith(prefix)]
            inner = [key for key in wanted if delimiter and delimiter in key[len(prefix) :]]
            assert found == [key for key in wanted if key not in inner], (call, size, delimiter, prefix)
            outer = [prefix + key[len(prefix) :].partition("/")[0] + "/" for key in inner]
            assert prefixes == list(dict.fromkeys(outer))


def test_a_list_starts_after_a_key(s3, bucket, refused):
    """An invalid token is refused; a page of size 0 is not truncated."""
    for key in "abc":
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    after = s3.list_objects_v2(Bucket=bucket, StartAfter="a")
    assert [each["Key"] for each in after["Contents"]] == ["b", "c"]
    assert not s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["IsTruncated"]
    wrong = refused(s3.list_objects_v2, Bucket=bucket, ContinuationToken="é")
    assert wrong[:2] == ("InvalidArgument", 400)


def test_lists_of_uploads_and_parts_have_pages(s3, bucket, upload, send):
    """By key and time; by number."""
    made = [upload(key)["UploadId"] for key in ("b", "a", "a", "c")]
    pages = s3.get_paginator("list_multipart_uploads")
    found = [
        each["UploadId"]
        for page in pages.paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
        for each in page.get("Uploads", [])
    ]
    assert found == [made[1], made[2], made[0], made[3]]
    assert [each["Key"] for each in s3.list_multipart_uploads(Bucket=bucket, Prefix="b")["Uploads"]] == ["b"]
    named = {"Bucket": bucket, "Key": "c", "UploadId": made[3]}
    send(named, b"1", b"2", b"3", algorithm="CRC32")
    parts = s3.get_paginator("list_parts").paginate(**named, PaginationConfig={"PageSize": 2})
    assert [[part["PartNumber"] for part in page["Parts"]] for page in parts] == [[1, 2], [3]]


def test_versions_stay_until_they_are_deleted(s3, bucket, refused):
    """A deletion adds a marker, which counts as absent; each version is there under its id."""
    named = {"Bucket": bucket, "Key": "key"}
    s3.put_object(**named, Body=b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    first = s3.put_object(**named, Body=b"first")["VersionId"]
    second = s3.put_object(**named, Body=b"second")["VersionId"]
    marker = s3.delete_object(**named)
    assert marker["DeleteMarker"]
    assert refused(s3.get_object, **named)[:2] == ("NoSuchKey", 404)
    assert refused(s3.get_object, **named, VersionId=marker["VersionId"])[:2] == ("MethodNotAllowed", 405)
    assert s3.get_object(**named, VersionId=first)["Body"].read() == b"first"
    assert s3.get_object(**named, VersionId="null")["Body"].read() == b"before"
    listed = s3.list_object_versions(Bucket=bucket)
    assert [each["VersionId"] for each in listed["Versions"]] == [second, first, "null"]
    assert [each["IsLatest"] for each in listed["DeleteMarkers"]] == [True]
    third = s3.put_object(**named, Body=b"third", IfNoneMatch="*")["VersionId"]
    for version in (third, marker["VersionId"], second):
        s3.delete_object(**named, VersionId=version)
    assert s3.get_object(**named)["Body"].read() == b"first"
    assert refused(s3.delete_bucket, Bucket=bucket)[:2] == ("BucketNotEmpty", 409)
    rest = [{"Key": "key", "VersionId": version} for version in (first, "null")]
    assert len(s3.delete_objects(Bucket=bucket, Delete={"Objects": rest})["Deleted"]) == 2
    s3.delete_bucket(Bucket=bucket)


def test_keys_of_spaces_are_deleted_as_they_are(s3, bucket):
    """By a list of keys, too."""
    keys = [" ", " a ", "b\tc", "<&>"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    assert [each["Key"] for each in done["Deleted"]] == keys
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_lock_keeps_versions_and_wants_a_checksum(s3, emulator, refused):
    """Until the retention is over on the virtual clock."""
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 2}}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=lock)
    assert s3.get_object_lock_configuration(Bucket="locked")["ObjectLockConfiguration"] == lock
    plain = emulator.s3_client(request_checksum_calculation="when_required")
    put = {"Bucket": "locked", "Key": "key", "Body": b"x"}
    assert refused(plain.put_object, **put)[:2] == ("InvalidRequest", 400)
    version = {"VersionId": s3.put_object(**put)["VersionId"], "Bucket": "locked", "Key": "key"}
    assert refused(s3.delete_object, **version)[:2] == ("AccessDenied", 403)
    emulator.advance(days=2)
    s3.delete_object(**version)


def test_the_lifecycle_aborts_uploads(s3, emulator, bucket, upload, refused):
    """At the midnight after its days, as the headers of the upload say."""
    assert refused(s3.get_bucket_lifecycle_configuration, Bucket=bucket)[:2] == (
        "NoSuchLifecycleConfiguration",
        404,
    )
    abort = {"DaysAfterInitiation": 1}
    rule = {
        "ID": "tidy",
        "Status": "Enabled",
        "Filter": {"Prefix": "k"},
        "AbortIncompleteMultipartUpload": abort,
    }
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == [rule]
    made = s3.create_multipart_upload(Bucket=bucket, Key="key")
    assert made["AbortRuleId"] == "tidy"
    named, other = {"Bucket": bucket, "Key": "key", "UploadId": made["UploadId"]}, upload("other")
    s3.list_parts(**named)
    emulator.advance(days=2)
    assert refused(s3.list_parts, **named)[:2] == ("NoSuchUpload", 404)
    assert [each["Key"] for each in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [other["Key"]]


def test_buckets_have_a_region(emulator, s3, refused):
    """A client of another region is told which."""
    far = emulator.s3_client("eu-west-1")
    where = {"LocationConstraint": "eu-west-1"}
    assert refused(far.create_bucket, Bucket="far")[:2] == ("IllegalLocationConstraintException", 400)
    far.create_bucket(Bucket="far", CreateBucketConfiguration=where)
    again = refused(far.create_bucket, Bucket="far", CreateBucketConfiguration=where)
    assert again[:2] == ("BucketAlreadyOwnedByYou", 409)
    assert far.get_bucket_location(Bucket="far")["LocationConstraint"] == "eu-west-1"
    assert far.head_bucket(Bucket="far")["BucketRegion"] == "eu-west-1"
    assert s3.list_objects_v2(Bucket="far")["KeyCount"] == 0  # the client has followed
    assert "far" in [each["Name"] for each in s3.list_buckets(Prefix="f")["Buckets"]]
    assert refused(s3.head_bucket, Bucket="nowhere")[1] == 404
    assert refused(s3.get_object, Bucket="nowhere", Key="k")[:2] == ("NoSuchBucket", 404)


@pytest.mark.parametrize("name", ["ab", "Upper", "a..b", "192.168.0.1", "under_score"])
def test_names_that_no_bucket_has(s3, refused, name):
    """They are refused by the client or the emulator."""
    assert refused(s3.create_bucket, Bucket=name)[:2] == ("InvalidBucketName", 400)


def test_ranges_and_conditions_of_a_download(s3, bucket, refused):
    """As in HTTP; a range that has no byte is refused."""
    named = {"Bucket": bucket, "Key": "key"}
    etag = s3.put_object(**named, Body=b"0123456789")["ETag"]
    ranges = {
        "bytes=2-4": b"234",
        "bytes=7-": b"789",
        "bytes=-2": b"89",
        "bytes=8-99": b"89",
        "lines=1-2": b"0123456789",
    }
    for text, expected in ranges.items():
        assert s3.get_object(**named, Range=text)["Body"].read() == expected
    assert s3.head_object(**named, Range="bytes=2-4")["ContentLength"] == 3
    assert refused(s3.get_object, **named, Range="bytes=10-")[:2] == ("InvalidRange", 416)
    assert refused(s3.get_object, **named, IfMatch='"x"')[:2] == ("PreconditionFailed", 412)
    assert refused(s3.get_object, **named, IfNoneMatch=etag)[1] == 304
    assert s3.get_object(**named, IfMatch=etag, IfNoneMatch='"x"')["Body"].read() == b"0123456789"
    assert refused(s3.put_object, **named, Body=b"", IfMatch='"x"')[:2] == ("PreconditionFailed", 412)
    s3.put_object(**named, Body=b"new", IfMatch=etag)


def test_a_copy_of_an_object(s3, bucket, refused):
    """With its metadata or others; not onto itself."""
    named = {"Bucket": bucket, "Key": "a b+é"}
    s3.put_object(**named, Body=b"data", Metadata={"x": "1"}, ContentType="text/plain")
    assert refused(s3.copy_object, **named, CopySource=named)[:2] == ("InvalidRequest", 400)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=named)
    replaced = {"MetadataDirective": "REPLACE", "Metadata": {"y": "2"}, "StorageClass": "GLACIER_IR"}
    s3.copy_object(**named, CopySource=named, **replaced)
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"x": "1"}
    head = s3.head_object(**named)
    assert (head["Metadata"], head["StorageClass"]) == ({"y": "2"}, "GLACIER_IR")
    assert s3.get_object(**named)["Body"].read() == b"data"


def test_a_bucket_whose_requester_pays_refuses_others(s3, bucket, refused):
    """A request that does not say who pays; the setting itself is read without."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"data")
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    for payer in ("Requester", "BucketOwner"):
        s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": payer})
        assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == payer
        found = s3.head_object(Bucket=bucket, Key="key", RequestPayer="requester")
        assert found.get("RequestCharged") == ("requester" if payer == "Requester" else None)
        if payer == "Requester":
            assert refused(s3.get_object, Bucket=bucket, Key="key")[:2] == ("AccessDenied", 403)
            assert refused(s3.list_objects_v2, Bucket=bucket)[:2] == ("AccessDenied", 403)
    assert s3.head_object(Bucket=bucket, Key="key")["ContentLength"] == 4
