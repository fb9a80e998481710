"""The catalogue at a million archives and more; run by hand.

    python benchmarks/catalogue.py load    [--rows 1000000] [--catalogue FILE]
    python benchmarks/catalogue.py refresh [--rows 1000000] [--catalogue FILE]
    python benchmarks/catalogue.py pages   [--catalogue FILE]
    python benchmarks/catalogue.py table   [--catalogue FILE]
    python benchmarks/catalogue.py duplicates [--catalogue FILE]
    python benchmarks/catalogue.py record  [--rows 1000000]
    python benchmarks/catalogue.py peer    [--rows 1000000]

With ``--postgres URL`` the first three use a schema ``glacier_benchmark`` of that database, which
``load`` makes new, instead of a file.

``load`` makes a new catalogue and times what comes after the parser (benchmarks/inventories.py times
that), then the first search once the names are indexed; ``peer`` reads the same archives with json.load
into a DataFrame and into a dict in a shelve, which ``load`` does, too, up to a million archives.
``table`` makes a DataFrame of all that ``load`` left, as ls does, beside one made of records;
``duplicates`` looks for archives with the same bytes in it.
``refresh`` reads an inventory of the same vault of which 1 % changed, ``pages`` asks a catalogue
that ``load`` left, ``record`` stores one more archive in vaults of growing size.
"""

from __future__ import annotations

import argparse
import base64
import importlib
import json
import resource
import shelve
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pyarrow as pa
from limits import Limit, show

from glacier_magic.catalogue import ArchiveRecord, Catalogue, Scope
from glacier_magic.catalogue.storage.database import Database
from glacier_magic.errors import CatalogueError

HERE = Scope("111111111111", "eu-west-1")
BATCH = 100_000
PEERS = 1_000_000  # the others hold all in memory
MADE = 1_700_000_000_000
SCHEMA = "glacier_benchmark"
ENDS = (".jpg", ".tif", ".raw", ".mp4")


def batches(rows: int, seed: int = 1) -> Iterator[pa.RecordBatch]:
    """Yield an inventory: 12,000 folders, names of some 48 characters, random order."""
    for start in range(0, rows, BATCH):
        count = min(BATCH, rows - start)
        noise = np.random.default_rng([seed, start])
        raw = noise.bytes(104 * count)
        ids = [base64.urlsafe_b64encode(raw[104 * i : 104 * i + 104])[:138].decode() for i in range(count)]
        year, project, part, number, end = (
            noise.integers(0, high, count).tolist() for high in (12, 50, 20, 10**7, 4)
        )
        names = [
            f"backup/{2008 + y}/project-{p:03}/part{q}/IMG_{n:07}{ENDS[e]}"
            for y, p, q, n, e in zip(year, project, part, number, end, strict=True)
        ]
        created = noise.integers(1_200_000_000, 1_600_000_000, count) * 1000
        hashes = raw[: 32 * count].hex()
        yield pa.record_batch(
            {
                "archive_id": ids,
                "description": names,
                "created": pa.array(created, pa.timestamp("ms", "UTC")),
                "size": noise.integers(1, 10**9, count),
                "tree_hash": [hashes[64 * i : 64 * i + 64] for i in range(count)],
            }
        )


