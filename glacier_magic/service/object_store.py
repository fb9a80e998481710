"""S3, as moves use it: objects that are written once, and what S3 says of them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from ..errors import AccessDenied, GlacierError, InputError, IntegrityError, NotFound, Refused, Unavailable
from ..errors.steps import step
from .bodies import HashedBody
from .buckets import Buckets
from .client import Service
from .connection import s3_client
from .s3_failures import Kind, s3_failures

EXISTS, CHANGED, NO_UPLOAD = "PreconditionFailed", "ConditionalRequestConflict", "NoSuchUpload"
"""The codes of refusals that a move continues from: the key has an object, something else was written to
it meanwhile, the upload is completed or aborted."""

_ABSENT = ("NoSuchKey", "NoSuchVersion", "MethodNotAllowed")  # the last is that of a delete marker

_NOT_SET = ("NoSuchLifecycleConfiguration", "ObjectLockConfigurationNotFoundError")

_KINDS: dict[str, Kind] = {
    "BadDigest": (IntegrityError, "The bytes changed on their way"),
    "NoSuchBucket": (InputError, "There is no such bucket"),
    "RequestTimeout": (Unavailable, "The bytes arrived too slowly"),
    "XAmzContentSHA256Mismatch": (IntegrityError, "The bytes changed on their way"),
}
"""Codes of S3 that the vault service does not have, or means otherwise."""

_CHECK = "Check its name, and that this account owns it."

SHA256, CRC64NVME = "SHA256", "CRC64NVME"
_OF_PARTS = {SHA256: "COMPOSITE", CRC64NVME: "FULL_OBJECT"}
"""The checksums of what is written; of an object in parts, S3 has them of the parts, or of all bytes."""


@dataclass(frozen=True, kw_only=True)
class ObjectToWrite:
    """An object to be written: where, in which storage class, and with which metadata.

    :param owner: the 12-digit id of the account that the bucket must belong to.
    :param algorithm: the checksum that S3 compares and keeps.
    """

    bucket: str
    key: str
    owner: str
    storage_class: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    algorithm: str = SHA256

    def check(self, checksum: str) -> dict[str, str]:
        """Return the parameter with a checksum in base64."""
        return {f"Checksum{self.algorithm}": checksum}

    @property
    def place(self) -> dict[str, str]:
        """The parameters that name the object in each call."""
        return {"Bucket": self.bucket, "Key": self.key, "ExpectedBucketOwner": self.owner}


@dataclass(frozen=True, kw_only=True)
class SentPart:
    """A part that S3 has: its size in bytes, its checksum (in base64; empty without one), its ETag."""

    size: int
    checksum: str
    etag: str


@dataclass(frozen=True, kw_only=True)
class ObjectRecord:
    """What S3 records of an object.

    :param checksum: as S3 writes it; the SHA-256 of an object in parts is that of the parts' SHA-256s, a
        hyphen and their number; empty where S3 has none.
    :param parts: the size and checksum of each part; empty for an object of one request.
    """

    size: int
    storage_class: str
    etag: str
    version: str | None = None
    checksum: str = ""
    parts: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class BucketSettings:
    """The settings of a bucket that matter to what is written to it.

    :param rules: the lifecycle rules that are enabled, as S3 has them.
    :param retention: the default retention of Object Lock; empty for none.
    :param unread: in words, the settings that the identity may not read.
    """

    versioning: bool
    rules: tuple[Mapping[str, Any], ...] = ()
    retention: Mapping[str, Any] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


class ObjectStore:
    """Calls to the S3 of one region.

    A server outside AWS answers for S3 at the address of its vault service.

    :param service: the service of the vaults, whose credentials sign the calls.
    :param attempts: of each call; by default the caller repeats failed ones.
    """

    def __init__(self, service: Service, region: str, *, attempts: int = 1) -> None:
        self.region = region
        self._emulated = service.connection.emulator is not None
        self._client = s3_client(service._session, service.connection, region, attempts)

    def bucket_region(self, bucket: str, owner: str) -> str:
        """Return the region of a bucket.

        :param owner: the account that it must belong to.
        :raises InputError: there is no such bucket.
        :raises AccessDenied: it belongs to another account, or the identity may not see it.
        """
        import botocore.exceptions

        made = f"{step('emulator', f'bucket {bucket}')} creates it."
        with _asked(made if self._emulated else _CHECK):
            try:
                found = self._client.head_bucket(Bucket=bucket, ExpectedBucketOwner=owner)
            except botocore.exceptions.ClientError as error:
                _name_failure(error, bucket, {400: "ExpiredToken", 404: "NoSuchBucket"})
                raise
        headers = found["ResponseMetadata"]["HTTPHeaders"]
        return str(headers.get("x-amz-bucket-region", self.region))

    def create_bucket(self, bucket: str) -> None:
        """Create a bucket in the region."""
        place = {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        with _asked():
            self._client.create_bucket(Bucket=bucket, **({} if self.region == "us-east-1" else place))

    def settings(self, bucket: str, owner: str) -> BucketSettings:
        """Return the settings of a bucket; those that the identity may not read are named in it."""
        place = {"Bucket": bucket, "ExpectedBucketOwner": owner}
        denied: list[str] = []

        def read(operation: str, what: str) -> Mapping[str, Any]:
            try:
                with _asked():
                    return dict(getattr(self._client, operation)(**place))
            except AccessDenied:
                denied.append(what)
            except Refused as error:
                if error.code not in _NOT_SET:
                    raise
            return {}

        lifecycle = read("get_bucket_lifecycle_configuration", "lifecycle rules")
        lock = read("get_object_lock_configuration", "Object Lock").get("ObjectLockConfiguration", {})
        return BucketSettings(
            versioning=read("get_bucket_versioning", "versioning").get("Status") == "Enabled",
            rules=tuple(rule for rule in lifecycle.get("Rules", ()) if rule.get("Status") == "Enabled"),
            retention=lock.get("Rule", {}).get("DefaultRetention", {}),
            unread=tuple(denied),
        )

    # Objects

    def put(self, new: ObjectToWrite, body: HashedBody, checksum: str = "") -> tuple[str, str | None]:
        """Store *body* as an object, unless the key has one; return its ETag and version.

        :param checksum: in base64, if it is no SHA-256.
        :raises Refused: the key has an object (code :data:`EXISTS`); it is unchanged.
        """
        with _asked():
            stored = self._client.put_object(
                **_first_write(new),
                Body=body,
                ContentLength=len(body),
                **new.check(checksum or _sha256(body)),
            )
        return str(stored["ETag"]).strip('"'), _version(stored)

    def stored(self, new: ObjectToWrite) -> ObjectRecord | None:
        """Return what S3 records of an object, of all pages of its parts; None if there is none."""
        wanted = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
        asked: dict[str, Any] = {"ObjectAttributes": wanted}
        parts: list[tuple[int, str]] = []
        while True:
            try:
                with _asked():
                    found = self._client.get_object_attributes(**new.place, **asked)
            except Refused as error:
                if error.code in _ABSENT:
                    return None
                raise
            page = found.get("ObjectParts", {})
            parts += [
                (part["Size"], part.get(f"Checksum{new.algorithm}", "")) for part in page.get("Parts", ())
            ]
            if not page.get("IsTruncated"):
                break
            asked["PartNumberMarker"] = page["NextPartNumberMarker"]
        total = found.get("ObjectParts", {}).get("TotalPartsCount")
        checksum = found.get("Checksum", {}).get(f"Checksum{new.algorithm}", "")
        composite = total and new.algorithm == SHA256 and "-" not in checksum
        return ObjectRecord(
            size=found["ObjectSize"],
            storage_class=found.get("StorageClass", "STANDARD"),
            etag=found["ETag"].strip('"'),
            version=_version(found),
            # The number of the parts is left out here, unlike everywhere else.
            checksum=f"{checksum}-{total}" if checksum and composite else checksum,
            parts=tuple(parts),
        )

    def head(self, new: ObjectToWrite) -> tuple[ObjectRecord, Mapping[str, str]] | None:
        """Return what S3 tells of an object without its parts, and its metadata; None if there is none."""
        import botocore.exceptions

        with _asked():
            try:
                found = self._client.head_object(**new.place)
            except botocore.exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                    return None
                _name_failure(error, new.key, {})
                raise
        record = ObjectRecord(
            size=found["ContentLength"],
            storage_class=found.get("StorageClass", "STANDARD"),
            etag=found["ETag"].strip('"'),
            version=_version(found),
        )
        return record, dict(found["Metadata"])

    def keys(self, bucket: str, prefix: str, owner: str) -> Iterator[tuple[str, int]]:
        """Yield key and size of the objects of a bucket below a prefix, all pages."""
        asked = {"Bucket": bucket, "Prefix": prefix, "ExpectedBucketOwner": owner}
        with _asked():
            for page in self._client.get_paginator("list_objects_v2").paginate(**asked):
                for found in page.get("Contents", ()):
                    yield found["Key"], found["Size"]

    def lines(self, new: ObjectToWrite) -> Iterator[str]:
        """Yield the lines of an object with text, as they arrive."""
        with _asked():
            body = self._client.get_object(**new.place)["Body"]
            for line in body.iter_lines(keepends=True):
                yield line.decode(errors="replace")

    # Objects in parts

    def start(self, new: ObjectToWrite) -> str:
        """Start the upload of an object in parts; return its id."""
        with _asked():
            wanted = {"StorageClass": new.storage_class, "Metadata": new.metadata}
            started = self._client.create_multipart_upload(
                **new.place, **wanted, ChecksumAlgorithm=new.algorithm, ChecksumType=_OF_PARTS[new.algorithm]
            )
        return str(started["UploadId"])

    def send(
        self, new: ObjectToWrite, upload_id: str, number: int, body: HashedBody, checksum: str = ""
    ) -> str:
        """Send a part, from 1; return its ETag.

        :param checksum: as in :meth:`put`.
        :raises Refused: there is no such upload (code :data:`NO_UPLOAD`).
        """
        with _asked():
            sent = self._client.upload_part(
                **new.place,
                UploadId=upload_id,
                PartNumber=number,
                Body=body,
                ContentLength=len(body),
                **new.check(checksum or _sha256(body)),
            )
        return str(sent["ETag"])

    def parts(self, new: ObjectToWrite, upload_id: str) -> dict[int, SentPart]:
        """Return the parts that S3 has of an upload, by number.

        :raises Refused: there is no such upload (code :data:`NO_UPLOAD`).
        """
        pages = self._client.get_paginator("list_parts").paginate(**new.place, UploadId=upload_id)
        with _asked():
            return {
                part["PartNumber"]: SentPart(
                    size=part["Size"], checksum=part.get(f"Checksum{new.algorithm}", ""), etag=part["ETag"]
                )
                for page in pages
                for part in page.get("Parts", ())
            }

    def uploads(self, new: ObjectToWrite) -> Iterator[tuple[str, datetime, str]]:
        """Yield id, start and storage class of the open uploads of exactly this key."""
        place = {name: value for name, value in new.place.items() if name != "Key"}
        pages = self._client.get_paginator("list_multipart_uploads").paginate(**place, Prefix=new.key)
        with _asked():
            for page in pages:
                for upload in page.get("Uploads", ()):
                    if upload["Key"] == new.key:
                        yield upload["UploadId"], upload["Initiated"], upload.get("StorageClass", "STANDARD")

    def complete(
        self, new: ObjectToWrite, upload_id: str, parts: Sequence[SentPart], checksum: str
    ) -> tuple[str, str | None]:
        """Assemble parts, from the first to the last, unless the key has an object; return ETag and version.

        :param checksum: that of the whole object, without the number of its parts.
        :raises Refused: the key has an object (code :data:`EXISTS`), something was written to it
            meanwhile, so that the upload is of no use (:data:`CHANGED`), or there is no such upload.
        """
        listed = [
            {"PartNumber": number, "ETag": part.etag, **new.check(part.checksum)}
            for number, part in enumerate(parts, 1)
        ]
        with _asked():
            done = self._client.complete_multipart_upload(
                **new.place,
                UploadId=upload_id,
                MultipartUpload={"Parts": listed},
                IfNoneMatch="*",
                MpuObjectSize=sum(part.size for part in parts),
                **new.check(checksum),
                ChecksumType=_OF_PARTS[new.algorithm],
            )
        return str(done["ETag"]).strip('"'), _version(done)

    def abort(self, new: ObjectToWrite, upload_id: str) -> None:
        """Drop an upload and its parts, if it still exists."""
        try:
            with _asked():
                self._client.abort_multipart_upload(**new.place, UploadId=upload_id)
        except Refused as error:
            if error.code != NO_UPLOAD:
                raise


def _name_failure(error: Any, what: str, codes: Mapping[int, str]) -> None:
    """Give a failed HEAD, whose answer has no body, its subject and the code that a GET would have."""
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    code = {403: "AccessDenied", 503: "SlowDown", **codes}.get(status)
    if code is not None:
        error.response["Error"].update(Code=code, Message=f"{what} (status {status})")


def _version(answer: Mapping[str, Any]) -> str | None:
    """Return the version in an answer; None in a bucket without versions, which may say "null"."""
    version = answer.get("VersionId")
    return None if version in (None, "null") else str(version)


def _first_write(new: ObjectToWrite) -> dict[str, Any]:
    wanted = {"StorageClass": new.storage_class, "Metadata": new.metadata}
    return {**new.place, **wanted, "IfNoneMatch": "*"}


def _sha256(body: HashedBody) -> str:
    return b64encode(bytes.fromhex(body.sha256)).decode()


@contextmanager
def _asked(absent: str = _CHECK) -> Iterator[None]:
    """Translate failures of S3; what does not exist there is no :class:`NotFound` of a vault or a job."""
    try:
        with s3_failures(_KINDS, partial(_cure, absent)):
            yield
    except NotFound as error:
        raise Refused(error.message, cure="", code=error.code) from None


def _cure(absent: str, code: str, kind: type[GlacierError]) -> str:
    if code == "NoSuchBucket":
        return absent
    denied = kind is AccessDenied
    return f"{step('policy', '--iam')} shows the permissions that moves need." if denied else ""


def buckets_in(service: Service, region: str) -> Buckets:
    """Return the calls to the buckets of a region, by which objects are restored and read."""
    if region == service.region:
        return service.buckets
    connect = partial(s3_client, service._session, service.connection, region)
    return Buckets(connect, service.clock, region)
