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
from nbclient import NotebookClient

from glacier_magic import emulator
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
        r"Interrupted. Completed work is saved",
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
}
"""What each notebook shows, as patterns; the first is said by its last cell."""


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Kernels in folders of this test, and a temporary folder that holds nothing yet."""
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("GLACIER_MAGIC_VAULT", "of-the-user")
    yield temporary
    for folder in temporary.glob("glacier-*/emulator"):  # of a notebook that failed midway
        emulator.stop(folder)


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
def test_a_notebook_runs_from_top_to_bottom(name: str, apart: Path, home: Path) -> None:
    """It shows what it teaches, is small, tells no account, and leaves nothing behind."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    accounts: set[str] = set()
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(apart.parent)}},
        on_cell_executed=lambda **_: accounts.update(_accounts(apart)),
    )
    client.execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = "\n".join(words(output) for cell in cells for output in cell.outputs)
    saved = nbformat.writes(notebook)

    assert re.search(TOLD[name][0], words(cells[-1].outputs[-1]))
    assert [told for told in TOLD[name] if not re.search(told, shown)] == []
    assert [c.id for c in cells if _failed(c)] == [c.id for c in cells if c.metadata.get("tags")]
    assert "Traceback" not in shown
    assert len(saved) < 300_000
    assert len(accounts) == 1
    assert not [account for account in accounts if account in saved]
    assert list(apart.glob("glacier-*")) == []
    assert not (home / "own").exists()
    assert not (home / "emulator").exists()


def _accounts(temporary: Path) -> Iterator[str]:
    """Yield the account of the emulator that a notebook runs."""
    for file in temporary.glob("glacier-*/emulator/server.json"):
        yield str(json.loads(file.read_text())["account"])


def _failed(cell: Any) -> bool:
    return any(output.output_type == "error" or output.get("name") == "stderr" for output in cell.outputs)


@pytest.mark.parametrize("name", TOLD)
def test_cells_keep_their_ids_and_any_python_runs_them(name: str) -> None:
    """What a change touches shows in its diff alone."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    ids = [cell.id for cell in notebook.cells]
    assert ids == [f"cell-{number:02}" for number in range(len(ids))]
    assert 15 <= len(ids) <= 35
    assert notebook.metadata.kernelspec.name == "python3"
