"""Job outputs into files: verified pieces in a part file, then the final name."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..catalogue import Catalogue, Download
from ..errors import GlacierError, IntegrityError, LocalError
from ..safenames import UnsafePath, alternatives, safe_target
from ..service import Service
from ..treehash import CHUNK, TreeHasher, combine, leaves, part_ranges, part_size_for, tree_hash
from .patience import Stopped, patiently
from .progress import Meter

PIECE = 16 << 20
"""Bytes asked for at a time: a power of two MiB from offset 0, so each is tree-hash aligned."""

WORKERS = 3
SAVE_EVERY = 1.0  # seconds between notes of the verified pieces in the catalogue


@dataclass(frozen=True)
class Downloader:
    """Fetches the outputs of finished retrieval jobs.

    A file appears under its final name only after every piece and the whole matched their tree
    hashes; until then it is a hidden ``.part`` file beside it.  Verified pieces survive a killed
    process and are not fetched again.
    """

    service: Service
    catalogue: Catalogue
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
            target = _target(download)
            finished = _named_before(download, target)
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
            return _finish(part, target, download)
        except GlacierError:  # some are OSErrors, too
            raise
        except OSError as error:
            raise _local(error, download) from None

    def _part_file(self, download: Download, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = _part_path(download, target)
        size, done = download.size or 0, download.verified_pieces
        if done and not (part.exists() and part.stat().st_size == size):
            self._forget_pieces(download)
        _check_space(target.parent, size - (download.done if done else 0))
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            os.ftruncate(descriptor, size)
        finally:
            os.close(descriptor)
        self.catalogue.downloads.update(download.id, part_path=str(part))
        return part

    def _forget_pieces(self, download: Download) -> None:
        self.catalogue.downloads.update(download.id, pieces=None, done=0)

    def _fill(self, download: Download, part: Path, meter: Meter) -> str:
        size = download.size or 0
        piece_size = download.piece_size or part_size_for(size, smallest=PIECE)
        verified = self.catalogue.downloads.get(download.id).verified_pieces
        spans = part_ranges(size, piece_size)
        verified = {i: root for i, root in verified.items() if _holds(part, spans[i], root)}
        meter.already(sum(spans[i][1] - spans[i][0] for i in verified))
        descriptor = os.open(part, os.O_RDWR | getattr(os, "O_BINARY", 0))
        record = _Record(self.catalogue, download, piece_size, spans, verified)
        try:
            with _Pool(self.stop) as pool:
                running = {
                    pool.submit(self._piece, download, descriptor, span, meter): number
                    for number, span in enumerate(spans)
                    if number not in verified
                }
                for future in as_completed(running):
                    record.add(running[future], future.result(), lambda: os.fsync(descriptor))
            os.fsync(descriptor)
        finally:
            record.save(lambda: os.fsync(descriptor))
            os.close(descriptor)
        return combine(bytes.fromhex(verified[i]) for i in sorted(verified)).hex()

    def _piece(
        self, download: Download, descriptor: int, span: tuple[int, int], meter: Meter
    ) -> str:
        start, behind = span

        def fetch() -> tuple[bytes, str]:
            output = self.service.output(
                download.vault, download.job_id or "", start, behind - start
            )
            return output.data, _verify(output.data, output.tree_hash, behind - start, start)

        data, root = patiently(fetch, self.stop, meter.note)
        written = 0
        while written < len(data):
            written += os.pwrite(descriptor, data[written:], start + written)
        meter.moved(len(data))
        return root


class _Record:
    """Keeps the verified pieces of one download in the catalogue, once a second at most."""

    def __init__(
        self, catalogue: Catalogue, download: Download, piece_size: int,
        spans: Sequence[tuple[int, int]], verified: dict[int, str],
    ) -> None:  # fmt: skip
        self._catalogue, self._download, self._piece_size = catalogue, download, piece_size
        self._spans, self._verified = spans, verified
        self._saved = time.monotonic()
        self._dirty = True

    def add(self, number: int, root: str, sync: Callable[[], None]) -> None:
        self._verified[number] = root
        self._dirty = True
        if time.monotonic() - self._saved > SAVE_EVERY:
            self.save(sync)

    def save(self, sync: Callable[[], None]) -> None:
        if not self._dirty:
            return
        sync()  # a piece is on record only when it is on disk
        done = sum(self._spans[i][1] - self._spans[i][0] for i in self._verified)
        self._catalogue.downloads.update(
            self._download.id,
            pieces=json.dumps(self._verified),
            piece_size=self._piece_size,
            done=done,
        )
        self._saved, self._dirty = time.monotonic(), False


def _holds(part: Path, span: tuple[int, int], root: str) -> bool:
    """Tell whether a piece on record is still what the part file holds: reading is free."""
    hasher = TreeHasher()
    with part.open("rb") as file:
        file.seek(span[0])
        while hasher.size < span[1] - span[0]:
            data = file.read(min(CHUNK, span[1] - span[0] - hasher.size))
            if not data:
                return False
            hasher.update(data)
    return hasher.hexdigest() == root


def _verify(data: bytes, told: str | None, length: int, start: int) -> str:
    root = combine(leaves(data)).hex()
    if len(data) != length:
        raise IntegrityError(f"{len(data)} of {length} bytes arrived from byte {start}")
    if told is not None and told != root:
        raise IntegrityError(f"the bytes from {start} arrived damaged")
    return root


def _target(download: Download) -> Path:
    root = Path(download.root)
    try:
        # Checked again now: a symbolic link may have appeared since the plan was made.
        relative = Path(download.target).relative_to(root)
        return safe_target(root, relative.as_posix(), fallback=download.archive_id)
    except (UnsafePath, ValueError) as error:
        raise LocalError(f"{download.name!r} cannot be written: {error}", cure="") from None


def _part_path(download: Download, target: Path) -> Path:
    return target.with_name(f".{target.name[:80]}.{download.id}.part")


def _named_before(download: Download, target: Path) -> Path | None:
    """Return the file of a process that was killed between the rename and its note of it."""
    if not download.pieces or _part_path(download, target).exists():
        return None
    for candidate in alternatives(target):
        if not candidate.is_file():
            return None
        same_size = candidate.stat().st_size == download.size
        if same_size and tree_hash(candidate) == download.tree_hash:
            return candidate
    return None


def _finish(part: Path, target: Path, download: Download) -> Path:
    """Give the verified file its final name, taking no existing one."""
    if download.mtime is not None:
        moment = download.mtime / 1000
        with suppress(OSError, OverflowError):
            os.utime(part, (moment, moment))
    for candidate in alternatives(target):
        if candidate.exists() and candidate.samefile(part):  # killed between link and unlink
            part.unlink()
            return candidate
        try:
            _rename_new(part, candidate)
        except FileExistsError:
            continue
        _sync_folder(candidate.parent)
        return candidate
    raise AssertionError("unreachable")


def _rename_new(source: Path, target: Path) -> None:
    """Rename without ever replacing *target*."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        os.close(descriptor)
        source.replace(target)
        return
    source.unlink()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{needed} bytes are needed and {free} are free")


def _local(error: OSError, download: Download) -> LocalError:
    if error.errno == errno.ENOSPC:
        return LocalError(
            f"There is no room for {download.name!r} in {download.root}: {error.strerror}",
            cure="Free some space and run %glacier restore again; what is verified stays.",
        )
    return LocalError(
        f"{download.name!r} cannot be written to {download.root}: {error.strerror}",
        cure="Check the folder, then run %glacier restore again; nothing is asked for twice.",
    )


class _Pool(ThreadPoolExecutor):
    """Workers that stop at once when one of them fails or the user asks."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__(WORKERS, thread_name_prefix="glacier-download")
        self._stopping = stop

    def __exit__(self, kind: object, *_: object) -> None:
        self.shutdown(wait=True, cancel_futures=kind is not None)
        if self._stopping.is_set() and kind is None:
            raise Stopped
