"""Backups: packing beside other programs, and looking at many files.

    python benchmarks/backup.py pack [--files 50000] [--runs 5] [--incompressible MIB]
        [--peers restic borg duplicity]
    python benchmarks/backup.py plan [--files 1000000]

``pack`` copies every second file below 64 MiB (larger ones do not go into packs) of this machine's ``/usr``
into a folder, and lets each program write it into another one, taken in turn; of the peers, those that are
not installed are named.  The anchor is ``tar --format=pax | zstd -T0 -3 | age``, which hashes nothing, and
does not wait for the disk.  A ratio is of the best runs: the machine may be busy in others.

``plan`` makes a tree of small files, a hundred in a folder, and times in processes of their own the plans of
a set that is new, that has them all in its last snapshot, and of which one file in a hundred changed since.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from limits import Limit, show

import glacier_magic as gm
from glacier_magic.backup.changes import recorded
from glacier_magic.backup.looking import scan_of
from glacier_magic.catalogue import Catalogue
from glacier_magic.emulator import testing
from glacier_magic.packs import PackWriter, walk
from glacier_magic.packs.encryption import Identity

MIB = 1 << 20
LARGEST = 64 * MIB
"""Files of this size are not copied."""
ANCHOR = 'tar --format=pax -cf - -C "$0" . | zstd -T0 -3 -q | age -r "$2" -o "$1/anchor"'
PEERS = {
    "restic": 'export RESTIC_PASSWORD=x; restic init -q -r "$1" && restic backup -q --no-cache -r "$1" "$0"',
    "borg": (
        'export BORG_PASSPHRASE=x BORG_BASE_DIR="$1/base"; borg init -e repokey-blake2 "$1/r" && '
        'borg create -C zstd,3 "$1/r::a" "$0"'
    ),
    "duplicity": (
        'export PASSPHRASE=x; mkdir "$1/r"; duplicity full --archive-dir "$1/cache" "$0" "file://$1/r"'
    ),
}


def real_files() -> Iterator[Path]:
    """Yield files of this machine, always in the same order."""
    for folder, folders, names in os.walk("/usr"):
        folders.sort()
        for path in (Path(folder, name) for name in sorted(names)):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and 0 < status.st_size < LARGEST:
                yield path


def fill(folder: Path, count: int) -> tuple[int, int]:
    """Copy files; return their number and bytes."""
    made = size = 0
    for path in islice(real_files(), 0, None, 2):
        if made == count:
            break
        target = folder.joinpath(*path.parts[1:])
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy2(path, target)
        except OSError:
            continue
        made, size = made + 1, size + target.stat().st_size
    return made, size


def peak() -> float:
    """Return the most memory of this process and its children, in MiB."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(who).ru_maxrss for who in both) / 1024


def write_pack(folder: str, file: str, recipient: str) -> None:
    """Write a pack; print its peak of memory in MiB, and how late a second thread's timer was in ms."""
    done, late = threading.Event(), 0.0

    def tick() -> None:
        nonlocal late
        while not done.is_set():
            before = time.monotonic()
            time.sleep(0.01)
            late = max(late, time.monotonic() - before - 0.01)

    thread = threading.Thread(target=tick)
    thread.start()
    with PackWriter(Path(file), [recipient]) as writer:
        for path, source in walk(folder):
            writer.add(path, source)
        writer.close()
    done.set()
    thread.join()
    print(peak(), late * 1000)


Run = tuple[float, float, str]
"""Wall seconds, the processor's seconds, and what was printed."""


