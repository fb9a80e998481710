"""Buckets of S3 in the place of vaults: objects are archives, and their restores are jobs.

S3 gives restores no ids: an object has one at most, so that its job has the object's own id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

from ..base.bucket_names import KEPT, SCHEME, BucketFolder, ObjectId, is_bucket
from ..base.units import to_ms
from ..errors import AccessDenied, GlacierError, NotFound, Refused, RegionError, Unavailable
from ..errors.steps import step
from .client import OutputStream, Service
from .clock import ServiceClock
from .s3_failures import Kind, s3_failures

_PAYS = "requester pays"
RUNNING = "RestoreAlreadyInProgress"
_ENDED = "InvalidObjectState"
_RESTORE = re.compile(r'ongoing-request="(true|false)"(?:, expiry-date="([^"]+)")?')
_KINDS: dict[str, Kind] = {
    "AuthorizationHeaderMalformed": (RegionError, "The bucket is in another region"),
    "PermanentRedirect": (RegionError, "The bucket is in another region"),
    "NoSuchBucket": (NotFound, "There is no such bucket"),
    "NoSuchKey": (NotFound, "There is no such object any more"),
    "PreconditionFailed": (Refused, "The object was overwritten since the bucket was listed"),
    RUNNING: (Refused, "A restore of the object runs already that is as fast"),
    _ENDED: (NotFound, "The object cannot be read before it is restored"),
    "SlowDown": (Unavailable, "S3 accepts fewer requests at present"),
    "GlacierExpeditedRetrievalNotAvailable": (Refused, "There is no capacity for expedited retrievals now"),
}
"""Codes of S3 that the vault service does not have, or means otherwise."""
_SAME = {
    "SlowDown": "ThrottlingException",
    "GlacierExpeditedRetrievalNotAvailable": "InsufficientCapacityException",
}
"""The codes of the vault service for the same refusals: nothing was done, and it may be tried again."""
_OF_HEAD = {
    400: "PermanentRedirect",
    403: "AccessDenied",
    404: "NoSuchKey",
    412: "PreconditionFailed",
    503: "SlowDown",
}
"""The codes of answers to HEAD, which have no body, by their status."""
CHECKSUMS = ("CRC64NVME", "SHA256", "SHA1", "CRC32C", "CRC32")
"""The checksums that can be compared, the best first."""


@dataclass(frozen=True, kw_only=True)
class BucketEntry:
    """An object as a list shows it.

    :param until: the end of its restored copy; None if there is none.
    """

    id: ObjectId
    size: int
    modified: datetime
    restoring: bool = False
    until: datetime | None = None

    @property
    def job(self) -> Mapping[str, Any] | None:
        """The restore of the object as ListJobs has jobs of vaults; None if there is none."""
        if not (self.restoring or self.until):
            return None
        return {
            "JobId": self.id.text,
            "Action": "ArchiveRetrieval",
            "ArchiveId": self.id.text,
            "StatusCode": "InProgress" if self.restoring else "Succeeded",
            "ArchiveSizeInBytes": self.size,
            # The catalogue has parameters as they are.
            "InventoryRetrievalParameters": {KEPT: self.until.isoformat()} if self.until else None,
        }


@dataclass(frozen=True, kw_only=True)
class RecordedObject:
    """What S3 records of the bytes of an object.

    :param tree_hash: as our own metadata has it; None without it.
    :param md5: of its bytes, in hexadecimal digits, where the ETag is that.
    :param algorithm: of :data:`CHECKSUMS`; empty if S3 has none.
    :param checksum: in base64: of all bytes, or of each part.
    :param parts: bytes and checksum of each part, if the checksum is one of the parts' checksums.
    """

    entry: BucketEntry
    tree_hash: str | None
    md5: str | None
    algorithm: str
    checksum: str
    parts: tuple[tuple[int, str], ...] = ()


class Buckets:
    """Calls to the S3 of one region.

    :param connect: makes the client that sends a call so many times at most.
    """

    def __init__(self, connect: Callable[[int], Any], clock: ServiceClock, region: str) -> None:
        self._connect, self._clock, self._region = connect, clock, region
        self.requester_pays: Callable[[str], bool] = lambda _: False
        """Whether requests to a bucket, such as ``s3://archive``, say that the requester pays."""

    @cached_property
    def _patient(self) -> Any:
        return self._client(5)

    @cached_property
    def _once(self) -> Any:
        return self._client(1)

    def _client(self, attempts: int) -> Any:
        client = self._connect(attempts)
        events = client.meta.events
        events.register(
            "after-call.s3", lambda http_response, **_: self._clock.observe(http_response.headers)
        )
        events.register("before-parameter-build.s3", self._find_payer)
        events.register("before-call.s3", _name_payer)
        return client

    def _find_payer(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_PAYS] = self.requester_pays(f"{SCHEME}{params['Bucket']}")

    def describe(self, vault: str) -> Mapping[str, Any]:
        """Return the bucket as DescribeVault describes a vault, by its name alone.

        :raises NotFound: there is no such bucket.
        :raises AccessDenied: the identity may not list it.
        :raises RegionError: it is in another region than the session.
        """
        folder = BucketFolder.read(vault)
        found = self._head("head_bucket", {404: "NoSuchBucket"}, Bucket=folder.bucket)
        region = found["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", self._region)
        if region != self._region:  # botocore follows it there, and the way out would cost more
            raise RegionError(
                f"The bucket {folder.bucket!r} is in {region}, and this session in {self._region}",
                cure=f"Connect there: {step('connect', f'--region {region}')}",
            )
        return {"VaultName": folder.name}

    def entries(self, vault: str) -> Iterator[BucketEntry]:
        """Yield the newest version of each object in a folder, all pages, without markers of folders."""
        folder = BucketFolder.read(vault)
        pages = self._patient.get_paginator("list_objects_v2").paginate(
            Bucket=folder.bucket, Prefix=folder.prefix, OptionalObjectAttributes=["RestoreStatus"]
        )
        with _asked():
            for page in pages:
                for found in page.get("Contents", ()):
                    if found["Size"] or not found["Key"].endswith("/"):
                        yield _listed(found)

    def versions(self, vault: str, prefix: str = "") -> Iterator[Mapping[str, Any]]:
        """Yield all versions and delete markers below a folder, the newest of a key first, all pages.

        :param prefix: the beginning of their names.
        :returns: the columns of :data:`.VERSIONS` but the vault.
        """
        folder = BucketFolder.read(vault)
        pages = self._patient.get_paginator("list_object_versions").paginate(
            Bucket=folder.bucket, Prefix=folder.prefix + prefix
        )
        with _asked():
            for page in pages:
                found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
                # S3 mixes them, botocore does not; of the same second, the latest is the newest.
                found.sort(key=lambda each: (each["LastModified"], each["IsLatest"]), reverse=True)
                for each in sorted(found, key=lambda each: str(each["Key"])):
                    yield {
                        "name": each["Key"].removeprefix(folder.prefix),
                        "version_id": each["VersionId"],
                        "latest": each["IsLatest"],
                        "deleted": "ETag" not in each,
                        "size": each.get("Size", 0),
                        "created": to_ms(each["LastModified"]),
                        "storage_class": each.get("StorageClass"),
                        "etag": each["ETag"].strip('"') if "ETag" in each else None,
                    }

    def jobs(self, vault: str) -> Iterator[Mapping[str, Any]]:
        """Yield the restores that run, and those whose copies still exist."""
        for entry in self.entries(vault):
            if entry.job is not None:
                yield entry.job

    def record(self, vault: str, archive_id: str) -> RecordedObject:
        """Return what S3 records of an object.

        :raises NotFound: it does not exist, or has other bytes by now.
        """
        id_, place = ObjectId.read(archive_id), self._place(vault, archive_id)
        found = self._head("head_object", {}, **place, IfMatch=f'"{id_.etag}"', ChecksumMode="ENABLED")
        restore = _RESTORE.search(found.get("Restore", ""))
        until = parsedate_to_datetime(restore[2]) if restore and restore[2] else None
        entry = BucketEntry(
            id=id_,
            size=found["ContentLength"],
            modified=found["LastModified"],
            restoring=bool(restore and restore[1] == "true"),
            until=until,
        )
        algorithm = next((each for each in CHECKSUMS if found.get(f"Checksum{each}")), "")
        checksum = found.get(f"Checksum{algorithm}", "")
        # With keys of KMS or of the customer the ETag is no MD5.
        plain = (
            found.get("ServerSideEncryption", "AES256") == "AES256" and "SSECustomerAlgorithm" not in found
        )
        return RecordedObject(
            entry=entry,
            tree_hash=found.get("Metadata", {}).get("gm-tree-hash"),
            md5=id_.etag if plain and re.fullmatch("[0-9a-f]{32}", id_.etag) else None,
            algorithm=algorithm,
            checksum=checksum,
            parts=self._parts(place, algorithm) if "-" in checksum else (),
        )

    def _parts(self, place: Mapping[str, str], algorithm: str) -> tuple[tuple[int, str], ...]:
        parts: list[tuple[int, str]] = []
        more: dict[str, Any] = {}
        while True:
            with _asked():
                found = self._patient.get_object_attributes(**place, ObjectAttributes=["ObjectParts"], **more)
            page = found.get("ObjectParts", {})
            parts += [(part["Size"], part.get(f"Checksum{algorithm}", "")) for part in page.get("Parts", ())]
            if not page.get("IsTruncated"):
                return tuple(parts)
            more = {"PartNumberMarker": page["NextPartNumberMarker"]}

    def restore(self, vault: str, archive_id: str, tier: str, days: int) -> str:
        """Start the restore of an object, or keep its copy longer; return the id of its job.

        A restore that runs already is the same job; nothing is charged for it again.
        """
        try:
            self.ask(vault, archive_id, tier, days)
        except Refused as error:
            if error.code != RUNNING:
                raise
        return archive_id

    def ask(self, vault: str, archive_id: str, tier: str, days: int) -> None:
        """Start the restore of an object, speed up the one that runs, or keep its copy longer.

        :raises Refused: a restore runs that is as fast.
        """
        wanted = {"Days": days, "GlacierJobParameters": {"Tier": tier}}
        with _asked():
            self._once.restore_object(**self._place(vault, archive_id), RestoreRequest=wanted)

    def open(self, vault: str, archive_id: str, start: int, length: int) -> OutputStream:
        """Return a stream of bytes of an object that can be read; the caller repeats failed calls."""
        match = f'"{ObjectId.read(archive_id).etag}"'
        part = f"bytes={start}-{start + length - 1}"
        with _asked():
            found = self._once.get_object(**self._place(vault, archive_id), IfMatch=match, Range=part)
        total = str(found.get("ContentRange", "")).rpartition("/")[2]
        return OutputStream(found["Body"], None, int(total) if total.isdigit() else None)

    def _place(self, vault: str, archive_id: str) -> dict[str, str]:
        return {"Bucket": BucketFolder.read(vault).bucket, "Key": ObjectId.read(archive_id).key}

    def _head(self, operation: str, codes: Mapping[int, str], **asked: Any) -> Any:
        import botocore.exceptions

        with _asked():
            try:
                return getattr(self._patient, operation)(**asked)
            except botocore.exceptions.ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                code = {**_OF_HEAD, **codes}.get(status)
                if code is not None:
                    what = asked.get("Key", asked["Bucket"])
                    error.response["Error"].update(Code=code, Message=f"{what} (status {status})")
                raise


