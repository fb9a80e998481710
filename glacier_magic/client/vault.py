"""One vault: its archives, the plans to restore and delete them, and its settings."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from ..administration import AccessPolicy, Lock, Notifications, Tags
from ..base.collector import uncollected
from ..base.dataframes import marked
from ..base.ranges import Asked
from ..base.units import plural
from ..catalogue import ArchiveRecord
from ..catalogue.archives.as_of import snapshot_moment
from ..catalogue.archives.labels import changed, checked_note
from ..catalogue.records.backup_rows import SnapshotRecord
from ..errors import GlacierError, InputError
from ..errors.steps import option
from ..packs.unpacking import Keys
from ..peek import ReadLimits
from ..plans import ComparePlan, DeletePlan, PeekPlan, RestorePlan
from ..plans.restore.request import folder_named
from ..plans.restore.timetable import Pace
from ..transfer.progress import Observer
from .selection import versions
from .vault_moves import VaultMoves

if TYPE_CHECKING:
    import pandas as pd

    from ..importers import ImportReport
    from .selection import Selectable

Labelled = TypeVar("Labelled", ArchiveRecord, SnapshotRecord)


class Vault(VaultMoves):
    """A vault of a session.

    :raises InputError: the name is not 1 to 255 of ``a-z A-Z 0-9 _ . -`` (service documentation:
        "Create Vault").
    """

    # Selecting

    def select(self, *words: Selectable, unknown_ids: bool = False) -> Sequence[ArchiveRecord]:
        """Return the archives that *words* match, each once, in order.

        A word is a glob, an exact name, or a folder, which means all below it; ``name:`` and an exact
        name, ``id:`` and an archive id or its unique beginning, or a whole 138-character id.  It can
        also be a DataFrame with a column ``archive_id`` (and ``vault``), such as rows of
        :meth:`archives`; a column or list of archive ids; or a stored :class:`.Archive`.

        >>> df = vault.archives("scans/*")                                  # doctest: +SKIP
        >>> vault.restore(df[df["size"] > 10**9])                           # doctest: +SKIP

        :param unknown_ids: accept a whole id as a word of its own that the catalogue does not know.
        :raises NameNotKnown: a word matches nothing, or a table or list has an id that is not known.
        :raises InputError: a word is blank, several ids have this beginning, or a table is empty, has
            rows without an id or archives of another vault.
        """
        return self._selector.select(words, unknown_ids=unknown_ids)

    # Plans

    def restore(
        self,
        *words: Selectable,
        tier: str = "Standard",
        to: str | os.PathLike[str] = "restored",
        destination: str | None = None,
        spread: str | float | None = None,
        daily: str | int | None = None,
        byte_range: str | tuple[int, int] | Asked | None = None,
        newest: bool = False,
        days: int | None = None,
    ) -> RestorePlan:
        """Return the plan to restore archives; no request is sent until its ``run()``.

        :param words: see :meth:`select`.
        :param tier: ``Expedited`` (1-5 minutes), ``Standard`` (3-5 hours) or ``Bulk`` (5-12 hours).
        :param to: the folder to write the files to.
        :param spread: distribute the requests evenly over days: ``"10d"``, or a number of days.
        :param daily: the most to request in a day: ``"200GB"``, or a number of bytes; a larger
            archive has a day of its own.
        :param destination: where this computer is, for the price of data transfer: ``here`` in the
            vault's region, the name of another region, ``region`` in any other, ``internet`` outside
            AWS.  The default is
            ``GLACIER_MAGIC_DESTINATION``, or ``internet``: a computer cannot find out where it is.
        :param byte_range: restore this part of each archive: ``"0-1048575"`` or ``(0, 1048575)``,
            both ends included; ``"10MiB-20MiB"``, the end not included; ``"10MiB-"``, to the end;
            or ``"-1MB"``, the last megabyte.
        :param newest: of the archives that *words* match, restore only the newest of each name; others
            of that name are left out unless they have the same bytes.
        :param days: for which S3 keeps the restored copies of a bucket's objects; 3 by default.
        :raises NameNotKnown: a word matches nothing.
        :raises InputError: the tier or destination does not exist, an archive does not have these
            bytes, or which one is the newest is not known.
        """
        part = None if byte_range is None else Asked.of(byte_range)
        found = self.select(*words, unknown_ids=part is None)  # an unknown size has no end to align with
        with uncollected():
            archives, older = versions(found, newest=newest)
        return self.restore_archives(
            archives,
            None if part is None else [part] * len(archives),
            tier=tier,
            to=to,
            destination=destination,
            pace=Pace.of(spread, daily),
            versions=older,
            days=days,
        )

    def restore_archives(
        self,
        archives: Sequence[ArchiveRecord],
        parts: Sequence[Asked] | None = None,
        *,
        tier: str = "Standard",
        to: str | os.PathLike[str] = "restored",
        destination: str | None = None,
        claimed: Collection[str] = (),
        pace: Pace | None = None,
        versions: str = "",
        days: int | None = None,
    ) -> RestorePlan:
        """Return the plan to restore these archives; see :meth:`restore`.

        :param parts: the bytes of each archive to restore; None for whole archives.
        :param claimed: ids of archives whose size is known only from a plan file.
        :param versions: what the plan says about older versions of the same names.
        """
        return self._restore_plan(
            archives,
            parts,
            pace,
            days,
            vault=self.name,
            to=folder_named(to),
            claimed=claimed,
            versions=versions,
            **self._retrieval_options(tier, destination),
        )

    def _restore_plan(
        self,
        archives: Sequence[ArchiveRecord],
        parts: Sequence[Asked] | None,
        pace: Pace | None,
        days: int | None,
        **known: Any,
    ) -> RestorePlan:
        if days is not None:
            raise InputError(
                "Only copies of a bucket's objects are kept for days: a vault's outputs are kept for one",
                cure=f"Leave {option('days')} out.",
            )
        ranges = None
        if parts is not None:
            # Checked before any request: only within the archive can a range be aligned.
            ranges = [part.within(a.name, a.size) for a, part in zip(archives, parts, strict=True)]
        return RestorePlan(archives, ranges, pace=pace, **known)

    def peek(
        self,
        word: Selectable,
        *,
        kind: str | None = None,
        tier: str = "Standard",
        max_bytes: int = 64 << 20,
        rounds: int = 4,
        destination: str | None = None,
        keys: Keys | None = None,
    ) -> PeekPlan:
        """Return the plan to list the members of a zip or tar.

        ``plan.members`` is a DataFrame if they are known, or could be read at no cost; otherwise no
        request is sent until ``plan.run()``.

        :param word: see :meth:`select`; it must match one archive.
        :param kind: if the name does not say: ``zip``, ``tar``, or a tar in layers, ``tar.gz``, ``tar.bz2``,
            ``tar.xz``, ``tar.zst``, ``tar.gpg``, ``tar.age``, or ``tar.enc`` (bakthat, OpenSSL).
        :param max_bytes: the most bytes of the archive to retrieve, in all requests together.
        :param rounds: the most requests in a row, each of which takes hours.
        :param destination: see :meth:`restore`.
        :param keys: open an encrypted tar; its first MiB alone shows whether they do.
        :raises WrongKey: they do not.
        :raises InputError: the word matches several archives, or the size is not known.
        :raises Unlistable: it is no zip or tar, is damaged, or a limit prevents reading it.
        """
        found = self.select(word)  # not unknown ids: without a size there is nothing to read from the end
        if len(found) != 1:
            what = repr(word) if isinstance(word, str) else f"The {type(word).__name__}"
            raise InputError(
                f"{what} matches {plural(len(found), 'archive')}", cure="Give one, by name or id."
            )
        return PeekPlan(
            found[0],
            kind=kind,
            limits=ReadLimits(bytes=max_bytes, rounds=rounds),  # each byte is paid, each round takes hours
            engine=self.session.engine,
            keys=keys or Keys(asks=False),
            **self._retrieval_options(tier, destination),
        )

    def verify(
        self,
        *words: Selectable,
        folder: str | os.PathLike[str] = "restored",
        progress: Observer | None = None,
    ) -> pd.DataFrame:
        """Return archives compared with the local files of their names; no request is sent.

        :param words: see :meth:`select`.
        :param folder: the folder to which they were restored.
        :returns: name, size, archive_id, tree_hash, path, and state: same, different, missing
            locally or unreadable.

        Raises like :meth:`select`.
        """
        plan = ComparePlan(self.select(*words), vault=self.name, folder=folder_named(folder))
        plan.observe(progress)
        plan.run()  # it costs nothing
        return plan.table

    def import_names(
        self, source: pd.DataFrame | str | os.PathLike[str], *, dry_run: bool = False
    ) -> ImportReport:
        """Take names that are kept elsewhere into the catalogue; no request is sent.

        They replace descriptions as names of archives that the catalogue knows; names that are encoded
        in descriptions stay.

        :param source: a DataFrame with the columns archive_id, name and perhaps modified; a CSV or
            Parquet file with these; or a file of another program that ``import`` reads.
        :param dry_run: write nothing.
        :returns: ``completed`` and ``known`` count archives that gained a name and that had it;
            ``left.reasons`` counts what was left out, by reason.
        :raises InputError: the source is no such table or file, or names no archive of this vault.
        """
        from .. import importers  # noqa: PLC0415 - costs time: imported when used

        if isinstance(source, str | os.PathLike):
            imported = importers.read(source)
        else:
            imported = importers.of_frame(source)
        return importers.take(imported, self._catalogue, vault=self.name, dry_run=dry_run)

    def label(
        self, *words: Selectable, add: Sequence[str] = (), remove: Sequence[str] = (), note: str | None = None
    ) -> pd.DataFrame:
        """Change the labels and notes of archives and snapshots in the catalogue; no request is sent.

        Return them as a DataFrame: name, labels, note.  Without changes, it shows what they have.

        :param words: see :meth:`select`; also a set, ``@`` and a snapshot's number or date: ``photos@3``.
        :param add: labels, each one word; *remove* likewise.
        :param note: replaces the note; an empty text removes it.
        :raises NameNotKnown: a word matches nothing.
        :raises NotFound: there is no such snapshot.
        :raises InputError: nothing is named, or a label is not a single word.
        """
        if not words:
            raise InputError("There is nothing to label", cure="Name archives, or a snapshot: photos@3.")

        def revised(one: Labelled) -> Labelled:
            labels = changed(one.labels, add, remove)
            return replace(one, labels=labels, note=one.note if note is None else checked_note(note))

        with self._catalogue.database.transaction():
            snapshots = {word: one for word in words if isinstance(word, str) if (one := self._named(word))}
            others = [word for word in words if not (isinstance(word, str) and word in snapshots)]
            rows = []
            for archive in map(revised, self._selector.select(others)):
                self._catalogue.archives.describe(archive)
                rows.append((archive.name, archive.labels, archive.note))
            for word, snapshot in snapshots.items():
                now = revised(snapshot)
                self._catalogue.backups.label(now)
                rows.append((word, now.labels, now.note))
        import pandas as pd

        return marked(pd.DataFrame(rows, columns=["name", "labels", "note"], dtype="str"))

    def _named(self, word: str) -> SnapshotRecord | None:
        """Return the snapshot that a word names, if what is before its ``@`` is a set."""
        name, _, which = word.rpartition("@")
        found = self._catalogue.backups.sets(name, self.name) if name else []
        return self._snapshot(found[0], snapshot_moment(which)) if found else None

    def delete(self, *words: Selectable, where: str | None = None) -> DeletePlan:
        """Return the plan to delete archives; nothing is deleted until its ``run()``.

        The plan has the archives that match now; archives that match later are not deleted.

        :param words: see :meth:`select`, but a folder needs its slash; the default with *where* is ``*``.
        :param where: conditions such as ``created < '2016'``, for names and patterns.

        Raises like :meth:`select`.
        """
        # Without words and condition nothing is chosen: a mistake must not select the whole vault.
        choice = self._selector.choose(words or ("*",) if where is not None else words, where)
        with suppress(GlacierError):  # a user who may delete archives may not be allowed to list jobs
            self.session.tracker.refresh([self.name])
        # The jobs were listed above: deleting an archive makes its running retrieval fail.
        return DeletePlan(choice, engine=self.session.engine, log=self.session.plan_log)

    def copies(self) -> list[ArchiveRecord]:
        """Return the archives that uploads stored twice, because a response was lost.

        Only an inventory that was read since shows them.  ``delete(vault.copies())`` is the plan to delete
        them, with the fee for archives that are not 90 days old.
        """
        return self._catalogue.uploads.copies(self.name)

    # Settings

    def tags(self) -> Tags:
        """Return the tags, a mapping; its ``change()`` sets and removes tags.

        :raises NotFound: the vault does not exist; so do the methods below.
        """
        return Tags(self.name, self._service)

    def policy(self) -> AccessPolicy:
        """Return the access policy; its ``set()`` and ``remove()`` return plans."""
        return AccessPolicy(self.name, self._service)

    def lock(self) -> Lock:
        """Return the lock; its ``initiate()`` and ``complete()`` return plans."""
        return Lock(self.name, self._service, self._catalogue)

    def notifications(self) -> Notifications:
        """Return the vault's notifications of finished jobs; its ``set()`` changes them."""
        return Notifications(self.name, self._service)
