"""Units of provisioned capacity bought: the intent before the paid call, the outcome after it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass

from ..storage.database import Database, Scope


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """One unit that was asked for; ``asked`` in milliseconds since 1970 by this computer.

    :param known: ids of the units that there were before.
    :param state: ``asking`` until an answer was seen, then ``done`` or ``failed``.
    """

    id: int
    known: frozenset[str]
    state: str
    capacity_id: str | None
    asked: int


class Purchases:
    """The purchases of one account and region."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._key = {"account": scope.account, "region": scope.region}

    def begin(self, known: Iterable[str]) -> int | None:
        """Write the intent to buy one unit, before it is asked for; return its number.

        None if another process has done so and its answer is not known yet.
        """
        made = self._database.execute(
            "INSERT INTO purchases(account, region, known, state, asked) "
            "VALUES(:account, :region, :known, 'asking', :asked) ON CONFLICT DO NOTHING",
            {**self._key, "known": json.dumps(sorted(known)), "asked": _now()},
        )
        ours = self.open() if made else None
        return None if ours is None else ours.id

    def settle(self, purchase: int, state: str, capacity_id: str | None = None) -> None:
        """Note how a purchase ended: ``done`` with the unit's id, or ``failed``."""
        self._database.execute(
            "UPDATE purchases SET state=?, capacity_id=? WHERE id=?", (state, capacity_id, purchase)
        )

    def open(self) -> Purchase | None:
        """Return the purchase whose answer was not seen, or None."""
        row = self._database.row(
            "SELECT id, known, state, capacity_id, asked FROM purchases "
            "WHERE account=:account AND region=:region AND state='asking' ORDER BY id DESC",
            self._key,
        )
        if row is None:
            return None
        return Purchase(**{**dict(row), "known": frozenset(json.loads(row["known"]))})


def _now() -> int:
    return int(time.time() * 1000)
