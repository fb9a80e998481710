"""The inventories that were read into the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..storage.database import Database, Scope
from .ingest import Load

_COLUMNS = "vault, job_id, made, loaded, archives, bytes, ordinal, whole, added, gone"


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """An inventory that was read: its own date, when it was read, and its totals.

    ``ordinal`` is its place in the vault's history, None if a later one had been read before.
    ``whole`` is false if it lists a part of the vault.  ``added`` and ``gone`` count the archives that
    differ from the inventory before it.
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

    @contextmanager
    def loading(self, vault: str, job_id: str, *, whole: bool = True, expected: int = 0) -> Iterator[Load]:
        """Read an inventory in the block: ``add()`` its batches, then ``finish()``.

        Nothing changes before ``finish()``, which makes the whole inventory effective.

        :param whole: whether it lists all archives of the vault: no dates, limit or marker were set.
            One that does not only adds archives; none is gone because of it.
        :param expected: the approximate number of archives, if known.
        """
        load = Load(self._database, self._scope, vault, job_id, whole=whole, expected=expected)
        load.begin()
        try:
            with self._database.bulk_writing():
                yield load
        finally:
            load.give_up()  # does nothing after finish()
        self._database.index_in_background()

    def newest(self, vault: str) -> Inventory | None:
        """Return the whole inventory with the latest date, or None."""
        found = self.history(vault, whole=True)
        return max(found, key=lambda each: (each.made or 0, each.loaded)) if found else None

    def history(self, vault: str, *, whole: bool = False) -> list[Inventory]:
        """Return the inventories of a vault, oldest first by their own date."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM inventories WHERE account=? AND region=? AND vault=? "
            f"{'AND whole=1 ' if whole else ''}ORDER BY COALESCE(made, 0), loaded",
            (*self._key, vault),
        )
        return [Inventory(**{**dict(row), "whole": bool(row["whole"])}) for row in rows]

    def has(self, vault: str, job_id: str) -> bool:
        """Return whether the output of a job has been read."""
        sql = "SELECT 1 FROM inventories WHERE account=? AND region=? AND vault=? AND job_id=?"
        return self._database.row(sql, (*self._key, vault, job_id)) is not None
