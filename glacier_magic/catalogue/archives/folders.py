"""Folders and the totals of all archives below them, updated whenever rows change.

The folders of a name end at its slashes: ``a/b/c`` is in ``a/b/``, in ``a/`` and in the whole vault.
A backslash ends a folder, too, as in the paths of restored files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..storage.database import Database, Scope
from ..storage.stored_settings import StoredSettings
from .states import in_vault

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATORS = "/\\"
"""The characters at which the folders of a name end."""

_ENDS = "folders.ends"
"""The setting with the ends of the folders that are in the table."""

DEEPEST = 32  # a name of slashes alone would otherwise have hundreds of folders
"""Levels of folders; archives in deeper folders count towards the folder at this level."""

SPILL = 100_000
"""Folders whose changes are held in memory before they are written."""

END = "\U0010ffff"
"""Sorts after every character: *prefix* + END bounds the names that begin with *prefix*."""

_SUM = (  # CASE: SQLite calls the function min(), PostgreSQL least()
    "archives=folders.archives+excluded.archives, bytes=folders.bytes+excluded.bytes, "
    "oldest=CASE WHEN folders.oldest IS NULL OR excluded.oldest<folders.oldest "
    "THEN excluded.oldest ELSE folders.oldest END, "
    "newest=CASE WHEN folders.newest IS NULL OR excluded.newest>folders.newest "
    "THEN excluded.newest ELSE folders.newest END"
)
_COLUMNS = "vault_id, parent, name, archives, bytes, oldest, newest"

_LEVEL = re.compile(r"[^/\\]*[/\\]")


def folder_of(name: str) -> str:
    """Return the folder of a name with its slash; empty for a name without a folder."""
    slash, backslash = name.rfind("/"), name.rfind("\\")  # not in a loop: there are millions of names
    return name[: (slash if slash > backslash else backslash) + 1]


def split(folder: str) -> tuple[str, str]:
    """Return the parent and the name of a folder; both are empty for the whole vault."""
    parent = folder_of(folder[:-1])
    return parent, folder[len(parent) :]


def lineage(folder: str) -> Iterator[tuple[str, str]]:
    """Yield the parent and the name of the whole vault and of each folder down to *folder*."""
    yield "", ""
    for level in islice(_LEVEL.finditer(folder), DEEPEST):
        yield folder[: level.start()], level[0]


@dataclass(slots=True)
class Sum:
    """Totals of a folder: number, bytes, creation times of the oldest and the newest archive."""

    archives: int = 0
    bytes: int = 0
    oldest: int | None = None
    newest: int | None = None

    def add(self, archives: int, size: int, oldest: int | None, newest: int | None) -> None:
        """Add the totals of a folder below it."""
        self.archives += archives
        self.bytes += size
        if oldest is not None and (self.oldest is None or oldest < self.oldest):
            self.oldest = oldest
        if newest is not None and (self.newest is None or newest > self.newest):
            self.newest = newest


class FolderChanges:
    """Archives added to and removed from the folders of a vault, until :meth:`write`."""

    def __init__(self) -> None:
        self._added: dict[str, Sum] = {}
        self._removed: dict[str, Sum] = {}
        self._tables: list[pa.Table] = []  # further totals of folders, of :meth:`add_many`

    def add(self, name: str, size: int | None, created: int | None) -> None:
        """Record an archive that is now in the vault."""
        # An unknown size counts as 0.
        self._added.setdefault(folder_of(name), Sum()).add(1, size or 0, created, created)

    def remove(self, name: str, size: int | None, created: int | None) -> None:
        """Record an archive that is no longer in the vault."""
        self._removed.setdefault(folder_of(name), Sum()).add(1, size or 0, created, created)

    def add_many(self, names: list[str], sizes: list[int | None], created: list[int | None]) -> None:
        """Record many archives: their names, sizes, and creation times in milliseconds."""
        import numpy as np
        import pyarrow as pa

        one = np.ones(len(names), np.int64)
        size, when = (pa.array(each, pa.int64()) for each in (sizes, created))
        columns = {"archives": one, "bytes": size, "oldest": when, "newest": when}
        self._tables.append(_totals(pa.table({"folder": list(map(folder_of, names)), **columns})))
        total, *others = (table.num_rows for table in self._tables)
        if sum(others) > max(SPILL, total):
            self._tables = [self._total()]

    def _total(self) -> pa.Table:
        import pyarrow as pa

        return _totals(pa.concat_tables(self._tables))

    @property
    def many(self) -> bool:
        """Whether the changes take so much memory that they should be written."""
        return len(self._added) + len(self._removed) > SPILL

    def write(self, database: Database, vault_id: int) -> None:
        """Add the changes to the folders, in the caller's transaction, and clear them."""
        if self._tables:
            columns = self._total().to_pydict().values()
            for folder, archives, size, oldest, newest in zip(*columns, strict=True):
                self._added.setdefault(folder, Sum()).add(archives, size or 0, oldest, newest)
        with database.transaction():
            database.executemany(
                f"INSERT INTO folders({_COLUMNS}) VALUES(?,?,?,?,?,?,?) "
                f"ON CONFLICT(vault_id, parent, name) DO UPDATE SET {_SUM}",
                [
                    (vault_id, *place, s.archives, s.bytes, s.oldest, s.newest)
                    for place, s in _rolled_up(self._added)
                ],
            )
            # Without its oldest or newest archive a folder has bounds only: the next reader looks them up.
            database.executemany(
                "UPDATE folders SET archives=archives-?, bytes=bytes-?, "
                "stale=CASE WHEN oldest>=? OR newest<=? THEN 1 ELSE stale END "
                "WHERE vault_id=? AND parent=? AND name=?",
                [
                    (s.archives, s.bytes, s.oldest, s.newest, vault_id, *place)
                    for place, s in _rolled_up(self._removed)
                ],
            )
        self._added, self._removed, self._tables = {}, {}, []


