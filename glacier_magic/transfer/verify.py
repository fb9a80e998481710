"""Local files held against what is stored: both hashes in one pass, and whole folders verified."""

from __future__ import annotations

import glob
import hashlib
import io
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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
from .sources import Source, Sources, find

if TYPE_CHECKING:
    import pandas as pd

SAME, DIFFERENT, SIZE_DIFFERS = "same", "different", "size differs"
NOT_STORED, MISSING, UNREADABLE = "not stored", "missing locally", "unreadable"

COLUMNS = ("name", "path", "size", "state", "archive_id")
BUFFERS = 8
"""How many pieces the linear hash may be behind the tree hash."""


# One file


@dataclass(frozen=True, kw_only=True)
class LocalHash:
    """A local file's size, its tree hash, and the SHA-256 that ``sha256sum`` prints."""

    path: Path
    size: int
    tree_hash: str
    sha256: str

    def compared(self, archives: Iterable[ArchiveRecord]) -> tuple[str, ArchiveRecord | None]:
        """Say whether the file is one of *archives*: ``same``, ``different``, ``size differs``.

        With it comes the archive that is meant: the equal one, else the newest of the same size,
        else the newest.
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

    The two are taken side by side, so this takes as long as the linear one alone.

    :param progress: called with the bytes hashed since its last call.
    :raises InputError: it is a folder, a device or a pipe.
    :raises LocalError: it cannot be read, or changes meanwhile.
    """
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):  # opening a pipe would wait for a writer
            raise InputError(f"{os.fspath(path)!r} is not a regular file", cure="")
        with io.FileIO(os.fspath(path)) as file, unchanged(file) as facts:
            tree, linear = _both(file, facts.st_size, progress)
    except (FileChanged, OSError) as error:
        raise LocalError(why_unread(path, error), cure="") from None
    return LocalHash(path=Path(path), size=facts.st_size, tree_hash=tree, sha256=linear)


def why_unread(path: str | os.PathLike[str], error: OSError | FileChanged) -> str:
    """Return in a sentence why a file could not be hashed."""
    if isinstance(error, FileChanged):
        return f"{os.fspath(path)!r} changed while it was hashed"
    return f"{os.fspath(path)!r} cannot be read: {error.strerror or error}"


