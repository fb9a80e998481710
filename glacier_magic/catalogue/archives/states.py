"""The state of an archive, derived from the ordinals of the inventories that list it.

Each complete inventory of a vault has the next ordinal; ``vaults.current`` is the ordinal of the
latest one.  A row whose ``listed`` or ``unlisted`` is higher belongs to an inventory that is being
read and does not count yet: one write of ``vaults.current`` makes the whole inventory effective.

present       an inventory lists it
pending       uploaded from this catalogue, in no inventory yet
unknown       recorded by another tool, in no inventory yet
gone          a later whole inventory does not list it, or no inventory lists it in time
deleted here  the service accepted its deletion, requested from this catalogue
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ...errors import InputError, NameNotKnown
from ...errors.steps import step

LISTED, UPLOADED, IMPORTED = 0, 1, 2
"""Origins of a row: an inventory, an upload from this catalogue, another tool's record."""

DELETED = "deleted here"
STATES = ("present", "pending", "unknown", "gone", DELETED)
IN_VAULT = ("present", "pending", "unknown")

LAG = 3 * 86400 * 1000  # the service makes inventories about once a day: three days are generous
"""Milliseconds after which an archive must be in an inventory."""

EVENTS = {"listed": "present", "uploaded": "pending", "deleted": DELETED}
"""Events in the life of an archive, and the state that each leads to."""


def parse_states(names: Iterable[str]) -> list[str]:
    """Return the states that *names* spell; ``deleted`` is short for ``deleted here``.

    :raises InputError: one of them is no state.
    """
    found = []
    for name in names:
        plain = " ".join(name.lower().replace("-", " ").replace("_", " ").split())
        state = DELETED if plain == "deleted" else plain
        if state not in STATES:
            raise InputError(f"There is no state {name!r:.80}", cure=f"States are {', '.join(STATES)}.")
        found.append(state)
    return found


@dataclass(frozen=True)
class Presence:
    """The columns of a row that determine its state."""

    origin: int
    listed: int | None = None
    unlisted: int | None = None
    deleted: int | None = None

    def state(self, current: int) -> str | None:
        """Return the state; None for a row that only an incomplete inventory lists."""
        if self.deleted is not None:  # first: inventories list a deleted archive for another day
            return DELETED
        if self.unlisted is not None and self.unlisted <= current:
            return "gone"
        if self.listed is not None and self.listed <= current:
            return "present"
        return {UPLOADED: "pending", IMPORTED: "unknown"}.get(self.origin)

    def in_vault(self, current: int) -> bool:
        """Return whether the archive counts as stored in the vault."""
        return self.state(current) in IN_VAULT

    def after(self, state: str, current: int, now: int) -> Presence:
        """Return the presence once *state*, or one of :data:`EVENTS`, is recorded.

        A deletion is never undone.
        """
        state = EVENTS.get(state, state)
        if state == "pending":
            return replace(self, origin=UPLOADED, unlisted=None)
        if state == "present":
            return replace(self, listed=_earlier(self.listed, current), unlisted=None)
        if state == "gone":
            return replace(self, listed=_earlier(self.listed, current), unlisted=current)
        if state == DELETED:
            # The first date counts.
            return replace(self, deleted=now if self.deleted is None else self.deleted)
        # What an upload or an inventory has said is more certain.
        return self if self.origin != LISTED or self.listed is not None else Presence(IMPORTED)


def _earlier(listed: int | None, current: int) -> int:
    # Above current: from an incomplete inventory.
    return current if listed is None or listed > current else listed


def deleted_here(name: str) -> NameNotKnown:
    """Return the error for an archive whose deletion the service has accepted."""
    return NameNotKnown(
        f"{name!r} was deleted from here and is no longer in the vault",
        cure=f"{step('ls', '--state deleted')} lists what was deleted.",
    )


def last_seen(listed: int | None, unlisted: int | None, dates: Iterable[tuple[int, int]]) -> int | None:
    """Return the date of the last inventory that lists a row, None if none does.

    :param dates: ordinal and date of the vault's inventories, latest first.
    """
    if listed is None:
        return None
    return next((made for number, made in dates if unlisted is None or number < unlisted), None)


def in_vault(current: int) -> str:
    """Return the SQL condition of rows that count as stored in the vault."""
    return (
        f"deleted IS NULL AND (unlisted IS NULL OR unlisted>{current:d}) "
        f"AND (origin<>{LISTED} OR listed<={current:d})"
    )


def absences(current: int) -> tuple[str, ...]:
    """Return SQL conditions, one of which every absent row meets; an index answers each."""
    return (
        "deleted IS NOT NULL",
        f"unlisted IS NOT NULL AND unlisted<={current:d}",
        f"listed>{current:d} AND origin={LISTED}",
        f"listed IS NULL AND origin={LISTED}",
    )


def visible(current: int) -> str:
    """Return the SQL condition of rows that do not belong to an incomplete inventory alone."""
    return f"(origin<>{LISTED} OR listed<={current:d} OR deleted IS NOT NULL)"


def expression(current: int) -> str:
    """Return the SQL expression of the state."""
    return (
        f"CASE WHEN deleted IS NOT NULL THEN '{DELETED}' WHEN unlisted<={current:d} THEN 'gone' "
        f"WHEN listed<={current:d} THEN 'present' WHEN origin={UPLOADED} THEN 'pending' "
        f"WHEN origin={IMPORTED} THEN 'unknown' END"
    )


def listed_by(ordinal: int) -> str:
    """Return the SQL condition of rows that the inventory *ordinal* lists."""
    return (
        f"listed<={ordinal:d} AND (unlisted IS NULL OR unlisted>{ordinal:d}) AND NOT EXISTS "
        "(SELECT 1 FROM absences WHERE absences.vault_id=archive_rows.vault_id "
        f"AND absences.archive=archive_rows.id AND since<={ordinal:d} AND until>{ordinal:d})"
    )
