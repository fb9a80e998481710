"""Files into archives: one request for a small one, parallel parts for a large one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ..base.treehash import part_size_for
from ..base.units import human_bytes, storable
from ..catalogue import ArchiveRecord, Upload
from ..catalogue.records.upload_records import HeldElsewhere, StoredMeanwhile
from ..errors import GlacierError, InputError, IntegrityError, LocalError, NotFound, Unavailable
from ..scrubbing import scrub
from ..service import HashedBody
from ..service.bodies import FileBody, MemoryBody, read_part
from ..steps import step
from .budget import Stopped
from .crew import Crew, Tuner
from .engine import Engine, Notes, RequestPace
from .parts import HEAR_OUT, PartSender, Shortened, stopping
from .progress import Meter
from .sources import Source

WORKERS, SMALL_WORKERS = 4, 10
NOT_TAKEN = ("ThrottlingException", "RequestTimeoutException", "ServiceUnavailableException")
"""Answers that say for certain that nothing was stored."""
DROPPED = "the service dropped the unfinished upload"

Done = Callable[[Source, ArchiveRecord], None]


@dataclass(frozen=True)
class Uploader:
    """Stores files in one vault and records each in the transaction that sees its id.

    :param part_size: bytes in a part, or None for 16 MiB, or more where that makes over 10,000.
    :param since: a file that another process has stored since this time (milliseconds since 1970)
        is not sent again.
    """

    engine: Engine
    vault: str
    stop: threading.Event
    part_size: int | None = None
    since: int | None = None

    def store_all(
        self, sources: list[Source], meter: Meter, stored: Done
    ) -> list[tuple[Source, GlacierError]]:
        """Store *sources*, small ones side by side; return those that failed, with the reason.

        *stored* is called with each archive as soon as it is on record.

        :raises Stopped: the stop event was set; what was stored stays on record.
        """
        failures: list[tuple[Source, GlacierError]] = []
        limits = self.engine.limits
        small = [source for source in sources if source.size <= limits.single_request]
        large = [source for source in sources if source.size > limits.single_request]
        tuner = Tuner(SMALL_WORKERS if len(small) > WORKERS else WORKERS, limits.workers)
        crew: Crew[tuple[Source, ArchiveRecord | GlacierError]] = Crew(tuner, self.stop, "glacier-upload")
        tasks = (partial(self._attempt, source, meter, tuner) for source in small)
        try:
            for source, outcome in crew.run(tasks):
                _sort(source, outcome, stored, failures)
        except BaseException:
            self.stop.set()
            crew.wait(HEAR_OUT)  # so that they note how far they came
            raise
        for source in large:
            _sort(*self._attempt(source, meter, tuner), stored, failures)
        return failures

    def _attempt(
        self, source: Source, meter: Meter, tuner: Tuner
    ) -> tuple[Source, ArchiveRecord | GlacierError]:
        share = meter.share(source.key)
        try:
            return source, self.store(source, share, tuner)
        except GlacierError as error:
            share.failed(error.message)
            return source, error

    def store(self, source: Source, meter: Meter, tuner: Tuner | None = None) -> ArchiveRecord:
        """Store one file.

        :raises LocalError: the file cannot be read, or changes while it is.
        :raises IntegrityError: the service took other bytes than were sent.
        """
        try:
            descriptor = os.open(source.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise LocalError(f"{str(source.path)!r} cannot be read: {error.strerror}") from None
        try:
            if source.size <= self.engine.limits.single_request:
                return self._in_one(source, descriptor, meter, tuner or Tuner(1, 1))
            return self._in_parts(source, descriptor, meter)
        except StoredMeanwhile as meanwhile:
            record = self.engine.catalogue.archives.get(self.vault, meanwhile.archive_id)
            if record is None:
                raise
            meter.already(source.size)
            return record
        except OSError as error:
            if isinstance(error, GlacierError):
                raise
            raise LocalError(f"{str(source.path)!r} cannot be read: {error.strerror}") from None
        finally:
            os.close(descriptor)

    # One request

    def _in_one(self, source: Source, descriptor: int, meter: Meter, tuner: Tuner) -> ArchiveRecord:
        if source.size > self.engine.limits.in_memory:
            body: HashedBody = FileBody(descriptor, 0, source.size)
            return self._send_one(source, descriptor, body, meter, tuner)
        with self.engine.buffers.lend(source.size, self.stop) as buffer:
            filled = read_part(descriptor, 0, buffer)
            return self._send_one(source, descriptor, MemoryBody(buffer[:filled]), meter, tuner)

    def _send_one(
        self, source: Source, descriptor: int, body: HashedBody, meter: Meter, tuner: Tuner
    ) -> ArchiveRecord:
        _refuse_changed(source, descriptor, body)
        upload = self._begin(source, None, body.tree.hex())
        try:
            archive_id, told = self.engine.budget.call(
                lambda: self.request(upload, body, meter), self.stop, Notes(meter, tuner)
            )
        except (GlacierError, Stopped) as error:
            self.give_up(upload, error)
            _refuse_changed(source, descriptor)  # the true reason of many a refusal
            raise
        tuner.moved(len(body))
        self.check(upload, archive_id, body.tree.hex(), told)
        return self.record(upload, archive_id, body.tree.hex())

    def give_up(self, upload: Upload, error: Exception) -> None:
        """Note the end of a single request: failed, or not known to have."""
        uploads = self.engine.catalogue.uploads
        state = "unsettled" if uploads.get(upload.id).doubt else "failed"
        uploads.ended(upload.id, state, scrub(error))

    def request(self, upload: Upload, body: HashedBody, meter: Meter) -> tuple[str, str]:
        """Send *body* in one request; return archive id and the tree hash the service took."""
        pace = RequestPace(self.engine.budget, meter, self.stop)
        body.pace = pace
        body.seek(0)
        try:
            with stopping(self.stop, body):
                return self.engine.service.upload_archive(self.vault, body, upload.description)
        except GlacierError as error:
            pace.take_back()
            if isinstance(error, Unavailable) and error.code not in NOT_TAKEN:
                self.engine.catalogue.uploads.doubted(upload.id)
            raise
        except BaseException:
            pace.take_back()
            raise

    def check(self, upload: Upload, archive_id: str, ours: str, told: str) -> None:
        """Compare the tree hashes; the archive exists, so this is never tried again by itself."""
        if told != ours:
            self.engine.catalogue.uploads.ended(upload.id, "failed", f"stored as {archive_id}")
            raise IntegrityError(
                f"The service took other bytes of {upload.name!r} than were sent (archive {archive_id})",
                cure=f"{step('rm', f'id:{archive_id}')}, then upload the file again.",
            )

    def _begin(self, source: Source, part_size: int | None, tree: str | None) -> Upload:
        if part_size is None:
            return self._in_doubt(source, self._intent(source, None, tree))
        return self._intent(source, part_size, tree)

    def _in_doubt(self, source: Source, upload: Upload) -> Upload:
        """Remember where an earlier request for the very same file has an unknown end."""
        uploads = self.engine.catalogue.uploads
        for earlier in uploads.open_of_path(self.vault, source.key):
            if earlier.id != upload.id and not earlier.held and earlier.part_size is None:
                uploads.doubted(upload.id)
                uploads.ended(earlier.id, "failed", "sent again")
        return upload

    def _intent(self, source: Source, part_size: int | None, tree: str | None) -> Upload:
        return self.engine.catalogue.uploads.begin(
            vault=self.vault,
            path=source.key,
            size=source.size,
            mtime_ns=source.mtime_ns,
            name=storable(source.name),
            description=source.description,
            part_size=part_size,
            owner=self.engine.owner,
            tree_hash=tree,
            since=self.since,
        )

    def record(self, upload: Upload, archive_id: str, tree: str) -> ArchiveRecord:
        """Write the archive and the end of its upload into the catalogue."""
        archive = ArchiveRecord.described(
            upload.description,
            vault=self.vault,
            archive_id=archive_id,
            size=upload.size,
            created=self.engine.service.clock.now_ms(),
            tree_hash=tree,
            state="uploaded",
            seen=None,
        )
        self.engine.catalogue.uploads.done(upload.id, archive)
        return archive

    # Parts

    def _in_parts(self, source: Source, descriptor: int, meter: Meter) -> ArchiveRecord:
        upload, there = self._resume(source)
        if upload is None:
            upload = self.start(self._begin(source, self._part_size(source.size), None))
        if upload.state != "sending" and not there:
            return self.complete(upload, upload.tree_hash or "")
        sender = PartSender(self.engine, upload, there, meter, self.stop)
        try:
            root = sender.send_file(descriptor, source.size)
            _refuse_changed(source, descriptor)
        except Shortened:
            self.engine.catalogue.uploads.released(upload.id, "the file became shorter")
            raise _changed(source) from None
        except BaseException as error:
            self.let_go(upload, error)
            if isinstance(error, GlacierError):
                _refuse_changed(source, descriptor)  # the true reason of many a refusal
            raise
        return self.complete(upload, root.hex())

    def let_go(self, upload: Upload, error: BaseException) -> None:
        """Note why an upload stopped: it can go on later, unless the service has dropped it."""
        if isinstance(error, NotFound):
            self.engine.catalogue.uploads.ended(upload.id, "failed", DROPPED)
            error.cure = error.cure or (
                "The upload was aborted, or no part came for 24 hours; the same command begins a new one."
            )
        else:
            self.engine.catalogue.uploads.released(upload.id, scrub(error))

    def drop(self, upload: Upload, why: str) -> None:
        """Abort an upload that nothing can go on with; one that cannot be aborted stays on record.

        Where the service no longer has it, its completion may have succeeded if it was asked for.
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

    def _part_size(self, size: int) -> int:
        smallest = self.part_size or self.engine.limits.smallest_part
        part_size = part_size_for(size, smallest=smallest)
        if self.part_size and part_size != self.part_size:
            raise InputError(
                f"{human_bytes(size)} make more than 10,000 parts of {human_bytes(self.part_size)}",
                cure=f"Use --part-size {human_bytes(part_size).replace(' ', '')} or larger.",
            )
        return part_size

    def start(self, upload: Upload) -> Upload:
        """Begin the multipart upload that *upload* is the intent of."""
        uploads = self.engine.catalogue.uploads
        try:
            upload_id = self.engine.budget.call(
                lambda: self.engine.service.start_upload(
                    self.vault, upload.part_size or 0, upload.description
                ),
                self.stop,
            )
        except BaseException as error:
            uploads.ended(upload.id, "failed", scrub(error))
            raise
        uploads.started(upload.id, upload_id)
        return uploads.get(upload.id)

    def _resume(self, source: Source) -> tuple[Upload | None, dict[int, str]]:
        found = self.engine.catalogue.uploads.unfinished(
            vault=self.vault,
            path=source.key,
            size=source.size,
            mtime_ns=source.mtime_ns,
            description=source.description,
        )
        return self.resume(found)

    def resume(self, found: Upload | None) -> tuple[Upload | None, dict[int, str]]:
        """Take an unfinished upload over; return it with the parts that the service has of it.

        None where there is none, or where the service has dropped what was sent.

        :raises LocalError: another living process drives it.
        """
        if found is None or found.upload_id is None:
            return None, {}
        uploads = self.engine.catalogue.uploads
        self.engine.catalogue.database.release_dead()
        if not uploads.claim(found.id, self.engine.owner):
            raise HeldElsewhere(
                f"{found.name!r} is being uploaded by another process",
                cure="Wait for it, or stop it and repeat half a minute later.",
            )
        try:
            return found, self.engine.service.parts(self.vault, found.upload_id)
        except NotFound:
            if found.state != "sending":
                return found, {}
            uploads.ended(found.id, "failed", DROPPED)
            return None, {}

    def complete(self, upload: Upload, root: str) -> ArchiveRecord:
        """Turn the parts into an archive, and record it.

        :raises IntegrityError: it was cut off before, and nobody can say how it ended.
        """
        uploads = self.engine.catalogue.uploads
        uploads.completing(upload.id, root, upload.size)
        asked = upload.state != "sending"

        def request() -> str:
            nonlocal asked
            try:
                return self.engine.service.complete_upload(
                    self.vault, upload.upload_id or "", upload.size, root
                )
            except Unavailable:
                asked = True
                raise

        try:
            archive_id = self.engine.budget.call(request, self.stop)
        except NotFound as error:
            if not asked and "retries" not in error.details:
                self.let_go(upload, error)
                raise
            uploads.ended(upload.id, "unsettled", "cut off while it was being completed")
            raise unknown_end(upload.name) from None
        except BaseException as error:
            uploads.released(upload.id, scrub(error))
            raise
        return self.record(upload, archive_id, root)


def unknown_end(name: str) -> IntegrityError:
    """Return the error for an upload that may have become an archive, and may not."""
    return IntegrityError(
        f"An earlier upload of {name!r} was cut off while it was being completed, and the service "
        "does not say how it ended",
        cure=f"The next {step('inventory')} settles it; --again sends it anew before that.",
    )


def _sort(
    source: Source,
    outcome: ArchiveRecord | GlacierError,
    stored: Done,
    failures: list[tuple[Source, GlacierError]],
) -> None:
    if isinstance(outcome, GlacierError):
        failures.append((source, outcome))
    else:
        stored(source, outcome)


def _refuse_changed(source: Source, descriptor: int, body: HashedBody | None = None) -> None:
    facts = os.fstat(descriptor)
    same = facts.st_size == source.size and facts.st_mtime_ns == source.mtime_ns
    if not same or (body is not None and len(body) != source.size):
        raise _changed(source)


def _changed(source: Source) -> LocalError:
    return LocalError(
        f"{str(source.path)!r} changed while it was read, so it was not stored",
        cure="Upload it when nothing writes to it, or upload a copy.",
    )
