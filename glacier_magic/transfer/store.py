"""Storing files and streams in a vault, except those that are stored already."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from .. import descriptions
from ..base import dataframes
from ..base.tables import ExactTable
from ..base.units import human_bytes, plural, storable
from ..catalogue import ArchiveRecord
from ..catalogue.records.upload_records import HeldElsewhere, KnownUploads
from ..errors import GlacierError, InputError, LocalError
from ..prices import PriceTable, Quote
from ..prices.quotes import upload_requests
from ..prices.storage_costs import Holding, monthly_storage
from .budget import Stopped
from .engine import Engine, holding
from .parts import check_part_size
from .progress import FileTally, Meter, Observer
from .sources import Source, Sources
from .streams import StreamUploader
from .upload import Uploader

if TYPE_CHECKING:
    import pandas as pd


ELSEWHERE, LEFT_OUT = "left to another process", "left out"
MAYBE_TWICE = "stored, maybe twice"
"""The state of an archive that was stored again after a response was lost."""
AT_ONCE = 400
"""Files that one statement asks the catalogue about: with 64 spellings each, SQLite takes them all."""


@dataclass
class Stored:
    """The outcome of an upload: files stored now, files stored before, and skipped files."""

    rows: list[dict[str, object]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def table(self) -> pd.DataFrame:
        """Return one row per file, also of those left out: name, size, state, archive_id, tree_hash, path."""
        frame = dataframes.stored(self._ordered())
        frame.attrs["skipped"] = list(self.skipped)
        return frame

    def exact(self) -> ExactTable:
        """Return the table without importing pandas, which takes more memory than the upload."""
        rows = [[row[name] for name in dataframes.STORED] for row in self._ordered()]
        return ExactTable(dataframes.STORED, [rows], self.table)

    def _ordered(self) -> list[dict[str, object]]:
        nothing: dict[str, object] = {"size": 0, "state": LEFT_OUT, "archive_id": "", "tree_hash": ""}
        left = [{**nothing, "name": path, "path": path} for path, _ in self.skipped]
        # Rows come in the order in which the files end.
        return sorted([*self.rows, *left], key=lambda row: str(row["path"]))


@dataclass(frozen=True)
class Sending:
    """The files of an upload that are to be sent, and the number of paid requests that takes.

    :param before: the outcome so far: files that are stored already, and skipped ones.
    :param since: what another process stores after this time is not sent again (milliseconds since
        1970 by the clock that dates uploads); None to send it in any case.
    :param renamed: the number of *files* that are stored already under other names.
    """

    files: list[Source]
    requests: int
    before: Stored
    since: int | None
    part_size: int | None
    renamed: int = 0

    @property
    def size(self) -> int:
        """The size of the files together, in bytes."""
        return sum(source.size for source in self.files)

    def quote(self, prices: PriceTable) -> Quote:
        """Return the price of the requests."""
        return upload_requests(prices, self.requests)

    def month(self, prices: PriceTable) -> Quote:
        """Return the price of a month of storage of the files."""
        return monthly_storage(prices, Holding(self.size, len(self.files)))

    def price(self, prices: PriceTable) -> str:
        """Return the number of requests, their price, and that of the storage as a text."""
        return priced(self.requests, self.quote(prices), self.month(prices))


def priced(requests: int, now: Quote, month: Quote) -> str:
    """Return what an upload costs as a text."""
    return f"{plural(requests, 'upload request')}: {now.words()}; storage: {month.words()} a month"


@dataclass(frozen=True)
class Watched:
    """The event that ends an upload; with a tally, the progress of each file."""

    tally: FileTally | None
    stop: threading.Event


@dataclass(frozen=True)
class Storing:
    """Stores files and streams in one vault.

    :param once: see :class:`.Uploader`.
    """

    engine: Engine
    vault: str
    once: bool = False

    def choose(self, sources: Sources, *, again: bool = False, part_size: int | None = None) -> Sending:
        """Return which files are to be sent: those that are stored already only if *again*.

        :param part_size: bytes in a part of a large file; None for the default.
        :raises InputError: a file would have too many parts.
        """
        check_part_size(part_size)
        # Another process may store some of the same files from now on: those are not sent again.
        began = int(self.engine.catalogue.database.now() * 1000)  # the clock that dates uploads
        skipped = [(storable(path), reason) for path, reason in sources.skipped]
        before, files, requests, renamed = Stored(skipped=skipped), [], 0, 0
        uploader = Uploader(self.engine, self.vault, threading.Event(), part_size, once=self.once)
        for start in range(0, len(sources.files), AT_ONCE):
            some = sources.files[start : start + AT_ONCE]
            known = self.engine.catalogue.uploads.known(self.vault, [source.key for source in some])
            for source in some:
                record = None if again else self._stored_before(source, known)
                if record:
                    before.rows.append(_row(source, record, "already stored"))
                else:
                    files.append(source)
                    renamed += not again and self._stored_before(source, known, any_name=True) is not None
                    requests += uploader.requests(source, known.unfinished(**source.identity))
        return Sending(files, requests, before, None if again else began, part_size, renamed)

    def send(
        self, sending: Sending, *, progress: Observer | None = None, watched: Watched | None = None
    ) -> Stored:
        """Store files.

        :param watched: receives the progress of each file, and has the event that ends the upload.
        :raises Stopped: that event was set; stored files stay on record, and the same call resumes.
        """
        outcome = Stored(list(sending.before.rows), list(sending.before.skipped))
        if sending.files:
            self.engine.service.describe_vault(self.vault)  # fail early if there is no such vault
            self.engine.catalogue.database.release_dead()  # a killed process leaves its leases
            self._send(sending, outcome, progress, watched)
        return outcome

    def stored_before(self, source: Source) -> ArchiveRecord | None:
        """Return the archive of a file that was stored before and has not changed since, or None."""
        return self._stored_before(source, self.engine.catalogue.uploads.known(self.vault, [source.key]))

    def _stored_before(
        self, source: Source, known: KnownUploads, *, any_name: bool = False
    ) -> ArchiveRecord | None:
        done = known.stored(**source.identity, any_name=any_name)
        record = self.engine.catalogue.archives.get(self.vault, done) if done else None
        # A file whose archive was deleted has to be stored again.
        return record if record and record.state in ("pending", "present") else None

    def _send(
        self, sending: Sending, outcome: Stored, progress: Observer | None, watched: Watched | None
    ) -> None:
        todo = sending.files
        label = todo[0].name if len(todo) == 1 else plural(len(todo), "file")
        tally, stop = (watched.tally, watched.stop) if watched else (None, threading.Event())
        meter = Meter(f"Uploading {label}", sending.size, progress, tally)
        uploader = Uploader(self.engine, self.vault, stop, sending.part_size, sending.since, self.once)
        stored: list[dict[str, object]] = []
        if sending.since is None:  # --again does not wait for an inventory to settle it
            self._end_unsettled(todo)
        try:
            with holding(self.engine):
                failures = uploader.store_all(
                    todo, meter, lambda source, archive: stored.append(_row(source, archive, "stored"))
                )
        except Stopped:
            if watched:
                raise
            raise KeyboardInterrupt from None
        finally:
            if not watched:
                stop.set()  # workers that still hang end as soon as they can
        meter.finish()
        self._mark_copies(stored)
        outcome.rows += stored
        if len(todo) > 1:  # of several files, one that another process is storing is no failure
            outcome.rows += [_row(s, None, ELSEWHERE) for s, e in failures if isinstance(e, HeldElsewhere)]
            failures = [(s, e) for s, e in failures if not isinstance(e, HeldElsewhere)]
        if outcome.rows and tally is None:  # a file that is gone by now does not keep the others' table back
            outcome.skipped += [(s.key, e.message) for s, e in failures if isinstance(e, LocalError)]
            failures = [(s, e) for s, e in failures if not isinstance(e, LocalError)]
        if failures:
            raise _sum_up(failures, len(todo))

    def _mark_copies(self, rows: list[dict[str, object]]) -> None:
        uploads = self.engine.catalogue.uploads
        for start in range(0, len(rows), AT_ONCE):
            some = {str(row["archive_id"]): row for row in rows[start : start + AT_ONCE]}
            for archive_id in uploads.maybe_twice(some):
                some[archive_id]["state"] = MAYBE_TWICE

    def _end_unsettled(self, todo: Sequence[Source]) -> None:
        uploads = self.engine.catalogue.uploads
        for source in todo:
            for upload in uploads.open_of_path(self.vault, source.key):
                # Not a single request without a response: it is sent in parts.
                if upload.state == "unsettled" and upload.upload_id and not upload.held:
                    uploads.ended(upload.id, "failed", "sent again")

    def stream(
        self,
        stream: BinaryIO,
        *,
        name: str,
        description: str | None = None,
        description_format: str = descriptions.DEFAULT,
        part_size: int | None = None,
        again: bool = False,
        progress: Observer | None = None,
    ) -> ArchiveRecord:
        """Store *stream*, read to its end; bytes that are stored already only if *again*."""
        check_part_size(part_size)
        try:
            if description is None:
                description = descriptions.encode(name, None, format=description_format)
            descriptions.check(description)
        except ValueError as error:
            raise InputError(f"{name!r} cannot be described: {error}", cure="") from None
        # Before the stream is read, which is possible only once.
        self.engine.service.describe_vault(self.vault)
        self.engine.catalogue.database.release_dead()
        stop = threading.Event()
        meter = Meter(f"Uploading {name}", 0, progress)
        uploader = StreamUploader(
            Uploader(self.engine, self.vault, stop, part_size), name, description, meter, again
        )
        try:
            with holding(self.engine):
                record = uploader.store(stream)
        except Stopped:
            raise KeyboardInterrupt from None
        finally:
            stop.set()
        meter.finish()
        return record


def _row(source: Source, record: ArchiveRecord | None, state: str) -> dict[str, object]:
    return {
        "name": record.name if record else source.name,
        "size": record.size if record else source.size,
        "state": state,
        "archive_id": record.archive_id if record else "",
        "tree_hash": record.tree_hash if record else "",
        "path": source.key,
    }


def _sum_up(failures: list[tuple[Source, GlacierError]], total: int) -> GlacierError:
    source, first = failures[0]
    if total == 1:
        return first
    done = total - len(failures)
    size = human_bytes(sum(failed.size for failed, _ in failures))
    return type(first)(
        f"{plural(len(failures), 'file')} of {total} ({size}) could not be stored, {done} were. "
        f"{source.name!r}: {first.message}",
        cure=first.cure or "The same command resumes: stored files are not sent again.",
        code=first.code,
    )
