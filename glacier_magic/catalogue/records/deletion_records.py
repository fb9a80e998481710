"""Archives to delete: the whole queue before the first request, each outcome after its answer.

The queue is what was confirmed.  Whatever else comes to match the words of the plan is not in it,
and is never touched, however often the process is killed and the queue gone on with.
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
"""Milliseconds that the items of a finished deletion are kept."""


class DeletionChoice:
    """Archives chosen once and for all: eight bytes each, however many they are.

    :param rows: numbers of rows of the catalogue, in the order in which they are shown.
    :param unknown: archives that the catalogue has no row of, or that have gone.
    :param left_out: how many were chosen as well, and were deleted from here before.
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
        """Yield those that the catalogue has a row of."""
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
        """How many were not tried yet."""
        return self.archives - self.deleted - self.failed

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
"""An archive, and why it could not be deleted, if it could not."""

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
        """Write what the user has confirmed, all of it or none, before anything is sent.

        :param plan: the number of the plan in the history, which hears of the end.
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
            also(number)
        return self.get(number)

    def _fill(self, deletion: int, choice: DeletionChoice) -> None:
        into = f"INSERT INTO deletion_items(deletion, {_ITEM}) "
        for start in range(0, len(choice.rows), CHUNK):
            some = ",".join(map(str, choice.rows[start : start + CHUNK]))
            self._database.execute(
                f"{into} SELECT {deletion:d}, id, archive_id, name, size, COALESCE(created, 0), "
                f"'queued', NULL FROM archive_rows WHERE id IN ({some})"
            )
        for place, archive in enumerate(choice.unknown, 1):
            self._database.execute(
                f"{into} VALUES(?,?,?,?,NULL,0,'queued',NULL)",
                (deletion, -place, archive.archive_id, archive.name),
            )

    def _tidy(self, now: int) -> None:
        """Forget the items of what was over long ago; the queue's own row stays."""
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
        """Return those with something left to do, or that failed in part, oldest first."""
        return self._select("(state='open' OR (state='done' AND failed>0)) ORDER BY id", ())

    def queued(self, deletion: int) -> Iterator[DeletionItem]:
        """Yield what was not tried yet, the oldest archives first.

        A rule of the vault that denies deleting young archives then denies all that follow the
        first one that it denies.
        """
        after = (-1, -(1 << 62))
        while rows := self._after(deletion, after):
            yield from rows
            after = (rows[-1].created, rows[-1].number)

    def _after(self, deletion: int, after: tuple[int, int]) -> list[DeletionItem]:
        return self._items(
            "deletion=? AND state='queued' AND (created, number)>(?, ?) ORDER BY created, number LIMIT ?",
            (deletion, *after, CHUNK),
        )

    def items(self, deletion: int, state: str, limit: int = -1) -> list[DeletionItem]:
        """Return the archives of a queue in one state, by name."""
        most = 1 << 62 if limit < 0 else limit
        return self._items("deletion=? AND state=? ORDER BY name, number LIMIT ?", (deletion, state, most))

    def holds(self, deletion: int, archive_id: str) -> bool:
        """Tell whether an archive is in a queue."""
        sql = "SELECT 1 FROM deletion_items WHERE deletion=? AND archive_id=?"
        return self._database.row(sql, (deletion, archive_id)) is not None

    def settle(self, deletion: Deletion, outcomes: Sequence[Outcome], now: int) -> None:
        """Record what the service answered, with what it means for the archives, all together.

        :param now: the service's time of the latest answer.
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
                "last=CASE WHEN ?>0 THEN ? ELSE last END WHERE id=?",
                (len(gone), failed, len(gone), now, deletion.id),
            )

        # Not safe from a power cut: what it takes back is deleted once more, which is no error.
        self._database.together(write, power_safe=False)

    def try_again(self, deletion: int) -> None:
        """Put what failed into the queue once more."""
        with self._database.transaction():
            changed = self._database.execute(
                "UPDATE deletion_items SET state='queued', error=NULL WHERE deletion=? AND state='failed'",
                (deletion,),
            )
            self._database.execute(
                "UPDATE deletions SET state='open', ended=NULL, error=NULL, failed=failed-? WHERE id=?",
                (changed, deletion),
            )

    def ended(self, deletion: int, state: str, error: str | None = None) -> None:
        """Note that a queue is done, still open but stopped by an error, or forgotten for good."""
        ended = None if state == "open" else int(time.time() * 1000)
        self._database.execute(
            "UPDATE deletions SET state=?, error=?, ended=? WHERE id=? AND state<>'forgotten'",
            (state, error, ended, deletion),
        )

    def vault_is_gone(self, vault: str, now: int) -> None:
        """Note that a vault was dropped, at *now* by the service's clock: nothing is in it."""
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
