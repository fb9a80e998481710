"""The files, folders and links of a backup, as they are on the disk."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from ..base.paths import as_utf8
from ..base.units import storable
from ..errors import InputError
from .rules import CACHE_TAG, RULE_FILE, Patterns, Rules, patterns

Kind = Literal["file", "folder", "link"]
_KINDS: dict[int, Kind] = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}


class Entry(NamedTuple):
    """A file, folder or symbolic link, as ``lstat`` describes it.

    :param key: the path as text for the catalogue; that of a folder ends in a slash.
    :param path: its name in the backup, with slashes; bytes that are not UTF-8 are surrogates.
    :param place: its path on the disk.
    :param links: the number of its names on the disk.
    :param target: where a link leads to.
    """

    key: str
    path: str
    place: str
    kind: Kind
    size: int
    mode: int
    mtime_ns: int
    ctime_ns: int
    device: int
    inode: int
    links: int
    target: str | None = None


def _key(path: str) -> str:
    return storable(as_utf8(path))


@dataclass
class Scan:
    """Walks through folders; iterate over it once.

    Entries come in the order of their keys: each folder comes before its contents.  Links are never
    followed, and folders that a rule leaves out are never entered.

    :param roots: the folders and files of the backup.  The paths of a single folder's entries are
        relative to it; those of several roots begin with the name of the root.
    :raises InputError: a root does not exist, or two have one name.
    """

    roots: Sequence[Path]
    rules: Rules
    apart: Path | None = None
    """A folder that is never entered."""
    left_out: Counter[str] = field(default_factory=Counter)
    """How many files and folders each rule left out."""
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    """The paths that cannot be read or stored, with the reason."""

    def __post_init__(self) -> None:
        names: dict[str, Path] = {}
        for root in self.roots:
            if not os.path.lexists(root):
                raise InputError(f"{str(root)!r} does not exist")
            if not root.resolve().name:
                raise InputError(f"{str(root)!r} has no name; name the folders in it")
            other = names.setdefault(root.resolve().name, root)
            if other is not root:
                raise InputError(
                    f"{str(other)!r} and {str(root)!r} have one name",
                    cure="Back up their parent folder, or make two sets.",
                )
        self._roots = names
        self._hidden: list[str] = []
        self._apart: tuple[int, int] | None = None
        if self.apart is not None:
            with suppress(OSError):  # it is not there yet
                facts = self.apart.lstat()
                self._apart = facts.st_dev, facts.st_ino

    def hides(self, key: str) -> bool:
        """Return whether an entry, or a folder above it, cannot be read, so that it may still be there."""
        return any(not one or key.rstrip("/") == one or key.startswith(f"{one}/") for one in self._hidden)

    def __iter__(self) -> Iterator[Entry]:
        outer = (patterns(self.rules.exclude),) if self.rules.exclude else ()
        if len(self.roots) == 1 and self.roots[0].is_dir():
            yield from self._below(str(self.roots[0]), "", self.roots[0].stat().st_dev, outer)
            return
        for name, place in sorted(
            self._roots.items(), key=lambda root: _key(root[0]) + "/" * root[1].is_dir()
        ):
            # A root is followed if it is a link: the user has named it.
            found = self._entry(os.path.realpath(place), name, _key(name))
            if found is not None:
                yield from self._with_contents(found, outer, found.device)

    def _with_contents(self, entry: Entry, outer: tuple[Patterns, ...], device: int) -> Iterator[Entry]:
        if entry.kind != "folder":
            yield entry
        elif (entry.device, entry.inode) == self._apart:
            return
        elif self.rules.one_file_system and entry.device != device:
            self.left_out["another file system"] += 1
        else:
            yield from self._below(entry.place, f"{entry.path}/", device, outer, entry)

    def _below(
        self, place: str, prefix: str, device: int, outer: tuple[Patterns, ...], folder: Entry | None = None
    ) -> Iterator[Entry]:
        """Yield *folder* and what it holds, unless what it holds leaves it out."""
        try:
            with os.scandir(place) as found:
                keys = {
                    each.name: _key(each.name) + "/" * each.is_dir(follow_symlinks=False) for each in found
                }
        except OSError as error:
            self._unread(prefix, error, place)
            return
        above = folder.key if folder else ""
        names = sorted(keys, key=lambda name: (keys[name], name))
        reason = self._left_out_by(place, frozenset(names)) if folder else None
        if reason:
            self.left_out[reason] += 1
            return
        if folder:
            yield folder
        if RULE_FILE in names:
            outer = (*outer, *self._rules_in(place, prefix))
        for before, name in zip((None, *names), names, strict=False):
            if before is not None and keys[before] == keys[name]:
                self.unreadable.append((prefix + name, "has the name of another, as text"))
                continue
            entry = self._entry(f"{place}{os.sep}{name}", prefix + name, above + keys[name])
            if entry is None or self._is_left_out(entry, outer):
                continue
            yield from self._with_contents(entry, outer, device)

    def _left_out_by(self, place: str, names: frozenset[str]) -> str | None:
        if self.rules.caches and "CACHEDIR.TAG" in names:
            try:
                with Path(place, "CACHEDIR.TAG").open("rb") as tag:
                    if tag.read(64).startswith(CACHE_TAG):
                        return "is a cache"
            except OSError:
                pass  # a tag that cannot be read does not count
        return self.rules.marked(names)

    def _rules_in(self, place: str, prefix: str) -> tuple[Patterns, ...]:
        try:
            with Path(place, RULE_FILE).open(encoding="utf-8", errors="surrogateescape") as file:
                return (patterns(file.read().splitlines(), prefix),)
        except OSError as error:  # without its rules, the folder would be stored with what they leave out
            raise InputError(f"{prefix}{RULE_FILE} cannot be read: {error.strerror}") from None

    def _is_left_out(self, entry: Entry, outer: tuple[Patterns, ...]) -> bool:
        for each in reversed(outer):  # the rules of the nearest folder win
            rule = each.rule(entry.path, folder=entry.kind == "folder")
            if rule is not None:
                self.left_out[rule[1]] += rule[0]
                return rule[0]
        large = self.rules.too_large(entry.size) if entry.kind == "file" else None
        if large:
            self.left_out[large] += 1
        return large is not None

    def _entry(self, place: str, path: str, key: str) -> Entry | None:
        """Return what lies at *place*, or None if it cannot be stored."""
        try:
            facts = os.lstat(place)
            kind = _KINDS.get(stat.S_IFMT(facts.st_mode))
            target = str(Path(place).readlink()) if kind == "link" else None
        except OSError as error:
            self._unread(path, error)
            return None
        if kind is None:
            self.unreadable.append((path, "is not a file, folder or link"))
            return None
        return Entry(
            key=key.rstrip("/") + "/" * (kind == "folder"),  # its kind may have changed since the listing
            path=path,
            place=place,
            kind=kind,
            size=facts.st_size if kind == "file" else 0,
            mode=stat.S_IMODE(facts.st_mode),
            mtime_ns=facts.st_mtime_ns,
            ctime_ns=facts.st_ctime_ns,
            device=facts.st_dev,
            inode=facts.st_ino,
            links=facts.st_nlink,
            target=target,
        )

    def _unread(self, path: str, error: OSError, place: str = "") -> None:
        self.unreadable.append((path or place, error.strerror or type(error).__name__))
        if not isinstance(error, FileNotFoundError | NotADirectoryError):  # deleted, or of another kind
            self._hidden.append(_key(path.rstrip("/")))
