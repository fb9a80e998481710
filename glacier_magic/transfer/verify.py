"""Comparing local files with archives, and hashing a file both ways in one pass."""

from __future__ import annotations

import glob
import hashlib
import io
import os
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from .. import descriptions
from ..base import dataframes
from ..base.treehash import (
    CHUNK,
    READ,
    FileChanged,
    Progress,
    TreeHasher,
    aligned_buffer,
    tree_hash,
    unchanged,
)
from ..base.units import plural, storable
from ..catalogue import ArchiveRecord, Catalogue
from ..errors import InputError, LocalError
from .progress import Meter, Observer
from .sources import Source, Sources, expand, find, name_of

if TYPE_CHECKING:
    import pandas as pd

SAME, DIFFERENT, SIZE_DIFFERS = "same", "different", "size differs"
NOT_STORED, MISSING, UNREADABLE = "not stored", "missing locally", "unreadable"

COLUMNS = ("name", "path", "size", "state", "archive_id")
BUFFERS = 8
"""The number of pieces that the linear hash may lag behind the tree hash."""


# One file


@dataclass(frozen=True, kw_only=True)
class LocalHash:
    """A local file's size, its tree hash, and the SHA-256 that ``sha256sum`` prints."""

    path: Path
    size: int
    tree_hash: str
    sha256: str

    def compared(self, archives: Iterable[ArchiveRecord]) -> tuple[str, ArchiveRecord | None]:
        """Compare the file with *archives*: ``same``, ``different`` or ``size differs``.

        The archive returned is the equal one, else the newest of the same size, else the newest.
        """
        found = sorted(archives, key=lambda archive: archive.created or 0, reverse=True)
        sized = [archive for archive in found if archive.size == self.size]
        for archive in sized:
            if archive.tree_hash == self.tree_hash:
                return SAME, archive
        if sized:
            return DIFFERENT, sized[0]
        return SIZE_DIFFERS, found[0] if found else None


def hash_file(path: str | os.PathLike[str], *, progress: Progress | None = None) -> LocalHash:
    """Return both hashes of a file, which is read once.

    Two threads compute them, so this takes as long as the linear hash alone.

    :param progress: called with the bytes hashed since its last call.
    :raises InputError: it is a folder, a device or a pipe.
    :raises LocalError: it cannot be read, or changes while it is read.
    """
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):  # opening a pipe would block until it has a writer
            raise InputError(f"{os.fspath(path)!r} is not a regular file", cure="")
        # Without a buffer of its own: pieces go straight into aligned memory.
        with io.FileIO(os.fspath(path)) as file, unchanged(file) as facts:
            tree, linear = _both(file, facts.st_size, progress)
    except (FileChanged, OSError) as error:
        raise LocalError(why_unread(path, error), cure="") from None
    return LocalHash(path=Path(path), size=facts.st_size, tree_hash=tree, sha256=linear)


def why_unread(path: str | os.PathLike[str], error: OSError | FileChanged) -> str:
    """Return the reason why a file could not be hashed."""
    if isinstance(error, FileChanged):
        return f"{os.fspath(path)!r} changed while it was hashed"
    return f"{os.fspath(path)!r} cannot be read: {error.strerror or error}"


