"""Which inventories were read, and how old what they say is."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ..storage.database import Database, Scope
from . import vault_table
from .ingest import Load, loading
from .paging import ListedPage

_COLUMNS = "vault, job_id, made, loaded, archives, bytes, ordinal, whole, added, gone"


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """One inventory that was read: its own date, when it was read, what it held.

    ``ordinal`` is its place in the vault's history, None where it was older than what was known;
    ``whole`` is false where it lists a part of the vault; ``added`` and ``gone`` count archives
    against the one before.
    """

    vault: str
    job_id: str
    made: int | None
    loaded: int
    archives: int
    bytes: int
    ordinal: int | None = None
    whole: bool = True
    added: int | None = None
    gone: int | None = None


class Inventories:
    """The inventories of one account and region."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database, self._scope = database, scope
        self._key = (scope.account, scope.region)

    def loading(
        self,
        vault: str,
        job_id: str,
        *,
        whole: bool = True,
        expected: int = 0,
        page: ListedPage | None = None,
    ) -> AbstractContextManager[Load]:
        """Read an inventory inside the block: ``add()`` its batches, then ``finish()``.

        What it says is true only after ``finish()``, all at once; without it nothing has changed.

        :param whole: whether it lists all archives of the vault: no dates, limit or marker were
            set.  One that does not only adds; nothing is ever gone by it.
        :param expected: about how many archives will come, where that is known.
        :param page: the place of a limited inventory among its pages, *whole* being that of them
            all: with the last one, they are a whole inventory.
        """
        return loading(self._database, self._scope, vault, job_id, whole=whole, expected=expected, page=page)

    def record(self, *, vault: str, job_id: str, made: int | None, archives: int, size: int) -> None:
        """Note that the output of an inventory job is in the catalogue."""
        with self._database.transaction():
            known = vault_table.known(self._database, self._scope, vault)
            self._database.execute("UPDATE vaults SET current=current+1 WHERE id=?", (known.id,))
            self._database.execute(
                "INSERT INTO inventories(account, region, vault, job_id, made, loaded, archives, "
                "bytes, ordinal) VALUES(?,?,?,?,?,?,?,?,?) "
                "ON CONFLICT(account, region, vault, job_id) DO UPDATE SET made=excluded.made, "
                "loaded=excluded.loaded, archives=excluded.archives, bytes=excluded.bytes",
                (*self._key, vault, job_id, made, int(time.time() * 1000), archives, size, known.current + 1),
            )

    def newest(self, vault: str) -> Inventory | None:
        """Return the whole inventory with the latest date of its own, or None."""
        found = self.history(vault, whole=True)
        return max(found, key=lambda each: (each.made or 0, each.loaded)) if found else None

    def history(self, vault: str, *, whole: bool = False) -> list[Inventory]:
        """Return the inventories of a vault that were read, oldest first by their own date."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM inventories WHERE account=? AND region=? AND vault=? "
            f"{'AND whole=1 ' if whole else ''}ORDER BY COALESCE(made, 0), loaded",
            (*self._key, vault),
        )
        return [Inventory(**{**dict(row), "whole": bool(row["whole"])}) for row in rows]

    def has(self, vault: str, job_id: str) -> bool:
        """Tell whether the output of this job has been read."""
        sql = "SELECT 1 FROM inventories WHERE account=? AND region=? AND vault=? AND job_id=?"
        return self._database.row(sql, (*self._key, vault, job_id)) is not None
