"""The status and the help in a real JupyterLab: both themes, two widths, for axe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nbformat

from .conftest import Lab, accessible, open_notebook, run_all, wait_idle
from .test_board import _choose_theme

CELLS = (
    "%load_ext glacier_magic\n%glacier connect --emulator --speed 60\n%glacier create family-photos\n"
    "import os\nfor i in range(3): open(f'scan {i}.tif', 'wb').write(os.urandom(300_000))\n"
    "done = %glacier upload scan*.tif\nbatch = %glacier restore 'scan*' --to back-status --yes",
    "%glacier",
    "%glacier restore --help",
)


def test_the_status_is_readable(lab: Lab, page: Any, shots: Callable[[Any, str], None]) -> None:
    """Nothing overflows, and axe finds no serious violation."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code) for code in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, lab.root / "status.ipynb")
    open_notebook(page, lab, "status.ipynb")
    run_all(page)
    wait_idle(page)
    status = page.locator(".glacier-status").last
    status.get_by_text("%glacier jobs").wait_for()
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        _choose_theme(page, theme)
        for width in (1400, 900):
            page.set_viewport_size({"width": width, "height": 900})
            status.scroll_into_view_if_needed()
            shots(page, f"status-{theme[-5:].strip().lower()}-{width}")
            assert status.evaluate("element => element.scrollWidth <= element.clientWidth + 1")
        accessible(page, ".glacier-status")
