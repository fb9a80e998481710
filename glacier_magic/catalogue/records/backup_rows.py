"""The rows of backups: sets, snapshots, packs, and what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, kw_only=True)
class BackupSet:
    """Folders that are backed up together into one vault; times in milliseconds since 1970 UTC.

    :param home: the data folder of its user, where several share the catalogue.
    :param checked: when a run last found nothing new.
    """

    id: int
    vault: str
    name: str
    home: str
    roots: list[str]
    rules: Mapping[str, Any]
    recipients: list[str]
    created: int
    checked: int | None


@dataclass(frozen=True, kw_only=True)
class SnapshotRecord:
    """The state of a set at one time; *ordinal* counts from 1.

    :param finished: when it was complete; None: still to be finished.
    :param added: bytes that were stored for it.
    :param unread: files that could not be read.
    :param labels: those of the user, with spaces between.
    """

    id: int
    set_id: int
    ordinal: int
    started: int
    finished: int | None
    files: int | None
    bytes: int | None
    added: int | None
    unread: int | None
    labels: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class PackRecord:
    """A pack of a set: *kind* is files or manifest; *state* packing, sealed or stored.

    :param head: the header of its encryption, and *frames* the table of its frames.
    """

    id: int
    set_id: int
    ordinal: int
    kind: str
    name: str
    state: str
    archive_id: str | None
    size: int | None
    tree_hash: str | None
    head: bytes | None
    frames: bytes | None


class BackedUp(NamedTuple):
    """A file, folder or link of a snapshot; the path of a folder ends in a slash.

    :param content_id: of a file, the stored content.
    """

    path: str
    kind: str
    mode: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    size: int
    content_id: int | None
    target: str | None


@dataclass(frozen=True, kw_only=True)
class StoredContent:
    """The content of a file, and where it is in a pack: from byte *start* of its tar."""

    id: int
    sha256: str
    size: int
    pack_id: int
    start: int
