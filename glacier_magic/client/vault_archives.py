"""The archives of a vault: storing and listing them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO

from .. import descriptions
from ..base.facts import Described, Facts
from ..base.treehash import MOST_PARTS
from ..base.units import from_ms, human_bytes, local_time, plural
from ..catalogue import JobRecord
from ..catalogue.archives.as_of import Moment, last_ms
from ..catalogue.archives.vault_reader import VaultReader
from ..catalogue.records.job_records import INVENTORY
from ..errors import InputError, NotFound, NotReady, OverBudget
from ..errors.steps import step
from ..jobs import InventoryJob
from ..jobs.inventory_output import read_inventory
from ..plans.base import dollars
from ..plans.restore.quoting import checked_destination, checked_tier
from ..plans.upload_plan import UploadPlan
from ..prices.quotes import upload_requests
from ..prices.storage_costs import folder_table
from ..transfer.progress import Observer
from ..transfer.sources import find
from ..transfer.store import Storing
from ..transfer.unfinished import Leftovers
from ..transfer.upload_queue import UploadDesk
from .archive import Archive
from .selection import Selector

if TYPE_CHECKING:
    import os
    from pathlib import Path

    import pandas as pd

    from .session import Session

VAULT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")


class VaultArchives(Described):
    """The archives of a vault: storing and listing them; :class:`.Vault` adds the rest."""

    def __init__(self, session: Session, name: str) -> None:
        self._check_name(name)
        self.session, self.name = session, name
        self._service, self._catalogue = session.service, session.catalogue
        self._selector = Selector(self._catalogue, name)

    @staticmethod
    def _check_name(name: object) -> None:
        # The service's rule allows dots alone, but in a URL they mean another path.
        if not isinstance(name, str) or not VAULT_NAME.fullmatch(name) or name in (".", ".."):
            raise InputError(
                f"{name!r} cannot be the name of a vault",
                cure="It is 1 to 255 letters, digits, dots, hyphens and underscores.",
            )

    def _title(self) -> str:
        return f"Vault {self.name!r}"

    def _facts(self) -> Facts:
        archives = self._catalogue.archives
        total = next(iter(archives.du(self.name, "", 0)), None)
        latest = archives.latest(self.name)
        return [
            ("region", self.session.region),
            ("archives", f"{total.archives:,}" if total else "0"),
            ("size", human_bytes(total.bytes if total else 0)),
            ("inventory", local_time(datetime.fromisoformat(latest)) if latest else "not read yet"),
        ]

    def _retrieval_options(self, tier: str, destination: str | None) -> dict[str, Any]:
        """Return the arguments that all plans which retrieve something have."""
        return {
            "tier": checked_tier(tier),
            "destination": checked_destination(destination),
            "tracker": self.session.tracker,
            "log": self.session.plan_log,
        }

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
        max_cost: Decimal | int | str | None = None,
        progress: Observer | None = None,
    ) -> Archive:
        """Store one file; return its archive.

        An unchanged file that this catalogue stored before is not sent again, unless *again* is
        true.  An interrupted upload is resumed.

        :param description: the archive's description, up to 1,024 printable ASCII characters,
            instead of the encoded name and time.
        :param description_format: the encoding of name and time: "fastglacier", which most
            software reads, "mt2" for mt-aws-glacier, or "plain" for the bare name.
        :param part_size: bytes in a part of a file above 4 MiB: 1 MiB times a power of two.
        :param max_cost: the most that the requests may cost, in US dollars.
        :raises OverBudget: they cost more.
        :raises PriceUnknown: their price is unknown or unconfirmed, and there is a *max_cost*.
        :raises InputError: the file is empty or missing, or an argument is not allowed.
        :raises LocalError: the file cannot be read, or changes during the upload.
        :raises IntegrityError: the service's tree hash differs from that of the bytes sent.
        """
        plan = self.upload_plan(
            [path],
            description=description,
            description_format=description_format,
            again=again,
            part_size=part_size,
        )
        count = len(plan.sources.files)
        if count != 1:  # a glob or a folder
            raise InputError(f"{str(path)!r} is {plural(count, 'file')}", cure="upload_all() stores many.")
        plan.observe(progress)
        return self._archive(str(plan.run(max_cost=max_cost).rows[0]["archive_id"]))

    def upload_stream(
        self,
        stream: BinaryIO,
        name: str,
        *,
        description: str | None = None,
        description_format: str = descriptions.DEFAULT,
        part_size: int | None = None,
        again: bool = False,
        max_cost: Decimal | int | str | None = None,
        accept_unconfirmed: bool = False,
        progress: Observer | None = None,
    ) -> Archive:
        """Store the bytes of a binary stream up to its end; return the archive.

        :param name: the name to encode into the description, unless *description* is given.
        :param part_size: bytes in a part; the default, 16 MiB, allows 156 GiB (10,000 parts).
        :param again: store the bytes even if an archive of this name has them.
        :param max_cost: the most that the requests may cost, in US dollars; the setting max_cost by
            default.  It is compared with the price of the longest stream, because the length is unknown.
        :param accept_unconfirmed: count unconfirmed prices towards *max_cost*.
        :raises GlacierError: see :meth:`upload`.
        """
        try:
            self._check_limit(MOST_PARTS + 2, max_cost, accept_unconfirmed=accept_unconfirmed)
        except OverBudget as error:
            raise OverBudget(
                f"The length of a stream is not known, and the longest takes {MOST_PARTS + 2:,} requests. "
                f"{error.message}",
                cure="Raise the limit, or upload a file.",
            ) from None
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

    def _check_limit(
        self, requests: int, max_cost: Decimal | int | str | None = None, *, accept_unconfirmed: bool = False
    ) -> None:
        """Check what is no plan: the price of upload requests against a limit, or that of the session."""
        log = self.session.plan_log
        limit = log.max_cost() if max_cost is None else dollars(max_cost)
        if limit is not None:
            quote = upload_requests(log.prices(), requests)
            quote.check(limit, accept_unconfirmed=accept_unconfirmed)

    def _archive(self, archive_id: str) -> Archive:
        record = self._catalogue.archives.get(self.name, archive_id)  # the upload recorded it: no request
        if record is None:
            raise NotFound(f"The catalogue does not know the archive {archive_id}")
        return Archive(
            id=record.archive_id,
            name=record.name,
            size=record.size or 0,  # known: this catalogue stored it
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
        max_cost: Decimal | int | str | None = None,
        accept_unconfirmed: bool = False,
        progress: Observer | None = None,
    ) -> pd.DataFrame:
        """Store many files (paths, globs, folders when *recursive*); return a DataFrame.

        It has one row per file: name, size, state, archive_id, tree_hash, path.  What a folder or glob has
        that cannot be stored, or one of several paths is, has the state "left out", and
        ``attrs["skipped"]`` has the reason.  Raises like :meth:`upload` if nothing can be stored;
        files that were stored before an error are on record and are not sent again.
        :meth:`upload_plan` shows what it costs first.

        :param max_cost: the most that the requests may cost, in US dollars.
        :param accept_unconfirmed: count unconfirmed prices towards *max_cost*.
        """
        plan = self.upload_plan(
            paths,
            recursive=recursive,
            description=description,
            description_format=description_format,
            again=again,
            part_size=part_size,
        )
        plan.observe(progress)
        return plan.run(max_cost=max_cost, accept_unconfirmed=accept_unconfirmed).table()

    def upload_plan(
        self,
        paths: Sequence[str | os.PathLike[str]],
        *,
        recursive: bool = False,
        description: str | None = None,
        description_format: str = descriptions.DEFAULT,
        again: bool = False,
        part_size: int | None = None,
        root: Path | None = None,
    ) -> UploadPlan:
        """Return the plan to store files, with its price; nothing is sent until its ``run()``.

        See :meth:`upload_all`.

        :param root: the names of absolute paths below this folder start there.
        """
        sources = find(
            [str(p) for p in paths],
            recursive=recursive,
            description=description,
            description_format=description_format,
            root=root,
        )
        return UploadPlan(self._storing, sources, log=self.session.plan_log, again=again, part_size=part_size)

    def desk(self) -> UploadDesk:
        """Return an upload queue, which sends files in the background and can be paused."""
        log = self.session.plan_log
        return UploadDesk(self.session.engine, self.name, log.prices, limit=log.max_cost())

    def uploads(self) -> Leftovers:
        """Return the unfinished multipart uploads, other programs' included."""
        return Leftovers(self._storing, self._check_limit)

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
        """Return the archives in the catalogue as a DataFrame, sorted by name.

        :param glob: a pattern for names; ``*`` matches ``/`` too, ``folder/`` means all below it, as
            ``folder`` does unless an archive has this name; ``name:`` is an exact name and ``id:`` the
            beginning of an archive id.
        :param where: conditions such as ``size > 1e9 and created < '2016'``.
        :param sort: columns in order of precedence: ``-size,name`` sorts the largest first.
        :param limit: the maximum number of rows.
        :param as_of: use the newest inventory up to this time; a date means the end of that day.
        :param states: present, pending, unknown, gone, deleted here; the first three by default.
        :raises InputError: an argument is not understood, or no inventory is that old.

        ``attrs["as_of"]`` is the date of the inventory (ISO 8601), or None; ``attrs["unlisted"]``
        counts archives stored since that no inventory lists yet, and ``attrs["more"]`` those that
        *limit* left out, up to 10,000.

        >>> vault.archives("scans/*", where="size > 1GB", sort="-size")     # doctest: +SKIP
        """
        return self._catalogue.archives.frame(
            self.name, glob, where=where, sort=sort, limit=limit, as_of=last_ms(as_of), states=states
        )

    def find(self, text: str, *, limit: int | None = None) -> pd.DataFrame:
        """Return the archives whose name contains all words of *text*, as :meth:`archives` does.

        Letters match in either case, composed or not; ``*`` and ``?`` are ordinary characters.
        """
        return self._catalogue.archives.frame(self.name, text=text, limit=limit)

    def du(self, path: str = "", depth: int = 1) -> pd.DataFrame:
        """Return a folder and its subfolders with their totals, largest first.

        :param path: the folder; the whole vault by default.
        :param depth: the number of levels below it.
        :returns: path, depth, archives, size (bytes), oldest, newest, month and month_usd (the
            cost of a month of storage, formatted and as a Decimal, None if the price is unknown),
            vault; ``attrs`` as in :meth:`archives`.
        """
        reader = VaultReader(self._catalogue.database, self._catalogue.scope, self.name)
        return folder_table(reader, path, depth).frame()

    def duplicates(self) -> pd.DataFrame:
        """Return the archives with equal tree hash and size, the most wasted bytes first.

        :returns: group (a number), copies, wasted (bytes of all copies but one), name, size,
            created, archive_id, tree_hash, state, vault; ``attrs`` as in :meth:`archives`.
        """
        return self._catalogue.archives.duplicates(self.name)

    def diff(self, before: Moment | None = None, after: Moment | None = None) -> pd.DataFrame:
        """Return the differences between two inventories.

        Each is the newest one up to the given time; by default, the last two.

        :returns: change (added, gone, or renamed: the same bytes under another name), name, was
            (the previous name), size, created, archive_id, tree_hash, was_id, vault; ``attrs`` has
            vault, before and after (ISO 8601), archives_before, archives_after, bytes_before,
            bytes_after and growth (bytes).
        :raises InputError: no inventory is that old.
        """
        return self._catalogue.archives.difference(
            self.name, last_ms(before, "before"), last_ms(after, "after")
        )

    def inventory(self, *, progress: Observer | None = None) -> pd.DataFrame | InventoryJob:
        """Return the archives of the newest finished inventory job, or a job in progress.

        A job is requested unless one is finished or in progress; it takes about four hours.  The
        service updates the inventory itself about once a day.

        :raises NotReady: the vault is new and has no inventory yet.
        """
        self.session.tracker.refresh([self.name])  # another client's job serves as well
        jobs = [j for j in self._catalogue.jobs.of_vault(self.name) if j.whole_inventory]  # not a ranged one
        finished = [j for j in jobs if j.status == "Succeeded"]  # available for a day: no hours to wait
        if finished:
            newest = max(finished, key=lambda job: job.completed or 0)
            try:
                return self._read(newest, progress)
            except NotFound:  # the service forgets a job about a day after it is completed
                self._catalogue.jobs.mark_gone(self.name, newest.job_id)
        running = next((job for job in jobs if job.status == "InProgress"), None)
        return self._job(running or self._ask_inventory())  # inventories are daily: another seldom differs

    def refresh_inventory(self) -> InventoryJob:
        """Request an inventory even if a finished one is available; return the job."""
        return self._job(self._ask_inventory())

    def _read(self, job: JobRecord, progress: Observer | None) -> pd.DataFrame:
        if not self._catalogue.inventories.has(self.name, job.job_id):  # an output never changes
            read_inventory(self._service, self._catalogue, job, progress=progress)
        return self.archives()

    def _ask_inventory(self) -> JobRecord:
        token = f"glacier_magic inventory {uuid.uuid4()}"
        try:
            job_id = self._service.start_inventory(self.name, token)
        except NotFound as error:  # a missing vault and a missing inventory have the same code
            if error.message.startswith("Vault not found"):  # the service's own text
                raise
            raise NotReady(
                f"The vault {self.name!r} has no inventory yet",
                cure="The service creates the first one about a day after the first upload. "
                f"{step('ls')} shows what this catalogue stored.",
            ) from None
        now = self._service.clock.now_ms()
        job = JobRecord(vault=self.name, job_id=job_id, action=INVENTORY, description=token, created=now)
        self._catalogue.jobs.record([job], ours=True)
        return job

    def _job(self, job: JobRecord) -> InventoryJob:
        self._catalogue.jobs.record([job], ours=True)  # another program's job is downloaded as well
        self.session.tracker.start()
        key = f"job/{job.vault}/{job.job_id}"
        title = f"Inventory of {self.name}, requested from the service"
        return InventoryJob(self.session.tracker, key, title, self.archives)
