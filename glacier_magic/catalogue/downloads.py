"""Archives that the user wants back, from the wish to the verified file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from .database import Database, Scope
from .jobs import JobRecord, Jobs

LEASE_SECONDS = 15.0
"""A process that has not renewed its hold on a download for this long is taken for dead."""

OPEN = ("planned", "asking", "waiting", "ready", "downloading")
"""States in which something is still to come."""


@dataclass(frozen=True, kw_only=True)
class Download:
    """One archive on its way to one file; see the states in the schema."""

    id: int
    vault: str
    batch: str
    archive_id: str
    name: str
    size: int | None
    tree_hash: str | None
    mtime: int | None
    tier: str
    root: str
    target: str
    token: str
    state: str
    job_id: str | None
    asked: int | None
    ended: int | None
    error: str | None
    failure: str | None
    done: int
    piece_size: int | None
    pieces: str | None
    part_path: str | None
    owner: str | None
    lease_until: float | None

    @property
    def open(self) -> bool:
        """Whether something is still to come."""
        return self.state in OPEN

    @property
    def verified_pieces(self) -> dict[int, str]:
        """The tree hash of each piece that is on disk and verified, by its number."""
        return {int(k): v for k, v in json.loads(self.pieces or "{}").items()}

    def free_for(self, owner: str) -> bool:
        """Whether no other living process drives this download."""
        return self.owner in (None, owner) or (self.lease_until or 0) < time.time()


_COLUMNS = ", ".join(field.name for field in fields(Download))
_WISH = (
    "vault", "batch", "archive_id", "name", "size", "tree_hash", "mtime", "tier", "root", "target",
    "token", "state", "job_id", "asked",
)  # fmt: skip


class Downloads:
    """The downloads of one account and region.

    In a team's catalogue they are those into the folders of this user: another's computer neither
    asks for them nor fetches them, and sees their jobs as those of others.
    """

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._scope = scope
        self._key = (scope.account, scope.region)

    def want(self, wishes: Iterable[Mapping[str, Any]]) -> list[int]:
        """Write the user's consent for a batch, all of it or none; return the row ids."""
        sql = (
            f"INSERT INTO downloads(account, region, home, {', '.join(_WISH)}) "
            f"VALUES({','.join('?' * (len(_WISH) + 3))})"
        )
        with self._database.transaction():
            return [
                self._database.insert(
                    sql, (*self._key, self._database.home, *(wish.get(name) for name in _WISH))
                )
                for wish in wishes
            ]

    def get(self, download: int) -> Download:
        """Return one download by our own number for it."""
        found = self._select("id=?", (download,))
        if not found:
            raise LookupError(download)
        return found[0]

    def open(self) -> list[Download]:
        """Return every download with something still to come, oldest first."""
        return self._select(f"state IN ({_marks(OPEN)}) ORDER BY id", OPEN)

    def asking_elsewhere(self) -> list[Download]:
        """Return the downloads of others that are being asked for: nobody asks meanwhile."""
        return self._select("state='asking' ORDER BY id", (), ours=False)

    def recent(self, limit: int = 1000) -> list[Download]:
        """Return the newest downloads in any state but forgotten."""
        return self._select("state<>'forgotten' ORDER BY id DESC LIMIT ?", (limit,))

    def to_fetch(self, owner: str, limit: int) -> list[Download]:
        """Return the oldest downloads whose job is done and that no other process drives."""
        return self._select(
            "state IN ('ready', 'downloading') AND (owner IS NULL OR owner=? OR lease_until<?) "
            "ORDER BY id LIMIT ?",
            (owner, self._database.now(), limit),
        )

    def numbered(self, numbers: Sequence[int]) -> list[Download]:
        """Return downloads by our own numbers for them."""
        found: list[Download] = []
        for start in range(0, len(numbers), 500):  # SQLite bounds the values of a statement
            some = numbers[start : start + 500]
            found += self._select(f"id IN ({_marks(some)})", some)
        return found

    def of_batch(self, batch: str) -> list[Download]:
        """Return the downloads of one restore request."""
        return self._select("batch=? ORDER BY id", (batch,))

    def open_for(self, vault: str, archive_id: str, root: str) -> Download | None:
        """Return a download of this archive into this folder that is already under way."""
        found = self._select(
            f"vault=? AND archive_id=? AND root=? AND state IN ({_marks(OPEN)})",
            (vault, archive_id, root, *OPEN),
        )
        return found[0] if found else None

    def stopped_for(self, vault: str, archive_id: str, root: str) -> Download | None:
        """Return the newest failed or expired download whose verified pieces can be used again."""
        found = self._select(
            "vault=? AND archive_id=? AND root=? AND state IN ('failed', 'expired') "
            "AND part_path IS NOT NULL ORDER BY id DESC",
            (vault, archive_id, root),
        )
        return found[0] if found else None

    def claim(self, download: int, owner: str, states: Sequence[str], new: str) -> bool:
        """Move a download from one of *states* to *new* and hold it, unless another process does.

        Asking and downloading are only ever done by the process that holds the lease.
        """
        now = self._database.now()
        return (
            self._database.execute(
                "UPDATE downloads SET state=?, owner=?, lease_until=? WHERE id=? "
                f"AND state IN ({_marks(states)}) "
                "AND (owner IS NULL OR owner=? OR lease_until<?)",
                (new, owner, now + LEASE_SECONDS, download, *states, owner, now),
            )
            > 0
        )

    def claim_asking(self, download: int, owner: str) -> bool:
        """Move a planned download to asking, unless its archive is being asked for already.

        That another process or download asks for it is checked in the same statement.
        """
        now = self._database.now()
        changed = self._database.execute(
            "UPDATE downloads SET state='asking', owner=?, lease_until=? WHERE id=? "
            "AND state='planned' AND (owner IS NULL OR owner=? OR lease_until<?) "
            "AND NOT EXISTS (SELECT 1 FROM downloads other WHERE other.state='asking' "
            "AND other.account=downloads.account AND other.region=downloads.region "
            "AND other.vault=downloads.vault AND other.archive_id=downloads.archive_id)",
            (owner, now + LEASE_SECONDS, download, owner, now),
        )
        return changed > 0

    def renew(self, owner: str) -> None:
        """Extend the hold of a living process on all that it drives."""
        self._database.execute(
            "UPDATE downloads SET lease_until=? "
            "WHERE owner=? AND state IN ('asking', 'downloading')",
            (self._database.now() + LEASE_SECONDS, owner),
        )

    def held_by(self, owner: str) -> bool:
        """Tell whether this process is asking for or fetching anything."""
        sql = "SELECT 1 FROM downloads WHERE owner=? AND state IN ('asking', 'downloading')"
        return self._database.row(sql, (owner,)) is not None

    def asked(self, download: int, job: JobRecord, when: int | None) -> None:
        """Record the job that the service answered, and the wish that it serves, together."""
        with self._database.transaction():
            Jobs(self._database, self._scope).record([job], ours=True)
            self.update(
                download, state="waiting", job_id=job.job_id, asked=when, owner=None, error=None
            )

    def adopt(self, download: int, job_id: str) -> None:
        """Let a download be served by a job that exists already."""
        self.update(download, state="waiting", job_id=job_id, owner=None, error=None)

    def update(self, download: int, **values: Any) -> None:
        """Set columns of one download."""
        names = ", ".join(f"{name}=?" for name in values)
        self._database.execute(
            f"UPDATE downloads SET {names} WHERE id=?",
            (*values.values(), download),
        )

    def vaults_with_work(self) -> set[str]:
        """Return the vaults that have an open download."""
        rows = self._database.rows(
            f"SELECT DISTINCT vault FROM downloads WHERE account=? AND region=? "
            f"AND state IN ({_marks(OPEN)})",
            (*self._key, *OPEN),
        )
        return {row["vault"] for row in rows}

    def _select(self, where: str, values: Sequence[Any], *, ours: bool = True) -> list[Download]:
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM downloads WHERE account=? AND region=? "
            f"AND COALESCE(home, ''){'=' if ours else '<>'}? AND {where}",
            (*self._key, self._database.home, *values),
        )
        here = self._database.here
        return [Download(**{**dict(row), "lease_until": here(row["lease_until"])}) for row in rows]


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
