"""A large file and a large folder, there and back, with a kernel restart in the middle."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from glacier_magic import emulator

from .conftest import Lab, cell, open_notebook, run_all, wait_idle

LARGE = 300 << 20
FILES = 220

CELLS = (
    "%load_ext glacier_magic\n%glacier connect --data {data} --speed 600",
    "%glacier create big\n%glacier upload --recursive {folder}",
    "%glacier emulator advance 1d\n%glacier inventory\n%glacier emulator advance 6h\n"
    "found = %glacier inventory --wait\nlen(found)",
    "%glacier emulator speed 1\n%glacier restore '*' --to back --yes",
)
AFTER = "%load_ext glacier_magic\n%glacier jobs"
FASTER = "%glacier emulator speed 900"
"""Only once the board has been seen: a restart may take longer than the retrieval."""


@pytest.fixture
def notebook(lab: Lab, tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "originals"
    for number in range(FILES):
        file = folder / f"{number % 7}" / f"file {number}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(1 + number * 701))
    with (folder / "large.bin").open("wb") as file:
        for _ in range(LARGE >> 20):
            file.write(os.urandom(1 << 20))
    data = tmp_path / "emulator"
    places = f"folder, data = {str(folder)!r}, {str(data)!r}"
    cells = [nbformat.v4.new_code_cell(places)]
    cells += [nbformat.v4.new_code_cell(text) for text in CELLS]
    path = tmp_path / "restart.ipynb"
    kernel = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "name": "python3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    yield lab.add(path)
    emulator.stop(data)


def test_a_restarted_kernel_goes_on_with_a_retrieval(
    lab: Lab, notebook: str, page: Any, tmp_path: Path, shots: Callable[[Any, str], None]
) -> None:
    """300 MB and 220 files are stored, inventoried, restored and equal, over a kernel restart."""
    open_notebook(page, lab, notebook)
    run_all(page)
    wait_idle(page)
    asked = cell(page, "--to back")
    asked.locator("[role=gridcell]", has_text="in progress").first.wait_for()
    shots(page, "restart-before")
    _restart(page)
    _run_new_cell(page, AFTER)
    board = cell(page, "%glacier jobs")
    board.locator("[role=gridcell]", has_text="in progress").first.wait_for()
    shots(page, "restart-picked-up")
    _run_new_cell(page, FASTER)
    # A download passes by between two looks of a page that is behind; a verified file lasts.
    board.locator("[role=gridcell]", has_text=re.compile("downloading|verified")).first.wait_for()
    shots(page, "restart-downloading")
    status = f"{FILES + 2} jobs: {FILES + 2} verified"
    board.locator("[role=status]", has_text=status).first.wait_for(timeout=120_000)
    shots(page, "restart-verified")
    originals, back = tmp_path / "originals", lab.root / "back" / "originals"
    names = [p.relative_to(originals) for p in originals.rglob("*") if p.is_file()]
    assert len(names) == FILES + 1
    assert all((originals / name).read_bytes() == (back / name).read_bytes() for name in names)
    assert not [p for p in back.rglob("*") if p.name.endswith(".part")]


def _restart(page: Any) -> None:
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Restart Kernel…").first.click()
    page.locator(".jp-Dialog button", has_text="Restart").click()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for()
    page.wait_for_timeout(1000)


def _run_new_cell(page: Any, code: str) -> None:
    page.locator(".jp-CodeCell").last.locator(".cm-content").click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    last = page.locator(".jp-CodeCell").last
    last.locator(".cm-content").click()
    page.keyboard.insert_text(code)
    for _ in range(20):
        page.keyboard.press("Shift+Enter")
        page.wait_for_timeout(1000)
        prompt = cell(page, code.splitlines()[-1]).locator(".jp-InputPrompt")
        if prompt.inner_text().strip() not in ("[ ]:", "[]:"):
            return
    pytest.fail("the new cell did not run")
