"""The objects of S3 that archives become; each belongs to a download whose target it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from ..archives import identity
from ..storage.database import Database, Scope
from .downloads import Download, Downloads

if TYPE_CHECKING:
    from ..archives.archives import ArchiveRecord

NEW, OPENING, SENDING, COMPLETING, STORED, PROVEN, CONFLICT = (
    "new",
    "opening",
    "sending",
    "completing",
    "stored",
    "proven",
    "conflict",
)
"""The steps of a move: nothing sent, an upload is being started, parts are sent, the object is being
written, S3 has it, S3 records the same as we do, the key has another object."""

WRITTEN = (COMPLETING, STORED, PROVEN)
"""Steps after which the job's output is not needed, if all bytes were sent in parts."""


@dataclass(frozen=True, kw_only=True)
class MovedPart:
    """A part of an object: its hashes as in :class:`.RangeDone`, and its ETag once S3 has it."""

    root: str
    sha256: str
    etag: str | None
    crc64: str | None = None


@dataclass(frozen=True, kw_only=True)
class MovedObject:
    """An object that an archive becomes; the schema explains the columns.

    :param proof: what is proven: 0 nothing, 1 all bytes were sent and accepted, 2 S3 records what was
        sent, 3 S3 has hashed what it stores since, 4 the bytes were read back.
    """

    download: int
    bucket: str
    key: str
    region: str
    storage_class: str
    metadata: str
    step: str = NEW
    part_size: int | None = None
    opened: int | None = None
    upload_id: str | None = None
    checksum: str | None = None
    etag: str | None = None
    version_id: str | None = None
    proof: int = 0
    proved: int | None = None
    algorithm: str = "SHA256"
    crc64: str | None = None

    @property
    def url(self) -> str:
        """Bucket and key, as ``s3://bucket/key``."""
        return object_url(self.bucket, self.key)

    @property
    def written(self) -> bool:
        """Whether the object can be completed, or proven, without the job's output."""
        return self.step in WRITTEN and self.checksum is not None

    def labels(self) -> dict[str, str]:
        """Return the metadata that the object gets."""
        return dict(json.loads(self.metadata))


def object_url(bucket: str, key: str) -> str:
    """Return ``s3://bucket/key``."""
    return f"s3://{bucket}/{key}"


def is_object(target: str) -> bool:
    """Return whether the target of a download is an object of S3."""
    return target.startswith("s3://")


MANIFEST = {
    "vault": "d.vault",
    "archive_id": "d.archive_id",
    "name": "d.name",
    "size": "d.size",
    "created": "a.created",
    "tree_hash": "d.tree_hash",
    "bucket": "m.bucket",
    "key": "m.key",
    "version_id": "m.version_id",
    "storage_class": "m.storage_class",
    "etag": "m.etag",
    "checksum_type": "CASE WHEN m.checksum LIKE '%-%' THEN 'COMPOSITE' ELSE 'FULL_OBJECT' END",
    "checksum": "m.checksum",
    "crc64nvme": "m.crc64",
    "part_size": "m.part_size",
    "proof": "m.proof",
    "proved": "m.proved",
    "source": "CASE WHEN a.deleted IS NULL THEN 'kept' ELSE 'deleted' END",
    "free_from": "a.created",
    # A move that was learnt from a bucket has a forgotten download.
    "state": f"CASE WHEN m.step='{PROVEN}' OR d.state IN ('verified', 'forgotten') THEN m.step "
    "ELSE d.state END",
    "error": "d.error",
}
"""The columns of a manifest, and what each is of a move, its download and its archive."""

_COLUMNS = tuple(field.name for field in fields(MovedObject))


