"""Backups of another computer, which are adopted from their manifests."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..catalogue import ArchiveRecord, Catalogue
from ..catalogue.archives.labels import checked_note, labels_in
from ..catalogue.records.backup_rows import BackedUp, BackupSet
from ..errors import IntegrityError
from ..packs import PackMember, PackReader, PlainRanges
from ..packs.encryption import Identity, SealedFile
from .rules import Rules
from .run import MANIFEST, SET_NAME

NAME = re.compile(r"(?P<set>[^/]+)/\d{4}-\d\d-\d\dT\d{6}Z\.manifest\.tar\.zst(\.age)?")
"""The name of the archive of a manifest."""
_LONGEST = 1 << 17
_HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """The content of a manifest: untrusted, since all who may write to the vault can make one.

    :param head: the set and the snapshot; *packs*: the packs with its contents.
    """

    head: dict[str, Any]
    packs: list[dict[str, Any]]
    entries: Iterator[list[Any]]


def read_manifest(file: Path, identities: Sequence[Identity]) -> Manifest:
    """Read the manifest in a retrieved pack.

    :raises WrongKey: no identity opens it.
    :raises IntegrityError: it is damaged, or not a manifest.
    """
    size = file.stat().st_size
    fetch = partial(_fetch, file)
    sealed = file.name.endswith(".age")
    reader = PackReader(SealedFile(fetch, size, identities) if sealed else PlainRanges(fetch, size))
    members = [one for one in reader.index() if isinstance(one, PackMember) and one.path == MANIFEST]
    if len(members) != 1:
        raise _damaged()
    lines = _lines(reader.read(members[0]))
    head = next(lines, None)
    if not isinstance(head, dict) or head.get("version") != 1:
        raise _damaged()
    packs, first = [], None
    for line in lines:
        if not isinstance(line, dict):
            first = line
            break
        packs.append(line)
    return Manifest(head, packs, _entries(first, lines))


def adopt(catalogue: Catalogue, vault: str, manifest: Manifest, archive: ArchiveRecord) -> BackupSet:
    """Record the set of a manifest, its snapshot, packs and entries, in one transaction.

    :param archive: that of the manifest.
    :raises LookupError: the vault has a set of this name in the catalogue.
    :raises IntegrityError: the manifest is damaged.
    """
    head, backups = manifest.head, catalogue.backups
    try:
        if not SET_NAME.fullmatch(head["set"]) or not archive.name.startswith(f"{head['set']}/"):
            raise ValueError(head["set"])
        with catalogue.database.transaction():
            found = backups.define(
                vault,
                str(head["set"]),
                list(map(str, head["roots"])),
                asdict(Rules.of(head["rules"])),
                list(map(str, head["recipients"])),
                now=int(head["started"]),
            )
            snapshot = backups.open_snapshot(found.id, int(head["started"]), ordinal=int(head["ordinal"]))
            numbers: dict[int, int] = {}
            for line in manifest.packs:
                if not line["name"].startswith(
                    f"{found.name}/"
                ):  # a prune deletes the archives of these names
                    raise ValueError(line["name"])
                number = backups.begin_pack(snapshot, "files", str(line["name"]))
                facts = {
                    "size": int(line["size"]),
                    "tree_hash": str(line["tree_hash"]),
                    "head": b64decode(line["head"], validate=True),
                    "frames": b64decode(line["frames"], validate=True),
                }
                backups.sealed(number, snapshot, facts, ())
                backups.stored(number, str(line["archive"]))
                numbers[int(line["pack"])] = number
            own = backups.begin_pack(snapshot, "manifest", archive.name)
            backups.sealed(own, snapshot, {"size": archive.size, "tree_hash": archive.tree_hash}, ())
            backups.stored(own, archive.archive_id)
            for entry, where in map(_entry, manifest.entries):
                content = None
                if where is not None:
                    sha256, pack, start = where
                    content = backups.place(found.id, sha256, entry.size, numbers[pack], start)
                backups.put(found.id, snapshot.ordinal, [entry._replace(content_id=content)])
            labels, note = labels_in(head.get("labels", "")), checked_note(head.get("note", ""))
            backups.label(replace(snapshot, labels=labels, note=note))
            backups.measure(snapshot, unread=0)
            backups.finish(snapshot, int(head["started"]))
            return found
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _damaged() from None


def _fetch(file: Path, start: int, end: int) -> bytes:
    with file.open("rb") as opened:
        opened.seek(start)
        return opened.read(end - start)


def _lines(pieces: Iterator[bytes]) -> Iterator[Any]:
    left = b""
    for piece in pieces:
        *whole, left = (left + piece).split(b"\n")
        if len(left) > _LONGEST:
            raise _damaged()
        for line in whole:
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                raise _damaged() from None
    if left:
        raise _damaged()


def _entries(first: Any, lines: Iterator[Any]) -> Iterator[list[Any]]:
    if first is not None:
        yield first
    yield from lines


def _entry(line: list[Any]) -> tuple[BackedUp, tuple[str, int, int] | None]:
    path, kind, mode, mtime_ns, size, target, sha256, pack, start = line
    numbers = (mode, mtime_ns, size, *(() if sha256 is None else (pack, start)))
    texts = (path, *(() if target is None else (target,)))
    wrong = any(type(number) is not int for number in numbers)
    if kind not in ("file", "folder", "link") or not path or wrong:
        raise ValueError(line)
    if any(type(text) is not str for text in texts) or not all(-(1 << 63) <= n < 1 << 63 for n in numbers):
        raise ValueError(line)
    if (kind == "file") != (sha256 is not None) or (sha256 and not _HASH.fullmatch(sha256)):
        raise ValueError(line)
    entry = BackedUp(
        path=path,
        kind=kind,
        mode=mode & 0o7777,
        mtime_ns=mtime_ns,
        ctime_ns=0,  # unknown on this computer: the next run reads the content
        inode=0,
        size=size,
        content_id=None,
        target=target,
    )
    return entry, None if sha256 is None else (sha256, pack, start)


def _damaged() -> IntegrityError:
    return IntegrityError("This is not the manifest of a backup", cure="Adopt an older one.")
