"""The panel in JupyterLab: what runs goes on without its kernel, and files are stored by right click."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import pytest

import glacier_magic as gm
from glacier_magic.commands.last_connection import remember

from .conftest import Lab, accessible, cell, open_notebook, run_all, running

SETUP = (
    "%load_ext glacier_magic\n%glacier connect --emulator --speed 400\n%glacier create photos\n"
    "open('cold.bin', 'wb').write(b'c' * 200_000)\n%glacier upload cold.bin --vault photos\n"
    "%glacier restore cold.bin --vault photos --to back --yes"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server of these tests alone: they change what the user consents to."""
    with running(tmp_path_factory.mktemp("panel")) as found:
        yield found


@pytest.fixture
def vault(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> str:
    """The vault of the last connect of this server's user."""
    monkeypatch.setenv("GLACIER_MAGIC_HOME", str(lab.root.parent / "home"))
    with gm.connect(emulator=lab.emulator) as session:
        session.create_vault("photos")
        remember(session.connection)
    return "photos"


def write(lab: Lab, name: str, code: str) -> None:
    cells = [nbformat.v4.new_code_cell(code)]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), lab.root / name)


def open_panel(page: Any) -> Any:
    page.locator("li.lm-TabBar-tab[data-id='glacier_magic:panel']").click()
    panel = page.locator("#glacier_magic\\:panel")
    panel.wait_for()
    return panel


def test_a_restore_goes_on_without_its_kernel(lab: Lab, page: Any, shots: Callable[[Any, str], None]) -> None:
    """One click; the kernel is shut down; the file appears, verified, and the panel says so."""
    write(lab, "panel.ipynb", SETUP)
    open_notebook(page, lab, "panel.ipynb")
    panel = open_panel(page)
    panel.get_by_text("Not connected").wait_for()
    run_all(page)
    panel.locator("summary", has_text="Running").wait_for()
    panel.locator("li", has_text="cold.bin").locator(".gm-note", has_text="in progress").wait_for()
    shots(page, "panel-running")
    panel.get_by_role("button", name="Continue when notebooks are closed").click()
    panel.get_by_role("button", name="Stop when notebooks are closed").wait_for()
    page.locator("#jp-main-statusbar", has_text="Glacier: 1 retrieval").wait_for()
    accessible(page, "#glacier_magic\\:panel")
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Shut Down Kernel").first.click()
    panel.get_by_text("Watched by: the Jupyter server").wait_for(timeout=120_000)
    shots(page, "panel-watched")
    panel.locator("li", has_text="cold.bin").locator(".gm-note", has_text="verified").wait_for(
        timeout=180_000
    )
    page.locator(".Toastify__toast", has_text="Done: cold.bin").wait_for()
    shots(page, "panel-done")
    assert (lab.root / "back" / "cold.bin").read_bytes() == b"c" * 200_000


def test_a_file_is_stored_by_right_click(
    lab: Lab, page: Any, vault: str, shots: Callable[[Any, str], None]
) -> None:
    """The dialog shows vault and price; nothing is sent before Start; afterwards it is in Glacier."""
    (lab.root / "holiday.jpg").write_bytes(b"h" * 3_000_000)
    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    panel = open_panel(page)
    panel.locator("summary", has_text="Vaults").wait_for()
    page.locator("li.lm-TabBar-tab[data-id='filebrowser']").click()
    entry = page.locator(".jp-DirListing-item", has_text="holiday.jpg")
    entry.click(button="right")
    shots(page, "panel-menu")
    page.locator(".lm-Menu-itemLabel", has_text="Upload to Glacier vault").click()
    dialog = page.locator(".jp-Dialog")
    dialog.get_by_text("Upload 1 file").wait_for()
    dialog.get_by_text("price").wait_for()
    accessible(page, ".jp-Dialog")
    shots(page, "panel-dialog")
    dialog.get_by_role("button", name="Start").click()
    page.locator(".Toastify__toast", has_text="Done: Upload 1 file").wait_for()
    entry.click(button="right")
    page.locator(".lm-Menu-itemLabel", has_text="Compare with Glacier vault").click()
    dialog.get_by_text("1 same").wait_for()
    shots(page, "panel-verify")
    dialog.get_by_role("button", name="Ok").click()
    open_panel(page).locator("button", has_text="photos").click()
    explorer = cell(page, "explore photos")
    explorer.get_by_text("holiday.jpg").first.wait_for()
    shots(page, "panel-explore")


def test_notebook_7_has_the_menu_and_the_panel(lab: Lab, page: Any, vault: str) -> None:
    """The file browser of its first page, and the sidebar of a notebook's page."""
    write(lab, "seven.ipynb", "")
    page.goto(f"{lab.url}tree?token={lab.token}")
    page.locator(".jp-DirListing-item", has_text="seven.ipynb").click(button="right")
    page.locator(".lm-Menu-itemLabel", has_text="Compare with Glacier vault").wait_for()
    page.goto(f"{lab.url}notebooks/seven.ipynb?token={lab.token}")
    page.locator(".jp-NotebookPanel").first.wait_for()
    page.get_by_role("menuitem", name="View", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Left Sidebar").first.hover()
    page.locator(".lm-Menu-itemLabel", has_text="Glacier vaults").first.click()
    page.locator("#glacier_magic\\:panel summary", has_text="Vaults").wait_for()
