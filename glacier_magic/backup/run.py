"""The run of a backup, which packs, stores and records what is new."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from .. import descriptions
from ..base.units import storable
from ..catalogue import Catalogue
from ..catalogue.archives.labels import changed, checked_note
from ..catalogue.records.backup_records import Backups
from ..catalogue.records.backup_rows import BackedUp, BackupSet, PackRecord, SnapshotRecord
from ..errors import LocalError
from ..packs import Pack, PackMember, PackWriter
from ..packs.encryption.age_format import HEAD, head_of
from ..transfer.progress import Meter, Observer
from ..transfer.sources import Source, Sources
from ..transfer.store import Storing, Watched
from .changes import READ, FileChange, changes, noted, recorded
from .hooks import Hooks
from .lease import leased
from .manifest import manifest
from .open_pack import OpenPack
from .outcome import BackupOutcome
from .packing import ENDINGS
from .run_options import RunOptions
from .scan import Entry, Scan
from .set_scan import lost_contents, scan_of

SET_NAME = re.compile(r"\w[\w.+ -]{0,99}")
"""What the name of a set may be; the spool has a folder of that name."""
MANIFEST = "manifest.jsonl"
"""The one member of a manifest, which is a pack with all that is needed to restore a snapshot."""
_BATCH = 500
"""Changes that are recorded in one transaction."""


@dataclass
class BackupRun:
    """Packs and stores what is new in the folders of a set; the next run continues a killed one.

    A pack is recorded before its file is created, its entries when the file is complete, and its archive
    after the upload.  Until the manifest is stored, all of these belong to an unfinished snapshot, which
    nothing else shows.
    """

    catalogue: Catalogue
    set: BackupSet
    storing: Storing
    spool: Path
    now: Callable[[], int]
    options: RunOptions = field(default_factory=RunOptions)
    stop: threading.Event = field(default_factory=threading.Event)
    hooks: Hooks = field(default_factory=Hooks)

    def __post_init__(self) -> None:
        self._backups: Backups = self.catalogue.backups
        self._snapshot: SnapshotRecord | None = None
        self._open: OpenPack | None = None
        self._lost: set[int] = set()
        self._waiting: list[BackedUp | str] = []
        self._notes: list[PackMember] = []
        self._touched: list[BackedUp] = []
        self._unread: list[tuple[str, str]] = []
        self._sending: Future[None] | None = None

    def run(self, total: Callable[[], int], progress: Observer | None = None) -> BackupOutcome:
        """Run the backup, with the user's commands before and after it.

        :param total: returns the bytes to read, for the progress; called after the command ``before``.
        :raises Unavailable: another process backs up the set.
        :raises LocalError: the spool cannot be written, or the command ``before`` failed.
        """
        with leased(self.storing.engine, self.set):  # commands run only in the process with the lease
            return self.hooks.around(partial(self._store_changes, total, progress), self.stop)

    def _store_changes(self, total: Callable[[], int], progress: Observer | None) -> BackupOutcome:
        count = total()
        with ThreadPoolExecutor(1, "backup-upload") as self._sender:
            self._recover()
            meter = Meter(f"Packing {self.set.name}", count, progress)
            scanned = time.time_ns()
            scan = scan_of(self.set, self.catalogue)
            try:
                for change in self._changes(scan):
                    if self.stop.is_set():
                        raise LocalError("The backup was stopped", cure="The next run continues it.")
                    self._take(change, scanned)
                    if change.entry and change.state in READ:
                        meter.moved(change.entry.size)
                self._seal()
            finally:
                if self._open is not None:
                    self._open.writer.__exit__(None, None, None)
            self._flush()
            self._settle()
            meter.finish()
            self._unread += scan.unreadable
            if self._snapshot is None:
                return self.nothing_new(self._unread)
            unread = tuple((storable(name), reason) for name, reason in self._unread)
            self._backups.measure(self._snapshot, unread=len(unread))
            self._snapshot = self._label(self._snapshot)
            self._store_manifest(self._snapshot)
            return BackupOutcome(set=self.set.name, snapshot=self._finished(self._snapshot), unread=unread)

    def send_rest(self) -> None:
        """Store the packs that a killed run has sealed, and nothing else; raises like :meth:`run`."""
        with leased(self.storing.engine, self.set):
            self._recover()

    def nothing_new(self, unread: Sequence[tuple[str, str]]) -> BackupOutcome:
        """Record that nothing is new.

        :param unread: names and reasons of files that could not be read.
        """
        self._backups.found_nothing_new(self.set.id, self.now())
        for last in self._backups.snapshots(self.set.id)[-1:]:
            self._label(last)
        names = tuple((storable(name), reason) for name, reason in unread)
        return BackupOutcome(set=self.set.name, snapshot=None, unread=names)

    def _label(self, snapshot: SnapshotRecord) -> SnapshotRecord:
        labels = changed(snapshot.labels, self.options.labels, ())
        labelled = replace(snapshot, labels=labels, note=checked_note(self.options.note) or snapshot.note)
        self._backups.label(labelled)
        return labelled

    def _finished(self, snapshot: SnapshotRecord) -> SnapshotRecord:
        self._settle()
        self._backups.finish(snapshot, self.now())
        return self._backups.snapshots(self.set.id)[-1]

    # Changes

    def _changes(self, scan: Scan) -> Iterator[FileChange]:
        known = self._backups.snapshots(self.set.id)
        latest = known[-1].ordinal if known else 0
        if known and known[-1].finished is None:  # of a killed run: finished even if nothing is new
            self._snapshot = known[-1]
        before = self._backups.entries(self.set.id, latest)
        options = self.options
        self._lost = lost_contents(self.set, self.catalogue, options.repack)
        yield from changes(
            scan, before, checksum=options.checksum, trust_mtime=options.trust_mtime, lost=self._lost
        )

    def _take(self, change: FileChange, scanned: int) -> None:
        entry, before = change.entry, change.before
        if change.state == "same":
            return
        if entry is None:
            assert before is not None
            self._write(before.path)
        elif entry.kind != "file":
            if change.state == "new" or entry.kind == "link":
                self._add(entry, None)  # for tar
            self._write(recorded(entry, None, scanned))
        elif change.state == "metadata" and before is not None:
            self._write(recorded(entry, before.content_id, scanned))
        else:
            sha256 = self._hash(entry)
            content = self._backups.content(self.set.id, entry.size, sha256) if sha256 else None
            content = None if content in self._lost else content
            record = recorded(entry, content, scanned)
            if content is None and self._open and sha256 in self._open.known[entry.size]:
                self._open.files.append((record, sha256, None))  # same content as another new file
                self._notes.append(noted(record, sha256))
            elif content is None:
                self._add(entry, record)
            elif (
                before
                and change.state == "touched"
                and (content, record.mode) == (before.content_id, before.mode)
            ):
                self._touched.append(record)  # no new version
                if len(self._touched) >= _BATCH:
                    self._flush()
            else:
                self._write(record)

    def _hash(self, entry: Entry) -> str:
        """Return the hash of a file if a known content has its size, else ""."""
        packed = self._open is not None and entry.size in self._open.known
        if not packed and not self._backups.has_size(self.set.id, entry.size):
            return ""
        try:
            with Path(entry.place).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return ""  # packing it reports the error

    def _current(self) -> SnapshotRecord:
        if self._snapshot is None:
            self._snapshot = self._backups.open_snapshot(self.set.id, self.now())
        return self._snapshot

    def _write(self, change: BackedUp | str) -> None:
        """Record a new version of an entry that is in no pack, or, by its path, that it is gone."""
        self._waiting.append(change)
        if len(self._waiting) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        """Record the waiting changes, and note them in the next pack's index: the manifest may be lost."""
        if self._touched:
            self._backups.touch(self.set.id, self._touched)
            self._touched.clear()
        if not self._waiting:
            return
        number, ordinal = self.set.id, self._current().ordinal
        with self.catalogue.database.transaction():
            for change in self._waiting:
                if isinstance(change, str):
                    self._backups.remove(number, ordinal, [change])
                else:
                    self._backups.put(number, ordinal, [change])
        kept = [change.content_id for change in self._waiting if not isinstance(change, str)]
        contents = self._backups.contents(number, [one for one in kept if one is not None])
        for change in self._waiting:
            content = None if isinstance(change, str) else contents.get(change.content_id or 0)
            self._notes.append(noted(change, content.sha256 if content else ""))
        self._waiting.clear()

    # Packs

    def _add(self, entry: Entry, record: BackedUp | None) -> None:
        """Add an entry to the open pack; *record* is that of a file whose content it will have."""
        if entry.kind == "file" and not os.access(entry.place, os.R_OK):
            self._unread.append((entry.path, "cannot be read"))  # before a pack is begun for it alone
            return
        limit = self.options.pack_size
        if self._open and self._open.writer.size and self._open.writer.size + entry.size > limit:
            self._seal()
        if self._open is None:
            self._open = self._begin("files")
        try:
            member = self._open.writer.add(entry.path, entry.place)
        except LocalError as error:  # it was deleted or cannot be read: the others are stored
            self._unread.append((entry.path, error.message))
            return
        if record is None:
            self._open.needed = True
            return
        is_file = member.kind == "file"
        own = member.size, member.sha256
        size, sha256 = own if is_file else self._open.hashes.get(member.target, (0, ""))
        if not sha256:
            self._unread.append((entry.path, "changed while it was read"))
            return
        self._open.hashes[entry.path] = size, sha256
        self._open.known[size].add(sha256)
        # As it was when it was opened: it may have changed since the scan.
        record = record._replace(size=size, mode=member.mode, mtime_ns=member.mtime)
        self._open.files.append((record, sha256, member.start if is_file else None))

    def _begin(self, kind: str) -> OpenPack:
        snapshot = self._current()
        moment = datetime.fromtimestamp(snapshot.started / 1000, UTC).strftime("%Y-%m-%dT%H%M%SZ")
        ending = ENDINGS[bool(self.set.recipients)]
        number = len([pack for pack in self._backups.packs(self.set.id) if pack.ordinal == snapshot.ordinal])
        what = f"{number + 1:04}" if kind == "files" else "manifest"
        name = f"{self.set.name}/{moment}.{what}{ending}"
        pack = self._backups.begin_pack(snapshot, kind, name)
        about: dict[str, Any] = {"set": self.set.name, "snapshot": moment, "kind": kind}
        about |= {"roots": self.set.roots, "rules": self.set.rules, "recipients": self.set.recipients}
        writer = PackWriter(self._file(pack), self.set.recipients, about=about, level=self.options.level)
        return OpenPack(pack, writer)

    def _file(self, pack: int) -> Path:
        return self.spool / f"{pack}.pack"

    def _seal(self) -> None:
        """Close the open pack, record what is in it, and send it while the next one is packed."""
        if self._open is None:
            return
        done, self._open = self._open, None
        with done.writer:
            if not (done.files or done.needed):  # all its files changed while they were read
                self._backups.give_up(done.pack)
                return
            self._flush()
            for note in self._notes:
                done.writer.note(note)
            self._notes.clear()
            sealed = done.writer.close()
        moved = self._record(done, sealed)
        self._settle()  # one pack is sent while the next is packed: the spool has two at most
        record = next(pack for pack in self._backups.packs(self.set.id) if pack.id == done.pack)
        self._sending = self._sender.submit(self._send, record, moved)

    def _record(self, done: OpenPack, sealed: Pack) -> dict[int, int]:
        head = b""
        if self.set.recipients:
            with sealed.file.open("rb") as file:
                head = head_of(file.read(HEAD))
        facts = {"size": sealed.size, "tree_hash": sealed.tree_hash, "head": head, "frames": sealed.table}
        moved = self._backups.sealed(done.pack, self._current(), facts, done.files, self._lost)
        self._lost = self._lost - moved.keys()
        return moved

    def _settle(self) -> None:
        """Wait until the last pack is stored."""
        if self._sending is not None:
            sending, self._sending = self._sending, None
            sending.result()

    def _send(self, pack: PackRecord, moved: Mapping[int, int] | None = None) -> None:
        """Store a sealed pack; if a killed run has uploaded it, nothing is sent.

        :param moved: see :meth:`.Backups.stored`; without it, as after a kill, they are packed again.
        """
        file = self._file(pack.id)
        status = file.stat()
        snapshot = self._current()
        made = datetime.fromtimestamp(snapshot.started // 1000, UTC)
        source = Source(
            path=file,
            name=pack.name,
            description=descriptions.encode(pack.name, made, format=descriptions.DEFAULT),
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
        )
        sending = self.storing.choose(Sources([source]))
        stored = self.storing.send(sending, watched=Watched(None, self.stop))
        self._backups.stored(pack.id, str(stored.rows[0]["archive_id"]), moved)
        file.unlink()

    # After a kill

    def _recover(self) -> None:
        """Store the packs that a killed run has sealed, and give up the others: they are packed again."""
        self.spool.mkdir(parents=True, exist_ok=True, mode=0o700)
        packs = self._backups.packs(self.set.id)
        known = {self._file(pack.id): pack for pack in packs if pack.state != "stored"}
        for pack in known.values():
            if pack.state == "packing" or not self._file(pack.id).exists():
                self._backups.give_up(pack.id)
        kept = {file for file, pack in known.items() if pack.state == "sealed"}
        for file in set(self.spool.iterdir()) - kept:
            file.unlink()
        opened = [one for one in self._backups.snapshots(self.set.id) if one.finished is None]
        self._snapshot = opened[0] if opened else None
        for pack in known.values():
            if self._file(pack.id).exists():
                self._send(pack)
        if self._snapshot and any(
            pack.kind == "manifest" and pack.ordinal == self._snapshot.ordinal
            for pack in self._backups.packs(self.set.id)
        ):
            self._finished(self._snapshot)  # changes since then are in the next snapshot
            self._snapshot = None

    # The manifest

    def _store_manifest(self, snapshot: SnapshotRecord) -> None:
        """Store the manifest, by which the snapshot can be restored without this catalogue."""
        plain = self.spool / MANIFEST
        plain.touch(0o600)
        with plain.open("w", encoding="utf-8") as file:
            for line in manifest(self._backups, self.set, snapshot):
                file.write(json.dumps(line) + "\n")
        self._notes.clear()  # the manifest has all entries
        self._open = self._begin("manifest")
        self._open.writer.add(plain.name, plain)
        self._open.needed = True
        plain.unlink()
        self._seal()
