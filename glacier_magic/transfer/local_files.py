"""The local side of a download: the part file, its checks, and its final name.

A part file is written and read back through the system's page cache, which has the bytes that any program
reads.  The disk gets each piece while the next ones arrive: little is left to wait for at the end, and the
cache drops what the disk has, so that gigabytes of archives do not displace all else.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from ..base.files import read_at, rename_new, sync_folder, write_at
from ..base.safenames import UnsafePath, alternatives, safe_target
from ..base.treehash import CHUNK, FileChanged, TreeHasher, aligned_buffer, tree_hash
from ..catalogue import Download
from ..catalogue.records.downloads import Downloads
from ..errors import LocalError, Unavailable
from ..errors.steps import step

if sys.platform != "win32":
    import fcntl

MOST_CHECKS = 16  # threads that read a part file back

Span = tuple[int, int]

# On Windows, no translation of line ends; elsewhere, no link in the place of the file.
_FLAGS = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


def target_of(download: Download) -> Path:
    """Return the path of a download's file.

    :raises LocalError: the path is no longer below its folder.
    """
    root = Path(download.root)
    try:
        # Checked again: a symbolic link may have appeared since the plan was made.
        relative = Path(download.target).relative_to(root)
        return safe_target(root, relative.as_posix(), fallback=download.archive_id)
    except (UnsafePath, ValueError) as error:
        raise LocalError(f"{download.name!r} cannot be written: {error}", cure="") from None


def open_part(downloads: Downloads, download: Download, target: Path) -> PartFile:
    """Open the hidden file that holds the pieces of a download until all are verified.

    Its name is unique, and recorded before the file is created: two catalogues that restore into
    one folder never share a file, and a killed process leaves none without a record.

    :raises Unavailable: another process writes to it.
    :raises OSError: it cannot be created.
    """
    recorded = _recorded_part(download, target)
    if recorded is not None:
        with suppress(FileNotFoundError):
            return PartFile(recorded, new=False)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name[:80]}.{uuid.uuid4().hex[:12]}.part")
    downloads.update(download.id, part_path=str(part))
    return PartFile(part, new=True)


def _recorded_part(download: Download, target: Path) -> Path | None:
    """Return the recorded part file if it is a hidden file next to the target."""
    if download.part_path is None:
        return None
    part = Path(download.part_path)  # the catalogue may come from elsewhere: write to no other file
    ours = part.name.startswith(".") and part.suffix == ".part" and part.parent == target.parent
    return part if ours else None


def unverified(target: Path) -> Path:
    """Return the name of a file whose bytes could not be verified."""
    return target.with_name(f"{target.name}.unverified")


def named_before(download: Download, target: Path, name: Path) -> Path | None:
    """Return the file that a process renamed but could not record, because it was killed.

    :param name: the final name of the file.
    """
    part = _recorded_part(download, target)
    if not download.pieces or part is None or part.exists():  # never filled, or not renamed
        return None
    for candidate in alternatives(name):
        if not candidate.is_file():  # give_name() took the first free name
            return None
        with suppress(FileChanged):
            # First, because hashing reads the whole file.
            same_size = candidate.stat().st_size == download.size
            if same_size and tree_hash(candidate) == download.tree_hash:
                return candidate
    return None


def give_name(part: Path, target: Path, download: Download) -> Path:
    """Rename the verified file to its final name without replacing a file; return the name."""
    if download.mtime is not None:  # before the rename: a file with its final name is complete
        modified = download.mtime / 1000
        with suppress(OSError, OverflowError):  # a time that the file system cannot hold is no reason to fail
            os.utime(part, (modified, modified))
    for candidate in alternatives(target):
        if candidate.exists() and candidate.samefile(part):  # a process was killed between link and unlink
            part.unlink()
            return candidate
        try:
            rename_new(part, candidate)
        except FileExistsError:
            continue
        sync_folder(candidate.parent)  # only then does the name survive a power failure
        return candidate
    raise AssertionError("unreachable")


def check_space(folder: Path, needed: int) -> None:
    """Raise the error of a full disk if *needed* bytes do not fit."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{needed} bytes are needed and {free} are free")


def local(error: OSError, download: Download) -> LocalError:
    """Return the error for a download's file, with its cure."""
    if error.errno == errno.ENOSPC:
        return LocalError(
            f"There is no room for {download.name!r} in {download.root}: {error.strerror}",
            cure=f"Free some space and run {step('restore')} again; verified pieces are kept.",
        )
    return LocalError(
        f"{download.name!r} cannot be written to {download.root}: {error.strerror}",
        cure=f"Check the folder, then run {step('restore')} again; nothing is requested twice.",
    )


