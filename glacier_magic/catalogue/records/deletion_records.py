"""Deletion queues: all archives before the first request, each outcome after its response.

A queue has exactly the archives that were confirmed.  Archives that match the plan's selection later
are never deleted, however often the process is killed and the queue resumed.
"""

from __future__ import annotations

import json
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ..archives import archive_deletion as deleted
from ..archives.archives import ArchiveRecord, Archives
from ..storage.database import Database, Scope
from ..storage.holding import HELD
from ..storage.leases import Leases

CHUNK = 500
"""Rows named in one statement."""

KEPT = 30 * 86400 * 1000
"""Milliseconds for which the items of a finished deletion are stored."""


class DeletionChoice:
    """A fixed selection of archives, in eight bytes each: a vault may have millions.

    :param rows: row numbers of the catalogue, in the order in which they are shown.
    :param unknown: archives without a row in the catalogue.
    :param left_out: the number of selected archives that this catalogue deleted before.
    """

    def __init__(
        self,
        archives: Archives,
        vault: str,
        rows: Iterable[int],
        unknown: Sequence[ArchiveRecord] = (),
        *,
        left_out: int = 0,
    ) -> None:
        self._archives, self.vault, self.left_out = archives, vault, left_out
        self.rows, self.unknown = array("q", rows), tuple(unknown)

    def __len__(self) -> int:
        return len(self.rows) + len(self.unknown)

    def __iter__(self) -> Iterator[ArchiveRecord]:
        """Yield the archives in order, as the catalogue knows them now."""
        yield from self.known()
        yield from self.unknown

    def known(self) -> Iterator[ArchiveRecord]:
        """Yield those with a row in the catalogue."""
        for start in range(0, len(self.rows), CHUNK):
            some = self.rows[start : start + CHUNK]
            found = self._archives.numbered(self.vault, some)
            yield from (found[number] for number in some if number in found)


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """One queue; times in milliseconds since 1970 UTC, ``last`` by the service's clock."""

    id: int
    vault: str
    what: str
    archives: int
    bytes: int
    promised: str
    state: str
    deleted: int
    failed: int
    last: int | None
    error: str | None
    owner: str | None
    lease_until: float | None
    created: int
    ended: int | None
    plan: int | None

    @property
    def left(self) -> int:
        """The number of archives not tried yet."""
        return self.archives - self.deleted - self.failed

    @property
    def of_moved(self) -> int:
        """The level of proof that the move of each archive must have; 0 if they were not moved."""
        level = json.loads(self.promised).get("moved", 0)
        return 2 if level is True else int(level)  # True is of an older version

    @property
    def held(self) -> bool:
        """Whether a living process works on it."""
        return self.owner is not None and (self.lease_until or 0) > time.time()

    @property
    def on_hold(self) -> bool:
        """Whether it waits for the user; see :mod:`.holding`."""
        return self.owner == HELD


@dataclass(frozen=True)
class DeletionItem:
    """One archive of a queue; ``created`` is 0 if not known."""

    number: int
    archive_id: str
    name: str
    size: int | None
    created: int
    state: str
    error: str | None


Outcome = tuple[DeletionItem, str | None]
"""An archive, and the error if it could not be deleted."""

_COLUMNS = ", ".join(field.name for field in fields(Deletion))
_ITEM = ", ".join(field.name for field in fields(DeletionItem))


