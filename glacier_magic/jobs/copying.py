"""Archives that are on this computer already, verified: copied, and not paid for again."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain
from pathlib import Path

from ..catalogue import Catalogue, Download, twins
from ..errors import LocalError
from ..safenames import UnsafePath, alternatives, safe_target
from ..transfer import files
from ..transfer.budget import Stopped
from ..treehash import CHUNK, FileChanged, TreeHasher, tree_hash


def verified_copy(paths: Iterable[str], size: int | None, root: str | None) -> Path | None:
    """Return the first file that still has the very bytes of an archive; all of it is read.

    :param size: bytes of the archive.
    :param root: its tree hash; without one no file is relied on.
    """
    if not size or not root:
        return None
    for path in map(Path, dict.fromkeys(paths)):
        with suppress(OSError, ValueError, FileChanged):
            if path.is_file() and path.stat().st_size == size and tree_hash(path) == root:
                return path
    return None


def copy_of(catalogue: Catalogue, download: Download) -> Path | None:
    """Return a verified file with the bytes of a download: that of another one, of any vault."""
    size, root = download.size, download.tree_hash
    if download.part is not None or root is None:
        return None
    paths = twins.verified_files(catalogue.database, size, root).values()
    return verified_copy(chain.from_iterable(paths), size, root)


def _beside(catalogue: Catalogue, download: Download) -> Path | None:
    """Return a file in the folder of a download that is an archive with the same bytes."""
    size, root = download.size, download.tree_hash
    same = twins.names(catalogue.database, catalogue.scope, download.vault, size, root)
    paths: list[str] = []
    for archive_id, name in same:
        with suppress(UnsafePath):
            wanted = safe_target(Path(download.root), name, fallback=archive_id)
            paths += map(str, _existing(wanted))
    return verified_copy(paths, size, root)


def copy(catalogue: Catalogue, download: Download, stop: threading.Event) -> Path | None:
    """Copy a verified file with the same bytes to where a download goes; None if there is none.

    The copy is read back and verified before it gets its name; an interrupted one begins anew.

    :raises LocalError: it cannot be written.
    :raises Stopped: the program ends.
    """
    source = copy_of(catalogue, download)
    if source is None and download.job_id is None:
        source = _beside(catalogue, download)
    if source is None:
        return None
    target = files.target_of(download)
    there = _named_before(download, target)
    if there is not None:
        return there
    try:
        return _copied(source, download, target, stop)
    except LocalError:
        raise
    except OSError as error:
        raise files.local(error, download) from None


def _named_before(download: Download, target: Path) -> Path | None:
    """Return the file of a process that was killed before it noted it."""
    there = [str(path) for path in _existing(target)]
    return verified_copy(there, download.size, download.tree_hash)


def _existing(target: Path) -> Iterable[Path]:
    for path in alternatives(target):
        if not path.exists():
            return
        yield path


def _copied(source: Path, download: Download, target: Path, stop: threading.Event) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = files.part_path(download, target)
    part.unlink(missing_ok=True)
    files.check_space(target.parent, download.size or 0)
    hasher = TreeHasher()
    with source.open("rb") as read, part.open("wb") as written:
        while data := read.read(CHUNK):
            if stop.is_set():
                raise Stopped
            hasher.update(data)
            written.write(data)
        written.flush()
        os.fsync(written.fileno())
    if hasher.hexdigest() != download.tree_hash:
        part.unlink()
        raise LocalError(
            f"{source} changed while it was copied",
            cure="%glacier restore looks again; nothing was paid.",
        )
    return files.give_name(part, target, download)
