"""What an inventory that was read to its end changes in what was known before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..storage.database import Database
from . import states
from .folders import FolderChanges

if TYPE_CHECKING:
    import numpy as np

_FACTS = "id, name, size, created, listed, unlisted"


class Reconciliation:
    """The end of an inventory with an ordinal, one above that of all that counts so far."""

    def __init__(self, database: Database, vault_id: int, ordinal: int, changes: FolderChanges) -> None:
        self._database, self._id, self._ordinal = database, vault_id, ordinal
        self._changes = changes

    def forget_ends(self) -> None:
        """Take back what a reading had noted that stopped right before its end."""
        self._database.execute(
            "UPDATE archive_rows SET unlisted=NULL WHERE vault_id=? AND unlisted>=?",
            (self._id, self._ordinal),
        )

    def lose(self, ids: Sequence[int], made: int) -> int:
        """Note that rows are not listed any more, or not in time; return how many were there."""
        rows = self._database.rows(
            f"SELECT {_FACTS}, deleted, origin FROM archive_rows "
            f"WHERE id IN ({','.join(map(str, ids))}) AND unlisted IS NULL "
            "AND (listed IS NOT NULL OR created<?)",
            (made - states.LAG,),
        )
        self._database.executemany(
            "UPDATE archive_rows SET unlisted=? WHERE id=?", [(self._ordinal, row["id"]) for row in rows]
        )
        gone = [row for row in rows if row["deleted"] is None and not self._unseen(row)]
        for row in gone:
            self._changes.go(row["name"], row["size"], row["created"])
        return len(gone)

    def _unseen(self, row: Any) -> bool:
        """Tell whether only a reading that stopped half-way listed it."""
        return bool(row["origin"] == states.LISTED and row["listed"] == self._ordinal)

    def hide_leftovers(self, last: int, seen: np.ndarray[Any, Any]) -> None:
        """Keep as gone what only a reading listed that stopped half-way."""
        rows = self._database.rows(
            "SELECT id FROM archive_rows WHERE vault_id=? AND listed=? AND origin=? AND id<=?",
            (self._id, self._ordinal, states.LISTED, last),
        )
        self._database.executemany(
            "UPDATE archive_rows SET unlisted=listed WHERE id=?",
            [(row["id"],) for row in rows if not seen[row["id"]]],
        )

    def bring_back(self, ids: Iterable[int]) -> None:
        """Write that archives are listed again which were gone."""
        for row_id in dict.fromkeys(ids):
            row = self._database.row(
                f"SELECT {_FACTS} FROM archive_rows WHERE id=? AND unlisted<? AND deleted IS NULL",
                (row_id, self._ordinal),
            )
            if row is not None:
                self._come_back(row)

    def revive(self, made: int, last: int, seen: np.ndarray[Any, Any]) -> None:
        """Write that archives are there which were deleted long enough before *made*."""
        rows = self._database.rows(
            f"SELECT {_FACTS} FROM archive_rows WHERE vault_id=? AND deleted<?", (self._id, made - states.LAG)
        )
        for row in rows:
            if (row["id"] <= last and seen[row["id"]]) or row["listed"] == self._ordinal:
                self._come_back(row)

    def _come_back(self, row: Any) -> None:
        left = row["unlisted"]
        if left is not None and row["listed"] is not None and row["listed"] < left < self._ordinal:
            self._database.execute(
                "INSERT INTO absences(archive, vault_id, since, until) VALUES(?,?,?,?)",
                (row["id"], self._id, left, self._ordinal),
            )
        self._database.execute("UPDATE archive_rows SET deleted=NULL, unlisted=NULL WHERE id=?", (row["id"],))
        self._changes.come(row["name"], row["size"], row["created"])

    def set_aside(self) -> None:
        """Keep what only an older inventory lists as gone: a later one is known."""
        self._database.execute(
            "UPDATE archive_rows SET unlisted=listed WHERE vault_id=? AND listed=? AND origin=?",
            (self._id, self._ordinal, states.LISTED),
        )
