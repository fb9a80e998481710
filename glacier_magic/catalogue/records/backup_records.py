"""Backups: sets of folders, their snapshots, and the packs with what is in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import fields, replace
from typing import Any

from ..storage.database import Database, Scope
from ..storage.leases import Leases
from .backup_rows import BackedUp, BackupSet, PackRecord, SnapshotRecord, StoredContent

PAGE = 2000
"""Entries that are read or written at once."""


def _columns(record: type) -> str:
    return ", ".join(field.name for field in fields(record))


_ENTRY = ", ".join(BackedUp._fields)
_IN = "set_id=? AND since<=? AND (until IS NULL OR ?<until)"


class Backups:
    """The backups of one account and region."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._key = (scope.account, scope.region)
        self.leases = Leases(database, "backup_sets")

    # Sets

    def define(
        self,
        vault: str,
        name: str,
        roots: Sequence[str],
        rules: Mapping[str, Any],
        recipients: Sequence[str],
        *,
        now: int,
    ) -> BackupSet:
        """Record a new set.

        :raises LookupError: the vault has one of this name.
        """
        texts = [json.dumps(each, sort_keys=True) for each in (list(roots), dict(rules), list(recipients))]
        with self._database.transaction():
            if self.sets(name, vault):
                raise LookupError(name)
            self._database.execute(
                "INSERT INTO backup_sets(account, region, vault, name, home, roots, rules, recipients, "
                "created) VALUES(?,?,?,?,?,?,?,?,?)",
                (*self._key, vault, name, self._database.home, *texts, now),
            )
            return self.sets(name, vault)[0]

    def sets(self, name: str | None = None, vault: str | None = None) -> list[BackupSet]:
        """Return the sets of a *name* and *vault*, or all, in the order of their names."""
        named = {column: text for column, text in (("name", name), ("vault", vault)) if text is not None}
        where = "".join(f" AND {column}=?" for column in named)
        where = f"account=? AND region=?{where} ORDER BY name, vault"
        found = self._select(BackupSet, "backup_sets", where, (*self._key, *named.values()))
        texts = ("roots", "rules", "recipients")
        return [replace(one, **{name: json.loads(getattr(one, name)) for name in texts}) for one in found]

    def to_send(self, *, free: bool = False) -> list[BackupSet]:
        """Return this user's sets with sealed packs, which are not stored yet.

        :param free: leave out the sets that a process is backing up.
        """
        sql = "SELECT name, vault FROM backup_sets WHERE account=? AND region=? AND home=? AND id IN "
        sql += "(SELECT set_id FROM packs WHERE state='sealed')"
        values: list[Any] = [*self._key, self._database.home]
        if free:
            sql += " AND (owner IS NULL OR lease_until<?)"
            values.append(self._database.now())
        rows = self._database.rows(sql, values)
        return [found for row in rows for found in self.sets(row["name"], row["vault"])]

    def redefine(
        self, set_id: int, roots: Sequence[str], rules: Mapping[str, Any], recipients: Sequence[str]
    ) -> None:
        """Replace the folders, rules and recipients of a set; its snapshots stay as they are."""
        texts = [json.dumps(each, sort_keys=True) for each in (list(roots), dict(rules), list(recipients))]
        self._database.execute(
            "UPDATE backup_sets SET roots=?, rules=?, recipients=? WHERE id=?", (*texts, set_id)
        )

    def found_nothing_new(self, set_id: int, now: int) -> None:
        """Record that a run found nothing new."""
        self._database.execute("UPDATE backup_sets SET checked=? WHERE id=?", (now, set_id))

    # Snapshots

    def snapshots(self, set_id: int) -> list[SnapshotRecord]:
        """Return the snapshots of a set, oldest first; the last may be unfinished."""
        return self._select(SnapshotRecord, "snapshots", "set_id=? ORDER BY ordinal", (set_id,))

    def open_snapshot(self, set_id: int, now: int, *, ordinal: int | None = None) -> SnapshotRecord:
        """Return the unfinished snapshot of a set; begin one if there is none.

        It begins at least a second after the one before, even if a clock is set back: the names of its
        archives have the time of its beginning.

        :param ordinal: its number; None for the next one.
        """
        with self._database.transaction():
            known = self.snapshots(set_id)
            if not known or known[-1].finished is not None:
                following = known[-1].ordinal + 1 if known else 1
                now = max(now, known[-1].started + 1000 if known else now)
                self._database.execute(
                    "INSERT INTO snapshots(set_id, ordinal, started) VALUES(?,?,?)",
                    (set_id, following if ordinal is None else ordinal, now),
                )
                known = self.snapshots(set_id)
            return known[-1]

    def measure(self, snapshot: SnapshotRecord, *, unread: int) -> None:
        """Record the number and size of a snapshot's files, and the bytes of its packs, which are stored."""
        files, size = self._database.rows(
            f"SELECT COUNT(*), COALESCE(SUM(size), 0) FROM entries WHERE {_IN} AND kind='file'",
            (snapshot.set_id, snapshot.ordinal, snapshot.ordinal),
        )[0]
        added = self._database.number(
            "SELECT COALESCE(SUM(size), 0) FROM packs WHERE set_id=? AND ordinal=?",
            (snapshot.set_id, snapshot.ordinal),
        )
        self._database.execute(
            "UPDATE snapshots SET files=?, bytes=?, added=?, unread=? WHERE id=?",
            (files, size, added, unread, snapshot.id),
        )

    def finish(self, snapshot: SnapshotRecord, now: int) -> None:
        """Record that a snapshot is complete: its manifest is stored."""
        self._database.execute("UPDATE snapshots SET finished=? WHERE id=?", (now, snapshot.id))

    def label(self, snapshot: SnapshotRecord) -> None:
        """Write the labels and the note of a snapshot."""
        self._database.execute(
            "UPDATE snapshots SET labels=?, note=? WHERE id=?", (snapshot.labels, snapshot.note, snapshot.id)
        )

    # Entries

    def entries(self, set_id: int, ordinal: int) -> Iterator[BackedUp]:
        """Yield the entries of a snapshot in the order of their paths; others may write meanwhile."""
        after = ""
        while True:
            rows = self._database.rows(
                f"SELECT {_ENTRY} FROM entries WHERE {_IN} AND path>? ORDER BY path LIMIT {PAGE}",
                (set_id, ordinal, ordinal, after),
            )
            for row in rows:
                yield BackedUp(*row)
            if len(rows) < PAGE:
                return
            after = rows[-1][0]

    def has_below(self, set_id: int, ordinal: int, prefix: str) -> bool:
        """Return whether a snapshot has entries whose paths are longer than *prefix* and begin with it."""
        row = self._database.row(
            f"SELECT path FROM entries WHERE {_IN} AND path>? ORDER BY path LIMIT 1",
            (set_id, ordinal, ordinal, prefix),
        )
        return row is not None and str(row[0]).startswith(prefix)

    def put(self, set_id: int, ordinal: int, entries: Iterable[BackedUp]) -> None:
        """Record new versions of entries from snapshot *ordinal* on."""
        for entry in entries:
            self._end(set_id, ordinal, entry.path)
            values = (set_id, ordinal, *entry)
            marks = ",".join("?" * len(values))
            self._database.execute(f"INSERT INTO entries(set_id, since, {_ENTRY}) VALUES({marks})", values)

    def touch(self, set_id: int, entries: Iterable[BackedUp]) -> None:
        """Record, in one transaction, the new ``ctime`` and inode of files with the same content."""
        self._database.executemany(
            "UPDATE entries SET ctime_ns=?, inode=? WHERE set_id=? AND path=? AND until IS NULL",
            ((entry.ctime_ns, entry.inode, set_id, entry.path) for entry in entries),
        )

    def remove(self, set_id: int, ordinal: int, paths: Iterable[str]) -> None:
        """Record that entries are in no snapshot from *ordinal* on."""
        for path in paths:
            self._end(set_id, ordinal, path)

    def _end(self, set_id: int, ordinal: int, path: str) -> None:
        row = (set_id, path)
        # A version that only the unfinished snapshot has is in no snapshot any longer.
        self._database.execute("DELETE FROM entries WHERE set_id=? AND path=? AND since=?", (*row, ordinal))
        self._database.execute(
            "UPDATE entries SET until=? WHERE set_id=? AND path=? AND until IS NULL", (ordinal, *row)
        )

    # Packs and contents

    def packs(self, set_id: int) -> list[PackRecord]:
        """Return the packs of a set, in the order in which they were made."""
        return self._select(PackRecord, "packs", "set_id=? ORDER BY id", (set_id,))

    def begin_pack(self, snapshot: SnapshotRecord, kind: str, name: str) -> int:
        """Record a pack before its file is written; return its number."""
        return self._database.insert(
            "INSERT INTO packs(set_id, ordinal, kind, name, state) VALUES(?,?,?,?,'packing')",
            (snapshot.set_id, snapshot.ordinal, kind, name),
        )

    def sealed(
        self,
        pack: int,
        snapshot: SnapshotRecord,
        facts: Mapping[str, Any],
        members: Iterable[tuple[BackedUp, str, int | None]],
        lost: Set[int] = frozenset(),
    ) -> dict[int, int]:
        """Record, in one transaction, that the file of a pack is complete, and the contents in it.

        :param facts: size, tree_hash, head and frames.
        :param members: each file with the hash of its content, and where that begins; None for a link to
            an earlier one.
        :param lost: contents that are replaced when the pack is stored.
        :return: where each lost content that is in this pack begins, for :meth:`stored`.
        """
        moved = {}
        with self._database.transaction():
            names = ", ".join(f"{name}=?" for name in facts)
            self._database.execute(
                f"UPDATE packs SET state='sealed', {names} WHERE id=?", (*facts.values(), pack)
            )
            for entry, sha256, start in members:
                content = self.place(snapshot.set_id, sha256, entry.size, pack, start)
                if content in lost and start is not None:
                    moved[content] = start
                self.put(snapshot.set_id, snapshot.ordinal, [entry._replace(content_id=content)])
        return moved

    def place(self, set_id: int, sha256: str, size: int, pack: int, start: int | None) -> int:
        """Record where a content is, unless that is known; return its number."""
        known = self.content(set_id, size, sha256)  # two files may be equal
        if known is not None:
            return known
        return self._database.insert(
            "INSERT INTO contents(set_id, sha256, size, pack_id, start) VALUES(?,?,?,?,?)",
            (set_id, bytes.fromhex(sha256), size, pack, start),
        )

    def stored(self, pack: int, archive_id: str, moved: Mapping[int, int] | None = None) -> None:
        """Record the archive of a pack, and the place of lost contents in it: see :meth:`sealed`."""
        with self._database.transaction():
            done = "UPDATE packs SET state='stored', archive_id=? WHERE id=?"
            self._database.execute(done, (archive_id, pack))
            for content, start in (moved or {}).items():
                place = "UPDATE contents SET pack_id=?, start=? WHERE id=?"
                self._database.execute(place, (pack, start, content))

    def give_up(self, pack: int) -> None:
        """Delete a pack that is not stored, and the entries that need it: the next run packs them again."""
        with self._database.transaction():
            lost = "content_id IN (SELECT id FROM contents WHERE pack_id=?)"
            self._database.execute(f"DELETE FROM entries WHERE {lost}", (pack,))
            self._database.execute("DELETE FROM contents WHERE pack_id=?", (pack,))
            self._database.execute("DELETE FROM packs WHERE id=?", (pack,))

    def needed_packs(self, set_id: int, ordinals: Iterable[int]) -> set[int]:
        """Return the packs that these snapshots need, with their manifests."""
        found: set[int] = set()
        for ordinal in ordinals:
            rows = self._database.rows(
                "SELECT DISTINCT c.pack_id FROM contents c JOIN entries e ON e.content_id=c.id "
                "WHERE e.set_id=? AND e.since<=? AND (e.until IS NULL OR ?<e.until)",
                (set_id, ordinal, ordinal),
            )
            rows += self._database.rows(
                "SELECT id FROM packs WHERE set_id=? AND ordinal=? AND kind='manifest'", (set_id, ordinal)
            )
            found.update(row[0] for row in rows)
        return found

    def needed_contents(self, set_id: int, ordinals: Iterable[int]) -> dict[int, dict[int, int]]:
        """Return the contents that these snapshots need, with their sizes, by their packs."""
        found: dict[int, dict[int, int]] = {}
        for ordinal in ordinals:
            rows = self._database.rows(
                "SELECT DISTINCT c.pack_id, c.id, c.size FROM contents c JOIN entries e ON e.content_id=c.id "
                "WHERE e.set_id=? AND e.since<=? AND (e.until IS NULL OR ?<e.until)",
                (set_id, ordinal, ordinal),
            )
            for pack, content, size in rows:
                found.setdefault(pack, {})[content] = size
        return found

    def needed_archives(self, vault: str) -> set[str]:
        """Return the archives of a vault that snapshots need."""
        rows = self._database.rows(
            "SELECT p.archive_id FROM packs p JOIN backup_sets b ON b.id=p.set_id "
            "WHERE b.account=? AND b.region=? AND b.vault=? AND p.archive_id IS NOT NULL "
            "AND (EXISTS (SELECT 1 FROM contents c WHERE c.pack_id=p.id) OR (p.kind='manifest' AND EXISTS "
            "(SELECT 1 FROM snapshots s WHERE s.set_id=p.set_id AND s.ordinal=p.ordinal)))",
            (*self._key, vault),
        )
        return {row[0] for row in rows}

    def forget(self, set_id: int, ordinals: Iterable[int]) -> None:
        """Delete snapshots, their entries, and the contents that no other snapshot has."""
        with self._database.transaction():
            for ordinal in ordinals:
                self._database.execute(
                    "DELETE FROM snapshots WHERE set_id=? AND ordinal=?", (set_id, ordinal)
                )
            self._database.execute(
                "DELETE FROM entries WHERE set_id=? AND until IS NOT NULL AND NOT EXISTS "
                "(SELECT 1 FROM snapshots s WHERE s.set_id=entries.set_id AND s.ordinal>=entries.since "
                "AND s.ordinal<entries.until)",
                (set_id,),
            )
            self._database.execute(
                "DELETE FROM contents WHERE id IN (SELECT id FROM contents WHERE set_id=? "
                "EXCEPT SELECT content_id FROM entries WHERE set_id=?)",
                (set_id, set_id),
            )

    def content(self, set_id: int, size: int, sha256: str) -> int | None:
        """Return the number of a content that is stored, or None."""
        packed = bytes.fromhex(sha256)
        row = self._database.row(
            "SELECT id FROM contents WHERE set_id=? AND size=? AND substr(sha256, 1, 4)=? AND sha256=?",
            (set_id, size, packed[:4], packed),
        )
        return None if row is None else int(row[0])

    def contents_of(self, packs: Iterable[int]) -> set[int]:
        """Return the contents that are in these packs."""
        query = "SELECT id FROM contents WHERE pack_id=?"
        return {int(row[0]) for pack in packs for row in self._database.rows(query, (pack,))}

    def has_size(self, set_id: int, size: int) -> bool:
        """Return whether a content of this size is stored."""
        return bool(self._database.row("SELECT 1 FROM contents WHERE set_id=? AND size=?", (set_id, size)))

    def contents(self, set_id: int, numbers: Iterable[int]) -> dict[int, StoredContent]:
        """Return contents by their numbers."""
        found: dict[int, StoredContent] = {}
        wanted = sorted(set(numbers))
        for start in range(0, len(wanted), 500):
            some = wanted[start : start + 500]
            where = f"set_id=? AND id IN ({','.join('?' * len(some))})"
            for content in self._select(StoredContent, "contents", where, (set_id, *some)):
                found[content.id] = replace(content, sha256=bytes(content.sha256).hex())
        return found

    def _select(self, record: type, table: str, where: str, values: Sequence[Any]) -> list[Any]:
        names = [field.name for field in fields(record)]
        rows = self._database.rows(f"SELECT {', '.join(names)} FROM {table} WHERE {where}", values)
        return [record(**dict(zip(names, row, strict=True))) for row in rows]
