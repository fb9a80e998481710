"""The changes that a complete inventory makes to the rows that were known before it."""

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
    """The end of an inventory, whose ordinal is one above the vault's current one."""

    def __init__(self, database: Database, vault_id: int, ordinal: int, changes: FolderChanges) -> None:
        self._database, self._id, self._ordinal = database, vault_id, ordinal
        self._changes = changes

    def undo_unlisted(self) -> None:
        """Undo :meth:`mark_unlisted` of a reading that was interrupted just before its end."""
        self._database.execute(
            "UPDATE archive_rows SET unlisted=NULL WHERE vault_id=? AND unlisted>=?",
            (self._id, self._ordinal),
        )

    def mark_unlisted(self, ids: Sequence[int], made: int) -> int:
        """Mark rows that the inventory does not list; return how many archives are gone.

        An archive that no inventory has listed yet is marked only if it is older than
        :data:`.states.LAG`.
        """
        rows = self._database.rows(
            f"SELECT {_FACTS}, deleted, origin FROM archive_rows "
            f"WHERE id IN ({','.join(map(str, ids))}) AND unlisted IS NULL "
            "AND (listed IS NOT NULL OR created<?)",  # a recent upload is not in an inventory yet
            (made - states.LAG,),
        )
        self._database.executemany(
            "UPDATE archive_rows SET unlisted=? WHERE id=?", [(self._ordinal, row["id"]) for row in rows]
        )
        gone = [row for row in rows if row["deleted"] is None and not self._uncounted(row)]
        for row in gone:
            self._changes.remove(row["name"], row["size"], row["created"])
        return len(gone)

    def _uncounted(self, row: Any) -> bool:
        """Return whether only an interrupted reading listed a row, so that it never counted."""
        return bool(row["origin"] == states.LISTED and row["listed"] == self._ordinal)

    def hide_leftovers(self, last: int, seen: np.ndarray[Any, Any]) -> None:
        """Mark rows as gone that only an interrupted reading listed.

        :param last: the highest id before this reading.
        :param seen: whether this reading listed the row, by id.
        """
        rows = self._database.rows(
            "SELECT id FROM archive_rows WHERE vault_id=? AND listed=? AND origin=? AND id<=?",
            (self._id, self._ordinal, states.LISTED, last),
        )
        self._database.executemany(
            "UPDATE archive_rows SET unlisted=listed WHERE id=?",
            [(row["id"],) for row in rows if not seen[row["id"]]],
        )

    def hide_all(self) -> None:
        """Mark rows as gone that only this inventory lists: it is older than one that was read."""
        self._database.execute(
            "UPDATE archive_rows SET unlisted=listed WHERE vault_id=? AND listed=? AND origin=?",
            (self._id, self._ordinal, states.LISTED),
        )

    def restore_gone(self, ids: Iterable[int]) -> None:
        """Mark archives as present that were gone and are listed again."""
        for row_id in dict.fromkeys(ids):  # an inventory may list an archive twice
            row = self._database.row(
                f"SELECT {_FACTS} FROM archive_rows WHERE id=? AND unlisted<? AND deleted IS NULL",
                (row_id, self._ordinal),
            )
            if row is not None:
                self._restore(row)

    def restore_deleted(self, made: int, last: int, seen: np.ndarray[Any, Any]) -> None:
        """Mark archives as present that are still listed :data:`.states.LAG` after their deletion."""
        rows = self._database.rows(
            # For a day or two, inventories may still list a deleted archive.
            f"SELECT {_FACTS} FROM archive_rows WHERE vault_id=? AND deleted<?",
            (self._id, made - states.LAG),
        )
        for row in rows:
            if (row["id"] <= last and seen[row["id"]]) or row["listed"] == self._ordinal:
                self._restore(row)

    def _restore(self, row: Any) -> None:
        left = row["unlisted"]
        if left is not None and row["listed"] is not None and row["listed"] < left < self._ordinal:
            self._database.execute(  # the history: inventories in between did not list it
                "INSERT INTO absences(archive, vault_id, since, until) VALUES(?,?,?,?)",
                (row["id"], self._id, left, self._ordinal),
            )
        self._database.execute("UPDATE archive_rows SET deleted=NULL, unlisted=NULL WHERE id=?", (row["id"],))
        self._changes.add(row["name"], row["size"], row["created"])
