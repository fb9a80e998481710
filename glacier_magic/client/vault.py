"""One vault: store, list, get back, delete."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, BinaryIO

from .. import descriptions
from ..administration import AccessPolicy, Lock, Notifications, Tags
from ..base import dataframes
from ..base.ranges import Asked
from ..base.units import from_ms, plural
from ..catalogue import ArchiveRecord, JobRecord
from ..catalogue.archives.as_of import Moment, last_ms
from ..catalogue.records.job_records import INVENTORY
from ..errors import GlacierError, InputError, NotFound, NotReady
from ..jobs import InventoryJob
from ..jobs.inventory_output import read_inventory
from ..peek import Limits
from ..plans import DeletePlan, PeekPlan, RestorePlan
from ..plans.base import dollars
from ..plans.restore.quoting import checked_destination, checked_tier, default_destination
from ..plans.restore.request import folder_named
from ..plans.restore.timetable import Pace
from ..prices import load
from ..prices.quotes import priced
from ..steps import step
from ..transfer.progress import Observer
from ..transfer.sources import Sources, find
from ..transfer.store import Stored, Storing
from ..transfer.unfinished import Leftovers
from ..transfer.upload_queue import UploadDesk
from .selection import ARCHIVE_ID, Choosing

if TYPE_CHECKING:
    import os

    import pandas as pd

    from .session import Session

VAULT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")


@dataclass(frozen=True, kw_only=True)
class Archive:
    """An archive as it was stored: its id, name, bytes, tree hash and time (aware, UTC)."""

    id: str
    name: str
    size: int
    tree_hash: str
    created: datetime | None
    vault: str


class Vault:
    """A vault of a session.

    :raises InputError: the name is not 1 to 255 of ``a-z A-Z 0-9 _ . -`` (service documentation:
        "Create Vault").
    """

    def __init__(self, session: Session, name: str) -> None:
        if not isinstance(name, str) or not VAULT_NAME.fullmatch(name) or name in (".", ".."):
            raise InputError(
                f"{name!r} cannot be the name of a vault",
                cure="It is 1 to 255 letters, digits, dots, hyphens and underscores.",
            )
        self.session, self.name = session, name
        self._service, self._catalogue = session.service, session.catalogue
        self._choosing = Choosing(self._catalogue, name)

    def __repr__(self) -> str:
        return f"Vault({self.name!r}, region={self.session.region!r})"

    # Storing

    @property
    def _storing(self) -> Storing:
        return Storing(self.session.engine, self.name)

    def upload(
        self,
        path: str | os.PathLike[str],
        *,
        description: str | None = None,
        description_format: str = descriptions.DEFAULT,
        again: bool = False,
        part_size: int | None = None,
        progress: Observer | None = None,
    ) -> Archive:
        """Store one file; return its archive.

        A file that was stored here before and has not changed since is not sent again, unless
        *again*.  An interrupted upload of it goes on where it stopped.

        :param description: text to keep with it, up to 1,024 printable ASCII characters, instead
            of the encoded name and time.
        :param description_format: how name and time are written: "fastglacier", which most
            software reads, "mt2" as mt-aws-glacier does, or "plain", the bare name.
        :param part_size: bytes in a part of a file above 100 MiB: 1 MiB times a power of two.
        :raises InputError: the file is empty or missing, or an argument is not allowed.
        :raises LocalError: the file cannot be read or changes meanwhile.
        :raises IntegrityError: the service took other bytes than were sent.
        """
        sources = find([str(path)], description=description, description_format=description_format)
        if len(sources.files) != 1:
            raise InputError(
                f"{str(path)!r} is {plural(len(sources.files), 'file')}", cure="upload_all() stores many."
            )
        stored = self.store(sources, again=again, part_size=part_size, progress=progress)
        return self._archive(str(stored.rows[0]["archive_id"]))

    def upload_stream(
        self,
        stream: BinaryIO,
        name: str,
        *,
        description: str | None = None,
        description_format: str = descriptions.DEFAULT,
        part_size: int | None = None,
        again: bool = False,
        progress: Observer | None = None,
    ) -> Archive:
        """Store what a binary file object gives until its end; return the archive.

        :param name: the name that is encoded into the description, unless one is given.
        :param part_size: bytes in a part, 32 MiB if not given: 10,000 of them are 312 GiB.
        :param again: store bytes that this name was given before once more.
        :raises GlacierError: what :meth:`upload` raises.
        """
        record = self._storing.stream(
            stream,
            name=name,
            description=description,
            description_format=description_format,
            part_size=part_size,
            again=again,
            progress=progress,
        )
        return self._archive(record.archive_id)

    def _archive(self, archive_id: str) -> Archive:
        record = self._catalogue.archives.get(self.name, archive_id)
        if record is None:
            raise NotFound(f"The catalogue does not know the archive {archive_id}")
        return Archive(
            id=record.archive_id,
            name=record.name,
            size=record.size or 0,
            tree_hash=record.tree_hash or "",
            created=from_ms(record.created),
            vault=self.name,
        )

    def upload_all(
        self,
        paths: Sequence[str | os.PathLike[str]],
        *,
        recursive: bool = False,
        description: str | None = None,
        description_format: str = descriptions.DEFAULT,
        again: bool = False,
        part_size: int | None = None,
        progress: Observer | None = None,
    ) -> pd.DataFrame:
        """Store many files (paths, globs, folders when *recursive*); return what was stored.

        The DataFrame has one row a file: name, size, state, archive_id, tree_hash, path;
        ``attrs["skipped"]`` lists files left out with the reason.  Raises like :meth:`upload`;
        what was stored before an error is on record and not sent again.
        """
        sources = find(
            [str(p) for p in paths],
            recursive=recursive,
            description=description,
            description_format=description_format,
        )
        return self.store(sources, again=again, part_size=part_size, progress=progress).table()

    def store(
        self,
        sources: Sources,
        *,
        again: bool = False,
        part_size: int | None = None,
        progress: Observer | None = None,
    ) -> Stored:
        """Store the files of *sources*; see :meth:`upload_all`."""
        return self._storing.files(sources, again=again, part_size=part_size, progress=progress)

    def desk(self) -> UploadDesk:
        """Return a desk where files are chosen and sent in the background, pausing at will."""
        return UploadDesk(self.session.engine, self.name)

    def uploads(self) -> Leftovers:
        """Return the unfinished multipart uploads, ours and others', to resume or abort."""
        return Leftovers(self._storing)

    # Listing

    def archives(
        self,
        glob: str | None = None,
        *,
        where: str | None = None,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        as_of: Moment | None = None,
        states: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Return the archives that the catalogue knows, by name, as a typed DataFrame.

        :param glob: names to keep; ``*`` matches ``/`` too, ``folder/`` means all below it,
            ``name:`` is an exact name and ``id:`` the beginning of an archive id.
        :param where: conditions such as ``size > 1e9 and created < '2016'``.
        :param sort: columns, the first counts most: ``-size,name`` is largest first.
        :param limit: rows at most.
        :param as_of: what the newest inventory until then lists; a date means its end.
        :param states: present, pending, unknown, gone, deleted here; the first three if not given.
        :raises InputError: one of them cannot be understood; or there is no inventory that old.

        ``attrs["as_of"]`` is the date of the inventory that it is told by (ISO 8601), or None;
        ``attrs["unlisted"]`` counts archives stored since that no inventory has listed yet, and
        ``attrs["more"]`` those that *limit* left out, up to 10,000.

        >>> vault.archives("scans/*", where="size > 1GB", sort="-size")     # doctest: +SKIP
        """
        if glob is not None and ARCHIVE_ID.fullmatch(glob):
            glob = f"id:{glob}"
        return self._catalogue.archives.frame(
            self.name, glob, where=where, sort=sort, limit=limit, as_of=last_ms(as_of), states=states
        )

    def find(self, text: str, *, limit: int | None = None) -> pd.DataFrame:
        """Return the archives whose name holds *text* anywhere, like :meth:`archives`.

        ASCII letters are found in either case; ``*`` and ``?`` are characters like any other.
        """
        return self._catalogue.archives.frame(self.name, text=text, limit=limit)

    def du(self, path: str = "", depth: int = 1) -> pd.DataFrame:
        """Return a folder and those below it, each with all that is in it, largest first.

        :param path: the folder; the whole vault if not given.
        :param depth: how many levels below it.
        :returns: path, depth, archives, size (bytes), oldest, newest, month and month_usd (what a
            month of storage costs, in words and as a Decimal, None where the price is not known),
            vault; ``attrs`` as those of :meth:`archives`.
        """
        archives = self._catalogue.archives
        prices = load(self.session.region)
        found = archives.du(self.name, path, depth)
        frame = dataframes.folders(priced(found, self.name, prices))
        frame.attrs.update(vault=self.name, as_of=archives.latest(self.name), unlisted=0, more=0)
        return frame

    def duplicates(self) -> pd.DataFrame:
        """Return the archives with equal tree hash and size, most bytes wasted first.

        :returns: group (a number), copies in it, wasted (bytes of all copies but one), name, size,
            created, archive_id, tree_hash, state, vault; ``attrs`` as those of :meth:`archives`.
        """
        return self._catalogue.archives.duplicates(self.name)

    def diff(self, before: Moment | None = None, after: Moment | None = None) -> pd.DataFrame:
        """Return what came and went between the inventories of two moments.

        Each is the newest one until then; without moments, the last two.

        :returns: change (added, gone, or renamed: the same bytes under another name), name, was
            (the name before), size, created, archive_id, tree_hash, was_id, vault; ``attrs`` has
            vault, before and after (ISO 8601), archives_before, archives_after, bytes_before,
            bytes_after and growth (bytes).
        :raises InputError: there is no inventory that old.
        """
        return self._catalogue.archives.difference(
            self.name, last_ms(before, "before"), last_ms(after, "after")
        )

    def inventory(self) -> pd.DataFrame | InventoryJob:
        """Return the archives by the newest finished inventory, or the job that makes one.

        Where no finished inventory job exists, one is asked for, unless one runs already; it takes
        some four hours.  The inventory itself is made by the service about once a day.

        :raises NotReady: the vault has no inventory yet: it is too young.
        """
        self.session.tracker.refresh([self.name])
        jobs = [j for j in self._catalogue.jobs.of_vault(self.name) if j.whole_inventory]
        finished = [j for j in jobs if j.status == "Succeeded"]
        if finished:
            newest = max(finished, key=lambda job: job.completed or 0)
            try:
                return self._read(newest)
            except NotFound:
                self._catalogue.jobs.mark_gone(self.name, newest.job_id)
        running = next((job for job in jobs if job.status == "InProgress"), None)
        return self._job(running or self._ask_inventory())

    def refresh_inventory(self) -> InventoryJob:
        """Ask for a fresh inventory even where a finished one is at hand; return the job."""
        return self._job(self._ask_inventory())

    def _read(self, job: JobRecord) -> pd.DataFrame:
        if not self._catalogue.inventories.has(self.name, job.job_id):
            read_inventory(self._service, self._catalogue, job)
        return self.archives()

    def _ask_inventory(self) -> JobRecord:
        token = f"glacier_magic inventory {uuid.uuid4()}"
        try:
            job_id = self._service.start_inventory(self.name, token)
        except NotFound as error:
            if error.message.startswith("Vault not found"):
                raise
            raise NotReady(
                f"The vault {self.name!r} has no inventory yet",
                cure="The service makes the first one about a day after the first upload. "
                f"{step('ls')} shows what was stored from here.",
            ) from None
        now = self._service.clock.now_ms()
        job = JobRecord(vault=self.name, job_id=job_id, action=INVENTORY, description=token, created=now)
        self._catalogue.jobs.record([job], ours=True)
        return job

    def _job(self, job: JobRecord) -> InventoryJob:
        self._catalogue.jobs.record([job], ours=True)  # whoever asked, its output is read
        self.session.tracker.start()
        key = f"job/{job.vault}/{job.job_id}"
        title = f"Inventory of {self.name}, asked of the service"
        return InventoryJob(self.session.tracker, key, title, self.archives)

    # Choosing

    def select(
        self, words: Sequence[str | ArchiveRecord], *, unknown_ids: bool = False
    ) -> list[ArchiveRecord]:
        """Return the archives that *words* mean, each once, in order.

        A word is a glob or exact name, ``name:`` and an exact name, ``id:`` and an archive id or
        the unique beginning of one, or a whole 138-character id; or a record of the catalogue.

        :param unknown_ids: take a whole id that the catalogue has never seen.
        :raises NameNotKnown: a word matches nothing.
        :raises InputError: a word is blank, or the beginning of an id fits several.
        """
        return self._choosing.select(words, unknown_ids=unknown_ids)

    # Getting back and deleting

    def restore(
        self,
        *words: str | ArchiveRecord,
        tier: str = "Standard",
        to: str | os.PathLike[str] = "restored",
        destination: str | None = None,
        spread: str | float | None = None,
        daily: str | int | None = None,
        byte_range: str | tuple[int, int] | Asked | None = None,
    ) -> RestorePlan:
        """Return the plan to get archives back; nothing is asked for until its ``run()``.

        :param words: see :meth:`select`.
        :param tier: ``Expedited`` (1-5 minutes), ``Standard`` (3-5 hours) or ``Bulk`` (5-12 hours).
        :param to: the folder that the files are written below.
        :param spread: ask evenly over so many days: ``"10d"``, or a number of days.
        :param daily: ask for at most so much a day: ``"200GB"``, or a number of bytes; a larger
            archive has a day of its own.
        :param destination: for the price of the way out of the region: ``here`` for a machine in
            it, ``region`` for one in another, ``internet`` for any other.  If not given,
            ``GLACIER_MAGIC_DESTINATION``, else ``internet``: where this machine is cannot be known.
        :param byte_range: a part of each alone: ``"0-1048575"`` or ``(0, 1048575)``, both ends
            included, ``"10MiB-20MiB"`` between two borders, ``"10MiB-"`` to the end, or ``"-1MB"``,
            the last megabyte.
        :raises NameNotKnown: a word matches nothing.
        :raises InputError: there is no such tier or destination, or an archive has no such bytes.
        """
        part = None if byte_range is None else Asked.of(byte_range)
        archives = self.select(words, unknown_ids=part is None)
        return self.restore_archives(
            archives,
            None if part is None else [part] * len(archives),
            tier=tier,
            to=to,
            destination=destination,
            pace=Pace.of(spread, daily),
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
    ) -> RestorePlan:
        """Return the plan to get these archives back; see :meth:`restore`.

        :param parts: the bytes of each that are wanted; None for whole archives.
        :param claimed: ids of those whose size nobody but the author of a plan file has told.
        """
        ranges = None
        if parts is not None:
            ranges = [part.within(a.name, a.size) for a, part in zip(archives, parts, strict=True)]
        return RestorePlan(
            archives,
            ranges,
            vault=self.name,
            tier=checked_tier(tier),
            to=folder_named(to),
            destination=checked_destination(destination or default_destination()),
            prices=lambda: load(self.session.region),
            claimed=claimed,
            catalogue=self._catalogue,
            tracker=self.session.tracker,
            clock=self._service.clock,
            pace=pace,
        )

    def peek(
        self,
        word: str,
        *,
        kind: str | None = None,
        tier: str = "Standard",
        max_bytes: int = 64 << 20,
        rounds: int = 4,
        destination: str | None = None,
    ) -> PeekPlan:
        """Return the members of a zip or tar, or the plan to get to know them.

        ``plan.members`` is a DataFrame where they are known, or could be read at no cost; else
        nothing is asked for until ``plan.run()``.

        :param word: see :meth:`select`; it must mean one archive.
        :param kind: ``zip``, ``tar`` or ``tar.gz``, where the name does not tell.
        :param max_bytes: of the archive that reading may take, all requests together.
        :param rounds: requests that wait for one another, hours each, at most.
        :param destination: see :meth:`restore`.
        :raises InputError: the word means several archives, or the size is not known.
        :raises Unlistable: it is no zip or tar, is damaged, or a limit does not let it be read.
        """
        found = self.select([word])
        if len(found) != 1:
            raise InputError(
                f"{word!r} means {plural(len(found), 'archive')}", cure="Give one, by name or id."
            )
        return PeekPlan(
            found[0],
            kind=kind,
            tier=checked_tier(tier),
            limits=Limits(bytes=max_bytes, rounds=rounds),
            destination=checked_destination(destination or default_destination()),
            engine=self.session.engine,
            tracker=self.session.tracker,
            prices=load(self.session.region),
        )

    def remove(
        self,
        *words: str | ArchiveRecord,
        where: str | None = None,
        max_fee: Decimal | int | str | None = None,
    ) -> DeletePlan:
        """Return the plan to delete archives; nothing is deleted until its ``run()``.

        The archives are those that the words mean now; what comes to match later is not deleted.

        :param words: see :meth:`select`, or records of the catalogue; ``*`` if none is given but
            *where*.
        :param where: conditions that they meet, such as ``created < '2016'``.
        :param max_fee: US dollars that early deletion may cost.
        :raises OverBudget: it costs more.
        :raises PriceUnknown: *max_fee* cannot be kept for certain.

        Raises like :meth:`select`, too.
        """
        fee = None if max_fee is None else dollars(max_fee)
        choice = self._choosing.choose(words or ("*",) if where is not None else words, where)
        with suppress(GlacierError):  # whoever may delete need not be allowed to list jobs
            self.session.tracker.refresh([self.name])
        return DeletePlan(choice, engine=self.session.engine, prices=load(self.session.region), max_fee=fee)

    # Settings

    def tags(self) -> Tags:
        """Return the tags, a mapping; its ``change()`` sets and removes some.

        :raises NotFound: the vault does not exist.  So do the other settings.
        """
        return Tags(self.name, self._service)

    def policy(self) -> AccessPolicy:
        """Return the access policy; its ``set()`` and ``remove()`` are plans."""
        return AccessPolicy(self.name, self._service)

    def lock(self) -> Lock:
        """Return the lock; its ``initiate()`` and ``complete()`` are plans."""
        return Lock(self.name, self._service, self._catalogue)

    def notifications(self) -> Notifications:
        """Return whom the vault tells of finished jobs; its ``set()`` changes it."""
        return Notifications(self.name, self._service)
