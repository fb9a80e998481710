"""DataFrames as tables in a real JupyterLab: scrolled, sorted, copied, reloaded, saved."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import pytest

from glacier_magic import emulator

from .conftest import Lab, accessible, open_notebook, run_all, wait_idle

CELLS = (
    "%load_ext glacier_magic\n%glacier connect --data {data} --speed 3000",
    "%glacier create box\n%glacier emulator seed box 3000\n%glacier emulator advance 1d\n"
    "found = %glacier inventory box --wait",
    "found.sort_values('name', ascending=False)",
    "found[found['size'] > 3e8].head(3)",
    "import pandas as pd\npd.concat([found.head(1000)] * 1000, ignore_index=True)",
    "found.describe()",
    "%glacier du --vault box",
    "%glacier vaults",
    "found.head(0)",
)
ALL, FEW, MANY, OTHER, *_ = range(3, 7)
"""The cells with the tables, after the one with the folder."""


@pytest.fixture(scope="module")
def notebook(lab: Lab, chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page with tables of a vault of 3,000 archives."""
    folder = tmp_path_factory.mktemp("frames")
    cells = [nbformat.v4.new_code_cell(f"data = {str(folder / 'emulator')!r}")]
    cells += [nbformat.v4.new_code_cell(text) for text in CELLS]
    path = folder / "frames.ipynb"
    kernel = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "name": "python3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(60_000)
    open_notebook(page, lab, lab.add(path))
    run_all(page)
    wait_idle(page)
    yield page
    context.close()
    emulator.stop(folder / "emulator")


def table(page: Any, number: int) -> Any:
    """Return the live table of a cell."""
    found = page.locator(".jp-CodeCell").nth(number).locator(".gf-frame")
    found.locator(".gm-row").first.wait_for()
    return found


def status(found: Any, text: str) -> None:
    found.locator(".gm-status", has_text=text).wait_for()


def choose(page: Any, menu: str, *items: str) -> None:
    page.get_by_role("menuitem", name=menu, exact=True).click()
    for item in items:
        label = page.locator(".lm-Menu-itemLabel", has_text=item).first
        label.hover()
    label.click()


def test_a_table_has_the_height_of_its_rows(notebook: Any) -> None:
    """Three rows take the room of three, without a bar to scroll them; no rows are words."""
    found = table(notebook, FEW)
    heads = found.locator(".gm-head [role=columnheader]:visible").all_inner_texts()
    assert heads == ["name", "size", "stored", "modified", "state"]
    assert found.locator(".gm-row:visible").count() == 3
    assert notebook.evaluate(
        "(e) => e.scrollHeight === e.clientHeight", found.locator(".gm-grid").element_handle()
    )
    assert table(notebook, ALL).locator(".gm-row:visible").count() <= 15
    cells = notebook.locator(".jp-CodeCell")
    assert cells.nth(ALL).locator("table").count() == 0  # the record has given way
    assert cells.nth(OTHER).locator("table.dataframe").count() == 1
    assert cells.last.locator(".jp-OutputArea-output").last.inner_text() == "No archives."


def test_rows_are_sorted_and_copied_with_the_keyboard(notebook: Any) -> None:
    """The largest first, two rows, and their exact values in the clipboard."""
    found = table(notebook, ALL)
    found.get_by_role("columnheader", name="size").get_by_role("button").press("Enter")
    found.locator("[aria-sort=descending]").wait_for()
    found.locator("[role=grid]").focus()
    for key in ("ArrowDown", "Space", "Shift+ArrowDown"):
        notebook.keyboard.press(key)
    status(found, "2 selected")
    notebook.keyboard.press("Control+c")
    status(found, "2 rows copied")
    copied = notebook.evaluate("navigator.clipboard.readText()")
    rows = list(csv.DictReader(io.StringIO(copied), dialect="excel-tab"))
    assert [int(row["size"]) for row in rows] == sorted((int(row["size"]) for row in rows), reverse=True)
    assert int(rows[1]["size"]) > 3e8
    assert len(rows[0]["archive_id"]) == 138
    assert rows[0]["created"].endswith(" UTC")
    few = table(notebook, FEW)
    few.get_by_role("button", name="Copy").click()  # none is selected: all
    status(few, "3 rows copied")


def test_more_columns_are_a_click_away(notebook: Any) -> None:
    """Ids are short, with the whole on hover; the table scrolls sideways, the page does not."""
    found = table(notebook, FEW)
    found.get_by_role("button", name="More columns").click()
    found.get_by_role("columnheader", name="tree hash").wait_for()
    cells = found.locator(".gm-row").first.locator("[role=gridcell]")
    ids = [cell for cell in cells.all() if len(cell.get_attribute("title") or "") == 138]
    assert len(ids[0].inner_text()) == 13
    notebook.set_viewport_size({"width": 900, "height": 1000})
    notebook.wait_for_timeout(300)
    grid = found.locator(".gm-grid").element_handle()
    assert notebook.evaluate("(e) => e.scrollWidth > e.clientWidth", grid)
    output = notebook.locator(".jp-CodeCell").nth(FEW).locator(".jp-OutputArea-output").element_handle()
    assert notebook.evaluate("(e) => e.scrollWidth <= e.clientWidth", output)
    found.get_by_role("button", name="Fewer columns").click()
    found.get_by_role("columnheader", name="tree hash").wait_for(state="hidden")
    notebook.set_viewport_size({"width": 1400, "height": 1000})


def test_a_million_rows_are_a_few_elements(notebook: Any) -> None:
    """The last one is there at once."""
    found = table(notebook, MANY)
    status(found, "1,000,000 archives")
    found.locator("[role=grid]").focus()
    notebook.keyboard.press("End")
    found.locator("[aria-rowindex='1000001']").wait_for()
    assert found.locator(".gm-row").count() < 20


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_the_tables_are_accessible(notebook: Any, theme: str, shots: Callable[[Any, str], None]) -> None:
    """Axe finds nothing serious in either theme."""
    choose(notebook, "Settings", "Theme", theme)
    notebook.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")
    for width in (900, 1400):
        notebook.set_viewport_size({"width": width, "height": 3000})
        notebook.wait_for_timeout(500)
        shots(notebook, f"after-{theme.split()[1].lower()}-{width}")
    notebook.set_viewport_size({"width": 1400, "height": 1000})
    accessible(notebook, ".gf-frame")


def test_a_saved_notebook_keeps_the_first_rows(
    notebook: Any, lab: Lab, shots: Callable[[Any, str], None]
) -> None:
    """Plain HTML and text; after a reload the table is live, after a restart the record is back."""
    found = table(notebook, ALL)
    notebook.keyboard.press("Control+s")
    notebook.wait_for_timeout(1500)
    saved = (lab.root / "frames.ipynb").read_text()
    assert len(saved) < 60_000
    outputs = [output for each in json.loads(saved)["cells"] for output in each.get("outputs", [])]
    kept = [each["data"] for each in outputs if "glacier-frame" in str(each.get("data"))]
    assert len(kept) == 5
    assert {tuple(sorted(data)) for data in kept} == {("text/html", "text/plain")}
    assert "and 2,990 more" in "".join(kept[0]["text/plain"])
    notebook.reload()
    status(found, "3,000 archives")
    choose(notebook, "Kernel", "Restart Kernel…")
    notebook.locator(".jp-Dialog button.jp-mod-accept").click()
    notebook.locator(".jp-CodeCell").nth(ALL).get_by_text("and 2,990 more").wait_for()
    shots(notebook, "record")
    notebook.reload()
    notebook.locator(".jp-CodeCell").nth(ALL).get_by_text("and 2,990 more").wait_for()