class VaultsAndBuckets(Service):
    """Calls to one account and region, to its vaults and to its buckets, which ``s3://`` names."""

    def __init__(self, *clients: Any, connect: Callable[[int], Any], **known: Any) -> None:
        super().__init__(*clients, **known)
        self.buckets = Buckets(connect, self.clock, self.region)

    def describe_vault(self, vault: str) -> Mapping[str, Any]:
        """Return one vault; of a bucket, its name."""
        return self.buckets.describe(vault) if is_bucket(vault) else super().describe_vault(vault)

    def jobs(self, vault: str) -> Iterator[Mapping[str, Any]]:
        """Yield every job of a vault; of a bucket, the restores of its objects."""
        return self.buckets.jobs(vault) if is_bucket(vault) else super().jobs(vault)

    def describe_job(self, vault: str, job_id: str) -> Mapping[str, Any]:
        """Return one job; of a bucket, the restore of the object."""
        if not is_bucket(vault):
            return super().describe_job(vault, job_id)
        job = self.buckets.record(vault, job_id).entry.job
        if job is None:
            raise NotFound("The object has no restored copy")
        return job

    def open_output(self, vault: str, job_id: str, start: int, length: int) -> OutputStream:
        """Return a stream of a job's output; of a bucket, of an object that can be read."""
        if is_bucket(vault):
            return self.buckets.open(vault, job_id, start, length)
        return super().open_output(vault, job_id, start, length)


