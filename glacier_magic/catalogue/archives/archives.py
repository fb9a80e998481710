"""What is stored in the vaults, as far as uploads and inventories have told."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...base.units import to_ms
from ...descriptions import decode
from ..storage.database import Database, Scope
from . import archive_deletion as deleted
from . import folders, identity, ingest, states, vault_table
from .folders import Folder, FolderChanges
from .query import Page, Query, pages, pieces, statement
from .states import LAG, Presence
from .timeline import Difference, difference

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LAG", "ArchiveRecord", "Archives"]

_FACTS = "archive_id, name, description, format, mtime, size, created, tree_hash"
_PRESENCE = "origin, listed, unlisted, deleted"


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
        self._database, self._scope = database, scope
        self._database.prepare_indexes()

    # Writing

    def record(self, archive: ArchiveRecord, *, now: int | None = None) -> None:
        """Write one archive; what is known better, and a deletion, stays.

        :param now: the service's time in milliseconds; this computer's if not given.
        """
        now = int(time.time() * 1000) if now is None else now
        with self._database.transaction():
            vault = vault_table.known(self._database, self._scope, archive.vault)
            key = (vault.id, *identity.numbers(archive.archive_id))
            row = self._database.row(
                f"SELECT id, name, size, created, {_PRESENCE} FROM archive_rows "
                "WHERE vault_id=? AND id_key=? AND id_check=?",
                key,
            )
            changes = FolderChanges()
            if row is None:
                after = self._insert(key, archive, vault.current, now)
                name = archive.name
            else:
                before = Presence(*(row[name] for name in _PRESENCE.split(", ")))
                if before.there(vault.current):
                    changes.go(row["name"], row["size"], row["created"])
                after = before.told(archive.state, vault.current, now)
                self._update(row["id"], archive, after)
                name = row["name"]
            if after.there(vault.current):
                size, created = archive.size, archive.created
                if row is not None and (archive.state == "unknown" or size is None):
                    size, created = row["size"] or size, row["created"] or created
                changes.come(name, size, created)
            changes.write(self._database, vault.id)

    def _insert(self, key: tuple[int, int, int], archive: ArchiveRecord, current: int, now: int) -> Presence:
        a, presence = archive, Presence(states.LISTED).told(archive.state, current, now)
        self._database.execute(
            f"INSERT INTO archive_rows(vault_id, id_key, id_check, {_FACTS}, {_PRESENCE}) "
            "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                *key,
                a.archive_id,
                a.name,
                None if a.description == a.name else a.description,
                a.format,
                a.mtime,
                a.size,
                a.created,
                identity.pack_hash(a.tree_hash),
                presence.origin,
                presence.listed,
                presence.unlisted,
                presence.deleted,
            ),
        )
        return presence

    def _update(self, row_id: int, archive: ArchiveRecord, after: Presence) -> None:
        a = archive
        # another tool's record completes what is known here, it does not correct it
        keep = "COALESCE({0}, ?)" if a.state == "unknown" else "COALESCE(?, {0})"
        facts = ", ".join(f"{c}={keep.format(c)}" for c in ("size", "created", "tree_hash"))
        self._database.execute(
            f"UPDATE archive_rows SET {facts}, origin=?, listed=?, unlisted=?, deleted=? WHERE id=?",
            (
                a.size,
                a.created,
                identity.pack_hash(a.tree_hash),
                after.origin,
                after.listed,
                after.unlisted,
                after.deleted,
                row_id,
            ),
        )

    def record_listed(self, vault: str, found: Iterable[ArchiveRecord], made: int | None) -> None:
        """Write the archives of a whole inventory made at *made*, all or none.

        One deleted here stays deleted.  One that an earlier inventory listed and this one does
        not is gone; one uploaded less than three days before it is merely not listed yet.
        """
        import pyarrow as pa

        listed = list(found)
        batch = pa.record_batch(
            {
                "archive_id": pa.array([a.archive_id for a in listed], pa.string()),
                "description": pa.array([a.description for a in listed], pa.string()),
                "created": pa.array([a.created for a in listed], pa.timestamp("ms", "UTC")),
                "size": pa.array([a.size for a in listed], pa.int64()),
                "tree_hash": pa.array([a.tree_hash for a in listed], pa.string()),
            }
        )
        with ingest.loading(self._database, self._scope, vault, f"listed {made}") as load:
            load.add(batch)
            load.finish(made)

    def mark_deleted(self, vault: str, archive_id: str, now: int | None = None) -> None:
        """Note that the service has accepted the deletion of an archive.

        :param now: the service's time in milliseconds; this computer's if not given.
        """
        now = int(time.time() * 1000) if now is None else now
        deleted.mark(self._database, self._scope, vault, [archive_id], now)

    # Addressing

    def get(self, vault: str, archive_id: str) -> ArchiveRecord | None:
        """Return one archive by its full id."""
        values = (*identity.numbers(archive_id), archive_id)
        found = self._select(vault, "id_key=? AND id_check=? AND archive_id=?", values, all_=True)
        return found[0] if found else None

    def matching(self, vault: str, glob: str | None = None) -> list[ArchiveRecord]:
        """Return the archives of a vault that are not deleted, by name, then age.

        :param glob: ``*``, ``?`` and ``[...]`` match in the whole name, ``/`` included, and
            ``folder/`` means all below it; without ``*`` and ``?`` a name that is spelled exactly
            so is only itself.
        """
        if glob is not None and not {"*", "?"} & set(glob):
            exact = self.named(vault, glob)
            if exact:
                return exact
        return list(self.query(vault, glob).records)

    def named(self, vault: str, name: str) -> list[ArchiveRecord]:
        """Return the archives that are not deleted with exactly this name, oldest first."""
        return self._select(vault, "name=?", (name,), "ORDER BY created NULLS FIRST")

    def starting(self, vault: str, prefix: str, *, all_: bool = False) -> list[ArchiveRecord]:
        """Return the archives whose id starts with *prefix*: those there, or all that were ever."""
        where = "id_key BETWEEN ? AND ? AND archive_id>=? AND archive_id<?"
        values = (*identity.span(prefix), prefix, prefix + "\x7f")
        return self._select(vault, where, values, all_=all_)

    def known(self, vault: str, archive_ids: Sequence[str]) -> list[ArchiveRecord]:
        """Return those of these archives that the vault is known to hold or to have held."""
        known = vault_table.find(self._database, self._scope, vault)
        if known is None:
            return []
        wanted, found = frozenset(archive_ids), []
        for start in range(0, len(archive_ids), 500):  # databases bound a statement's values
            keys = [identity.numbers(each)[0] for each in archive_ids[start : start + 500]]
            rows = self._database.rows(
                f"SELECT {_FACTS}, {_PRESENCE}, {states.expression(known.current)} AS state "
                f"FROM archive_rows WHERE vault_id=? AND id_key IN ({','.join('?' * len(keys))}) "
                f"AND {states.visible(known.current)}",
                (known.id, *keys),
            )
            found += [row for row in rows if row["archive_id"] in wanted]
        return self._records(vault, found)

    def numbers(self, vault: str, glob: str | None, where: str | None = None) -> Iterator[int]:
        """Yield the numbers of rows, by name, however many there are: see :meth:`query`."""
        made = statement(self._database, self._scope, vault, Query(glob=glob, where=where))
        for rows in pieces(self._database, made, 10_000) if made else ():
            yield from (row[0] for row in rows)

    def numbered(self, vault: str, numbers: Sequence[int]) -> dict[int, ArchiveRecord]:
        """Return the archives of these rows, some hundred at most, by their numbers."""
        known = vault_table.find(self._database, self._scope, vault)
        if known is None:
            return {}
        rows = self._database.rows(
            f"SELECT id, {_FACTS}, {_PRESENCE}, {states.expression(known.current)} AS state "
            f"FROM archive_rows WHERE vault_id=? AND id IN ({','.join(map(str, numbers))})",
            (known.id,),
        )
        found = self._records(vault, rows)
        return {row["id"]: record for row, record in zip(rows, found, strict=True)}

    def count(self, vault: str) -> int:
        """Return how many archives of a vault are known and not deleted."""
        known = vault_table.find(self._database, self._scope, vault)
        row = known and self._database.row(
            "SELECT archives FROM folders WHERE vault_id=? AND parent='' AND name=''", (known.id,)
        )
        return int(row["archives"]) if row else 0

    def count_unsized(self, vault: str) -> int:
        """Return how many archives of a vault are known and not deleted, but not their sizes."""
        known = vault_table.find(self._database, self._scope, vault)
        row = known and self._database.row(
            "SELECT count(*) AS n FROM archive_rows WHERE vault_id=? AND size IS NULL "
            f"AND {states.there(known.current)}",
            (known.id,),
        )
        return int(row["n"]) if row else 0

    def names_with_prefix(self, vault: str, prefix: str, limit: int = 50) -> list[str]:
        """Return the first names that start with *prefix*: for completion, quick at any size."""
        known = vault_table.find(self._database, self._scope, vault)
        if known is None:
            return []
        rows = self._database.rows(
            "SELECT DISTINCT name FROM archive_rows WHERE vault_id=? AND name>=? AND name<? "
            f"AND {states.there(known.current)} ORDER BY name LIMIT ?",
            (known.id, prefix, prefix + "\U0010ffff", limit),
        )
        return [row["name"] for row in rows]

    def _select(
        self, vault: str, where: str, values: Sequence[Any], order: str = "", *, all_: bool = False
    ) -> list[ArchiveRecord]:
        known = vault_table.find(self._database, self._scope, vault)
        if known is None:
            return []
        kept = states.visible(known.current) if all_ else states.there(known.current)
        rows = self._database.rows(
            f"SELECT {_FACTS}, {_PRESENCE}, {states.expression(known.current)} AS state "
            f"FROM archive_rows WHERE vault_id=? AND {where} AND {kept} {order}",
            (known.id, *values),
        )
        return self._records(vault, rows)

    def _records(self, vault: str, rows: Iterable[Any]) -> list[ArchiveRecord]:
        dates = self._dates(vault)
        return [_record(vault, row, dates) for row in rows]

    def of_rows(self, vault: str, rows: Iterable[Any]) -> list[ArchiveRecord]:
        """Return rows that were read elsewhere as records."""
        return self._records(vault, rows)

    def _dates(self, vault: str) -> list[tuple[int, int]]:
        """Return (ordinal, date) of the vault's inventories, latest first."""
        rows = self._database.rows(
            "SELECT ordinal, made FROM inventories WHERE account=? AND region=? AND vault=? "
            "AND ordinal IS NOT NULL AND made IS NOT NULL ORDER BY ordinal DESC",
            (self._scope.account, self._scope.region, vault),
        )
        return [(row["ordinal"], row["made"]) for row in rows]

    # Asking

    def query(
        self,
        vault: str,
        glob: str | None = None,
        *,
        where: str | None = None,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        offset: int = 0,
        as_of: int | None = None,
        states: Sequence[str] | None = None,
        text: str | None = None,
    ) -> Page[ArchiveRecord]:
        """Return archives of a vault, a page of them; states are those of :mod:`.states`.

        :param glob: as in :meth:`matching`, and ``name:`` with an exact name, ``id:`` with the
            beginning of an archive id.
        :param where: conditions such as ``size > 1GB and created < '2016'``: see :mod:`.where`.
        :param sort: columns, the first counts most; ``-size`` is largest first.  By name if none
            is given.
        :param as_of: milliseconds since 1970; what the newest inventory until then lists.
        :param states: those wanted; what is there (present, pending, unknown) if not given.
        :param text: what the name must hold anywhere; ASCII letters in either case.
        :raises InputError: one of them cannot be understood; or there is no inventory that old.
        """
        asked = Query(
            glob=glob,
            where=where,
            sort=sort,
            limit=limit,
            offset=offset,
            as_of=as_of,
            states=states,
            text=text,
        )
        page = pages(self._database, self._scope, vault, asked)
        return Page(tuple(self._records(vault, page.records)), page.offset, page.more, page.as_of)

    def frame(self, vault: str, glob: str | None = None, **asked: Any) -> pd.DataFrame:
        """Return the same as :meth:`query` as a DataFrame with the columns of ``tables.ARCHIVES``.

        ``attrs`` has vault; as_of, the ISO 8601 date of the inventory, or None; more, how many a
        limit left out (:attr:`.Limits.counted_rows` at most); and unlisted, how many of them are stored
        from here and in no inventory yet.
        """
        from .archive_frames import frame  # noqa: PLC0415 - costs time: imported when used

        return frame(self._database, self._scope, vault, Query(glob=glob, **asked))

    def find(self, vault: str, text: str, *, limit: int | None = 50) -> Page[ArchiveRecord]:
        """Return the archives whose name holds *text* anywhere, by name."""
        return self.query(vault, text=text, limit=limit)

    def du(self, vault: str, path: str = "", depth: int = 1) -> list[Folder]:
        """Return a folder and those below it down to *depth* levels, with all in them added up.

        :param path: a folder with or without its slash; empty for the whole vault.
        """
        known = vault_table.find(self._database, self._scope, vault)
        if known is None:
            return []
        path = path if not path or path.endswith("/") else f"{path}/"
        return [
            Folder(**folder) for folder in folders.below(self._database, known.id, known.current, path, depth)
        ]

    def diff(
        self, vault: str, before: int | None = None, after: int | None = None
    ) -> Difference[ArchiveRecord]:
        """Return what came and went between the inventories of two moments (milliseconds).

        Each is the newest one until then; without moments, the last two.

        :raises InputError: there is no inventory that old.
        """
        found = difference(self._database, self._scope, vault, before, after)
        return replace(
            found,
            added=tuple(self._records(vault, found.added)),
            gone=tuple(self._records(vault, found.gone)),
        )

    def difference(self, vault: str, before: int | None = None, after: int | None = None) -> pd.DataFrame:
        """Return the same as :meth:`diff` as a DataFrame: see :func:`.comparing.difference`."""
        from .comparing import difference  # noqa: PLC0415 - costs time: imported when used

        return difference(self._database, self._scope, vault, before, after)

    def latest(self, vault: str) -> str | None:
        """Return the date (ISO 8601) of the latest whole inventory of a vault, or None."""
        from .comparing import latest  # noqa: PLC0415 - costs time: imported when used

        return latest(self._database, self._scope, vault)

    def doubles(self, vault: str) -> pd.DataFrame:
        """Return the same as :meth:`duplicates` as a DataFrame: :func:`.comparing.duplicates`."""
        from .comparing import duplicates  # noqa: PLC0415 - costs time: imported when used

        return duplicates(self._database, self._scope, vault)

    def folder_names(self, vault: str, prefix: str, limit: int = 50) -> list[str]:
        """Return the first folders that start with *prefix*, of the level that it is in."""
        known = vault_table.find(self._database, self._scope, vault)
        return folders.starting(self._database, known.id, prefix, limit) if known else []

    def duplicates(self, vault: str) -> list[list[ArchiveRecord]]:
        """Return the archives with equal tree hash and size, in groups, most bytes wasted first."""
        known = vault_table.find(self._database, self._scope, vault)
        if known is None:
            return []
        kept = states.there(known.current)
        rows = self._database.rows(
            f"SELECT {_FACTS}, {_PRESENCE}, {states.expression(known.current)} AS state "
            f"FROM archive_rows WHERE vault_id=? AND {kept} AND (size, tree_hash) IN ("
            "SELECT size, tree_hash FROM archive_rows WHERE vault_id=? AND tree_hash IS NOT NULL "
            f"AND {kept} GROUP BY size, tree_hash HAVING count(*)>1) "
            "ORDER BY size, tree_hash, created NULLS FIRST, archive_id",
            (known.id, known.id),
        )
        groups: dict[tuple[Any, Any], list[ArchiveRecord]] = {}
        for record in self._records(vault, rows):
            groups.setdefault((record.size, record.tree_hash), []).append(record)
        return sorted(groups.values(), key=lambda g: -(len(g) - 1) * (g[0].size or 0))


def _record(vault: str, row: Any, dates: Sequence[tuple[int, int]]) -> ArchiveRecord:
    return ArchiveRecord(
        vault=vault,
        archive_id=row["archive_id"],
        name=row["name"],
        description=row["name"] if row["description"] is None else row["description"],
        format=row["format"],
        mtime=row["mtime"],
        size=row["size"],
        created=row["created"],
        tree_hash=identity.unpack_hash(row["tree_hash"]),
        state=row["state"],
        seen=states.last_seen(row["listed"], row["unlisted"], dates),
    )