def _both(file: io.FileIO, size: int, progress: Progress | None) -> tuple[str, str]:
    tree, linear = TreeHasher(), hashlib.sha256()
    with ThreadPoolExecutor(1, thread_name_prefix="glacier-sha256") as beside:
        behind: list[Future[None] | None] = [None] * BUFFERS
        buffers = [aligned_buffer(READ) for _ in range(min(BUFFERS, size // READ + 1))]
        for number, buffer in cycle(enumerate(buffers)):
            before = behind[number]
            if before is not None:
                before.result()
            count = file.readinto(buffer)
            if not count:
                break
            if tree.size + count > size:  # it may grow for ever
                raise FileChanged
            piece = buffer[:count]
            if size > CHUNK:  # up to there the two are one
                behind[number] = beside.submit(linear.update, piece)
            tree.update(piece)
            if progress:
                progress(count)
    told = tree.hexdigest()
    return told, linear.hexdigest() if size > CHUNK else told


def expand(words: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    """Yield the files and folders that *words* mean: paths, ``~``, globs.

    :raises InputError: a word means nothing.
    """
    for word in words:
        path = Path(word).expanduser()
        if os.fspath(word) and os.path.lexists(path):  # Path("") is the working folder
            yield path
            continue
        matches = sorted(glob.glob(os.fspath(word) and str(path), recursive=True))  # noqa: PTH207 - absolute ones too
        if not matches:
            raise InputError(
                f"No file matches {os.fspath(word)!r}",
                cure=f"Paths are looked up from {Path.cwd()}; quote a name with spaces.",
            )
        yield from map(Path, matches)


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
        """Return what may be a file's archive: by the name it would get, and by its path."""
        name = descriptions.decode(source.description).name
        found = {a.archive_id: a for a in self.catalogue.archives.named(self.vault, name)}
        for archive_id in self._stored_from(source.key):
            archive = self.catalogue.archives.get(self.vault, archive_id)
            if archive is not None and archive.state in ("pending", "present"):
                found[archive_id] = archive
        self.names.add(name)
        self.met.update(found)
        return list(found.values())

    def _stored_from(self, path: str) -> list[str]:
        scope = self.catalogue.scope
        rows = self.catalogue.database.rows(
            "SELECT DISTINCT archive_id FROM uploads WHERE account=? AND region=? AND vault=? "
            "AND state='done' AND path=?",
            (scope.account, scope.region, self.vault, path),
        )
        return [str(row["archive_id"]) for row in rows]

    def add(self, name: str, path: str, size: int | None, state: str, archive_id: str) -> None:
        """Add one row."""
        values = (storable(name), storable(path), size or 0, state, archive_id)
        self.rows.append(dict(zip(COLUMNS, values, strict=True)))


def verify(
    catalogue: Catalogue,
    vault: str,
    paths: Sequence[str | os.PathLike[str]],
    *,
    recursive: bool = False,
    progress: Observer | None = None,
) -> pd.DataFrame:
    """Hold local files against the archives that the catalogue knows; nothing is asked for.

    A file's archive is the one of the name that an upload of this path gives, or one that was
    stored from this path.  A file whose size is another is not read.

    The DataFrame has the columns name, path, size, state, archive_id.  States are ``same``,
    ``different``, ``not stored``, ``unreadable``, and ``missing locally`` for an archive below a
    folder's name that has no file there.  ``attrs["skipped"]`` lists what could not be compared,
    with the reason.

    :raises InputError: nothing matches, or a folder without *recursive*.
    """
    sources = find([os.fspath(path) for path in paths], recursive=recursive)
    work = _Comparison(catalogue, vault)
    known = [(source, work.candidates(source)) for source in sources.files]
    skipped = _compare_all(work, known, progress)
    folders = {path: _prefix(path) for path in expand(paths) if path.is_dir()}
    skipped += _emptied(work, sources, folders)
    for prefix in folders.values():
        _add_missing(work, prefix)
    frame = _table(sorted(work.rows, key=lambda row: str(row["name"])))
    frame.attrs.update(vault=vault, skipped=skipped)
    return frame


def _compare_all(
    work: _Comparison, known: Sequence[tuple[Source, list[ArchiveRecord]]], progress: Observer | None
) -> list[tuple[str, str]]:
    todo = [(source, _of_size(source.size, archives)) for source, archives in known]
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


def _of_size(size: int, archives: Iterable[ArchiveRecord]) -> list[ArchiveRecord]:
    return [archive for archive in archives if archive.size == size]


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


def _prefix(folder: Path) -> str:
    """Return what the names of all files in a folder begin with, as an upload gives them."""
    climbs = folder.is_absolute() or ".." in folder.parts
    top = folder.resolve().name if climbs else folder.as_posix()
    return "" if top == "." else f"{top}/"


def _emptied(work: _Comparison, sources: Sources, folders: dict[Path, str]) -> list[tuple[str, str]]:
    """Compare what an upload would leave out of a folder: an empty file may have been full."""
    left = []
    for text, reason in sources.skipped:
        path = Path(text)
        over = [folder for folder in folders if path.is_relative_to(folder)]
        name = f"{folders[over[0]]}{path.relative_to(over[0]).as_posix()}" if over else text
        archives = work.catalogue.archives.named(work.vault, storable(name))
        if archives:
            work.names.add(storable(name))
            work.add(name, str(path.absolute()), 0, DIFFERENT, archives[-1].archive_id)
        left.append((storable(text), reason))
    return left


def _add_missing(work: _Comparison, prefix: str) -> None:
    for archive in work.catalogue.archives.matching(work.vault, f"{glob.escape(prefix)}*"):
        if archive.name not in work.names and archive.archive_id not in work.met:
            work.met.add(archive.archive_id)
            work.add(archive.name, "", archive.size, MISSING, archive.archive_id)


def _table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame({name: [row[name] for row in rows] for name in COLUMNS})
    for name in COLUMNS:
        frame[name] = frame[name].astype("int64" if name == "size" else dataframes.text_type())
    return frame


def counted(table: pd.DataFrame) -> str:
    """Return a verification in a few words: ``3 same, 1 different``."""
    counts = Counter(table["state"])
    order = (SAME, DIFFERENT, UNREADABLE, NOT_STORED, MISSING)
    return ", ".join(f"{counts[state]:,} {state}" for state in order if counts[state])
