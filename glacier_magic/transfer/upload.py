"""Uploading files: a small one in one request, a large one in parallel parts."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain

from ..base.treehash import CHUNK, part_size_for
from ..base.units import human_bytes, storable
from ..catalogue import ArchiveRecord, Upload
from ..catalogue.records.upload_records import HeldElsewhere, StoredMeanwhile, UnfinishedBefore
from ..errors import GlacierError, InputError, IntegrityError, LocalError, NotFound, Unavailable
from ..errors.scrubbing import scrub
from ..errors.steps import option, step
from ..service import HashedBody
from ..service.bodies import MemoryBody, read_part
from .crew import Crew, Tuner
from .engine import Engine
from .line import part_size_on
from .one_request import OneRequest
from .parts import PartSender, Shortened
from .progress import Meter
from .sources import Source

WORKERS, SMALL_WORKERS = 4, 10
DROPPED = "the service dropped the unfinished upload"

Done = Callable[[Source, ArchiveRecord], None]


def requests_in_parts(size: int, part_size: int) -> int:
    """Return the number of requests of a multipart upload: its start, its parts and its completion."""
    return -(-size // part_size) + 2


@dataclass(frozen=True)
class Uploader:
    """Stores files in one vault, and records each archive as soon as its id is known.

    :param part_size: bytes in a part; None for 16 MiB, or more if that makes over 10,000 parts.
    :param since: a file that another process stored after this time (milliseconds since 1970) is not
        sent again.
    :param once: of packs: send small ones in parts, too, so that whatever happens, none is stored twice.
    """

    engine: Engine
    vault: str
    stop: threading.Event
    part_size: int | None = None
    since: int | None = None
    once: bool = False

    @property
    def _single(self) -> int:
        """The most bytes that are sent in one request."""
        return 0 if self.once else self.engine.limits.single_request

    def store_all(
        self, sources: list[Source], meter: Meter, stored: Done
    ) -> list[tuple[Source, GlacierError]]:
        """Store *sources*, small ones in parallel; return those that failed, with the error.

        *stored* is called with each archive as soon as it is recorded.

        :raises Stopped: the stop event was set; stored archives stay on record.
        """
        failures: list[tuple[Source, GlacierError]] = []
        limits = self.engine.limits
        # A file of a few parts alone would leave most connections idle.
        few = WORKERS * limits.smallest_part if len(sources) > 1 else 0
        beside = max(self._single, few)
        small = [source for source in sources if source.size <= beside]
        large = [source for source in sources if source.size > beside]
        # Small files wait for responses more than for bandwidth.
        tuner = Tuner(SMALL_WORKERS if len(small) > WORKERS else WORKERS, limits.workers)
        crew: Crew[tuple[Source, ArchiveRecord | GlacierError]] = Crew(tuner, self.stop, "glacier-upload")
        tasks = (
            partial(self._attempt, source, meter, tuner)
            for source in small
            if meter.begins(source.key, source.size)
        )
        # Large files follow one by one: the parts of each are parallel already.
        one_by_one = (
            self._attempt(source, meter, None) for source in large if meter.begins(source.key, source.size)
        )
        with crew.stopped_by_errors():
            for source, outcome in chain(crew.run(tasks), one_by_one):
                if isinstance(outcome, GlacierError):
                    failures.append((source, outcome))
                else:
                    stored(source, outcome)
        return failures

    def _attempt(
        self, source: Source, meter: Meter, tuner: Tuner | None
    ) -> tuple[Source, ArchiveRecord | GlacierError]:
        share = meter.share(source.key)
        try:
            return source, self.store(source, share, tuner)
        except GlacierError as error:
            share.failed(error.message)
            return source, error

    def store(self, source: Source, meter: Meter, tuner: Tuner | None = None) -> ArchiveRecord:
        """Store one file.

        :param tuner: that of the files that are sent at the same time, each over one connection.
        :raises LocalError: the file cannot be read, or changes while it is read.
        :raises IntegrityError: the service received other bytes than were sent.
        """
        try:
            # Without O_BINARY, Windows translates line ends.
            descriptor = os.open(source.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise LocalError(f"{str(source.path)!r} cannot be read: {error.strerror}") from None
        try:
            record = None
            if source.size <= self._single:
                with suppress(UnfinishedBefore):
                    record = self._in_one(source, descriptor, meter, tuner or Tuner(1, 1))
            return record or self._in_parts(source, descriptor, meter, tuner)
        except StoredMeanwhile as meanwhile:
            record = self.engine.catalogue.archives.get(self.vault, meanwhile.archive_id)
            if record is None:
                raise
            meter.already(source.size)
            return record
        except OSError as error:
            if isinstance(error, GlacierError):  # LocalError and Unavailable are OSErrors, too
                raise
            raise LocalError(f"{str(source.path)!r} cannot be read: {error.strerror}") from None
        finally:
            os.close(descriptor)

    # One request

    def _in_one(self, source: Source, descriptor: int, meter: Meter, tuner: Tuner) -> ArchiveRecord | None:
        """Store a small file in one request; return None if its response was lost.

        :raises UnfinishedBefore: an earlier upload of the file has not ended.
        """
        with self.engine.buffers.lend(source.size, self.stop) as buffer:
            body = MemoryBody(buffer[: read_part(descriptor, 0, buffer)])
            _refuse_changed(source, descriptor, body)  # before anything is recorded or sent
            upload = self._begin(source, None, body.tree.hex())  # before the service can store it
            request = OneRequest(self.engine, upload, meter, tuner, self.stop)
            try:
                archive_id = request.send(body)
            except BaseException as error:
                uploads = self.engine.catalogue.uploads
                if request.in_doubt:
                    uploads.released(upload.id, scrub(error))
                    if isinstance(error, Unavailable):
                        return None
                else:
                    uploads.ended(upload.id, "failed", scrub(error))
                    _refuse_changed(source, descriptor)  # often the cause: the bytes no longer fit their hash
                raise
            return self.record(upload, archive_id, body.tree.hex())

    def _begin(self, source: Source, part_size: int | None, tree: str | None) -> Upload:
        return self.engine.catalogue.uploads.begin(
            vault=self.vault,
            **source.identity,
            name=storable(source.name),
            part_size=part_size,
            owner=self.engine.owner,
            tree_hash=tree,
            since=self.since,
            first=part_size is None,
        )

    def record(self, upload: Upload, archive_id: str, tree: str) -> ArchiveRecord:
        """Record the archive and the end of its upload in one transaction."""
        archive = ArchiveRecord.described(
            upload.description,
            vault=self.vault,
            archive_id=archive_id,
            size=upload.size,
            created=self.engine.service.clock.now_ms(),  # the response has no creation date
            tree_hash=tree,
            state="uploaded",
            seen=None,
        )
        self.engine.catalogue.uploads.done(upload.id, archive)
        return archive

    # Parts

    def _unfinished(self, source: Source) -> Upload | None:
        return self.engine.catalogue.uploads.known(self.vault, [source.key]).unfinished(**source.identity)

    def _in_parts(
        self, source: Source, descriptor: int, meter: Meter, tuner: Tuner | None, part_size: int | None = None
    ) -> ArchiveRecord:
        upload, there = self.resume(self._unfinished(source))
        if upload is None:
            upload = self.start(self._begin(source, part_size or self._part_size(source.size), None))
        if upload.state != "sending" and not there:  # its completion was requested before
            return self.complete(upload, upload.tree_hash or "")
        smaller = part_size_for(source.size, smallest=max(CHUNK, (upload.part_size or 0) // 4))
        divisible = self.part_size is None and smaller < (upload.part_size or 0)
        sender = PartSender(self.engine, upload, there, meter, self.stop, tuner, divisible)
        try:
            root = sender.send_file(descriptor, source.size)
            _refuse_changed(source, descriptor)  # nothing is stored before the completion
        except Shortened:
            self.engine.catalogue.uploads.released(upload.id, "the file became shorter")
            raise _changed(source) from None
        except BaseException as error:
            if sender.too_slow.is_set():
                self._give_up(upload)
                return self._in_parts(source, descriptor, meter, tuner, smaller)
            self.release(upload, error)
            if isinstance(error, GlacierError):
                _refuse_changed(source, descriptor)  # often the cause: the bytes no longer fit their hash
            raise
        return self.complete(upload, root.hex())

    def _give_up(self, upload: Upload) -> None:
        with suppress(GlacierError):  # the service drops an upload without parts
            self.engine.service.abort_upload(self.vault, upload.upload_id or "")
        self.engine.catalogue.uploads.ended(upload.id, "aborted", "its parts took too long")

    def release(self, upload: Upload, error: BaseException) -> None:
        """Record why an upload stopped; it can be resumed unless the service has dropped it."""
        if isinstance(error, NotFound):
            self.engine.catalogue.uploads.ended(upload.id, "failed", DROPPED)
            error.cure = error.cure or (
                "The upload was aborted, or no part arrived for 24 hours; the same command starts a new one."
            )
        else:
            self.engine.catalogue.uploads.released(upload.id, scrub(error))

    def drop(self, upload: Upload, why: str) -> None:
        """Abort an upload that cannot be resumed; if that fails, it stays on record.

        If the service no longer has it and its completion was requested, that may have succeeded.
        """
        uploads = self.engine.catalogue.uploads
        try:
            self.engine.service.abort_upload(self.vault, upload.upload_id or "")
        except NotFound:
            uploads.ended(upload.id, "failed" if upload.state == "sending" else "unsettled", DROPPED)
        except GlacierError as error:
            uploads.released(upload.id, str(error))
        else:
            uploads.ended(upload.id, "aborted", why)

    def requests(self, source: Source, found: Upload | None) -> int:
        """Return the number of requests that storing a file takes; only of missing parts if it resumes.

        :param found: its unfinished upload.
        :raises InputError: there would be too many parts.
        """
        if found is None and source.size <= self._single:
            return 1
        if found is not None and found.upload_id and found.part_size:
            with suppress(NotFound):  # the service has dropped its parts
                there = self.engine.service.parts(self.vault, found.upload_id)
                return requests_in_parts(source.size, found.part_size) - 1 - len(there)
        return requests_in_parts(source.size, self._part_size(source.size))

    def _part_size(self, size: int) -> int:
        limits = self.engine.limits
        usual = limits.pack_part if self.once else limits.smallest_part
        smallest = self.part_size or part_size_on(self.engine, usual)
        part_size = part_size_for(size, smallest=smallest)
        if self.part_size and part_size != self.part_size:
            raise InputError(
                f"{human_bytes(size)} make more than 10,000 parts of {human_bytes(self.part_size)}",
                cure=f"Use {option('part-size')} {human_bytes(part_size).replace(' ', '')} or larger.",
            )
        return part_size

    def start(self, upload: Upload) -> Upload:
        """Start the multipart upload recorded as *upload*."""
        uploads = self.engine.catalogue.uploads
        try:
            upload_id = self.engine.budget.call(
                lambda: self.engine.service.start_upload(
                    self.vault, upload.part_size or 0, upload.description
                ),
                self.stop,
            )
        except BaseException as error:
            if upload.doubt:
                uploads.released(upload.id, scrub(error))
            else:  # at worst the service has an upload without parts, and may drop it
                uploads.ended(upload.id, "failed", scrub(error))
            raise
        uploads.started(upload.id, upload_id)
        return uploads.get(upload.id)

    def resume(self, found: Upload | None) -> tuple[Upload | None, dict[int, str]]:
        """Claim an unfinished upload; return it with the parts that the service has.

        The upload is None if there is none, or if the service has dropped its parts.

        :raises LocalError: another running process holds it.
        """
        if found is None:
            return None, {}
        uploads = self.engine.catalogue.uploads
        self.engine.catalogue.database.release_dead()  # a killed process leaves its leases
        if not uploads.claim(found.id, self.engine.owner):
            raise HeldElsewhere(
                f"{found.name!r} is being uploaded by another process",
                cure="Wait for it, or stop it and try again half a minute later.",
            )
        if found.upload_id is None:
            if found.part_size is None:  # its one request may have stored it: see one_request.py
                uploads.doubted(found.id, self._part_size(found.size))
            return self.start(uploads.get(found.id)), {}
        try:
            return found, self.engine.service.parts(self.vault, found.upload_id)
        except NotFound:
            if found.state != "sending":  # it may have been completed: complete() finds out
                return found, {}
            uploads.ended(found.id, "failed", DROPPED)
            return None, {}

    def complete(self, upload: Upload, root: str) -> ArchiveRecord:
        """Assemble the parts into an archive, and record it.

        :raises IntegrityError: an earlier completion was interrupted, and its outcome is unknown.
        """
        uploads = self.engine.catalogue.uploads
        uploads.completing(upload.id, root, upload.size)  # before the request, whose response may be lost
        requested = upload.state != "sending"  # an earlier run may have sent the request

        def request() -> str:
            nonlocal requested
            try:
                return self.engine.service.complete_upload(
                    self.vault, upload.upload_id or "", upload.size, root
                )
            except Unavailable:
                requested = True  # only the response may be lost
                raise

        try:
            archive_id = self.engine.budget.call(request, self.stop)
        except NotFound as error:
            # The first and only request: nothing can have completed the upload before.
            if not requested and "retries" not in error.details:  # botocore's own retries are requests, too
                self.release(upload, error)
                raise
            uploads.ended(upload.id, "unsettled", "interrupted during its completion")
            raise unknown_end(upload.name) from None
        except BaseException as error:
            uploads.released(upload.id, scrub(error))
            raise
        return self.record(upload, archive_id, root)


def unknown_end(name: str) -> IntegrityError:
    """Return the error for an upload that may or may not have become an archive."""
    return IntegrityError(
        f"An earlier upload of {name!r} was interrupted during its completion, and its outcome is unknown",
        cure=f"The next {step('inventory')} settles it; --again sends it again before that.",
    )


def _refuse_changed(source: Source, descriptor: int, body: HashedBody | None = None) -> None:
    facts = os.fstat(descriptor)  # of the open file: the path may lead to another by now
    same = facts.st_size == source.size and facts.st_mtime_ns == source.mtime_ns
    if not same or (body is not None and len(body) != source.size):
        raise _changed(source)


def _changed(source: Source) -> LocalError:
    return LocalError(
        f"{str(source.path)!r} changed while it was read, so it was not stored",
        cure="Upload it when nothing writes to it, or upload a copy.",
    )
