"""Proving moves again: by S3's own record of each object, or by its bytes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import TypeVar

from ...base.bucket_names import SCHEME, ObjectId
from ...base.treehash import CHUNK, TreeHasher, combine, part_ranges
from ...catalogue import Download
from ...catalogue.records.moved_records import CONFLICT, PROVEN, MovedObject
from ...errors import CredentialsError, GlacierError, IntegrityError, Unavailable
from ...service.object_store import ObjectRecord, ObjectStore, buckets_in
from ..crew import Crew, Tuner
from ..engine import Engine
from ..progress import Meter
from .mover import new_object
from .part_checks import told
from .proving import READ_BACK, SENT, level

S = TypeVar("S")
T = TypeVar("T")

RANGE = 64 << 20
"""Bytes of a request that reads an object back; a power of two, so that its hash is a node of the tree."""
WORKERS = 4
"""Objects that S3 is asked about at the same time, at first."""

Move = tuple[MovedObject, Download]


@dataclass(frozen=True)
class Verdict:
    """What proving a move has shown: its level now, and the error that it ended with, if any."""

    moved: MovedObject
    download: Download
    error: GlacierError | None = None

    @property
    def why(self) -> str | None:
        """The error as text."""
        return None if self.error is None else str(self.error)


class Prover:
    """Proves moves again, and records the level of each.

    A move whose object is gone, or differs, is in conflict from then on: its source is not deleted.

    :param wanted: the level to prove.
    """

    def __init__(self, engine: Engine, wanted: int, stop: threading.Event) -> None:
        self._engine, self._wanted, self._stop = engine, wanted, stop
        self._objects = cache(partial(ObjectStore, engine.service))

    def prove(self, move: Move, meter: Meter) -> Verdict:
        """Prove one move.

        :raises GlacierError: S3 cannot be used now.
        """
        moved, download = move
        catalogue = self._engine.catalogue
        now = self._engine.service.clock.now_ms()
        try:
            shown, found = self._shown(moved, download, meter)
        except IntegrityError as error:
            moved = catalogue.moved.update(moved, step=CONFLICT, proof=0, proved=now)
            catalogue.downloads.update(download.id, error=str(error))
            return Verdict(moved, download, error)
        except (Unavailable, CredentialsError):
            raise  # not an error of this object
        except GlacierError as error:
            return Verdict(moved, download, error)
        if shown == SENT:
            return Verdict(moved, download)
        moved = catalogue.moved.update(
            moved,
            step=PROVEN,
            proof=max(moved.proof, shown),
            proved=now,
            checksum=found.checksum,
            etag=found.etag,
            version_id=found.version,
        )
        if download.error:
            catalogue.downloads.update(download.id, error=None)
        return Verdict(moved, download)

    def _shown(self, moved: MovedObject, download: Download, meter: Meter) -> tuple[int, ObjectRecord]:
        catalogue = self._engine.catalogue
        archive = catalogue.archives.get(download.vault, download.archive_id)
        size = (archive.size if archive else None) or download.size or 0
        tree_hash = archive.tree_hash if archive else None
        objects = self._objects(moved.region)
        new, parts = new_object(moved, catalogue.scope.account), catalogue.moved.parts(download.id)
        found = self._call(lambda: objects.stored(new), meter)
        sent = [told(moved.algorithm, parts[number]) for number in sorted(parts)]
        shown = level(found, moved, size=size, tree_hash=tree_hash, parts=sent)
        assert found is not None  # level() has raised
        if self._wanted == READ_BACK and tree_hash:
            self._read_back(moved, found, tree_hash, meter)
            shown = READ_BACK
        return shown, found

    def _read_back(self, moved: MovedObject, found: ObjectRecord, tree_hash: str, meter: Meter) -> None:
        for last in (False, True):  # a second time: the bytes may have been damaged on their way
            if self._root(moved, found, meter) == tree_hash:
                return
            if last:
                raise IntegrityError(
                    f"The bytes of {moved.url} have another tree hash than the archive",
                    cure="The source is kept. Move it below another prefix, or remove the object.",
                )
            meter.moved(-found.size)

    def _root(self, moved: MovedObject, found: ObjectRecord, meter: Meter) -> str:
        buckets = buckets_in(self._engine.service, moved.region)
        place = f"{SCHEME}{moved.bucket}", ObjectId(found.storage_class, found.etag, moved.key).text

        def root(start: int, end: int) -> bytes:
            tree, buffer = TreeHasher(), memoryview(bytearray(min(CHUNK, end - start)))
            try:
                with buckets.open(*place, start, end - start) as output:
                    while tree.size < end - start and (count := output.readinto(buffer)):
                        self._engine.budget.spend(count, self._stop)
                        tree.update(buffer[:count])
                        meter.moved(count)
                if tree.size < end - start:
                    raise Unavailable(f"{tree.size} of {end - start} bytes arrived of {moved.url}")
            except BaseException:
                meter.moved(-tree.size)
                raise
            return tree.digest()

        spans = part_ranges(found.size, RANGE)
        return combine(self._call(partial(root, *span), meter) for span in spans).hex()

    def _call(self, call: Callable[[], T], meter: Meter) -> T:
        return self._engine.budget.call(call, self._stop, meter.note)


def ask_each(
    engine: Engine, asked: Iterable[S], ask: Callable[[S, Meter], T], *, meter: Meter, stop: threading.Event
) -> Iterator[T]:
    """Yield what *ask* returns of each, some at the same time, in the order in which they end.

    :param stop: ends it early, and is set at its end.
    :raises Stopped: *stop* was set.
    """
    tuner = Tuner(WORKERS, engine.limits.workers)
    crew: Crew[T] = Crew(tuner, stop, "glacier-prove")

    def task(each: S) -> T:
        found = ask(each, meter)
        tuner.moved(1)  # requests take the place of bytes here
        return found

    try:
        yield from crew.run(partial(task, each) for each in asked)
    finally:
        stop.set()
        meter.finish()
