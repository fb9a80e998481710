"""The explorer in a real JupyterLab: by hand, by keyboard, after a restart, in both themes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from glacier_magic import emulator

from .conftest import Lab, accessible, cell, open_notebook, run_all, wait_idle

CELLS = (
    "%load_ext glacier_magic\n%glacier connect --data {data} --speed 3000",
    "%glacier create box\n%glacier emulator seed box 3000\n%glacier emulator advance 1d\n"
    "found = %glacier inventory box --wait",
    "explorer = %glacier explore box\nexplorer",
    "len(explorer.selection), len(explorer.view)",
)


@pytest.fixture
def explorer(lab: Lab, page: Any, tmp_path: Path) -> Iterator[Any]:
    """The explorer of a vault of 3,000 archives, shown."""
    data = tmp_path / "emulator"
    cells = [nbformat.v4.new_code_cell(f"data = {str(data)!r}")]
    cells += [nbformat.v4.new_code_cell(text) for text in CELLS]
    path = tmp_path / f"{tmp_path.name}.ipynb"
    kernel = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "name": "python3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    page.set_viewport_size({"width": 1080, "height": 1250})
    open_notebook(page, lab, lab.add(path))
    run_all(page)
    wait_idle(page)
    found = page.locator(".glacier-explorer")
    found.locator(".ge-totals", has_text="3,000 archives").wait_for()
    found.scroll_into_view_if_needed()
    yield found
    emulator.stop(data)


def status(explorer: Any, text: str | re.Pattern[str]) -> None:
    explorer.locator(".gm-status", has_text=text).wait_for()


def answered(page: Any, text: str) -> None:
    """Run the last cell again; its answer is *text*."""
    last = cell(page, "len(explorer.selection)")
    last.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    last.locator(".jp-OutputArea-output", has_text=text).wait_for()


def test_the_way_by_hand(explorer: Any, page: Any, shots: Callable[[Any, str], None]) -> None:
    """A folder, a facet, a sort, four rows, Restore: there is the plan, and Python has the rows."""
    shots(page, "explorer-light")
    accessible(page, ".glacier-explorer")
    explorer.locator(".ge-tile", has_text="Photos").first.click()
    explorer.locator(".ge-crumb", has_text="Photos").wait_for()
    explorer.locator(".ge-choice", has_text="1 to 100 MiB").click()
    explorer.locator(".ge-choice[aria-pressed=true]").wait_for()
    explorer.get_by_role("columnheader", name="size").get_by_role("button").click()
    explorer.locator("[aria-sort=descending]").wait_for()
    rows = explorer.locator(".gm-row:visible")
    sizes = explorer.locator(".gm-row:visible .gm-number").all_inner_texts()
    assert all(size.endswith("MiB") for size in sizes)
    rows.nth(0).click()
    rows.nth(1).click(modifiers=["Control"])
    status(explorer, "2 selected")
    rows.nth(4).click(modifiers=["Shift"])
    status(explorer, "4 selected")
    explorer.get_by_role("button", name="Restore").click()
    plan = cell(page, "explorer = %glacier explore")
    plan.get_by_text("Restore 4 archives").first.wait_for()
    plan.locator("button.jupyter-button", has_text="Start").wait_for()
    shots(page, "explorer-plan")
    answered(page, "(4, ")


def test_filter_folders_and_deletions_agree_without_reload(
    explorer: Any, page: Any, shots: Callable[[Any, str], None]
) -> None:
    """Pictures follow the filter; a deletion by another cell shows where the page is, with its word."""
    explorer.locator("[role=treeitem]").first.focus()
    page.keyboard.press("ArrowRight")
    second = explorer.locator("[role=treeitem][aria-level='2']").first
    second.wait_for()
    whole = second.get_attribute("title")
    explorer.get_by_role("textbox", name="Where").fill("size > 20MB")
    explorer.get_by_role("textbox", name="Where").press("Enter")
    page.wait_for_function(
        """before => { const one = document.querySelector("[role=treeitem][aria-level='2']");
                       return one && one.title !== before; }""",
        arg=whole,
    )
    explorer.locator(".ge-tiles:not(.ge-stale)").wait_for()
    headline = int(explorer.locator(".ge-totals").inner_text().split(" ")[0].replace(",", ""))
    rows = explorer.locator(".gm-row:visible")
    rows.nth(0).click()
    rows.nth(3).click(modifiers=["Shift"])
    status(explorer, "4 selected")
    grid = explorer.locator(".gm-grid")
    grid.evaluate("grid => { grid.scrollTop = 1400; }")
    explorer.locator(".gm-row[aria-rowindex='55']").wait_for()
    place = grid.evaluate("grid => grid.scrollTop")
    last = cell(page, "len(explorer.selection)")
    last.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(
        "explorer.vault.delete(*('id:' + i for i in explorer.selection['archive_id'][:3])).run('box')"
    )
    page.keyboard.press("Control+Enter")
    explorer.scroll_into_view_if_needed()
    explorer.locator(".ge-notice", has_text="3 of the selected archives were deleted").wait_for()
    status(explorer, "1 selected")
    explorer.locator(".ge-totals", has_text=f"{headline - 3:,} archives").wait_for()
    assert grid.evaluate("grid => grid.scrollTop") == place
    assert explorer.get_by_role("textbox", name="Where").input_value() == "size > 20MB"
    assert explorer.locator("[role=treeitem][aria-level='2']").count()
    accessible(page, ".glacier-explorer")
    shots(page, "explorer-deleted")


def test_the_way_by_keyboard(explorer: Any, page: Any) -> None:
    """Filter, a mistake in words, all of it but one, and the plan, without a mouse."""
    explorer.get_by_role("textbox", name="Name").focus()
    page.keyboard.type("mailbox")
    page.keyboard.press("Tab")
    page.keyboard.type("size > ")
    page.keyboard.press("Enter")
    explorer.get_by_role("alert").filter(has_text="not understood").wait_for()
    page.keyboard.type("1MB")
    page.keyboard.press("Enter")
    explorer.get_by_role("alert").filter(has_text="not understood").wait_for(state="hidden")
    page.keyboard.press("Tab")  # clear filters
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "grid"
    page.keyboard.press("Control+a")
    status(explorer, "selected")
    status(explorer, re.compile(r"^[\d,]+ archive"))  # counted: until then it says so
    everything = explorer.locator(".gm-status").inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.wait_for_function(
        "before => document.querySelector('.gm-status').innerText !== before", arg=everything
    )
    count = int(everything.split(" ")[0].replace(",", ""))
    status(explorer, f"{count - 1:,} selected")
    explorer.locator("[role=treeitem]").first.focus()
    page.keyboard.press("ArrowRight")
    explorer.locator("[role=treeitem][aria-level='2']").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    explorer.locator(".ge-crumb").nth(2).wait_for()
    explorer.get_by_role("button", name="Restore").focus()
    page.keyboard.press("Enter")
    cell(page, "explorer = %glacier").get_by_text(f"Restore {count - 1:,} archives").first.wait_for()
    answered(page, f"({count - 1}, ")


def test_dark_and_without_a_kernel(explorer: Any, page: Any, shots: Callable[[Any, str], None]) -> None:
    """Readable in the dark theme; saved and opened again, the rows stand there as a still table."""
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Theme").first.hover()
    page.locator(".lm-Menu-itemLabel", has_text="JupyterLab Dark").first.click()
    page.locator("body[data-jp-theme-name='JupyterLab Dark']").wait_for(state="attached")
    page.wait_for_timeout(500)
    explorer.scroll_into_view_if_needed()
    shots(page, "explorer-dark")
    assert explorer.locator(".gm-row:visible").count() == 19
    accessible(page, ".glacier-explorer")
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Theme").first.hover()
    page.locator(".lm-Menu-itemLabel", has_text="JupyterLab Light").first.click()
    kept = cell(page, "explorer = %glacier explore")
    record = kept.locator("summary", has_text="Saved with the notebook")
    record.wait_for(state="attached")
    explorer.locator(".ge-choice", has_text="mt2").click()
    record.filter(has_text="box, mt2").wait_for(state="attached")
    assert not record.is_visible()  # while the explorer is live
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1500)
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Shut Down Kernel").first.click()
    page.wait_for_timeout(500)
    page.reload()
    record.filter(has_text="box, mt2").click()
    table = kept.locator("table.glacier-table")
    assert table.count() == 2
    assert table.nth(1).locator("tbody tr").count() == 50
    assert kept.locator("button:visible", has_text="Restore").count() == 0
