"""Run the notebooks and save them with their outputs, as a reader on the web sees them.

python scripts/write_notebooks.py            # all of them, in about two minutes
python scripts/write_notebooks.py budget     # some of them

Each runs in a home of its own, in UTC, on an emulator whose clock begins at a fixed time.  What depends on
the computer (paths, ports, free space, the emulator's account) is replaced.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from glacier_magic import emulator

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
BEGIN = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
"""Just after the daily inventory, so that a slow computer does not get to the next one too early."""
CLOCK = f'{{"time": {int(BEGIN.timestamp() * 1000)}}}'
STARTUP = f"""
import tempfile
from pathlib import Path

def mkdtemp(suffix=None, prefix=None, dir=None, *, make=tempfile.mkdtemp):
    if not (prefix or "").startswith("glacier-"):
        return make(suffix, prefix, dir)
    folder = Path(tempfile.gettempdir(), prefix.rstrip("-"))
    (folder / "emulator").mkdir(parents=True)
    (folder / "emulator" / "clock.json").write_text({CLOCK!r})
    return str(folder)

tempfile.mkdtemp = mkdtemp
"""
"""Gives the temporary folder of a notebook a fixed name, and its emulator a fixed time."""
WIDGET = "application/vnd.jupyter.widget-view+json"
REPLACED = (
    (r"(http|tcp|dask)://127\.0\.0\.1:\d+", r"\1://127.0.0.1:4580"),
    (r"\*{8}\d{4}", "********1234"),
    (r"[\d.,]+ [KMGT]iB free", "100 GiB free"),
    (r"process: \d+", "process: 4580"),
)


def run(notebook: Any, base: Path, environment: dict[str, str] | None = None, **options: Any) -> None:
    """Run a notebook in the empty folder *base*, with more variables and options of its client."""
    home = base / "home"
    folder = home / "glacier-emulator"
    for part in (folder, home / "notebooks", base / "ipython/profile_default/startup"):
        part.mkdir(parents=True)
    (folder / "clock.json").write_text(CLOCK)
    (base / "ipython/profile_default/startup/fixed.py").write_text(STARTUP)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "GLACIER_", "JUPYTER_"))}
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]])  # for glacier-magic
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        **options,
        resources={"metadata": {"path": str(home / "notebooks")}},
    )
    try:
        client.execute(
            env=kept
            | {"HOME": str(home), "TMPDIR": str(base), "IPYTHONDIR": str(base / "ipython"), "TZ": "UTC"}
            | {"AWS_EC2_METADATA_DISABLED": "true"}
            | (environment or {})
        )
    finally:
        for place in (folder, *base.glob("glacier-*/emulator")):
            emulator.stop(place)


def scrub(value: Any, base: Path) -> Any:
    """Return outputs without what depends on the computer."""
    if isinstance(value, dict):
        return {key: scrub(part, base) for key, part in value.items() if key != WIDGET}
    if isinstance(value, list):
        return [scrub(part, base) for part in value]
    if isinstance(value, str):
        value = value.replace(str(base / "home"), "~").replace(str(base), "/tmp")
        for pattern, text in REPLACED:
            value = re.sub(pattern, text, value)
    return value


def write(path: Path) -> None:
    """Run a notebook, and save it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    base = Path(tempfile.mkdtemp())
    try:
        run(notebook, base)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    notebook.metadata.pop("widgets", None)  # without a kernel, their static records say as much
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.from_dict(scrub(output, base)) for output in cell.outputs]
    nbformat.write(notebook, path)


def shape(notebook: Any) -> list[tuple[str, str, list[tuple[str, ...]]]]:
    """Return what two runs of a notebook have in common: cells, kinds of outputs, columns, first words."""
    return [
        (cell.id, cell.source, [_of_output(o) for o in cell.get("outputs", ()) if not is_progress(o)])
        for cell in notebook.cells
    ]


def is_progress(output: Any) -> bool:
    """Return whether an output is a progress bar, which only slow work shows, or what is left of one."""
    html = output.get("data", {}).get("text/html", "")
    return re.match(r"<div[^>]*>(<div><progress |</div>)", "".join(html)) is not None


def _of_output(output: Any) -> tuple[str, ...]:
    data = output.get("data", {})
    kinds = sorted(kind for kind in data if kind != WIDGET)
    head = re.search(r"<thead>(.*?)</thead>", data.get("text/html", ""), re.S)
    if head:
        first = " ".join(re.findall(r"<th[^>]*>(.*?)</th>", head[1], re.S)).strip()
    else:
        text = output.get("text") or output.get("evalue") or data.get("text/plain", "")
        first = first_words(text)
    return (output.output_type, *kinds, first)


def first_words(text: str) -> str:
    """Return the beginning of an output that two runs share: up to a number, a path or a line end."""
    return " ".join(re.split(r"[\d*/~$<]|\n", text.strip())[0].split())


def main() -> None:
    """Write the notebooks that are named, or all."""
    for name in sys.argv[1:] or sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")):
        write(NOTEBOOKS / f"{name}.ipynb")
        print(f"notebooks/{name}.ipynb")


if __name__ == "__main__":
    main()
