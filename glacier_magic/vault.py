"""One vault: store, list, get back, delete."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from . import descriptions, tables
from .catalogue import ArchiveRecord, JobRecord
from .catalogue.jobs import INVENTORY
from .errors import InputError, NameNotKnown, NotFound, NotReady
from .inventory import read_inventory
from .jobs import TIERS, InventoryJob
from .leftovers import Leftovers
from .plans import DeletePlan, RestorePlan
from .plans.restore import unknown_archive
from .storing import Stored, Storing
from .transfer.progress import Observer
from .transfer.sources import Sources, find
from .units import from_ms, plural
from .uploading import UploadDesk

if TYPE_CHECKING:
    import os

    import pandas as pd

    from .session import Session

ARCHIVE_ID = re.compile(r"[A-Za-z0-9_-]{138}")
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
        if not VAULT_NAME.fullmatch(name) or name in (".", ".."):
            raise InputError(
                f"{name!r} cannot be the name of a vault",
                cure="It is 1 to 255 letters, digits, dots, hyphens and underscores.",
            )
        self.session, self.name = session, name
        self._service, self._catalogue = session.service, session.catalogue

    def __repr__(self) -> str:
        return f"Vault({self.name!r}, region={self.session.region!r})"

    # Storing

    @property
    def _storing(self) -> Storing:
        return Storing(self.session.engine, self.name)

    def upload(
        self, path: str | os.PathLike[str], *, description: str | None = None,
        description_format: str = descriptions.DEFAULT, again: bool = False,
        part_size: int | None = None, progress: Observer | None = None,
    ) -> Archive:  # fmt: skip
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
                f"{str(path)!r} is {plural(len(sources.files), 'file')}",
                cure="upload_all() stores many.",
            )
        stored = self.store(sources, again=again, part_size=part_size, progress=progress)
        return self._archive(str(stored.rows[0]["archive_id"]))

    def upload_stream(
        self, stream: BinaryIO, name: str, *, description: str | None = None,
        description_format: str = descriptions.DEFAULT, part_size: int | None = None,
        progress: Observer | None = None,
    ) -> Archive:  # fmt: skip
        """Store what a binary file object gives until its end; return the archive.

        :param name: the name that is encoded into the description, unless one is given.
        :param part_size: bytes in a part, 32 MiB if not given: 10,000 of them are 312 GiB.

        Raises like :meth:`upload`.
        """
        record = self._storing.stream(
            stream, name=name, description=description, description_format=description_format,
            part_size=part_size, progress=progress,
        )  # fmt: skip
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
        self, paths: Sequence[str | os.PathLike[str]], *, recursive: bool = False,
        description: str | None = None, description_format: str = descriptions.DEFAULT,
        again: bool = False, part_size: int | None = None, progress: Observer | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Store many files (paths, globs, folders when *recursive*); return what was stored.

        The DataFrame has one row a file: name, size, state, archive_id, tree_hash, path;
        ``attrs["skipped"]`` lists files left out with the reason.  Raises like :meth:`upload`;
        what was stored before an error is on record and not sent again.
        """
        sources = find(
            [str(p) for p in paths], recursive=recursive, description=description,
            description_format=description_format,
        )  # fmt: skip
        return self.store(sources, again=again, part_size=part_size, progress=progress).table()

    def store(
        self, sources: Sources, *, again: bool = False, part_size: int | None = None,
        progress: Observer | None = None,
    ) -> Stored:  # fmt: skip
        """Store the files of *sources*; see :meth:`upload_all`."""
        return self._storing.files(sources, again=again, part_size=part_size, progress=progress)

    def desk(self) -> UploadDesk:
        """Return a desk where files are chosen and sent in the background, pausing at will."""
        return UploadDesk(self.session.engine, self.name)

    def uploads(self) -> Leftovers:
        """Return the unfinished multipart uploads, ours and others', to resume or abort."""
        return Leftovers(self._storing)

    # Listing

    def archives(self, glob: str | None = None) -> pd.DataFrame:
        """Return the archives that the catalogue knows, by name, as a typed DataFrame.

        :param glob: names to keep; ``*`` matches ``/`` too, ``folder/`` means all below it.

        ``attrs["as_of"]`` is the date of the newest inventory read (ISO 8601), or None;
        ``attrs["unlisted"]`` counts archives stored since that no inventory has listed yet.
        """
        found = self._catalogue.archives.matching(self.name, glob)
        frame = tables.archives(found)
        newest = self._catalogue.inventories.newest(self.name)
        made = from_ms(newest.made) if newest else None
        frame.attrs.update(
            vault=self.name,
            as_of=made.isoformat() if made else None,
            unlisted=sum(record.state == "uploaded" for record in found),
        )
        return frame

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
                "%glacier ls shows what was stored from here.",
            ) from None
        now = self._service.clock.now_ms()
        job = JobRecord(
            vault=self.name, job_id=job_id, action=INVENTORY, description=token, created=now
        )
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
        :raises InputError: the beginning of an id fits several.
        """
        found: dict[str, ArchiveRecord] = {}
        for word in words:
            chosen = (
                [word] if isinstance(word, ArchiveRecord) else self._matching(word, unknown_ids)
            )
            found.update((record.archive_id, record) for record in chosen)
        return list(found.values())

    def _matching(self, word: str, unknown_ids: bool) -> list[ArchiveRecord]:
        archives = self._catalogue.archives
        if not {"*", "?"} & set(word) or word.startswith("name:"):
            named = archives.named(self.name, word.removeprefix("name:"))
            if named:
                return named
        if word.startswith("id:") or ARCHIVE_ID.fullmatch(word):
            identifier = word.removeprefix("id:")
            records = archives.starting(self.name, identifier) if identifier else []
            if len(records) > 1:
                raise InputError(
                    f"{len(records)} archive ids begin with {identifier!r}",
                    cure="Give more of its characters.",
                )
            if not records and unknown_ids and ARCHIVE_ID.fullmatch(identifier):
                return [unknown_archive(self.name, identifier)]
        elif word.startswith("name:"):
            records = []
        else:
            records = archives.matching(self.name, word)
        if not records:
            known = plural(archives.count(self.name), "archive")
            raise NameNotKnown(
                f"Nothing in {self.name!r} matches {word!r}; the catalogue knows {known} there"
            )
        return records

    # Getting back and deleting

    def restore(
        self,
        *words: str | ArchiveRecord,
        tier: str = "Standard",
        to: str | os.PathLike[str] = "restored",
    ) -> RestorePlan:
        """Return the plan to get archives back; nothing is asked for until its ``run()``.

        :param words: see :meth:`select`.
        :param tier: ``Expedited`` (1-5 minutes), ``Standard`` (3-5 hours) or ``Bulk`` (5-12 hours).
        :param to: the folder that the files are written below.
        :raises NameNotKnown: a word matches nothing.
        """
        if tier.capitalize() not in TIERS:
            raise InputError(
                f"There is no tier {tier!r}", cure="Tiers are expedited, standard and bulk."
            )
        return RestorePlan(
            self.select(words, unknown_ids=True),
            vault=self.name,
            tier=tier.capitalize(),
            to=Path(to).expanduser().absolute(),
            catalogue=self._catalogue,
            tracker=self.session.tracker,
            clock=self._service.clock,
        )

    def remove(self, *words: str | ArchiveRecord) -> DeletePlan:
        """Return the plan to delete archives; nothing is deleted until its ``run()``.

        Raises like :meth:`select`.
        """
        return DeletePlan(
            self.select(words, unknown_ids=True),
            vault=self.name,
            service=self._service,
            catalogue=self._catalogue,
        )
