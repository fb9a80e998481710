"""Backups without a manifest, which are adopted from the indexes of their packs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from ..base.paths import as_utf8
from ..base.ranges import ByteRange
from ..base.units import storable
from ..catalogue import ArchiveRecord, Catalogue
from ..catalogue.records.backup_rows import BackedUp, BackupSet, SnapshotRecord
from ..errors import IntegrityError, NotReady
from ..packs import PackMember, PackReader, PlainRanges
from ..packs.encryption import Identity, SealedFile
from ..packs.encryption.age_format import HEAD
from ..packs.pack_members import FILE, FOLDER, GONE, HARDLINK, SYMLINK
from ..packs.reader import TAIL
from .recovery import HeldParts, merged
from .rules import Rules
from .run import SET_NAME

NAME = re.compile(r"(?P<set>[^/]+)/(?P<time>\d{4}-\d\d-\d\dT\d{6}Z)\.(?P<number>\d{4,9})\.tar\.zst(?:\.age)?")
"""The name of the archive of a pack."""
_END = TAIL + HEAD + (TAIL >> 8)
"""Bytes at the end of an archive that contain the tail of its pack, in whole chunks of the encryption."""

_NEVER = 1 << 62
Parts = Mapping[str, Sequence[tuple[ByteRange, Path]]]
"""The files with parts of archives, by their ids."""


class _Missing(Exception):
    """A part of a pack is not retrieved yet."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__(start, end)
        self.span = start, end


