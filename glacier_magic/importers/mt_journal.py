"""mt-aws-glacier's journal: a text file with one event per line, of a vault that it does not name.

``B TIME CREATED ID SIZE MTIME TREEHASH NAME``, ``B TIME DELETED ID NAME`` and ``B TIME
RETRIEVE_JOB ID JOB``, with tabs between the fields; A and C mean the same, times are in seconds.
MTIME may be ``NONE``; a NAME equal to the id stands for an archive without a name.  The first
version, "0", has no letter and no MTIME, and spaces between the fields.  The journal is in UTF-8 by
default.  Source: the program's documentation and source code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from .imported import Imported, ImportedArchive, Left, SourceFile, is_id, milliseconds, text
from .imported import tree_hash as checked_hash

FORMAT = "mt-aws-glacier's journal"

# The digits are bounded, because int() is slow for thousands of them and the file is untrusted.
_CREATED = re.compile(
    rb"(?:[ABC]\t([0-9]{1,20})\tCREATED\t(\S+)\t([0-9]{1,18})\t([+-]?[0-9]{1,20}|NONE)\t(\S+)\t(.*)"
    rb"|([0-9]{1,20}) CREATED (\S+) ([0-9]{1,18}) (\S+) (.*))",
    re.DOTALL,
)
_DELETED = re.compile(
    rb"(?:[ABC]\t[0-9]{1,20}\tDELETED\t(\S+)\t(.*)|[0-9]{1,20}\s+DELETED\s+(\S+)\s+(.*))", re.DOTALL
)
_JOB = re.compile(
    rb"(?:[ABC]\t[0-9]{1,20}\tRETRIEVE_JOB\t(\S+)\t(\S+)"
    rb"|[0-9]{1,20}\s+RETRIEVE_JOB\s+\S+)"
)
_EVENT = re.compile(rb"(?:[A-Z]\t)?[0-9]{1,20}[\t ]+(?:CREATED|DELETED|RETRIEVE_JOB)[\t ]")


def recognises(file: SourceFile) -> bool:
    """Return whether one of the first lines is an event; a damaged journal may have few."""
    return any(_EVENT.match(line) for line in file.head.split(b"\n", 100)[:100])


def read(path: Path) -> Imported:
    """Return a reader of a journal."""
    left = Left()
    return Imported(format=FORMAT, source=path, items=_archives(path, left), jobs=_jobs(path), left=left)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:  # text mode would also split at a carriage return in a name
        for line in file:
            yield line.removesuffix(b"\n").removesuffix(b"\r")


def _archives(path: Path, left: Left) -> Iterator[ImportedArchive]:
    # Read first, because a deletion follows its creation.
    deleted = {_id_of(match): match for line in _lines(path) if (match := _DELETED.fullmatch(line))}
    for number, line in enumerate(_lines(path), 1):
        created = _CREATED.fullmatch(line)
        if created:
            archive = _archive(created, deleted)
            if archive is None:
                left.add(f"line {number}", "its archive id is invalid")
            else:
                yield archive
        elif line and not _DELETED.fullmatch(line) and not _JOB.fullmatch(line):
            left.add(f"line {number}", _why(line))
    for archive_id, match in deleted.items():  # those whose creation is not in this journal
        if is_id(archive_id):
            name = _name(match[2] if match[1] else match[4])
            yield ImportedArchive(archive_id=archive_id, name=name, deleted=True)


def _archive(match: re.Match[bytes], deleted: dict[str, re.Match[bytes]]) -> ImportedArchive | None:
    if match[1]:
        time, raw_id, size, mtime, tree_hash, name = match.groups()[:6]
    else:
        time, raw_id, size, tree_hash, name = match.groups()[6:]
        mtime = b"NONE"
    archive_id = raw_id.decode("ascii", "replace")
    if not is_id(archive_id):
        return None
    made_up = name == raw_id
    return ImportedArchive(
        archive_id=archive_id,
        name=None if made_up else _name(name),
        size=int(size),
        created_ms=milliseconds(int(time)),
        mtime_ms=None if made_up or mtime == b"NONE" else milliseconds(int(mtime)),
        tree_hash=checked_hash(tree_hash.decode("ascii", "replace")),
        deleted=deleted.pop(archive_id, None) is not None,
    )


def _id_of(match: re.Match[bytes]) -> str:
    return (match[1] or match[3]).decode("ascii", "replace")


def _name(raw: bytes) -> str | None:
    return text(raw.decode("utf-8", "surrogateescape")) or None


def _why(line: bytes) -> str:
    if re.match(rb"[D-Z]\t", line):
        return "it belongs to a later version of the journal"
    return "it is not a complete event of the journal"


def _jobs(path: Path) -> Iterator[str]:
    for line in _lines(path):
        match = _JOB.fullmatch(line)
        if match and match[2]:  # the first version did not note the job's id
            archive_id, job_id = (each.decode("ascii", "replace") for each in match.groups())
            if is_id(archive_id) and is_id(job_id):
                yield job_id
