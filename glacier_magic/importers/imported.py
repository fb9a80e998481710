"""What every importer shares: what it gives, what it leaves, and the checks on the way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from ..transfer.sources import LARGEST
from . import sqlite_files

RETRIEVAL = "ArchiveRetrieval"
HEAD = 65536
"""Bytes of a file's beginning that tell its kind."""

_ID = re.compile("[A-Za-z0-9_-]{1,512}")
_TREE_HASH = re.compile("[0-9A-Fa-f]{64}")
_EARLIEST, _LATEST = -62135596800, 253402300800
"""The years 1 to 9999, in seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedArchive:
    """What another program knows of an archive: size in bytes, times in ms since 1970 UTC.

    ``description`` is the text the service holds, None where the program did not keep it;
    ``seen_ms`` is when an inventory last listed the archive, None if none is known to have, and
    ``gone`` says that a later one of that program did not.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedJob:
    """A job another program asked for; ``name`` is the archive's, as that program has it."""

    job_id: str
    vault: str | None = None
    action: str = RETRIEVAL
    archive_id: str | None = None
    name: str | None = None
    created_ms: int | None = None


class Left:
    """What was not taken: how often for which reason, and the first of them by name."""

    MOST = 1000

    def __init__(self) -> None:
        self.cut = False
        """Whether the file ends too early, so that nobody knows what is missing."""
        self.reasons: Counter[str] = Counter()
        self._kept: list[tuple[str, str]] = []

    def add(self, what: str, why: str) -> None:
        """Note that *what*, such as ``line 7``, was left because of *why*."""
        self.reasons[why] += 1
        if len(self._kept) < self.MOST:
            self._kept.append((what, why))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Iterate over the first ones, as pairs of what and why."""
        return iter(self._kept)

    def __len__(self) -> int:
        """Return how many there are in all."""
        return self.reasons.total()


@dataclass(slots=True, kw_only=True)
class Imported:
    """A file as its importer reads it; ``items`` and ``jobs`` can each be iterated once.

    ``left`` grows while they are; ``notes`` say what the user should know of the whole file.
    """

    format: str
    source: Path
    items: Iterator[ImportedArchive]
    jobs: Iterator[ImportedJob]
    left: Left
    notes: list[str] = field(default_factory=list)


class SourceFile:
    """A file that may be of any kind: its path, its beginning, and its tables if it is SQLite."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def head(self) -> bytes:
        """The first bytes; none where only files with further suffixes exist."""
        if not self.path.is_file():
            return b""
        with self.path.open("rb") as file:
            return file.read(HEAD)

    @cached_property
    def tables(self) -> dict[str, frozenset[str]]:
        """The tables of a SQLite file with their columns, in lower case; else none."""
        return sqlite_files.tables(self.path) if sqlite_files.is_one(self.head) else {}


class Importer(Protocol):
    """What a module that reads one kind of file offers."""

    @property
    def FORMAT(self) -> str:  # noqa: N802 - a constant of the modules that implement it
        """What it reads, in a few words."""

    def recognises(self, file: SourceFile) -> bool:
        """Tell by its content whether a file is of this kind."""

    def read(self, path: Path) -> Imported:
        """Begin to read a file of this kind."""


def read_job(name: object, job_id: object, archive_id: object, left: Left) -> Iterator[ImportedJob]:
    """Yield the job that a program noted beside a file name; one whose id is none is left."""
    if is_id(job_id) and isinstance(name, str):
        yield ImportedJob(
            job_id=str(job_id), name=text(name), archive_id=str(archive_id) if is_id(archive_id) else None
        )
    else:
        left.add(f"the job of {name!a:.80}", "its id is none")


def is_id(value: object) -> bool:
    """Tell whether *value* can be an id of the service."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def tree_hash(value: object) -> str | None:
    """Return a tree hash in small letters, None for what is none."""
    if isinstance(value, str) and _TREE_HASH.fullmatch(value):
        return value.lower()
    return None


def size(value: object) -> int | None:
    """Return a whole number of bytes that an archive can have, None for what is none."""
    return value if type(value) is int and 0 <= value <= LARGEST else None


def milliseconds(seconds: object) -> int | None:
    """Return a time in seconds since 1970 in milliseconds, None for what is none."""
    if type(seconds) is not int and type(seconds) is not float:
        return None
    return int(seconds * 1000) if _EARLIEST <= seconds < _LATEST else None


def text(value: object) -> str | None:
    """Return a text that can be stored, None for what is no text."""
    if not isinstance(value, str):
        return None
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