def timed(command: Sequence[str]) -> Run:
    """Run a process."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def compare(folder: Path, work: Path, runs: int, peers: Sequence[str]) -> dict[str, list[Run]]:
    """Let each program write the folder, in turn; print and return the runs."""
    recipient = Identity.new().recipient
    lines = {name: PEERS[name] for name in peers if shutil.which(name)} | {"anchor": ANCHOR, "pack": ""}
    taken: dict[str, list[Run]] = {name: [] for name in lines}
    for number in range(runs):
        for name, line in lines.items():
            if number and name in peers:
                continue
            out = work / f"{name}-{number}"
            out.mkdir()
            command = ["bash", "-euo", "pipefail", "-c", line, str(folder), str(out), recipient]
            if name == "pack":
                command = [
                    sys.executable,
                    __file__,
                    "pack",
                    "--of",
                    str(folder),
                    str(out / "pack"),
                    recipient,
                ]
            wall, cpu, said = timed(command)
            taken[name].append((wall, cpu, said))
            size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
            print(f"  {name:<10} {wall:7.2f} s  {cpu:7.2f} CPU s  {size / MIB:8.1f} MiB", flush=True)
            shutil.rmtree(out)
    return taken


def best(taken: list[Run], column: int = 0) -> float:
    """Return the least of the runs."""
    return min(float(run[column]) for run in taken)


def ratio(taken: dict[str, list[Run]], column: int = 0) -> float:
    """Return how much faster the pack is than the anchor."""
    return best(taken["anchor"], column) / best(taken["pack"], column)


def pack(given: argparse.Namespace, work: Path) -> None:
    """Pack small files, and an incompressible one, beside the others."""
    small, large = work / "small", work / "large"
    small.mkdir()
    count, size = fill(small, given.files or 50_000)
    print(f"{count:,} files, {size / MIB:.0f} MiB")
    taken = compare(small, work, given.runs, given.peers)
    said = [run[2].split() for run in taken["pack"]]
    show(
        Limit("pack of small files, x tar | zstd | age", ratio(taken), least=0.85),
        Limit("the same, of the processor's seconds", ratio(taken, 1)),
        *(
            Limit(f"pack of small files, x {peer}", best(taken[peer]) / best(taken["pack"]), least=1)
            for peer in given.peers
            if peer in taken
        ),
        Limit("peak of memory", max(float(words[0]) for words in said), "MiB", most=160),
        Limit("another thread's timer, late by", min(float(words[1]) for words in said), "ms", most=100),
    )
    missing = [peer for peer in given.peers if peer not in taken]
    if missing:
        print(f"  not installed, so not compared: {', '.join(missing)}")
    large.mkdir()
    with (large / "random").open("wb") as file:
        for _ in range(given.incompressible):
            file.write(os.urandom(MIB))
    taken = compare(large, work, given.runs, [])
    show(Limit("pack of an incompressible file, x tar | zstd | age", ratio(taken), least=0.6))


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
    """Make the plan of a set; print its seconds, the peak of memory in MiB, and how many entries it has."""
    with gm.connect("eu-west-1", emulator=emulator, catalogue=catalogue) as session:
        begin = time.perf_counter()
        found = session.vault("photos").backup("many", folder, plain=True)
        assert str(found)
        print(time.perf_counter() - begin, peak(), sum(found.states.values()) - found.states["same"])


def plan(given: argparse.Namespace, work: Path) -> None:
    """Plan a set of many files: a new one, an unchanged one, and one of which a hundredth changed."""
    count, folder, place = given.files or 1_000_000, work / "many", work / "catalogue.sqlite"
    begin = time.perf_counter()
    some = list(many(folder, count))
    print(f"{count:,} files, made in {time.perf_counter() - begin:.0f} s")
    with testing.running(work / "emulator") as emulator:
        words = [sys.executable, __file__, "plan", "--of", str(emulator.folder), str(place), str(folder)]

        def planned(what: str, changes: int) -> None:
            seconds, memory, found = map(float, timed(words)[2].split())
            assert found == changes, (what, found)
            limits = (2, None) if what == "unchanged" and count <= 60_000 else (30, 400)
            show(
                Limit(f"plan of {count:,} files, {what}", seconds, "s", most=limits[0]),
                Limit("its peak of memory", memory, "MiB", most=limits[1]),
            )

        folders = -(-count // 100) + -(-count // 10_000)
        planned("new", count + folders)
        with gm.connect("eu-west-1", emulator=emulator.folder, catalogue=place) as session:
            size = stored(session.catalogue, folder)
        show(Limit("catalogue, a file", size / count, "B", most=130))
        planned("unchanged", 0)
        for path in some:
            path.write_bytes(b"changed")
        planned("1 % changed", len(some))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["pack", "plan"])
    parser.add_argument("--files", type=int)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--incompressible", type=int, default=1024, metavar="MIB", help="in one file")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--of", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.of:  # in a process of its own
        (write_pack if given.what == "pack" else make_plan)(*given.of)
        return
    with tempfile.TemporaryDirectory(prefix="backup-") as name:
        (pack if given.what == "pack" else plan)(given, Path(name))


if __name__ == "__main__":
    main()