def _totals(table: pa.Table) -> pa.Table:
    """Return the totals of each folder, of a table that has several rows of a folder."""
    how = {"archives": "sum", "bytes": "sum", "oldest": "min", "newest": "max"}
    found = table.group_by("folder").aggregate(list(how.items()))
    return found.select(["folder", *map("_".join, how.items())]).rename_columns(["folder", *how])


def add_up(rows: Iterable[tuple[str, int | None, int | None]]) -> dict[tuple[str, str], Sum]:
    """Return the totals of archives (name, size, created) by the parent and the name of each folder."""
    sums: dict[str, Sum] = {}
    for name, size, created in rows:
        sums.setdefault(folder_of(name), Sum()).add(1, size or 0, created, created)
    return dict(_rolled_up(sums))


def _rolled_up(sums: dict[str, Sum]) -> Iterable[tuple[tuple[str, str], Sum]]:
    rolled: dict[tuple[str, str], Sum] = {}
    for folder, s in sums.items():
        for place in lineage(folder):
            rolled.setdefault(place, Sum()).add(s.archives, s.bytes, s.oldest, s.newest)
    return rolled.items()


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder with the totals of all archives below it; times are milliseconds since 1970 UTC."""

    path: str
    depth: int
    archives: int
    bytes: int
    oldest: int | None
    newest: int | None


_READ = "SELECT parent, name, archives, bytes, oldest, newest, stale FROM folders WHERE vault_id=?"


def count(database: Database, scope: Scope, vault: str) -> int:
    """Return how many archives a vault holds."""
    return database.number(  # the total of the whole vault: counting ten million rows takes seconds
        "SELECT f.archives FROM folders f JOIN vaults v ON v.id=f.vault_id "
        "WHERE v.account=? AND v.region=? AND v.vault=? AND f.parent='' AND f.name=''",
        (scope.account, scope.region, vault),
    )


def fills_table(database: Database, scope: Scope, vault: str) -> bool:
    """Return whether much of the table of archives is this vault's."""
    return count(database, scope, vault) * 4 >= database.number("SELECT max(id) FROM archive_rows")


