"""Duplicate archives, and the changes between two inventories, as DataFrames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...base import dataframes
from ...base.units import iso
from ..storage.database import Database, Scope
from . import identity, states
from .archive_frames import PIECE, READ, Rows, build
from .query import COLUMNS, inventory_at, scanned, whole_inventories

if TYPE_CHECKING:
    import pandas as pd

DUPLICATES = (
    "group",
    "copies",
    "wasted",
    "name",
    "size",
    "created",
    "archive_id",
    "tree_hash",
    "state",
    "vault",
)
"""The columns of a table of duplicates."""
DIFFERENCE = ("change", "name", "was", "size", "created", "archive_id", "tree_hash", "was_id", "vault")
"""The columns of a table of changes."""

_SIDE = ("name", "size", "created", "archive_id", "tree_hash", "vault")
_SIZE, _HASH = READ.index("size"), READ.index("tree_hash")


def duplicates(database: Database, scope: Scope, vault: str) -> pd.DataFrame:
    """Return the archives with equal tree hash and size, most bytes wasted first.

    ``group`` numbers the groups, ``copies`` is the number of archives in a group, ``wasted`` the bytes
    of all of them but one.
    """
    known = identity.find_vault(database, scope, vault)
    rows = _numbered(_copies(database, known, scanned(database, scope, vault))) if known else ()
    found = build(vault, rows, read=(*READ, "copies", "wasted", "group"), columns=DUPLICATES)
    found.attrs.update(as_of=latest(database, scope, vault), more=0)
    return found


def latest(database: Database, scope: Scope, vault: str) -> str | None:
    """Return the date (ISO 8601) of the latest whole inventory of a vault, or None."""
    inventories = whole_inventories(database, scope, vault)
    return iso(inventories[-1]["made"]) if inventories else None


def _copies(database: Database, known: identity.KnownVault, scan: str) -> Iterator[Rows]:
    stored, size = states.in_vault(known.current), database.unindexed("size")
    sql = (
        # Most sizes occur once, as their index shows: only the other rows are sorted by their bytes.
        "WITH same AS (SELECT size AS same_size, tree_hash AS same_hash, count(*) AS copies "
        f"FROM archive_rows WHERE {scan}=? AND tree_hash IS NOT NULL AND {stored} AND {size} IN ("
        "SELECT size FROM archive_rows WHERE vault_id=? GROUP BY size HAVING count(*)>1) "
        "GROUP BY size, tree_hash HAVING count(*)>1) "
        f"SELECT {COLUMNS}, {states.expression(known.current)} AS state, copies, "
        "(copies-1)*size AS wasted FROM archive_rows "
        # Each size is looked up once, however many groups have it.
        f"JOIN same ON {size}=same_size AND tree_hash=same_hash "
        f"WHERE vault_id=? AND size IN (SELECT same_size FROM same) AND {stored} "
        "ORDER BY wasted DESC, size, tree_hash, created NULLS FIRST, archive_id"
    )
    return database.stream(sql, (known.id, known.id, known.id), PIECE)


def _numbered(pieces: Iterable[Rows]) -> Iterator[Rows]:
    """Append the number of its group to each row; the rows of a group are adjacent."""
    number, before = 0, None
    for piece in pieces:
        numbered = []
        for row in piece:
            if (row[_SIZE], row[_HASH]) != before:
                number, before = number + 1, (row[_SIZE], row[_HASH])
            numbered.append((*row, number))
        yield numbered


def difference(
    database: Database, scope: Scope, vault: str, before: int | None, after: int | None
) -> pd.DataFrame:
    """Return the archives that were added and removed between two inventories.

    ``change`` is *added*, *gone* or *renamed*: one archive is gone, and another with the same tree hash
    and size but a different name was added.  ``was`` and ``was_id`` are the name and id of the former.
    ``attrs`` has the dates, numbers and bytes of both inventories, and ``growth`` in bytes.

    :param before: milliseconds; the first inventory is the last one made until then.  Without it, it
        is the one before the second.
    :param after: the same for the second inventory; without it, it is the last one.
    :raises InputError: there is no inventory that old.
    """
    inventories = whole_inventories(database, scope, vault)
    second = inventory_at(inventories, 1 << 62 if after is None else after, vault)  # later than any date
    if before is None:
        before = inventories[-2]["made"] if len(inventories) > 1 and after is None else second["made"] - 1
    first = inventory_at(inventories, before, vault)
    ids = _changed(database, scope, vault, first["ordinal"], second["ordinal"])
    added = _frame(database, vault, ids, listed=second["ordinal"], unlisted=first["ordinal"])
    gone = _frame(database, vault, ids, listed=first["ordinal"], unlisted=second["ordinal"])
    found = _together(added, gone)
    found.attrs.clear()
    dataframes.marked(
        found,
        vault=vault,
        as_of=iso(second["made"]),
        unlisted=0,
        more=0,
        before=iso(first["made"]),
        after=iso(second["made"]),
        archives_before=first["archives"],
        archives_after=second["archives"],
        bytes_before=first["bytes"],
        bytes_after=second["bytes"],
        growth=second["bytes"] - first["bytes"],
    )
    return found


def _changed(database: Database, scope: Scope, vault: str, first: int, second: int) -> list[int]:
    """Return the ids of the rows whose presence may differ between two ordinals."""
    # Either inventory may be the later one.
    (start, end), one = sorted((first, second)), identity.find_or_add_vault(database, scope, vault).id
    rows = database.rows(
        "SELECT id FROM archive_rows WHERE vault_id=? AND listed>? AND listed<=? "
        "UNION SELECT id FROM archive_rows WHERE vault_id=? AND unlisted>? AND unlisted<=? "
        "UNION SELECT archive FROM absences WHERE vault_id=? AND since<=? AND until>?",  # listed again later
        (one, start, end, one, start, end, one, end, start),
    )
    return [row["id"] for row in rows]


def _frame(database: Database, vault: str, ids: Sequence[int], *, listed: int, unlisted: int) -> pd.DataFrame:
    """Return those of the rows *ids* that the inventory *listed* lists and *unlisted* does not."""
    pieces = (
        database.rows(
            f"SELECT {COLUMNS}, 'present' AS state FROM archive_rows "
            f"WHERE id IN ({','.join(map(str, ids[start : start + PIECE]))}) "
            f"AND ({states.listed_by(listed)}) AND NOT COALESCE(({states.listed_by(unlisted)}), FALSE)"
        )
        for start in range(0, len(ids), PIECE)
    )
    return build(vault, ([tuple(row) for row in piece] for piece in pieces), columns=_SIDE)


def _together(added: pd.DataFrame, gone: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    new, old = _renamed(added, gone)
    renamed = added.loc[new].assign(
        change="renamed", was=gone.loc[old, "name"].array, was_id=gone.loc[old, "archive_id"].array
    )
    parts = [
        added.drop(index=new).assign(change="added", was=None, was_id=None),
        gone.drop(index=old).assign(change="gone", was=None, was_id=None),
        renamed,
    ]
    kind = added["name"].dtype  # columns of None alone would be of the type object
    parts = [part.astype({"change": kind, "was": kind, "was_id": kind}) for part in parts]
    parts = [part.sort_values(["name", "created"], kind="stable") for part in parts]
    together: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return together[list(DIFFERENCE)]


def _renamed(added: pd.DataFrame, gone: pd.DataFrame) -> tuple[Any, Any]:
    """Return the rows of both that are pairs of the same bytes under different names."""
    same = ["size", "tree_hash"]
    sides = []
    for side in (added, gone):
        some = side.dropna(subset=["tree_hash"])[[*same, "name"]]
        # Copies are paired one to one: the first added with the first gone, and so on.
        some = some.assign(turn=some.groupby(same).cumcount(), row=some.index)
        sides.append(some)
    pairs = sides[0].merge(sides[1], on=[*same, "turn"], suffixes=("", "_was"))
    pairs = pairs[pairs["name"] != pairs["name_was"]]
    return pairs["row"].to_numpy(), pairs["row_was"].to_numpy()
