"""The paths of the files of a restore, and the files that exist already."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import groupby, islice, takewhile
from pathlib import Path

from ...base.ranges import ByteRange, part_name
from ...base.safenames import UnsafePath, alternatives, are_plain, has_room, numbered, safe_target
from ...base.treehash import FileChanged, tree_hash
from ...catalogue import ArchiveRecord
from ...catalogue.archives.archive_sequence import contents_of, plain_names, records_of, repeated
from ...catalogue.storage.letters import folded
from ...errors import InputError
from ...transfer.local_files import unverified

Wanted = tuple[ArchiveRecord, ByteRange | None]
"""An archive, and the bytes of it that are wanted; None for all of them."""

_PIECE = 500
"""Names that are looked at together."""
LONGEST = 150
"""Bytes of an archive's name in the name of a part: file systems allow 255 in all."""


def targets(wanted: Sequence[Wanted], root: Path) -> list[tuple[Path, Path]]:
    """Return the path of each one's name below *root*, and the one to write.

    Two of one name and different bytes, and a file where another needs a folder, get numbered
    names.
    """
    paths = [_path(archive, part, root) for archive, part in wanted]
    texts = list(map(str, paths))
    chosen = _numbered(texts, [archive.bytes_key for archive, _ in wanted], _folders(texts))
    return [(path, Path(text)) for path, text in zip(paths, chosen, strict=True)]


def _folders(paths: Iterable[str]) -> set[str]:
    """Return the folders of paths, folded."""
    found: set[str] = set()
    for path in paths:
        folder = path.rpartition(os.sep)[0]
        while folder not in found:  # mostly it is that of another path, too
            found.add(folder)
            folder = folder.rpartition(os.sep)[0]
    return set(map(folded, found))


def _numbered(paths: Sequence[str], contents: Iterable[str], folders: Collection[str]) -> list[str]:
    """Return the path that each is written to.

    :param contents: the same text for the same bytes.
    :param folders: what no path may be, folded: some file systems ignore case, or composition.
    """
    taken: set[str] = set()
    chosen: dict[tuple[str, str], str] = {}
    keys = list(zip(paths, contents, strict=True))
    for key in keys:
        if key not in chosen:  # the same name and bytes: one file serves both
            free, fold = key[0], folded(key[0])
            if fold in taken or fold in folders:
                others = ((name, folded(name)) for name in numbered(free))
                free, fold = next(each for each in others if each[1] not in taken and each[1] not in folders)
            chosen[key] = free
            taken.add(fold)
    return [chosen[key] for key in keys]


@dataclass(frozen=True)
class Targets:
    """The files of whole archives below a folder, by place.

    :param own: the path of each one's name.
    :param chosen: the one to write: see :func:`targets`.
    :param existing: the places of those for which a file may be there already.
    """

    own: Sequence[str]
    chosen: Sequence[str]
    existing: Collection[int]

    @classmethod
    def of(cls, archives: Sequence[ArchiveRecord], root: Path) -> Targets:
        """Return the files of archives.

        :raises InputError: a name cannot be written below *root*.
        """
        own, disk = _own(archives, root), _Disk(root)
        existing = [] if disk.empty else [place for place, path in enumerate(own) if disk.may_have(path)]
        for place, archive in zip(existing, records_of(archives, existing), strict=True):
            own[place] = str(_path(archive, None, root))  # a link may lead out
        marks = array("q", map(hash, map(folded, own)))
        folders = _folders(own)
        several, chosen, new = repeated(marks) | set(map(hash, folders)), list(own), set()
        places = [place for place, mark in enumerate(marks) if mark in several]
        places.sort(key=marks.__getitem__)  # what a disk may not tell apart comes together, in order
        pairs = zip(places, contents_of(archives, places), strict=True)
        for _, group in groupby(pairs, lambda pair: marks[pair[0]]):
            some, contents = zip(*group, strict=True)
            for place, path in zip(some, _numbered([own[p] for p in some], contents, folders), strict=True):
                if path != own[place]:
                    chosen[place] = path
                    new.add(hash(folded(path)))
        if not new.isdisjoint(marks):  # a number makes the name of another archive: all count, in order
            chosen = _numbered(own, contents_of(archives), folders)
        if not disk.empty:
            existing += [p for p, path in enumerate(chosen) if path != own[p] and disk.may_have(path)]
        return cls(own, chosen, frozenset(existing))