def below(database: Database, vault_id: int, current: int, path: str, depth: int) -> list[Folder]:
    """Return a folder and the folders down to *depth* levels below it, the largest of each first."""
    found: list[Folder] = []
    # A folder that became empty keeps its row.
    rows = database.rows(f"{_READ} AND parent=? AND name=? AND archives>0", (vault_id, *split(path)))
    for level in range(depth + 1):
        found += [_folder(database, vault_id, current, level, row) for row in rows]
        if level < depth:
            rows = [
                child
                for row in rows
                for child in database.rows(
                    f"{_READ} AND parent=? AND name<>'' AND archives>0 ORDER BY bytes DESC, name",
                    (vault_id, row["parent"] + row["name"]),
                )
            ]
    return found


def starting(database: Database, vault_id: int, prefix: str, limit: int) -> list[str]:
    """Return the first folders, by name, that begin with *prefix*, at the level that it ends in."""
    parent = folder_of(prefix)
    begin = prefix[len(parent) :]
    rows = database.rows(
        "SELECT name FROM folders WHERE vault_id=? AND parent=? AND name>=? AND name<? "
        "AND name<>'' AND archives>0 ORDER BY name LIMIT ?",
        (vault_id, parent, begin, begin + END, limit),
    )
    return [parent + row["name"] for row in rows]


def _folder(database: Database, vault_id: int, current: int, level: int, row: Any) -> Folder:
    path = row["parent"] + row["name"]
    oldest, newest = row["oldest"], row["newest"]
    if row["stale"]:  # a removal may have taken the oldest or the newest: only bounds are known
        inside = (vault_id, oldest, newest, path, path + END)
        oldest = _outermost(database, inside, current, "ASC NULLS FIRST")
        newest = _outermost(database, (vault_id, oldest, *inside[2:]), current, "DESC NULLS LAST")
        database.execute(
            "UPDATE folders SET oldest=?, newest=?, stale=0 WHERE vault_id=? AND parent=? "
            "AND name=? AND archives=? AND bytes=?",  # unless another process has changed it meanwhile
            (oldest, newest, vault_id, row["parent"], row["name"], row["archives"], row["bytes"]),
        )
    return Folder(
        path=path, depth=level, archives=row["archives"], bytes=row["bytes"], oldest=oldest, newest=newest
    )


def _outermost(database: Database, inside: Sequence[Any], current: int, order: str) -> int | None:
    """Return the first or the last creation time in a folder.

    :param inside: the vault, the former bounds of the time, and the bounds of the names.
    """
    row = database.row(
        "SELECT created FROM archive_rows WHERE vault_id=? AND created>=? AND created<=? "
        f"AND name>=? AND name<? AND {in_vault(current)} ORDER BY created {order} LIMIT 1",
        inside,
    )
    return None if row is None else row["created"]


def rebuild(database: Database, vault_id: int, current: int) -> None:
    """Recalculate all folders of a vault, in the caller's transaction."""
    database.execute("DELETE FROM folders WHERE vault_id=?", (vault_id,))
    # Pages by id, so that the memory does not grow with the vault.
    changes, last = FolderChanges(), 0
    while rows := database.rows(
        "SELECT id, name, size, created FROM archive_rows WHERE vault_id=? AND id>? "
        f"AND {in_vault(current)} ORDER BY id LIMIT 50000",
        (vault_id, last),
    ):
        for row in rows:
            changes.add(row["name"], row["size"], row["created"])
        if changes.many:
            changes.write(database, vault_id)
        last = rows[-1]["id"]
    changes.write(database, vault_id)


def rebuild_once(database: Database) -> None:
    """Recalculate the folders of vaults with backslashes, which did not end a folder before."""
    settings = StoredSettings(database)
    if settings.get(_ENDS) == SEPARATORS:
        return
    with database.transaction():
        for row in database.rows("SELECT id, current FROM vaults"):
            condition, values = database.glob("name", "*\\*")
            names = f"SELECT 1 FROM archive_rows WHERE vault_id=? AND {condition} LIMIT 1"
            if database.row(names, (row["id"], *values)):
                rebuild(database, row["id"], row["current"])
        settings.put(_ENDS, SEPARATORS)
