"""Purchases of provisioned capacity: the intent before the paid request, the outcome after it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass

from ..storage.database import Database, Scope


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """One requested unit; ``asked`` in milliseconds since 1970 by this computer's clock.

    :param known: ids of the units that existed before.
    :param state: ``asking`` until a response arrives, then ``done`` or ``failed``.
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
        """Write the intent to buy one unit, before the request; return its number.

        Return None if another purchase has no response yet.
        """
        # A unique index allows one open purchase: after a lost response, a second would be paid too.
        made = self._database.execute(
            "INSERT INTO purchases(account, region, known, state, asked) "
            "VALUES(:account, :region, :known, 'asking', :asked) ON CONFLICT DO NOTHING",
            # A unit that is listed later and is not among these is the one that was bought.
            {**self._key, "known": json.dumps(sorted(known)), "asked": int(time.time() * 1000)},
        )
        ours = self.open() if made else None  # there is no other: see the index
        return None if ours is None else ours.id

    def settle(self, purchase: int, state: str, capacity_id: str | None = None) -> None:
        """Record the outcome of a purchase: ``done`` with the unit's id, or ``failed``."""
        self._database.execute(
            "UPDATE purchases SET state=?, capacity_id=? WHERE id=?", (state, capacity_id, purchase)
        )

    def open(self) -> Purchase | None:
        """Return the purchase without a response, or None."""
        row = self._database.row(
            "SELECT id, known, state, capacity_id, asked FROM purchases "
            "WHERE account=:account AND region=:region AND state='asking' ORDER BY id DESC",
            self._key,
        )
        if row is None:
            return None
        return Purchase(**{**dict(row), "known": frozenset(json.loads(row["known"]))})
