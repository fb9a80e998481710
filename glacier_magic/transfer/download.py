"""Downloading job outputs: verified pieces in a part file, which then gets its final name."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..base.bucket_names import is_bucket
from ..base.files import occupied
from ..base.treehash import CHUNK, TreeHasher, combine, part_size_for, tree_hash
from ..catalogue import Download
from ..catalogue.archives.identity import learn_hash
from ..catalogue.records.downloads import Downloads
from ..errors import GlacierError, IntegrityError, LocalError
from ..errors.steps import step
from ..service.client import OutputStream
from . import layout, local_files
from .crew import Child, Crew, Tuner
from .engine import Engine, Notes, RequestPace
from .layout import DOUBT, Layout, Piece
from .local_files import PartFile
from .object_proof import ObjectProof
from .progress import Meter

WORKERS = 4
ROUNDS = 3  # attempts to replace pieces that another program overwrites
FEW, SAVE_EVERY = 1000, 1.0
"""The first 1,000 pieces are recorded one by one, further ones once a second."""


@dataclass(frozen=True)
class Fetched:
    """A file under its final name, or the URL of an object, and whether its bytes were verified."""

    path: Path | str
    verified: bool


@dataclass(frozen=True)
class Downloader:
    """Fetches the outputs of finished retrieval jobs.

    A file gets its final name only after each piece and the whole file, read back, matched their tree
    hashes, and all is on the disk; until then it is a hidden ``.part`` file in the same folder, locked
    against other processes.  Verified pieces survive a killed process and are not fetched again.
    A part of an archive for which the service sends no hash gets the suffix ``.unverified``.
    """

    engine: Engine
    stop: threading.Event

    @property
    def _downloads(self) -> Downloads:
        return self.engine.catalogue.downloads

    def fetch(self, download: Download, meter: Meter) -> Fetched:
        """Fetch one archive, or a part of it; return its file.

        :raises IntegrityError: the bytes are not those of the archive.
        :raises LocalError: no space, no permission, or an unsafe target.
        :raises NotFound: the service has dropped the job's output.
        """
        download = self._downloads.get(download.id)  # another process may have fetched pieces since
        proof = ObjectProof.of(self.engine.service, download) if is_bucket(download.vault) else None
        if proof is not None:
            download = replace(download, tree_hash=download.tree_hash or proof.tree_hash)
        if not download.size and proof is None:  # an object may be empty
            raise IntegrityError(f"The service did not report the size of {download.name!r}")
        try:
            target = local_files.target_of(download)
            plan = self._layout(download)
            verifiable = plan.verifiable if proof is None else proof.possible
            name = target if verifiable else local_files.unverified(target)
            finished = local_files.named_before(download, target, name)
            if finished:
                return Fetched(finished, verifiable)
            with closing(local_files.open_part(self._downloads, download, target)) as part:
                roots = self._fill(download, plan, part, meter)
                if download.part is None:
                    # Its pieces are what the service sent; only the root shows that this is what was stored.
                    root = combine(map(bytes.fromhex, roots)).hex()
                    self._check_whole(download, root, proof is None or proof.holds(part.path))
                    if proof is not None and verifiable:  # by it the file is known from now on
                        self._downloads.update(download.id, tree_hash=root)
                        catalogue, place = self.engine.catalogue, (download.vault, download.archive_id)
                        learn_hash(catalogue.database, catalogue.scope, *place, root)
                else:  # a part's own hash distinguishes its file from others of that name
                    self._downloads.update(download.id, tree_hash=tree_hash(part.path))
                return Fetched(local_files.give_name(part.path, name, download), verifiable)
        except GlacierError:  # LocalError and Unavailable are OSErrors, too
            raise
        except OSError as error:
            raise local_files.local(error, download) from None

    def _layout(self, download: Download) -> Layout:
        size = download.size or 0
        # Recorded pieces have the size of an earlier run, whatever the limits are now.
        piece_size = download.piece_size or part_size_for(size, smallest=self.engine.limits.piece)
        if download.part is None:
            return layout.whole(size, piece_size)
        job = self.engine.catalogue.jobs.get(download.vault, download.job_id or "")
        return layout.part(download, job, piece_size)

    def _check_whole(self, download: Download, root: str, proven: bool) -> None:
        if not proven or (download.tree_hash and root != download.tree_hash):
            # It is not known which piece is wrong, so none is kept.
            self._downloads.update(download.id, pieces=None, done=0)
            what = (
                f"tree hash {root} instead of {download.tree_hash}"
                if proven
                else "other bytes than S3 stored"
            )
            raise IntegrityError(
                f"{download.name!r} came back with {what}; it was not kept",
                cure=f"{step('restore')} fetches it again from the same job until that expires.",
            )

    def _fill(self, download: Download, plan: Layout, part: PartFile, meter: Meter) -> list[str]:
        """Fetch missing pieces until the file holds them all; return their tree hashes.

        Each piece is read back from the file when it has been written.  Pieces of an earlier process are
        read again first, and all of them at the end if another program wrote into the file, so that
        overwritten ones are found and fetched again.
        """
        size, pieces = download.size or 0, plan.pieces
        # The file is new, or another program changed its size.
        verified = {} if part.size != size else download.verified_pieces
        # Another job may send the hashes that the last one did not: fetch these pieces again.
        verified = {i: root for i, root in verified.items() if not (plan.promised and root.startswith(DOUBT))}
        for _ in range(ROUNDS):
            if not part.undisturbed:
                held = part.holding(
                    {i: (pieces[i].kept, root.removeprefix(DOUBT)) for i, root in verified.items()}
                )
                verified = {i: root for i, root in verified.items() if i in held}
            done = sum(pieces[i].kept_size for i in verified)
            meter.already(done - meter.done)  # negative if pieces were overwritten
            if len(verified) == len(pieces):
                return [verified[i].removeprefix(DOUBT) for i in sorted(verified)]
            # Before the first byte, not after hours; what is not verified is written again in its place.
            local_files.check_space(part.path.parent, size - max(done, occupied(part.path)))
            part.resize(size)
            self._fetch_missing(download, plan, part, meter, verified)
        raise LocalError(
            f"Another program keeps writing to the part file of {download.name!r}",
            cure="End that program, or restore to another folder; nothing is requested again.",
        )

    def _fetch_missing(
        self, download: Download, plan: Layout, part: PartFile, meter: Meter, verified: dict[int, str]
    ) -> None:
        file = part.share()  # a hanging worker may write after the caller has closed *part*
        record = _Record(self.engine, download, plan.pieces, verified)
        tuner = Tuner(WORKERS, self.engine.limits.workers)
        ending = Child(self.stop)  # ends the workers of this file only
        crew: Crew[tuple[int, str]] = Crew(tuner, ending, "glacier-download")
        fetch = partial(_PieceFetcher, self.engine, download, file, meter, tuner, ending, plan.promised)
        tasks = (fetch(n, piece).run for n, piece in enumerate(plan.pieces) if n not in verified)
        try:
            with crew.stopped_by_errors():
                for number, root in crew.run(tasks):
                    record.add(number, root)
                # Before the rename: a power failure must not leave a name without bytes.
                self._sync(file, record)
        finally:
            record.save()  # also after Ctrl-C: what is verified is not fetched again
            # A hanging worker may still write, but only into a piece without a record.
            crew.afterwards(file.close)

    def _sync(self, file: PartFile, record: _Record) -> None:
        try:
            file.sync()
        except OSError:
            # The system says so once, and then reads back from memory what the disk does not have.
            record.clear()
            raise


@dataclass
class _PieceFetcher:
    """Fetches one piece, again if it arrives damaged, and reports the damaged byte."""

    engine: Engine
    download: Download
    file: PartFile
    meter: Meter
    tuner: Tuner
    stop: threading.Event
    promised: bool | None
    number: int
    piece: Piece
    repairing: bool = False
    differs_at: int | None = None

    def run(self) -> tuple[int, str]:
        root = self.engine.budget.call(self._attempt, self.stop, Notes(self.meter, self.tuner))
        self.tuner.moved(self.piece.size)
        if self.differs_at is not None:
            self.meter.note(f"byte {self.differs_at:,} had arrived damaged and was fetched again")
        return self.number, root

    def _attempt(self) -> str:
        piece = self.piece
        pace = RequestPace(self.engine.budget, self.meter, self.stop)
        hasher = TreeHasher()
        # Only the outermost pieces of a part are hashed twice: they are cut from whole MiB.
        kept = hasher if piece.kept_size == piece.size else TreeHasher()
        try:
            with self.engine.service.open_output(
                self.download.vault, self.download.job_id or "", piece.start, piece.size
            ) as output:
                self._copy(output, hasher, kept, pace)
            self._verify(hasher, output.tree_hash)
        except BaseException:
            pace.uncount()
            raise
        return kept.hexdigest() if output.tree_hash or self.promised is None else (DOUBT + kept.hexdigest())

    def _copy(self, output: OutputStream, hasher: TreeHasher, kept: TreeHasher, pace: RequestPace) -> None:
        position, behind = self.piece.start, self.piece.behind
        with self.engine.buffers.lend(CHUNK, self.stop) as buffer:
            while position < behind:
                # One leaf of the tree at a time is hashed and written while it is in the CPU cache.
                data = self._read(output, buffer[: behind - position], pace)
                written, at = self.piece.cut(position, data)
                if self.repairing and self.differs_at is None:
                    self.differs_at = self._first_difference(at, written)
                self.file.write(written, at)
                # Hashed is what the file holds, not what arrived.
                if self.file.read_back(written, at) < len(written):
                    raise IntegrityError(f"Another program cut {self.file.path} off")
                hasher.update(data)
                if kept is not hasher:
                    kept.update(written)
                if len(data) < len(buffer):  # the last chunk, or a stream cut off: _verify() tells which
                    break
                position += len(data)
        self.file.release()

    def _read(self, output: OutputStream, buffer: memoryview, pace: RequestPace) -> memoryview:
        """Fill *buffer* at the pace of the bandwidth limit; return the bytes read before the end."""
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
        return position + next(i for i, (a, b) in enumerate(zip(before, data, strict=False)) if a != b)

    def _verify(self, hasher: TreeHasher, expected: str | None) -> None:
        start, behind = self.piece.start, self.piece.behind
        # The stream is read past botocore, and so past its check of the length.
        if hasher.size != behind - start:
            raise IntegrityError(f"{hasher.size} of {behind - start} bytes arrived from byte {start}")
        if expected is not None and expected != hasher.hexdigest():
            # The damaged bytes stay in the file: the next attempt finds the first that differs.
            self.repairing, self.differs_at = True, None
            raise IntegrityError(f"bytes {start}-{behind - 1} arrived damaged")
        if expected is None and self.promised:  # the range is a node of the tree, so the service has its hash
            raise IntegrityError(f"bytes {start}-{behind - 1} arrived without their tree hash")


class _Record:
    """Saves the verified pieces of one download in the catalogue, without waiting for the disk.

    A recorded piece that a power failure destroyed is found when it is hashed again, and costs one
    more fetch.
    """

    def __init__(
        self, engine: Engine, download: Download, pieces: Sequence[Piece], verified: dict[int, str]
    ) -> None:
        self._engine, self._download = engine, download
        self._pieces, self._verified = pieces, verified
        self._piece_size = download.piece_size or part_size_for(
            download.size or 0, smallest=engine.limits.piece
        )
        self._done = sum(pieces[i].kept_size for i in verified)
        self._saved = 0.0
        self._dirty = True  # pieces that were found overwritten have to leave the record

    def add(self, number: int, root: str) -> None:
        self._verified[number] = root
        self._done += self._pieces[number].kept_size
        self._dirty = True
        few = len(self._verified) <= FEW
        if few or time.monotonic() - self._saved > SAVE_EVERY:
            self.save()

    def clear(self) -> None:
        self._verified.clear()
        self._done, self._dirty = 0, True

    def save(self) -> None:
        if not self._dirty:
            return
        values = {"pieces": json.dumps(self._verified), "piece_size": self._piece_size, "done": self._done}
        downloads = self._engine.catalogue.downloads
        self._engine.catalogue.database.together(
            lambda: downloads.update(self._download.id, **values), power_safe=False
        )
        self._saved, self._dirty = time.monotonic(), False