class Deletions:
    """The deletions of one account and region."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database, self._scope = database, scope
        self._key = (scope.account, scope.region)
        self.leases = Leases(database, "deletions")

    def begin(
        self,
        choice: DeletionChoice,
        *,
        what: str,
        size: int,
        promised: Mapping[str, Any],
        also: Callable[[int], object] = lambda _: None,
        plan: int | None = None,
    ) -> Deletion:
        """Write the confirmed queue in one transaction, before anything is sent.

        :param plan: the number of the plan in the history, which gets the outcome.
        :param also: called with the number of the new queue, in the same transaction.
        """
        now = int(time.time() * 1000)
        with self._database.transaction():
            self._tidy(now)
            number = self._database.insert(
                "INSERT INTO deletions(account, region, vault, what, archives, bytes, promised, "
                "state, created, plan) VALUES(?,?,?,?,?,?,?,'open',?,?)",
                (*self._key, choice.vault, what, len(choice), size, json.dumps(promised), now, plan),
            )
            self._fill(number, choice)
            also(number)  # so that no drop exists without its queue, nor a queue without its drop
        return self.get(number)

    def _fill(self, deletion: int, choice: DeletionChoice) -> None:
        into = f"INSERT INTO deletion_items(deletion, {_ITEM}) "
        for start in range(0, len(choice.rows), CHUNK):
            # Copied within the database: a queue may have millions of archives.
            some = ",".join(map(str, choice.rows[start : start + CHUNK]))
            self._database.execute(
                f"{into} SELECT {deletion:d}, id, archive_id, name, size, COALESCE(created, 0), "
                f"'queued', NULL FROM archive_rows WHERE id IN ({some})"  # from an array of integers
            )
        for place, archive in enumerate(choice.unknown, 1):
            self._database.execute(
                f"{into} VALUES(?,?,?,?,NULL,0,'queued',NULL)",
                (deletion, -place, archive.archive_id, archive.name),  # negative: not a row number
            )

    def _tidy(self, now: int) -> None:
        """Delete the items of queues that ended long ago; the queue's own row stays."""
        self._database.execute(
            "DELETE FROM deletion_items WHERE deletion IN (SELECT id FROM deletions WHERE "
            "account=? AND region=? AND state<>'open' AND ended<?)",
            (*self._key, now - KEPT),
        )

    def get(self, deletion: int) -> Deletion:
        """Return one by its number.

        :raises LookupError: there is none.
        """
        found = self._select("id=?", (deletion,))
        if not found:
            raise LookupError(deletion)
        return found[0]

    def unfinished(self) -> list[Deletion]:
        """Return the queues that are open or have failed items, oldest first."""
        return self._select("(state='open' OR (state='done' AND failed>0)) ORDER BY id", ())

    def queued(self, deletion: int) -> Iterator[DeletionItem]:
        """Yield the archives not tried yet, oldest first.

        If a vault lock denies deleting young archives, all that follow the first denied one would
        be denied as well.
        """
        after = (-1, -(1 << 62))  # before all rows: unknown creation dates are 0
        while rows := self._after(deletion, after):  # by key, not by offset: rows leave the queue meanwhile
            yield from rows
            after = (rows[-1].created, rows[-1].number)

    def _after(self, deletion: int, after: tuple[int, int]) -> list[DeletionItem]:
        return self._items(
            "deletion=? AND state='queued' AND (created, number)>(?, ?) ORDER BY created, number LIMIT ?",
            (deletion, *after, CHUNK),
        )

    def items(self, deletion: int, state: str, limit: int = -1) -> list[DeletionItem]:
        """Return the archives of a queue in one state, by name."""
        most = 1 << 62 if limit < 0 else limit  # PostgreSQL accepts no negative LIMIT
        return self._items("deletion=? AND state=? ORDER BY name, number LIMIT ?", (deletion, state, most))

    def settle(self, deletion: Deletion, outcomes: Sequence[Outcome], now: int) -> None:
        """Record outcomes, and their effects on the archives, in one transaction.

        :param now: the service's time of the latest response.
        """
        gone = [item.archive_id for item, error in outcomes if error is None]

        def write() -> None:
            failed = len(outcomes) - len(gone)
            for item, error in outcomes:
                self._database.execute(
                    "UPDATE deletion_items SET state=?, error=? WHERE deletion=? AND number=?",
                    ("failed" if error else "deleted", error, deletion.id, item.number),
                )
            deleted.mark(self._database, self._scope, deletion.vault, gone, now)
            self._database.execute(
                "UPDATE deletions SET deleted=deleted+?, failed=failed+?, "
                # A refused deletion does not write to the vault.
                "last=CASE WHEN ?>0 THEN ? ELSE last END WHERE id=?",
                (len(gone), failed, len(gone), now, deletion.id),
            )

        # May be lost in a power cut: deleting an archive twice is no error, and this saves an fsync.
        self._database.together(write, power_safe=False)

    def try_again(self, deletion: int) -> None:
        """Put the failed archives into the queue again."""
        with self._database.transaction():  # the counts must agree with the items
            changed = self._database.execute(
                "UPDATE deletion_items SET state='queued', error=NULL WHERE deletion=? AND state='failed'",
                (deletion,),
            )
            self._database.execute(
                "UPDATE deletions SET state='open', ended=NULL, error=NULL, failed=failed-? WHERE id=?",
                (changed, deletion),
            )

    def ended(self, deletion: int, state: str, error: str | None = None) -> None:
        """Record that a queue is done, stopped by an error (still open), or forgotten."""
        ended = None if state == "open" else int(time.time() * 1000)
        self._database.execute(
            # A process that still deletes must not reopen a queue that the user has forgotten.
            "UPDATE deletions SET state=?, error=?, ended=? WHERE id=? AND state<>'forgotten'",
            (state, error, ended, deletion),
        )

    def vault_is_gone(self, vault: str, now: int) -> None:
        """Record that a vault, with all its archives, was dropped at *now* by the service's clock."""
        deleted.mark_vault(self._database, self._scope, vault, now)

    def _items(self, where: str, values: Sequence[Any]) -> list[DeletionItem]:
        rows = self._database.rows(f"SELECT {_ITEM} FROM deletion_items WHERE {where}", values)
        return [DeletionItem(*row) for row in rows]

    def _select(self, where: str, values: Sequence[Any]) -> list[Deletion]:
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM deletions WHERE account=? AND region=? AND {where}",
            (*self._key, *values),
        )
        here = self._database.here
        return [Deletion(**{**dict(row), "lease_until": here(row["lease_until"])}) for row in rows]