def _both(file: io.FileIO, size: int, progress: Progress | None) -> tuple[str, str]:
    tree, linear = TreeHasher(), hashlib.sha256()
    # One thread, because a linear hash takes the pieces in order.
    with ThreadPoolExecutor(1, thread_name_prefix="glacier-sha256") as beside:
        behind: list[Future[None] | None] = [None] * BUFFERS
        # A small file needs fewer.
        buffers = [aligned_buffer(READ) for _ in range(min(BUFFERS, size // READ + 1))]
        for number, buffer in cycle(enumerate(buffers)):
            before = behind[number]
            if before is not None:
                before.result()  # the buffer may be overwritten once it is hashed
            count = file.readinto(buffer)
            if not count:
                break
            if tree.size + count > size:  # a log file may grow as fast as it is read
                raise FileChanged
            piece = buffer[:count]
            if size > CHUNK:  # up to 1 MiB both hashes are the same
                behind[number] = beside.submit(linear.update, piece)
            tree.update(piece)
            if progress:
                progress(count)
    root = tree.hexdigest()
    return root, linear.hexdigest() if size > CHUNK else root


# Many files


@dataclass
class _Comparison:
    """The rows of one verification."""

    catalogue: Catalogue
    vault: str
    rows: list[dict[str, object]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    met: set[str] = field(default_factory=set)

    def candidates(self, source: Source) -> list[ArchiveRecord]:
        """Return the archives that may be of a file: those of its name, and those stored from its path."""
        name = descriptions.decode(source.description).name
        found = {a.archive_id: a for a in self.catalogue.archives.named(self.vault, name)}
        scope = self.catalogue.scope
        same, paths = self.catalogue.database.equal("path", source.key)
        rows = self.catalogue.database.rows(
            "SELECT DISTINCT archive_id FROM uploads WHERE account=? AND region=? AND vault=? "
            f"AND state='done' AND {same}",
            (scope.account, scope.region, self.vault, *paths),
        )
        for archive_id in (str(row["archive_id"]) for row in rows):
            archive = self.catalogue.archives.get(self.vault, archive_id)
            if archive is not None and archive.state in ("pending", "present"):
                found[archive_id] = archive
        self.names.add(name)
        self.met.update(found)
        return list(found.values())

    def add(self, name: str, path: str, size: int | None, state: str, archive_id: str) -> None:
        values = (storable(name), storable(path), size or 0, state, archive_id)
        self.rows.append(dict(zip(COLUMNS, values, strict=True)))


def verify(
    catalogue: Catalogue,
    vault: str,
    paths: Sequence[str | os.PathLike[str]],
    *,
    recursive: bool = False,
    progress: Observer | None = None,
    root: Path | None = None,
) -> pd.DataFrame:
    """Compare local files with the archives in the catalogue; no request is sent.

    A file is compared with the archives of the name that an upload of this path would give, and with
    those stored from this path.  A file whose size differs is not read.

    The DataFrame has the columns name, path, size, state, archive_id.  States are ``same``,
    ``different``, ``not stored``, ``unreadable``, and ``missing locally`` for an archive whose name
    lies in a given folder that has no such file.  ``attrs["skipped"]`` lists the files that could not
    be compared, with the reason.

    :param root: the names of absolute paths below this folder start there.
    :raises InputError: nothing matches, or a folder without *recursive*.
    """
    sources = find([os.fspath(path) for path in paths], recursive=recursive, root=root)
    work = _Comparison(catalogue, vault)
    known = [(source, work.candidates(source)) for source in sources.files]
    skipped = _compare_all(work, known, progress)
    left = {Path(path) for path, _ in sources.skipped}
    walked = (path for path in expand(paths) if path not in left and os.path.isdir(path))  # noqa: PTH112 - Path raises errors
    folders = {path: _prefix(path, root) for path in walked}
    skipped += _emptied(work, sources, folders, root)
    for prefix in folders.values():  # after all comparisons: only now is it known which archives have a file
        _add_missing(work, prefix)
    frame = _table(sorted(work.rows, key=lambda row: str(row["name"])))
    return dataframes.marked(frame, vault=vault, skipped=skipped)


def _compare_all(
    work: _Comparison, known: Sequence[tuple[Source, list[ArchiveRecord]]], progress: Observer | None
) -> list[tuple[str, str]]:
    todo = [(source, [a for a in archives if a.size == source.size]) for source, archives in known]
    label = f"Hashing {plural(sum(bool(sized) for _, sized in todo), 'file')}"
    meter = Meter(label, sum(source.size for source, sized in todo if sized), progress)
    unread = []
    for (source, archives), (_, sized) in zip(known, todo, strict=True):
        try:
            state, archive = _state(source, archives, sized, meter)
        except (FileChanged, OSError) as error:
            state, archive = UNREADABLE, None
            unread.append((source.key, why_unread(source.path.name, error)))
        archive_id = archive.archive_id if archive else ""
        work.add(source.name, source.key, source.size, state, archive_id)
    meter.finish()
    return unread


def _state(
    source: Source, archives: list[ArchiveRecord], sized: list[ArchiveRecord], meter: Meter
) -> tuple[str, ArchiveRecord | None]:
    if not archives:
        return NOT_STORED, None
    if not sized:
        return DIFFERENT, archives[-1]
    ours = tree_hash(source.path, progress=meter.moved)
    for archive in sized:
        if archive.tree_hash == ours:
            return SAME, archive
    return DIFFERENT, sized[-1]


def _prefix(folder: Path, root: Path | None) -> str:
    top = name_of(folder, root)
    return "" if top == "." else f"{top}/"


def _emptied(
    work: _Comparison, sources: Sources, folders: dict[Path, str], root: Path | None
) -> list[tuple[str, str]]:
    """Compare what an upload would leave out: an empty file may have had content before."""
    left = []
    for text, reason in sources.skipped:
        path = Path(text)
        over = [folder for folder in folders if path.is_relative_to(folder)]
        name = f"{folders[over[0]]}{path.relative_to(over[0]).as_posix()}" if over else name_of(path, root)
        archives = work.catalogue.archives.named(work.vault, storable(name))
        if archives:
            work.names.update(archive.name for archive in archives)
            work.add(name, str(path.absolute()), 0, DIFFERENT, archives[-1].archive_id)
        elif state := _uncompared(path):  # --check must not pass: the original may be deleted next
            work.add(name, str(path.absolute()), 0, state, "")
        left.append((storable(text), reason))
    return left


def _uncompared(path: Path) -> str:
    """Return the state of what an upload leaves out; ``""`` if it has no bytes, as a link has none."""
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            return UNREADABLE if not path.is_symlink() and next(path.iterdir(), None) else ""
    except OSError:
        return "" if os.path.islink(path) else UNREADABLE  # noqa: PTH114 - Path raises errors
    return NOT_STORED if stat.S_ISREG(facts.st_mode) and facts.st_size else ""


def _add_missing(work: _Comparison, prefix: str) -> None:
    # A folder may have wildcards in its name.
    for archive in work.catalogue.archives.matching(work.vault, f"{glob.escape(prefix)}*"):
        if archive.name not in work.names and archive.archive_id not in work.met:
            work.met.add(archive.archive_id)
            work.add(archive.name, "", archive.size, MISSING, archive.archive_id)


def _table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    import pandas as pd

    text = dataframes.text_type()
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({name: "int64" if name == "size" else text for name in COLUMNS})


def counted(table: pd.DataFrame) -> str:
    """Return the counts of a verification: ``3 same, 1 different``."""
    counts = Counter(table["state"])
    order = (SAME, DIFFERENT, UNREADABLE, NOT_STORED, MISSING, "unverified")
    return ", ".join(f"{counts[state]:,} {state}" for state in order if counts[state])
