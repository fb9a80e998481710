"""Take the pictures of README.md and docs/: real widgets, in JupyterLab and Chromium, on the emulator.

python scripts/take_pictures.py
"""

from __future__ import annotations

import base64
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.write_notebooks import CLOCK, NOTEBOOKS
from tests.browser.conftest import CHROMIUM, FLAGS, Lab, cell, open_notebook, run_all, running

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SIZE = {"width": 1120, "height": 1500}
RATE = "8MB/s"
"""Slow enough to see the film on its way."""
OWN = (
    "%load_ext glacier_magic\n%glacier connect --emulator --speed 7200",
    "from glacier_magic import emulator\nfrom glacier_magic.base.paths import emulator_folder\n"
    "_ = emulator.seed(emulator_folder(), 'films', 6, size=2 << 30)\n%glacier emulator seed attic 20000",
    "%glacier use films\nlisted = %glacier inventory --wait\n%glacier emulator speed 1",
    "%glacier restore '*' --tier bulk --to films",
    "%glacier emulator speed 7200\n%glacier use attic\nlisted = %glacier inventory --wait",
    "%glacier explore --folder Photos/ --where 'size > 5MB' --sort=-size",
)
"""A notebook for the pictures alone."""
AS_WEBP = """async png => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", 0.85).split(",")[1];
}"""


def opened(context: Any, lab: Lab, name: str) -> Any:
    """Return a page where a notebook runs, without side bar."""
    page = context.new_page()
    page.set_default_timeout(120_000)
    open_notebook(page, lab, name)
    page.keyboard.press("Control+b")
    run_all(page)
    return page


def output(page: Any, code: str, within: Any) -> Any:
    """Return the output of a cell that has the element *within*, once it is there."""
    found = cell(page, code).locator(".jp-OutputArea-output").filter(has=within).first
    found.wait_for()
    found.scroll_into_view_if_needed()
    return found


def take(page: Any, shown: Any, name: str) -> None:
    """Save the picture of an output, in a format that is a third as large as PNG."""
    png = base64.b64encode(shown.screenshot(animations="disabled")).decode()
    (PICTURES / f"{name}.webp").write_bytes(base64.b64decode(page.evaluate(AS_WEBP, png)))
    print(f"docs/pictures/{name}.webp")


def main() -> None:
    """Take all pictures."""
    os.environ["TZ"] = "UTC"
    base = Path(tempfile.gettempdir(), "glacier")  # it can be seen
    base.mkdir()
    try:
        with running(base) as lab, sync_playwright() as playwright:
            lab.emulator.mkdir()
            (lab.emulator / "clock.json").write_text(CLOCK)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            _take_all(browser.new_context(viewport=SIZE, device_scale_factor=2, color_scheme="light"), lab)
            browser.close()
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _take_all(context: Any, lab: Lab) -> None:
    quickstart = lab.root / lab.add(NOTEBOOKS / "quickstart.ipynb")
    text = quickstart.read_text("utf-8").replace("%glacier jobs", f"%glacier rate {RATE}\\n%glacier jobs", 1)
    quickstart.write_text(text, "utf-8")
    page = opened(context, lab, quickstart.name)
    board = output(page, "%glacier jobs", page.get_by_text("downloading", exact=True))
    page.wait_for_timeout(1500)  # the letters are there by then
    take(page, board, "board")
    page.close()

    cells = [nbformat.v4.new_code_cell(code) for code in OWN]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), lab.root / "own.ipynb")
    page = opened(context, lab, "own.ipynb")
    take(page, output(page, "%glacier restore", page.get_by_role("button", name="Start")), "plan")
    explorer = output(page, "%glacier explore", page.get_by_role("grid"))
    page.wait_for_timeout(3000)  # the sums of folders and facets follow the rows
    take(page, explorer, "explorer")


if __name__ == "__main__":
    main()
