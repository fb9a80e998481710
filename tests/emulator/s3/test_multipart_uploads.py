"""Uploads in parts: their rules, their checksums, and what is listed of them."""

import base64
import hashlib

import pytest

MIB = 1 << 20
A, B = b"a" * (5 * MIB), b"b" * 17


def test_an_object_of_parts(s3, upload, send, sha256):
    """Its checksum is that of the parts' checksums, with their number; its parts can be asked for."""
    named = upload(ChecksumAlgorithm="SHA256", StorageClass="DEEP_ARCHIVE", Metadata={"of": "vault"})
    parts = send(named, A, B)
    listed = s3.list_parts(**named)
    assert [(part["PartNumber"], part["Size"], part["ChecksumSHA256"]) for part in listed["Parts"]] == [
        (1, len(A), sha256(A)),
        (2, len(B), sha256(B)),
    ]
    assert (listed["StorageClass"], listed["ChecksumAlgorithm"]) == ("DEEP_ARCHIVE", "SHA256")
    whole = sha256(hashlib.sha256(A).digest() + hashlib.sha256(B).digest())
    done = s3.complete_multipart_upload(
        **named, MultipartUpload={"Parts": parts}, ChecksumSHA256=whole, MpuObjectSize=len(A + B)
    )
    assert (done["ChecksumSHA256"], done["ChecksumType"]) == (f"{whole}-2", "COMPOSITE")
    where = {"Bucket": named["Bucket"], "Key": named["Key"]}
    head = s3.head_object(**where, ChecksumMode="ENABLED")
    assert (head["ChecksumSHA256"], head["StorageClass"]) == (f"{whole}-2", "DEEP_ARCHIVE")
    assert (head["Metadata"], head["ContentLength"]) == ({"of": "vault"}, len(A + B))
    digests = hashlib.md5(hashlib.md5(A).digest() + hashlib.md5(B).digest()).hexdigest()
    assert head["ETag"] == done["ETag"] == f'"{digests}-2"'
    wanted = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    known = s3.get_object_attributes(**where, ObjectAttributes=wanted, MaxParts=1)
    assert known["ObjectParts"]["TotalPartsCount"] == 2
    assert known["ObjectParts"]["IsTruncated"]
    (part,) = known["ObjectParts"]["Parts"]
    assert (part["PartNumber"], part["Size"], part["ChecksumSHA256"]) == (1, len(A), sha256(A))
    assert (known["ObjectSize"], known["StorageClass"]) == (len(A + B), "DEEP_ARCHIVE")


@pytest.mark.parametrize("call", ["list_parts", "abort_multipart_upload", "complete_multipart_upload"])
def test_a_completed_upload_is_gone(s3, upload, send, refused, call):
    """And so is an aborted one."""
    named = upload()
    more = {"MultipartUpload": {"Parts": send(named, B, algorithm="CRC32")}}
    s3.complete_multipart_upload(**named, **more)
    asked = named | (more if call == "complete_multipart_upload" else {})
    assert refused(getattr(s3, call), **asked)[:2] == ("NoSuchUpload", 404)


def test_parts_are_left_out_and_replaced(s3, upload, send):
    """Only what the completion lists is in the object."""
    named = upload()
    send(named, b"old", algorithm="CRC32", first=2)
    parts = send(named, A, B, b"not listed", algorithm="CRC32")[:2]
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    got = s3.get_object(Bucket=named["Bucket"], Key=named["Key"])
    assert got["Body"].read() == A + B
    second = s3.get_object(Bucket=named["Bucket"], Key=named["Key"], PartNumber=2)
    assert (second["Body"].read(), second["PartsCount"]) == (B, 2)


def test_the_first_bytes_written_stay(s3, bucket, upload, send, refused):
    """``If-None-Match`` refuses a second object, by either way of writing; the first is unchanged."""
    s3.put_object(Bucket=bucket, Key="key", Body=b"first", IfNoneMatch="*")
    again = {"Bucket": bucket, "Key": "key", "Body": b"second", "IfNoneMatch": "*"}
    assert refused(s3.put_object, **again)[:2] == ("PreconditionFailed", 412)
    named = upload()
    more = {"MultipartUpload": {"Parts": send(named, B, algorithm="CRC32")}, "IfNoneMatch": "*"}
    assert refused(s3.complete_multipart_upload, **named, **more)[:2] == ("PreconditionFailed", 412)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"first"
    assert s3.list_parts(**named)["Parts"]  # the upload is still there


def test_md5_and_sha256_of_a_body_are_compared(s3, bucket, refused, sha256):
    """A wrong one stores nothing."""
    put = {"Bucket": bucket, "Key": "key", "Body": B}
    md5 = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    assert refused(s3.put_object, **put, ContentMD5=md5)[:2] == ("BadDigest", 400)
    assert refused(s3.put_object, **put, ChecksumSHA256=sha256(b"x"))[:2] == ("BadDigest", 400)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
