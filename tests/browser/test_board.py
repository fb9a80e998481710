"""The job board in a real JupyterLab: filters, actions, both themes, jobs of other processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from glacier_magic import emulator
from glacier_magic.notebook.row_table import source

from .conftest import Lab, accessible, cell, open_notebook, run_all, wait_idle

CELLS = (
    "%load_ext glacier_magic\n%glacier connect --data {data} --speed 3000",
    "%glacier create box\n%glacier upload letters/* --vault box\n%glacier use box",
    "%glacier restore 'letters/letter 0*' --to back --yes --wait --timeout 60s",
    "%glacier emulator speed 1\n%glacier restore 'letters/letter 1*' --to back --yes",
    "%glacier jobs",
)
BOARD = "%glacier jobs"


@pytest.fixture
def notebook(lab: Lab, tmp_path: Path) -> Iterator[str]:
    folder = lab.root / "letters"
    folder.mkdir()
    for number in range(14):
        (folder / f"letter {number:02}.txt").write_bytes(b"x" * (1000 + number))
    data = tmp_path / "emulator"
    cells = [nbformat.v4.new_code_cell(f"data = {str(data)!r}")]
    cells += [nbformat.v4.new_code_cell(text) for text in CELLS]
    path = tmp_path / "board.ipynb"
    kernel = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "name": "python3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    yield lab.add(path)
    emulator.stop(data)


def test_filters_actions_and_news_of_another_process(
    lab: Lab, notebook: str, page: Any, tmp_path: Path, shots: Callable[[Any, str], None]
) -> None:
    """What is shown, forgotten, and asked for elsewhere is on the page within seconds."""
    open_notebook(page, lab, notebook)
    run_all(page)
    wait_idle(page)
    page.set_viewport_size({"width": 900, "height": 1100})
    board = cell(page, BOARD)
    board.locator("[role=status]", has_text="14 jobs: 10 verified, 4 in progress").first.wait_for()
    page.wait_for_timeout(500)
    board.scroll_into_view_if_needed()
    shots(page, "board-narrow")
    _no_column_is_cut_off(board, 2)
    assert board.locator(".gm-row").first.locator("small").first.inner_text().startswith("Standard · 1")
    page.locator("#jp-MainMenu").get_by_text("View", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Appearance").first.hover()
    page.locator(".lm-Menu-itemLabel", has_text="Show Left Sidebar").first.click()
    page.wait_for_timeout(500)
    board.scroll_into_view_if_needed()
    shots(page, "board-light")
    _no_column_is_cut_off(board, 4)

    board.locator("select").first.select_option("in progress")
    board.locator("[role=status]", has_text="10 not shown").wait_for()
    board.locator("select").first.select_option("verified")
    board.get_by_placeholder("part of a name").fill("letter 03")
    board.locator("[role=status]", has_text="13 not shown").wait_for()
    board.locator(".gm-mark").nth(1).click()
    board.get_by_role("button", name="Show file").click()
    board.locator("a", has_text="back/letters/letter 03.txt").wait_for()
    board.get_by_role("button", name="Open folder").click()
    page.locator(".jp-BreadCrumbs", has_text="letters").locator("visible=true").wait_for()
    page.locator(".jp-DirListing-item", has_text="letter 03.txt").wait_for()
    assert page.locator(".jp-Dialog").count() == 0
    field = board.get_by_label("Max rate")
    field.fill("5")
    field.press("Enter")
    board.locator("[role=alert]", has_text="'5' has no unit").wait_for()
    assert field.get_attribute("aria-invalid") == "true"
    accessible(page, ".gb-board")
    field.fill("5MB/s")
    field.press("Enter")
    board.locator("[role=alert]", has_text="unit").wait_for(state="hidden")
    assert field.get_attribute("aria-invalid") is None
    board.get_by_role("button", name="Request again").click()
    board.locator(".jp-OutputArea", has_text="nothing to do").first.wait_for()
    shots(page, "board-again")
    board.get_by_role("button", name="Forget").click()
    board.locator("[role=status]", has_text="1 row forgotten").wait_for()
    assert (lab.root / "back" / "letters" / "letter 03.txt").read_bytes() == b"x" * 1003
    board.get_by_placeholder("part of a name").fill("")
    board.locator("select").first.select_option("all states")
    board.locator(".gm-status", has_text="13 jobs: 9 verified").wait_for()

    script = (
        "import sys, glacier_magic as gm; s = gm.connect(emulator=sys.argv[1]); "
        "s.vault('box').restore('letters/letter 03.txt', to='elsewhere').run(); s.close()"
    )
    environment = {**os.environ, "GLACIER_MAGIC_HOME": str(lab.root.parent / "home")}
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "emulator")], check=True, cwd=tmp_path, env=environment
    )
    # The kernel also downloads what the other process asked for: its data is still with the service.
    board.locator(".gm-status", has_text="14 jobs: 10 verified, 4 in progress").wait_for()
    _choose_theme(page, "JupyterLab Dark")
    board.scroll_into_view_if_needed()
    shots(page, "board-dark")
    accessible(page, ".gb-board")
    _choose_theme(page, "JupyterLab Light")


def _choose_theme(page: Any, name: str) -> None:
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Theme").first.hover()
    page.locator(".lm-Menu-itemLabel", has_text=name).first.click()
    page.locator(f"body[data-jp-theme-name='{name}']").wait_for(state="attached")
    page.wait_for_timeout(500)


def _no_column_is_cut_off(board: Any, least: int) -> None:
    """Every column of the head ends within the table, and there are as many as there is room."""
    edges = board.locator(".gm-grid").first.evaluate(
        """grid => [grid.getBoundingClientRect().right,
                    ...[...grid.querySelectorAll('[role=columnheader]:not([hidden])')]
                      .map(cell => cell.getBoundingClientRect().right)]"""
    )
    assert max(edges[1:]) <= edges[0] + 1
    assert len(edges) - 1 >= least


STUB = """
window.shown = [];
window.prompts = 0;
window.Notification = class {
  static permission = "default";
  static async requestPermission() { window.prompts += 1; return Notification.permission = "granted"; }
  constructor(title, options) { window.shown.push(options.body); }
};
const listeners = {};
const state = {columns: [{key: "name", label: "name", width: "1fr"}], label: "Jobs", height: 3,
  page: {version: 1, start: 0, rows: [[["a"], [], 0]], sort: ""}, totals: {count: 1, words: "1 job"},
  ended: ""};
window.model = {
  get: (name) => state[name],
  set: (name, value) => { state[name] = value; (listeners["change:" + name] || []).forEach((f) => f()); },
  on: (name, f) => (listeners[name] = listeners[name] || []).push(f), off: () => {}, send: () => {},
};
"""


def test_the_browser_notifies_once_and_is_never_asked_by_itself(page: Any) -> None:
    """Only a press of the button leads to the browser's question."""
    script = source("table.js", "board.js").replace("export default", "window.board =")
    page.set_content("<div id=here></div>")
    page.add_script_tag(content=STUB + script + "\nboard.render({model, el: here});")
    ask = page.get_by_role("button", name="Notify me")
    page.evaluate("model.set('ended', 'first')")
    assert page.evaluate("[prompts, shown.length]") == [0, 0]
    page.evaluate("model.set('ended', '')")
    ask.click()
    ask.wait_for(state="hidden")
    page.evaluate("model.set('ended', 'all is there')")
    page.evaluate("model.set('ended', 'all is there still')")
    assert page.evaluate("[prompts, shown]") == [1, ["all is there"]]
