"""How the catalogue is: what is in it, how old, and whether its parts agree with each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..base.units import masked, plural
from ..steps import step
from .archives import folders, identity, states
from .storage import schema
from .storage.database import Database, Snapshot

if TYPE_CHECKING:
    from . import Catalogue

PIECE = 20_000
SAMPLES = 50
"""Names that are looked up in the table to search in."""


def vaults(database: Database) -> list[dict[str, Any]]:
    """Return each vault of the file: sums, date of its newest inventory, when read, how many kept.

    ``inventory`` and ``read`` are milliseconds since 1970; the account is masked.
    """
    rows = database.rows(
        "SELECT v.account, v.region, v.vault, COALESCE(f.archives, 0) AS archives, "
        "COALESCE(f.bytes, 0) AS size, i.made AS inventory, r.loaded AS read_at, "
        "COALESCE(i.kept, 0) AS kept FROM vaults v "
        "LEFT JOIN folders f ON f.vault_id=v.id AND f.parent='' AND f.name='' "
        "LEFT JOIN (SELECT account, region, vault, count(*) AS kept, max(made) AS made "
        "FROM inventories WHERE ordinal IS NOT NULL AND whole=1 GROUP BY account, region, vault) "
        "AS i ON i.account=v.account AND i.region=v.region AND i.vault=v.vault "
        "LEFT JOIN (SELECT account, region, vault, made, max(loaded) AS loaded FROM inventories "
        "WHERE ordinal IS NOT NULL AND whole=1 GROUP BY account, region, vault, made) "
        "AS r ON r.account=v.account AND r.region=v.region AND r.vault=v.vault AND r.made=i.made "
        "ORDER BY v.account, v.region, v.vault"
    )
    return [
        {
            "account": masked(row["account"]),
            "region": row["region"],
            "vault": row["vault"],
            "archives": row["archives"],
            "size": row["size"],
            "inventory": row["inventory"],
            "read": row["read_at"],
            "kept": row["kept"],
        }
        for row in rows
    ]


def version() -> int:
    """Return the version of the tables."""
    return len(schema.MIGRATIONS)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was looked at, and what is wrong with it: nothing if ``problems`` is 0."""

    check: str
    problems: int
    detail: str = ""
    cure: str = ""


def how_to_repair() -> str:
    """Return what to do about rows that follow from others and do not agree with them."""
    return step("catalogue", "check --repair")


def how_to_rebuild() -> str:
    """Return what to do about rows that nothing else in the catalogue can tell."""
    return (
        f"Restore a backup: {step('catalogue', 'restore FILE')}, or on a server with pg_restore; or read "
        "the inventories again."
    )


def check(catalogue: Catalogue) -> list[Finding]:
    """Look whether all is whole and the tables agree, as of one moment, while others write."""
    database = catalogue.database
    damage = database.integrity()
    found = [_finding("the database", damage, how_to_rebuild())]
    if damage:
        return found
    with database.snapshot() as view:
        found += [_strays(view), _ids(view), _ordinals(view)]
        found += [_sums(view, *vault) for vault in _vaults(view)]
    found.append(_names(catalogue))
    return found


def repair(catalogue: Catalogue) -> None:
    """Make anew what follows from the rows: sums, the table to search in; drop what has no vault.

    Rows of archives are never touched while their vault is known.
    """
    database = catalogue.database
    with database.transaction():
        for table in _WITH_VAULT:
            database.execute(f"DELETE FROM {table} WHERE vault_id NOT IN (SELECT id FROM vaults)")
        database.execute("DELETE FROM absences WHERE archive NOT IN (SELECT id FROM archive_rows)")
    for row in database.rows("SELECT id FROM vaults ORDER BY id"):
        with database.transaction():
            now = database.row("SELECT current FROM vaults WHERE id=?", (row["id"],))
            folders.rebuild(database, row["id"], now["current"] if now else 0)
    database.reindex_names()


def _finding(what: str, problems: list[str], cure: str, count: int | None = None) -> Finding:
    if not problems:
        return Finding(check=what, problems=0)
    return Finding(
        check=what,
        problems=len(problems) if count is None else count,
        detail="; ".join(problems[:3]),
        cure=cure,
    )


def _vaults(view: Snapshot) -> list[tuple[int, str, int]]:
    return [
        (number, f"{vault} in {region}", current)
        for number, region, vault, current in view.rows(
            "SELECT id, region, vault, current FROM vaults ORDER BY id"
        )
    ]


