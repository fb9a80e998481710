"""The backup panel without a page: what it shows, what its buttons open, and what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from glacier_magic.notebook.backup_panel import BackupPanel
from glacier_magic.notebook.recover_form import RecoverForm
from glacier_magic.notebook.snapshot_view import SnapshotView
from glacier_magic.notebook.views import view_of
from tests.conftest import wait_until
from tests.packed import place, write


@pytest.fixture
def panel(vault: Any, key: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BackupPanel]:
    """Two sets: one encrypted with two snapshots, one plain."""
    monkeypatch.chdir(tmp_path)
    disk = write(tmp_path / "disk", a__x=b"1", a__y=b"22", b=b"333")
    place(disk / "<b>bold" / "<script>", b"4444")
    vault.backup("photos", disk, recipients=[key.recipient]).run()
    place(disk / "new", b"5")
    vault.backup("photos").run()
    vault.backup("letters", disk / "a", plain=True).run()
    (tmp_path / "photos.key").write_text(key.file())
    made = view_of(vault.backups())
    assert isinstance(made, BackupPanel)
    yield made
    made.close()


def opened(panel: BackupPanel, button: Any) -> Any:
    """Press a button of the panel; return the widget that it opens."""
    before = panel._area.children
    button.click()
    wait_until(lambda: panel._area.children != before)
    return panel._area.children[0]


def select(panel: BackupPanel, place: int) -> None:
    version, sight = panel._rows.version, [0, 5]
    message = {"kind": "select", "how": "only", "start": place, "stop": place + 1, "sight": sight}
    panel._table._heard(None, message | {"version": version}, [])


def test_a_row_a_set_and_the_snapshots_of_the_selected_one(panel: BackupPanel) -> None:
    letters, photos = panel._table.page["rows"]
    assert (letters[0][0], photos[0][0], photos[0][3], photos[0][5]) == ("letters", "photos", "done", "5")
    assert panel._table.totals["words"] == "2 sets · letters selected"
    assert len(panel._snapshot.options) == 1
    select(panel, 1)
    assert [label.split(":")[0] for label, _ in panel._snapshot.options] == ["2", "1"]
    assert panel._snapshot.value[1] == 2


def test_back_up_now_shows_the_plan_and_then_what_has_changed(panel: BackupPanel, tmp_path: Path) -> None:
    select(panel, 1)
    place(tmp_path / "disk/newer", b"6")
    card = opened(panel, panel._back_up)
    assert " of photos to photos" in card._text.value
    card._start.click()
    wait_until(lambda: "snapshot 3 of 6 files" in card._status.value)
    wait_until(lambda: panel._snapshot.options[0][0].startswith("3:"))
    assert panel._table.page["rows"][1][0][5] == "6"


def test_an_error_is_said(panel: BackupPanel, tmp_path: Path) -> None:
    (tmp_path / "disk/a/x").unlink()
    (tmp_path / "disk/a/y").unlink()
    panel._back_up.click()
    wait_until(lambda: "is empty" in panel._status.value)
    assert panel._area.children == ()
    wait_until(lambda: not panel._back_up.disabled)


def test_a_folder_of_a_snapshot_is_recovered_from_its_form(
    panel: BackupPanel, later: Callable[..., None], jobs_of: Any, tmp_path: Path
) -> None:
    """A key is needed first; the files are written when their parts are there."""
    select(panel, 1)
    panel._snapshot.value = panel._snapshot.options[1][1]
    view = opened(panel, panel._browse)
    assert isinstance(view, SnapshotView)
    assert view.panel.scene["crumbs"] == [["", "photos, snapshot 1"]]
    wait_until(lambda: [facet["facet"] for facet in view.panel.scene["facets"]] == ["size"])
    view.panel._heard(None, {"kind": "act", "what": "delete"}, [])  # no button of this explorer
    view.panel._heard(None, {"kind": "look", "folder": "a/"}, [])
    explorer = view._explorer
    explorer.picked.all_of(explorer.answer)
    view.panel._heard(None, {"kind": "act", "what": "recover"}, [])
    wait_until(lambda: "Name the file of your key" in view.panel.scene["notice"])
    view._key.value = "photos.key"
    view.panel._heard(None, {"kind": "act", "what": "recover"}, [])
    (form,) = wait_until(lambda: view._area.children)
    assert isinstance(form, RecoverForm)
    assert Path(form._folder.value) == tmp_path / "recovered"
    assert jobs_of() == []
    form._folder.value = str(tmp_path / "back")
    wait_until(form._ready)
    assert "Recover 2 files" in form._text.value
    form._start.click()
    wait_until(jobs_of)
    later(panel._sets._session, hours=5)
    wait_until(lambda: "2 files (3 B) written" in getattr(form.children[-1], "value", ""))
    assert {file.name: file.read_bytes() for file in (tmp_path / "back/a").iterdir()} == {
        "x": b"1",
        "y": b"22",
    }
    assert len(jobs_of()) == 1


def test_a_saved_notebook_has_the_table_without_markup_of_names(panel: BackupPanel) -> None:
    record = panel._record()._repr_mimebundle_()
    assert "letters" in record["text/plain"]
    assert "<td" in record["text/html"]
    assert "needs a live notebook" in panel._repr_mimebundle_()["text/html"]
    select(panel, 1)
    view = opened(panel, panel._browse)
    assert "<script>" not in view._explorer._repr_mimebundle_()["text/html"]
