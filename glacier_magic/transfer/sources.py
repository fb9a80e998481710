"""The files of an upload, and the names under which they are stored."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from .. import descriptions
from ..base.units import plural, storable
from ..errors import InputError, LocalError

LARGEST = 10_000 * (4 << 30)
"""Bytes in the largest archive: 10,000 parts of 4 GiB."""

_Describe = Callable[[str, float], str]
"""Returns the description of a file, given its name and modification time in seconds since 1970."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file to store: its path, the name and description of its archive, size and time."""

    path: Path
    name: str
    description: str
    size: int
    mtime_ns: int

    @property
    def key(self) -> str:
        """The path as text for the catalogue; bytes that are not UTF-8 are escaped."""
        return storable(str(self.path))

    @property
    def identity(self) -> dict[str, Any]:
        """The facts by which the catalogue recognizes an upload of the same, unchanged file."""
        return {
            "path": self.key,
            "size": self.size,
            "mtime_ns": self.mtime_ns,
            "description": self.description,
        }


@dataclass
class Sources:
    """The files of one upload, and the skipped ones with the reason."""

    files: list[Source] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    _seen: set[Path] = field(default_factory=set)

    @property
    def looked_at(self) -> int:
        """The number of paths found, stored or skipped."""
        return len(self._seen)

    def new(self, path: Path) -> bool:
        """Return whether *path* was not found before; two words may match the same file."""
        known = path.absolute() in self._seen
        self._seen.add(path.absolute())
        return not known

    @property
    def size(self) -> int:
        """The total size of the files in bytes."""
        return sum(source.size for source in self.files)


def find(
    words: Sequence[str],
    *,
    recursive: bool = False,
    description: str | None = None,
    description_format: str = descriptions.DEFAULT,
) -> Sources:
    """Return the files that match *words*: paths, ``~``, globs, and folders if *recursive*.

    The name of an archive is the path as given; for an absolute path, or one with ``..``, it starts
    at the last component.  An empty file raises an error if named, and is skipped in a folder: the
    service stores no empty archives.

    :param description_format: the format for name and time if no description is given.
    :raises InputError: nothing matches, a folder without *recursive*, an empty or oversized file,
        two files of one name, or a description that the service would refuse.
    """
    found = Sources()
    describe = partial(_describe, description, description_format)
    for path in expand(words):
        if path.is_dir():
            _add_folder(found, path, recursive, describe)
        else:
            _add(found, path, name_of(path), describe, named=True)
    _refuse_twins(found.files)
    if description is not None and len(found.files) > 1:
        raise InputError(
            f"One description for {plural(len(found.files), 'file')} would give all the same name",
            cure="Omit --description: each file then keeps its own name.",
        )
    return found


def expand(words: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    """Yield the files and folders that match *words*: paths, ``~``, globs.

    :raises InputError: nothing matches a word.
    """
    for word in (os.fspath(given) for given in words):
        path = Path(word).expanduser()
        if word and os.path.lexists(path):  # Path("") is the working folder
            yield path  # an existing name, even if it looks like a pattern
            continue
        matches = sorted(glob.glob(word and str(path), recursive=True))  # noqa: PTH207 - a pattern, not a path
        if not matches:
            raise InputError(
                f"No file matches {word!r}",
                cure=f"Paths are looked up from {Path.cwd()}; quote a name with spaces.",
            )
        yield from map(Path, matches)


def name_of(path: Path) -> str:
    """Return the name of a path's archive, or the beginning of the names in a folder."""
    pure = PurePath(path)
    if pure.is_absolute() or ".." in pure.parts:
        return path.resolve().name
    return pure.as_posix()


def _add_folder(found: Sources, folder: Path, recursive: bool, describe: _Describe) -> None:
    if not recursive:
        raise InputError(f"{str(folder)!r} is a folder", cure="Add --recursive to take all files below it.")
    top, before, seen = name_of(folder), len(found.files), found.looked_at
    walked = 0
    for path in _walk(folder, found):
        walked += 1
        inside = path.relative_to(folder).as_posix()
        _add(found, path, inside if top == "." else f"{top}/{inside}", describe, named=False)
    named_twice = walked and found.looked_at == seen  # another word matched the same folder
    if len(found.files) == before and not named_twice:
        raise InputError(f"There is no file in {str(folder)!r}", cure="")


def _walk(folder: Path, found: Sources) -> Iterator[Path]:
    def complain(error: OSError) -> None:
        raise LocalError(f"The folder {error.filename!r} cannot be read: {error.strerror}")

    # Without onerror, os.walk leaves out what it cannot read.
    for base, folders, files in os.walk(folder, onerror=complain):
        folders.sort()  # in place: os.walk descends in this order
        for name in folders:
            if (Path(base) / name).is_symlink():  # os.walk does not follow links, which may be circular
                found.skipped.append((str(Path(base) / name), "it is a link to a folder"))
        for name in sorted(files):
            yield Path(base) / name


def _add(found: Sources, path: Path, name: str, describe: _Describe, *, named: bool) -> None:
    if not found.new(path):
        return
    try:
        facts = path.stat()  # of what a link leads to: that is stored
    except OSError as error:
        if named:
            raise LocalError(f"{str(path)!r} cannot be read: {error.strerror}") from None
        found.skipped.append((str(path), f"it cannot be read: {error.strerror}"))
        return
    reason = _objection(facts)
    if reason and named:
        raise InputError(f"{str(path)!r} cannot be stored: {reason}", cure="")
    if reason:
        found.skipped.append((str(path), reason))
        return
    found.files.append(
        Source(
            path=path.absolute(),
            name=name,
            description=describe(name, facts.st_mtime),
            size=facts.st_size,
            mtime_ns=facts.st_mtime_ns,  # with the size, it shows whether the file has changed since
        )
    )


def _objection(facts: os.stat_result) -> str:
    if not stat.S_ISREG(facts.st_mode):  # a pipe has no size, and a device may have no end
        return "it is not a regular file"
    if facts.st_size == 0:
        return "it is empty, and the service stores no empty archives"
    if facts.st_size > LARGEST:
        return "it is larger than 40,000 GiB, the largest size of an archive"
    return ""


def _describe(description: str | None, form: str, name: str, mtime: float) -> str:
    try:
        if description is not None:
            descriptions.check(description)
            return description
        modified = datetime.fromtimestamp(int(mtime), UTC)  # the formats have whole seconds
        return descriptions.encode(name, modified, format=form)
    except ValueError as error:
        raise InputError(f"{name!r} cannot be described: {error}", cure="") from None


def _refuse_twins(files: Sequence[Source]) -> None:
    seen: dict[str, Path] = {}
    for source in files:
        other = seen.setdefault(source.name, source.path)
        if other != source.path:
            raise InputError(
                f"{str(other)!r} and {str(source.path)!r} would both be stored as {source.name!r}",
                cure="Change to a folder above both and give their relative paths.",
            )
