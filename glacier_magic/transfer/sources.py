"""The files of an upload, and the names under which they are stored."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path, PurePath
from typing import Any

from .. import descriptions
from ..base.paths import as_utf8
from ..base.units import LARGEST_ARCHIVE, plural, storable
from ..errors import GlacierError, InputError, LocalError
from ..errors.scrubbing import scrub
from ..errors.steps import option

_TIME_BITS = 63  # of the numbers of databases
_STARS = re.compile(r"(?:^|(?<=/))\*\*(?:/|$)")

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

    @cached_property
    def key(self) -> str:
        """The path as text for the catalogue; bytes that are not UTF-8 are escaped."""
        return storable(as_utf8(str(self.path)))

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

    def new(self, path: Path) -> bool:
        """Return whether *path* was not found before; two words may match the same file."""
        before = len(self._seen)
        self._seen.add(path.absolute())
        return len(self._seen) > before

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
    root: Path | None = None,
) -> Sources:
    """Return the files that match *words*: paths, ``~``, globs, and folders if *recursive*.

    The name of an archive is the path as given; for an absolute path, or one with ``..``, it starts
    at the last component.  What cannot be stored, such as an empty file, is left out with the reason;
    it raises an error if it is the only word.  (Several may be one glob, which a shell has expanded.)

    :param description_format: the format for name and time if no description is given.
    :param root: the names of absolute paths below this folder start there.
    :raises InputError: nothing matches a word, the only word is a folder without *recursive*, or an
        empty or oversized file, or has a description that the service would refuse; or two files have
        one name.
    :raises LocalError: nothing of all that matches can be stored.
    """
    found = Sources()
    describe = partial(_describe, description, description_format)
    for path, matched in _expanded(words):
        adding = _Adding(found, describe, alone=not matched and len(words) == 1, root=root)
        if not os.path.isdir(path):
            adding.file(path, name_of(path, root))
        elif not recursive:
            adding.leave_out(
                path, "is a folder", cure=f"Add {option('recursive', True)} to take all files below it."
            )
        elif matched and path.is_symlink():
            adding.leave_out(path, "is a link to a folder")
        else:
            adding.folder(path)
    if found.skipped and not found.files:
        first, reason = found.skipped[0]
        raise LocalError(f"No file that was found can be stored: {storable(first)!r}: {reason}", cure="")
    _refuse_twins(found.files)
    if description is not None and len(found.files) > 1:
        raise InputError(
            f"One description for {plural(len(found.files), 'file')} would give all the same name",
            cure=f"Omit {option('description')}: each file then keeps its own name.",
        )
    return found


def expand(words: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    """Yield the files and folders that match *words*: paths, ``~``, globs.

    :raises InputError: nothing matches a word.
    """
    return (path for path, _ in _expanded(words))


def _expanded(words: Iterable[str | os.PathLike[str]]) -> Iterator[tuple[Path, bool]]:
    """Yield what :func:`expand` does, each with whether a glob matched it."""
    for word in (os.fspath(given) for given in words):
        path = Path(word)
        if not os.path.lexists(word):  # a file may be called "~$1.doc"
            path = Path(os.path.expanduser(word))
        if word and os.path.lexists(path):  # Path("") is the working folder
            yield path, False  # an existing name, even if it looks like a pattern
            continue
        pattern = word and str(path)
        matches = sorted(set(_globbed(pattern)))
        if _STARS.search(pattern):  # the files of a folder are matched, too
            matches = [match for match in matches if not os.path.isdir(match)]
        if not matches:
            raise InputError(
                f"No file matches {word!r}",
                cure=f"Paths are looked up from {Path.cwd()}; quote a name with spaces.",
            )
        yield from ((Path(match), True) for match in matches)


def _globbed(pattern: str) -> list[str]:
    """Return what matches a glob; ``**`` follows no link to a folder, which may be circular."""
    stars = _STARS.search(pattern)
    if stars is None:
        return glob.glob(pattern)
    found: list[str] = []
    before, behind = pattern[: stars.start()], pattern[stars.end() :]
    for top in _globbed(before) if before else [""]:
        for base, folders, _ in os.walk(top or os.curdir):
            folders[:] = [name for name in folders if not name.startswith(".")]
            inside = os.path.join(base, "").removeprefix("" if top else "./")  # with its slash
            found += _globbed(glob.escape(inside) + (behind or "*"))
    return found


def name_of(path: Path, root: Path | None = None) -> str:
    """Return the name of a path's archive, or the beginning of the names in a folder.

    :param root: see :func:`find`.
    """
    pure = PurePath(path)
    if root is not None and pure.is_relative_to(root):
        pure = pure.relative_to(root)
    if pure.is_absolute() or ".." in pure.parts:
        path = Path(os.path.realpath(path))  # not resolve(): a loop of links is no error yet
        return as_utf8(path.name)
    return as_utf8(pure.as_posix())


@dataclass(frozen=True)
class _Adding:
    """Adds the files that a word matches; *alone* if it is the only word, and no glob."""

    found: Sources
    describe: _Describe
    alone: bool
    root: Path | None

    def leave_out(self, path: Path, why: str, kind: type[GlacierError] = InputError, cure: str = "") -> None:
        """Record that a file or folder is left out, and why; alone, it raises an error."""
        if self.alone:
            raise kind(f"{str(path)!r} {why}", cure=cure)
        self.found.skipped.append((str(path), f"it {why}. {cure}".rstrip(" .")))

    def folder(self, folder: Path) -> None:
        top, inside = name_of(folder, self.root), replace(self, alone=False)
        seen = len(self.found.skipped)
        walked = False
        for path in inside.walk(folder):
            walked = True
            below = as_utf8(path.relative_to(folder).as_posix())
            inside.file(path, below if top == "." else f"{top}/{below}")
        if not walked and len(self.found.skipped) == seen:
            self.leave_out(folder, "has no file in it")

    def walk(self, folder: Path) -> Iterator[Path]:
        def unread(error: OSError) -> None:
            self.leave_out(Path(error.filename), f"cannot be read: {error.strerror}")

        # Without onerror, os.walk leaves out what it cannot read.
        for base, folders, files in os.walk(folder, onerror=unread):
            folders.sort()  # in place: os.walk descends in this order
            for path in (Path(base) / name for name in folders):
                if os.path.islink(path):  # os.walk does not follow links, which may be circular
                    self.leave_out(path, "is a link to a folder")
            for name in sorted(files):
                yield Path(base) / name

    def file(self, path: Path, name: str) -> None:
        if not self.found.new(path):
            return
        try:
            facts = path.stat()  # of what a link leads to: that is stored
        except OSError as error:
            self.leave_out(path, f"cannot be read: {error.strerror}", LocalError)
            return
        why = _objection(facts)
        try:
            description = "" if why else self.describe(name, facts.st_mtime)
        except (ValueError, OverflowError, OSError) as error:  # datetime cannot represent all times
            why = f"cannot be described: {scrub(error)}"
        if why:
            self.leave_out(path, why)
            return
        self.found.files.append(
            Source(
                path=path.absolute(),
                name=name,
                description=description,
                size=facts.st_size,
                mtime_ns=facts.st_mtime_ns,  # with the size, it shows whether the file has changed since
            )
        )


def _objection(facts: os.stat_result) -> str:
    if not stat.S_ISREG(facts.st_mode):  # a pipe has no size, and a device may have no end
        return "is not a regular file"
    if facts.st_size == 0:
        return "is empty, and the service stores no empty archives"
    if facts.st_size > LARGEST_ARCHIVE:
        return "is larger than 40,000 GiB, the largest size of an archive"
    if facts.st_mtime_ns.bit_length() > _TIME_BITS:
        return "was changed in a year that the catalogue cannot represent"
    return ""


def _describe(description: str | None, form: str, name: str, mtime: float) -> str:
    if description is not None:
        descriptions.check(description)
        return description
    modified = datetime.fromtimestamp(int(mtime), UTC)  # the formats have whole seconds
    return descriptions.encode(name, modified, format=form)


def _refuse_twins(files: Sequence[Source]) -> None:
    seen: dict[str, Path] = {}
    for source in files:
        other = seen.setdefault(source.name, source.path)
        if other != source.path:
            raise InputError(
                f"{str(other)!r} and {str(source.path)!r} would both be stored as {source.name!r}",
                cure="Change to a folder above both and give their relative paths.",
            )
