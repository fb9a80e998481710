"""bakthat's SQLite file, ``~/.bakthat.sqlite``: the archives in its vault, which it does not name.

``inventory`` has the archive id of each stored file name, ``backups`` its size, tags and client, and
whether it was encrypted or deleted, ``jobs`` the last retrieval job.  The stored name is the
archive's description.  The older file ``~/.bakthat.dt`` has the same tables.
Source: the program's source code and a file that it wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from ..catalogue.archives.labels import labels_in
from ..descriptions.decoded import ENCRYPTED, UnreadableError, from_json
from . import sqlite_files
from .imported import Imported, ImportedArchive, Left, SourceFile, damage_noted, is_id, read_job, size, text

FORMAT = "bakthat's SQLite"


def recognises(file: SourceFile) -> bool:
    """Return whether a SQLite file has bakthat's table of archive ids."""
    return {"archive_id", "filename"} <= file.tables.get("inventory", frozenset())


def read(path: Path) -> Imported:
    """Return a reader of bakthat's file."""
    left, tables = Left(), sqlite_files.tables(path)
    return Imported(
        format=FORMAT,
        source=path,
        items=_archives(path, tables, left),
        jobs=_jobs(path, tables, left),
        left=left,
    )


def _archives(path: Path, tables: dict[str, frozenset[str]], left: Left) -> Iterator[ImportedArchive]:
    sized = {"stored_filename", "size", "is_deleted"} <= tables.get("backups", frozenset())
    tagged = {"tags", "metadata"} <= tables.get("backups", frozenset())
    facts = (
        f"b.size, b.is_deleted, {'b.tags, b.metadata' if tagged else 'NULL, NULL'} "
        "FROM inventory i LEFT JOIN backups b ON b.stored_filename=i.filename"
        if sized
        else "NULL, 0, NULL, NULL FROM inventory i"
    )
    with damage_noted(left, "archives"):
        for archive_id, name, length, deleted, tags, metadata in sqlite_files.rows(
            path, f"SELECT i.archive_id, i.filename, {facts} ORDER BY i.rowid"
        ):
            if not is_id(archive_id):
                left.add(f"{name!a:.80}", "its archive id is invalid")
                continue
            yield ImportedArchive(
                archive_id=archive_id,
                name=text(name),
                description=text(name),
                size=size(length),
                deleted=bool(deleted),
                labels=labels_in(text(tags) or ""),
                note=_note(metadata),
            )
        if sized:
            yield from _lost(path, left)


def _note(metadata: object) -> str:
    """Return client and encryption in words; ``metadata`` is a JSON object."""
    facts: Mapping[str, object] = {}
    with suppress(UnreadableError):
        facts = from_json(metadata) if isinstance(metadata, str) else {}
    client = text(facts.get("client"))
    return "; ".join([f"client {client}"] * bool(client) + [ENCRYPTED] * (facts.get("is_enc") is True))


def _lost(path: Path, left: Left) -> Iterator[ImportedArchive]:
    """Note the backups whose archive ids are not in the file; yield nothing."""
    for (name,) in sqlite_files.rows(
        path,
        # bakthat stores backups in S3 as well.
        "SELECT stored_filename FROM backups WHERE backend='glacier' AND NOT is_deleted "
        "AND stored_filename NOT IN (SELECT filename FROM inventory)",
    ):
        left.add(f"{name!a:.80}", "the file lacks its archive id, which an inventory has")
    yield from ()


def _jobs(path: Path, tables: dict[str, frozenset[str]], left: Left) -> Iterator[str]:
    if not {"filename", "job_id"} <= tables.get("jobs", frozenset()):
        return
    with damage_noted(left, "jobs"):
        for name, job_id in sqlite_files.rows(path, "SELECT filename, job_id FROM jobs"):
            yield from read_job(name, job_id, left)
