"""The card of a deletion in a real browser: the vault's name typed, by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from glacier_magic import emulator

from .conftest import Lab, cell, open_notebook, run_all, wait_idle

CELLS = (
    "%load_ext glacier_magic\n%glacier connect --data {data} --speed 600",
    "%glacier create photos\n%glacier upload --recursive {folder}",
    "%glacier rm '*'",
)


@pytest.fixture
def notebook(lab: Lab, tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "originals"
    folder.mkdir()
    for name in ("a", "b", "<img src=x onerror=alert(1)>"):
        (folder / name.replace("/", "_")).write_text(name)
    data = tmp_path / "emulator"
    places = f"folder, data = {str(folder)!r}, {str(data)!r}"
    cells = [nbformat.v4.new_code_cell(text) for text in (places, *CELLS)]
    path = tmp_path / "deleting.ipynb"
    kernel = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "name": "python3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    yield lab.add(path)
    emulator.stop(data)


def test_the_red_button_works_once_the_name_is_typed(
    lab: Lab, notebook: str, page: Any, shots: Callable[[Any, str], None]
) -> None:
    """Not before, nor after one letter more; then one press, and the outcome in its place."""
    open_notebook(page, lab, notebook)
    run_all(page)
    wait_idle(page)
    card = cell(page, "rm '*'")
    button = card.get_by_role("button", name="Delete", exact=True)
    field = card.get_by_label("Vault name")
    button.wait_for()
    assert button.is_disabled()
    field.focus()
    page.keyboard.type("photo")
    page.wait_for_timeout(500)
    assert button.is_disabled()
    page.keyboard.type("s")
    page.wait_for_function("b => !b.disabled", arg=button.element_handle())
    page.keyboard.type("s")
    page.wait_for_function("b => b.disabled", arg=button.element_handle())
    page.keyboard.press("Backspace")
    page.wait_for_function("b => !b.disabled", arg=button.element_handle())
    shots(page, "deleting-confirmed")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    card.locator("[role=status]", has_text="Deleted 3 archives from photos").first.wait_for()
    shots(page, "deleting-done")
    assert card.locator("img").count() == 0
