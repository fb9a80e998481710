"""Folders with all that lies below them added up, kept when rows change.

A name's folders end at its slashes: ``a/b/c`` lies in ``a/b/``, ``a/`` and the whole vault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..storage.database import Database
from .states import there

if TYPE_CHECKING:
    import pyarrow as pa

DEEPEST = 32
"""Folders below this level are not kept apart: their archives count to those above."""

SPILL = 100_000
"""Folders whose changes are held in memory at a time."""

_SUM = (
    "archives=folders.archives+excluded.archives, bytes=folders.bytes+excluded.bytes, "
    "oldest=CASE WHEN folders.oldest IS NULL OR excluded.oldest<folders.oldest "
    "THEN excluded.oldest ELSE folders.oldest END, "
    "newest=CASE WHEN folders.newest IS NULL OR excluded.newest>folders.newest "
    "THEN excluded.newest ELSE folders.newest END"
)
_COLUMNS = "vault_id, parent, name, archives, bytes, oldest, newest"


def folder_of(name: str) -> str:
    """Return the folder that *name* lies in, with its slash; empty for none."""
    return name[: name.rfind("/") + 1]


def split(folder: str) -> tuple[str, str]:
    """Return parent and name of a folder; both are empty for the whole vault."""
    parent = folder[: folder.rfind("/", 0, -1) + 1] if folder else ""
    return parent, folder[len(parent) :]


def lineage(folder: str) -> Iterator[tuple[str, str]]:
    """Yield parent and name of the whole vault, of each folder on the way, and of *folder*."""
    yield "", ""
    start = 0
    for _ in range(DEEPEST):
        end = folder.find("/", start) + 1
        if not end:
            return
        yield folder[:start], folder[start:end]
        start = end


@dataclass(slots=True)
class Sum:
    """What lies in a folder: number, bytes, times of the oldest and the newest."""

    archives: int = 0
    bytes: int = 0
    oldest: int | None = None
    newest: int | None = None

    def add(self, archives: int, size: int, oldest: int | None, newest: int | None) -> None:
        """Add what lies somewhere below."""
        self.archives += archives
        self.bytes += size
        if oldest is not None and (self.oldest is None or oldest < self.oldest):
            self.oldest = oldest
        if newest is not None and (self.newest is None or newest > self.newest):
            self.newest = newest


class FolderChanges:
    """What comes into and goes out of the folders of a vault, until it is written."""

    def __init__(self) -> None:
        self.came: dict[str, Sum] = {}
        self.went: dict[str, Sum] = {}

    def come(self, name: str, size: int | None, created: int | None) -> None:
        """Note an archive that is there now."""
        self.came.setdefault(folder_of(name), Sum()).add(1, size or 0, created, created)

    def go(self, name: str, size: int | None, created: int | None) -> None:
        """Note an archive that is not there any more."""
        self.went.setdefault(folder_of(name), Sum()).add(1, size or 0, created, created)

    def come_many(self, table: pa.Table) -> None:
        """Note many: a table with name, size and created in milliseconds."""
        import pyarrow.compute as pc

        folders = pc.replace_substring_regex(table["name"], "[^/]*$", "", max_replacements=1)
        sums = (
            table.append_column("folder", folders)
            .group_by("folder")
            .aggregate([("name", "count"), ("size", "sum"), ("created", "min_max")])
            .to_pydict()
        )
        for folder, count, size, times in zip(
            sums["folder"], sums["name_count"], sums["size_sum"], sums["created_min_max"], strict=True
        ):
            self.came.setdefault(folder, Sum()).add(count, size or 0, times["min"], times["max"])

    @property
    def many(self) -> bool:
        """Whether it is time to write them."""
        return len(self.came) + len(self.went) > SPILL

    def write(self, database: Database, vault_id: int) -> None:
        """Add the changes to the folders, in the transaction of the caller; forget them."""
        with database.transaction():
            database.executemany(
                f"INSERT INTO folders({_COLUMNS}) VALUES(?,?,?,?,?,?,?) "
                f"ON CONFLICT(vault_id, parent, name) DO UPDATE SET {_SUM}",
                [
                    (vault_id, *place, s.archives, s.bytes, s.oldest, s.newest)
                    for place, s in _rolled_up(self.came)
                ],
            )
            database.executemany(
                "UPDATE folders SET archives=archives-?, bytes=bytes-?, "
                "stale=CASE WHEN oldest>=? OR newest<=? THEN 1 ELSE stale END "
                "WHERE vault_id=? AND parent=? AND name=?",
                [
                    (s.archives, s.bytes, s.oldest, s.newest, vault_id, *place)
                    for place, s in _rolled_up(self.went)
                ],
            )
        self.came, self.went = {}, {}


def add_up(rows: Iterable[tuple[str, int | None, int | None]]) -> dict[tuple[str, str], Sum]:
    """Return what archives (name, size, created) add up to, by parent and name of each folder."""
    changes = FolderChanges()
    for row in rows:
        changes.come(*row)
    return dict(_rolled_up(changes.came))


def _rolled_up(sums: dict[str, Sum]) -> Iterable[tuple[tuple[str, str], Sum]]:
    rolled: dict[tuple[str, str], Sum] = {}
    for folder, s in sums.items():
        for place in lineage(folder):
            rolled.setdefault(place, Sum()).add(s.archives, s.bytes, s.oldest, s.newest)
    return rolled.items()


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder and all below it: bytes, and times in milliseconds since 1970 UTC."""

    path: str
    depth: int
    archives: int
    bytes: int
    oldest: int | None
    newest: int | None


