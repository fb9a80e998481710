"""Files into archives: one request for a small one, parallel parts for a large one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass

from ..catalogue import ArchiveRecord, Catalogue, Upload
from ..errors import GlacierError, IntegrityError, LocalError, NotFound
from ..service import HashedBody, Service
from ..service.bodies import body_of_part
from ..treehash import combine, part_ranges, part_size_for
from ..units import storable
from .patience import Stopped, patiently
from .progress import Meter
from .sources import Source

SINGLE_REQUEST = 100 << 20
"""Files above this many bytes go up in parts (service documentation: 100 MB and more)."""

SMALLEST_PART = 16 << 20
"""Every part is a paid request, so parts are no smaller than this."""

WORKERS = 4


@dataclass(frozen=True)
class Uploader:
    """Stores files in one vault and records each in the transaction that sees its id."""

    service: Service
    catalogue: Catalogue
    vault: str
    owner: str
    stop: threading.Event

    def store_all(
        self, sources: list[Source], meter: Meter, stored: Callable[[Source, ArchiveRecord], None]
    ) -> list[tuple[Source, GlacierError]]:
        """Store *sources*, small ones side by side; return those that failed, with the reason.

        *stored* is called with each archive as soon as it is on record.
        """
        failures: list[tuple[Source, GlacierError]] = []
        small = [source for source in sources if source.size <= SINGLE_REQUEST]
        with _Pool() as pool:
            running = {pool.submit(self.store, source, meter): source for source in small}
            for future in as_completed(running):
                try:
                    stored(running[future], future.result())
                except GlacierError as error:
                    failures.append((running[future], error))
        for source in sources:
            if source.size > SINGLE_REQUEST:
                try:
                    stored(source, self.store(source, meter))
                except GlacierError as error:
                    failures.append((source, error))
        return failures

    def store(self, source: Source, meter: Meter) -> ArchiveRecord:
        """Store one file.

        :raises LocalError: the file cannot be read, or changes while it is.
        :raises IntegrityError: the service took other bytes than were sent.
        """
        try:
            descriptor = os.open(source.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise LocalError(f"{str(source.path)!r} cannot be read: {error.strerror}") from None
        try:
            if source.size <= SINGLE_REQUEST:
                return self._in_one(source, descriptor, meter)
            return self._in_parts(source, descriptor, meter)
        finally:
            os.close(descriptor)

    def _in_one(self, source: Source, descriptor: int, meter: Meter) -> ArchiveRecord:
        body = body_of_part(descriptor, 0, source.size)
        _refuse_changed(source, descriptor, body)
        upload = self._begin(source, None)
        try:
            archive_id, told = patiently(
                lambda: self.service.upload_archive(self.vault, body, source.description),
                self.stop,
                meter.note,
            )
            _compare(source, body.tree.hex(), told)
        except Exception as error:
            self.catalogue.uploads.failed(upload.id, str(error))
            _refuse_changed(source, descriptor)  # the true reason of many a refusal
            raise
        meter.moved(source.size)
        return self._record(source, upload, archive_id, told)

    def _begin(self, source: Source, part_size: int | None) -> Upload:
        return self.catalogue.uploads.begin(
            vault=self.vault,
            path=source.key,
            size=source.size,
            mtime_ns=source.mtime_ns,
            name=storable(source.name),
            description=source.description,
            part_size=part_size,
            owner=self.owner,
        )

    def _record(self, source: Source, upload: Upload, archive_id: str, tree: str) -> ArchiveRecord:
        archive = ArchiveRecord.described(
            source.description,
            vault=self.vault,
            archive_id=archive_id,
            size=source.size,
            created=self.service.clock.now_ms(),
            tree_hash=tree,
            state="uploaded",
            seen=None,
        )
        self.catalogue.uploads.done(upload.id, archive)
        return archive

    def _in_parts(self, source: Source, descriptor: int, meter: Meter) -> ArchiveRecord:
        upload, there = self._resume(source)
        upload = upload or self._start(source)
        try:
            root = self._send_parts(source, descriptor, upload, there, meter)
            _refuse_changed(source, descriptor)
            return self._complete(source, upload, root)
        except (GlacierError, Stopped, KeyboardInterrupt) as error:
            self.catalogue.uploads.released(upload.id, str(error))
            if isinstance(error, GlacierError):
                _refuse_changed(source, descriptor)  # the true reason of many a refusal
            raise

    def _start(self, source: Source) -> Upload:
        part_size = part_size_for(source.size, smallest=SMALLEST_PART)
        upload = self._begin(source, part_size)
        upload_id = patiently(
            lambda: self.service.start_upload(self.vault, part_size, source.description), self.stop
        )
        self.catalogue.uploads.started(upload.id, upload_id)
        return self.catalogue.uploads.get(upload.id)

    def _resume(self, source: Source) -> tuple[Upload | None, dict[int, str]]:
        """Return the unfinished upload of this file, if any, and the parts the service has."""
        found = self.catalogue.uploads.unfinished(
            vault=self.vault,
            path=source.key,
            size=source.size,
            mtime_ns=source.mtime_ns,
            description=source.description,
        )
        if found is None or found.upload_id is None:
            return None, {}
        if not self.catalogue.uploads.claim(found.id, self.owner):
            raise LocalError(
                f"{source.name!r} is being uploaded by another process",
                cure="Wait for it, or stop it and repeat half a minute later.",
            )
        try:
            return found, self.service.parts(self.vault, found.upload_id)
        except NotFound:
            if found.state == "completing":
                return found, {}
            self.catalogue.uploads.failed(found.id, "the service dropped the unfinished upload")
            return None, {}

    def _send_parts(
        self, source: Source, descriptor: int, upload: Upload, there: dict[int, str], meter: Meter
    ) -> str:
        if upload.state == "completing" and upload.tree_hash and not there:
            return upload.tree_hash
        roots: dict[int, bytes] = {}
        with _Pool() as pool:
            running = [
                pool.submit(
                    self._send_part, source, descriptor, upload, span, there.get(span[0]), meter
                )
                for span in part_ranges(source.size, upload.part_size or source.size)
            ]
            for future in as_completed(running):
                start, root = future.result()
                roots[start] = root
                self.catalogue.uploads.claim(upload.id, self.owner)
        return combine(roots[start] for start in sorted(roots)).hex()

    def _send_part(
        self, source: Source, descriptor: int, upload: Upload, span: tuple[int, int],
        there: str | None, meter: Meter,
    ) -> tuple[int, bytes]:  # fmt: skip
        if self.stop.is_set():
            raise Stopped
        start, behind = span
        body = body_of_part(descriptor, start, behind - start)
        if len(body) != behind - start:
            raise _changed(source)
        if there == body.tree.hex():
            meter.already(len(body))
            return start, body.tree
        told = patiently(
            lambda: self.service.upload_part(self.vault, upload.upload_id or "", start, body),
            self.stop,
            meter.note,
        )
        _compare(source, body.tree.hex(), told)
        meter.moved(len(body))
        return start, body.tree

    def _complete(self, source: Source, upload: Upload, root: str) -> ArchiveRecord:
        self.catalogue.uploads.completing(upload.id, root)
        try:
            archive_id = patiently(
                lambda: self.service.complete_upload(
                    self.vault, upload.upload_id or "", source.size, root
                ),
                self.stop,
            )
        except NotFound:
            self.catalogue.uploads.failed(upload.id, "unknown whether the service completed it")
            raise IntegrityError(
                f"An earlier upload of {source.name!r} was cut off while it was being completed, "
                "and the service does not say how it ended",
                cure="Look for it in the next inventory before you upload it anew (--again).",
            ) from None
        return self._record(source, upload, archive_id, root)


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


def _compare(source: Source, ours: str, told: str) -> None:
    if ours != told:
        raise IntegrityError(
            f"The service took other bytes of {source.name!r} than were sent: "
            f"tree hash {told} instead of {ours}",
            cure="Upload it again.",
        )


class _Pool(ThreadPoolExecutor):
    """Workers that drop what has not begun when the block is left by an exception."""

    def __init__(self) -> None:
        super().__init__(WORKERS, thread_name_prefix="glacier-upload")

    def __exit__(self, kind: object, *_: object) -> None:
        with suppress(KeyboardInterrupt):
            self.shutdown(wait=kind is not KeyboardInterrupt, cancel_futures=kind is not None)
