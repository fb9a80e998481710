"""Each test has a bucket of its own, in the region of its vault."""

import itertools

import pytest

MIB = 1 << 20
_numbers = itertools.count(1)


@pytest.fixture
def s3(emulator, region):
    """A client of S3 beside the session."""
    return emulator.s3_client(region)


@pytest.fixture
def bucket(s3, region):
    """The name of an empty bucket."""
    name = f"moved-{next(_numbers)}-{region}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    return name


@pytest.fixture
def to(bucket):
    """The place that archives are moved to."""
    return f"s3://{bucket}/in"


@pytest.fixture
def objects(s3, bucket):
    """Read the objects of the bucket, by key; restores are not needed for their class."""

    def objects():
        found = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in found}

    return objects


@pytest.fixture
def uploads(s3, bucket):
    """List the uploads of the bucket that are neither completed nor aborted."""
    return lambda: s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])


@pytest.fixture
def archives(vault, files):
    """Store archives of these sizes below ``in/``; return the bytes of each by name."""

    def archives(**sizes):
        contents = {name: files(name, size).read_bytes() for name, size in sizes.items()}
        for name in contents:
            vault.upload(name)
        return contents

    return archives


@pytest.fixture
def requests(emulator):
    """Count the requests that have reached the emulator since this was called, or since the test began."""
    before = dict(emulator.status()["requests"])

    def requests(operation):
        return emulator.status()["requests"].get(operation, 0) - before.get(operation, 0)

    requests.again = lambda: before.update(emulator.status()["requests"])
    return requests


def proofs(session, bucket):
    """Return step and level of proof of each move to a bucket, by key."""
    return {moved.key: (moved.step, moved.proof) for moved in session.catalogue.moved.in_bucket(bucket)}
