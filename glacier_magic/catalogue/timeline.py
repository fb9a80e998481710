"""What changed in a vault from one inventory to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from . import states, vaults
from .database import Database, Scope
from .query import COLUMNS, moment

Record = TypeVar("Record")


@dataclass(frozen=True, kw_only=True)
class Difference(Generic[Record]):
    """What came and went from the inventory of one date to that of another, both in milliseconds.

    The sums are those of the two inventories.
    """

    before: int
    after: int
    added: tuple[Record, ...]
    gone: tuple[Record, ...]
    archives_before: int
    archives_after: int
    bytes_before: int
    bytes_after: int

    @property
    def growth(self) -> int:
        """Bytes more than before."""
        return self.bytes_after - self.bytes_before


def difference(
    database: Database, scope: Scope, vault: str, before: int | None, after: int | None
) -> Difference[Any]:
    """Return the rows that came and went; without dates, from the last inventory but one.

    :raises InputError: there is no inventory that old.
    """
    rows = database.rows(
        "SELECT ordinal, made, archives, bytes FROM inventories WHERE account=? AND region=? "
        "AND vault=? AND ordinal IS NOT NULL AND made IS NOT NULL AND whole=1 "
        "ORDER BY made, ordinal",
        (scope.account, scope.region, vault),
    )
    late = 1 << 62
    second = moment(rows, late if after is None else after, vault)
    if before is None:
        before = rows[-2]["made"] if len(rows) > 1 and after is None else second[1] - 1
    first = moment(rows, before, vault)
    sums = {row["ordinal"]: row for row in rows}
    known = vaults.known(database, scope, vault)
    start, end = sorted((first[0], second[0]))
    changed = _changed(database, known.id, start, end)
    came = _only(database, known.id, changed, second[0], first[0])
    went = _only(database, known.id, changed, first[0], second[0])
    return Difference(
        before=first[1],
        after=second[1],
        added=came,
        gone=went,
        archives_before=sums[first[0]]["archives"],
        archives_after=sums[second[0]]["archives"],
        bytes_before=sums[first[0]]["bytes"],
        bytes_after=sums[second[0]]["bytes"],
    )


def _changed(database: Database, vault_id: int, start: int, end: int) -> list[int]:
    """Return the ids of the rows whose presence changed after *start*, until *end*."""
    rows = database.rows(
        "SELECT id FROM archive_rows WHERE vault_id=? AND listed>? AND listed<=? "
        "UNION SELECT id FROM archive_rows WHERE vault_id=? AND unlisted>? AND unlisted<=? "
        "UNION SELECT archive FROM absences WHERE vault_id=? AND since<=? AND until>?",
        (vault_id, start, end, vault_id, start, end, vault_id, end, start),
    )
    return [row["id"] for row in rows]


def _only(
    database: Database, vault_id: int, ids: Sequence[int], there: int, absent: int
) -> tuple[Any, ...]:
    """Return the rows that one inventory lists and the other does not, by name."""
    found: list[Any] = []
    for place in range(0, len(ids), 10_000):
        marks = ",".join(map(str, ids[place : place + 10_000]))
        found += database.rows(
            f"SELECT {COLUMNS}, 'present' AS state FROM archive_rows WHERE vault_id=? "
            f"AND id IN ({marks}) AND ({states.at(there)}) "
            f"AND NOT COALESCE(({states.at(absent)}), FALSE)",
            (vault_id,),
        )
    return tuple(sorted(found, key=lambda row: (row["name"], row["id"])))
