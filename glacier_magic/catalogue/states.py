"""What is known of an archive's presence, told by the ordinals of the inventories.

Each inventory of a vault that was read to its end has the next ordinal, and ``vaults.current`` is
that of the last one.  A row that says ``listed`` or ``unlisted`` with a higher one belongs to an
inventory that is being read and counts for nothing yet, so that the whole of it becomes true at
once, with one write.

present   an inventory lists it
pending   uploaded here, in no inventory yet
unknown   told by another tool's record, in no inventory yet
gone      an inventory listed it and a later whole one does not, or it should be listed by now
deleted   the service has accepted its deletion
"""

from __future__ import annotations

from dataclasses import dataclass, replace

LISTED, UPLOADED, TOLD = 0, 1, 2
"""Origins of a row: an inventory, an upload from here, another tool's record."""

STATES = ("present", "pending", "unknown", "gone", "deleted")
THERE = ("present", "pending", "unknown")

LAG = 3 * 86400 * 1000
"""Milliseconds after which an archive must be in an inventory, generously: they are daily."""

SPELLED = {"present": "listed", "pending": "uploaded"}
"""States that :class:`~.archives.ArchiveRecord` has by another word."""


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
            return "deleted"
        if self.unlisted is not None and self.unlisted <= current:
            return "gone"
        if self.listed is not None and self.listed <= current:
            return "present"
        return {UPLOADED: "pending", TOLD: "unknown"}.get(self.origin)

    def there(self, current: int) -> bool:
        """Tell whether the archive counts as being in the vault."""
        return self.state(current) in THERE

    def told(self, state: str, current: int, now: int) -> Presence:
        """Return the presence after somebody has told *state*; a deletion is never taken back."""
        if state in ("uploaded", "pending"):
            return replace(self, origin=UPLOADED, unlisted=None)
        if state in ("listed", "present"):
            return replace(self, listed=_earlier(self.listed, current), unlisted=None)
        if state == "gone":
            return replace(self, listed=_earlier(self.listed, current), unlisted=current)
        if state == "deleted":
            return replace(self, deleted=now if self.deleted is None else self.deleted)
        return self if self.origin != LISTED or self.listed is not None else Presence(TOLD)


def _earlier(listed: int | None, current: int) -> int:
    return current if listed is None or listed > current else listed


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
        f"CASE WHEN deleted IS NOT NULL THEN 'deleted' WHEN unlisted<={current:d} THEN 'gone' "
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
