"""Uploads: the intent before the first byte, the outcome with the response."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from typing import Any

from ...errors import LocalError
from ..archives.archives import LAG, ArchiveRecord, Archives
from ..storage.database import Database, Scope


class HeldElsewhere(LocalError):
    """Another process is storing the same file."""


class StoredMeanwhile(Exception):
    """Another process has stored the same file."""

    def __init__(self, archive_id: str) -> None:
        super().__init__(archive_id)
        self.archive_id = archive_id


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One upload; ``part_size`` and ``upload_id`` are None for a single request.

    A stream has the path ``stream:NAME`` and the size -1.
    """

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
    doubt: int
    archive_id: str | None
    tree_hash: str | None
    error: str | None
    owner: str | None
    lease_until: float | None
    started: int
    updated: int

    @property
    def held(self) -> bool:
        """Whether a living process drives it."""
        return self.owner is not None and (self.lease_until or 0) > time.time()


_COLUMNS = ", ".join(field.name for field in fields(Upload))
_OPEN = "state IN ('sending', 'completing', 'unsettled')"
_SAME = "vault=:vault AND path=:path AND size=:size AND mtime_ns=:mtime_ns"  # written to since: another file


class Uploads:
    """The uploads of one account and region."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._key = {"account": scope.account, "region": scope.region}
        self._archives = Archives(database, scope)

    def begin(
        self, *, owner: str, tree_hash: str | None = None, since: int | None = None, **facts: Any
    ) -> Upload:
        """Write the intent to store a file, before anything is sent.

        *facts* are vault, path, size, mtime_ns, name, description and part_size.

        :param since: refuse what another process has stored since this time.
        :raises LocalError: another living process is storing it.
        :raises StoredMeanwhile: another process has stored it since *since*.
        """
        now = int(self._database.now() * 1000)
        values = {
            **self._key,
            **facts,
            "tree_hash": tree_hash,
            "state": "sending",
            "owner": owner,
            "lease_until": self._database.now() + self._database.limits.upload_lease,
            "started": now,
            "updated": now,
        }
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        made: list[int] = []

        def write() -> None:
            self._refuse_held(values)
            self._refuse_stored(values, since)
            sql = f"INSERT INTO uploads({names}) VALUES({marks})"
            # Replaced, not appended to: together() may run it twice.
            made[:] = [self._database.insert(sql, values)]

        # Small files are many: the intent of a single request does not wait for the disk.
        self._database.together(write, power_safe=facts.get("part_size") is not None)
        return Upload(
            id=made[0],
            upload_id=None,
            doubt=0,
            archive_id=None,
            error=None,
            **{k: v for k, v in values.items() if k not in self._key}
            # Callers use this computer's clock.
            | {"lease_until": self._database.here(values["lease_until"])},
        )

    def _refuse_held(self, values: dict[str, Any]) -> None:
        """Refuse a file that another living process is storing; called in the inserting transaction."""
        held = self._database.row(
            f"SELECT 1 FROM uploads WHERE account=:account AND region=:region AND {_SAME} "
            # With another description it would be another archive.
            "AND description=:description AND state IN ('sending', 'completing') "
            "AND owner IS NOT NULL AND lease_until>:now",
            {**values, "now": self._database.now()},
        )
        if held is not None:
            raise HeldElsewhere(
                f"{values['name']!r} is being uploaded by another process, or by a line that was "
                "just stopped",
                cure="Wait for it, or stop it and repeat half a minute later.",
            )

    def _refuse_stored(self, values: dict[str, Any], since: int | None) -> None:
        stored = self._database.row(
            f"SELECT archive_id FROM uploads WHERE account=:account AND region=:region AND {_SAME} "
            "AND description=:description AND state='done' AND updated>=:since",
            # By default, nothing is refused.
            {**values, "since": values["started"] + 1 if since is None else since},
        )
        if stored is not None:
            raise StoredMeanwhile(stored["archive_id"])

    def renew(self, owner: str) -> None:
        """Extend the leases of a process on all of its uploads."""
        self._database.execute(
            "UPDATE uploads SET lease_until=? WHERE owner=? AND state IN ('sending', 'completing')",
            (self._database.now() + self._database.limits.upload_lease, owner),
        )

    def get(self, upload: int) -> Upload:
        """Return one upload by its number."""
        found = self._select("id=:id", id=upload)
        if not found:
            raise LookupError(upload)
        return found[0]

    def unfinished(
        self, *, vault: str, path: str, size: int, mtime_ns: int, description: str
    ) -> Upload | None:
        """Return the newest multipart upload of this file that has not ended, or None."""
        found = self._select(
            # A single request leaves no parts to resume.
            f"{_SAME} AND description=:description AND upload_id IS NOT NULL AND {_OPEN} ORDER BY id DESC",
            vault=vault,
            path=path,
            size=size,
            mtime_ns=mtime_ns,
            description=description,
        )
        return found[0] if found else None

    def same_stream(self, *, vault: str, path: str, description: str, tree_hash: str) -> list[Upload]:
        """Return the uploads of a stream of these bytes that are done or unsettled, newest first."""
        return self._select(
            # Only its bytes identify a stream.
            "vault=:vault AND path=:path AND description=:description AND tree_hash=:tree_hash "
            "AND state IN ('done', 'unsettled') ORDER BY id DESC",
            vault=vault,
            path=path,
            description=description,
            tree_hash=tree_hash,
        )

    def open_of(self, vault: str) -> list[Upload]:
        """Return the uploads of a vault that have not ended, newest first."""
        return self._select(f"vault=:vault AND {_OPEN} ORDER BY id DESC", vault=vault)

    def open_of_path(self, vault: str, path: str) -> list[Upload]:
        """Return the uploads of one file that have not ended."""
        return self._select(f"vault=:vault AND path=:path AND {_OPEN}", vault=vault, path=path)

    def stored(self, *, vault: str, path: str, size: int, mtime_ns: int, description: str) -> str | None:
        """Return the archive id of this file if it was stored before, or None."""
        found = self._select(
            f"{_SAME} AND description=:description AND state='done' ORDER BY id DESC",
            vault=vault,
            path=path,
            size=size,
            mtime_ns=mtime_ns,
            description=description,
        )
        return found[0].archive_id if found else None

    def of_archive(self, vault: str, archive_id: str) -> list[Upload]:
        """Return the uploads of an archive, newest first."""
        return self._select(
            "vault=:vault AND archive_id=:archive_id AND state='done' ORDER BY id DESC",
            vault=vault,
            archive_id=archive_id,
        )

    def claim(self, upload: int, owner: str) -> bool:
        """Take the lease on an upload, unless another living process has it."""
        now = self._database.now()
        changed = self._database.execute(
            "UPDATE uploads SET owner=?, lease_until=? "
            "WHERE id=? AND (owner IS NULL OR owner=? OR lease_until<?)",
            (owner, now + self._database.limits.upload_lease, upload, owner, now),
        )
        return changed > 0

    def started(self, upload: int, upload_id: str) -> None:
        """Record the multipart upload id."""
        self._set(upload, upload_id=upload_id)

    def completing(self, upload: int, tree_hash: str, size: int) -> None:
        """Record that all parts are stored and Complete is about to be sent."""
        # The size of a stream is known only now.
        self._set(upload, state="completing", tree_hash=tree_hash, size=size)

    def doubted(self, upload: int) -> None:
        """Record that a request is repeated because its first response was lost."""
        self._set(upload, doubt=1)

    def maybe_twice(self, archive_id: str) -> bool:
        """Tell whether an archive was stored by a repeated request."""
        return bool(self._select("archive_id=:archive_id AND doubt=1", archive_id=archive_id))

    def done(self, upload: int, archive: ArchiveRecord) -> None:
        """Record an archive and the end of its upload in one transaction."""

        def write() -> None:
            self._archives.record(archive)
            self._set(
                upload,
                state="done",
                archive_id=archive.archive_id,
                tree_hash=archive.tree_hash,
                error=None,
                owner=None,
                lease_until=None,
            )

        self._database.together(write)  # on the disk: only an inventory would show a forgotten archive

    def ended(self, upload: int, state: str, error: str) -> None:
        """Record how an upload ended (failed, aborted), or that this is unknown (unsettled)."""
        self._set(upload, state=state, error=error, owner=None, lease_until=None)

    def released(self, upload: int, error: str = "") -> None:
        """Release the lease on an upload that stopped and can be resumed."""
        self._set(upload, error=error, owner=None, lease_until=None)

    # Settled by an inventory

    def settle(self, vault: str, made: int) -> None:
        """Find in an inventory's archives how uploads without a response ended.

        An upload whose hash and description are listed is done; one that should be listed by now
        and is not has failed, and may be repeated.
        """
        for upload in self.open_of(vault):
            if upload.held or (upload.upload_id is not None and upload.state == "sending"):
                continue  # in progress, or its parts are still stored
            found = self._archive_of(upload)
            if found is not None:
                self._set(upload.id, state="done", archive_id=found, owner=None, error=None)
            elif upload.started < made - LAG:  # inventories may omit the latest uploads
                self.ended(upload.id, "failed", "never reached the vault")

    def _archive_of(self, upload: Upload) -> str | None:
        row = self._database.row(
            "SELECT archive_id FROM archives a WHERE account=:account AND region=:region "
            "AND vault=:vault AND tree_hash=:tree_hash AND description=:description "
            # An archive of another upload's response is not the outcome of this one.
            "AND state='listed' AND NOT EXISTS (SELECT 1 FROM uploads u WHERE "
            "u.account=a.account AND u.region=a.region AND u.archive_id=a.archive_id)",
            {
                **self._key,
                "vault": upload.vault,
                "tree_hash": upload.tree_hash,
                "description": upload.description,
            },
        )
        return None if row is None else str(row["archive_id"])

    def doubles(self, vault: str) -> list[tuple[str, str]]:
        """Return (name, archive id) of archives that a repeated request seems to have stored twice.

        They have the hash and description of an upload that was repeated after a lost response, and
        are not the archive of its second response.
        """
        rows = self._database.rows(
            "SELECT DISTINCT a.name, a.archive_id FROM uploads u JOIN archives a "
            "ON a.account=u.account AND a.region=u.region AND a.vault=u.vault "
            "AND a.tree_hash=u.tree_hash AND a.description=u.description "
            "AND a.archive_id<>u.archive_id WHERE u.account=:account AND u.region=:region "
            "AND u.vault=:vault AND u.doubt=1 AND u.state='done' AND a.state='listed' "
            "AND NOT EXISTS (SELECT 1 FROM uploads o WHERE o.archive_id=a.archive_id)",
            {**self._key, "vault": vault},
        )
        return [(row["name"], row["archive_id"]) for row in rows]

    def _set(self, upload: int, **values: Any) -> None:
        values["updated"] = int(self._database.now() * 1000)
        names = ", ".join(f"{name}=?" for name in values)
        self._database.execute(f"UPDATE uploads SET {names} WHERE id=?", (*values.values(), upload))

    def _select(self, where: str, **values: Any) -> list[Upload]:
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM uploads WHERE account=:account AND region=:region AND {where}",
            {**self._key, **values},
        )
        here = self._database.here
        return [Upload(**{**dict(row), "lease_until": here(row["lease_until"])}) for row in rows]
