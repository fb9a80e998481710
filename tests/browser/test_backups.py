"""The backup panel: a set is backed up, a snapshot is opened, and a folder of it is recovered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nbformat

from .conftest import Lab, accessible, open_notebook, run_all
from .test_board import _choose_theme, _no_column_is_cut_off

CELLS = (
    "%load_ext glacier_magic\n%glacier connect --emulator --speed 3000\n%glacier create backups\n"
    "%glacier use backups\nimport os, time\n"
    "for i in range(24):\n"
    "    os.makedirs(f'Pictures/{2018 + i // 8}', exist_ok=True)\n"
    "    open(f'Pictures/{2018 + i // 8}/DSC{i:02}.jpg', 'wb').write(os.urandom(20_000 * (i + 1)))\n"
    "recipient = %glacier key new panel.key\n"
    "done = %glacier backup photos Pictures --recipient {recipient}\n"
    "time.sleep(1)\nopen('Pictures/notes.txt', 'w').write('Lisbon')\n"
    "done = %glacier backup photos\n"
    "done = %glacier backup letters Pictures/2018 --plain\n"
    "open('Pictures/2018/new.txt', 'w').write('new')",
    "%glacier backup",
)


def _pictures(page: Any, shots: Callable[[Any, str], None], name: str, place: Any) -> None:
    """Look at a place in both themes and at two widths, with axe."""
    for width in (1400, 900):
        page.set_viewport_size({"width": width, "height": 1000})
        page.wait_for_timeout(500)
        _no_column_is_cut_off(page, 5)
        for theme in ("JupyterLab Dark", "JupyterLab Light"):
            _choose_theme(page, theme)
            place.scroll_into_view_if_needed()
            shots(page, f"{name}-{width}-{theme[-5:].strip().lower()}")
            accessible(page, ".glacier-backups")


def test_a_folder_of_a_snapshot_comes_back(lab: Lab, page: Any, shots: Callable[[Any, str], None]) -> None:
    """The panel shows the sets; one backs up what is new, and a folder of its snapshot is recovered."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code) for code in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, lab.root / "backups.ipynb")
    page.set_viewport_size({"width": 1400, "height": 1000})
    open_notebook(page, lab, "backups.ipynb")
    run_all(page)
    panel = page.locator(".glacier-backups")
    panel.locator(".gm-row", has_text="photos").wait_for()
    _pictures(page, shots, "backups", panel)
    # Back up now: the plan is shown first.
    panel.locator(".gm-row", has_text="photos").click()
    panel.get_by_text("photos selected", exact=False).first.wait_for()
    panel.get_by_role("button", name="Back up now").click()
    panel.locator("button", has_text="Back up").nth(1).click()
    panel.locator("[role=status]", has_text="photos: snapshot 3").first.wait_for()
    shots(page, "backed-up")
    # The files of the snapshot, of which a folder is recovered.
    panel.get_by_role("button", name="Show files").click()
    files = panel.locator(".glacier-explorer")
    files.get_by_role("treeitem").filter(has_text="2019").click()
    files.get_by_text("8 files", exact=False).first.wait_for()
    files.locator(".gm-grid").focus()
    page.keyboard.press("ControlOrMeta+a")
    files.get_by_text("8 selected", exact=False).first.wait_for()
    panel.get_by_label("Key file").fill("panel.key")
    page.keyboard.press("Tab")
    _pictures(page, shots, "snapshot", files)
    files.get_by_role("button", name="Recover …").click()
    form = panel.locator(".glacier-plan")
    start = form.get_by_role("button", name="Recover", exact=True)
    start.and_(page.locator(":enabled")).wait_for()
    form.get_by_label("Folder").fill("back")
    page.keyboard.press("Enter")
    form.get_by_text("to back", exact=False).first.wait_for()
    _pictures(page, shots, "recover", form)
    start.and_(page.locator(":enabled")).click()
    panel.get_by_text("8 files", exact=False).get_by_text("written", exact=False).last.wait_for()
    shots(page, "recovered")
    for number in range(8, 16):
        recovered = lab.root / "back/2019" / f"DSC{number:02}.jpg"
        assert recovered.read_bytes() == (lab.root / "Pictures/2019" / f"DSC{number:02}.jpg").read_bytes()
    assert not (lab.root / "back/2018").exists()
