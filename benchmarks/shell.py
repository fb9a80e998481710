"""The shell's verbs in cold processes, beside the libraries that they could import.

    python benchmarks/shell.py [--rows 1000] [--runs 7]

Makes a vault in an emulator, and as many archives in the catalogue, and prints the median of the
runs of each command, taken in turn: wall seconds, and the processor's seconds.  ``aws --version`` is
left out where it is not installed.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from limits import Limit, show

from glacier_magic.client.connect import connect
from glacier_magic.emulator import process

LIMITS = {"ls --limit 20": 0.45, "jobs": 0.4, "vaults": 0.8, "du": None, "--version": None}
"""The lines, and the wall seconds that each may take."""
VERB = [sys.executable, "-m", "glacier_magic.cli"]
PEERS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import boto3": [sys.executable, "-c", "import boto3"],
    "aws --version": ["aws", "--version"],
}


def fill(rows: int) -> None:
    """Make a vault in the emulator of the environment, with *rows* archives in the catalogue."""
    from catalogue import MADE, batches

    with connect(emulator=True) as session:
        session.create_vault("photos")
        session.vault_in_use = "photos"
        with session.catalogue.inventories.loading("photos", "benchmark", expected=rows) as load:
            for batch in batches(rows):
                load.add(batch)
            load.finish(MADE)


def run(command: Sequence[str]) -> tuple[float, float]:
    """Return the wall seconds and the processor's seconds of a process."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(runs: int) -> None:
    """Run all commands in turn, and print their medians."""
    commands = {name: words for name, words in PEERS.items() if shutil.which(words[0])}
    commands |= {f"glacier-magic {line}": [*VERB, *line.split()] for line in LIMITS}
    for words in commands.values():  # writes the compiled modules, and the record of the session
        run(words)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, words in commands.items():
            taken[name].append(run(words))
    for name, times in taken.items():
        wall, processor = (statistics.median(column) for column in zip(*times, strict=True))
        most = LIMITS.get(name.removeprefix("glacier-magic "))
        show(Limit(name, wall, "s", most=most), Limit(f"{name}: processor", processor, "s"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000, help="archives in the catalogue")
    parser.add_argument("--runs", type=int, default=7, help="runs of each command")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = ("AWS_", "GLACIER_MAGIC_", "PYTHONDONTWRITEBYTECODE")
        for name in [name for name in os.environ if name.startswith(names)]:
            del os.environ[name]
        os.environ |= {
            "GLACIER_MAGIC_HOME": f"{folder}/home",
            "GLACIER_MAGIC_EMULATOR": f"{folder}/emulator",
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "PYTHONPYCACHEPREFIX": f"{folder}/compiled",
        }
        try:
            subprocess.run([*VERB, "connect", "--emulator"], check=True, stdout=subprocess.DEVNULL)
            fill(given.rows)
            measure(given.runs)
        finally:
            process.stop(Path(folder) / "emulator")


if __name__ == "__main__":
    main()