_WITH_VAULT = ("archive_rows", "folders", "absences", "loads", "pages")


def _strays(view: Snapshot) -> Finding:
    """Look for rows of a vault, or of an archive, that is not there."""
    wrong, count = [], 0
    for table in _WITH_VAULT:
        ((number,),) = view.rows(
            f"SELECT count(*) FROM {table} WHERE vault_id NOT IN (SELECT id FROM vaults)"
        )
        count += number
        wrong += [f"{plural(number, 'row')} of {table} without a vault"] if number else []
    ((number,),) = view.rows(
        "SELECT count(*) FROM absences WHERE archive NOT IN (SELECT id FROM archive_rows)"
    )
    wrong += [f"{plural(number, 'absence')} without an archive"] if number else []
    return _finding("rows without a vault", wrong, how_to_repair(), count + number)


def _ids(view: Snapshot) -> Finding:
    """Look whether the numbers that stand for archive ids are theirs."""
    import numpy as np
    import pyarrow as pa

    wrong = 0
    for rows in view.stream("SELECT archive_id, id_key, id_check FROM archive_rows", (), PIECE):
        ids, keys, checks = zip(*rows, strict=True)
        real = identity.columns(pa.array(ids, pa.string()))
        wrong += int(np.count_nonzero((real[0] != np.array(keys)) | (real[1] != np.array(checks))))
    problems = [f"{plural(wrong, 'archive')} cannot be found by the id"] if wrong else []
    return _finding("archive ids", problems, how_to_rebuild(), wrong)


def _ordinals(view: Snapshot) -> Finding:
    """Look for inventories later than the last one, and archives listed by none."""
    late = view.rows(
        "SELECT v.vault, count(*) FROM inventories i JOIN vaults v ON v.account=i.account "
        "AND v.region=i.region AND v.vault=i.vault WHERE i.ordinal>v.current GROUP BY v.vault"
    )
    wrong = [f"{n:,} of the inventories of {name} too late" for name, n in late]
    rows = view.rows(
        "SELECT v.vault, count(*) FROM archive_rows a JOIN vaults v ON v.id=a.vault_id "
        "WHERE a.listed>v.current AND v.id NOT IN (SELECT vault_id FROM loads) GROUP BY v.vault"
    )
    wrong += [f"{plural(n, 'archive')} of {name} listed by no inventory" for name, n in rows]
    return _finding("inventories", wrong, how_to_rebuild(), sum(n for _, n in (*late, *rows)))


def _sums(view: Snapshot, vault_id: int, name: str, current: int) -> Finding:
    """Look whether the folders of a vault hold what its rows add up to."""
    real = folders.add_up(_there(view, vault_id, current))
    wrong, count = [], 0
    kept = view.rows(
        "SELECT parent, name, archives, bytes, oldest, newest, stale FROM folders WHERE vault_id=?",
        (vault_id,),
    )
    for parent, last, *figures, stale in kept:
        told = real.pop((parent, last), folders.Sum())
        right = [told.archives, told.bytes, told.oldest, told.newest]
        number = 2 if stale or not told.archives else 4  # else the times are bounds only
        if figures[:number] != right[:number]:
            count += 1
            wrong += [f"{parent + last or 'the whole vault'!r} is not the sum of its rows"]
    missing = [f"{''.join(place)!r} is missing" for place in real]
    return _finding(f"folders of {name}", wrong[:3] + missing[:3], how_to_repair(), count + len(missing))


def _there(view: Snapshot, vault_id: int, current: int) -> Iterator[tuple[str, int, int]]:
    for rows in view.stream(
        f"SELECT name, size, created FROM archive_rows WHERE vault_id=? AND {states.there(current)}",
        (vault_id,),
        PIECE,
    ):
        yield from rows


def _names(catalogue: Catalogue) -> Finding:
    """Look up some names, evenly spread, in the table to search in."""
    database = catalogue.database
    if not database.searchable:
        return Finding(check="names to search in", problems=0)
    row = database.row("SELECT max(id) AS last FROM archive_rows")
    last = (row["last"] if row else None) or 0
    wrong = []
    for place in range(1, last + 1, max(1, last // SAMPLES)):
        one = database.row("SELECT id, name FROM archive_rows WHERE id>=? ORDER BY id LIMIT 1", (place,))
        found = database.candidates([one["name"]], folders.SPILL) if one else None
        if one and found is not None and one["id"] not in found:
            wrong.append(f"{one['name']!r} is not found")
    return _finding("names to search in", wrong, how_to_repair())
