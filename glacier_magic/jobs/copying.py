"""Archives that are on this computer already, verified: copied, and not paid for again."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from ..base.safenames import alternatives
from ..base.treehash import CHUNK, FileChanged, aligned_buffer, tree_hash
from ..catalogue import Catalogue, Download
from ..catalogue.records.downloads import Downloads
from ..errors import LocalError
from ..transfer import files
from ..transfer.budget import Stopped


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
    """Return a verified file of the archive of a download, by another download of it."""
    if download.part is not None:
        return None
    found = catalogue.downloads.done_with(download.vault, download.archive_id)
    paths = [row.target for row in found if row.part is None]
    return verified_copy(paths, download.size, download.tree_hash)


def copy(catalogue: Catalogue, download: Download, stop: threading.Event) -> Path | None:
    """Copy the verified file of an archive to where a download goes; None if there is none.

    The copy is read back and verified before it gets its name; an interrupted one begins anew.

    :raises LocalError: it cannot be written.
    :raises Stopped: the program ends.
    """
    source = copy_of(catalogue, download)
    if source is None:
        return None
    target = files.target_of(download)
    there = _named_before(download, target)
    if there is not None:
        return there
    try:
        return _copied(source, catalogue.downloads, download, target, stop)
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


def _copied(
    source: Path, downloads: Downloads, download: Download, target: Path, stop: threading.Event
) -> Path:
    with closing(files.open_part(downloads, download, target)) as part:
        part.resize(0)  # an interrupted copy
        files.check_space(target.parent, download.size or 0)
        position, buffer = 0, aligned_buffer(CHUNK)
        with source.open("rb", buffering=0) as read:
            while count := read.readinto(buffer):
                if stop.is_set():
                    raise Stopped
                part.write(buffer[:count], position)
                position += count
        part.sync()
        if tree_hash(part.path) != download.tree_hash:
            part.path.unlink()
            raise LocalError(
                f"{source} changed while it was copied",
                cure="%glacier restore looks again; nothing was paid.",
            )
        return files.give_name(part.path, target, download)
