"""The contents of a catalogue, and checks and repairs of its derived tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..base.units import masked, plural
from ..errors.steps import step
from .archives import folders, identity, states
from .storage import schema
from .storage.database import Database, Snapshot

if TYPE_CHECKING:
    from . import Catalogue

PIECE = 20_000  # rows in memory at a time
SAMPLES = 50
"""Names that a check looks up in the search index."""


def vaults(database: Database) -> list[dict[str, Any]]:
    """Return the vaults of the catalogue with their totals and their newest inventory.

    ``inventory`` is the date of that inventory and ``read`` when it was read, in milliseconds since
    1970; ``kept`` is the number of inventories.  The account is masked.
    """
    rows = database.rows(
        "SELECT v.account, v.region, v.vault, COALESCE(f.archives, 0) AS archives, "
        "COALESCE(f.bytes, 0) AS size, i.made AS inventory, r.loaded AS read, "
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
    return [{**dict(row), "account": masked(row["account"])} for row in rows]


def version() -> int:
    """Return the version of the tables."""
    return len(schema.MIGRATIONS)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check; ``problems`` is 0 if it passed."""

    check: str
    problems: int
    detail: str = ""
    cure: str = ""


def how_to_repair() -> str:
    """Return how to rebuild rows that are derived from others."""
    return step("catalogue", "check --repair")


def how_to_rebuild() -> str:
    """Return how to replace rows that nothing else in the catalogue can restore."""
    return (
        f"Restore a backup: {step('catalogue', 'restore FILE')}, or on a server with pg_restore; or read "
        "the inventories again."
    )


def check(catalogue: Catalogue) -> list[Finding]:
    """Check the database and the consistency of the tables; other processes may write meanwhile."""
    database = catalogue.database
    damage = database.integrity()
    found = [_finding("the database", damage, how_to_rebuild())]
    if damage:  # statements on a damaged file fail
        return found
    with database.snapshot() as view:  # all tables as of one time
        found += [_strays(view), _ids(view), _ordinals(view)]
        found += [_sums(view, *vault) for vault in _vaults(view)]
    found.append(_names(catalogue))
    return found


def repair(catalogue: Catalogue) -> None:
    """Rebuild the folders and the search index; delete rows without a vault.

    Rows of archives of a known vault are not changed.
    """
    database = catalogue.database
    with database.transaction():
        for table in _WITH_VAULT:
            database.execute(f"DELETE FROM {table} WHERE vault_id NOT IN (SELECT id FROM vaults)")
        database.execute("DELETE FROM absences WHERE archive NOT IN (SELECT id FROM archive_rows)")
    for row in database.rows("SELECT id FROM vaults ORDER BY id"):
        with database.transaction():  # one for each vault: other writers wait meanwhile
            current = database.number("SELECT current FROM vaults WHERE id=?", (row["id"],))
            folders.rebuild(database, row["id"], current)
    database.reindex_names()  # in short transactions of its own


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


_WITH_VAULT = ("archive_rows", "folders", "absences", "loads")


def _strays(view: Snapshot) -> Finding:
    """Find rows of a vault, or of an archive, that does not exist."""
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
    """Find archives whose numbers do not belong to their ids."""
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
    """Find inventories later than the last one, and archives that no inventory lists."""
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
    """Find folders of a vault whose totals differ from the rows."""
    real = folders.add_up(_archives(view, vault_id, current))
    wrong, count = [], 0
    stored = view.rows(
        "SELECT parent, name, archives, bytes, oldest, newest, stale FROM folders WHERE vault_id=?",
        (vault_id,),
    )
    for parent, last, *figures, stale in stored:
        total = real.pop((parent, last), folders.Sum())
        right = [total.archives, total.bytes, total.oldest, total.newest]
        number = 2 if stale or not total.archives else 4  # the times of a stale folder are only bounds
        if figures[:number] != right[:number]:
            count += 1
            wrong += [f"{parent + last or 'the whole vault'!r} is not the sum of its rows"]
    missing = [f"{''.join(place)!r} is missing" for place in real]
    return _finding(f"folders of {name}", wrong[:3] + missing[:3], how_to_repair(), count + len(missing))


def _archives(view: Snapshot, vault_id: int, current: int) -> Iterator[tuple[str, int, int]]:
    for rows in view.stream(
        f"SELECT name, size, created FROM archive_rows WHERE vault_id=? AND {states.in_vault(current)}",
        (vault_id,),
        PIECE,
    ):
        yield from rows


def _names(catalogue: Catalogue) -> Finding:
    """Look up some names, evenly distributed, in the search index."""
    database = catalogue.database
    if not database.searchable:  # an SQLite without FTS5, a server without pg_trgm: not a problem
        return Finding(check="names to search in", problems=0)
    last = database.number("SELECT max(id) FROM archive_rows")
    wrong = []
    for place in range(1, last + 1, max(1, last // SAMPLES)):  # not at random: a check is repeatable
        one = database.row("SELECT id, name FROM archive_rows WHERE id>=? ORDER BY id LIMIT 1", (place,))
        # None: the name has no trigram.
        found = database.candidates([one["name"]], folders.SPILL) if one else None
        if one and found is not None and one["id"] not in found:
            wrong.append(f"{one['name']!r} is not found")
    return _finding("names to search in", wrong, how_to_repair())
