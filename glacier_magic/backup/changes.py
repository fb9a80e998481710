"""What has changed in folders since the last snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import Literal, NamedTuple

from ..base.units import storable
from ..catalogue.records.backup_rows import BackedUp
from ..packs import PackMember
from ..packs.pack_members import GONE, SYMLINK
from .scan import Entry, Scan

State = Literal["same", "new", "changed", "touched", "metadata", "gone"]

READ: tuple[State, ...] = ("new", "changed", "touched")
"""Changes for which files are read."""
_INODE = (1 << 63) - 1  # the largest integer of a database
SETTLING = 2 * 10**9
"""Nanoseconds before a scan: a file that was changed within them can change again and keep its times,
because the clocks of file systems are coarse."""


class FileChange(NamedTuple):
    """An entry on the disk, and its record in the last snapshot; one of them may be None.

    :param state: a file is ``touched`` if its size and time are the same, but not its inode or ``ctime``: its
        content has to be read.  With ``metadata``, only mode, times or the target of a link differ.
    """

    state: State
    entry: Entry | None
    before: BackedUp | None


def changes(
    found: Scan,
    known: Iterable[BackedUp],
    *,
    checksum: bool = False,
    trust_mtime: bool = False,
    lost: Set[int] = frozenset(),
) -> Iterator[FileChange]:
    """Compare a scan with the last snapshot, both in the order of their keys; yield a change for each entry.

    Entries that may be in a folder that cannot be read are left out: they stay in the next snapshot.

    :param checksum: read all files.
    :param trust_mtime: size and time of a file suffice, as on network shares.
    :param lost: contents whose archives are gone: files with them are read, and stored again.
    """
    entries, records = iter(found), iter(known)
    entry, before = next(entries, None), next(records, None)
    while entry is not None or before is not None:
        if before is None or (entry is not None and entry.key < before.path):
            yield FileChange("new", entry, None)
            entry = next(entries, None)
        elif entry is None or before.path < entry.key:
            if not found.hides(before.path):
                yield FileChange("gone", None, before)
            before = next(records, None)
        else:
            read = checksum or before.content_id in lost
            yield FileChange(_state(entry, before, checksum=read, trust_mtime=trust_mtime), entry, before)
            entry, before = next(entries, None), next(records, None)


def _state(entry: Entry, before: BackedUp, *, checksum: bool, trust_mtime: bool) -> State:
    if entry.kind != before.kind:
        return "new"
    if entry.kind == "link":  # its own times mean nothing
        return "same" if storable(entry.target or "") == before.target else "metadata"
    same = (entry.mode, entry.mtime_ns) == (before.mode, before.mtime_ns)
    if entry.kind == "folder":
        return "same" if same else "metadata"
    if (entry.size, entry.mtime_ns) != (before.size, before.mtime_ns):
        return "changed"
    if checksum:
        return "touched"
    if not trust_mtime and (entry.ctime_ns, entry.inode & _INODE) != (before.ctime_ns, before.inode):
        return "touched"
    return "same" if same else "metadata"


def recorded(entry: Entry, content: int | None, scanned: int) -> BackedUp:
    """Return an entry as the catalogue records it.

    :param scanned: when the scan began, in nanoseconds since 1970 UTC.
    """
    settled = entry.ctime_ns < scanned - SETTLING
    return BackedUp(
        path=entry.key,
        kind=entry.kind,
        mode=entry.mode,
        mtime_ns=entry.mtime_ns,
        ctime_ns=entry.ctime_ns if settled else 0,  # 0: the next run reads the file
        inode=entry.inode & _INODE,
        size=entry.size,
        content_id=content,
        target=None if entry.target is None else storable(entry.target),
    )


def noted(change: BackedUp | str, sha256: str) -> PackMember:
    """Return the line of a pack's index about an entry, or about the path of one that is gone.

    :param sha256: of a file's content.
    """
    if isinstance(change, str):
        return PackMember(change, GONE, 0, 0, 0, 0)
    kind = SYMLINK if change.kind == "link" else change.kind
    return PackMember(
        change.path, kind, 0, change.size, change.mtime_ns, change.mode, sha256, change.target or ""
    )