class PartFile:
    """An open part file, locked against other processes, written at any position by many threads.

    The lock ends when this object and all its :meth:`share` copies are closed.

    :param new: create the file; an existing one is never opened.
    :raises FileExistsError: *new*, and the file exists.
    :raises FileNotFoundError: not *new*, and the file does not exist.
    :raises Unavailable: another process, or a hanging thread, has it open.
    """

    def __init__(self, path: Path, *, new: bool) -> None:
        self.path = path
        self._own = _OwnWrites()
        flags = _FLAGS | (os.O_CREAT | os.O_EXCL if new else 0)
        self._descriptor = os.open(path, flags, 0o666)  # less the umask, as a new file of any program
        if not _locked(self._descriptor):
            os.close(self._descriptor)
            raise Unavailable(
                f"Another process writes to {path}",
                cure="The download is tried again shortly; nothing is requested again.",
            )

    def share(self) -> PartFile:
        """Return a copy for workers, which holds the lock until it is closed, too."""
        copy = object.__new__(PartFile)
        # A lock of flock() lasts until all copies of its descriptor are closed.
        copy.path, copy._own, copy._descriptor = self.path, self._own, os.dup(self._descriptor)
        return copy

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return os.fstat(self._descriptor).st_size

    @property
    def undisturbed(self) -> bool:
        """Whether no other program has written to the file since :meth:`holding` read it.

        Two writes within one tick of the file system's clock, up to 10 ms on Linux before 6.13, look
        like one.
        """
        return self._own.last == self._modified

    @property
    def _modified(self) -> int:
        return os.fstat(self._descriptor).st_mtime_ns

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._own.lock:
            undisturbed = self.undisturbed
            try:
                yield
            finally:
                self._own.last = self._modified if undisturbed else None

    def resize(self, size: int) -> None:
        """Make the file *size* bytes long; new bytes are zero and occupy no space yet."""
        with self._writing():
            os.ftruncate(self._descriptor, size)

    def write(self, data: memoryview, position: int) -> None:
        """Write *data* at byte *position*."""
        with self._writing():
            done = 0
            while done < len(data):
                # It may write less, for example when the disk is almost full.
                done += write_at(self._descriptor, data[done:], position + done)

    def read(self, length: int, position: int) -> bytes:
        """Return *length* bytes at byte *position*."""
        buffer = memoryview(bytearray(length))
        return bytes(buffer[: self.read_back(buffer, position)])

    def release(self, start: int = 0, behind: int = 0) -> None:
        """Start writing bytes to the disk, and drop from the page cache what it has; all bytes by default."""
        if hasattr(os, "posix_fadvise"):
            with suppress(OSError):
                # On Linux this also starts to write dirty pages.
                os.posix_fadvise(self._descriptor, start, behind - start, os.POSIX_FADV_DONTNEED)

    def sync(self) -> None:
        """Wait until all bytes are on the disk."""
        os.fsync(self._descriptor)
        self.release()

    def holding(self, spans: Mapping[int, tuple[Span, str]]) -> set[int]:
        """Return the keys of the *spans* whose bytes in the file match their tree hash.

        :param spans: from any key to the first byte, the byte after the last, and the tree hash.
        """
        self._own.last = self._modified  # first: what is written while it is read may be missed
        if len(spans) < 2:
            return {key for key, expected in spans.items() if self._holds(expected)}
        # Hashing and reading release the interpreter lock; while one thread waits for the disk, one hashes.
        with ThreadPoolExecutor(min(MOST_CHECKS, 2 * (os.cpu_count() or 1)), "glacier-check") as pool:
            found = pool.map(self._holds, spans.values())
            return {key for key, held in zip(spans, found, strict=True) if held}

    def _holds(self, expected: tuple[Span, str]) -> bool:
        span, root = expected
        position, behind = span
        hasher, buffer = TreeHasher(), aligned_buffer(min(CHUNK, behind - position))
        for start in range(position, behind, CHUNK):
            chunk = buffer[: behind - start]
            if self.read_back(chunk, start) < len(chunk):
                return False
            hasher.update(chunk)
        self.release(*span)
        return hasher.hexdigest() == root

    def read_back(self, buffer: memoryview, position: int) -> int:
        """Fill *buffer* from byte *position*; return its bytes, fewer only at the end of the file."""
        done = 0
        while done < len(buffer) and (count := read_at(self._descriptor, buffer[done:], position + done)):
            done += count
        return done

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


class _OwnWrites:
    """The modification time after the last write of this process, None after another's."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.last: int | None = None


def _locked(descriptor: int) -> bool:
    """Lock an open file without waiting; return False if another process has locked it."""
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks: the unique name of the file must do
            pass
    return True
