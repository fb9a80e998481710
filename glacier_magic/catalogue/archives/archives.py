"""The archives of a vault, as uploads, inventories and other tools' records describe them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..storage.database import Database, Scope
from ..storage.letters import spellings
from . import archive_sequence, folders, identity, states
from .archive_record import ArchiveRecord
from .folders import END, SEPARATORS, Folder, FolderChanges
from .query import Page, Query, page, statement
from .states import LAG, Presence

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LAG", "ArchiveRecord", "Archives"]

_FACTS = "archive_id, name, description, format, mtime, size, created, tree_hash, labels, note"
_PRESENCE = "origin, listed, unlisted, deleted"


class Archives:
    """The archives of one account and region."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database, self._scope = database, scope

    # Writing

    def record(self, archive: ArchiveRecord, *, now: int | None = None) -> None:
        """Write one archive; a recorded deletion, and facts from a better source, stay.

        :param now: the service's time in milliseconds; without it, this computer's.
        """
        now = int(time.time() * 1000) if now is None else now
        with self._database.transaction():
            vault = identity.find_or_add_vault(self._database, self._scope, archive.vault)
            key = (vault.id, *identity.numbers(archive.archive_id))
            row = self._row(key)
            changes = FolderChanges()
            if row is None:
                after = self._insert(key, archive, vault.current, now)
                name = archive.name
            else:
                before = Presence(*(row[name] for name in _PRESENCE.split(", ")))
                if before.in_vault(vault.current):
                    changes.remove(row["name"], row["size"], row["created"])
                after = before.after(archive.state, vault.current, now)
                self._update(row["id"], archive, after)
                name = row["name"]
            if after.in_vault(vault.current):
                size, created = archive.size, archive.created
                if row is not None and (archive.state == "unknown" or size is None):
                    # The same as _update() writes.
                    size, created = row["size"] or size, row["created"] or created
                changes.add(name, size, created)
            changes.write(self._database, vault.id)

    def describe(self, archive: ArchiveRecord) -> None:
        """Write the name, description, format, modification time, labels and note of a known archive."""
        a = archive
        with self._database.transaction():
            vault = identity.find_or_add_vault(self._database, self._scope, a.vault)
            row = self._row((vault.id, *identity.numbers(a.archive_id)))
            described = None if a.description == a.name else a.description
            self._database.execute(
                "UPDATE archive_rows SET name=?, description=?, format=?, mtime=?, labels=?, note=? "
                "WHERE id=?",
                (a.name, described, a.format, a.mtime, a.labels, a.note, row["id"]),
            )
            if a.name == row["name"]:
                return
            self._database.reindex_name(row["id"], row["name"], a.name)
            if Presence(*(row[name] for name in _PRESENCE.split(", "))).in_vault(vault.current):
                changes = FolderChanges()
                changes.remove(row["name"], row["size"], row["created"])
                changes.add(a.name, row["size"], row["created"])
                changes.write(self._database, vault.id)

    def _row(self, key: tuple[int, int, int]) -> Any:
        return self._database.row(
            f"SELECT id, name, size, created, {_PRESENCE} FROM archive_rows "
            "WHERE vault_id=? AND id_key=? AND id_check=?",
            key,
        )

    def _insert(self, key: tuple[int, int, int], archive: ArchiveRecord, current: int, now: int) -> Presence:
        a, presence = archive, Presence(states.LISTED).after(archive.state, current, now)
        self._database.execute(
            f"INSERT INTO archive_rows(vault_id, id_key, id_check, {_FACTS}, {_PRESENCE}) "
            "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                *key,
                a.archive_id,
                a.name,
                None if a.description == a.name else a.description,  # stored once: most are equal
                a.format,
                a.mtime,
                a.size,
                a.created,
                identity.pack_hash(a.tree_hash),
                a.labels,
                a.note,
                presence.origin,
                presence.listed,
                presence.unlisted,
                presence.deleted,
            ),
        )
        return presence

    def _update(self, row_id: int, archive: ArchiveRecord, after: Presence) -> None:
        a = archive
        # Another tool's record adds missing facts; it does not correct what the service has said.
        value = "COALESCE({0}, ?)" if a.state == "unknown" else "COALESCE(?, {0})"
        facts = ", ".join(f"{c}={value.format(c)}" for c in ("size", "created", "tree_hash"))
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

    # Looking up

    def get(self, vault: str, archive_id: str) -> ArchiveRecord | None:
        """Return one archive by its full id, in any state."""
        where, values = "id_key=? AND id_check=? AND archive_id=?", identity.numbers(archive_id)
        found = self._select(vault, where, (*values, archive_id), states.visible)
        return found[0] if found else None

    def matching(self, vault: str, glob: str | None = None) -> Sequence[ArchiveRecord]:
        """Return the archives of a vault by name, then creation time, without deleted ones.

        Many are columns, and each is a record only while it is looked at: see :mod:`.archive_sequence`.

        :param glob: ``*``, ``?`` and ``[...]`` match anywhere in the name, including ``/``;
            ``folder/`` means every name below it, and so does ``folder``, unless it is the exact name
            of an archive.
        """
        if glob is not None and not {"*", "?"} & set(glob):
            exact = self.named(vault, glob)  # photo[1].jpg is a name before it is a pattern
            if exact:
                return exact
        return archive_sequence.matching(self._database, self._scope, vault, glob)

    def named(self, vault: str, name: str) -> list[ArchiveRecord]:
        """Return the archives with this name, composed or not, oldest first, without deleted ones."""
        return self._select(vault, *self._database.equal("name", name), order="ORDER BY created NULLS FIRST")

    def starting(self, vault: str, prefix: str, *, all_: bool = False) -> list[ArchiveRecord]:
        """Return the archives in the vault whose id begins with *prefix*.

        :param all_: include archives that are deleted or gone.
        """
        where = "id_key BETWEEN ? AND ? AND archive_id>=? AND archive_id<?"
        # Ids are ASCII: \x7f sorts after every character.
        values = (*identity.span(prefix), prefix, prefix + "\x7f")
        return self._select(vault, where, values, states.visible if all_ else states.in_vault)

    def known(self, vault: str, archive_ids: Sequence[str]) -> list[ArchiveRecord]:
        """Return the archives with these ids that the catalogue knows, in any state."""
        return self.of_rows(vault, self._with_ids(vault, archive_ids, states.visible))

    def deleted(self, vault: str) -> set[str]:
        """Return the ids of the archives of a vault that this catalogue has deleted."""
        rows = self._rows(vault, "deleted IS NOT NULL", (), states.visible)
        return {row["archive_id"] for row in rows}

    def row_numbers(self, vault: str, archive_ids: Sequence[str]) -> dict[str, int]:
        """Return the row numbers of those of these archives that are in the vault, by their ids."""
        return {row["archive_id"]: row["id"] for row in self._with_ids(vault, archive_ids, states.in_vault)}

    def _with_ids(self, vault: str, archive_ids: Sequence[str], shown: Callable[[int], str]) -> Iterator[Any]:
        wanted = frozenset(archive_ids)
        for start in range(0, len(archive_ids), 500):  # databases limit the values of a statement
            keys = [identity.numbers(each)[0] for each in archive_ids[start : start + 500]]
            rows = self._rows(vault, f"id_key IN ({','.join('?' * len(keys))})", keys, shown)
            yield from (row for row in rows if row["archive_id"] in wanted)

    def numbers(self, vault: str, glob: str | None, where: str | None = None) -> Iterator[int]:
        """Yield the row numbers of matching archives by name, however many: see :meth:`query`."""
        made = statement(self._database, self._scope, vault, Query(glob=glob, where=where))
        for rows in self._database.stream(made.sql, made.values, 10_000) if made else ():
            yield from (row[0] for row in rows)

    def numbered(self, vault: str, numbers: Sequence[int]) -> dict[int, ArchiveRecord]:
        """Return the archives of up to some hundred rows by their numbers."""
        rows = self._rows(vault, f"id IN ({','.join(map(str, numbers))})", (), states.visible)
        return {row["id"]: record for row, record in zip(rows, self.of_rows(vault, rows), strict=True)}

    def count(self, vault: str) -> int:
        """Return how many archives a vault holds."""
        return folders.count(self._database, self._scope, vault)

    def count_unsized(self, vault: str) -> int:
        """Return how many archives of a vault have an unknown size."""
        known = identity.find_vault(self._database, self._scope, vault)
        if known is None:
            return 0
        return self._database.number(
            "SELECT count(*) FROM archive_rows WHERE vault_id=? AND size IS NULL "
            f"AND {states.in_vault(known.current)}",
            (known.id,),
        )

    def names_with_prefix(self, vault: str, prefix: str, limit: int = 50, start: str = "") -> list[str]:
        """Return the first names from *start* on that begin with *prefix*, for completion."""
        known = identity.find_vault(self._database, self._scope, vault)
        if known is None:
            return []
        rows = self._database.rows(  # a range of the index: fast in a vault of any size
            "SELECT DISTINCT name FROM archive_rows WHERE vault_id=? AND name>=? AND name<? "
            f"AND {states.in_vault(known.current)} ORDER BY name LIMIT ?",
            (known.id, max(prefix, start), prefix + END, limit),
        )
        return [row["name"] for row in rows]

    def folder_names(self, vault: str, prefix: str, limit: int = 50) -> list[str]:
        """Return the first folders that begin with *prefix*, at the level that it ends in."""
        known = identity.find_vault(self._database, self._scope, vault)
        return folders.starting(self._database, known.id, prefix, limit) if known else []

    def _select(
        self,
        vault: str,
        where: str,
        values: Sequence[Any],
        shown: Callable[[int], str] = states.in_vault,
        order: str = "",
    ) -> list[ArchiveRecord]:
        return self.of_rows(vault, self._rows(vault, where, values, shown, order))

    def _rows(
        self, vault: str, where: str, values: Sequence[Any], shown: Callable[[int], str], order: str = ""
    ) -> list[Any]:
        known = identity.find_vault(self._database, self._scope, vault)
        if known is None:
            return []
        return self._database.rows(
            f"SELECT id, {_FACTS}, {_PRESENCE}, {states.expression(known.current)} AS state "
            f"FROM archive_rows WHERE vault_id=? AND {where} AND {shown(known.current)} {order}",
            (known.id, *values),
        )

    def of_rows(self, vault: str, rows: Iterable[Any]) -> list[ArchiveRecord]:
        """Return rows as records; they need the columns that :data:`.query.COLUMNS` names, and state."""
        dates = archive_sequence.dates_of(self._database, self._scope, vault)
        return [archive_sequence.record_of(vault, row, dates) for row in rows]

    # Queries

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
        """Return one page of the archives of a vault; states are those of :mod:`.states`.

        :param glob: as in :meth:`matching`; also ``name:`` with an exact name, or ``id:`` with the
            beginning of an archive id.
        :param where: a condition such as ``size > 1GB and created < '2016'``: see :mod:`.where`.
        :param sort: columns to sort by, the first one first; ``-size`` is largest first.  Without
            it, archives are sorted by name.
        :param as_of: milliseconds since 1970: return what the newest inventory until then lists.
        :param states: the states to include; without it, those of an archive in the vault (present,
            pending, unknown).
        :param text: words that the name contains, in any order and either case, composed or not.
        :raises InputError: a parameter is not understood, or no inventory is that old.
        """
        query = Query(
            glob=glob,
            where=where,
            sort=sort,
            limit=limit,
            offset=offset,
            as_of=as_of,
            states=states,
            text=text,
        )
        found = page(self._database, self._scope, vault, query)
        return Page(tuple(self.of_rows(vault, found.records)), found.offset, found.more, found.as_of)

    def frame(self, vault: str, glob: str | None = None, **query: Any) -> pd.DataFrame:
        """Return the result of :meth:`query` as a DataFrame with the columns of :data:`.dataframes.ARCHIVES`.

        ``attrs`` has vault; as_of, the ISO 8601 date of the inventory, or None; more, how many rows a
        limit left out (:attr:`.Limits.counted_rows` at most); and unlisted, how many of the archives
        are uploaded but in no inventory yet.
        """
        from .archive_frames import frame  # noqa: PLC0415 - costs time: imported when used

        return frame(self._database, self._scope, vault, Query(glob=glob, **query))

    def du(self, vault: str, path: str = "", depth: int = 1) -> list[Folder]:
        """Return a folder and the folders down to *depth* levels below it, with their totals.

        :param path: a folder with or without its slash; empty for the whole vault.
        """
        known = identity.find_vault(self._database, self._scope, vault)
        if known is None:
            return []
        ends = [""] if not path or path.endswith(tuple(SEPARATORS)) else SEPARATORS
        return [
            folder
            for each in spellings(path)
            for end in ends
            for folder in folders.below(self._database, known.id, known.current, each + end, depth)
        ]

    def difference(self, vault: str, before: int | None = None, after: int | None = None) -> pd.DataFrame:
        """Return the changes between two inventories: see :func:`.comparing.difference`."""
        from .comparing import difference  # noqa: PLC0415 - costs time: imported when used

        return difference(self._database, self._scope, vault, before, after)

    def latest(self, vault: str) -> str | None:
        """Return the date (ISO 8601) of the latest whole inventory of a vault, or None."""
        from .comparing import latest  # noqa: PLC0415 - costs time: imported when used

        return latest(self._database, self._scope, vault)

    def duplicates(self, vault: str) -> pd.DataFrame:
        """Return the archives with equal bytes: see :func:`.comparing.duplicates`."""
        from .comparing import duplicates  # noqa: PLC0415 - costs time: imported when used

        return duplicates(self._database, self._scope, vault)