def _own(archives: Sequence[ArchiveRecord], root: Path) -> list[str]:
    """Return the path of each archive's name; whether a link leads out of *root* is not looked at of all."""
    found: list[str] = []
    odd: list[int] = []
    before, fits = str(root / "x")[:-1], has_room(root)
    names = plain_names(archives)
    while some := list(islice(names, _PIECE)):
        if not (fits and are_plain(some)):
            odd += [place for place, name in enumerate(some, len(found)) if not (fits and are_plain([name]))]
        found += [before + name for name in some]
    for place, archive in zip(odd, records_of(archives, odd), strict=True):
        found[place] = str(_path(archive, None, root))
    return found


class _Disk:
    """What is on the disk below a folder; each folder is read once."""

    def __init__(self, root: Path) -> None:
        self._root, self._base = root, root.resolve()
        self.empty = not os.path.lexists(root)
        self._names: dict[str, frozenset[str] | None] = {}

    def may_have(self, path: str) -> bool:
        """Return whether a path exists, or its folder is not simply one below the root."""
        folder, name = os.path.split(path)
        if folder not in self._names:
            self._names[folder] = self._read(folder)
        names = self._names[folder]
        return names is None or folded(name) in names

    def _read(self, folder: str) -> frozenset[str] | None:
        with suppress(OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
            if Path(folder).resolve().is_relative_to(self._base):
                with suppress(FileNotFoundError):
                    return frozenset(folded(path.name) for path in Path(folder).iterdir())
                return frozenset()
        return None


def _path(archive: ArchiveRecord, part: ByteRange | None, root: Path) -> Path:
    """Return where an archive goes below a folder; a part goes beside its archive."""
    wanted = archive.file_name
    for name in (wanted, wanted.replace("/", "_")):  # a link may lead out: no folders then
        try:
            path = safe_target(root, name, fallback=archive.archive_id)
            if part is None:
                return path
            # The ending must survive: it says which bytes the file has.
            short = path.name.encode()[:LONGEST].decode(errors="ignore")  # a cut may fall inside a character
            path = path.with_name(part_name(short, part))
            return safe_target(root, path.relative_to(root).as_posix(), fallback="part")  # again: longer now
        except UnsafePath as error:
            refused = error
    raise InputError(f"{archive.name!r} cannot be written below {root}: {refused}") from None


def free_path(path: Path, part: ByteRange | None, chosen: Callable[[], Collection[str]]) -> Path:
    """Return the path, or a numbered one, that no file has; nor a part that could not be verified.

    :param chosen: the paths of the other archives, folded: no number may make one of them.
    """
    return next(
        each
        for each in alternatives(path)
        if not (each.exists() or (part is not None and unverified(each).exists()))
        and (each == path or folded(str(each)) not in chosen())
    )


class ExistingFiles:
    """Existing files by name; each is read at most once."""

    def __init__(self) -> None:
        self._named: dict[Path, list[tuple[Path, int]]] = {}
        self._hash = cache(_hash_of)  # reads the whole file

    def holding(self, archive: ArchiveRecord, *names: Path) -> Path | None:
        """Return the file of a name, or of a numbered one, with the tree hash of an archive."""
        for name in dict.fromkeys(names):  # the two are mostly the same
            for path, size in self._existing(name):
                # The size first: hashing reads the whole file.  Without a hash no file is trusted.
                if size == archive.size and self._hash(path) == (archive.tree_hash or ""):
                    return path
        return None

    def _existing(self, name: Path) -> list[tuple[Path, int]]:
        if name not in self._named:
            paths = takewhile(Path.exists, alternatives(name))
            self._named[name] = [(p, p.stat().st_size) for p in paths if p.is_file()]  # a pipe has no end
        return self._named[name]


def _hash_of(path: Path) -> str | None:
    with suppress(OSError, FileChanged):
        return tree_hash(path)
    return None
