"""Count the modules that a verb passes, from the magic word to its end: run by hand.

    python scripts/count_modules.py [restore] [upload] [inventory] [cost] [--names]

Each runs in IPython on an emulator of its own.  A module counts when a function of it is called
while the verb runs, in any thread; the emulator is another process and does not count.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import glacier_magic

PACKAGE = f"{Path(glacier_magic.__file__).parent}{os.sep}"


class Passage:
    """Records the modules of the package whose functions are called while it is on."""

    def __init__(self) -> None:
        self.modules: set[str] = set()
        self.crossings = 0
        self.on = False

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """Take what the interpreter says of a call."""
        if not self.on or event != "call" or not frame.f_code.co_filename.startswith(PACKAGE):
            return
        module = frame.f_code.co_filename.removeprefix(PACKAGE)
        if frame.f_code.co_name != "<module>":
            self.modules.add(module)
            caller = frame.f_back
            self.crossings += caller is not None and caller.f_code.co_filename != (frame.f_code.co_filename)


def main() -> None:
    """Print a line for each verb."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verbs", nargs="*", default=["restore", "upload", "inventory", "cost"])
    parser.add_argument("--names", action="store_true", help="list the modules as well")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["GLACIER_MAGIC_HOME"] = f"{folder}/home"
        passage = Passage()
        threading.setprofile(passage)
        sys.setprofile(passage)
        glacier = _shell(folder)
        try:
            for verb in args.verbs:
                _count(passage, glacier, verb, names=args.names)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]  # as the documentation has it
            glacier("emulator stop")


def _shell(folder: str) -> Callable[[str], Any]:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "glacier_magic")

    def glacier(line: str) -> Any:
        return shell.run_line_magic("glacier", line)

    glacier(f"connect --emulator --data {folder}/emulator")
    glacier("create photos")
    glacier("use photos")
    for name in ("a.tif", "b.tif"):
        Path(folder, name).write_bytes(os.urandom(3 << 20))
    glacier("upload a.tif")
    return glacier


def _count(passage: Passage, glacier: Callable[[str], Any], verb: str, *, names: bool) -> None:
    lines = {
        "restore": ["restore a.tif --to back --yes", "emulator advance 5h", "wait"],
        "upload": ["upload b.tif"],
        "inventory": ["emulator advance 26h", "inventory", "emulator advance 5h", "wait", "ls"],
        "cost": ["cost"],
    }[verb]
    passage.modules.clear()
    passage.crossings = 0
    for line in lines:
        passage.on = not line.startswith("emulator")
        glacier(line)
        passage.on = False
    print(f"{verb:10} {len(passage.modules):4} modules, {passage.crossings:,} crossings")
    if names:
        print("\n".join(f"    {name}" for name in sorted(passage.modules)))


if __name__ == "__main__":
    main()
