"""Archives with a verified file on this computer: copied rather than paid for again."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path
from typing import Any

from ..base.safenames import UnsafePath, alternatives, safe_target
from ..base.treehash import CHUNK, FileChanged, aligned_buffer, tree_hash
from ..catalogue import Catalogue, Download
from ..catalogue.records import twins
from ..catalogue.records.downloads import Downloads
from ..catalogue.records.moved_records import is_object
from ..errors import LocalError
from ..errors.steps import step
from ..transfer import local_files
from ..transfer.budget import Stopped


def verified_copy(paths: Iterable[str], size: int | None, root: str | None) -> Path | None:
    """Return the first file with exactly the bytes of an archive; each candidate is read in full.

    :param size: bytes of the archive.
    :param root: its tree hash; without one no file is trusted.
    """
    if not size or not root:
        return None
    for path in map(Path, dict.fromkeys(paths)):  # each is read once, in the given order
        # A file that cannot be read, or is being written, is no source.
        with suppress(OSError, ValueError, FileChanged):
            # The size first: a tree hash reads the whole file.
            if path.is_file() and path.stat().st_size == size and tree_hash(path) == root:
                return path
    return None


def _is_file(download: Download) -> bool:
    """Return whether a download makes a file of a whole archive: only these are shared."""
    return download.part is None and not is_object(download.target)


def copy_of(catalogue: Catalogue, download: Download) -> Path | None:
    """Return the verified file of another download, of any vault, with the same bytes."""
    size, root = download.size, download.tree_hash
    if not _is_file(download) or root is None:
        return None
    paths = twins.verified_files(catalogue.database, size, root).values()
    return verified_copy(chain.from_iterable(paths), size, root)


def _in_same_folder(catalogue: Catalogue, download: Download) -> Path | None:
    """Return a file in the folder of a download with the name and bytes of an equal archive."""
    size, root = download.size, download.tree_hash
    same = twins.file_names(catalogue.database, catalogue.scope, download.vault, size, root)
    paths: list[str] = []
    for archive_id, name in same:
        with suppress(UnsafePath):
            wanted = safe_target(Path(download.root), name, fallback=archive_id)
            paths += map(str, _existing(wanted))
    return verified_copy(paths, size, root)


def copy(catalogue: Catalogue, download: Download, stop: threading.Event) -> Path | None:
    """Copy a verified file with the same bytes to the target of a download; None if none exists.

    The copy is read back and verified before it gets its name; an interrupted one starts again.

    :raises LocalError: it cannot be written.
    :raises Stopped: *stop* was set.
    """
    source = copy_of(catalogue, download)
    if source is None and download.job_id is None:
        source = _in_same_folder(catalogue, download)
    if source is None:
        return None
    target = local_files.target_of(download)
    try:
        return _copied(source, catalogue.downloads, download, target, stop)
    except LocalError:  # is an OSError as well
        raise
    except OSError as error:
        raise local_files.local(error, download) from None


def there_already(download: Download) -> Path | None:
    """Return the verified file of a whole archive that exists at the target of its download.

    It is from a process that was killed before it recorded the file, or from another catalogue.
    """
    if not _is_file(download):
        return None
    with suppress(LocalError):  # an unusable target is reported by what writes to it
        there = [str(path) for path in _existing(local_files.target_of(download))]
        return verified_copy(there, download.size, download.tree_hash)
    return None


def verified(download: Download, path: Path | str) -> dict[str, Any]:
    """Return the columns of a download whose file, or object, is verified and in place."""
    return {
        "state": "verified",
        "target": str(path),
        "done": download.size or 0,
        "error": None,
        "part_path": None,
        "pieces": None,
    }


def _existing(target: Path) -> Iterable[Path]:
    for path in alternatives(target):  # these never end; a file takes the first free one
        if not path.exists():
            return
        yield path


def _copied(
    source: Path, downloads: Downloads, download: Download, target: Path, stop: threading.Event
) -> Path:
    with closing(local_files.open_part(downloads, download, target)) as part:
        part.resize(0)  # an interrupted copy may have left bytes
        # After the resize, which frees what an old part took.
        local_files.check_space(target.parent, download.size or 0)
        position, buffer = 0, aligned_buffer(CHUNK)
        with source.open("rb", buffering=0) as read:
            while count := read.readinto(buffer):
                if stop.is_set():
                    raise Stopped
                part.write(buffer[:count], position)
                position += count
        part.sync()  # before it gets its name: a power failure must not leave a file with holes
        if tree_hash(part.path) != download.tree_hash:  # read back: the source may have changed
            part.path.unlink()
            raise LocalError(
                f"{source} changed while it was copied",
                cure=f"Run {step('restore')} again; nothing was paid.",
            )
        return local_files.give_name(part.path, target, download)