def changed(rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the same inventory with 1 % gone and as many new."""
    for batch in batches(rows):
        yield batch.slice(batch.num_rows // 100)
    yield from batches(rows // 100, seed=2)


def memory() -> float:
    """Return the peak resident memory in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read(catalogue: Catalogue, rows: int, source: Iterator[pa.RecordBatch], made: int) -> Any:
    """Read an inventory; return seconds, those of the longest transaction and the end, and the load."""
    spent, transactions = 0.0, watched(catalogue.database)
    with catalogue.inventories.loading("photos", f"job {made}", expected=rows) as load:
        for batch in source:
            started = time.perf_counter()
            load.add(batch)
            spent += time.perf_counter() - started
        started = time.perf_counter()
        load.finish(made)
        last = time.perf_counter() - started
    return spent + last, max(transactions), last, load


def watched(database: Database) -> list[float]:
    """Return a list to which each transaction adds its seconds, for which other writers wait."""
    seconds: list[float] = []
    begin = database.transaction

    @contextmanager
    def transaction(**how: bool) -> Iterator[Database]:
        with begin(**how) as inside:
            started = time.perf_counter()
            yield inside
        seconds.append(time.perf_counter() - started)

    database.transaction = transaction  # type: ignore[method-assign]
    return seconds


def opened(args: argparse.Namespace) -> Catalogue:
    if not args.postgres:
        return Catalogue(args.catalogue, HERE)
    mark = "&" if "?" in args.postgres else "?"
    return Catalogue(f"{args.postgres}{mark}options=-csearch_path%3D{SCHEMA},public", HERE)


def empty_schema(url: str) -> None:
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        connection.execute(f"CREATE SCHEMA {SCHEMA}")


def bytes_of(catalogue: Catalogue) -> int:
    try:
        return catalogue.path.stat().st_size
    except CatalogueError:
        row = catalogue.database.row(
            "SELECT sum(pg_total_relation_size(oid)) AS n FROM pg_class "
            "WHERE relnamespace=current_schema()::regnamespace AND relkind='r'"
        )
        return int(row["n"]) if row else 0


def load(args: argparse.Namespace) -> None:
    if args.postgres:
        empty_schema(args.postgres)
    else:
        for end in ("", "-wal", "-shm"):
            Path(f"{args.catalogue}{end}").unlink(missing_ok=True)
    before = memory()
    catalogue = opened(args)
    seconds, longest, last, done = read(catalogue, args.rows, batches(args.rows), MADE)
    size, used = bytes_of(catalogue), memory() - before
    started = time.perf_counter()
    for thread in threading.enumerate():  # the names are indexed in the background
        if thread.daemon:
            thread.join()
    indexing = time.perf_counter() - started
    started = time.perf_counter()
    catalogue.archives.query("photos", text="4711", limit=50)
    search = time.perf_counter() - started
    catalogue.close()
    longest_load = 75 if args.rows == 10_000_000 else 6 if args.rows <= 1_000_000 else None
    show(
        Limit(f"load {args.rows:,} archives", seconds, "s", most=longest_load),
        Limit("longest wait of other writers for a transaction", longest, "s"),
        Limit("the end of the load", last, "s"),
        Limit("peak memory of the load over imports", used, "MiB", most=400),
        Limit("indexing the names in the background", indexing, "s"),
        Limit("first search after a load", search * 1000, "ms", most=300),
        Limit("file", size / 1e6, "MB"),
    )
    print(json.dumps({"load_s": seconds, "rows": args.rows, "added": done.added}))
    if args.rows <= PEERS and not args.postgres:
        peers(args)


def peers(args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = ["--rows", str(args.rows), "--catalogue", f"{folder}/inventory.json"]
        for each in ("write", "frame", "shelve"):
            subprocess.run([sys.executable, __file__, "peer", each, *place], check=True)


def write(path: Path, rows: int) -> None:
    with path.open("w") as file:
        file.write('{"ArchiveList":[')
        mark = ""
        for batch in batches(rows):
            for row in batch.to_pylist():
                file.write(mark + json.dumps(row | {"created": row["created"].isoformat()}))
                mark = ","
        file.write("]}")


def peer(args: argparse.Namespace) -> None:
    """The same archives in what people use otherwise; each in a process of its own."""
    if args.peer not in ("write", "frame", "shelve"):
        peers(args)
        return
    if args.peer == "write":
        write(args.catalogue, args.rows)
        return
    import pandas as pd

    before, started = memory(), time.perf_counter()
    items = json.loads(args.catalogue.read_text())["ArchiveList"]
    if args.peer == "frame":
        frame = pd.DataFrame(items)
        frame["created"] = pd.to_datetime(frame["created"])
        what = "json.load + DataFrame"
    else:
        with shelve.open(str(args.catalogue.with_suffix(".shelf"))) as kept:
            kept["archives"] = {item["archive_id"]: item for item in items}
        what = "json.load + dict in a shelve"
    seconds = time.perf_counter() - started
    print(f"{what:29} {seconds:6.2f} s  peak memory over imports {memory() - before:,.0f} MiB")


def refresh(args: argparse.Namespace) -> None:
    catalogue = opened(args)
    seconds, longest, last, done = read(catalogue, args.rows, changed(args.rows), int(time.time() * 1000))
    show(
        Limit(f"refresh of {args.rows:,} archives, 1 % changed", seconds, "s"),
        Limit("longest wait of other writers for a transaction", longest, "s"),
        Limit("the end of the refresh", last, "s"),
    )
    print(f"  new {done.added:,}, gone {done.gone:,}; peak memory {memory():.0f} MiB")
    print(json.dumps({"refresh_s": seconds, "rows": args.rows}))
    catalogue.close()


def pages(args: argparse.Namespace) -> None:
    catalogue = opened(args)
    archives = catalogue.archives
    (one,) = archives.query("photos", limit=1, offset=1000).records

    def find(text: str) -> Any:
        return archives.query("photos", text=text, limit=50).records

    asked: dict[str, Callable[[], Any]] = {
        "glob backup/2012/*.tif": lambda: archives.query("photos", "backup/2012/*.tif", limit=50).records,
        "glob *47110*.jpg": lambda: archives.query("photos", "*47110*.jpg", limit=50).records,
        "sort -size": lambda: archives.query("photos", sort="-size", limit=50).records,
        f"substring {one.name[-11:]}": lambda: (
            archives.query("photos", text=one.name[-11:], limit=50).records
        ),
        "substring 4711": lambda: archives.query("photos", text="4711", limit=50).records,
        "substring project-04": lambda: archives.query("photos", text="project-04", limit=50).records,
        "substring that is nowhere": lambda: archives.query("photos", text="zebra", limit=50).records,
        "du --depth 1": lambda: archives.du("photos", depth=1),
        "du backup --depth 1": lambda: archives.du("photos", "backup", 1),
        "where size > 999MB": lambda: (
            archives.query("photos", where="size > 999.99MB and created < '2016'", limit=50).records
        ),
        "complete a name": lambda: archives.names_with_prefix("photos", "backup/2013/p"),
    }
    print(f"first page of {archives.count('photos'):,} archives, warm")
    for what, ask in asked.items():
        ask()
        times = []
        for _ in range(5):
            started = time.perf_counter()
            ask()
            times.append((time.perf_counter() - started) * 1000)
        show(Limit(f"first page: {what}", statistics.median(times), "ms", most=50))
    catalogue.close()


def table(args: argparse.Namespace) -> None:
    """Each way in a process of its own: what one leaves in memory is not the other's."""
    if args.peer not in ("frame", "records"):
        for each in ("frame", "records"):
            place = ["--catalogue", str(args.catalogue)]
            subprocess.run([sys.executable, __file__, "table", each, *place], check=True)
        return
    import pandas as pd

    archives = Catalogue(args.catalogue, HERE).archives
    before, started = memory(), time.perf_counter()
    if args.peer == "frame":
        made = archives.frame("photos")
    else:
        made = pd.DataFrame(map(asdict, archives.matching("photos")))
    seconds, used = time.perf_counter() - started, memory() - before
    ours = args.peer == "frame"  # the limits are for a million
    what = f"{len(made):,} archives as a table by {args.peer}"
    show(
        Limit(what, seconds, "s", most=2 if ours else None),
        Limit(f"{what}, over imports", used, "MiB", most=446 if ours else None),
    )


def duplicates(args: argparse.Namespace) -> None:
    importlib.import_module("pandas")  # before the clock starts

    archives = opened(args).archives
    times = []
    for _ in range(3):
        started = time.perf_counter()
        found = archives.duplicates("photos")
        times.append(time.perf_counter() - started)
    count = archives.count("photos")
    show(Limit(f"{len(found):,} duplicates of {count:,}", statistics.median(times), "s", most=1))


def upload(number: int) -> ArchiveRecord:
    return ArchiveRecord.described(
        f"backup/2026/new/file-{number}",
        vault="photos",
        archive_id=f"new{number:0135}",
        size=number,
        created=MADE,
        tree_hash="0" * 64,
        state="uploaded",
        seen=None,
    )


def record(args: argparse.Namespace) -> None:
    for rows in [n for n in (1, 1_000, 100_000, 1_000_000, 10_000_000) if n <= args.rows]:
        with tempfile.TemporaryDirectory() as folder:
            catalogue = Catalogue(Path(folder) / "catalogue.sqlite", HERE)
            read(catalogue, rows, batches(rows), MADE)
            ours = []
            for number in range(300):
                started = time.perf_counter()
                catalogue.archives.record(upload(number))
                ours.append(time.perf_counter() - started)
            catalogue.close()
            theirs = _shelve_seconds(Path(folder) / "shelf", rows) if rows <= PEERS else None
            show(
                Limit(
                    f"one more upload on record, {rows:,} there", statistics.median(ours) * 1000, "ms", most=1
                )
            )
            if theirs is not None:
                show(Limit(f"the same in a dict in a shelve, {rows:,} there", theirs * 1000, "ms"))


def _shelve_seconds(path: Path, rows: int) -> float:
    with shelve.open(str(path)) as kept:
        kept["archives"] = {row["archive_id"]: row for b in batches(rows) for row in b.to_pylist()}
    times = []
    for number in range(3 if rows > 1000 else 50):
        started = time.perf_counter()
        with shelve.open(str(path)) as kept:
            known = kept["archives"]
            known[f"new{number}"] = asdict(upload(number))
            kept["archives"] = known
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["load", "refresh", "pages", "table", "duplicates", "record", "peer"])
    parser.add_argument(
        "peer", nargs="?", choices=["write", "frame", "shelve", "records"], help=argparse.SUPPRESS
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument(
        "--catalogue", type=Path, default=Path(tempfile.gettempdir()) / "catalogue-benchmark.sqlite"
    )
    parser.add_argument("--postgres", metavar="URL", help="a database to use instead of a file")
    args = parser.parse_args()
    known = {"load": load, "refresh": refresh, "pages": pages, "table": table, "record": record, "peer": peer}
    (known | {"duplicates": duplicates})[args.what](args)


if __name__ == "__main__":
    main()
