"""Restore form and upload panel: by keyboard, for axe, after a reload, and in two tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nbformat

from .conftest import Lab, accessible, cell, open_notebook, run_all
from .test_board import _choose_theme

CELLS = (
    "%load_ext glacier_magic\n%glacier connect --emulator --speed 3000\n%glacier create forms\n"
    "import os\nfor i in range(3): open(f'form {i}.bin', 'wb').write(os.urandom(300_000))\n"
    "done = %glacier upload form*.bin",
    "%glacier restore 'form*' --to back-forms --destination here",
    "%glacier upload",
)


def write(lab: Lab) -> str:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code) for code in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, lab.root / "forms.ipynb")
    return "forms.ipynb"


def _write_budget(page: Any, form: Any, text: str) -> None:
    """Replace what the field holds, as a person at a keyboard does."""
    form.get_by_label("Budget, USD").focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def test_a_restore_is_chosen_and_started_by_keyboard(
    lab: Lab, page: Any, shots: Callable[[Any, str], None]
) -> None:
    """Tier, budget and Start without a mouse; then a reload and a second tab show the same."""
    name = write(lab)
    open_notebook(page, lab, name)
    run_all(page)
    form, panel = cell(page, "%glacier restore"), cell(page, "%glacier upload\n")
    form.locator("button.jupyter-button", has_text="Start").wait_for()
    panel = page.locator(".glacier-uploads")
    panel.wait_for()
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        _choose_theme(page, theme)
        form.scroll_into_view_if_needed()
        shots(page, f"form-{theme[-5:].strip().lower()}")
        accessible(page, ".glacier-card")
        panel.scroll_into_view_if_needed()
        shots(page, f"uploads-{theme[-5:].strip().lower()}")
        accessible(page, ".glacier-uploads")
    start = form.locator("button.jupyter-button", has_text="Start")
    _write_budget(page, form, "0.0000001")
    form.locator("[role=status]", has_text="over the limit").first.wait_for()
    assert start.is_disabled()
    _write_budget(page, form, "5,50")
    form.get_by_text("not an amount of US dollars", exact=False).wait_for()
    assert start.is_disabled()
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        _choose_theme(page, theme)
        start.scroll_into_view_if_needed()
        shots(page, f"form-misread-{theme[-5:].strip().lower()}")
        accessible(page, ".glacier-card")
    _write_budget(page, form, "")
    form.locator("[role=status]", has_text="over the limit").first.wait_for(state="detached")
    form.get_by_role("radio", name="Standard").focus()
    page.keyboard.press("ArrowRight")
    form.locator("td", has_text="Bulk (this plan)").first.wait_for(state="attached")
    form.locator("input[value=Bulk]:focus:checked").wait_for()  # kept while the plan was made
    form.locator("summary", has_text="Details").first.focus()
    page.keyboard.press("Enter")
    form.locator("td", has_text="Bulk (this plan)").first.wait_for()
    accessible(page, ".glacier-card")
    page.set_viewport_size({"width": 900, "height": 900})
    page.wait_for_function("document.querySelector('.glacier-card').clientWidth < 600")
    assert form.locator(".glacier-card").evaluate("card => card.scrollWidth - card.clientWidth") <= 0
    start.and_(page.locator(":enabled")).wait_for()
    form.locator("button.jupyter-button", has_text="Start").focus()
    page.keyboard.press("Enter")
    form.get_by_text("3 verified", exact=False).first.wait_for()
    for number in range(3):
        restored = lab.root / "back-forms" / f"form {number}.bin"
        assert restored.read_bytes() == (lab.root / f"form {number}.bin").read_bytes()
    page.keyboard.press("ControlOrMeta+s")
    page.wait_for_timeout(1000)
    page.reload()
    cell(page, "%glacier restore").get_by_text("3 verified", exact=False).first.wait_for()
    other = page.context.new_page()
    other.goto(lab.address(name).replace("&reset", ""))
    cell(other, "%glacier restore").get_by_text("3 verified", exact=False).first.wait_for()
