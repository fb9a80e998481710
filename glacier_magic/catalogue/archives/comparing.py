"""Archives beside each other, as DataFrames: what is there twice, and what changed over time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ...base.units import from_ms
from ..storage.database import Database, Scope
from . import states, vault_table
from .archive_frames import PIECE, READ, Rows, build
from .query import COLUMNS
from .timeline import Stretch

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

_SIZE, _HASH = READ.index("size"), READ.index("tree_hash")


def duplicates(database: Database, scope: Scope, vault: str) -> pd.DataFrame:
    """Return the archives with equal tree hash and size, most bytes wasted first.

    ``group`` numbers them, ``copies`` are in it, ``wasted`` are the bytes of all but one of them.
    """
    known = vault_table.find(database, scope, vault)
    rows = _numbered(_doubles(database, known)) if known else ()
    found = build(vault, rows, read=(*READ, "copies", "wasted", "group"), columns=DUPLICATES)
    found.attrs.update(as_of=latest(database, scope, vault), more=0)
    return found


def latest(database: Database, scope: Scope, vault: str) -> str | None:
    """Return the date (ISO 8601) of the vault's latest whole inventory, or None."""
    row = database.row(
        "SELECT max(made) AS made FROM inventories WHERE account=? AND region=? AND vault=? "
        "AND ordinal IS NOT NULL AND whole=1",
        (scope.account, scope.region, vault),
    )
    made = from_ms(row["made"]) if row else None
    return made.isoformat() if made else None


def _doubles(database: Database, known: vault_table.KnownVault) -> Iterator[Rows]:
    kept = states.there(known.current)
    sql = (
        f"SELECT {COLUMNS}, {states.expression(known.current)} AS state, copies, "
        "(copies-1)*size AS wasted FROM archive_rows JOIN ("
        "SELECT size AS same_size, tree_hash AS same_hash, count(*) AS copies FROM archive_rows "
        f"WHERE vault_id=? AND tree_hash IS NOT NULL AND {kept} "
        "GROUP BY size, tree_hash HAVING count(*)>1) AS same "
        f"ON size=same_size AND tree_hash=same_hash WHERE vault_id=? AND {kept} "
        "ORDER BY wasted DESC, size, tree_hash, created, archive_id"
    )
    return database.stream(sql, (known.id, known.id), PIECE)


def _numbered(pieces: Iterable[Rows]) -> Iterator[Rows]:
    """Add to each row the number of its group; those of a group follow each other."""
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
    """Return what came and went between two inventories: see :class:`.timeline.Stretch`.

    ``change`` is *added*, *gone* or *renamed*: one that is gone while another came with the same
    tree hash and size and another name.  ``was`` and ``was_id`` are name and id of the one before.
    ``attrs`` has the sums.
    """
    stretch = Stretch(database, scope, vault, before, after)
    ids = stretch.changed()
    added, gone = (
        build(vault, ([tuple(row) for row in piece] for piece in pieces), columns=_SIDE)
        for pieces in (stretch.added(ids), stretch.gone(ids))
    )
    found = _together(added, gone)
    sums: dict[str, Any] = stretch.sums
    sums["growth"] = sums["bytes_after"] - sums["bytes_before"]
    for name in ("before", "after"):
        made = from_ms(sums[name])
        sums[name] = made.isoformat() if made else None
    found.attrs.clear()
    found.attrs.update({"vault": vault, "as_of": sums["after"], "unlisted": 0, "more": 0, **sums})
    return found


_SIDE = ("name", "size", "created", "archive_id", "tree_hash", "vault")


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
    kind = added["name"].dtype
    parts = [part.astype({"change": kind, "was": kind, "was_id": kind}) for part in parts]
    parts = [part.sort_values(["name", "created"], kind="stable") for part in parts]
    together: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return together[list(DIFFERENCE)]


def _renamed(added: pd.DataFrame, gone: pd.DataFrame) -> tuple[Any, Any]:
    """Return the rows of both that are pairs of the same bytes under another name."""
    same = ["size", "tree_hash"]
    sides = []
    for side in (added, gone):
        some = side.dropna(subset=["tree_hash"])[[*same, "name"]]
        some = some.assign(turn=some.groupby(same).cumcount(), row=some.index)
        sides.append(some)
    pairs = sides[0].merge(sides[1], on=[*same, "turn"], suffixes=("", "_was"))
    pairs = pairs[pairs["name"] != pairs["name_was"]]
    return pairs["row"].to_numpy(), pairs["row_was"].to_numpy()
