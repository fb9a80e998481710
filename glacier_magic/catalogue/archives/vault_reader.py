"""The archives of one vault as tables, read from the catalogue alone: without pandas, without a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...base.dataframes import ARCHIVES
from ...base.tables import PIECE, ExactTable, Row
from ...base.units import from_ms, iso
from ..storage.database import Database, Scope
from .identity import unpack_hash
from .query import Query, Statement, left_out, statement

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class VaultReader:
    """Reads the archives of a vault.

    :param now: returns the service's time; None if it is not known without a request.
    """

    database: Database
    scope: Scope
    vault: str
    now: Callable[[], datetime] | None = None

    def table(self, query: Query) -> ExactTable:
        """Return the result of a query; its ``attrs`` are those of the DataFrame once the rows are read.

        :raises InputError: the query is not understood.
        """
        made = statement(self.database, self.scope, self.vault, query)
        as_of = iso(made.as_of) if made else None
        attrs: dict[str, Any] = {"vault": self.vault, "as_of": as_of, "unlisted": 0, "more": 0}
        rows = self._rows(query, made, attrs) if made else iter(())
        empty = () if made and self._labelled(made) else ("labels",)
        return ExactTable(ARCHIVES, rows, lambda: self._frame(query), attrs, empty)

    def _labelled(self, made: Statement) -> bool:
        found = f"SELECT 1 FROM archive_rows WHERE {made.condition} AND labels<>'' LIMIT 1"
        return self.database.row(found, (made.vault_id, *made.bound)) is not None

    def _rows(self, query: Query, made: Statement, attrs: dict[str, Any]) -> Iterator[list[Row]]:
        left = query.limit
        for piece in self.database.stream(made.sql, made.values, PIECE):
            rows = [self._row(row) for row in piece[:left]]  # the statement reads one row more than the limit
            left = None if left is None else left - len(rows)
            attrs["unlisted"] += sum(row[-1] == "pending" for row in piece[: len(rows)])
            yield rows
        attrs["more"] = left_out(self.database, self.scope, self.vault, query, made)

    def _row(self, row: Row) -> Row:
        _, archive_id, name, description, form, modified, size, created, tree_hash, *words, _, _, state = row
        values = {
            "name": name,
            "size": size,
            "created": from_ms(created),
            "modified": from_ms(modified),
            "archive_id": archive_id,
            "tree_hash": unpack_hash(tree_hash),
            "description": name if description is None else description,
            "format": form,
            "labels": words[0],
            "note": words[1],
            "state": state,
            "vault": self.vault,
        }
        return [values[column] for column in ARCHIVES]

    def _frame(self, query: Query) -> pd.DataFrame:
        from .archive_frames import frame  # noqa: PLC0415 - costs time: imported when used

        return frame(self.database, self.scope, self.vault, query)
