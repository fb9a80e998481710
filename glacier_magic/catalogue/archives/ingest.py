"""Reading an inventory into the catalogue: in bounded memory, and all of it or nothing.

New archives are collected and written by ranges of their keys, so that a transaction changes few pages of
the index of keys; the millions of a first inventory wait for that in a file.  Transactions are short.  The
rows have the ordinal that the inventory will have.  They count only once ``vaults.current`` has that
ordinal, which is the last write.  An interrupted reading leaves rows that no query returns; the next reading
uses them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import compress
from typing import TYPE_CHECKING, Any

from ...base.units import to_ms
from ...descriptions import decode, decode_columns
from ..storage.database import LOAD_SECONDS, Database, Scope
from ..storage.owners import is_dead, new_owner
from . import folders, identity, states
from .folders import FolderChanges
from .identity import IdIndex
from .key_ranges import KeyRanges
from .reconcile import Reconciliation

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from .key_ranges import Piece

BATCH = 32_768  # a fraction of a second, during which other writers wait
"""Archives in a transaction."""

_KEY = "vault_id, id_key, id_check"
_PLAIN = {"description": None, "format": "plain", "mtime": None}
"""What rows have in common whose descriptions are names."""


class Load:
    """An inventory that is being read: see :meth:`.inventories.Inventories.loading`."""

    def __init__(
        self, database: Database, scope: Scope, vault: str, job_id: str, *, whole: bool, expected: int = 0
    ) -> None:
        self.vault, self.job_id, self.whole = vault, job_id, whole
        self._expected = expected
        self.archives = self.bytes = self.added = self.gone = 0
        self.newest: int | None = None
        self._database, self._scope = database, scope
        self._owner = new_owner()
        self._changes = FolderChanges()
        self._relisted: list[int] = []
        self._new: list[Piece] = []
        self._collected = 0
        self._kept: KeyRanges | None = None
        self._finished = False

    # Beginning and ending

    def begin(self) -> None:
        """Claim the vault; wait while another process reads an inventory of it."""
        import numpy as np

        while not self._claim():
            time.sleep(0.1)
        known = identity.find_or_add_vault(self._database, self._scope, self.vault)
        self._id, self._ordinal = known.id, known.current + 1
        self._end = Reconciliation(self._database, self._id, self._ordinal, self._changes)
        if self._rebuild:
            self._end.undo_unlisted()
        self._last = self._highest()
        one = self._database.row("SELECT 1 FROM archive_rows WHERE vault_id=? LIMIT 1", (self._id,))
        self._empty = one is None
        self._seen = np.zeros(self._last + 1, bool)  # by row id: a byte for each row of the catalogue
        self._odd = self._read_odd()
        self._dropped = False
        self._high, self._others = self._last, False
        self._index = None if self._empty else IdIndex.read(self._database, self._id, self._last)

    def _claim(self) -> bool:
        with self._database.transaction():
            known = identity.find_or_add_vault(self._database, self._scope, self.vault)
            row = self._database.row("SELECT * FROM loads WHERE vault_id=?", (known.id,))
            # is_dead() knows the processes of this computer; other claims expire.
            held = row is not None and row["owner"] and not is_dead(row["owner"])
            if row is not None and held and row["touched"] > self._database.now() - LOAD_SECONDS:
                return False
            self._rebuild = row is not None  # a reading was interrupted: its folder changes are lost
            self._database.execute(
                "INSERT INTO loads(vault_id, job_id, owner, touched, broken) VALUES(?,?,?,?,?) "
                "ON CONFLICT(vault_id) DO UPDATE SET job_id=excluded.job_id, "
                "owner=excluded.owner, touched=excluded.touched, broken=excluded.broken",
                (known.id, self.job_id, self._owner, self._database.now(), int(self._rebuild)),
            )
        return True

    def give_up(self) -> None:
        """Release the vault after an interruption; the rows stay hidden for the next reading."""
        if not self._finished:
            if self._kept is not None:
                self._kept.close()
            self._database.execute(
                "UPDATE loads SET owner='', broken=1 WHERE vault_id=? AND owner=?", (self._id, self._owner)
            )
            if self._dropped:
                self._database.create_indexes()

    def _read_odd(self) -> np.ndarray[Any, Any]:
        """Return the ids, in order, of the rows that are not simply present."""
        import numpy as np

        found: list[int] = []
        for condition in ("listed IS NULL", "unlisted IS NOT NULL", "deleted IS NOT NULL"):
            sql = f"SELECT id FROM archive_rows WHERE vault_id=? AND {condition}"
            found += [row["id"] for row in self._database.rows(sql, (self._id,))]
        return np.unique(np.array(found, np.int64))

    # Batches

    def add(self, batch: pa.RecordBatch) -> None:
        """Take archives: the columns archive_id, description, created, size and tree_hash.

        With a column name, descriptions are not decoded, and are the format as well.
        """
        for start in range(0, batch.num_rows, BATCH):
            self._add(batch.slice(start, BATCH))

    def _add(self, batch: pa.RecordBatch) -> None:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        self.archives += batch.num_rows
        self.bytes += pc.sum(batch["size"]).as_py() or 0
        newest = pc.max(batch["created"]).value
        if newest is not None:
            self.newest = max(newest, self.newest or newest)
        keys, checks = identity.columns(batch["archive_id"])
        ids = np.full(batch.num_rows, -1, np.int64)
        if self._index is not None:
            ids = self._index.find(keys, checks)
        with self._database.transaction(power_safe=False):  # only the last one needs to be on the disk
            self._renew()
            self._update_known(batch, ids)
        order = np.argsort(keys, kind="stable")
        new = order[ids[order] < 0]
        if not len(new):
            return
        self._new.append((batch.take(pa.array(new)), keys[new], checks[new]))
        self._collected += self._new[-1][0].nbytes
        if self._collected > self._database.limits.collected:
            self._write_collected()

    def _write_collected(self, *, last: bool = False) -> None:
        """Write the new archives that were collected; keep very many for the order of their keys."""
        coming = max(self.archives, self._expected)
        if self._kept is None and self._empty and not last and coming >= self._database.limits.kept_rows:
            self._kept = KeyRanges(self._database.folder, max(64, coming // (4 * BATCH)))
        if self._kept is None:
            self._write_new()
            return
        for piece in self._new:
            self._kept.add(piece)
        self._new, self._collected = [], 0
        for pieces in self._kept.read() if last else ():
            self._new = pieces
            self._write_new()

    def _write_new(self) -> None:
        """Write new archives, each transaction those of one range of keys."""
        import numpy as np
        import pyarrow as pa

        if not self._new:
            return
        cuts = np.sort(np.concatenate([keys for _, keys, _ in self._new]))[BATCH::BATCH]
        ends = [[0, *np.searchsorted(keys, cuts).tolist(), len(keys)] for _, keys, _ in self._new]
        for part in range(len(cuts) + 1):
            spans = [slice(*each[part : part + 2]) for each in ends]
            pieces = list(zip(self._new, spans, strict=True))
            self._write(
                pa.Table.from_batches([rows.slice(s.start, s.stop - s.start) for (rows, _, _), s in pieces]),
                np.concatenate([keys[s] for (_, keys, _), s in pieces]),
                np.concatenate([checks[s] for (_, _, checks), s in pieces]),
            )
        self._new, self._collected = [], 0
        pa.default_memory_pool().release_unused()  # else it adds to what the next rows take

    def _write(self, table: pa.Table, keys: np.ndarray[Any, Any], checks: np.ndarray[Any, Any]) -> None:
        """Write archives, unless another process has written them meanwhile."""
        import numpy as np
        import pyarrow as pa

        order = np.argsort(keys)  # rows are written faster in the order of the index of keys
        table, keys, checks = table.take(pa.array(order)), keys[order], checks[order]
        names, raw, formats, mtimes = _decoded(table)
        same: dict[str, int | str | None]
        same = {"vault_id": self._id, "origin": states.LISTED, "listed": self._ordinal}
        plain = formats.count("plain") == len(formats)
        same |= _PLAIN if plain else {}
        columns = {
            "id_key": keys.tolist(),
            "id_check": checks.tolist(),
            "archive_id": table["archive_id"].to_pylist(),
            "name": names,
            **({} if plain else {"description": raw, "format": formats, "mtime": mtimes}),
            "size": table["size"].to_pylist(),
            "created": table["created"].cast(pa.int64()).to_pylist(),
            "tree_hash": identity.pack_hashes(table["tree_hash"]),
        }
        ids = np.full(table.num_rows, -1, np.int64)
        with self._database.transaction(power_safe=False):
            self._renew()
            self._others |= self._highest() != self._high
            if self._others or (self._index is None and not self._empty):
                wanted = zip(range(len(keys)), keys.tolist(), checks.tolist(), strict=True)
                for place, row_id in self._database.find_ids(self._id, wanted):
                    ids[place] = row_id
                self._update_known(table, ids)
            self._drop_indexes_for_many()
            new = (ids < 0).tolist()
            rows = compress(zip(*columns.values(), strict=True), new)
            written = self._database.insert_many("archive_rows", list(columns), rows, same, _KEY)
            self._database.index_new_names()
            self._high = self._highest()
        self.added += written
        self._rebuild |= written != sum(new)  # an archive is listed twice: the folder changes are wrong
        self._changes.add_many(*(list(compress(columns[each], new)) for each in ("name", "size", "created")))

    def _highest(self) -> int:
        return self._database.number("SELECT max(id) FROM archive_rows")

    def _renew(self) -> None:
        """Renew the claim: other computers take one over that is too old."""
        self._database.execute(
            "UPDATE loads SET touched=? WHERE vault_id=? AND owner=?",
            (self._database.now(), self._id, self._owner),
        )

    def _drop_indexes_for_many(self) -> None:
        """Drop indexes if nearly all rows of the catalogue will be new."""
        coming = max(self.archives, self._expected)
        many = self._last < coming and coming >= self._database.limits.bulk_rows
        if self._empty and not self._dropped and many:
            self._database.drop_indexes()
            self._dropped = True  # create_indexes() makes them again, faster than each row updates them

    def _update_known(self, batch: pa.RecordBatch | pa.Table, ids: np.ndarray[Any, Any]) -> None:
        """Mark known archives as seen; update the few that are not simply present."""
        import numpy as np

        self._seen[ids[(ids >= 0) & (ids <= self._last)]] = True
        odd = np.isin(ids, self._odd) | (ids > self._last)
        for place in np.flatnonzero(odd).tolist():
            self._update_odd(batch, place, int(ids[place]))

    def _update_odd(self, batch: pa.RecordBatch | pa.Table, place: int, row_id: int) -> None:
        row = self._database.row(
            "SELECT name, size, created, tree_hash, mtime, format, description, origin, listed, "
            "unlisted, deleted FROM archive_rows WHERE id=?",
            (row_id,),
        )
        if row is None:
            return
        if row["unlisted"] is not None and row["deleted"] is None:
            self._relisted.append(row_id)  # it counts as gone until the inventory is complete
        if row["listed"] is None:
            item = {name: batch[name][place].as_py() for name in ("description", "size", "tree_hash")}
            self._complete(row_id, row, item, batch["created"][place].value)

    def _complete(self, row_id: int, row: Any, item: dict[str, Any], created: int | None) -> None:
        """Complete the row of an upload, or of another tool's record, with what the inventory says."""
        found = decode(item["description"])
        name, form, mtime = found.name, found.format, to_ms(found.mtime)
        if row["origin"] == states.UPLOADED or not item["description"]:
            name, form, mtime = row["name"], row["format"], row["mtime"]  # the uploader knows its file
            raw = row["description"]
        elif row["format"] == "imported" and form == "plain":  # a name that was kept elsewhere
            name, form, mtime = row["name"], row["format"], row["mtime"]
            raw = item["description"]
        else:
            raw = None if name == item["description"] else item["description"]
        self._database.execute(
            "UPDATE archive_rows SET name=?, description=?, format=?, mtime=?, size=?, created=?, "
            "tree_hash=COALESCE(?, tree_hash), listed=? WHERE id=?",
            (
                name,
                raw,
                form,
                mtime,
                item["size"],
                created,
                identity.pack_hash(item["tree_hash"]),
                self._ordinal,
                row_id,
            ),
        )
        if row["deleted"] is None and row["unlisted"] is None:
            self._changes.remove(row["name"], row["size"], row["created"])
            self._changes.add(name, item["size"], created)
        if name != row["name"]:
            self._database.reindex_name(row_id, row["name"], name)

    # The end

    def finish(self, made: int | None, *, also: Callable[[], object] | None = None) -> None:
        """Make the whole inventory effective with one write.

        :param made: the date of the inventory in milliseconds, or a date that is certainly not later.
            Without one, archives are only added.
        :param also: called in the last transaction.
        """
        self._write_collected(last=True)
        self._database.create_indexes()
        self._dropped = False
        newest = self._database.number(
            "SELECT max(made) FROM inventories WHERE account=? AND region=? AND vault=? "
            "AND ordinal IS NOT NULL",
            (self._scope.account, self._scope.region, self.vault),
        )
        older = made is not None and newest > made
        if made is not None and self.whole and not older:
            self._mark_unlisted(made)
        elif self._rebuild:
            self._end.hide_leftovers(self._last, self._seen)
        with self._database.transaction():
            if older:  # it must not undo what a later inventory says
                self._end.hide_all()
                self._rebuild = True
            else:
                self._end.restore_gone(self._relisted)
                if made is not None:
                    self._end.restore_deleted(made, self._last, self._seen)
                if not self._rebuild:
                    self._changes.write(self._database, self._id)
            self._database.execute("UPDATE vaults SET current=? WHERE id=?", (self._ordinal, self._id))
            if self._rebuild:
                folders.rebuild(self._database, self._id, self._ordinal)
            self._record(made, older=older)
            self._database.execute("DELETE FROM loads WHERE vault_id=?", (self._id,))
            if also is not None:
                also()
        self._finished = True

    def _mark_unlisted(self, made: int) -> None:
        if self._empty:
            return
        ids = self._known_ids()
        missing = ids[~self._seen[ids]]
        for start in range(0, len(missing), 10_000):
            # Not effective before the last write of finish().
            chunk = missing[start : start + 10_000].tolist()
            with self._database.transaction():
                self._renew()
                self.gone += self._end.mark_unlisted(chunk, made)

    def _known_ids(self) -> np.ndarray[Any, Any]:
        """Return the ids of the rows that the vault had before, in the order of their keys."""
        import numpy as np

        if self._index is not None:
            return self._index.ids
        pieces = self._database.stream(
            "SELECT id FROM archive_rows WHERE vault_id=? AND id<=? ORDER BY id_key, id_check",
            (self._id, self._last),
            BATCH,
        )
        return np.concatenate([np.array(rows, np.int64)[:, 0] for rows in pieces])

    def _record(self, made: int | None, *, older: bool) -> None:
        self._database.execute(
            "INSERT INTO inventories(account, region, vault, job_id, made, loaded, archives, "
            "bytes, ordinal, whole, added, gone) VALUES(?,?,?,?,?,?,?,?,?,?,?,?) "
            "ON CONFLICT(account, region, vault, job_id) DO UPDATE SET made=excluded.made, "
            "loaded=excluded.loaded, archives=excluded.archives, bytes=excluded.bytes, "
            # Read again: it keeps its place in the history.
            "ordinal=COALESCE(inventories.ordinal, excluded.ordinal)",
            (
                *(self._scope.account, self._scope.region, self.vault, self.job_id),
                made,
                int(time.time() * 1000),
                self.archives,
                self.bytes,
                None if older else self._ordinal,
                int(self.whole and made is not None),
                self.added,
                self.gone,
            ),
        )


def _decoded(table: pa.Table) -> tuple[list[str], list[str | None], list[str], list[int | None]]:
    if "name" not in table.column_names:
        return decode_columns(table["description"])
    words = table["description"].to_pylist()
    return table["name"].to_pylist(), words, words, [None] * len(words)
