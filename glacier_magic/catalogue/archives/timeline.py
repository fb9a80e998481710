"""The time axis: what came and went from one inventory to another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..storage.database import Database, Scope
from . import states, vault_table
from .query import COLUMNS, moment

Record = TypeVar("Record")

PIECE = 10_000
"""Rows that are asked for at a time."""


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


class Stretch:
    """The time between two inventories of a vault.

    :param before: milliseconds; the newest inventory until then is the first.  Without it, the
        last but one before *after*.
    :param after: the same of the second; without it, the last.
    :raises InputError: there is no inventory that old.
    """

    def __init__(
        self, database: Database, scope: Scope, vault: str, before: int | None, after: int | None
    ) -> None:
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
        self.before, self.after = sums[first[0]], sums[second[0]]
        self._database = database
        self._vault_id = vault_table.known(database, scope, vault).id

    @property
    def sums(self) -> dict[str, int]:
        """Dates, numbers and bytes of the two inventories, by the names in :class:`Difference`."""
        return {
            "before": self.before["made"],
            "after": self.after["made"],
            "archives_before": self.before["archives"],
            "archives_after": self.after["archives"],
            "bytes_before": self.before["bytes"],
            "bytes_after": self.after["bytes"],
        }

    def changed(self) -> list[int]:
        """Return the ids of the rows whose presence may differ."""
        start, end = sorted((self.before["ordinal"], self.after["ordinal"]))
        one = self._vault_id
        rows = self._database.rows(
            "SELECT id FROM archive_rows WHERE vault_id=? AND listed>? AND listed<=? "
            "UNION SELECT id FROM archive_rows WHERE vault_id=? AND unlisted>? AND unlisted<=? "
            "UNION SELECT archive FROM absences WHERE vault_id=? AND since<=? AND until>?",
            (one, start, end, one, start, end, one, end, start),
        )
        return [row["id"] for row in rows]

    def added(self, ids: Sequence[int]) -> Iterator[list[Any]]:
        """Yield those of the rows *ids* that only the second inventory lists, some at a time."""
        return self._only(ids, self.after["ordinal"], self.before["ordinal"])

    def gone(self, ids: Sequence[int]) -> Iterator[list[Any]]:
        """Yield those of the rows *ids* that only the first inventory lists, some at a time."""
        return self._only(ids, self.before["ordinal"], self.after["ordinal"])

    def _only(self, ids: Sequence[int], there: int, absent: int) -> Iterator[list[Any]]:
        for place in range(0, len(ids), PIECE):
            marks = ",".join(map(str, ids[place : place + PIECE]))
            yield self._database.rows(
                f"SELECT {COLUMNS}, 'present' AS state FROM archive_rows WHERE vault_id=? "
                f"AND id IN ({marks}) AND ({states.at(there)}) "
                f"AND NOT COALESCE(({states.at(absent)}), FALSE)",
                (self._vault_id,),
            )


def difference(
    database: Database, scope: Scope, vault: str, before: int | None, after: int | None
) -> Difference[Any]:
    """Return the rows that came and went, by name; see :class:`Stretch`."""
    stretch = Stretch(database, scope, vault, before, after)
    ids = stretch.changed()
    return Difference(added=_by_name(stretch.added(ids)), gone=_by_name(stretch.gone(ids)), **stretch.sums)


def _by_name(pieces: Iterator[list[Any]]) -> tuple[Any, ...]:
    rows = [row for piece in pieces for row in piece]
    return tuple(sorted(rows, key=lambda row: (row["name"], row["id"])))
