"""Downloads of archives and parts, from the request to the verified file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ...base.ranges import ByteRange
from ..storage.database import Database, Scope
from ..storage.holding import HELD, NOT_HELD
from . import twins
from .job_records import JobRecord, Jobs
from .plans import Plans

OPEN = ("planned", "asking", "waiting", "ready", "downloading")
"""States of downloads in progress."""

ENDED = ("verified", "unverified", "failed", "expired", "forgotten")
"""Final states."""

FORGETTABLE = ("verified", "unverified", "failed", "expired")
"""Final states that can be removed from the job board."""


@dataclass(frozen=True, kw_only=True)
class Download:
    """One archive, or part of one, and its file; the schema lists the states."""

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
    due: int | None
    limits: str | None
    moves: int
    renewal: str | None
    renewed: float | None
    part: str | None = None
    cover: str | None = None
    days: int | None = None

    @property
    def asked_part(self) -> ByteRange | None:
        """The bytes of the archive to write; None for all of them."""
        return ByteRange.read(self.part)

    @property
    def wanted(self) -> tuple[str, str, ByteRange | None]:
        """Vault, archive and bytes that a job must have to serve it."""
        return self.vault, self.archive_id, self.asked_part

    @property
    def open(self) -> bool:
        """Whether it is in progress."""
        return self.state in OPEN

    @property
    def on_hold(self) -> bool:
        """Whether it waits for the user; see :mod:`.holding`."""
        return self.owner == HELD

    @property
    def twin(self) -> bool:
        """Whether it waits for another download with the same bytes: see :mod:`.twins`."""
        return self.state == "waiting" and self.job_id is None

    @property
    def unasked(self) -> bool:
        """Whether no request was made for it yet."""
        return self.state == "planned" or self.twin

    @property
    def verified_pieces(self) -> dict[int, str]:
        """The tree hash of each piece that is on disk and verified, by its number."""
        return {int(k): v for k, v in json.loads(self.pieces or "{}").items()}

    def free_for(self, owner: str) -> bool:
        """Whether no other living process drives this download."""
        # An expired lease: its process is dead.
        return self.owner in (None, owner) or (self.lease_until or 0) < time.time()


_COLUMNS = ", ".join(field.name for field in fields(Download))
_INTENT = (
    "vault",
    "batch",
    "archive_id",
    "name",
    "size",
    "tree_hash",
    "mtime",
    "tier",
    "root",
    "target",
    "token",
    "state",
    "job_id",
    "asked",
    "due",
    "limits",
    "part",
    "cover",
)


_WANTED_AGAIN = (
    "EXISTS (SELECT 1 FROM downloads again WHERE again.account=downloads.account "
    "AND again.region=downloads.region AND again.vault=downloads.vault "
    "AND again.archive_id=downloads.archive_id AND again.root=downloads.root "
    "AND COALESCE(again.part, '')=COALESCE(downloads.part, '') "  # in SQL, null equals nothing
    "AND COALESCE(again.home, '')=COALESCE(downloads.home, '') "
    "AND again.id>downloads.id AND again.state<>'forgotten')"
)


class Downloads:
    """The downloads of one account and region.

    In a team's catalogue they are those into the folders of this user: another's computer neither
    requests nor downloads them, and shows their jobs as those of others.
    """

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._scope = scope
        self._key = (scope.account, scope.region)
        self._plans = Plans(database, scope)

    def want(self, intents: Iterable[Mapping[str, Any]]) -> list[int]:
        """Write the intents of a batch, all or none, before any request; return the row ids."""
        sql = (
            f"INSERT INTO downloads(account, region, home, {', '.join(_INTENT)}) "
            f"VALUES({','.join('?' * (len(_INTENT) + 3))})"
        )
        with self._database.transaction():
            return [
                self._database.insert(
                    sql, (*self._key, self._database.home, *(intent.get(name) for name in _INTENT))
                )
                for intent in intents
            ]

    def get(self, download: int) -> Download:
        """Return one download by its number."""
        found = self._select("id=?", (download,))
        if not found:
            raise LookupError(download)
        return found[0]

    def open(self) -> list[Download]:
        """Return the downloads in progress, oldest first."""
        return self._select(f"state IN ({_marks(OPEN)}) ORDER BY id", OPEN)

    def under_way(self) -> int:
        """Return the number of downloads in progress that are not on hold."""
        sql = (
            "SELECT COUNT(*) FROM downloads WHERE account=? AND region=? AND COALESCE(home, '')=? "
            f"AND {NOT_HELD} AND state IN ({_marks(OPEN)})"
        )
        return self._database.number(sql, (*self._key, self._database.home, *OPEN))

    def asking_elsewhere(self) -> list[Download]:
        """Return the downloads of other users that are being requested at present."""
        return self._select("state='asking' ORDER BY id", (), ours=False)

    def recent(self, limit: int = 1000) -> list[Download]:
        """Return the newest downloads in any state but forgotten, or expired and requested again."""
        return self._select(
            f"state<>'forgotten' AND NOT (state='expired' AND {_WANTED_AGAIN}) ORDER BY id DESC LIMIT ?",
            (limit,),
        )

    def expired(self) -> list[Download]:
        """Return the expired downloads that were not requested again since, oldest first."""
        return self._select(f"state='expired' AND NOT {_WANTED_AGAIN} ORDER BY id", ())

    def to_fetch(self, owner: str, limit: int) -> list[Download]:
        """Return downloads whose job is done and that no other process holds, one for the same bytes.

        The output that expires first comes first, so that most of them are downloaded in time.
        """
        return self._select(
            "state IN ('ready', 'downloading') AND (owner IS NULL OR owner=? OR lease_until<?) "
            f"AND {twins.IN_TURN} "
            "ORDER BY COALESCE((SELECT j.completed FROM jobs j WHERE j.account=downloads.account "
            "AND j.region=downloads.region AND j.vault=downloads.vault "
            "AND j.job_id=downloads.job_id), 0), id LIMIT ?",  # copies have no job and come first
            (owner, self._database.now(), limit),
        )

    def numbered(self, numbers: Sequence[int]) -> list[Download]:
        """Return downloads by their numbers."""
        found: list[Download] = []
        for start in range(0, len(numbers), 500):  # SQLite limits the values of a statement
            some = numbers[start : start + 500]
            found += self._select(f"id IN ({_marks(some)})", some)
        return found

    def of_batch(self, batch: str) -> list[Download]:
        """Return the downloads of one restore request."""
        return self._select("batch=? ORDER BY id", (batch,))

    def below(self, vault: str, root: str) -> list[Download]:
        """Return the downloads into a folder that matter to another restore into it, oldest first.

        They are those that are open, those that stopped half-way, and those whose file is there: only
        its download knows the tree hash of the file of a part, or of an archive that was listed without one.
        """
        return self._select(
            "vault=? AND root=? AND state<>'forgotten' AND (part IS NOT NULL OR state='verified' "
            f"OR state IN ({_marks(OPEN)}) OR (state IN ('failed', 'expired') AND part_path IS NOT NULL)) "
            "ORDER BY id",
            (vault, root, *OPEN),
        )

    def claim(self, download: int, owner: str, states: Sequence[str], new: str) -> bool:
        """Move a download from one of *states* to *new* and hold it, unless another process does.

        Asking and downloading are only ever done by the process that holds the lease.
        """
        now = self._database.now()
        sql = (
            "UPDATE downloads SET state=?, owner=?, lease_until=? WHERE id=? "  # one statement: no race
            f"AND state IN ({_marks(states)}) "
            "AND (owner IS NULL OR owner=? OR lease_until<?)"  # an expired lease: its process is dead
        )
        values = (new, owner, now + self._database.limits.download_lease, download, *states, owner, now)
        # A power failure ends the process that holds it as well.
        return self._database.whole(lambda: self._database.execute(sql, values), power_safe=False) > 0

    def claim_asking(self, download: int, owner: str) -> bool:
        """Move a planned download to asking, unless its archive is being requested already.

        One statement checks and claims: two requests for the same bytes would both be paid.
        """
        now = self._database.now()
        changed = self._database.execute(
            "UPDATE downloads SET state='asking', owner=?, lease_until=? WHERE id=? "
            "AND state='planned' AND (owner IS NULL OR owner=? OR lease_until<?) "
            "AND NOT EXISTS (SELECT 1 FROM downloads other WHERE other.state='asking' "
            "AND other.account=downloads.account AND other.region=downloads.region "
            "AND other.vault=downloads.vault AND other.archive_id=downloads.archive_id "
            # A null cover is the whole archive, which has the bytes of every part.
            "AND (other.cover IS NULL OR downloads.cover IS NULL OR other.cover=downloads.cover))",
            (owner, now + self._database.limits.download_lease, download, owner, now),
        )
        return changed > 0

    def renew(self, owner: str) -> None:
        """Extend the hold of a living process on all that it drives."""
        self._database.execute(
            "UPDATE downloads SET lease_until=? WHERE owner=? AND state IN ('asking', 'downloading')",
            (self._database.now() + self._database.limits.download_lease, owner),
        )

    def held_by(self, owner: str) -> bool:
        """Return whether this process is requesting or downloading anything."""
        sql = "SELECT 1 FROM downloads WHERE owner=? AND state IN ('asking', 'downloading')"
        return self._database.row(sql, (owner,)) is not None

    def asked(self, download: int, job: JobRecord, when: int | None) -> None:
        """Record a new job and the download that it serves, in one transaction."""
        with self._database.transaction():
            # A job without its download would be paid and never fetched.
            Jobs(self._database, self._scope).record([job], ours=True)
            self._plans.asked(download, job.job_id)  # the history shows it as paid
            self.update(
                download, state="waiting", job_id=job.job_id, asked=when, owner=None, error=None, moves=0
            )
            twins.serve(self._database, download, job.job_id)

    def adopt(self, download: int, job_id: str) -> None:
        """Record that an existing job serves a download."""
        with self._database.transaction():
            self.update(download, state="waiting", job_id=job_id, owner=None, error=None)
            twins.serve(self._database, download, job_id)

    def found(self, download: int, job_id: str) -> None:
        """Record the job of a download whose response was lost."""
        with self._database.transaction():
            self._plans.asked(download, job_id)  # paid by the plan, although the response was lost
            self.adopt(download, job_id)

    def update(self, download: int, **values: Any) -> None:
        """Set columns of one download; a final state is recorded in its plans as well."""
        names = ", ".join(f"{name}=?" for name in values)  # keywords of this project's own calls
        with self._database.transaction():
            self._database.execute(f"UPDATE downloads SET {names} WHERE id=?", (*values.values(), download))
            # In the same transaction: plans never wait for a finished download.
            if values.get("state") in ENDED:
                self._plans.settled(download, values["state"], values.get("ended"), values.get("error"))
                self.settle_twins(values.get("ended"), download)

    def settle_twins(self, ended: int | None, last: int | None = None) -> None:
        """Move on what waits for others with the same bytes, at *ended*: see :mod:`.twins`."""
        for twin, values in twins.settled(self._database, self._key, last):
            self.update(twin, ended=ended, **values)

    def drop_planned(self, download: int, *, ended: int | None = None) -> bool:
        """Cancel a download without a request; return whether it had none yet.

        :param ended: milliseconds since 1970 by the service's clock.
        """
        with self._database.transaction():
            unasked = self.get(download).unasked  # in the transaction: another process may claim it
            if unasked:
                self.update(download, state="forgotten", ended=ended)
        return unasked

    def unasked(self, now: int) -> bool:
        """Return whether a request is in progress, or due at *now* (milliseconds)."""
        sql = (
            "SELECT 1 FROM downloads WHERE account=? AND region=? AND (state='asking' "
            f"OR (state='planned' AND {NOT_HELD} AND COALESCE(home, '')=? "
            "AND (due IS NULL OR due<=?)))"
        )
        return self._database.row(sql, (*self._key, self._database.home, now)) is not None

    def vaults_with_work(self, states: Sequence[str] = OPEN) -> set[str]:
        """Return the vaults that have a download in one of *states*; as a rule, an open one."""
        rows = self._database.rows(
            f"SELECT DISTINCT vault FROM downloads WHERE account=? AND region=? "
            f"AND state IN ({_marks(states)})",
            (*self._key, *states),
        )
        return {row["vault"] for row in rows}

    def in_states(self, vault: str, states: Sequence[str]) -> list[Download]:
        """Return the downloads of a vault in one of *states*, oldest first."""
        return self._select(f"vault=? AND state IN ({_marks(states)}) ORDER BY id", (vault, *states))

    def ended_jobs(self) -> set[tuple[str, str]]:
        """Return vault and job of the downloads that have ended, and of those that any user forgot."""
        rows = self._database.rows(
            "SELECT vault, job_id FROM downloads WHERE account=? AND region=? AND job_id IS NOT NULL AND "
            f"(state='forgotten' OR (state IN ({_marks(ENDED)}) AND COALESCE(home, '')=?))",
            (*self._key, *ENDED, self._database.home),
        )
        return {(row["vault"], row["job_id"]) for row in rows}

    def forget(self, numbers: Sequence[int]) -> int:
        """Keep ended downloads no more; return how many.  Files and past plans stay as they are."""
        forgotten = 0
        with self._database.transaction():
            for number in numbers:
                forgotten += self._database.execute(
                    f"UPDATE downloads SET state='forgotten' WHERE account=? AND region=? "
                    f"AND id=? AND state IN ({_marks(FORGETTABLE)})",
                    (*self._key, number, *FORGETTABLE),
                )
        return forgotten

    def _select(self, where: str, values: Sequence[Any], *, ours: bool = True) -> list[Download]:
        return select(self._database, self._scope, where, values, ours=ours)


def select(
    database: Database, scope: Scope, where: str, values: Sequence[Any], *, ours: bool = True
) -> list[Download]:
    """Return the downloads of a condition: those into this user's folders, or all others'."""
    rows = database.rows(
        f"SELECT {_COLUMNS} FROM downloads WHERE account=? AND region=? "
        f"AND COALESCE(home, ''){'=' if ours else '<>'}? AND {where}",
        (scope.account, scope.region, database.home, *values),
    )
    here = database.here  # leases use the clock that all users share
    return [Download(**{**dict(row), "lease_until": here(row["lease_until"])}) for row in rows]


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
