"""Jobs that compute checksums at rest, through an unmodified client but for the name of its host."""

import csv
import io
import json
from urllib.parse import quote

import boto3
import pytest
from botocore.exceptions import ClientError

from glacier_magic.emulator.emulator_keys import ACCESS_KEY, SECRET_KEY


@pytest.fixture
def jobs(emulator):
    """A client of S3 Control, and the account."""
    account = emulator.status()["account"]
    client = boto3.client(
        "s3control",
        endpoint_url=emulator.url,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    client.meta.events.register(
        "before-sign.s3-control",
        lambda request, **_: setattr(request, "url", request.url.replace(f"//{account}.", "//")),
    )
    return client, account


@pytest.fixture
def create(jobs, s3, bucket):
    """Create a job for keys of the bucket; return its id."""
    client, account = jobs

    def create(*keys, token="token", manifest="", **operation):
        text = manifest or "".join(f"{bucket},{quote(key)}\n" for key in keys)
        etag = s3.put_object(Bucket=bucket, Key="manifest", Body=text)["ETag"]
        arn = f"arn:aws:s3:::{bucket}"
        return client.create_job(
            AccountId=account,
            Operation={"S3ComputeObjectChecksum": operation},
            Manifest={
                "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
                "Location": {"ObjectArn": f"{arn}/manifest", "ETag": etag},
            },
            Report={"Bucket": arn, "Format": "Report_CSV_20180820", "Enabled": True, "Prefix": "reports"},
            Priority=1,
            RoleArn=f"arn:aws:iam::{account}:role/hashing",
            ClientRequestToken=f"{token} {bucket}",
            ConfirmationRequired=False,
        )["JobId"]

    return create


def test_a_job_hashes_what_is_stored(create, jobs, s3, bucket, emulator, sha256):
    """Archived objects, too; what differs from the record is reported as it is, what is missing fails."""
    client, account = jobs
    s3.put_object(Bucket=bucket, Key="good ü", Body=b"good", StorageClass="DEEP_ARCHIVE")
    emulator.fault("corrupt-at-rest", "s3:PutObject")
    s3.put_object(Bucket=bucket, Key="damaged", Body=b"good")
    job = create("good ü", "damaged", "missing", ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT")
    state = client.describe_job(AccountId=account, JobId=job)["Job"]["Status"]
    assert state == "Active"
    emulator.advance(hours=1.1)
    found = client.describe_job(AccountId=account, JobId=job)["Job"]
    counts = found["ProgressSummary"]
    assert (found["Status"], counts["NumberOfTasksSucceeded"], counts["NumberOfTasksFailed"]) == (
        *("Complete", 2, 1),
    )
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix="reports/")["Contents"]]
    assert f"reports/job-{job}/manifest.json" in keys
    text = "".join(
        s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys if key.endswith("csv")
    )
    rows = {row[1]: row for row in csv.reader(io.StringIO(text))}
    assert rows["missing"][3] == "failed"
    told = {key: json.loads(row[6]) for key, row in rows.items() if row[3] == "succeeded"}
    assert told["good%20%C3%BC"]["checksum_base64"] == sha256(b"good")
    assert told["damaged"]["checksum_base64"] != sha256(b"good")


def test_what_is_refused_or_fails(create, jobs, bucket, emulator):
    """The same token is the same job; another manifest than the one named ends the job."""
    client, account = jobs
    first = create("a", ChecksumAlgorithm="CRC64NVME")
    assert create("a", ChecksumAlgorithm="CRC64NVME") == first
    with pytest.raises(ClientError, match="Idempotency"):
        create("b", ChecksumAlgorithm="CRC64NVME")
    second = create("c", token="other")
    done = client.update_job_status(AccountId=account, JobId=second, RequestedJobStatus="Cancelled")
    assert done["Status"] == "Cancelled"
    emulator.advance(hours=1.1)
    listed = {job["JobId"]: job["Status"] for job in client.list_jobs(AccountId=account)["Jobs"]}
    assert (listed[first], listed[second]) == ("Failed", "Cancelled")
    page = client.list_jobs(AccountId=account, MaxResults=1, JobStatuses=["Failed", "Cancelled"])
    assert len(page["Jobs"]) == 1
    assert page["NextToken"]
    reasons = client.describe_job(AccountId=account, JobId=first)["Job"]["FailureReasons"]
    assert "manifest" in reasons[0]["FailureReason"]
    with pytest.raises(ClientError, match="NoSuchJob"):
        client.describe_job(AccountId=account, JobId="none-of-these")
    with pytest.raises(ClientError, match="not supported"):
        create("a", token="third", ChecksumAlgorithm="SHA512")
