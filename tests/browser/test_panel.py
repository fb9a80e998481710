"""The panel in JupyterLab: what runs goes on without its kernel, and files are stored by right click."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

import glacier_magic as gm
from glacier_magic import emulator
from glacier_magic.commands.last_connection import remember
from glacier_magic.emulator.testing import Emulator
from glacier_magic.watch.consent import set_consent
from tests.counting import counting

from .conftest import Lab, accessible, cell, open_notebook, run_all, running

SETUP = (
    "%load_ext glacier_magic\n%glacier connect --emulator --speed 1\n%glacier create photos\n"
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


def menu_of(page: Any, item: Any, label: str) -> Any:
    """Open the menu of a file, again if the folder is read meanwhile, which closes it; return an entry."""
    entry = page.locator(".lm-Menu-itemLabel:visible", has_text=label)
    for _ in range(20):
        item.click(button="right")
        page.wait_for_timeout(500)
        if entry.count():
            return entry
    raise AssertionError(f"{label} is not in the menu")


def open_panel(page: Any) -> Any:
    page.locator("li.lm-TabBar-tab[data-id='glacier_magic:panel']").click()
    panel = page.locator("#glacier_magic\\:panel")
    panel.wait_for()
    return panel


@pytest.fixture
def second(chromium: Any, lab: Lab) -> Iterator[Any]:
    """The page of a second browser, with the panel open."""
    context = chromium.new_context(viewport={"width": 900, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    open_panel(page)
    yield page
    context.close()


def test_a_restore_goes_on_without_its_kernel(
    lab: Lab, page: Any, second: Any, shots: Callable[[Any, str], None]
) -> None:
    """One click; the kernel is shut down, the server restarted; two browsers show the verified file."""
    service = Emulator(emulator.start(lab.emulator))  # it outlives the kernel and the server
    write(lab, "panel.ipynb", SETUP)
    open_notebook(page, lab, "panel.ipynb")
    panels = [open_panel(page), second.locator("#glacier_magic\\:panel")]
    for panel in panels:
        panel.get_by_text("Not connected").wait_for()
    run_all(page)
    board = cell(page, "%load_ext")
    board.get_by_text(
        "Watched by this kernel alone: when it ends, the output of cold.bin is lost at"
    ).first.wait_for()
    for panel in panels:
        panel.locator("li", has_text="cold.bin").locator(".gm-note", has_text="in progress").wait_for()
        panel.get_by_text("Without a watcher, the output of cold.bin is lost at").wait_for()
    shots(page, "panel-running")
    panels[0].get_by_role("button", name="Continue when notebooks are closed").click()
    for panel in panels:
        panel.get_by_role("button", name="Stop when notebooks are closed").wait_for()
        panel.get_by_text("Watched by: the Jupyter server").wait_for()
    board.get_by_text("Watched by the Jupyter server").first.wait_for()
    page.locator("#jp-main-statusbar", has_text="Glacier: 1 retrieval").wait_for()
    accessible(page, "#glacier_magic\\:panel")
    shots(page, "panel-watched")
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Shut Down Kernel").first.click()
    page.locator("#jp-main-statusbar", has_text="No Kernel").wait_for()
    with counting(service, "InitiateJob") as asked, counting(service, "GetJobOutput") as fetched:
        lab.restart()
        service.advance(hours=6)
        for each, panel in zip((page, second), panels, strict=True):
            panel.locator("li", has_text="cold.bin").locator(".gm-note", has_text="verified").wait_for()
            each.locator(".Toastify__toast", has_text="Done: cold.bin").wait_for()
        assert (asked(), fetched()) == (0, 1)
    shots(page, "panel-done")
    shots(second, "panel-second")
    assert panels[0].inner_text() == panels[1].inner_text()
    assert (lab.root / "back" / "cold.bin").read_bytes() == b"c" * 200_000


def test_a_file_is_stored_by_right_click(
    lab: Lab, page: Any, vault: str, shots: Callable[[Any, str], None]
) -> None:
    """A file and a folder: the dialog shows vault and price, and they are in Glacier; back by a form."""
    (lab.root / "holiday.jpg").write_bytes(b"h" * 3_000_000)
    (lab.root / "album").mkdir()
    (lab.root / "album" / "day.jpg").write_bytes(b"d" * 1000)
    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    panel = open_panel(page)
    panel.locator("summary", has_text="Vaults").wait_for()
    page.locator("li.lm-TabBar-tab[data-id='filebrowser']").click()
    entry = page.locator(".jp-DirListing-item", has_text="holiday.jpg")
    folder = page.locator(".jp-DirListing-item", has_text="album")
    folder.click()
    entry.click(modifiers=["Control"])
    upload = menu_of(page, entry, "Upload to Glacier vault")
    shots(page, "panel-menu")
    upload.click()
    dialog = page.locator(".jp-Dialog")
    dialog.get_by_text("Upload 2 files").wait_for()
    dialog.get_by_text("price").wait_for()
    accessible(page, ".jp-Dialog")
    shots(page, "panel-dialog")
    dialog.get_by_role("button", name="Start").click()
    page.locator(".Toastify__toast", has_text="Done: Upload 2 files").wait_for()
    menu_of(page, entry, "Compare with Glacier vault").click()
    dialog.get_by_text("2 same").wait_for()
    shots(page, "panel-verify")
    for file in ("holiday.jpg", "album/day.jpg"):
        (lab.root / file).unlink()
    dialog.get_by_role("button", name="Ok").click()
    menu_of(page, folder, "Restore from Glacier vault").click()
    cell(page, "restore").locator("button.jupyter-button", has_text="Start").wait_for()
    shots(page, "panel-restore")
    open_panel(page).locator("button", has_text="photos").click()
    explorer = cell(page, "explore photos")
    explorer.get_by_text("holiday.jpg").first.wait_for()
    shots(page, "panel-explore")


def test_what_is_lost_within_two_hours_is_said(
    lab: Lab,
    page: Any,
    vault: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shots: Callable[[Any, str], None],
) -> None:
    """Also of a job that nobody follows; the palette and a key save it; a failure is said."""
    monkeypatch.chdir(tmp_path)
    with gm.connect(emulator=lab.emulator) as session:
        session.tracker.background = False  # no kernel

        def restore(name: str) -> None:
            (tmp_path / name).write_bytes(b"content")
            session.vault(vault).upload(name)
            session.vault(vault).restore(name, to=tmp_path / "back").run()

        set_consent(on=False)
        page.goto(f"{lab.url}lab?token={lab.token}&reset")
        page.locator(".jp-LauncherCard").first.wait_for()
        palette = page.locator(".lm-CommandPalette-input")
        for _ in range(20):  # a page that starts is deaf
            page.keyboard.press("Control+Shift+C")
            page.wait_for_timeout(1000)
            if palette.is_visible():
                break
        palette.fill("Show Glacier Vaults")
        page.keyboard.press("Enter")
        panel = page.locator("#glacier_magic\\:panel")
        panel.locator("summary", has_text="Vaults").wait_for()
        restore("late.bin")
        emulator.advance(lab.emulator, 26.5 * 3600)
        page.locator(".Toastify__toast", has_text="unless downloaded: late.bin").wait_for()
        panel.locator("summary", has_text="About to expire").wait_for()
        accessible(page, "#glacier_magic\\:panel")
        shots(page, "panel-losing")
        panel.get_by_role("button", name="Continue when notebooks are closed").focus()
        page.keyboard.press("Enter")
        page.locator(".Toastify__toast", has_text="Done: late.bin").wait_for()
        page.keyboard.press("Enter")
        panel.get_by_role("button", name="Continue when notebooks are closed").wait_for()
        restore("lost.bin")
        emulator.advance(lab.emulator, 40 * 3600)
        set_consent(on=True)
        page.locator(".Toastify__toast", has_text="Failed: lost.bin").wait_for()
        shots(page, "panel-lost")


def test_notebook_7_has_the_menu_and_the_panel(lab: Lab, page: Any, vault: str) -> None:
    """The file browser of its first page, and the sidebar of a notebook's page."""
    write(lab, "seven.ipynb", "")
    page.goto(f"{lab.url}tree?token={lab.token}")
    notebook = page.locator(".jp-DirListing-item", has_text="seven.ipynb")
    menu_of(page, notebook, "Compare with Glacier vault")
    page.goto(f"{lab.url}notebooks/seven.ipynb?token={lab.token}")
    page.locator(".jp-NotebookPanel").first.wait_for()
    page.get_by_role("menuitem", name="View", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Left Sidebar").first.hover()
    page.locator(".lm-Menu-itemLabel", has_text="Glacier vaults").first.click()
    page.locator("#glacier_magic\\:panel summary", has_text="Vaults").wait_for()
