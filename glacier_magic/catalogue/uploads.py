"""Uploads under way and done: the intent before the first byte, the outcome with the answer."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields

from .archives import ArchiveRecord, Archives
from .database import Database, Scope

LEASE_SECONDS = 30.0
"""A process that has not renewed its hold on an upload for this long is taken for dead."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One upload; ``part_size`` and ``upload_id`` are None for a single request."""

    id: int
    vault: str
    path: str
    size: int
    mtime_ns: int
    name: str
    description: str
    part_size: int | None
    upload_id: str | None
    state: str
    archive_id: str | None
    tree_hash: str | None
    error: str | None
    started: int
    updated: int


_COLUMNS = ", ".join(field.name for field in fields(Upload))


class Uploads:
    """The uploads of one account and region."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._key = (scope.account, scope.region)
        self._archives = Archives(database, scope)

    def begin(
        self, *, vault: str, path: str, size: int, mtime_ns: int, name: str, description: str,
        part_size: int | None, owner: str,
    ) -> Upload:  # fmt: skip
        """Write the intent to store a file, before anything is sent."""
        now = int(time.time() * 1000)
        row = self._database.insert(
            "INSERT INTO uploads(account, region, vault, path, size, mtime_ns, name, description, "
            "part_size, state, owner, lease_until, started, updated) "
            "VALUES(?,?,?,?,?,?,?,?,?,'sending',?,?,?,?)",
            (
                *self._key, vault, path, size, mtime_ns, name, description, part_size,
                owner, time.time() + LEASE_SECONDS, now, now,
            ),
        )  # fmt: skip
        return self.get(row)

    def get(self, upload: int) -> Upload:
        """Return one upload by our own number for it."""
        row = self._database.row(
            f"SELECT {_COLUMNS} FROM uploads WHERE id=?",
            (upload,),
        )
        if row is None:
            raise LookupError(upload)
        return Upload(**dict(row))

    def unfinished(
        self, *, vault: str, path: str, size: int, mtime_ns: int, description: str
    ) -> Upload | None:
        """Return the newest multipart upload of this very file that can go on, or None."""
        row = self._database.row(
            f"SELECT {_COLUMNS} FROM uploads WHERE account=? AND region=? AND vault=? "
            "AND path=? AND size=? AND mtime_ns=? AND description=? AND upload_id IS NOT NULL "
            "AND state IN ('sending', 'completing') ORDER BY id DESC",
            (*self._key, vault, path, size, mtime_ns, description),
        )
        return None if row is None else Upload(**dict(row))

    def stored(
        self, *, vault: str, path: str, size: int, mtime_ns: int, description: str
    ) -> str | None:
        """Return the archive id under which this very file was stored from here, or None."""
        row = self._database.row(
            "SELECT archive_id FROM uploads WHERE account=? AND region=? AND vault=? AND path=? "
            "AND size=? AND mtime_ns=? AND description=? AND state='done' ORDER BY id DESC",
            (*self._key, vault, path, size, mtime_ns, description),
        )
        return None if row is None else str(row["archive_id"])

    def claim(self, upload: int, owner: str) -> bool:
        """Take the right to drive an upload, unless another living process has it."""
        now = time.time()
        return (
            self._database.execute(
                "UPDATE uploads SET owner=?, lease_until=? "
                "WHERE id=? AND (owner=? OR lease_until IS NULL OR lease_until<?)",
                (owner, now + LEASE_SECONDS, upload, owner, now),
            )
            > 0
        )

    def started(self, upload: int, upload_id: str) -> None:
        """Note the multipart upload id that the service answered."""
        self._set(upload, "upload_id=?", upload_id)

    def completing(self, upload: int, tree_hash: str) -> None:
        """Note that all parts are there and Complete is about to be sent."""
        self._set(upload, "state='completing', tree_hash=?", tree_hash)

    def done(self, upload: int, archive: ArchiveRecord) -> None:
        """Record archive and upload together, in the transaction that sees the answer."""
        with self._database.transaction():
            self._archives.record(archive)
            self._set(
                upload, "state='done', archive_id=?, tree_hash=?, owner=NULL, lease_until=NULL",
                archive.archive_id, archive.tree_hash,
            )  # fmt: skip

    def failed(self, upload: int, error: str) -> None:
        """Note why an upload can not go on."""
        self._set(upload, "state='failed', error=?, owner=NULL, lease_until=NULL", error)

    def released(self, upload: int, error: str = "") -> None:
        """Let go of an upload that stopped and can go on later."""
        self._set(upload, "error=?, owner=NULL, lease_until=NULL", error)

    def _set(self, upload: int, assignments: str, *values: object) -> None:
        self._database.execute(
            f"UPDATE uploads SET {assignments}, updated=? WHERE id=?",
            (*values, int(time.time() * 1000), upload),
        )
