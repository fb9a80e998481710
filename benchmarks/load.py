"""What %load_ext glacier_magic adds to a started kernel.

    python benchmarks/load.py [--runs 9]

Times the extension's load in fresh kernels, in turn with ``%load_ext`` of a module that does
nothing, and prints the medians and the difference.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from jupyter_client.manager import start_new_kernel

sys.path.insert(0, str(Path(__file__).parent))

from limits import Limit, show

CODE = """
import time
begin = time.perf_counter()
get_ipython().run_line_magic("load_ext", {name!r})
print((time.perf_counter() - begin) * 1000)
"""


def seconds(name: str, folder: str) -> float:
    """Return the milliseconds that loading takes in a kernel of its own."""
    manager, client = start_new_kernel(cwd=folder)
    shown: list[str] = []
    try:
        client.execute_interactive(
            CODE.format(name=name),
            output_hook=lambda m: shown.append(m["content"].get("text", "")),
            timeout=60,
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return float("".join(shown).strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=9, help="kernels of each kind")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "nothing_at_all.py"
        empty.write_text("def load_ipython_extension(ipython):\n    pass\n")
        ours, nothing = [], []
        for _ in range(runs):
            ours.append(seconds("glacier_magic", folder))
            nothing.append(seconds("nothing_at_all", folder))
    median, base = statistics.median(ours), statistics.median(nothing)
    print(f"%load_ext glacier_magic  {median:6.1f} ms  (min {min(ours):.1f}, max {max(ours):.1f})")
    print(f"%load_ext of nothing     {base:6.1f} ms")
    show(Limit("%load_ext glacier_magic adds", median - base, "ms", most=50))
    print(json.dumps({"ours_ms": median, "nothing_ms": base}))


if __name__ == "__main__":
    main()
