"""The paths of the files of a restore, and the files that exist already."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from itertools import takewhile
from pathlib import Path

from ...base.ranges import ByteRange, part_name
from ...base.safenames import UnsafePath, alternatives, safe_target
from ...base.treehash import FileChanged, tree_hash
from ...catalogue import ArchiveRecord
from ...catalogue.storage.letters import folded
from ...errors import InputError
from ...transfer.local_files import unverified

Wanted = tuple[ArchiveRecord, ByteRange | None]
"""An archive, and the bytes of it that are wanted; None for all of them."""

LONGEST = 150
"""Bytes of an archive's name in the name of a part: file systems allow 255 in all."""


def targets(wanted: Sequence[Wanted], root: Path) -> list[tuple[Path, Path]]:
    """Return the path of each one's name below *root*, and the one to write.

    Two of one name and different bytes, and a file where another needs a folder, get numbered
    names.
    """
    paths = [_path(archive, part, root) for archive, part in wanted]
    keys = [(path, archive.bytes_key) for path, (archive, _) in zip(paths, wanted, strict=True)]
    parents = {path.parent for path in paths}  # far fewer than archives
    folders = {folder for path in parents for folder in (path, *path.parents)}
    taken = {folded(str(path)) for path in folders}  # some file systems ignore case, or composition
    chosen: dict[tuple[Path, str], Path] = {}
    for key in keys:
        if key not in chosen:  # the same name and bytes: one file serves both
            chosen[key] = next(each for each in alternatives(key[0]) if folded(str(each)) not in taken)
            taken.add(folded(str(chosen[key])))
    return [(key[0], chosen[key]) for key in keys]


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


def free_path(path: Path, part: ByteRange | None) -> Path:
    """Return the path, or a numbered one, that no file has; nor a part that could not be verified."""
    return next(
        each
        for each in alternatives(path)
        if not (each.exists() or (part is not None and unverified(each).exists()))
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