class MovedObjects:
    """The objects of one account and region's archives."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database, self._scope = database, scope
        self._key = (scope.account, scope.region)

    def add(self, moved: MovedObject) -> None:
        """Record an object to be written; one that the download has already stays as it is."""
        values = vars(moved)
        self._database.execute(
            f"INSERT INTO moved_objects({', '.join(_COLUMNS)}) VALUES({', '.join('?' * len(_COLUMNS))}) "
            "ON CONFLICT(download) DO NOTHING",
            tuple(values[name] for name in _COLUMNS),
        )

    def of(self, download: int) -> MovedObject:
        """Return the object of a download.

        :raises LookupError: it has none.
        """
        found = self._select("m.download=?", (download,))
        if not found:
            raise LookupError(download)
        return found[0]

    def is_written(self, download: Download) -> bool:
        """Return whether a download has an object that needs the job's output no more."""
        return is_object(download.target) and self.of(download.id).written

    def in_bucket(self, bucket: str) -> list[MovedObject]:
        """Return the objects in a bucket, the oldest first."""
        return self._select("m.bucket=? ORDER BY m.download", (bucket,))

    def of_vault(self, vault: str) -> list[tuple[MovedObject, Download]]:
        """Return the moves of a vault's archives with their downloads, the oldest first."""
        found = {moved.download: moved for moved in self._select("d.vault=? ORDER BY m.download", (vault,))}
        downloads = Downloads(self._database, self._scope).numbered(list(found))
        return [(found[row.id], row) for row in sorted(downloads, key=lambda row: row.id)]

    def proven(self, archive: ArchiveRecord, proof: int) -> MovedObject | None:
        """Return the newest object of an archive that S3 has with a level of proof, 2 at least; or None.

        It may be that of another archive with the same name and bytes: one object is for all of them.
        """
        newest = "AND d.vault=? AND m.step=? AND m.proof>=? ORDER BY m.download DESC LIMIT 1"
        last = (archive.vault, PROVEN, max(2, proof))
        own = self._select(f"d.archive_id=? {newest}", (archive.archive_id, *last))
        same = (archive.tree_hash, archive.size, archive.name, *last)
        found = own or self._select(f"d.tree_hash=? AND d.size=? AND d.name=? {newest}", same)
        return found[0] if found else None

    def same_as_proven(self, vault: str, proof: int) -> list[str]:
        """Return the ids of the archives with the name and bytes of one whose object has a level of proof."""
        known = identity.find_vault(self._database, self._scope, vault)
        rows = self._database.rows(
            "SELECT a.archive_id, a.tree_hash AS own, p.tree_hash FROM archive_rows a JOIN ("
            "SELECT DISTINCT d.name, d.size, d.tree_hash FROM moved_objects m "
            "JOIN downloads d ON d.id=m.download "
            "WHERE d.account=? AND d.region=? AND d.vault=? AND m.step=? AND m.proof>=?"
            ") p ON a.name=p.name AND a.size=p.size WHERE a.vault_id=?",
            (*self._key, vault, PROVEN, max(2, proof), known.id if known else None),
        )
        same = [row for row in rows if row["own"] and identity.unpack_hash(row["own"]) == row["tree_hash"]]
        return [row["archive_id"] for row in same]

    def manifest(self, vault: str) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the columns of :data:`MANIFEST` of the moves of a vault's archives, many at a time.

        The oldest is first.

        A move that was forgotten is left out unless something of it is proven.
        """
        known = identity.find_vault(self._database, self._scope, vault)
        sql = (
            f"SELECT {', '.join(MANIFEST.values())} FROM moved_objects m JOIN downloads d ON d.id=m.download "
            # The ids have no index: the database makes one, unless it takes that of the vaults.
            f"LEFT JOIN archive_rows a ON {self._database.unindexed('a.vault_id')}=? "
            "AND a.archive_id=d.archive_id "
            "WHERE d.account=? AND d.region=? AND COALESCE(d.home, '')=? AND d.vault=? "
            "AND (d.state<>'forgotten' OR m.proof>0) ORDER BY m.download"
        )
        values = (known.id if known else 0, *self._key, self._database.home, vault)
        return self._database.stream(sql, values, 10_000)

    def update(self, moved: MovedObject, *, power_safe: bool = True, **values: Any) -> MovedObject:
        """Set columns; return the object as it is now.

        :param power_safe: see :meth:`.Database.together`.
        """
        self._database.together(lambda: self._set(moved, values), power_safe=power_safe)
        return replace(moved, **values)

    def _set(self, moved: MovedObject, values: Mapping[str, Any]) -> None:
        names = ", ".join(f"{name}=?" for name in values)  # keywords of this project's own calls
        self._database.execute(
            f"UPDATE moved_objects SET {names} WHERE download=?", (*values.values(), moved.download)
        )

    def parts(self, download: int) -> dict[int, MovedPart]:
        """Return the recorded parts of an object by number."""
        rows = self._database.rows(
            "SELECT number, root, sha256, etag, crc64 FROM moved_parts WHERE download=? ORDER BY number",
            (download,),
        )
        return {values.pop("number"): MovedPart(**values) for values in map(dict, rows)}

    def put_part(self, download: int, number: int, part: MovedPart) -> None:
        """Record a part, before it is sent and again when S3 has it."""
        self._database.execute(
            "INSERT INTO moved_parts(download, number, root, sha256, etag, crc64) VALUES(?, ?, ?, ?, ?, ?) "
            "ON CONFLICT(download, number) DO UPDATE SET root=excluded.root, sha256=excluded.sha256, "
            "etag=excluded.etag, crc64=excluded.crc64",
            (download, number, part.root, part.sha256, part.etag, part.crc64),
        )

    def forget_upload(self, moved: MovedObject) -> MovedObject:
        """Record that an upload and its parts are gone; return the object as it is now."""
        gone = ("upload_id", "opened", "checksum", "crc64")
        values: dict[str, Any] = {"step": NEW, **dict.fromkeys(gone)}
        with self._database.transaction():
            self._database.execute("DELETE FROM moved_parts WHERE download=?", (moved.download,))
            self._set(moved, values)
        return replace(moved, **values)

    def _select(self, where: str, values: Sequence[Any]) -> list[MovedObject]:
        columns = ", ".join(f"m.{name}" for name in _COLUMNS)
        rows: list[Mapping[str, Any]] = self._database.rows(
            f"SELECT {columns} FROM moved_objects m JOIN downloads d ON d.id=m.download "
            f"WHERE d.account=? AND d.region=? AND {where}",
            (*self._key, *values),
        )
        return [MovedObject(**dict(row)) for row in rows]
