"""Jobs of S3 Batch Operations that hash objects where they are stored: no object is read or restored."""

from __future__ import annotations

import csv
import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..errors import AccessDenied, GlacierError, IntegrityError
from ..errors.steps import step
from .client import Service
from .connection import s3_control_client
from .object_store import ObjectStore, ObjectToWrite
from .regions import partition_of
from .s3_failures import s3_failures

RUNNING, DONE, FAILED = "running", "done", "failed"
_STATES = {"Complete": DONE, "Failed": FAILED, "Cancelled": FAILED}
_ARN = "arn:{}:s3:::{}"


@dataclass(frozen=True, kw_only=True)
class HashingJob:
    """A job: its objects are in one bucket, which gets its report.

    :param state: running, done or failed.
    :param ended: when it ended; None before.
    """

    id: str
    region: str
    state: str
    ended: datetime | None


@dataclass(frozen=True, kw_only=True)
class HashedObject:
    """What a job reports of an object.

    :param checksum: in base64: of all bytes, or of the parts' checksums; empty if there is none.
    :param algorithm: of the checksum; empty where the report does not tell.
    :param composite: whether it is that of the parts; None where the report does not tell.
    :param error: why there is none.
    """

    key: str
    etag: str
    checksum: str
    algorithm: str
    composite: bool | None
    error: str


class HashingJobs:
    """The jobs of one account and region."""

    def __init__(self, service: Service, region: str, account: str) -> None:
        self.region, self._account, self._partition = region, account, partition_of(service)
        self._client = s3_control_client(service._session, service.connection, region, account)

    def create(
        self,
        manifest: ObjectToWrite,
        etag: str,
        *,
        versions: bool,
        algorithm: str,
        composite: bool,
        role: str,
        marked: str,
        token: str,
    ) -> str:
        """Create a job; return its id.

        :param manifest: a CSV file with bucket, key and perhaps version of each object; the report
            is written beside it.
        :param algorithm: the checksum to compute.
        :param composite: hash the checksums of the parts.
        :param role: the ARN of the IAM role that reads the objects and writes the report.
        :param marked: a description, by which :meth:`listed` finds it.
        :param token: up to 64 characters; a repeated request with the same token returns the first job.
        """
        bucket = _ARN.format(self._partition, manifest.bucket)
        kind = "COMPOSITE" if composite else "FULL_OBJECT"
        computed = {"ChecksumAlgorithm": algorithm, "ChecksumType": kind}
        fields = ["Bucket", "Key", *(["VersionId"] if versions else [])]
        with _asked():
            made = self._client.create_job(
                AccountId=self._account,
                ConfirmationRequired=False,
                Operation={"S3ComputeObjectChecksum": computed},
                Manifest={
                    "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": fields},
                    "Location": {"ObjectArn": f"{bucket}/{manifest.key}", "ETag": etag},
                },
                Report={
                    "Bucket": bucket,
                    "Format": "Report_CSV_20180820",
                    "Enabled": True,
                    "Prefix": manifest.key.rpartition("/")[0],
                    "ReportScope": "AllTasks",
                    "ExpectedBucketOwner": self._account,
                },
                Priority=10,
                RoleArn=role,
                Description=marked,
                ClientRequestToken=token,
            )
        return str(made["JobId"])

    def listed(self, marked: str) -> Iterator[HashingJob]:
        """Yield the jobs with a description, all pages."""
        more: dict[str, str] = {}
        while True:
            with _asked():
                page = self._client.list_jobs(AccountId=self._account, MaxResults=1000, **more)
            for job in page.get("Jobs", ()):
                if job.get("Description") == marked:
                    yield HashingJob(
                        id=job["JobId"],
                        region=self.region,
                        state=_STATES.get(job.get("Status", ""), RUNNING),
                        ended=job.get("TerminationDate"),
                    )
            if not page.get("NextToken"):
                return
            more = {"NextToken": page["NextToken"]}

    def report_of(self, job: HashingJob, objects: ObjectStore) -> tuple[str, Iterator[HashedObject]]:
        """Return the bucket of a job, and what it reports of each object.

        :raises IntegrityError: the report is of another form.
        """
        with _asked():
            found = self._client.describe_job(AccountId=self._account, JobId=job.id)["Job"]
        report = found.get("Report", {})
        bucket = str(report.get("Bucket", "")).rpartition(":")[2]
        folder = f"{report.get('Prefix', '')}/job-{job.id}/".lstrip("/")

        def place(key: str) -> ObjectToWrite:
            return ObjectToWrite(bucket=bucket, key=key, owner=self._account, storage_class="")

        try:
            manifest = json.loads("".join(objects.lines(place(f"{folder}manifest.json"))))
            keys = [str(each["Key"]) for each in manifest["Results"] if each["Bucket"] == bucket]
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(f"The report of job {job.id} cannot be read: {error}") from None
        # Nothing is read that the job did not write.
        files = [key for key in keys if key.startswith(folder)]
        return bucket, (_hashed(row) for key in files for row in csv.reader(objects.lines(place(key))) if row)

    def failure(self, job: HashingJob) -> str:
        """Return why a job has failed."""
        with _asked():
            found = self._client.describe_job(AccountId=self._account, JobId=job.id)["Job"]
        reasons = [str(each.get("FailureReason")) for each in found.get("FailureReasons", ())]
        return "; ".join(reasons) or str(found.get("Status"))


def _hashed(row: list[str]) -> HashedObject:
    """Return what a line of a report says; published reports differ in the order of the status code."""
    key, state, message = (row[at] if len(row) > at else "" for at in (1, 3, 6))
    try:
        told = json.loads(message) if state.lower() == "succeeded" else {}
        found = {str(name).lower().replace("_", ""): str(value) for name, value in told.items()}
        digits = found.get("checksumhex", "")
        checksum = found.get("checksumbase64") or b64encode(bytes.fromhex(digits)).decode()
    except (ValueError, AttributeError):
        found, checksum = {}, ""
    kind = found.get("checksumtype", "").upper()
    return HashedObject(
        key=key,
        etag=found.get("etag", "").strip('"'),
        checksum=checksum.partition("-")[0],
        algorithm=found.get("checksumalgorithm", "").upper(),
        composite=kind == "COMPOSITE" if kind else None,
        error="" if checksum else ", ".join(filter(None, row[4:])) or "the report has no checksum",
    )


def _asked() -> Any:
    return s3_failures({}, _cure)


def _cure(_: str, kind: type[GlacierError]) -> str:
    return (
        f"{step('policy', '--iam')} shows the permissions that proofs need." if kind is AccessDenied else ""
    )
