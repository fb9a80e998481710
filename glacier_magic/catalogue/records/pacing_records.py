"""The due times of planned downloads, and the recent requests of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..storage.database import Database, Scope
from ..storage.holding import NOT_HELD
from .downloads import Download, select

_ORDER = "COALESCE(due, 0), id"  # null is due at once; databases sort it differently
_RETRIEVED = "COALESCE((SELECT MAX(size) FROM plan_downloads WHERE download=downloads.id), size)"
"""Bytes that the service retrieves: of a part they are more than its file has."""


class Planned(NamedTuple):
    """A planned download: our number for it, when it is due, the bytes to retrieve."""

    id: int
    due: int | None
    size: int | None


class Postponed(NamedTuple):
    """A refused download: when it is due again, its consecutive refusals with this one, and the reason."""

    download: int
    due: int
    moves: int
    reason: str


class Pacing:
    """The due times of the planned downloads of one account and region.

    Times are milliseconds since 1970 UTC by the service's clock.
    """

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database, self._scope = database, scope
        self._key = (scope.account, scope.region)

    def due(self, now: int) -> list[Download]:
        """Return the planned downloads that may be requested at *now*, in order."""
        where = f"state='planned' AND {NOT_HELD} AND (due IS NULL OR due<=?) ORDER BY {_ORDER}"
        return select(self._database, self._scope, where, (now,))

    def scheduled(self, vault: str | None = None) -> list[Download]:
        """Return the planned downloads, due or not, in order."""
        place, values = ("", ()) if vault is None else (" AND vault=?", (vault,))
        where = f"state='planned'{place} ORDER BY {_ORDER}"
        return select(self._database, self._scope, where, values)

    def planned(self, batch: str) -> list[Planned]:
        """Return the planned downloads of a paced batch, in order."""
        rows = self._database.rows(
            f"SELECT id, due, {_RETRIEVED} FROM downloads WHERE account=? AND region=? AND batch=? "
            f"AND state='planned' AND {NOT_HELD} AND limits IS NOT NULL ORDER BY {_ORDER}",
            (*self._key, batch),
        )
        return [Planned(*row) for row in rows]

    def released(self, batch: str, since: int) -> list[tuple[int, int | None]]:
        """Return the time and bytes of each request of a paced batch after *since*, in order."""
        rows = self._database.rows(
            f"SELECT due, {_RETRIEVED} AS size FROM downloads WHERE account=? AND region=? AND batch=? "
            # A request in progress counts, or two processes would exceed a limit.
            "AND due>? AND limits IS NOT NULL AND (state='asking' OR job_id IS NOT NULL) ORDER BY due",
            (*self._key, batch, since),
        )
        return [(row["due"], row["size"]) for row in rows]

    def next_due(self, after: int, vault: str | None = None) -> int | None:
        """Return the next due time of a planned download after a time."""
        place, values = ("", ()) if vault is None else (" AND vault=?", (vault,))
        row = self._database.row(
            "SELECT MIN(due) AS due FROM downloads WHERE account=? AND region=? "
            f"AND COALESCE(home, '')=? AND state='planned' AND {NOT_HELD} AND due>?{place}",
            (*self._key, self._database.home, after, *values),
        )
        return None if row is None else row["due"]

    def move(self, times: Mapping[int, int]) -> None:
        """Set the due times of planned downloads, all or none: our number to milliseconds."""
        by_due: dict[int, list[int]] = {}  # archives due at the same time need one statement together
        for download, due in times.items():
            by_due.setdefault(due, []).append(download)
        with self._database.transaction():
            for due, numbers in by_due.items():
                for start in range(0, len(numbers), 500):  # SQLite bounds a statement's values
                    some = numbers[start : start + 500]
                    self._database.execute(
                        # Not what was requested meanwhile.
                        "UPDATE downloads SET due=? WHERE state='planned' "
                        f"AND id IN ({','.join('?' * len(some))})",
                        (due, *some),
                    )

    def postpone(self, postponed: Sequence[Postponed], owner: str) -> None:
        """Move downloads that the service has refused for now, or would refuse, together.

        A download that another process is requesting is left to that process.
        """
        with self._database.transaction():
            self._database.executemany(
                "UPDATE downloads SET state='planned', due=?, moves=?, error=?, owner=NULL "
                "WHERE id=? AND (state='planned' OR (state='asking' AND owner=?))",
                [(each.due, each.moves, each.reason, each.download, owner) for each in postponed],
            )

    def claim_renewal(self, download: int, token: str, patience: float) -> bool:
        """Record the intent to extend an output, unless it was recorded *patience* seconds ago.

        Another download of the archive counts as well, if its request covers this one.
        """
        now = self._database.now()
        changed = self._database.execute(
            "UPDATE downloads SET renewal=?, renewed=? WHERE id=? "
            # One statement checks and records: two requests at the same time would be a race.
            "AND state IN ('ready', 'downloading') AND NOT EXISTS (SELECT 1 FROM downloads other "
            "WHERE other.account=downloads.account AND other.region=downloads.region "
            "AND other.vault=downloads.vault AND other.archive_id=downloads.archive_id "
            "AND (other.cover IS NULL OR other.cover=downloads.cover) AND other.renewed>=?)",
            (token, now, download, now - patience),
        )
        return changed > 0