def _name_payer(params: Mapping[str, Any], context: Mapping[str, Any], **_: Any) -> None:
    if context.get(_PAYS):  # not as a parameter, which HeadBucket does not have
        params["headers"]["x-amz-request-payer"] = "requester"


def _listed(found: Mapping[str, Any]) -> BucketEntry:
    restore = found.get("RestoreStatus", {})
    return BucketEntry(
        id=ObjectId(found.get("StorageClass", "STANDARD"), found["ETag"].strip('"'), found["Key"]),
        size=found["Size"],
        modified=found["LastModified"],
        restoring=restore.get("IsRestoreInProgress", False),
        until=restore.get("RestoreExpiryDate"),
    )


def _asked() -> AbstractContextManager[None]:
    return s3_failures(_KINDS, _cure, _SAME)


def _cure(code: str, kind: type[GlacierError]) -> str | None:
    if kind is AccessDenied:
        needed = ("ListBucket", "ListBucketVersions", "GetObject", "GetObjectAttributes", "RestoreObject")
        names = ", ".join(f"s3:{each}" for each in needed)
        pays = step("use", "s3://... --requester-pays")
        return f"The identity needs {names} on this bucket. If its requester pays: {pays}."
    if code == "NoSuchBucket":
        return "Check its name, and that this account, or another that lets it in, owns it."
    if code == "GlacierExpeditedRetrievalNotAvailable":
        return "Try again later, or use the standard tier. A restore that runs goes on."
    if code == RUNNING:
        return f"{step('jobs')} shows when the copy is there."
    return f"{step('inventory')} lists the bucket again." if kind in (NotFound, Refused) else None
