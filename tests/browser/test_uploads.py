"""The upload panel, used by hand in a real JupyterLab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nbformat

from .conftest import Lab, accessible, cell, open_notebook, run_all

SETUP = (
    "%load_ext glacier_magic\n%glacier connect --emulator --speed 3000\n%glacier create drop-box\n"
    "import os, pathlib\nos.makedirs('to-send/scans', exist_ok=True)\n"
    "for i in range(12): pathlib.Path(f'to-send/scans/page {i:02}.tif').write_bytes("
    "os.urandom(1_000_000))\npathlib.Path('to-send/<b>report.pdf').write_bytes(b'r' * 300_000)"
)


def test_files_are_picked_sent_paused_and_gone_on_with(
    lab: Lab, page: Any, shots: Callable[[Any, str], None]
) -> None:
    """Mark, add, start, pause and go on by click, a file through the page, all in the vault."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code) for code in (SETUP, "%glacier upload")],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    name = "uploads.ipynb"
    nbformat.write(notebook, lab.root / name)
    open_notebook(page, lab, name)
    run_all(page)
    panel = cell(page, "%glacier upload")
    panel.locator("option", has_text="to-send/").first.wait_for(state="attached")
    page.set_viewport_size({"width": 900, "height": 900})
    cut = "found => found.filter(e => e.scrollWidth > e.clientWidth).map(e => e.innerText)"
    assert panel.locator("button.jupyter-button").evaluate_all(cut) == []
    panel.locator("select").select_option(label="to-send/")
    panel.locator("button", has_text="Add").click()
    panel.locator("td", has_text="page 11.tif").first.wait_for()
    accessible(page, ".glacier-files")
    panel.get_by_role("button", name="page 03.tif off the list").focus()
    page.keyboard.press("Enter")
    # A cell: the record, folded below, has the row a moment longer.
    panel.get_by_role("cell", name="to-send/scans/page 03.tif", exact=True).wait_for(state="detached")
    assert "page 04.tif" in page.evaluate("document.activeElement.getAttribute('aria-label')")
    panel.get_by_label("Max rate").fill("4MB/s")
    panel.get_by_label("Max rate").press("Enter")
    panel.scroll_into_view_if_needed()
    shots(page, "uploads-chosen")
    panel.locator("button", has_text="Start").click()
    panel.locator("button", has_text="Pause").wait_for()
    panel.locator("td", has_text="sending").first.wait_for()
    shots(page, "uploads-sending")
    panel.locator("button", has_text="Pause").click()
    panel.locator("button", has_text="Continue").wait_for()
    panel.get_by_text("paused at", exact=False).first.wait_for()
    shots(page, "uploads-paused")
    panel.get_by_label("Max rate").fill("")
    panel.get_by_label("Max rate").press("Enter")
    panel.locator("button", has_text="Continue").click()
    panel.get_by_text("12 files", exact=False).and_(page.locator("[role=status]")).filter(
        has_text="done"
    ).first.wait_for()
    with page.expect_file_chooser() as chooser:
        panel.locator("button", has_text="From this browser").click()
    chooser.value.set_files({"name": "from home.txt", "mimeType": "text/plain", "buffer": b"h" * 2_000_000})
    panel.locator("[role=status]", has_text="from home.txt: stored").first.wait_for()
    shots(page, "uploads-done")
    page.get_by_role("menuitem", name="File", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Save Notebook").first.click()
    page.wait_for_timeout(1000)
    saved = (lab.root / name).read_text()
    assert "Saved with the notebook: 12 files" in saved
