"""The plan of a backup of many files.

    python benchmarks/backup_plan.py [--files 1000000]

Makes a tree of small files, a hundred in a folder, and times in processes of their own the plans of a set
that is new, that has them all in its last snapshot, and of which one file in a hundred changed since.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from backup import memory, timed
from limits import Limit, show

import glacier_magic as gm
from glacier_magic.backup.changes import recorded
from glacier_magic.backup.set_scan import scan_of
from glacier_magic.catalogue import Catalogue
from glacier_magic.emulator import testing


def many(folder: Path, count: int) -> Iterator[Path]:
    """Write so many small files, and yield every hundredth."""
    for first in range(0, count, 100):
        below = folder / f"project-{first // 10_000:03}" / f"part-{first // 100:05}"
        below.mkdir(parents=True)
        for number in range(first, min(first + 100, count)):
            (below / f"IMG_{number:07}.jpg").write_bytes(b"%07d" % number)
        yield below / f"IMG_{first:07}.jpg"


def stored(catalogue: Catalogue, folder: Path) -> int:
    """Record a finished snapshot of all that is in a folder, as if it were stored; return the bytes added."""
    backups, size = catalogue.backups, catalogue.path.stat().st_size
    found = backups.define("photos", "many", [str(folder)], {}, [], now=1)
    snapshot = backups.open_snapshot(found.id, 1)
    looked = time.time_ns() + 10**10
    entries = list(scan_of(found, catalogue))
    with catalogue.database.transaction():
        folders = (recorded(entry, None, looked) for entry in entries if entry.kind == "folder")
        backups.put(found.id, snapshot.ordinal, folders)
    members = (
        (recorded(entry, None, looked), hashlib.sha256(entry.path.encode()).hexdigest(), number * 1024)
        for number, entry in enumerate(entries)
        if entry.kind == "file"
    )
    number = backups.begin_pack(snapshot, "files", "many/pack.tar.zst")
    backups.sealed(number, snapshot, {"size": 1, "tree_hash": "0" * 64, "head": b"", "frames": b""}, members)
    backups.stored(number, "archive")
    backups.finish(snapshot, 2)
    catalogue.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return catalogue.path.stat().st_size - size


def make_plan(emulator: str, catalogue: str, folder: str) -> None:
    """Make the plan of a set; print seconds, the processor's, the peak in MiB, and how many changes."""
    with gm.connect("eu-west-1", emulator=emulator, catalogue=catalogue) as session:
        begin, spent = time.perf_counter(), time.process_time()
        found = session.vault("photos").backup("many", folder, plain=True)
        assert str(found)
        seconds, spent = time.perf_counter() - begin, time.process_time() - spent
        print(seconds, spent, memory(), sum(found.states.values()) - found.states["same"])


def plan(count: int, work: Path) -> None:
    """Plan a set of many files: a new one, an unchanged one, and one of which a hundredth changed."""
    folder, place = work / "many", work / "catalogue.sqlite"
    begin = time.perf_counter()
    some = list(many(folder, count))
    print(f"{count:,} files, made in {time.perf_counter() - begin:.0f} s")
    with testing.running(work / "emulator") as emulator:
        words = [sys.executable, __file__, "--of", str(emulator.folder), str(place), str(folder)]

        def planned(what: str, changes: int) -> None:
            seconds, spent, most, found = map(float, timed(words)[2].split())
            assert found == changes, (what, found)
            limits = (2, None) if what == "unchanged" and count <= 60_000 else (30, 400)
            show(
                Limit(f"plan of {count:,} files, {what}", seconds, "s", most=limits[0]),
                Limit(f"the processor's seconds of it, {what}", spent, "s"),
                Limit(f"peak of memory, {what}", most, "MiB", most=limits[1]),
            )

        folders = -(-count // 100) + -(-count // 10_000)
        planned("new", count + folders)
        with gm.connect("eu-west-1", emulator=emulator.folder, catalogue=place) as session:
            size = stored(session.catalogue, folder)
        show(Limit("catalogue, a file", size / count, "B", most=180))
        planned("unchanged", 0)
        for path in some:
            path.write_bytes(b"changed")
        planned("1 % changed", len(some))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--of", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.of:  # in a process of its own
        make_plan(*given.of)
        return
    with tempfile.TemporaryDirectory(prefix="backup-") as name:
        plan(given.files, Path(name))


if __name__ == "__main__":
    main()
