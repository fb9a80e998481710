"""The quickstart notebook, used by hand in a real JupyterLab."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import ROOT

from .conftest import Lab, cell, open_notebook, run_all, wait_idle


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_click_on_start_brings_a_file_back_verified(
    lab: Lab, page: Any, shots: Callable[[Any, str], None]
) -> None:
    """Run all, press Start on the plan, and the board ends at verified with the same bytes."""
    name = lab.add(ROOT / "notebooks" / "quickstart.ipynb")
    open_notebook(page, lab, name)
    run_all(page)
    card = cell(page, "letter 01")
    start = card.locator("button.jupyter-button", has_text="Start")
    start.wait_for()
    start.scroll_into_view_if_needed()
    shots(page, "plan-card")
    start.click()
    card.locator("[role=gridcell]", has_text="in progress").first.wait_for()
    shots(page, "card-became-board")
    board = cell(page, "%glacier jobs")
    board.scroll_into_view_if_needed()
    shots(page, "board-in-progress")
    card.locator("[role=gridcell]", has_text="verified").first.wait_for()
    wait_idle(page)
    board.scroll_into_view_if_needed()
    shots(page, "board-verified")
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    work = lab.root / "quickstart-data"
    for restored in ("papers/2001/letter 01.txt", "film.mov", "papers/2005/letter 12.txt"):
        assert sha256(work / restored) == sha256(work / "restored" / restored)
