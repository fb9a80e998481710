"""What is stored in the vaults, as far as uploads and inventories have told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..descriptions import decode
from ..units import to_ms
from .database import Database, Scope

COLUMNS = (
    "vault, archive_id, name, description, format, mtime, size, created, tree_hash, state, seen"
)


LAG = 3 * 86400 * 1000
"""Milliseconds after which an archive must be in an inventory, generously: they are daily."""


@dataclass(frozen=True, kw_only=True)
class ArchiveRecord:
    """One archive: times in milliseconds since 1970 UTC, size in bytes."""

    vault: str
    archive_id: str
    name: str
    description: str
    format: str
    mtime: int | None
    size: int | None
    created: int | None
    tree_hash: str | None
    state: str
    seen: int | None

    @classmethod
    def described(cls, description: str, **known: Any) -> ArchiveRecord:
        """Make an archive whose name, mtime and format are decoded from its description."""
        decoded = decode(description)
        return cls(
            name=decoded.name,
            description=description,
            format=decoded.format,
            mtime=to_ms(decoded.mtime),
            **known,
        )


class Archives:
    """The archives of one account and region."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._key = (scope.account, scope.region)

    def record(self, archive: ArchiveRecord) -> None:
        """Write one archive, replacing what was known of it."""
        self._put(self._database, archive)

    def record_listed(self, vault: str, found: Iterable[ArchiveRecord], made: int | None) -> None:
        """Write the archives of an inventory made at *made*, all or none.

        One deleted here stays deleted.  One that an earlier inventory listed and this one does
        not is gone; one uploaded less than three days before it is merely not listed yet.
        """
        with self._database.transaction():
            for archive in found:
                self._put(self._database, archive)
            if made is not None:
                self._database.execute(
                    "UPDATE archives SET state='gone' WHERE account=? AND region=? AND vault=? "
                    "AND (state='listed' AND seen<? OR state='uploaded' AND created<?)",
                    (*self._key, vault, made, made - LAG),
                )

    def _put(self, database: Database, archive: ArchiveRecord) -> None:
        a = archive
        database.execute(
            f"INSERT INTO archives(account, region, {COLUMNS}) "
            "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?) "
            "ON CONFLICT(account, region, vault, archive_id) DO UPDATE SET "
            "size=excluded.size, created=excluded.created, tree_hash=excluded.tree_hash, "
            "seen=MAX(COALESCE(excluded.seen, 0), COALESCE(seen, 0)), "
            "state=CASE WHEN state='deleted' THEN state ELSE excluded.state END",
            (
                *self._key, a.vault, a.archive_id, a.name, a.description, a.format, a.mtime,
                a.size, a.created, a.tree_hash, a.state, a.seen,
            ),
        )  # fmt: skip

    def get(self, vault: str, archive_id: str) -> ArchiveRecord | None:
        """Return one archive by its full id."""
        found = self._select("vault=? AND archive_id=?", (vault, archive_id))
        return found[0] if found else None

    def matching(self, vault: str, glob: str | None = None) -> list[ArchiveRecord]:
        """Return the archives of a vault that are not deleted, by name, then age.

        :param glob: ``*``, ``?`` and ``[...]`` match in the whole name, ``/`` included, and
            ``folder/`` means all below it; without ``*`` and ``?`` a name that is spelled exactly
            so is only itself.
        """
        where, values = "vault=? AND state NOT IN ('deleted', 'gone')", [vault]
        if glob is not None:
            exact = [] if {"*", "?"} & set(glob) else self.named(vault, glob)
            if exact:
                return exact
            where += " AND name GLOB ?"
            values.append(f"{_literal(glob)}*" if glob.endswith("/") else glob)
        return self._select(f"{where} ORDER BY name, created", values)

    def named(self, vault: str, name: str) -> list[ArchiveRecord]:
        """Return the archives that are not deleted with exactly this name, oldest first."""
        where = "vault=? AND state NOT IN ('deleted', 'gone') AND name=? ORDER BY created"
        return self._select(where, (vault, name))

    def starting(self, vault: str, prefix: str) -> list[ArchiveRecord]:
        """Return the archives that are not deleted whose id starts with *prefix*."""
        where = "vault=? AND state NOT IN ('deleted', 'gone') AND archive_id>=? AND archive_id<?"
        return self._select(where, (vault, prefix, prefix + "\x7f"))

    def mark_deleted(self, vault: str, archive_id: str) -> None:
        """Note that the service has accepted the deletion of an archive."""
        self._database.execute(
            "UPDATE archives SET state='deleted' "
            "WHERE account=? AND region=? AND vault=? AND archive_id=?",
            (*self._key, vault, archive_id),
        )

    def count(self, vault: str) -> int:
        """Return how many archives of a vault are known and not deleted."""
        row = self._database.row(
            "SELECT count(*) AS n FROM archives "
            "WHERE account=? AND region=? AND vault=? AND state NOT IN ('deleted', 'gone')",
            (*self._key, vault),
        )
        return int(row["n"]) if row else 0

    def names_with_prefix(self, vault: str, prefix: str, limit: int = 50) -> list[str]:
        """Return the first names that start with *prefix*: for completion, quick at any size."""
        rows = self._database.rows(
            "SELECT DISTINCT name FROM archives WHERE account=? AND region=? AND vault=? "
            "AND name>=? AND name<? AND state NOT IN ('deleted', 'gone') ORDER BY name LIMIT ?",
            (*self._key, vault, prefix, prefix + "\U0010ffff", limit),
        )
        return [row["name"] for row in rows]

    def _select(self, where: str, values: Iterable[Any]) -> list[ArchiveRecord]:
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM archives WHERE account=? AND region=? AND {where}",
            (*self._key, *values),
        )
        return [_archive(row) for row in rows]


def _archive(row: sqlite3.Row) -> ArchiveRecord:
    return ArchiveRecord(**dict(row))


def _literal(text: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)