def below(database: Database, vault_id: int, current: int, path: str, depth: int) -> list[dict[str, Any]]:
    """Return a folder and those below it down to *depth* levels, the largest of each first."""
    found: list[dict[str, Any]] = []
    rows = database.rows(f"{_READ} AND parent=? AND name=? AND archives>0", (vault_id, *split(path)))
    for level in range(depth + 1):
        found += [_figures(database, vault_id, current, level, row) for row in rows]
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
    """Return the first folders, by name, that start with *prefix* and lie where it ends."""
    parent = folder_of(prefix)
    begin = prefix[len(parent) :]
    rows = database.rows(
        "SELECT name FROM folders WHERE vault_id=? AND parent=? AND name>=? AND name<? "
        "AND name<>'' AND archives>0 ORDER BY name LIMIT ?",
        (vault_id, parent, begin, begin + "\U0010ffff", limit),
    )
    return [parent + row["name"] for row in rows]


_READ = "SELECT parent, name, archives, bytes, oldest, newest, stale FROM folders WHERE vault_id=?"


def _figures(database: Database, vault_id: int, current: int, level: int, row: Any) -> dict[str, Any]:
    path = row["parent"] + row["name"]
    oldest, newest = row["oldest"], row["newest"]
    if row["stale"]:
        oldest = _outermost(database, vault_id, current, path, oldest, newest, "ASC NULLS FIRST")
        newest = _outermost(database, vault_id, current, path, oldest, newest, "DESC NULLS LAST")
        database.execute(
            "UPDATE folders SET oldest=?, newest=?, stale=0 WHERE vault_id=? AND parent=? "
            "AND name=? AND archives=? AND bytes=?",
            (oldest, newest, vault_id, row["parent"], row["name"], row["archives"], row["bytes"]),
        )
    return {
        "path": path,
        "depth": level,
        "archives": row["archives"],
        "bytes": row["bytes"],
        "oldest": oldest,
        "newest": newest,
    }


def _outermost(
    database: Database,
    vault_id: int,
    current: int,
    path: str,
    oldest: int | None,
    newest: int | None,
    way: str,
) -> int | None:
    """Return the first or last time of a folder, looking inwards from its former bounds."""
    row = database.row(
        "SELECT created FROM archive_rows WHERE vault_id=? AND created>=? AND created<=? "
        f"AND name>=? AND name<? AND {there(current)} ORDER BY created {way} LIMIT 1",
        (vault_id, oldest, newest, path, path + "\U0010ffff"),
    )
    return None if row is None else row["created"]


def rebuild(database: Database, vault_id: int, current: int) -> None:
    """Add up all folders of a vault anew, in the transaction of the caller."""
    database.execute("DELETE FROM folders WHERE vault_id=?", (vault_id,))
    changes, last = FolderChanges(), 0
    while True:
        rows = database.rows(
            "SELECT id, name, size, created FROM archive_rows WHERE vault_id=? AND id>? "
            f"AND {there(current)} ORDER BY id LIMIT 50000",
            (vault_id, last),
        )
        for row in rows:
            changes.come(row["name"], row["size"], row["created"])
        if changes.many or not rows:
            changes.write(database, vault_id)
        if not rows:
            return
        last = rows[-1]["id"]
