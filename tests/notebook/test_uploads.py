"""The upload panel without a page: its buttons, and what it says."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glacier_magic.notebook.picker import Picker
from glacier_magic.notebook.upload_panel import THROUGH_THE_PAGE, UploadPanel
from glacier_magic.transfer.upload_queue import UploadDesk


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


@pytest.fixture
def desk(vault: Any) -> UploadDesk:
    found = vault.desk()
    assert isinstance(found, UploadDesk)
    return found


def test_files_are_marked_added_and_sent(desk: UploadDesk, files: Any) -> None:
    """The way by the mouse: mark, Add, Start; the button says what it would do."""
    files("a.bin", b"a" * 10)
    files("below/b.bin", b"b" * 10)
    panel = UploadPanel(desk)
    assert panel._run.disabled
    picker = panel._picker
    assert [value for _, value in picker._entries.options] == ["below", "a.bin"]
    picker._entries.value = ("a.bin", "below")
    picker._add.click()
    assert len(desk.files) == 2
    assert "waiting" in panel._table.value
    panel._run.click()
    until(lambda: desk.state == "done")
    assert panel._table.value.count('<td class="">stored</td>') == 2
    assert panel._run.description == "Start"
    panel.close()


def test_the_button_pauses_and_goes_on(desk: UploadDesk, files: Any) -> None:
    """One button, whose word is what it does next."""
    files("a.bin", 300_000)
    panel = UploadPanel(desk)
    panel._rate.value = "100kB/s"
    assert desk.max_rate == 100_000
    panel._picker._typed.value = "*.bin"
    panel._picker._add.click()
    panel._run.click()
    until(lambda: panel._run.description == "Pause")
    panel._run.click()
    until(lambda: panel._run.description == "Continue")
    panel._rate.value = ""
    panel._run.click()
    until(lambda: desk.state == "done")
    assert [f.state for f in desk.files] == ["stored"]


def test_mistakes_are_said_in_the_panel(desk: UploadDesk, files: Any) -> None:
    """No exception leaves a button."""
    panel = UploadPanel(desk)
    panel._picker._add.click()
    assert "type a path" in panel._picker._where.value
    panel._picker._typed.value = "<b>nosuch"
    panel._picker._add.click()
    assert "No file matches" in panel._status.value
    assert "<b>" not in panel._status.value
    assert panel._picker._typed.value == "<b>nosuch"
    panel._rate.value = "fast"
    assert "fast" in panel._status.value


@pytest.mark.parametrize("rate", ["fast", "5,5MB/s", "-3", "0"])
def test_a_rate_that_is_not_understood_starts_nothing(
    desk: UploadDesk, files: Any, rate: str, archives_in: Any
) -> None:
    """It is not taken for none; nor is a path that is typed for one that was added."""
    files("a.bin", 1000)
    desk.max_rate = 5e6
    panel = UploadPanel(desk)
    assert panel._rate.value == "5MB/s" or "MiB/s" in panel._rate.value
    panel._picker._typed.value = "a.bin"
    panel._picker._add.click()
    panel._rate.value = rate
    assert desk.max_rate == 5e6
    assert panel._run.disabled
    panel._run.disabled = False
    panel._run.click()
    assert desk.state == "idle"
    panel._rate.value = ""
    assert not panel._run.disabled
    panel._picker._typed.value = "b.bin"
    panel._run.click()
    assert "not added" in panel._status.value
    assert desk.state == "idle"
    assert archives_in() == 0
    panel._picker._typed.value = ""
    panel._run.click()
    until(lambda: desk.state == "done")
    assert desk.max_rate is None
    assert archives_in() == 1


def test_folders_open_and_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shown is what the kernel's computer has; what cannot be read is said."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / ".hidden").write_text("")
    monkeypatch.chdir(tmp_path)
    taken: list[Any] = []
    picker = Picker(lambda words, below: not taken.append((words, below)))
    picker._entries.value = ("a",)
    picker._open.click()
    assert picker.folder == tmp_path / "a"
    assert [value for _, value in picker._entries.options] == ["b"]
    picker._entries.value = ("b",)
    picker._below.value = False
    picker._add.click()
    assert taken == [([str(tmp_path / "a" / "b")], False)]
    picker._up.click()
    assert picker.folder == tmp_path
    (tmp_path / "a" / "b").rmdir()
    picker._go(tmp_path / "a" / "b")
    assert "cannot be read" in picker._where.value
    assert picker.folder == tmp_path


def test_a_file_from_the_browser_goes_up_at_once(desk: UploadDesk, vault: Any) -> None:
    """Its name is only a name; one too large for the page is refused in words."""
    panel = UploadPanel(desk)
    panel._picked({"new": [{"name": "x.txt", "content": memoryview(b"x")}]})
    until(lambda: "x.txt: stored" in panel._status.value)
    large = memoryview(bytes(THROUGH_THE_PAGE + 1))
    panel._picked({"new": [{"name": "large.bin", "content": large}]})
    until(lambda: "too large" in panel._status.value)
    assert list(vault.archives()["name"]) == ["x.txt"]


def test_where_no_widget_shows_it_is_a_table(desk: UploadDesk, files: Any) -> None:
    """The bundle has a sentence instead of a constructor."""
    files("a.bin", b"a")
    desk.add(["a.bin"])
    bundle = UploadPanel(desk)._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "live notebook" in data["text/plain"]
    assert "waiting" in repr(desk)
