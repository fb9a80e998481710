"""The manifest of a snapshot: all that is needed to restore it without a catalogue."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from ..catalogue.records.backup_records import Backups
from ..catalogue.records.backup_rows import BackedUp, BackupSet, SnapshotRecord

_BATCH = 500
"""Entries whose contents are looked up at once."""


def manifest(backups: Backups, found: BackupSet, snapshot: SnapshotRecord) -> Iterator[Any]:
    """Yield the lines of a manifest, JSON-serializable: its head, the packs, and the entries."""
    yield {
        "version": 1,
        "set": found.name,
        "vault": found.vault,
        "ordinal": snapshot.ordinal,
        "started": snapshot.started,
        "roots": found.roots,
        "labels": snapshot.labels,
        "note": snapshot.note,
        "rules": dict(found.rules),
        "recipients": found.recipients,
        "to open a pack": "age -d -i KEY PACK | zstd -d | tar x",
    }
    for pack in backups.packs(found.id):
        if pack.kind == "files":
            yield {
                "pack": pack.id,
                "name": pack.name,
                "archive": pack.archive_id,
                "size": pack.size,
                "tree_hash": pack.tree_hash,
                "head": b64encode(pack.head or b"").decode(),
                "frames": b64encode(pack.frames or b"").decode(),
            }
    batch: list[BackedUp] = []
    for entry in backups.entries(found.id, snapshot.ordinal):
        batch.append(entry)
        if len(batch) == _BATCH:
            yield from _lines(backups, found.id, batch)
            batch = []
    yield from _lines(backups, found.id, batch)


def _lines(backups: Backups, set_id: int, batch: list[BackedUp]) -> Iterator[list[Any]]:
    contents = backups.contents(set_id, [e.content_id for e in batch if e.content_id is not None])
    for entry in batch:
        content = contents.get(entry.content_id or 0)
        where = [content.sha256, content.pack_id, content.start] if content else [None, None, None]
        yield [entry.path, entry.kind, entry.mode, entry.mtime_ns, entry.size, entry.target, *where]
