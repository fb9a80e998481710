"""Snapshots, their files and their packs as DataFrames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..base.dataframes import marked
from ..catalogue import ArchiveRecord
from ..catalogue.records.backup_rows import BackedUp, PackRecord, SnapshotRecord

if TYPE_CHECKING:
    import pandas as pd


def snapshots(made: Mapping[str, Sequence[SnapshotRecord]]) -> pd.DataFrame:
    """Return the finished snapshots of sets, by the names of the sets."""
    import pandas as pd

    rows = [
        (name, one.ordinal, one.started, one.files, one.bytes, one.added, one.unread, one.labels, one.note)
        for name, of_set in made.items()
        for one in of_set
        if one.finished is not None
    ]
    numbers = ("snapshot", "time", "files", "size", "sent", "unread")
    frame = pd.DataFrame(rows, columns=["set", *numbers, "labels", "note"])
    frame["time"] = pd.to_datetime(frame["time"], unit="ms", utc=True)
    return marked(frame)


def files(entries: Iterable[BackedUp]) -> pd.DataFrame:
    """Return entries of a snapshot: path, kind, size, modified."""
    return _timed([(e.path, e.kind, e.size, e.mtime_ns) for e in entries], "kind")


def differences(before: Iterable[BackedUp], after: Iterable[BackedUp]) -> pd.DataFrame:
    """Return what differs between two snapshots: path, state, size, modified."""
    old = {entry.path: entry for entry in before}
    new = {entry.path: entry for entry in after}
    rows = []
    for path in sorted(old.keys() | new.keys()):
        shown = new.get(path) or old[path]
        if old.get(path) != new.get(path):
            state = "new" if path not in old else "gone" if path not in new else "changed"
            rows.append((path, state, shown.size, shown.mtime_ns))
    return _timed(rows, "state")


def checked(packs: Iterable[tuple[PackRecord, ArchiveRecord | None]]) -> pd.DataFrame:
    """Return packs beside their archives: name, size, state, problem."""
    import pandas as pd

    rows = [
        (pack.name, pack.size or 0, archive.state if archive else "not known", _problem(pack, archive))
        for pack, archive in packs
    ]
    frame = pd.DataFrame(rows, columns=["name", "size", "state", "problem"])
    return marked(frame.astype({"size": "int64"}))


def sampled(files: Iterable[tuple[str, int, str, str]]) -> pd.DataFrame:
    """Return files that were read for a sample: path, size, pack, problem."""
    import pandas as pd

    frame = pd.DataFrame(files, columns=["path", "size", "pack", "problem"])
    return marked(frame.astype({"size": "int64"}))


def _problem(pack: PackRecord, archive: ArchiveRecord | None) -> str:
    if archive is None or archive.state not in ("present", "pending"):
        return "is not in the vault"
    if archive.size not in (None, pack.size):
        return "has another size"
    if archive.tree_hash and pack.tree_hash and archive.tree_hash != pack.tree_hash:
        return "has other content"
    return ""


def _timed(rows: Sequence[tuple[str, str, int, int]], second: str) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows, columns=["path", second, "size", "modified"])
    frame["modified"] = pd.to_datetime(frame["modified"], unit="ns", utc=True)
    return marked(frame.astype({"size": "int64"}))
