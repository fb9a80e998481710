"""The names of buckets and their objects, where those stand for vaults and archives."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import InputError

SCHEME = "s3://"
ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")
"""The storage classes whose objects are restored before they can be read."""
KEPT = "KeptUntil"
"""The parameter of the job of an object that is the end of its restored copy (ISO 8601)."""
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")


def is_bucket(vault: object) -> bool:
    """Return whether the name of a vault is that of a bucket, or of a folder in one."""
    return isinstance(vault, str) and vault.startswith(SCHEME)


@dataclass(frozen=True)
class BucketFolder:
    """A bucket, or the objects in it whose keys begin with a prefix, which ends in a slash."""

    bucket: str
    prefix: str = ""

    @classmethod
    def read(cls, name: str) -> BucketFolder:
        """Return the folder that ``s3://bucket/prefix`` names, with or without a slash at the end.

        :raises InputError: there is no bucket in it.
        """
        bucket, _, prefix = name.removeprefix(SCHEME).partition("/")
        if not is_bucket(name) or not _BUCKET.fullmatch(bucket):
            raise InputError(
                f"{name!r:.80} does not name a bucket",
                cure="Write it like s3://bucket, or s3://bucket/folder for a part of it.",
            )
        prefix = prefix.rstrip("/")
        return cls(bucket, f"{prefix}/" if prefix else "")

    @property
    def name(self) -> str:
        """The folder as the name of a vault, without a slash at the end."""
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")


@dataclass(frozen=True)
class ObjectId:
    """What identifies the content of an object, as an archive id: a list of a bucket has all of it.

    An object that is overwritten, or changes its storage class, is another archive of the same name.
    """

    storage_class: str
    etag: str
    key: str

    @classmethod
    def read(cls, archive_id: str) -> ObjectId:
        """Return the parts of an id that :meth:`text` made.

        :raises InputError: it is no such id.
        """
        parts = archive_id.split(":", 2)
        if len(parts) != 3:
            raise InputError(f"{archive_id!r:.80} is not the id of an object")
        return cls(*parts)

    @property
    def text(self) -> str:
        """The archive id: ``GLACIER:9b2cf535f27731c974343645a3985328:scans/a.tif``."""
        return f"{self.storage_class}:{self.etag}:{self.key}"

    @property
    def archived(self) -> bool:
        """Whether the object is restored before it can be read."""
        return self.storage_class in ARCHIVED


def is_deep(archive_id: str) -> bool:
    """Return whether an archive is an object of the class whose restores take longest."""
    return archive_id.startswith("DEEP_ARCHIVE:")


def refuse_bucket(name: object) -> None:
    """Refuse what vaults have and buckets have not.

    :raises InputError: *name* is that of a bucket.
    """
    if is_bucket(name):
        raise InputError(
            "Buckets are only read from here: nothing is stored, deleted or set up in them",
            cure="Use the tools of S3 for that.",
        )
