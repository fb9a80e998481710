"""The shipped notebooks but the quickstart, from top to bottom in a real kernel.

Each keeps to one temporary folder, ends its emulator, and shows in its last cell what came of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from scripts.write_notebooks import WIDGET, run, shape
from tests import ROOT

pytestmark = pytest.mark.kernel

TOLD = {
    "exploring": [
        r"50,001 archives, 10 formats, 150 members of a zip",
        r"2 added, 1 gone, 0 renamed",
        r"\[True, False\]",
        r"50,002 archives in any state",
        r"bytes 1\d{7}-\d+",  # the end of the zip alone
    ],
    "budget": [
        r"[1-9]\d* files, [1-9]\d* MB came back for less than 10 cents",
        r"AmazonGlacier \(copy\), 2024-08-26",
        r"over the limit of \$2.00",
        r"schedule: over 2 days",
        r"(\d+) jobs: \1 verified",
        r"\('[^']+part-0-1048575', 1048576\)",
    ],
    "uploading": [
        r"14 of 14 files are the same as stored",
        r"Interrupted: Completed work is saved",
        r"11 same, 1 different, 1 not stored, 1 missing locally",
        r"note.txt .* mt2",
    ],
    "emptying": [
        r"150 archives deleted, backups dropped",
        r"needs the vault's name typed out",
        r"over the limit of \$0",
        r"The service denied access",
        r"drop of backups +in progress",
        r"proven empty and dropped",
    ],
    "cluster": [
        r"is gone: True",
        r"\(2, 4\)",
        r"Not a number of processes from 1 to 61",
        r"25 jobs: 25 verified",
        r"\(True, False\)",  # another worker is in the place of the one that was killed
        r"\(25, 25\)",
        r"\(\{'proven': 25\}, True\)",
    ],
    "migrating": [
        r"is gone: True",
        r"Move 25 archives",
        r"pays for itself after [\d.]+ months",
        r"5 jobs: 5 verified",
        r"\(\{'proven': 25\}, True\)",
        r"left out: 1 archive .* younger than 90 days",
        r"Deleted 24 archives from scans; 1 could not be deleted",
        r"Move 1 archive ",  # whose object was deleted
    ],
    "backup": [
        r"1 photo of 1,500,000 bytes came back, 3 archives were left",
        r"snapshot 1 of 330 files, 43.1 MiB",
        r"snapshot 2 of 330 files, 41.7 MiB; [\d.]+ (B|KiB) stored",
        r"nothing is new",
        r"photos +home +just now +done +in 1 d, every 1 d +330",
        r"2018/DSC20.jpg +new",
        r"photos, snapshot 1. As of 02 Mar 00:30 UTC",
        r"4 MiB in 1 request",  # of a pack of 43 MiB
        r"kept until day 90',\s+'1 archive",
        r"Gave up 1 snapshot of photos. Deleted 0 archives",
        r"(?m)^Deleted 1 archive from home",
    ],
}
"""What each notebook shows, as patterns; the first is said by its last cell."""


def words(output: Any) -> str:
    """Return one output as plain text."""
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}\n" + "\n".join(output.traceback)
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


def test_every_notebook_is_run_by_a_test() -> None:
    """A new notebook needs a line here; the quickstart is run by test_kernel."""
    shipped = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert shipped == {"quickstart", *TOLD}


@pytest.mark.parametrize("name", TOLD)
def test_a_notebook_runs_from_top_to_bottom(name: str, tmp_path: Path) -> None:
    """It shows what it teaches, is small, tells no account, and leaves nothing behind."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    committed = shape(notebook)
    accounts: set[str] = set()
    run(
        notebook,
        tmp_path,
        {"GLACIER_MAGIC_VAULT": "of-the-user"},
        on_cell_executed=lambda **_: accounts.update(_accounts(tmp_path)),
    )
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = "\n".join(words(output) for cell in cells for output in cell.outputs)
    saved = nbformat.writes(notebook)

    assert shape(notebook) == committed, "run scripts/write_notebooks.py"
    assert re.search(TOLD[name][0], words(cells[-1].outputs[-1]))
    assert [told for told in TOLD[name] if not re.search(told, shown)] == []
    assert [c.id for c in cells if _failed(c)] == [c.id for c in cells if c.metadata.get("tags")]
    assert "Traceback" not in shown
    assert len(saved) < 350_000  # with the state of its widgets
    assert len(accounts) == 1
    assert not [account for account in accounts if account in saved]
    assert list(tmp_path.glob("glacier-*")) == []
    home = tmp_path / "home"
    assert not (home / ".local").exists()
    assert [path.name for path in (home / "glacier-emulator").iterdir()] == ["clock.json"]


def _accounts(temporary: Path) -> Iterator[str]:
    """Yield the account of the emulator that a notebook runs."""
    for file in temporary.glob("glacier-*/emulator/server.json"):
        yield str(json.loads(file.read_text())["account"])


def _failed(cell: Any) -> bool:
    return any(output.output_type == "error" or output.get("name") == "stderr" for output in cell.outputs)


@pytest.mark.parametrize("name", ["quickstart", *TOLD])
def test_a_notebook_is_saved_with_outputs_of_no_computer(name: str) -> None:
    """A reader on the web sees what it does: no state of widgets, no path, port or account of who ran it."""
    path = ROOT / "notebooks" / f"{name}.ipynb"
    saved = path.read_text("utf-8")
    notebook = nbformat.reads(saved, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert path.stat().st_size < 200_000
    assert WIDGET not in saved
    assert "AGE-SECRET-KEY" not in saved
    assert "widgets" not in notebook.metadata
    assert set(re.findall(r"127\.0\.0\.1:(\d+)", saved)) <= {"0", "4580"}  # any free port, and an example
    assert set(re.findall(r"\*{8}(\d+)", saved)) == {"1234"}
    assert not re.search(r"/tmp/(?!glacier-)|/root\b", saved)
    assert not [folder for folder in (ROOT, Path.home()) if str(folder) in saved]


@pytest.mark.parametrize("name", TOLD)
def test_cells_keep_their_ids_and_any_python_runs_them(name: str) -> None:
    """What a change touches shows in its diff alone."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    ids = [cell.id for cell in notebook.cells]
    assert ids == [f"cell-{number:02}" for number in range(len(ids))]
    assert 15 <= len(ids) <= 35
    assert notebook.metadata.kernelspec.name == "python3"
