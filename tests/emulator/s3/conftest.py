"""Each test has a bucket of its own; the emulator and its clock are those of the tests of vaults."""

import base64
import hashlib
import itertools

import botocore
import pytest

# Older clients know neither the checksums of a whole, nor its size, nor conditions on writing.
collect_ignore_glob = ["test_*.py"] if tuple(map(int, botocore.__version__.split(".")[:2])) < (1, 36) else []

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def s3(emulator):
    return emulator.s3_client()


@pytest.fixture
def bucket(s3):
    name = f"bucket-{next(_numbers)}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="session")
def sha256():
    """Return the SHA-256 of bytes as S3 writes it."""
    return lambda data: base64.b64encode(hashlib.sha256(data).digest()).decode()


@pytest.fixture
def upload(s3, bucket):
    """Create an upload; return the parameters that name it."""

    def upload(key="key", **more):
        made = s3.create_multipart_upload(Bucket=bucket, Key=key, **more)
        return {"Bucket": bucket, "Key": key, "UploadId": made["UploadId"]}

    return upload


@pytest.fixture
def send(s3):
    """Send parts with a checksum; return them as the completion lists them."""

    def send(named, *parts, algorithm="SHA256", first=1):
        listed = []
        for number, data in enumerate(parts, first):
            done = s3.upload_part(**named, PartNumber=number, Body=data, ChecksumAlgorithm=algorithm)
            checksum = f"Checksum{algorithm}"
            listed.append({"PartNumber": number, "ETag": done["ETag"], checksum: done[checksum]})
        return listed

    return send
