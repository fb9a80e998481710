"""The results of importers, and checks that they share."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from ..base.units import LARGEST_ARCHIVE
from ..errors.scrubbing import scrub
from . import sqlite_files

RETRIEVAL = "ArchiveRetrieval"
HEAD = 65536
"""Bytes at the beginning of a file by which its kind is recognised."""

_ID = re.compile("[A-Za-z0-9_-]{1,512}")  # an id becomes part of a request's path
_TREE_HASH = re.compile("[0-9A-Fa-f]{64}")
_EARLIEST, _LATEST = -62135596800, 253402300800
"""The years 1 to 9999, in seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedArchive:
    """Another program's record of an archive: size in bytes, times in ms since 1970 UTC.

    ``description`` is the service's text, or None if the program did not store it; ``seen_ms`` is
    the last inventory that listed the archive, if known; ``gone`` means that a later inventory of
    that program did not list it; ``labels`` are its tags, and ``note`` has further facts.
    """

    archive_id: str
    vault: str | None = None
    region: str | None = None
    account: str | None = None
    name: str | None = None
    description: str | None = None
    size: int | None = None
    created_ms: int | None = None
    mtime_ms: int | None = None
    tree_hash: str | None = None
    deleted: bool = False
    gone: bool = False
    seen_ms: int | None = None
    labels: str = ""
    note: str = ""


class Left:
    """The items that were left out: a count for each reason, and the first items by name."""

    MOST = 1000  # a damaged file may have millions

    def __init__(self) -> None:
        self.cut = False
        """Whether the file is truncated, so that the missing items are unknown."""
        self.reasons: Counter[str] = Counter()
        self._items: list[tuple[str, str]] = []

    def add(self, what: str, why: str) -> None:
        """Note that *what*, such as ``line 7``, was left out because of *why*."""
        self.reasons[why] += 1
        if len(self._items) < self.MOST:
            self._items.append((what, why))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Iterate over the first items, as pairs of what and why."""
        return iter(self._items)

    def __len__(self) -> int:
        """Return the total number of items."""
        return self.reasons.total()


@dataclass(slots=True, kw_only=True)
class Imported:
    """The contents of a file; ``items`` and ``jobs``, which has ids, can each be iterated once.

    The iteration adds to ``left``; ``notes`` are sentences about the whole file.  ``names_only``
    means that it names archives of a vault that the catalogue knows, and is no record of them.
    """

    format: str
    source: Path
    items: Iterator[ImportedArchive]
    left: Left
    jobs: Iterator[str] = field(default_factory=lambda: iter(()))
    notes: list[str] = field(default_factory=list)
    names_only: bool = False


class SourceFile:
    """A file of unknown kind: its path, its beginning, and its tables if it is SQLite."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def head(self) -> bytes:
        """The first bytes; none if only files with further suffixes exist."""
        if not self.path.is_file():
            return b""
        with self.path.open("rb") as file:
            return file.read(HEAD)

    @cached_property
    def tables(self) -> dict[str, frozenset[str]]:
        """The tables of a SQLite file with their columns, in lower case; none for other files."""
        return sqlite_files.tables(self.path) if sqlite_files.is_one(self.head) else {}


class Importer(Protocol):
    """A module that reads one kind of file."""

    @property
    def FORMAT(self) -> str:  # noqa: N802 - a constant of the modules that implement it
        """The name of the format."""

    def recognises(self, file: SourceFile) -> bool:
        """Return whether a file is of this kind, judged by its content."""

    def read(self, path: Path) -> Imported:
        """Return a reader of a file of this kind."""


@contextmanager
def damage_noted(left: Left, what: str) -> Iterator[None]:
    """Note in *left* that the rest of the archives or jobs is missing, if a SQLite file is damaged."""
    try:
        yield
    except sqlite3.Error as error:
        left.add(f"the rest of the {what}", f"the file is damaged: {scrub(error)}")


def distinct(archives: Iterator[ImportedArchive], left: Left) -> Iterator[ImportedArchive]:
    """Yield the first of several names of one archive; the others are left out."""
    seen: set[str] = set()
    for archive in archives:
        if archive.archive_id in seen:
            left.add(archive.name or "", "its archive has another name in the file")
        else:
            seen.add(archive.archive_id)
            yield archive


def read_job(name: object, job_id: object, left: Left) -> Iterator[str]:
    """Yield the id of the job that a program recorded for a file name; an invalid id is left out."""
    if is_id(job_id) and isinstance(name, str):
        yield str(job_id)
    else:
        left.add(f"the job of {name!a:.80}", "its id is invalid")


def is_id(value: object) -> bool:
    """Return whether *value* can be an id of the service."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def tree_hash(value: object) -> str | None:
    """Return a tree hash in lower case, or None if it is invalid."""
    if isinstance(value, str) and _TREE_HASH.fullmatch(value):
        return value.lower()
    return None


def size(value: object) -> int | None:
    """Return a valid size of an archive in bytes, or None."""
    return value if type(value) is int and 0 <= value <= LARGEST_ARCHIVE else None  # not a bool


def milliseconds(seconds: object) -> int | None:
    """Return a time in seconds since 1970 in milliseconds, or None if it is invalid."""
    if type(seconds) is not int and type(seconds) is not float:  # not a bool
        return None
    # NaN and infinity are not in the range.
    return int(seconds * 1000) if _EARLIEST <= seconds < _LATEST else None


def text(value: object) -> str | None:
    """Return a text in a form that can be stored, or None if it is not a text."""
    if not isinstance(value, str):
        return None
    # Bytes that are not UTF-8 become escapes.
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