@dataclass
class UnknownPacks:
    """The packs of a vault that the catalogue does not know, and the ranges that contain their indexes.

    :param name: that of a set; None: all sets.
    :param parts: the files with the parts that are retrieved.
    :param ranges: the ranges to retrieve, by the id of the archive: its head and its tail; when these are
        there, also the beginning of an index that is longer than the tail.
    :raises WrongKey: no key opens a pack.
    """

    catalogue: Catalogue
    vault: str
    name: str | None
    identities: Sequence[Identity]
    parts: Parts
    archives: dict[str, ArchiveRecord] = field(init=False, default_factory=dict)
    ranges: dict[str, list[ByteRange]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for archive in self._unknown():
            size = archive.size or 0
            head = [(0, min(HEAD, size))] if archive.name.endswith(".age") else []
            spans = merged([*head, (max(0, size - _END), size)], size)
            self.archives[archive.archive_id], self.ranges[archive.archive_id] = archive, spans
            if {part for part, _ in self.parts.get(archive.archive_id, ())}.issuperset(spans):
                try:
                    next(_Index.of(archive, self.identities, self.parts).lines)
                except _Missing as missing:
                    spans += merged([missing.span], size)

    def _unknown(self) -> Iterator[ArchiveRecord]:
        """Yield the archives of packs that were stored after the last snapshot that is known."""
        newest, names = {}, set()
        for one in self.catalogue.backups.sets(vault=self.vault):
            mine = one.home == self.catalogue.database.home
            made = [each.started // 1000 * 1000 for each in self.catalogue.backups.snapshots(one.id)]
            newest[one.name] = max(made, default=-1) if mine else _NEVER
        for archive in self.catalogue.archives.matching(self.vault, f"{self.name or '*'}/*.tar.zst*"):
            found = NAME.fullmatch(archive.name)
            if found is None or archive.name in names or self.name not in (None, found["set"]):
                continue
            with suppress(ValueError):  # not a time
                if archive.size and _moment(archive) > newest.get(found["set"], -1):
                    names.add(archive.name)  # a lost response can leave a second copy
                    yield archive

    def adopt(self) -> list[BackupSet]:
        """Record the sets, snapshots and entries of all packs, in one transaction; return the sets.

        :raises IntegrityError: a pack is damaged.
        :raises NotReady: an index is longer than the part that was retrieved.
        """
        backups, sets = self.catalogue.backups, {}
        try:
            with self.catalogue.database.transaction():
                for _, group in groupby(
                    sorted(self.archives.values(), key=_order), key=lambda a: _order(a)[:2]
                ):
                    packs = [_Index.of(archive, self.identities, self.parts) for archive in group]
                    found = self._set(packs[0])
                    snapshot = backups.open_snapshot(found.id, _moment(packs[0].archive))
                    missing = sum(self._record(found, snapshot, pack) for pack in packs)
                    backups.measure(snapshot, unread=missing)
                    backups.finish(snapshot, snapshot.started)
                    sets[found.id] = found
        except _Missing:
            raise NotReady(
                "The index of a pack is longer than the part that was retrieved",
                cure="Make the plan again: it retrieves the rest.",
            ) from None
        except (AttributeError, KeyError, TypeError, ValueError):
            raise _damaged() from None
        return list(sets.values())

    def _set(self, pack: _Index) -> BackupSet:
        name, about = _parsed(pack.archive)["set"], next(pack.lines)
        if not SET_NAME.fullmatch(name) or about["set"] != name:
            raise ValueError(name)
        known = self.catalogue.backups.sets(name, self.vault)
        roots, rules = list(map(str, about["roots"])), asdict(Rules.of(about["rules"]))
        recipients = list(map(str, about["recipients"]))
        now = _moment(pack.archive)
        return (
            known[0]
            if known
            else self.catalogue.backups.define(self.vault, name, roots, rules, recipients, now=now)
        )

    def _record(self, found: BackupSet, snapshot: SnapshotRecord, pack: _Index) -> int:
        """Record a pack and its members; return the number of files whose content no pack has."""
        backups, archive = self.catalogue.backups, pack.archive
        number = backups.begin_pack(snapshot, "files", archive.name)
        facts = {
            "size": archive.size,
            "tree_hash": archive.tree_hash,
            "head": pack.head,
            "frames": pack.reader.frames,
        }
        backups.sealed(number, snapshot, facts, ())
        backups.stored(number, archive.archive_id)
        files: dict[str, tuple[int, int]] = {}
        missing = 0
        for member in pack.lines:
            if not isinstance(member, PackMember) or member.torn:
                continue
            key, content, size = storable(as_utf8(member.path)), None, member.size
            if member.kind == GONE:
                backups.remove(found.id, snapshot.ordinal, [key])
                continue
            if member.kind == HARDLINK:
                content, size = files.get(member.target, (None, 0))
            elif member.kind == FILE and member.start:
                content = backups.place(found.id, member.sha256, size, number, member.start)
                files[member.path] = content, size
            elif member.kind == FILE:
                content = backups.content(found.id, size, member.sha256)
            if content is None and member.kind in (FILE, HARDLINK):
                missing += 1
                continue
            backups.put(found.id, snapshot.ordinal, [_entry(member, key, size, content)])
        return missing


@dataclass(frozen=True)
class _Index:
    """The index of a pack: first what the pack is about, then its members."""

    archive: ArchiveRecord
    reader: PackReader
    head: bytes
    lines: Iterator[Any]

    @classmethod
    def of(cls, archive: ArchiveRecord, identities: Sequence[Identity], parts: Parts) -> _Index:
        """Read it from parts of the archive."""
        held, size, head = HeldParts(parts.get(archive.archive_id, ())), archive.size or 0, b""

        def fetch(start: int, end: int) -> bytes:
            if not held.has(start, end):
                raise _Missing(start, end)
            return held.fetch(start, end)

        ranges: SealedFile | PlainRanges = PlainRanges(fetch, size)
        if archive.name.endswith(".age"):
            ranges = SealedFile(fetch, size, identities)
            head = ranges.head
        reader = PackReader(ranges)
        return cls(archive, reader, head, reader.index())


def _entry(member: PackMember, key: str, size: int, content: int | None) -> BackedUp:
    kind = {FOLDER: "folder", SYMLINK: "link"}.get(member.kind, "file")
    return BackedUp(
        path=f"{key.rstrip('/')}/" if kind == "folder" else key,
        kind=kind,
        mode=member.mode,
        mtime_ns=member.mtime,
        ctime_ns=0,  # unknown on this computer: the next run reads the content
        inode=0,
        size=size,
        content_id=content,
        target=storable(member.target) if kind == "link" else None,
    )


def _moment(archive: ArchiveRecord) -> int:
    """Return the beginning of a pack's snapshot, in milliseconds since 1970 UTC."""
    made = datetime.strptime(_parsed(archive)["time"], "%Y-%m-%dT%H%M%SZ").replace(tzinfo=UTC)
    return int(made.timestamp() * 1000)


def _order(archive: ArchiveRecord) -> tuple[str, str, int]:
    found = _parsed(archive)
    return found["set"], found["time"], int(found["number"])


def _parsed(archive: ArchiveRecord) -> re.Match[str]:
    found = NAME.fullmatch(archive.name)
    assert found is not None
    return found


def _damaged() -> IntegrityError:
    return IntegrityError("A pack does not have the index of a backup")
