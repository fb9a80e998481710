"""An inventory into the catalogue: in bounded memory, true all at once or not at all.

Batches are written in short transactions of their own, with the ordinal that the inventory will
have; what they say counts only once ``vaults.current`` is that ordinal, which is the last write.
A reading that stops half-way leaves rows that nobody sees, and the next one uses them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...descriptions import decode_columns
from ..storage.database import LOAD_SECONDS, Database, Scope, is_dead, new_owner
from . import folders, identity, paging, states, vault_table
from .folders import FolderChanges
from .id_index import IdIndex
from .paging import ListedPage, Pages
from .reconcile import Reconciliation

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

BATCH = 65_536
"""Archives in a transaction: a fraction of a second in which others wait."""

_ROW = (
    "INSERT INTO archive_rows(vault_id, id_key, id_check, archive_id, name, description, format, "
    "mtime, size, created, tree_hash, origin, listed) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?) "
    "ON CONFLICT(vault_id, id_key, id_check) DO NOTHING"
)


class Load:
    """One inventory that is being read: see :func:`loading`."""

    def __init__(
        self,
        database: Database,
        scope: Scope,
        vault: str,
        job_id: str,
        *,
        whole: bool,
        expected: int = 0,
        page: ListedPage | None = None,
    ) -> None:
        self.vault, self.job_id, self.whole = vault, job_id, whole
        self._expected, self._page = expected, page
        self.archives = self.bytes = self.added = self.gone = 0
        self.newest: int | None = None
        self._database, self._scope = database, scope
        self._owner = new_owner()
        self._changes = FolderChanges()
        self._back: list[int] = []
        self._finished = False

    # Beginning and ending

    def begin(self) -> None:
        """Take the vault for this reading; wait while another process reads one of it."""
        import numpy as np

        while not self._claim():
            time.sleep(0.1)
        known = vault_table.known(self._database, self._scope, self.vault)
        self._id, self._current = known.id, known.current
        self._ordinal = known.current + 1
        self._end = Reconciliation(self._database, self._id, self._ordinal, self._changes)
        if self._rebuild:
            self._end.forget_ends()
        self._last = self._highest()
        one = self._database.row("SELECT 1 FROM archive_rows WHERE vault_id=? LIMIT 1", (self._id,))
        self._empty = one is None
        self._seen = np.zeros(self._last + 1, bool)
        self._odd = self._read_odd()
        self._dropped = False
        self._high, self._others = self._last, False
        self._known = None if self._empty else IdIndex.read(self._database, self._id, self._last)

    def _claim(self) -> bool:
        with self._database.transaction():
            known = vault_table.known(self._database, self._scope, self.vault)
            row = self._database.row("SELECT * FROM loads WHERE vault_id=?", (known.id,))
            held = row is not None and row["owner"] and not is_dead(row["owner"])
            if row is not None and held and row["touched"] > self._database.now() - LOAD_SECONDS:
                return False
            self._rebuild = row is not None
            self._database.execute(
                "INSERT INTO loads(vault_id, job_id, owner, touched, broken) VALUES(?,?,?,?,?) "
                "ON CONFLICT(vault_id) DO UPDATE SET job_id=excluded.job_id, "
                "owner=excluded.owner, touched=excluded.touched, broken=excluded.broken",
                (known.id, self.job_id, self._owner, self._database.now(), int(self._rebuild)),
            )
        return True

    def give_up(self) -> None:
        """Let go of the vault; what was written stays unseen until the next reading uses it."""
        if not self._finished:
            self._database.execute(
                "UPDATE loads SET owner='', broken=1 WHERE vault_id=? AND owner=?", (self._id, self._owner)
            )
            if self._dropped:
                self._database.create_indexes()

    def _read_odd(self) -> np.ndarray[Any, Any]:
        """Return the ids of the rows that are not simply present, in order."""
        import numpy as np

        found: list[int] = []
        for condition in ("listed IS NULL", "unlisted IS NOT NULL", "deleted IS NOT NULL"):
            sql = f"SELECT id FROM archive_rows WHERE vault_id=? AND {condition}"
            found += [row["id"] for row in self._database.rows(sql, (self._id,))]
        return np.unique(np.array(found, np.int64))

    # Batches

    def add(self, batch: pa.RecordBatch) -> None:
        """Write archives: archive_id, description, created, size and tree_hash columns."""
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
        if self._known is not None:
            ids = self._known.find(keys, checks)
        order = np.argsort(keys)  # neighbours in the index are written together
        with self._database.transaction():
            self._touch()
            self._others |= self._highest() != self._high
            if self._others or (self._known is None and not self._empty):
                asked = order[ids[order] < 0]
                wanted = zip(asked.tolist(), keys[asked].tolist(), checks[asked].tolist(), strict=True)
                for place, row_id in self._database.find_ids(self._id, wanted):
                    ids[place] = row_id
            self._meet(batch, ids)
            self._bulk_from_now()
            fresh = order[ids[order] < 0]
            self._insert(batch.take(pa.array(fresh)), keys[fresh], checks[fresh])
            self._high = self._highest()

    def _highest(self) -> int:
        row = self._database.row("SELECT max(id) AS last FROM archive_rows")
        return int((row["last"] if row else None) or 0)

    def _touch(self) -> None:
        self._database.execute(
            "UPDATE loads SET touched=? WHERE vault_id=? AND owner=?",
            (self._database.now(), self._id, self._owner),
        )

    def _bulk_from_now(self) -> None:
        """Drop indexes once it shows that nearly all rows will be new."""
        coming = max(self.archives, self._expected)
        many = self._last < coming and coming >= self._database.limits.bulk_rows
        if self._empty and not self._dropped and many:
            self._database.drop_indexes()
            self._dropped = True

    def _insert(self, batch: pa.RecordBatch, keys: Any, checks: Any) -> None:
        count = batch.num_rows
        if not count:
            return
        import pyarrow as pa

        descriptions = batch["description"].to_pylist()
        names, formats, mtimes = decode_columns(descriptions)
        raw = [None if d == n else d for d, n in zip(descriptions, names, strict=True)]
        created = batch["created"].cast(pa.int64())
        hashes = [identity.pack_hash(each) for each in batch["tree_hash"].to_pylist()]
        rows = zip(
            [self._id] * count,
            keys.tolist(),
            checks.tolist(),
            batch["archive_id"].to_pylist(),
            names,
            raw,
            formats,
            mtimes,
            batch["size"].to_pylist(),
            created.to_pylist(),
            hashes,
            [states.LISTED] * count,
            [self._ordinal] * count,
            strict=True,
        )
        with self._database.transaction():
            written = self._database.insert_many(_ROW, list(rows))
            self._database.index_new_names()
        self.added += written
        self._rebuild |= written != count  # listed twice
        table = pa.table({"name": names, "size": batch["size"], "created": created})
        self._changes.come_many(table)

    def _meet(self, batch: pa.RecordBatch, ids: np.ndarray[Any, Any]) -> None:
        """Note the archives that are known already; those that are not simply present change."""
        import numpy as np

        self._seen[ids[(ids >= 0) & (ids <= self._last)]] = True
        odd = np.isin(ids, self._odd) | (ids > self._last)
        for place in np.flatnonzero(odd).tolist():
            self._meet_odd(batch, place, int(ids[place]))

    def _meet_odd(self, batch: pa.RecordBatch, place: int, row_id: int) -> None:
        row = self._database.row(
            "SELECT name, size, created, tree_hash, mtime, format, description, origin, listed, "
            "unlisted, deleted FROM archive_rows WHERE id=?",
            (row_id,),
        )
        if row is None:
            return
        item = {name: batch[name][place].as_py() for name in ("description", "size", "tree_hash")}
        created = batch["created"][place].value
        if row["unlisted"] is not None and row["deleted"] is None:
            self._back.append(row_id)
        if row["listed"] is None:
            self._complete(row_id, row, item, created)

    def _complete(self, row_id: int, row: Any, item: dict[str, Any], created: int | None) -> None:
        """Write what the service says of an archive that was known by an upload or a record."""
        (name,), (form,), (mtime,) = decode_columns([item["description"]])
        if row["origin"] == states.UPLOADED or not item["description"]:
            name, form, mtime = row["name"], row["format"], row["mtime"]
            raw = row["description"]
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
            self._changes.go(row["name"], row["size"], row["created"])
            self._changes.come(name, item["size"], created)
        if name != row["name"]:
            self._database.reindex_name(row_id, row["name"], name)

    # The end

    def finish(self, made: int | None, *, also: Callable[[], object] | None = None) -> None:
        """Make all of it true at once.

        :param made: the inventory's own date in milliseconds, or one that is surely not later;
            without any it only adds.
        :param also: called inside the last transaction.
        """
        self._database.create_indexes()
        self._dropped = False
        since = made
        if self._page is not None:
            since = self._join_pages(self._page, made)
        newest = self._database.row(
            "SELECT max(made) AS made FROM inventories WHERE account=? AND region=? AND vault=? "
            "AND ordinal IS NOT NULL",
            (self._scope.account, self._scope.region, self.vault),
        )
        older = made is not None and newest is not None and (newest["made"] or 0) > made
        if since is not None and self.whole and not older:
            self._sweep(since)
        elif self._rebuild:
            self._end.hide_leftovers(self._last, self._seen)
        with self._database.transaction():
            if older:
                self._end.set_aside()
                self._rebuild = True
            else:
                self._end.bring_back(self._back)
                if made is not None:
                    self._end.revive(made, self._last, self._seen)
                if not self._rebuild:
                    self._changes.write(self._database, self._id)
            self._database.execute("UPDATE vaults SET current=? WHERE id=?", (self._ordinal, self._id))
            if self._rebuild:
                folders.rebuild(self._database, self._id, self._ordinal)
            self._record(made, older=older)
            if self._page is not None and not older:
                paging.keep(self._database, self._id, self._page.marker, self._pages)
            self._database.execute("DELETE FROM loads WHERE vault_id=?", (self._id,))
            if also is not None:
                also()
        self._finished = True

    def _join_pages(self, page: ListedPage, made: int | None) -> int | None:
        """Take the pages before for part of this one; return the date that all of them reach.

        None where it is not known, or a page is missing.
        """
        import numpy as np

        last = self._highest()
        seen = np.zeros(last + 1, bool)
        seen[: len(self._seen)] = self._seen
        rows = self._database.rows(
            "SELECT id FROM archive_rows WHERE vault_id=? AND listed=? AND id>?",
            (self._id, self._ordinal, self._last),
        )
        seen[[row["id"] for row in rows]] = True
        self._pages = Pages(made, self.archives, self.bytes, seen)
        joined = paging.goes_on(self._database, self._id, page, self._pages)
        self.whole = self.whole and joined and page.marker is None
        if not joined:
            self._pages.made = None  # what was missed stays missed, whatever follows
        self._seen = self._pages.seen[: self._last + 1]
        self.whole = self.whole and self._pages.made is not None
        if self.whole:
            self.archives, self.bytes = self._pages.archives, self._pages.bytes
        return self._pages.made

    def _sweep(self, made: int) -> None:
        """Note the archives that are not listed any more, or not in time."""
        if self._empty:
            return
        ids = self._known_ids()
        missing = ids[~self._seen[ids]]
        for start in range(0, len(missing), 10_000):
            chunk = missing[start : start + 10_000].tolist()
            with self._database.transaction():
                self._touch()
                self.gone += self._end.lose(chunk, made)

    def _known_ids(self) -> np.ndarray[Any, Any]:
        """Return the ids of the vault's rows that were there before, read in the key's order."""
        import numpy as np

        if self._known is not None:
            return self._known.ids
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
            "ordinal=COALESCE(inventories.ordinal, excluded.ordinal)",
            (
                self._scope.account,
                self._scope.region,
                self.vault,
                self.job_id,
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


@contextmanager
def loading(
    database: Database,
    scope: Scope,
    vault: str,
    job_id: str,
    *,
    whole: bool = True,
    expected: int = 0,
    page: ListedPage | None = None,
) -> Iterator[Load]:
    """Read an inventory inside the block: ``add()`` its batches, then ``finish()``.

    :param whole: whether it lists all archives of the vault: no dates, limit or marker were set.
    :param expected: about how many archives will come.
    :param page: the place of a limited inventory among its pages; *whole* is that of them all.
    """
    load = Load(database, scope, vault, job_id, whole=whole, expected=expected, page=page)
    load.begin()
    try:
        with database.bulk_writing():
            yield load
    finally:
        load.give_up()
