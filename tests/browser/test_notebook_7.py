"""The same widgets in Notebook 7, which shares the server with JupyterLab."""

from __future__ import annotations

from typing import Any

import nbformat

from .conftest import Lab, cell, run_all

CELLS = (
    "%load_ext glacier_magic\n%glacier connect --emulator --speed 4000\n%glacier create classic\n"
    "open('classic.bin', 'wb').write(b'n' * 200_000)\ndone = %glacier upload classic.bin",
    "%glacier restore classic.bin --to back-classic",
    "%glacier jobs",
    "done",
)


def test_a_click_brings_a_file_back(lab: Lab, page: Any) -> None:
    """The plan's button, the boards and the table of a DataFrame are live there, too."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code) for code in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, lab.root / "classic.ipynb")
    page.goto(f"{lab.url}notebooks/classic.ipynb?token={lab.token}")
    page.locator(".jp-NotebookPanel").first.wait_for()
    page.locator(".jp-NotebookKernelStatus, .jp-Notebook-ExecutionIndicator").first.wait_for()
    page.wait_for_timeout(500)
    run_all(page)
    card = cell(page, "restore")
    card.locator("button.jupyter-button", has_text="Start").click()
    card.locator("[role=gridcell]", has_text="verified").first.wait_for()
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1000)
    page.reload()
    board = cell(page, "%glacier jobs")
    board.locator("[role=gridcell]", has_text="verified").first.wait_for()
    page.locator(".gf-frame .gm-status", has_text="1 archive").wait_for()
    assert (lab.root / "back-classic" / "classic.bin").read_bytes() == b"n" * 200_000
