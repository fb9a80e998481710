"""Faults of S3: those of vaults with S3's error names, and those of S3 alone."""

import io
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError

DATA = bytes(range(256)) * 4096 * 3


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("408", "RequestTimeout", 400),
        ("500", "InternalError", 500),
        ("503", "ServiceUnavailable", 503),
        ("throttling", "ThrottlingException", 400),
        ("expired-token", "ExpiredToken", 400),
        ("access-denied", "AccessDenied", 403),
        ("slow-down", "SlowDown", 503),
    ],
)
def test_an_error_has_the_name_that_s3_gives_it(s3, fault, refused, kind, code, status):
    """And strikes as often as asked."""
    fault(kind, "ListBuckets", times=2)
    for _ in range(2):
        assert refused(s3.list_buckets)[:2] == (code, status)
    s3.list_buckets()


def test_a_fault_is_of_one_service_or_of_both(client, s3, fault, vault, upload, refused):
    """Operations that both have are told apart by ``s3:``; to slow down is for S3 alone."""
    named = upload()
    fault("slow-down", times=1)
    client.list_vaults()
    assert refused(s3.list_parts, **named)[0] == "SlowDown"
    fault("500", "s3:ListMultipartUploads")
    client.list_multipart_uploads(vaultName=vault)
    assert refused(s3.list_multipart_uploads, Bucket=named["Bucket"])[1] == 500
    fault("500", "ListMultipartUploads")
    assert refused(client.list_multipart_uploads, vaultName=vault)[1] == 500


@pytest.mark.parametrize("kind", ["reset-before", "reset-during", "reset-after"])
def test_a_reset_part_is_stored_only_if_the_reset_came_after(s3, emulator, fault, upload, kind):
    """It is one request in either case, and the part is found again by its checksum."""
    named = upload(ChecksumAlgorithm="SHA256")
    before = emulator.status()["requests"].get("s3:UploadPart", 0)
    fault(kind, "UploadPart")
    with pytest.raises(ConnectionClosedError):
        s3.upload_part(**named, PartNumber=1, Body=DATA, ChecksumAlgorithm="SHA256")
    assert emulator.status()["requests"]["s3:UploadPart"] == before + 1
    assert len(s3.list_parts(**named).get("Parts", [])) == (kind == "reset-after")


def test_a_completion_may_fail_after_its_status(s3, fault, upload, send):
    """An error in the body of a 200; the upload is still there, and the next call succeeds."""
    named = upload(ChecksumAlgorithm="SHA256")
    parts = {"Parts": send(named, DATA)}
    fault("complete-error-in-200", times=2)
    for _ in range(2):
        with pytest.raises(ClientError, match="InternalError"):
            s3.complete_multipart_upload(**named, MultipartUpload=parts)
    s3.complete_multipart_upload(**named, MultipartUpload=parts)


def test_a_completion_may_be_in_conflict(s3, fault, upload, send, refused):
    """409, and nothing is stored."""
    named = upload(ChecksumAlgorithm="SHA256")
    more = {"MultipartUpload": {"Parts": send(named, DATA)}, "IfNoneMatch": "*"}
    fault("complete-conflict")
    assert refused(s3.complete_multipart_upload, **named, **more)[:2] == ("ConditionalRequestConflict", 409)
    assert s3.list_objects_v2(Bucket=named["Bucket"])["KeyCount"] == 0


def test_bytes_may_be_wrong_at_rest(s3, bucket, fault, sha256):
    """The record of S3 is right, and what is read is not: in the whole and in the range with the byte."""
    fault("corrupt-at-rest")
    named = {"Bucket": bucket, "Key": "key"}
    s3.put_object(**named, Body=DATA, ChecksumSHA256=sha256(DATA))
    assert s3.head_object(**named, ChecksumMode="ENABLED")["ChecksumSHA256"] == sha256(DATA)
    body = s3.get_object(**named)["Body"]
    with pytest.raises(BotoCoreError, match="checksum"):
        body.read()
    half = len(DATA) // 2
    assert s3.get_object(**named, Range=f"bytes=0-{half - 1}")["Body"].read() == DATA[:half]
    assert s3.get_object(**named, Range=f"bytes={half}-{half}")["Body"].read() != DATA[half : half + 1]


def test_downloads_break_off_or_are_damaged(s3, bucket, fault):
    """As those of archives; what the client verifies, it notices."""
    named = {"Bucket": bucket, "Key": "key"}
    s3.put_object(**named, Body=DATA)
    for kind in ("truncate", "reset-during", "flip"):
        fault(kind, "GetObject")
        with pytest.raises(BotoCoreError):
            s3.get_object(**named)["Body"].read()
    fault("trickle", "GetObject", rate=10_000)
    started = time.monotonic()
    s3.get_object(**named, Range="bytes=0-4999")["Body"].read()
    assert time.monotonic() - started > 0.4  # no upper bound: the machine may be busy
    for kind in ("truncate", "flip", "trickle"):
        fault(kind, "HeadObject")
    s3.head_object(**named)  # which has no body to damage
    target = io.BytesIO()
    s3.download_fileobj(bucket, "key", target)
    assert target.getvalue() == DATA
