"""Job outputs into files: verified pieces in a part file, then the final name."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..catalogue import Download
from ..errors import GlacierError, IntegrityError
from ..service.client import OutputStream
from ..treehash import CHUNK, TreeHasher, combine, part_ranges, part_size_for
from . import files
from .budget import Stopped
from .crew import Child, Crew, Tuner
from .engine import Engine, Notes, Pace
from .partfile import PartFile
from .progress import Meter

PIECE = 16 << 20
"""Bytes asked for at a time: a power of two MiB from offset 0, so each is tree-hash aligned."""

WORKERS, MOST_WORKERS = 4, 16
HEAR_OUT = 0.7  # seconds that workers have to end after a stop
FEW, SAVE_EVERY = 1000, 1.0
"""So many pieces are put on record one by one; more of them, once in so many seconds."""


Span = tuple[int, int]


@dataclass(frozen=True)
class Downloader:
    """Fetches the outputs of finished retrieval jobs.

    A file appears under its final name only after every piece and the whole matched their tree
    hashes; until then it is a hidden ``.part`` file beside it.  Verified pieces survive a killed
    process and are not fetched again.
    """

    engine: Engine
    stop: threading.Event

    def fetch(self, download: Download, meter: Meter) -> Path:
        """Fetch one archive; return the path of the verified file.

        :raises IntegrityError: the bytes are not those of the archive.
        :raises LocalError: no space, no permission, or an unsafe target.
        :raises NotFound: the service has dropped the job's output.
        """
        if not download.size:
            raise IntegrityError(f"The service has not told the size of {download.name!r}")
        try:
            target = files.target_of(download)
            finished = files.named_before(download, target)
            if finished:
                return finished
            part = self._part_file(download, target)
            root = self._fill(download, part, meter)
            if download.tree_hash and root != download.tree_hash:
                self._forget_pieces(download)
                raise IntegrityError(
                    f"{download.name!r} came back with tree hash {root} instead of "
                    f"{download.tree_hash}; it was not kept",
                    cure="%glacier restore fetches it again from the same job while it lives.",
                )
            return files.give_name(part, target, download)
        except GlacierError:  # some are OSErrors, too
            raise
        except OSError as error:
            raise files.local(error, download) from None

    def _part_file(self, download: Download, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = files.part_path(download, target)
        size, done = download.size or 0, download.verified_pieces
        if done and not (part.exists() and part.stat().st_size == size):
            self._forget_pieces(download)
            done = {}
        files.check_space(target.parent, size - (download.done if done else 0))
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            os.ftruncate(descriptor, size)
        finally:
            os.close(descriptor)
        self.engine.catalogue.downloads.update(download.id, part_path=str(part))
        return part

    def _forget_pieces(self, download: Download) -> None:
        self.engine.catalogue.downloads.update(download.id, pieces=None, done=0)

    def _fill(self, download: Download, part: Path, meter: Meter) -> str:
        size = download.size or 0
        piece_size = download.piece_size or part_size_for(size, smallest=PIECE)
        verified = self.engine.catalogue.downloads.get(download.id).verified_pieces
        spans = part_ranges(size, piece_size)
        verified = {i: root for i, root in verified.items() if files.holds(part, spans[i], root)}
        meter.already(sum(spans[i][1] - spans[i][0] for i in verified))
        file = PartFile(part)
        record = _Record(self.engine, download, piece_size, spans, verified)
        tuner = Tuner(WORKERS, MOST_WORKERS)
        ending = Child(self.stop)
        crew: Crew[tuple[int, str]] = Crew(tuner, ending, "glacier-download")
        fetch = partial(_PieceFetcher, self.engine, download, file, meter, tuner, ending)
        tasks = (fetch(n, span).run for n, span in enumerate(spans) if n not in verified)
        try:
            for number, root in crew.run(tasks):
                record.add(number, root)
            file.sync()
        except BaseException:
            ending.set()
            crew.wait(HEAR_OUT)
            raise
        finally:
            record.save()
            # A worker that hangs may still write: into a piece that is not on record.
            crew.afterwards(file.close)
        return combine(bytes.fromhex(verified[i]) for i in sorted(verified)).hex()


@dataclass
class _PieceFetcher:
    """Fetches one piece, again if it arrives damaged, and says where it was."""

    engine: Engine
    download: Download
    file: PartFile
    meter: Meter
    tuner: Tuner
    stop: threading.Event
    number: int
    span: Span
    repairing: bool = False
    differs_at: int | None = None

    def run(self) -> tuple[int, str]:
        root = self.engine.budget.call(self._attempt, self.stop, Notes(self.meter, self.tuner))
        self.tuner.moved(self.span[1] - self.span[0])
        if self.differs_at is not None:
            self.meter.note(f"byte {self.differs_at:,} had arrived damaged and was fetched again")
        return self.number, root

    def _attempt(self) -> str:
        start, behind = self.span
        pace = Pace(self.engine.budget, self.meter, self.stop)
        hasher = TreeHasher()
        try:
            with self.engine.service.open_output(
                self.download.vault, self.download.job_id or "", start, behind - start
            ) as output:
                self._copy(output, hasher, pace)
            self._verify(hasher, output.tree_hash)
        except BaseException:
            pace.take_back()
            raise
        return hasher.hexdigest()

    def _copy(self, output: OutputStream, hasher: TreeHasher, pace: Pace) -> None:
        position, behind = self.span
        with self.engine.buffers.lend(CHUNK, self.stop) as buffer:
            while position < behind:
                # A whole leaf of the tree at a time: one hash, one write, while it is in the cache.
                data = self._read(output, buffer[: behind - position], pace)
                if self.repairing and self.differs_at is None:
                    self.differs_at = self._first_difference(position, data)
                hasher.update(data)
                self.file.write(data, position)
                if len(data) < len(buffer):
                    break
                position += len(data)
        self.file.written(*self.span)

    def _read(self, output: OutputStream, buffer: memoryview, pace: Pace) -> memoryview:
        """Fill *buffer* at the pace of the bandwidth limit; return what came before the end."""
        filled = 0
        while filled < len(buffer):
            most = self.engine.budget.block(len(buffer) - filled)
            count = output.readinto(buffer[filled : filled + most])
            if not count:
                break
            pace(count)
            filled += count
        return buffer[:filled]

    def _first_difference(self, position: int, data: memoryview) -> int | None:
        before = self.file.read(len(data), position)
        if before == data:
            return None
        return position + next(
            i for i, (a, b) in enumerate(zip(before, data, strict=False)) if a != b
        )

    def _verify(self, hasher: TreeHasher, told: str | None) -> None:
        start, behind = self.span
        if hasher.size != behind - start:
            raise IntegrityError(
                f"{hasher.size} of {behind - start} bytes arrived from byte {start}"
            )
        if told is not None and told != hasher.hexdigest():
            self.repairing, self.differs_at = True, None
            raise IntegrityError(f"bytes {start}-{behind - 1} arrived damaged")


class _Record:
    """Keeps the verified pieces of one download in the catalogue.

    Nothing waits for the disk: a piece on record that a power cut took is found out when its hash
    is taken again, and costs one more fetch.
    """

    def __init__(
        self, engine: Engine, download: Download, piece_size: int, spans: Sequence[Span],
        verified: dict[int, str],
    ) -> None:  # fmt: skip
        self._engine, self._download, self._piece_size = engine, download, piece_size
        self._spans, self._verified = spans, verified
        self._done = sum(spans[i][1] - spans[i][0] for i in verified)
        self._saved = 0.0
        self._dirty = True

    def add(self, number: int, root: str) -> None:
        self._verified[number] = root
        self._done += self._spans[number][1] - self._spans[number][0]
        self._dirty = True
        few = len(self._verified) <= FEW
        if few or time.monotonic() - self._saved > SAVE_EVERY:
            self.save()

    def save(self) -> None:
        if not self._dirty:
            return
        values = {
            "pieces": json.dumps(self._verified),
            "piece_size": self._piece_size,
            "done": self._done,
        }
        downloads = self._engine.catalogue.downloads
        self._engine.catalogue.database.together(
            lambda: downloads.update(self._download.id, **values), power_safe=False
        )
        self._saved, self._dirty = time.monotonic(), False


__all__ = ["Downloader", "Stopped"]
