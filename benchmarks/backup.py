"""Packing small files, beside tar, zstd and age, and beside other programs that back up.

    python benchmarks/backup.py [--files 50000] [--runs 5] [--incompressible MIB]
        [--peers restic borg duplicity]

Copies every second file below 64 MiB (larger ones do not go into packs) of this machine's ``/usr`` into
a folder, and lets each program write it into another one, taken in turn; peers that are not installed are
named.  The anchor is ``tar --format=pax | zstd -T0 -3 | age``, which hashes nothing, and does not
wait for the disk.  A ratio is of the best runs: the machine may be busy in others.
"""

from __future__ import annotations

import argparse
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

from glacier_magic.base.ranges import ByteRange, megabyte_cover
from glacier_magic.packs import PackReader, PackWriter, walk
from glacier_magic.packs.encryption import Identity, SealedFile

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


def memory() -> float:
    """Return the most memory of this process and its children, in MiB."""
    status = Path("/proc/self/status").read_text()  # getrusage() has that of the parent in it
    own = int(status.partition("VmHWM:")[2].split()[0])
    return (own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def pack(folder: str, file: str, recipient: str) -> None:
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
    print(memory(), late * 1000)


def small_member(folder: Path, file: Path) -> int:
    """Pack the folder, and in it a file of 10 kB; return the bytes of the one range that has that file."""
    identity, fetched = Identity.new(), list[ByteRange]()
    for name, size in (("small", 10_000), ("tail", 16 * MIB)):
        (folder / name).write_bytes(os.urandom(size))
    with PackWriter(file, [identity.recipient]) as writer:
        members = {path: writer.add(path, source) for path, source in walk(folder)}
        sealed = writer.close()
    with file.open("rb") as opened:

        def fetch(start: int, end: int) -> bytes:
            fetched.append(megabyte_cover(ByteRange(start, end - 1), sealed.size))
            opened.seek(start)
            return opened.read(end - start)

        head = SealedFile(fetch, sealed.size, [identity]).head  # which the catalogue has, and the table
        reader = PackReader(SealedFile(fetch, sealed.size, [identity], head=head), sealed.table)
        fetched.clear()
        assert b"".join(reader.read(members["small"])) == (folder / "small").read_bytes()
    (one,) = fetched
    return one.size


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
            out = work / f"{name}-{number}"
            out.mkdir()
            command = ["bash", "-euo", "pipefail", "-c", line, str(folder), str(out), recipient]
            if name == "pack":
                command = [sys.executable, __file__, "--pack", str(folder), str(out / "pack"), recipient]
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


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--incompressible", type=int, default=1024, metavar="MIB", help="in one file")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--pack", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.pack:  # in a process of its own
        pack(*given.pack)
        return
    with tempfile.TemporaryDirectory(prefix="backup-") as name:
        small, large = Path(name, "small"), Path(name, "large")
        small.mkdir()
        count, size = fill(small, given.files)
        print(f"{count:,} files, {size / MIB:.0f} MiB")
        taken = compare(small, Path(name), given.runs, given.peers)
        said = [run[2].split() for run in taken["pack"]]
        show(
            Limit("pack of small files, x tar | zstd | age", ratio(taken), least=0.85),
            Limit("the same, of the processor's seconds", ratio(taken, 1)),
            *(
                Limit(f"pack of small files, x {peer}", best(taken[peer]) / best(taken["pack"]), least=1)
                for peer in PEERS
                if peer in taken
            ),
            Limit("peak of memory", max(float(words[0]) for words in said), "MiB", most=160),
            Limit("another thread's timer, late by", min(float(words[1]) for words in said), "ms", most=100),
        )
        if missing := [peer for peer in given.peers if peer not in taken]:
            print(f"  not installed, so not compared: {', '.join(missing)}")
        large.mkdir()
        with (large / "random").open("wb") as file:
            for _ in range(given.incompressible):
                file.write(os.urandom(MIB))
        taken = compare(large, Path(name), given.runs, [])
        show(
            Limit("pack of an incompressible file, x tar | zstd | age", ratio(taken), least=0.6),
            Limit("the same, of the processor's seconds, incompressible", ratio(taken, 1)),
            Limit("range for 10 kB of that pack", small_member(large, Path(name, "p")) / MIB, "MiB", most=6),
        )


if __name__ == "__main__":
    main()
