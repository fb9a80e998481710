"""A bucket of S3 in the place of a vault: its objects are listed, restored and verified."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base import dataframes
from ..base.bucket_names import BucketFolder, refuse_bucket
from ..base.ranges import Asked
from ..base.treehash import FileChanged, tree_hash
from ..base.units import storable
from ..catalogue import ArchiveRecord
from ..catalogue.archives.identity import learn_hash
from ..errors import InputError
from ..plans import ComparePlan, RestorePlan
from ..plans.restore.copies_plan import HurryPlan, KeepPlan
from ..plans.restore.object_plan import DAYS, ObjectRestorePlan
from ..plans.restore.quoting import checked_tier
from ..plans.restore.request import folder_named
from ..plans.restore.timetable import Pace
from ..transfer.object_proof import ObjectProof
from ..transfer.progress import Count, Observer
from .vault import Vault

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ..base.tables import ExactTable
    from ..service.buckets import BucketEntry
    from .selection import Selectable
    from .session import Session

UNVERIFIED = "unverified"
PAGE = 10_000  # objects in memory
_SHARED = (
    *("archives", "find", "du", "duplicates", "diff", "select", "label", "copies"),
    *("inventory", "restore", "restore_archives", "verify", "backups", "snapshots", "migrations"),
)
_VAULTS_ONLY = frozenset(name for name in dir(Vault) if not name.startswith("_")) - {*_SHARED}


def _named(name: str, glob: str) -> bool:
    return name == glob or name.startswith(f"{glob.rstrip('/')}/") or fnmatchcase(name, glob)


class Bucket(Vault):
    """A bucket, or a folder in it, in the place of a vault; ``session.vault("s3://bucket/folder")``.

    Its archives are the newest versions of its objects: the name is the key below the folder,
    description and format are the storage class, and the id has class, ETag and key.  What stores,
    deletes or sets up something is refused.

    :raises InputError: the name has no bucket.
    """

    def __init__(self, session: Session, name: str) -> None:
        self.folder = BucketFolder.read(name)
        super().__init__(session, self.folder.name)

    def __getattribute__(self, name: str) -> Any:
        if name in _VAULTS_ONLY:
            refuse_bucket(self.name)
        return super().__getattribute__(name)

    @staticmethod
    def _check_name(name: object) -> None:
        """Accept the name, which is that of a folder."""

    def _title(self) -> str:
        return f"Bucket {self.name!r}"

    def inventory(self, *, progress: Observer | None = None) -> pd.DataFrame:
        """List the bucket into the catalogue: a request for 1,000 objects; return the objects.

        :raises NotFound: there is no such bucket.
        :raises AccessDenied: the identity may not list it.
        """
        label, known = f"Listing {self.name}", self._catalogue.archives.count(self.name)
        entries = self.session.service.buckets.entries(self.name)
        with self._catalogue.inventories.loading(self.name, f"list {uuid.uuid4()}") as load:
            while some := list(islice(entries, PAGE)):
                load.add(self._batch(some))
                if progress is not None:
                    total = max(known, load.archives)
                    progress(Count(label=label, done=load.archives, total=total, rate=0.0, eta=None))
            load.finish(self._service.clock.now_ms())
        return self.archives()

    def versions(self, glob: str | None = None, *, limit: int | None = None) -> pd.DataFrame:
        """Return all versions of objects, and delete markers, as S3 lists them now.

        Nothing else uses old versions: the archives of the bucket are the newest ones.

        :param glob: the name of an object or folder, or a pattern in which * matches / too; all if None.
        :param limit: return at most this many.
        :returns: name, version_id, latest, deleted (a delete marker), size (bytes), created,
            storage_class, etag, vault; those of a name are together, the newest first.
        :raises AccessDenied: the identity may not list versions.
        """
        return self.exact_versions(glob, limit=limit).frame()

    def exact_versions(self, glob: str | None = None, *, limit: int | None = None) -> ExactTable:
        """Return :meth:`versions` as the table that a shell shows."""
        listed = self.session.service.buckets.versions(
            self.name, re.split(r"[*?[]", glob or "", maxsplit=1)[0]
        )
        found = (row for row in listed if glob is None or _named(row["name"], glob))
        return dataframes.exact_versions(islice(found, limit), self.name)

    def _restore_plan(
        self,
        archives: Sequence[ArchiveRecord],
        parts: Sequence[Asked] | None,
        pace: Pace | None,
        days: int | None,
        **known: Any,
    ) -> RestorePlan:
        """Return the plan to restore objects: S3 restores those of archive classes first."""
        if parts is not None or pace is not None:
            raise InputError(
                "Objects are restored as a whole, and at once", cure="Leave out ranges, and the pace."
            )
        return ObjectRestorePlan(archives, days=days or DAYS, **known)

    def extend(self, *words: Selectable, days: int = DAYS) -> KeepPlan:
        """Return the plan to keep the copies of objects for so many days from now.

        :param words: the objects, as in :meth:`.Vault.select`; if none, those that downloads wait for.
        """
        return KeepPlan(self._copied(words), days=days, **self._known())

    def hurry(self, *words: Selectable, tier: str = "Expedited") -> HurryPlan:
        """Return the plan to speed up restores that run, and were started from here.

        :param words: as in :meth:`extend`.
        :param tier: the faster tier.
        :raises InputError: there is no such tier for one of them.
        """
        return HurryPlan(self._copied(words), tier=checked_tier(tier), **self._known())

    def _copied(self, words: Sequence[Selectable]) -> Sequence[ArchiveRecord]:
        if words:
            return self.select(*words)
        waiting = (d.archive_id for d in self._catalogue.downloads.open() if d.vault == self.name)
        found = (self._catalogue.archives.get(self.name, each) for each in dict.fromkeys(waiting))
        return [archive for archive in found if archive is not None]

    def _known(self) -> dict[str, Any]:
        session = self.session
        return {
            "vault": self.name,
            "service": session.service,
            "tracker": session.tracker,
            "log": session.plan_log,
        }

    def verify(
        self,
        *words: Selectable,
        folder: str | os.PathLike[str] = "restored",
        progress: Observer | None = None,
    ) -> pd.DataFrame:
        """Return objects compared with the local files of their names, by what S3 records of them.

        S3 is asked about each object that has a file of its size, unless the tree hash is known from
        before; nothing is restored.

        :returns: as :meth:`.Vault.verify`, with the state ``unverified`` for a file of an object whose
            bytes S3 has no checksum of.
        """
        plan = ComparePlan(self.select(*words), vault=self.name, folder=folder_named(folder))
        unproven = {archive.archive_id for archive, path in plan.to_read() if not self._learnt(archive, path)}
        table = super().verify(*words, folder=folder, progress=progress)
        return table.assign(state=table["state"].mask(table["archive_id"].isin(unproven), UNVERIFIED))

    def _learnt(self, archive: ArchiveRecord, path: Path) -> bool:
        """Learn the tree hash of an object from a file with its bytes; return whether that can be told."""
        if archive.tree_hash is not None:
            return True
        proof = ObjectProof.by(self._service.buckets.record(self.name, archive.archive_id))
        with suppress(OSError, FileChanged):  # the comparison reports it
            root = tree_hash(path)
            if proof.possible and proof.tree_hash in (None, root) and proof.holds(path):
                catalogue = self._catalogue
                learn_hash(catalogue.database, catalogue.scope, self.name, archive.archive_id, root)
        return proof.possible

    def _batch(self, entries: list[BucketEntry]) -> pa.RecordBatch:
        import pyarrow as pa

        prefix = self.folder.prefix
        return pa.record_batch(
            {
                "archive_id": pa.array([each.id.text for each in entries], pa.string()),
                "name": pa.array(
                    [storable(each.id.key.removeprefix(prefix) or each.id.key) for each in entries],
                    pa.string(),
                ),
                "description": pa.array([each.id.storage_class for each in entries], pa.string()),
                "created": pa.array([each.modified for each in entries], pa.timestamp("ms", "UTC")),
                "size": pa.array([each.size for each in entries], pa.int64()),
                "tree_hash": pa.array([None] * len(entries), pa.string()),
            }
        )
