"""Uploads: the intent before the first byte, the outcome with the response."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any

from ...descriptions import decode
from ...errors import LocalError
from ..archives.archives import LAG, ArchiveRecord, Archives
from ..storage.database import Database, Scope
from ..storage.letters import composed, spellings


class HeldElsewhere(LocalError):
    """Another process is storing the same file."""


class StoredMeanwhile(Exception):
    """Another process has stored the same file."""

    def __init__(self, archive_id: str) -> None:
        super().__init__(archive_id)
        self.archive_id = archive_id


class UnfinishedBefore(Exception):
    """An earlier upload of the same file has not ended."""


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

    @property
    def unfinished(self) -> bool:
        """Whether it has not ended, and may be resumed or is sent in parts."""
        return self.state in _OPEN_STATES and (self.upload_id is not None or not self.held)


def _read(description: str) -> tuple[object, ...]:
    """Return what a description says, as people read it."""
    decoded = decode(description)
    return composed(decoded.name), decoded.mtime, decoded.format


_COLUMNS = ", ".join(field.name for field in fields(Upload))
_OPEN_STATES = ("sending", "completing", "unsettled")
_OPEN = f"state IN {_OPEN_STATES}"
_OPEN_OR_DONE = f"state IN {(*_OPEN_STATES, 'done')}"
_SAME = "vault=:vault AND path=:path AND size=:size AND mtime_ns=:mtime_ns"  # written to since: another file


class KnownUploads:
    """The uploads of some files, newest first, that are done or have not ended."""

    def __init__(self, uploads: Collection[Upload]) -> None:
        self._by_file: dict[tuple[str, int, int], list[Upload]] = defaultdict(list)
        for upload in uploads:
            self._by_file[upload.path, upload.size, upload.mtime_ns].append(upload)

    def stored(
        self, *, path: str, size: int, mtime_ns: int, description: str, any_name: bool = False
    ) -> str | None:
        """Return the archive id of a file if it was stored before, or None.

        :param any_name: also with another name or description.
        """
        if not self._by_file:
            return None
        wanted = _read(description)
        for each in spellings(path):  # a folder may list decomposed what was typed composed
            for upload in self._by_file.get((each, size, mtime_ns), ()):
                if upload.state == "done" and (any_name or _read(upload.description) == wanted):
                    return upload.archive_id
        return None

    def unfinished(self, *, path: str, size: int, mtime_ns: int, description: str) -> Upload | None:
        """Return the newest upload of a file that has not ended, or None.

        One without an upload id is a single request without a response, or was not started.
        """
        found = self._by_file.get((path, size, mtime_ns), ())
        same = (upload for upload in found if upload.description == description)
        return next((upload for upload in same if upload.unfinished), None)


class Uploads:
    """The uploads of one account and region."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._key = {"account": scope.account, "region": scope.region}
        self._archives = Archives(database, scope)

    def begin(
        self,
        *,
        owner: str,
        tree_hash: str | None = None,
        since: int | None = None,
        first: bool = False,
        **facts: Any,
    ) -> Upload:
        """Write the intent to store a file, before anything is sent.

        *facts* are vault, path, size, mtime_ns, name, description and part_size.

        :param since: refuse what another process has stored since this time.
        :param first: refuse a file that has an unfinished upload.
        :raises LocalError: another living process is storing it.
        :raises StoredMeanwhile: another process has stored it since *since*.
        :raises UnfinishedBefore: *first*, and an earlier upload has not ended.
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
            self._refuse(values, since, first)
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

    def _refuse(self, values: dict[str, Any], since: int | None, first: bool) -> None:
        """Refuse a file that is being stored, or was meanwhile; called in the inserting transaction."""
        found = self._select(
            # With another description it would be another archive.
            f"{_SAME} AND description=:description AND {_OPEN_OR_DONE} ORDER BY id DESC",
            **{name: values[name] for name in ("vault", "path", "size", "mtime_ns", "description")},
        )
        if first and any(upload.unfinished for upload in found):
            raise UnfinishedBefore
        if any(upload.held and upload.state in ("sending", "completing") for upload in found):
            raise HeldElsewhere(
                f"{values['name']!r} is being uploaded by another process, or by a line that was "
                "just stopped",
                cure="Wait for it, or stop it and repeat half a minute later.",
            )
        for upload in found:
            if since is not None and upload.state == "done" and upload.updated >= since:
                raise StoredMeanwhile(upload.archive_id or "")

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

    def known(self, vault: str, paths: Collection[str]) -> KnownUploads:
        """Return the uploads of files that are done or have not ended, with one statement.

        :param paths: a few hundred at most.
        """
        forms = {f"p{n}": each for n, each in enumerate(f for path in paths for f in spellings(path))}
        marks = ", ".join(f":{name}" for name in forms)
        where = f"vault=:vault AND {_OPEN_OR_DONE} AND path IN ({marks}) ORDER BY id DESC"
        return KnownUploads(self._select(where, vault=vault, **forms) if forms else [])

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

    def open(self) -> list[Upload]:
        """Return the multipart uploads of all vaults that have not ended, newest first."""
        return self._select(f"upload_id IS NOT NULL AND {_OPEN} ORDER BY id DESC")

    def open_of_path(self, vault: str, path: str) -> list[Upload]:
        """Return the uploads of one file that have not ended."""
        return self._select(f"vault=:vault AND path=:path AND {_OPEN}", vault=vault, path=path)

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
        self._set(upload, upload_id=upload_id, state="sending")

    def completing(self, upload: int, tree_hash: str, size: int) -> None:
        """Record that all parts are stored and Complete is about to be sent."""
        # The size of a stream is known only now.
        self._set(upload, state="completing", tree_hash=tree_hash, size=size)

    def doubted(self, upload: int, part_size: int | None = None) -> None:
        """Record that a single request may have stored an archive without a response.

        :param part_size: of the parts in which the file is sent instead; None if that is not known yet.
        """
        self._set(upload, doubt=1, part_size=part_size)

    def maybe_twice(self, archive_ids: Collection[str]) -> set[str]:
        """Return the archives that an earlier request may have stored once more.

        :param archive_ids: a few hundred at most.
        """
        ids = {f"a{n}": archive_id for n, archive_id in enumerate(archive_ids)}
        account, region = map(self._database.unindexed, ("account", "region"))  # by id: a vault has many
        rows = self._database.rows(
            f"SELECT archive_id FROM uploads WHERE {account}=:account AND {region}=:region AND doubt=1 "
            f"AND archive_id IN ({', '.join(f':{name}' for name in ids)})",
            {**self._key, **ids},
        )
        return {str(row["archive_id"]) for row in rows}

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
            in_parts = upload.upload_id is not None and upload.state == "sending"
            if upload.held or (in_parts and not upload.doubt):
                continue  # in progress, or its parts are still stored
            found = self._archive_of(upload)
            if found is not None:
                self._set(upload.id, state="done", archive_id=found, owner=None, error=None)
            elif not in_parts and upload.started < made - LAG:  # inventories may omit the latest uploads
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

    def copies(self, vault: str) -> list[ArchiveRecord]:
        """Return the archives that requests without a response stored, and that were stored once more.

        They have the bytes and the description of such an upload, and no upload has their id.  The
        archive whose id is known is still stored, and is not older: of what several computers have
        stored, none takes the newest for a copy of its own, so that one is left by all.
        """
        rows = self._database.rows(
            "SELECT DISTINCT a.archive_id AS copy, o.archive_id AS kept FROM uploads u "
            "JOIN uploads o ON o.account=u.account AND o.region=u.region AND o.vault=u.vault "
            "AND o.state='done' AND o.path=u.path AND o.tree_hash=u.tree_hash "
            "AND o.description=u.description JOIN archives a ON a.account=u.account "
            # By size first, which has an index.
            "AND a.region=u.region AND a.vault=u.vault AND a.size=u.size "
            "AND a.tree_hash=u.tree_hash AND a.description=u.description AND a.created>=u.started-:lag "
            "WHERE u.account=:account AND u.region=:region AND u.vault=:vault AND u.doubt=1 "
            "AND a.state='listed' AND NOT EXISTS (SELECT 1 FROM uploads k WHERE k.archive_id=a.archive_id)",
            {**self._key, "vault": vault, "lag": LAG},
        )
        known = {row[key]: self._archives.get(vault, row[key]) for row in rows for key in ("kept", "copy")}
        found: dict[str, ArchiveRecord] = {}
        for kept, copy in ((known[row["kept"]], known[row["copy"]]) for row in rows):
            if kept is None or copy is None or kept.state not in ("present", "pending"):
                continue
            if (copy.created or 0) <= (kept.created or 0):
                found[copy.archive_id] = copy
        return list(found.values())

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
