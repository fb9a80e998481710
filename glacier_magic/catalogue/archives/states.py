"""What is known of an archive's presence, told by the ordinals of the inventories.

Each inventory of a vault that was read to its end has the next ordinal, and ``vaults.current`` is
that of the last one.  A row that says ``listed`` or ``unlisted`` with a higher one belongs to an
inventory that is being read and counts for nothing yet, so that the whole of it becomes true at
once, with one write.

present       an inventory lists it
pending       uploaded here, in no inventory yet
unknown       told by another tool's record, in no inventory yet
gone          an inventory listed it and a later whole one does not, or it should be listed by now
deleted here  the service has accepted its deletion, asked for from here
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ...errors import InputError, NameNotKnown
from ...steps import step

LISTED, UPLOADED, TOLD = 0, 1, 2
"""Origins of a row: an inventory, an upload from here, another tool's record."""

DELETED = "deleted here"
STATES = ("present", "pending", "unknown", "gone", DELETED)
THERE = ("present", "pending", "unknown")

LAG = 3 * 86400 * 1000
"""Milliseconds after which an archive must be in an inventory, generously: they are daily."""

EVENTS = {"listed": "present", "uploaded": "pending", "deleted": DELETED}
"""What can have happened to an archive, with the state that it brings about."""


def named(words: Iterable[str]) -> list[str]:
    """Return the states that *words* mean, ``deleted`` and ``deleted-here`` being one.

    :raises InputError: one of them means none.
    """
    found = []
    for word in words:
        plain = " ".join(word.lower().replace("-", " ").replace("_", " ").split())
        state = DELETED if plain == "deleted" else plain
        if state not in STATES:
            raise InputError(f"There is no state {word!r:.80}", cure=f"States are {', '.join(STATES)}.")
        found.append(state)
    return found


@dataclass(frozen=True)
class Presence:
    """The columns that tell the state of a row."""

    origin: int
    listed: int | None = None
    unlisted: int | None = None
    deleted: int | None = None

    def state(self, current: int) -> str | None:
        """Return the state; None for what only an unfinished inventory lists."""
        if self.deleted is not None:
            return DELETED
        if self.unlisted is not None and self.unlisted <= current:
            return "gone"
        if self.listed is not None and self.listed <= current:
            return "present"
        return {UPLOADED: "pending", TOLD: "unknown"}.get(self.origin)

    def there(self, current: int) -> bool:
        """Tell whether the archive counts as being in the vault."""
        return self.state(current) in THERE

    def told(self, state: str, current: int, now: int) -> Presence:
        """Return the presence after somebody has told *state*, or one of :data:`EVENTS`.

        A deletion is never taken back.
        """
        state = EVENTS.get(state, state)
        if state == "pending":
            return replace(self, origin=UPLOADED, unlisted=None)
        if state == "present":
            return replace(self, listed=_earlier(self.listed, current), unlisted=None)
        if state == "gone":
            return replace(self, listed=_earlier(self.listed, current), unlisted=current)
        if state == DELETED:
            return replace(self, deleted=now if self.deleted is None else self.deleted)
        return self if self.origin != LISTED or self.listed is not None else Presence(TOLD)


def _earlier(listed: int | None, current: int) -> int:
    return current if listed is None or listed > current else listed


def deleted_here(name: str) -> NameNotKnown:
    """Return the error that an archive is wanted whose deletion the service has accepted."""
    return NameNotKnown(
        f"{name!r} was deleted from here, so the vault has it no more",
        cure=f"{step('ls', '--state deleted')} lists what was deleted.",
    )


def last_seen(listed: int | None, unlisted: int | None, dates: Iterable[tuple[int, int]]) -> int | None:
    """Return the date of the last inventory that lists a row, None if none does.

    :param dates: ordinal and date of the vault's inventories, latest first.
    """
    if listed is None:
        return None
    return next((made for number, made in dates if unlisted is None or number < unlisted), None)


def there(current: int) -> str:
    """Return the SQL condition of rows that count as being in the vault."""
    return (
        f"deleted IS NULL AND (unlisted IS NULL OR unlisted>{current:d}) "
        f"AND (origin<>{LISTED} OR listed<={current:d})"
    )


def absences(current: int) -> tuple[str, ...]:
    """Return SQL conditions of which an absent row meets one, each answered by an index."""
    return (
        "deleted IS NOT NULL",
        f"unlisted IS NOT NULL AND unlisted<={current:d}",
        f"listed>{current:d} AND origin={LISTED}",
        f"listed IS NULL AND origin={LISTED}",
    )


def visible(current: int) -> str:
    """Return the SQL condition of rows that do not belong to an unfinished inventory alone."""
    return f"(origin<>{LISTED} OR listed<={current:d} OR deleted IS NOT NULL)"


def expression(current: int) -> str:
    """Return the SQL expression of the state."""
    return (
        f"CASE WHEN deleted IS NOT NULL THEN '{DELETED}' WHEN unlisted<={current:d} THEN 'gone' "
        f"WHEN listed<={current:d} THEN 'present' WHEN origin={UPLOADED} THEN 'pending' "
        f"WHEN origin={TOLD} THEN 'unknown' END"
    )


def at(ordinal: int) -> str:
    """Return the SQL condition of rows that the inventory *ordinal* lists."""
    return (
        f"listed<={ordinal:d} AND (unlisted IS NULL OR unlisted>{ordinal:d}) AND NOT EXISTS "
        "(SELECT 1 FROM absences WHERE absences.vault_id=archive_rows.vault_id "
        f"AND absences.archive=archive_rows.id AND since<={ordinal:d} AND until>{ordinal:d})"
    )
