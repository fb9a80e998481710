"""Opening a vault of a million archives in a notebook: ours beside a plain DataFrame and itables.

    python benchmarks/explorer.py [--rows 1000000] [--catalogue FILE]

FILE is what ``benchmarks/catalogue.py load`` leaves; it is made where it is missing.  Each way of
showing the vault runs in a real kernel, after everything was imported; time is from the request to
what is to be seen and to the reply, and bytes are all that the kernel publishes until then.
itables is left out where it is not installed.  The page's own share is in tests/browser.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import queue
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limits import Limit, show

HERE = Path(__file__).parent

SETUP = """
import sys; sys.path.insert(0, {here!r})
from types import SimpleNamespace
import catalogue as made
from pathlib import Path
from glacier_magic.catalogue import Catalogue
from glacier_magic.explore import Explorer
from glacier_magic.notebook.explorer_view import ExplorerView
from glacier_magic.service.clock import ServiceClock
from glacier_magic.client.vault import Vault
from IPython.display import display
import pandas, time
catalogue = Catalogue(Path({catalogue!r}), made.HERE)
session = SimpleNamespace(
    catalogue=catalogue, region="eu-west-1", service=SimpleNamespace(clock=ServiceClock())
)
vault = Vault(session, "photos")
"""

EXPLORER = "explorer = Explorer(vault); ExplorerView(explorer).show()"
FRAME = "frame = catalogue.archives.frame('photos'); display(frame)"
ITABLES = "import itables; frame = catalogue.archives.frame('photos'); itables.show(frame)"
STEPS = {
    "sort by size": "explorer.look(sort='-size')",
    "sort by format": "explorer.look(sort='format')",
    "name *7.jpg": "explorer.look(name='*7.jpg', sort='name')",
    "name project-04": "explorer.look(name='project-04')",
    "size > 900MB": "explorer.look(name='', where='size > 900MB')",
    "a format of which there is none": "explorer.look(where='', format='mt2')",
    "year 2012": "explorer.look(format=None, year='2012')",
    "folder backup/2012/": "explorer.look(year=None, folder='backup/2012/')",
    "back to all": "explorer.look(folder='')",
}


@dataclass
class Shown:
    """Seconds until the reply and until a view was sent, bytes of all and until the view."""

    seconds: float
    visible: float
    sent: int
    first: int
    printed: str


class Kernel:
    """A kernel, and what it publishes."""

    def __init__(self) -> None:
        from jupyter_client.manager import start_new_kernel

        self.manager, self.client = start_new_kernel()

    def run(self, code: str, linger: float = 0.0) -> Shown:
        """Run *code*, and listen for some seconds after its reply."""
        started = time.perf_counter()
        shown = Shown(0.0, 0.0, 0, 0, "")

        def hear(message: Any) -> None:
            content = message["content"]
            shown.sent += len(json.dumps(content, default=str, ensure_ascii=False).encode())
            if message["msg_type"] == "display_data" and not shown.first:  # then come its record, news
                shown.visible, shown.first = time.perf_counter() - started, shown.sent
            if message["msg_type"] == "stream":
                shown.printed += content["text"]

        reply = self.client.execute_interactive(code, output_hook=hear, timeout=120)
        shown.seconds = time.perf_counter() - started
        if reply["content"]["status"] != "ok":
            raise SystemExit("\n".join(reply["content"]["traceback"]))
        until = time.perf_counter() + linger
        while (left := until - time.perf_counter()) > 0:
            try:
                hear(self.client.get_iopub_msg(timeout=left))
            except queue.Empty:
                break
        return shown

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def opened(catalogue: Path, code: str, rounds: int, linger: float = 0.0) -> tuple[float, int, str]:
    """Show the vault some times; return the median seconds, bytes, and all medians in words."""
    found = []
    for _ in range(rounds):
        kernel = Kernel()
        kernel.run(SETUP.format(here=str(HERE), catalogue=str(catalogue)))
        found.append(kernel.run(code, linger))
        kernel.stop()
    visible = statistics.median(f.visible for f in found)
    seconds = statistics.median(f.seconds for f in found)
    words = (
        f"{visible:10.2f} s {found[0].first / 1000:10.1f} KB "
        f"{seconds:10.2f} s {found[0].sent / 1000:10.1f} KB"
    )
    return visible, found[0].first, words


def steps(catalogue: Path) -> None:
    """Print how long the first rows, all places, the sums and the folders of each filter take."""
    kernel = Kernel()
    kernel.run(SETUP.format(here=str(HERE), catalogue=str(catalogue)))
    kernel.run(EXPLORER, 3.0)
    print("\nchange                            rows      first rows    every place    facets    folders")
    for what, code in STEPS.items():
        timed = (
            "t = time.perf_counter()\n"
            f"{code}\nexplorer.rows(0, 20)\na = time.perf_counter() - t\n"
            "n = len(explorer.answer.order()); b = time.perf_counter() - t\n"
            "explorer.answer.sums(); c = time.perf_counter() - t\n"
            "explorer.folders('', 24); d = time.perf_counter() - t\n"
            "print(n, a, b, c, d)"
        )
        rows, *times = kernel.run(timed).printed.split()
        print(f"{what:32} {int(rows):9,}", *(f"{float(t) * 1000:10.0f} ms" for t in times))
    kernel.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--catalogue", type=Path, default=Path(tempfile.gettempdir()) / "catalogue-benchmark.sqlite"
    )
    args = parser.parse_args()
    if not args.catalogue.exists():
        command = [sys.executable, str(HERE / "catalogue.py"), "load", "--rows", str(args.rows)]
        subprocess.run([*command, "--catalogue", str(args.catalogue)], check=True)
    print("way                                   view sent, with        reply, all sent in 2 s more")
    ways = [("explorer", EXPLORER, 2.0), ("DataFrame of all, shown", FRAME, 0.0)]
    if importlib.util.find_spec("itables"):
        ways.append(("DataFrame of all, itables.show", ITABLES, 0.0))
    for what, code, linger in ways:
        rounds = args.rounds if code == EXPLORER else 1
        seconds, sent, words = opened(args.catalogue, code, rounds, linger)
        print(f"{what:32}", words)
        if code == EXPLORER:
            show(
                Limit("first view of the vault", seconds, "s", most=0.6),
                Limit("sent for the first view", sent / 1000, "KB", most=50),
            )
    steps(args.catalogue)


if __name__ == "__main__":
    main()
