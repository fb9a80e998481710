"""The objects of a bucket in numbers, by storage class, without reading them one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..storage.database import Database, Scope
from .identity import find_vault
from .states import in_vault

HOUR = 3600 * 1000  # milliseconds


@dataclass(frozen=True)
class ClassSum:
    """The objects of one storage class.

    :param least: their bytes if each has the minimum size at least.
    :param early: bytes of those within the minimum duration, times the hours left of it.
    :param young: the number of those.
    """

    storage_class: str
    objects: int
    bytes: int
    least: int
    early: int
    young: int


def class_sums(
    database: Database,
    scope: Scope,
    vault: str,
    *,
    smallest: int,
    overhead: int,
    hours: Mapping[str, int],
    now: int,
) -> list[ClassSum]:
    """Return the objects of a bucket by storage class, as last listed.

    :param smallest: the minimum size of an object.
    :param overhead: bytes added to each object in ``early``.
    :param hours: the minimum duration of classes that have one.
    :param now: milliseconds since 1970.
    """
    known = find_vault(database, scope, vault)
    if known is None:
        return []
    minimum = " ".join("WHEN ? THEN ?" for _ in hours)
    values = [value for pair in hours.items() for value in pair]
    rows = database.rows(
        "SELECT kind, COUNT(*) AS objects, SUM(size) AS bytes, "
        "SUM(CASE WHEN size<? THEN ? ELSE size END) AS least, "
        # Of a float: hours times bytes of a large bucket are more than 64 bits.
        "SUM(CASE WHEN rest>0 THEN rest*1.0*(size+?) ELSE 0 END) AS early, "
        "SUM(CASE WHEN rest>0 THEN 1 ELSE 0 END) AS young "
        "FROM (SELECT COALESCE(description, name) AS kind, size, "  # null: it is the name
        f"CASE COALESCE(description, name) {minimum} ELSE 0 END-(?-created)/{HOUR} AS rest "
        f"FROM archive_rows WHERE vault_id=? AND {in_vault(known.current)}) AS listed "
        "GROUP BY kind ORDER BY kind",
        (smallest, smallest, overhead, *values, now, known.id),
    )
    return [ClassSum(row[0], *(int(value) for value in row[1:])) for row in rows]
