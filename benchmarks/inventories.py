"""How fast an inventory becomes a typed DataFrame, against its peers; run by hand.

    python benchmarks/inventories.py [--archives 1000000] [--odd 0 5] [--runs 5] [--folder DIR]

For every share of descriptions with a quote, a comma and a backslash at the end (``--odd``, in per
cent) one inventory is written in both forms, and every reader runs in a fresh process each time,
interleaved, timed without its imports.  The peak is that of resident memory over what the imports
and an empty inventory took.  pandas' and Arrow's own CSV readers are there for the record: they
lose data wherever a description has a quote or a backslash at its end.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from limits import Limit, show

LENGTH = 60
WORDS = ("photos", "scans", "holiday", "tax", "music", "letters", "2014", "IMG", "backup")
HEADER = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\n"
HEAD = (
    '{"VaultARN":"arn:aws:glacier:us-east-1:012345678901:vaults/photos",'
    '"InventoryDate":"2015-04-07T00:26:18Z","ArchiveList":['
)


def write(folder: Path, archives: int, odd: float) -> dict[str, Path]:
    """Write one inventory in both forms; *odd* per cent of the descriptions are difficult."""
    chance, began = random.Random(1), datetime(2012, 8, 21, tzinfo=UTC)
    paths = {form: folder / f"inventory-{odd:g}.{form.lower()}" for form in ("CSV", "JSON")}
    with paths["CSV"].open("w", newline="") as csv, paths["JSON"].open("w", newline="") as js:
        csv.write(HEADER)
        js.write(HEAD)
        for number in range(archives):
            archive_id = base64.urlsafe_b64encode(chance.randbytes(105))[:138].decode()
            path = "/".join(chance.choices(WORDS, k=9)).ljust(LENGTH, "x")
            text = f"{path[: LENGTH - 12]}{number:08}.tif"
            if chance.random() * 100 < odd:
                text = f'C:\\"{text[: LENGTH - 9]}", \\'
            created = began + timedelta(seconds=chance.randrange(10**8))
            date = created.strftime("%Y-%m-%dT%H:%M:%SZ")
            size, tree_hash = chance.randrange(10 ** chance.randrange(3, 11)), chance.randbytes(32)
            quoted = text.replace('"', '\\"')
            csv.write(f'{archive_id},"{quoted}",{date},{size},{tree_hash.hex()}\n')
            js.write(
                f'{"," if number else ""}{{"ArchiveId":"{archive_id}","ArchiveDescription":'
                f'{json.dumps(text)},"CreationDate":"{date}","Size":{size},'
                f'"SHA256TreeHash":"{tree_hash.hex()}"}}'
            )
        js.write("]}")
    return paths


# Readers: each is imported and tried on nothing before it is measured


def ours(path: Path) -> Any:
    import pyarrow as pa

    from glacier_magic.inventories import LISTED

    table = pa.Table.from_batches(batches(path), schema=LISTED)
    return table.to_pandas(self_destruct=True, split_blocks=True)


def batches(path: Path) -> Any:
    from glacier_magic.inventories import read

    with path.open("rb") as file:
        yield from read(iter(lambda: file.read(1 << 20), b""), path.suffix[1:].upper())


def ours_as_batches(path: Path) -> Any:
    """Read the batches only, as the catalogue does, and keep none."""
    for _ in batches(path):
        pass


def typed(frame: Any) -> Any:
    import pandas as pd

    frame["CreationDate"] = pd.to_datetime(frame["CreationDate"], format="ISO8601", utc=True)
    return frame.astype({"Size": "int64"})


def json_load(path: Path) -> Any:
    import pandas as pd

    with path.open("rb") as file:
        archives = json.load(file)["ArchiveList"]
    columns = ["ArchiveId", "ArchiveDescription", "CreationDate", "Size", "SHA256TreeHash"]
    return typed(pd.DataFrame(archives, columns=columns))


def read_json(path: Path) -> Any:
    import pandas as pd

    frame = pd.read_json(path)
    archives = pd.DataFrame(frame["ArchiveList"].tolist())
    return typed(archives) if len(archives) else archives


def pandas_csv(path: Path) -> Any:
    import pandas as pd

    return typed(pd.read_csv(path, keep_default_na=False, on_bad_lines="skip"))


def arrow_csv(path: Path) -> Any:
    from pyarrow import csv

    options = csv.ParseOptions(invalid_row_handler=lambda _: "skip")
    return csv.read_csv(path, parse_options=options).to_pandas()


READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "ours, CSV to DataFrame": ("CSV", ours),
    "ours, JSON to DataFrame": ("JSON", ours),
    "ours, CSV in batches": ("CSV", ours_as_batches),
    "ours, JSON in batches": ("JSON", ours_as_batches),
    "json.load + DataFrame, typed": ("JSON", json_load),
    "pandas.read_json, typed": ("JSON", read_json),
    "pandas.read_csv (loses data)": ("CSV", pandas_csv),
    "pyarrow.csv (loses data)": ("CSV", arrow_csv),
}


def resident(field: str) -> float:
    found = re.search(rf"{field}:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def measured(name: str, path: Path, empty: Path) -> dict[str, float]:
    """Read *path* once in this process; return the seconds and the MiB it took."""
    reader = READERS[name][1]
    reader(empty)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, began, cpu = resident("VmRSS"), time.perf_counter(), time.process_time()
    frame = reader(path)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {
        "seconds": seconds,
        "cpu": cpu,
        "peak": resident("VmHWM") - before,
        "rows": 0 if frame is None else len(frame),
    }


def child(name: str, path: Path, empty: Path) -> dict[str, float]:
    words = [sys.executable, __file__, "--child", name, str(path), str(empty)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def same(paths: dict[str, Path]) -> None:
    """Check once that ours, in either form, is what json.load gives, character for character."""
    theirs = json_load(paths["JSON"])
    for path in paths.values():
        frame = ours(path)
        for mine, other in zip(frame.columns, theirs.columns, strict=True):
            assert frame[mine].tolist() == theirs[other].tolist(), (path, mine)


def compare(folder: Path, archives: int, odd: float, runs: int) -> None:
    paths, small = write(folder, archives, odd), folder / "small"
    small.mkdir(exist_ok=True)
    empty = write(small, 3, odd)
    mib = {form: path.stat().st_size >> 20 for form, path in paths.items()}
    same(write(small / "..", min(archives, 20_000), odd + 0.001))
    results: dict[str, list[dict[str, float]]] = {name: [] for name in READERS}
    for number in range(runs):
        order = list(READERS) if number % 2 == 0 else list(reversed(READERS))
        for name in order:
            form = READERS[name][0]
            results[name].append(child(name, paths[form], empty[form]))

    def median(name: str, key: str) -> float:
        return statistics.median(run[key] for run in results[name])

    print(f"\n{archives:,} archives, {odd:g} % difficult; CSV {mib['CSV']}, JSON {mib['JSON']} MiB")
    print(f"  {'medians of ' + str(runs):<32} {'s':>6} {'CPU s':>6} {'peak MiB':>8} {'rows':>9}")
    for name in READERS:
        seconds, cpu, peak = (median(name, key) for key in ("seconds", "cpu", "peak"))
        rows = int(median(name, "rows"))
        print(f"  {name:<32} {seconds:6.2f} {cpu:6.2f} {peak:8.0f} {rows or '':>9}")
    base = "json.load + DataFrame, typed"
    for form, least in (("CSV", 4.0), ("JSON", 1.5)):
        name = f"ours, {form} to DataFrame"
        speed = median(base, "seconds") / median(name, "seconds")
        share = median(name, "peak") / median(base, "peak")
        show(
            Limit(f"{form}, {odd:g} % difficult, x json.load + DataFrame", speed, least=least),
            Limit(f"{form}, {odd:g} % difficult, of its peak memory", share, most=0.5),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--archives", type=int, default=1_000_000, help="how long the inventory is")
    add("--odd", type=float, nargs="*", default=[5.0, 0.0], help="per cent of difficult ones")
    add("--runs", type=int, default=5, help="how often each reader runs")
    add("--folder", type=Path, help="where the files lie (default: the temporary folder)")
    add("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        name, path, empty = given.child
        print(json.dumps(measured(name, Path(path), Path(empty))))
        return
    for odd in given.odd:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            compare(Path(folder), given.archives, odd, given.runs)


if __name__ == "__main__":
    main()
