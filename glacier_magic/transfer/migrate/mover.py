"""Moving archives whose jobs are done: each becomes an object, which is proven against its hashes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import cache, cached_property, partial
from typing import TypeVar

from ...base.treehash import combine, part_ranges, part_size_for
from ...base.units import from_ms
from ...catalogue import Download
from ...catalogue.records.moved_records import (
    COMPLETING,
    CONFLICT,
    OPENING,
    PROVEN,
    SENDING,
    STORED,
    MovedObject,
    MovedObjects,
    MovedPart,
)
from ...errors import IntegrityError, Refused, Unavailable
from ...errors.steps import option, step
from ...service.object_store import CHANGED, EXISTS, NO_UPLOAD, SHA256, ObjectStore, ObjectToWrite, SentPart
from ..crew import Child, Crew, Tuner
from ..engine import Buffers, Engine, Notes
from ..progress import Meter
from . import proving
from .moving import RangeDone, RangeTask, copied, copy_range, spooled
from .part_checks import combined, composite, told
from .workers import greet, run_on

T = TypeVar("T")

WORKERS = 2
"""Threads that copy the ranges of an archive, at first."""
ROUNDS = 3  # uploads of one object that may be aborted by others, or be of no use


class Mover:
    """Moves archives to S3 whose retrieval jobs are done.

    An object appears under its key only when all its bytes are in S3, and never in place of another.
    Parts that S3 has survive a killed process and are not fetched again.
    """

    def __init__(self, engine: Engine, stop: threading.Event) -> None:
        self.engine, self.stop = engine, stop
        self.buffers = Buffers(2 * engine.limits.object_in_memory)
        self.spools = Buffers(engine.limits.object_spool, spooled)
        self.executor: Executor | None = None
        """What copies the ranges; None for threads of this process."""
        self.slots = 0
        """Ranges that the executor copies at the same time."""
        self.objects = cache(partial(ObjectStore, engine.service))
        """Return the S3 of a region."""

    def use(self, executor: Executor | None) -> None:
        """Let an executor copy from now on, once its workers have said hello.

        :raises Refused: a worker cannot copy; nothing has changed.
        """
        slots, scope = 0, self.engine.catalogue.scope
        if executor is not None:
            connection = self.engine.service.connection
            slots = greet(executor, connection, account=scope.account, region=scope.region)
        self.executor, self.slots = executor, slots

    def move(self, download: Download, meter: Meter) -> str:
        """Move an archive; return the URL of its object.

        :raises IntegrityError: the bytes are not those of the archive, or not those that S3 has.
        :raises NotFound: the service has dropped the job's output.
        :raises Refused: the key has another object, which is unchanged.
        """
        if not download.size:
            raise IntegrityError(f"The service did not report the size of {download.name!r}")
        moving = _Move(self, download, meter)
        moving.write()
        moving.prove()
        return moving.moved.url


class _Move:
    """The move of one archive."""

    def __init__(self, mover: Mover, download: Download, meter: Meter) -> None:
        self._mover, self._engine = mover, mover.engine
        self._download, self._meter = download, meter
        self._size = download.size or 0
        self.moved = self._records.of(download.id)
        self._accepted: dict[str, object] = {}  # what S3 has answered, recorded with the proof
        self._objects = mover.objects(self.moved.region)

    @property
    def _records(self) -> MovedObjects:
        return self._engine.catalogue.moved

    @cached_property
    def _new(self) -> ObjectToWrite:
        return new_object(self.moved, self._engine.catalogue.scope.account)

    def _call(self, call: Callable[[], T]) -> T:
        return self._engine.budget.call(call, self._mover.stop, self._meter.note)

    def _record(self, **values: object) -> None:
        # Of an object of one request S3 tells again what a power failure takes: only parts would be left.
        parts = self._part_size is not None
        self.moved = self._records.update(self.moved, power_safe=parts, **values)

    # Writing

    def write(self) -> None:
        """Write the object, unless it is written; what S3 has of it already is not sent again."""
        for _ in range(ROUNDS):
            if self.moved.step in (STORED, PROVEN) or (self.moved.written and self._is_there()):
                return
            try:
                if self._part_size is None:
                    self._put()
                else:
                    self._complete(self._parts(self._part_size))
            except Refused as error:
                if error.code not in (NO_UPLOAD, CHANGED):
                    raise
                if error.code == NO_UPLOAD and self.moved.written and self._is_there():
                    return  # the answer to the completion was lost
                self._abort()
                self.moved = self._records.forget_upload(self.moved)
                self._meter.note("the upload to S3 was aborted by others; it starts again")
            else:
                return
        raise Unavailable(
            f"Uploads of {self.moved.url} keep being aborted",
            cure="A lifecycle rule of the bucket may abort them too early.",
        )

    @property
    def _part_size(self) -> int | None:
        """Bytes of a part; None where the object takes one request."""
        smallest = self._engine.limits.object_part
        if self.moved.opened is not None:  # the parts that are there have the size of an earlier run
            return self.moved.part_size
        return None if self._size <= smallest else part_size_for(self._size, smallest=smallest)

    def _task(self, start: int, size: int) -> RangeTask:
        account = self._engine.catalogue.scope.account
        return RangeTask(
            # Named, so that the service refuses a worker with keys of another account.
            source=replace(self._engine.service.connection, account=account),
            vault=self._download.vault,
            job_id=self._download.job_id or "",
            start=start,
            size=size,
            region=self.moved.region,
            new=self._new,
        )

    def _put(self) -> None:
        def intend(done: RangeDone) -> None:
            self._record(step=COMPLETING, **self._checks(done))

        task = replace(self._task(0, self._size), wanted=self._download.tree_hash)
        done = self._copy(task, self._mover.stop, self._meter.note, intend)
        if done.etag is None:
            self._record(step=COMPLETING, **self._checks(done))
            self._is_there()
        else:
            facts = {"etag": done.etag, "version_id": done.version, **self._checks(done)}
            self._accepted = {"step": STORED, "proof": 1, **facts}
            self.moved = replace(self.moved, **self._accepted)  # type: ignore[arg-type]

    def _checks(self, done: RangeDone) -> dict[str, str | None]:
        return {"checksum": told(self.moved.algorithm, done), "crc64": done.crc64}

    def _parts(self, part_size: int) -> list[SentPart]:
        """Send the parts that S3 lacks; return them all."""
        upload_id, algorithm = self.moved.upload_id, self.moved.algorithm
        if upload_id is None:
            upload_id, there = self._open(part_size), {}
        else:
            there = self._call(lambda: self._objects.parts(self._new, upload_id))
        spans = dict(enumerate(part_ranges(self._size, part_size), 1))
        known = self._records.parts(self._download.id)
        have = {
            number: there[number]
            for number, (start, end) in spans.items()
            # Only what was recorded before it was sent is known to be verified.
            if number in there and number in known
            if (there[number].size, there[number].checksum) == (end - start, told(algorithm, known[number]))
        }
        self._meter.already(sum(part.size for part in have.values()))
        sent = {number: known[number] for number in have}
        missing = {number: span for number, span in spans.items() if number not in have}
        for number, done in self._send(upload_id, missing):
            start, end = spans[number]
            have[number] = SentPart(size=end - start, checksum=told(algorithm, done), etag=done.etag or "")
            sent[number] = _part(done)
        self._check_root(combine(bytes.fromhex(sent[number].root) for number in spans).hex())
        parts = [have[number] for number in spans]
        crc64 = combined((end - start, sent[number].crc64) for number, (start, end) in spans.items())
        checksum = composite([part.checksum for part in parts]) if algorithm == SHA256 else crc64
        self._record(step=COMPLETING, checksum=checksum, crc64=crc64, proof=1)
        return parts

    def _open(self, part_size: int) -> str:
        """Start an upload, or take the one whose start was not answered; return its id."""

        def opened() -> str:
            found = self._opened_before() if self.moved.step == OPENING else None
            if found is None:
                self._record(step=OPENING, opened=self._engine.service.clock.now_ms(), part_size=part_size)
            return found or self._objects.start(self._new)

        upload_id = self._call(opened)
        self._record(step=SENDING, upload_id=upload_id)
        return upload_id

    def _opened_before(self) -> str | None:
        """Return an empty upload of this key and class that was started since this one was recorded."""
        since = from_ms((self.moved.opened or 0) // 1000 * 1000)  # S3 tells whole seconds
        for upload_id, started, storage_class in self._objects.uploads(self._new):
            mine = started >= since and storage_class == self.moved.storage_class
            if mine and not self._objects.parts(self._new, upload_id):
                return upload_id
        return None

    def _send(self, upload_id: str, missing: dict[int, tuple[int, int]]) -> Iterator[tuple[int, RangeDone]]:
        slots = self._mover.slots
        tuner = Tuner(max(slots, WORKERS), max(slots, self._engine.limits.workers))
        ending = Child(self._mover.stop)  # ends the workers of this object only
        crew: Crew[tuple[int, RangeDone]] = Crew(tuner, ending, "glacier-move")
        notes = Notes(self._meter, tuner)

        def send(number: int, start: int, end: int) -> tuple[int, RangeDone]:
            task = replace(self._task(start, end - start), upload_id=upload_id, number=number)
            task = replace(task, new=replace(task.new, metadata={}))  # the upload has it already
            done = self._copy(task, ending, notes, partial(self._record_part, number))
            self._record_part(number, done)
            tuner.moved(end - start)
            return number, done

        with crew.stopped_by_errors():
            yield from crew.run(partial(send, number, *span) for number, span in missing.items())

    def _record_part(self, number: int, done: RangeDone) -> None:
        self._records.put_part(self._download.id, number, _part(done))

    def _copy(
        self,
        task: RangeTask,
        stop: threading.Event,
        note: Callable[[str], None],
        intend: Callable[[RangeDone], None],
    ) -> RangeDone:
        budget, executor = self._engine.budget, self._mover.executor

        def pace(count: int) -> None:
            budget.spend(count, stop)
            self._meter.moved(count)

        if executor is not None:  # a thread waits for each task, so that their number is limited here
            budget.spend(task.size, stop)
            done = budget.call(lambda: run_on(executor, copy_range, task, stop=stop), stop, note)
            self._meter.moved(task.size)
            return done

        memory = task.size <= self._engine.limits.object_in_memory
        with (self._mover.buffers if memory else self._mover.spools).lend(task.size, stop) as buffer:
            return copied(
                task,
                self._engine.service,
                self._objects,
                buffer,
                attempt=lambda call: budget.call(call, stop, note),
                pace=pace,
                intend=intend,
            )

    def _check_root(self, root: str) -> None:
        if self._download.tree_hash in (None, root):
            return
        self._abort()
        self.moved = self._records.forget_upload(self.moved)
        raise IntegrityError(
            f"{self._download.name!r} came back with tree hash {root} instead of "
            f"{self._download.tree_hash}; no object was written"
        )

    def _complete(self, parts: Sequence[SentPart]) -> None:
        upload_id, checksum = self.moved.upload_id or "", (self.moved.checksum or "").partition("-")[0]
        try:
            etag, version = self._call(lambda: self._objects.complete(self._new, upload_id, parts, checksum))
        except Refused as error:
            if error.code != EXISTS:
                raise
            self._abort()  # ours, and no object becomes of it
            self._is_there()
        else:
            self._record(step=STORED, etag=etag, version_id=version)

    def _abort(self) -> None:
        upload_id = self.moved.upload_id
        if upload_id is not None:
            self._call(lambda: self._objects.abort(self._new, upload_id))

    def _is_there(self) -> bool:
        """Return whether the key has our object, and record it.

        :raises Refused: it has another one.
        """
        found = self._call(lambda: self._objects.stored(self._new))
        if found is None:
            return False
        sent = (self._size, self.moved.checksum, self.moved.storage_class)
        if (found.size, found.checksum, found.storage_class) != sent:
            self._record(step=CONFLICT)
            raise conflict(self.moved.url)
        self._record(step=STORED, proof=1, etag=found.etag, version_id=found.version)
        return True

    # Proving

    def prove(self) -> None:
        """Ask S3 for its record of the object, and compare it with what was sent.

        :raises IntegrityError: it differs.
        """
        accepted, self._accepted = self._accepted, {}
        try:
            level = self._proven_level()
        except BaseException:
            if accepted:
                self._record(**accepted)
            raise
        step = PROVEN if level >= proving.STORED_AS_SENT else STORED
        now = self._engine.service.clock.now_ms()
        self._record(**accepted | {"step": step, "proof": level, "proved": now})

    def _proven_level(self) -> int:
        archive = self._engine.catalogue.archives.get(self._download.vault, self._download.archive_id)
        parts = {} if self._part_size is None else self._records.parts(self._download.id)
        return proving.level(
            self._call(lambda: self._objects.stored(self._new)),
            self.moved,
            size=self._size,
            tree_hash=archive.tree_hash if archive else None,
            parts=[told(self.moved.algorithm, parts[number]) for number in sorted(parts)],
        )


def new_object(moved: MovedObject, owner: str) -> ObjectToWrite:
    """Return what is written for a record of an object.

    :param owner: the account that the bucket belongs to.
    """
    return ObjectToWrite(
        bucket=moved.bucket,
        key=moved.key,
        owner=owner,
        storage_class=moved.storage_class,
        metadata=moved.labels(),
        algorithm=moved.algorithm,
    )


def _part(done: RangeDone) -> MovedPart:
    return MovedPart(root=done.root, sha256=done.sha256, crc64=done.crc64, etag=done.etag)


def conflict(url: str) -> Refused:
    """Return the error about a key with another object."""
    return Refused(
        f"{url} exists with other bytes, another class or another checksum; it is unchanged",
        cure=f"{option('suffix', 'TEXT')} gives it another key; nothing is requested again while its output "
        f"lasts. If another computer has moved it, {step('migrations', '--recover s3://BUCKET/PREFIX')} "
        "takes its object over.",
        code="Conflict",
    )
