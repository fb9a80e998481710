"""Listings for the explorer: any rows of a query's result, in order, and its totals.

The ids of all rows, eight bytes each, are read once in their order; rows are then read by id, so that
a row far down costs no more than the first one.  Conditions that no index answers are evaluated in one
scan of the table in the order of the disk, which takes a tenth of the time of following an index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..storage.database import Database, Scope
from . import identity, states, where
from .archive_frames import table
from .archives import ArchiveRecord, Archives
from .folders import SEPARATORS
from .query import COLUMNS, Query, Statement, scanned, statement

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

PIECE = 20_000
"""Rows that one statement reads by their ids."""

MIB = 1 << 20
SIZES = (
    (0, "under 1 MiB"),
    (MIB, "1 to 100 MiB"),
    (100 * MIB, "100 MiB to 1 GiB"),
    (1 << 30, "1 to 10 GiB"),
    (10 << 30, "10 GiB and more"),
)
"""Size classes: the bytes at which each begins, and its name."""

_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999  # milliseconds that Python's dates have
_INDEXED = ("name", "size", "created")
_VAULT_IDS = "SELECT id FROM archive_rows WHERE vault_id=?"


@dataclass(frozen=True)
class Cell:
    """A group of archives: years of creation and modification (UTC), size class, format and state.

    A year or the class is None if the catalogue does not know the time or the size.
    """

    year: int | None
    modified: int | None
    size: int | None
    format: str
    state: str


Cube = dict[Cell, tuple[int, int]]
"""The number and the bytes of the archives in each cell."""


@dataclass(frozen=True)
class Branch:
    """A folder in a tree; ``deeper`` is true if it has subfolders.

    ``oldest`` and ``newest``, in milliseconds since 1970 UTC, are those of the archives that match a
    condition; None without a condition.
    """

    path: str
    archives: int
    bytes: int
    deeper: bool
    oldest: int | None = None
    newest: int | None = None


@dataclass(frozen=True)
class Level:
    """A folder, its subfolders, the largest first, and whether there are more of them."""

    whole: Branch
    folders: Sequence[Branch]
    more: bool


class BrowsingStopped(Exception):
    """The result is no longer needed."""


class Listing:
    """The result of one query.

    :param stopped: called now and then during a long reading, which ends when it returns True.
    :raises InputError: the query is not understood.
    """

    def __init__(
        self,
        database: Database,
        scope: Scope,
        vault: str,
        query: Query,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database, self._scope, self.vault, self.query = database, scope, vault, query
        self._stopped = stopped
        self._archives = Archives(database, scope)
        self._made = statement(database, scope, vault, replace(query, limit=None, offset=0))

    @property
    def as_of(self) -> int | None:
        """The date, in milliseconds, of the inventory that the result is based on."""
        return self._made.as_of if self._made else None

    @property
    def plain(self) -> bool:
        """Whether the query has no condition."""
        q = self.query
        return not (q.glob or q.text or q.where or q.states or q.as_of)

    def first(self, count: int) -> list[int]:
        """Return the ids of the first rows, quickly in a vault of any size."""
        if self._made is None:
            return []
        rows = self._database.rows(*self._ids(self._made, f" LIMIT {count:d}"))
        return [row["id"] for row in rows]

    def order(self) -> np.ndarray[Any, Any]:
        """Return the ids of all rows, in their order.

        :raises BrowsingStopped: *stopped* returned True.
        """
        import numpy as np

        if self._made is None:
            return np.empty(0, np.int64)
        if self.plain and self._by_index:
            return self._all_but_absent(self._made)
        return self._read(*self._ids(self._made))

    @property
    def _current(self) -> int:
        # Read each time: another process may read an inventory while the listing is open.
        known = identity.find_vault(self._database, self._scope, self.vault)
        return known.current if known else 0

    @property
    def _state(self) -> str:
        return states.expression(self._current)

    @property
    def _by_index(self) -> bool:
        sort = self.query.sort
        first = (sort.split(",") if isinstance(sort, str) else list(sort or ("name",)))[0]
        return first.strip().removeprefix("-") in _INDEXED

    def _ids(self, made: Statement, limit: str = "") -> tuple[str, tuple[Any, ...]]:
        quick = made.few or (self.plain and self._by_index)
        source = "FROM archive_rows WHERE vault_id=?" if quick else self._scan()
        state = f", {self._state} AS state" if "state" in made.order else ""  # ORDER BY names it
        sql = f"SELECT id{state} {source} AND {made.where} ORDER BY {made.order}{limit}"
        return sql, (made.vault_id, *made.bound)

    def _scan(self) -> str:
        return f"FROM archive_rows WHERE {scanned(self._database, self._scope, self.vault)}=?"

    def _all_but_absent(self, made: Statement) -> np.ndarray[Any, Any]:
        """Read the whole index without conditions, then leave out the absent rows, which are few."""
        import numpy as np

        ids = self._read(f"{_VAULT_IDS} ORDER BY {made.order}", (made.vault_id,))
        gone = self.absent()
        return ids[~np.isin(ids, gone)] if len(gone) else ids

    def absent(self) -> np.ndarray[Any, Any]:
        """Return the ids of all rows of archives that are not in the vault, in no order."""
        import numpy as np

        if self._made is None:
            return np.empty(0, np.int64)
        vault = (self._made.vault_id,)
        found = [self._read(f"{_VAULT_IDS} AND {c}", vault) for c in states.absences(self._current)]
        return np.concatenate(found)

    def _read(self, sql: str, values: Sequence[Any]) -> np.ndarray[Any, Any]:
        import numpy as np

        parts = [
            np.fromiter((row[0] for row in rows), np.int64, len(rows)) for rows in self._stream(sql, values)
        ]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def _stream(self, sql: str, values: Sequence[Any]) -> Iterator[list[tuple[Any, ...]]]:
        for rows in self._database.stream(sql, values, PIECE):
            if self._stopped():
                raise BrowsingStopped
            yield rows

    # Sums

    def cube(self) -> Cube:
        """Return the number and bytes of the matching archives in each cell.

        :raises BrowsingStopped: *stopped* returned True.
        """
        if self._made is None:
            return {}
        size = " ".join(f"WHEN size<{start:d} THEN {n}" for n, (start, _) in enumerate(SIZES[1:]))
        years = ", ".join(year_of(self._database, column) for column in ("created", "mtime"))
        sql = (
            f"SELECT {years}, CASE WHEN size IS NULL THEN NULL {size} ELSE {len(SIZES) - 1} END, "
            f"format, {self._state}, count(*), sum(size) {self._scan()} AND {self._made.where} "
            "GROUP BY 1, 2, 3, 4, 5"
        )
        found: Cube = {}
        for rows in self._stream(sql, (self._made.vault_id, *self._made.bound)):
            found.update({Cell(*key): (count, int(total or 0)) for *key, count, total in rows})
        return found

    def level(self, path: str, limit: int, *, pattern: str = "", seen_from: str | None = None) -> Level:
        """Return the sums of the matching archives in a folder, by its subfolders.

        :param pattern: a pattern of names that must match as well, relative to *seen_from*, the path of
            a folder at or above this one; None for each of the subfolders.
        :raises BrowsingStopped: *stopped* returned True.
        """
        whole, more = Branch(path, 0, 0, deeper=False), False
        if self._made is None:
            return Level(whole, (), more)
        db, depth = self._database, len(path)
        rest = f"substr(name, {depth + 1:d})"
        for other in SEPARATORS[1:]:
            rest = f"replace({rest}, '{other}', '{SEPARATORS[0]}')"
        slash = f"'{SEPARATORS[0]}'"
        end = db.position(rest, slash)  # 0: the archive is in the folder itself
        conditions, bound = [self._made.where], [*self._made.bound]
        if path:
            conditions.append(f"substr(name, 1, {depth:d})=?")
            bound.append(path)
        if pattern:
            start = f"{depth + 1:d}+{end}" if seen_from is None else f"{len(seen_from) + 1:d}"
            sql, values = db.glob(f"substr(name, {start})", where.pattern(pattern))
            conditions.append(sql)
            bound += values
        sql = (
            f"SELECT substr(name, 1, {depth:d}+{end}) AS folder, count(*), sum(size), "
            f"max({db.position(f'substr({rest}, {end}+1)', slash)}), min(created), max(created) "
            f"{self._scan()} AND {' AND '.join(conditions)} GROUP BY 1"
        )
        found: list[Branch] = []
        for rows in self._stream(sql, (self._made.vault_id, *bound)):
            made = [Branch(p, n, int(size or 0), bool(at), a, b) for p, n, size, at, a, b in rows]
            whole = _together([whole, *made])
            found = sorted([*found, *(b for b in made if b.path != path)], key=lambda b: (-b.bytes, b.path))
            found, more = found[:limit], more or len(found) > limit
        return Level(whole, found, more)

    # Rows

    def records(self, ids: Sequence[int]) -> list[ArchiveRecord]:
        """Return rows by their ids, in that order; missing rows are left out.

        They need not be rows of this result.
        """
        return [record for _, record in self.numbered(ids)]

    def numbered(self, ids: Sequence[int]) -> list[tuple[int, ArchiveRecord]]:
        """Return the result of :meth:`records`, each with its id."""
        return [
            (row["id"], record)
            for rows in self._by_ids(ids)
            for row, record in zip(rows, self._archives.of_rows(self.vault, rows), strict=True)
        ]

    def sizes(self, ids: Sequence[int]) -> dict[int, int]:
        """Return the bytes of rows by their ids."""
        return {row["id"]: row["size"] or 0 for rows in self._by_ids(ids) for row in rows}

    def frame_of(self, ids: Sequence[int]) -> pd.DataFrame:
        """Return rows by their ids, in that order, as a DataFrame."""
        parts = ([tuple(row) for row in rows] for rows in self._by_ids(ids))
        return table((rows for rows in parts if rows), self.vault, self.as_of)

    def _by_ids(self, ids: Sequence[int]) -> Iterator[list[Any]]:
        state = self._state
        for chosen in _pieces(ids):
            rows = self._database.rows(
                f"SELECT {COLUMNS}, {state} AS state FROM archive_rows WHERE id IN ({_listed(chosen)})"
            )
            found = {row["id"]: row for row in rows}
            yield [found[row] for row in chosen if row in found]


def _together(branches: Sequence[Branch]) -> Branch:
    """Return the first of *branches* with the sums of all."""
    return replace(
        branches[0],
        archives=sum(b.archives for b in branches),
        bytes=sum(b.bytes for b in branches),
        oldest=min((b.oldest for b in branches if b.oldest is not None), default=None),
        newest=max((b.newest for b in branches if b.newest is not None), default=None),
    )


def fingerprint(database: Database, scope: Scope, vault: str) -> tuple[Any, ...]:
    """Return a value that changes when archives are added to a vault or leave it; it is read quickly."""
    row = database.row(
        "SELECT v.current, f.archives, f.bytes FROM vaults v LEFT JOIN folders f "
        "ON f.vault_id=v.id AND f.parent='' AND f.name='' "
        "WHERE v.account=? AND v.region=? AND v.vault=?",
        (scope.account, scope.region, vault),
    )
    return () if row is None else tuple(row)


def year_of(database: Database, column: str) -> str:
    """Return the expression for the year (UTC) of milliseconds; NULL before the year 1 and after 9999."""
    second = f"({column}-(({column}%1000)+1000)%1000)/1000"  # rounded down before 1970, too
    return f"CASE WHEN {column} BETWEEN {_FIRST} AND {_LAST} THEN {database.year(second)} END"


def branches(
    database: Database, scope: Scope, vault: str, path: str, limit: int
) -> tuple[list[Branch], bool]:
    """Return the subfolders of a folder, the largest first, and whether there are more of them."""
    known = identity.find_vault(database, scope, vault)
    if known is None:
        return [], False
    rows = database.rows(
        "SELECT f.name, f.archives, f.bytes, EXISTS(SELECT 1 FROM folders c "
        "WHERE c.vault_id=f.vault_id AND c.parent=f.parent||f.name AND c.name<>'' "
        "AND c.archives>0) AS deeper FROM folders f WHERE f.vault_id=? AND f.parent=? "
        "AND f.name<>'' AND f.archives>0 ORDER BY f.bytes DESC, f.name LIMIT ?",
        (known.id, path, limit + 1),  # one more shows whether there are more
    )
    found = [Branch(path + r["name"], r["archives"], r["bytes"], bool(r["deeper"])) for r in rows]
    return found[:limit], len(found) > limit


def _pieces(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), PIECE):
        yield ids[start : start + PIECE]


def _listed(ids: Iterable[int]) -> str:
    return ",".join(str(int(i)) for i in ids)
