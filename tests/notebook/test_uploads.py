"""The upload panel without a page: its buttons, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from glacier_magic.notebook.picker import Picker
from glacier_magic.notebook.upload_panel import THROUGH_THE_PAGE, UploadPanel
from glacier_magic.transfer.upload_queue import UploadDesk
from tests.conftest import wait_until


@pytest.fixture
def desk(vault: Any) -> UploadDesk:
    found = vault.desk()
    assert isinstance(found, UploadDesk)
    return found


def listed(panel: UploadPanel) -> list[dict[str, Any]]:
    """Return the files as the page shows them."""
    moved = panel._files.moved
    return [moved.get(str(place), file) for place, file in enumerate(panel._files.files)]


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
    assert [file["cells"][2] for file in listed(panel)] == ["waiting", "waiting"]
    panel._run.click()
    wait_until(lambda: desk.state == "done")
    assert [file["cells"][2] for file in listed(panel)] == ["stored", "stored"]
    assert panel._run.description == "Start"
    panel.close()


def test_what_cannot_be_stored_is_left_out_and_named(desk: UploadDesk, files: Any) -> None:
    """The others are added."""
    files("a.bin", b"a" * 10)
    files("b.bin", b"")
    files("c.bin", b"")
    panel = UploadPanel(desk)
    panel._picker._typed.value = "*.bin"
    panel._picker._add.click()
    assert [file.name for file in desk.files] == ["a.bin"]
    assert "Left out: b.bin: it is empty" in panel._status.value
    assert ", and 1 more." in panel._status.value
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
    wait_until(lambda: panel._run.description == "Pause")
    panel._run.click()
    wait_until(lambda: panel._run.description == "Continue")
    panel._rate.value = ""
    panel._run.click()
    wait_until(lambda: desk.state == "done")
    assert [f.state for f in desk.files] == ["stored"]


def test_a_file_is_taken_off_the_list_before_and_while_others_are_sent(
    desk: UploadDesk, files: Any, vault: Any
) -> None:
    """By the button of its row; a file that is being sent is refused, and stays."""
    for number in range(12):
        files(f"{number:02}.bin", 200_000)
    panel = UploadPanel(desk)
    desk.add(["*.bin"])

    def row(name: str) -> Any:
        return next(file for file in listed(panel) if file["cells"][0] == name)

    def press(name: str) -> None:
        panel._files._heard(None, {"kind": "remove", "number": row(name)["number"]}, [])

    press("03.bin")
    assert [f.name for f in desk.files] == [f"{n:02}.bin" for n in range(12) if n != 3]
    desk.max_rate = 100_000
    panel._run.click()
    wait_until(lambda: any(f.done for f in desk.files))
    begun = next(f.name for f in desk.files if f.done)
    press(begun)
    assert "Pause first" in panel._status.value
    press("11.bin")
    assert "11.bin" not in [f.name for f in desk.files]
    desk.max_rate = None
    wait_until(lambda: desk.state == "done")
    assert not any(file["removable"] for file in listed(panel))
    assert len(vault.archives()) == 10
    assert not {"03.bin", "11.bin"} & set(vault.archives()["name"])
    assert desk.report is not None
    assert desk.report.total == 10 * 200_000
    panel.close()


def test_a_pause_keeps_the_percentage(desk: UploadDesk, files: Any) -> None:
    """In the row, the bar and the words, though the request that it ended starts again."""
    files("a.bin", 2_000_000)
    panel = UploadPanel(desk)
    desk.max_rate = 200_000
    desk.add(["a.bin"])
    desk.start()
    wait_until(lambda: desk.files[0].done and desk.report is not None and desk.report.done)
    desk.pause()
    assert desk.wait(30)
    (file,) = desk.files
    assert file.done
    assert file.state == "paused"
    assert listed(panel)[0]["cells"][3] == f"{file.done / file.size:.0%}"
    assert desk.report is not None
    assert desk.report.fraction > 0
    assert f"paused at {desk.report.fraction:.0%}" in panel._summary.value
    panel.close()


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
    wait_until(lambda: desk.state == "done")
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
    wait_until(lambda: "x.txt: stored" in panel._status.value)
    large = memoryview(bytes(THROUGH_THE_PAGE + 1))
    panel._picked({"new": [{"name": "large.bin", "content": large}]})
    wait_until(lambda: "too large" in panel._status.value)
    assert list(vault.archives()["name"]) == ["x.txt"]


def test_where_no_widget_shows_it_is_a_table(desk: UploadDesk, files: Any) -> None:
    """The bundle has a sentence instead of a constructor."""
    files("a.bin", b"a")
    desk.add(["a.bin"])
    bundle = UploadPanel(desk)._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "live notebook" in data["text/plain"]
    assert "waiting" in repr(desk)
