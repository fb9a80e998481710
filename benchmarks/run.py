"""All benchmarks in one command, as one table with the limits.

    python benchmarks/run.py [--long] [--only NAME ...] [--folder DIR]
        [--json FILE] [--against FILE]

The short run takes about 5 minutes, the long one about 50.  Nothing else should run on the machine
meanwhile.  ``--json`` keeps the figures; ``--against`` shows beside each what it was in a file
that an earlier run has kept.  What each benchmark prints by itself goes to the standard error.
The exit code is 1 where a limit is missed or a benchmark fails.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from limits import RESULTS, Limit

HERE = Path(__file__).parent
MILLION, TEN = ("--rows", "1000000"), ("--rows", "10000000")


@dataclass(frozen=True)
class Part:
    """A benchmark of the table: its script, and what it is given in a short and in a long run."""

    name: str
    script: str
    words: tuple[str, ...]
    short: tuple[str, ...] | None = ()
    long: tuple[str, ...] = ()
    catalogue: bool = False


PARTS = (
    Part("hash", "transfers", ("hash",), ("--runs", "3")),
    Part("upload", "transfers", ("upload",), ("--runs", "3", "--aws", "")),  # it takes minutes
    Part("download", "transfers", ("download",), ("--runs", "3")),
    Part("small files", "transfers", ("small",), ("--runs", "1")),
    Part("memory", "transfers", ("memory",), None),
    Part("inventories", "inventories", (), ("--runs", "1", "--odd", "5")),
    Part("catalogue", "catalogue", ("load",), MILLION, MILLION, catalogue=True),
    Part("pages", "catalogue", ("pages",), catalogue=True),
    Part("DataFrame", "catalogue", ("table",), catalogue=True),
    Part("duplicates", "catalogue", ("duplicates",), catalogue=True),
    Part("refresh", "catalogue", ("refresh",), None, MILLION, catalogue=True),
    Part("record", "catalogue", ("record",), ("--rows", "100000"), MILLION),
    Part("10 million", "catalogue", ("load",), None, TEN),
    Part("shell", "shell", (), ("--runs", "5")),
    Part("extension", "load", ()),
    Part("server start", "server_start", ()),
    Part("board", "board", ()),
    Part("explorer", "explorer", (), None, (), catalogue=True),
    Part("deletions", "drop", (), ("--archives", "2000")),
    Part("backup", "backup", (), ("--files", "20000", "--runs", "3", "--peers")),
    Part("backup plan", "backup_plan", (), ("--files", "54000")),
    Part("emulator", "emulator", (), ("--gib", "1", "--archives", "100000")),
)


Figures = list[tuple[str, Limit]]
"""Each with the name of its benchmark."""


def carried_out(part: Part, given: argparse.Namespace, folder: Path) -> Figures:
    """Run one benchmark; return its figures, or why there are none."""
    more = (part.long if given.long else part.short) or ()
    words = [sys.executable, str(HERE / f"{part.script}.py"), *part.words, *more]
    if part.script == "catalogue" or part.catalogue:
        name = "million" if part.catalogue else part.name.replace(" ", "-")
        words += ["--catalogue", str(folder / f"{name}.sqlite")]
    results = folder / f"{part.name}.jsonl"
    environment = os.environ | {RESULTS: str(results), "TMPDIR": str(folder)}
    began = time.monotonic()
    print(f"\n=== {part.name}: {' '.join(words[1:])}", file=sys.stderr, flush=True)
    done = subprocess.run(words, check=False, stdout=sys.stderr, env=environment)
    print(f"=== {part.name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    lines = results.read_text().splitlines() if results.exists() else []
    figures = [Limit(**json.loads(line)) for line in lines]
    if done.returncode or not figures:
        figures.append(Limit(f"ended with {done.returncode}, {len(figures)} figures", 1, "", most=0))
    return [(part.name, figure) for figure in figures]


def machine() -> dict[str, Any]:
    """Return what figures depend on."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "load before": round(os.getloadavg()[0], 2),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def table(figures: Figures, before: dict[tuple[str, str], float]) -> str:
    """Return the figures as lines: each with its limit, and with what it was before."""
    rows = [("benchmark", "figure", "value", "limit", "", *(("before", "ratio") if before else ()))]
    for name, limit in figures:
        verdict = "" if not limit.wanted else "met" if limit.met else "MISSED"
        row = (name, limit.what, f"{limit.value:.2f} {limit.unit}".strip(), limit.wanted, verdict)
        old = before.get((name, limit.what))
        compared = (f"{old:.2f}", f"{limit.value / old:.2f}") if old else ("", "")
        rows.append((*row, *(compared if before else ())))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column in (0, 1, 4) else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--long", action="store_true", help="every benchmark in its full size")
    add("--only", nargs="+", metavar="NAME", default=[], help=f"of {', '.join(p.name for p in PARTS)}")
    add("--folder", type=Path, help="where the files lie (default: the system's temporary folder)")
    add("--json", type=Path, metavar="FILE", help="keep the figures there")
    add("--against", type=Path, metavar="FILE", help="compare with the figures kept there")
    given = parser.parse_args()
    unknown = sorted(set(given.only) - {part.name for part in PARTS})
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}")
    before = json.loads(given.against.read_text())["figures"] if given.against else []
    about, began = machine(), time.monotonic()
    figures: Figures = []
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="benchmarks-") as folder:
        for part in PARTS:
            if part.name in given.only or (not given.only and (given.long or part.short is not None)):
                figures += carried_out(part, given, Path(folder))
    print("; ".join(f"{name} {value}" for name, value in about.items()))
    print(table(figures, {(figure["benchmark"], figure["what"]): figure["value"] for figure in before}))
    missed = sum(not limit.met for _, limit in figures)
    print(f"{len(figures)} figures, {missed} missed, in {(time.monotonic() - began) / 60:.1f} minutes")
    if given.json:
        kept = [{"benchmark": name} | asdict(limit) for name, limit in figures]
        given.json.write_text(json.dumps({"machine": about, "figures": kept}, indent=1) + "\n")
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
