"""The local side of a download: the part file, its checks, and its final name."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

from ..base.files import rename_new
from ..base.safenames import UnsafePath, alternatives, safe_target
from ..base.treehash import FileChanged, tree_hash
from ..catalogue import Download
from ..catalogue.records.downloads import Downloads
from ..errors import LocalError
from ..steps import step
from .partfile import PartFile


def target_of(download: Download) -> Path:
    """Return where a download's file goes.

    :raises LocalError: that is not below its folder any more.
    """
    root = Path(download.root)
    try:
        # Checked again now: a symbolic link may have appeared since the plan was made.
        relative = Path(download.target).relative_to(root)
        return safe_target(root, relative.as_posix(), fallback=download.archive_id)
    except (UnsafePath, ValueError) as error:
        raise LocalError(f"{download.name!r} cannot be written: {error}", cure="") from None


def open_part(downloads: Downloads, download: Download, target: Path) -> PartFile:
    """Open the hidden file that takes the pieces of a download until all are verified.

    Its name is unique, and recorded before the file is created: two catalogues that restore into
    one folder never share a file, and a killed process leaves none that is not on record.

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
    """Return the part file on record, unless that is no hidden file beside the target."""
    if download.part_path is None:
        return None
    part = Path(download.part_path)
    ours = part.name.startswith(".") and part.suffix == ".part" and part.parent == target.parent
    return part if ours else None


def unverified(target: Path) -> Path:
    """Return the name that a file gets whose bytes no hash could verify."""
    return target.with_name(f"{target.name}.unverified")


def named_before(download: Download, target: Path, name: Path) -> Path | None:
    """Return the file of a process that was killed between the rename and its note of it.

    :param name: the name that it would have got.
    """
    part = _recorded_part(download, target)
    if not download.pieces or part is None or part.exists():
        return None
    for candidate in alternatives(name):
        if not candidate.is_file():
            return None
        with suppress(FileChanged):
            same_size = candidate.stat().st_size == download.size
            if same_size and tree_hash(candidate) == download.tree_hash:
                return candidate
    return None


def give_name(part: Path, target: Path, download: Download) -> Path:
    """Give the verified file its final name, taking no existing one; return the name."""
    if download.mtime is not None:
        moment = download.mtime / 1000
        with suppress(OSError, OverflowError):
            os.utime(part, (moment, moment))
    for candidate in alternatives(target):
        if candidate.exists() and candidate.samefile(part):  # killed between link and unlink
            part.unlink()
            return candidate
        try:
            rename_new(part, candidate)
        except FileExistsError:
            continue
        _sync_folder(candidate.parent)
        return candidate
    raise AssertionError("unreachable")


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_space(folder: Path, needed: int) -> None:
    """Raise the error of a full disk where *needed* bytes have no room."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{needed} bytes are needed and {free} are free")


def local(error: OSError, download: Download) -> LocalError:
    """Return what went wrong with a download's file, and what to do."""
    if error.errno == errno.ENOSPC:
        return LocalError(
            f"There is no room for {download.name!r} in {download.root}: {error.strerror}",
            cure=f"Free some space and run {step('restore')} again; what is verified stays.",
        )
    return LocalError(
        f"{download.name!r} cannot be written to {download.root}: {error.strerror}",
        cure=f"Check the folder, then run {step('restore')} again; nothing is asked for twice.",
    )
