"""Drops of vaults with archives: they take days, so that every step is recorded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from ..storage.database import Database, Scope
from ..storage.holding import HELD, NOT_HELD
from ..storage.leases import Leases

BUSY = ("listing", "deleting", "proving")
"""States that continue without the user."""
OPEN = (*BUSY, "confirming")
SHOWN = 7 * 86400 * 1000
"""Milliseconds for which an ended drop is shown."""


@dataclass(frozen=True, kw_only=True)
class Drop:
    """The drop of one vault; times in milliseconds since 1970 UTC, by the service's clock."""

    id: int
    vault: str
    vault_created: int | None
    state: str
    job_id: str | None
    listed: int | None
    deletion: int | None
    after: int | None
    next_check: int | None
    note: str | None
    error: str | None
    owner: str | None
    lease_until: float | None
    created: int
    ended: int | None

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.state in OPEN

    @property
    def on_hold(self) -> bool:
        """Whether it waits for the user; see :mod:`.holding`."""
        return self.owner == HELD

    @property
    def key(self) -> str:
        """The key of its row on the job board."""
        return f"drop-{self.id}"


_COLUMNS = ", ".join(field.name for field in fields(Drop))


class Drops:
    """The drops of one account and region."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._key = (scope.account, scope.region)
        self.leases = Leases(database, "drops")

    def begin(self, vault: str, *, vault_created: int | None, now: int) -> Drop:
        """Start to drop a vault, or return its drop in progress."""
        with self._database.transaction():
            found = self.open_of(vault)  # in the transaction, so that a vault has one drop at most
            if found is not None:
                return found
            number = self._database.insert(
                "INSERT INTO drops(account, region, vault, vault_created, state, created) "
                "VALUES(?,?,?,?,'listing',?)",
                (*self._key, vault, vault_created, now),
            )
            return self.get(number)

    def get(self, drop: int) -> Drop:
        """Return one by its number.

        :raises LookupError: there is none.
        """
        found = self._select("id=?", (drop,))
        if not found:
            raise LookupError(drop)
        return found[0]

    def open_of(self, vault: str) -> Drop | None:
        """Return the drop of a vault in progress, or None."""
        found = self._select(f"vault=? AND state IN ({_marks(OPEN)})", (vault, *OPEN))
        return found[0] if found else None

    def stopped_of(self, vault: str) -> Drop | None:
        """Return the newest stopped drop of a vault, or None."""
        found = self._select("vault=? AND state='stopped' ORDER BY id DESC", (vault,))
        return found[0] if found else None

    def busy(self) -> list[Drop]:
        """Return the drops that continue without the user, oldest first."""
        return self._select(f"state IN ({_marks(BUSY)}) AND {NOT_HELD} ORDER BY id", BUSY)

    def shown(self) -> list[Drop]:
        """Return the drops that a board shows, newest first: open ones and recently ended ones."""
        since = int(time.time() * 1000) - SHOWN  # `ended` is by this computer's clock
        return self._select("state<>'forgotten' AND (ended IS NULL OR ended>?) ORDER BY id DESC", (since,))

    def update(self, drop: int, **values: Any) -> None:
        """Set columns of one drop."""
        names = ", ".join(f"{name}=?" for name in values)
        self._database.execute(f"UPDATE drops SET {names} WHERE id=?", (*values.values(), drop))

    def move(self, drop: int, before: Sequence[str], state: str, **values: Any) -> bool:
        """Change the state of a drop from one of *before*; return False if it is in none of them."""
        ended = None if state in OPEN else int(time.time() * 1000)
        values = {"state": state, "ended": ended, "note": None, **values}  # a note is about its state
        names = ", ".join(f"{name}=?" for name in values)
        changed = self._database.execute(
            # One statement: only one process moves it.
            f"UPDATE drops SET {names} WHERE id=? AND state IN ({_marks(before)})",
            (*values.values(), drop, *before),
        )
        return changed > 0

    def _select(self, where: str, values: Sequence[Any]) -> list[Drop]:
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM drops WHERE account=? AND region=? AND {where}", (*self._key, *values)
        )
        here = self._database.here
        return [Drop(**{**dict(row), "lease_until": here(row["lease_until"])}) for row in rows]


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
