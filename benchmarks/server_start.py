"""What the extension adds to the start of a Jupyter server.

    python benchmarks/server_start.py [--runs 9]

Initializes servers in processes of their own, in turn with and without the extension, and prints the
medians of their processor time and the difference.  No other extension is loaded.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from limits import Limit, show

CODE = """
import time
from jupyter_server.serverapp import ServerApp
app = ServerApp()
begin = time.process_time()
app.initialize(["--no-browser", "--allow-root", "--ServerApp.port=0",
                "--ServerApp.jpserver_extensions={extensions}"])
print((time.process_time() - begin) * 1000)
"""
OTHERS = ("jupyterlab", "notebook", "notebook_shim", "jupyter_lsp", "jupyter_server_terminals")


def milliseconds(ours: bool, folder: str) -> float:
    """Return how long a server takes to initialize."""
    extensions = {"glacier_magic.notebook.lab": ours} | dict.fromkeys(OTHERS, False)
    environment = os.environ | {"GLACIER_MAGIC_HOME": folder, "JUPYTER_RUNTIME_DIR": folder}
    command = [sys.executable, "-c", CODE.format(extensions=extensions)]
    done = subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True, timeout=120
    )
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=9, help="servers of each kind")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        pairs = [(milliseconds(True, folder), milliseconds(False, folder)) for _ in range(runs)]
    ours, base = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"with the extension     {ours:6.1f} ms  (min {min(pair[0] for pair in pairs):.1f})")
    print(f"without the extension  {base:6.1f} ms  (min {min(pair[1] for pair in pairs):.1f})")
    show(Limit("the start of a Jupyter server takes longer by", ours - base, "ms", most=30))


if __name__ == "__main__":
    main()
