"""The job board's rows, filters and buttons without a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import glacier_magic as gm
from glacier_magic.jobs import BoardSnapshot, JobRow
from glacier_magic.notebook.board_rows import FEW, NOT_DONE, BoardRows
from glacier_magic.notebook.card import PlanCard
from glacier_magic.notebook.job_board import JobBoard, link, news

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def job(number: int, state: str = "in progress", **more: Any) -> JobRow:
    given = {
        "key": f"download-{number}",
        "name": f"file {number}",
        "vault": "box",
        "kind": "archive",
        "state": state,
        "tier": "Bulk",
        "size": number * 1000,
        "target": f"/back/file {number}",
    }
    return JobRow(**(given | more))


def board_of(*jobs: JobRow) -> BoardRows:
    return BoardRows(BoardSnapshot(rows=jobs, now=NOW), lambda: None)


def names(rows: BoardRows) -> list[str]:
    return [row.cells[0] for row in rows.rows(0, rows.count)]


def test_finished_rows_fold_away_while_others_are_to_come() -> None:
    """All of them are shown when asked for, or when nothing is left to come."""
    done = [job(n, "verified") for n in range(1, FEW + 2)]
    rows = board_of(job(99), *done, job(100, "failed", error="no"))
    assert names(rows) == ["file 99", "file 100"]
    assert rows.folding == FEW + 1
    rows.look(unfolded=True)
    assert rows.count == FEW + 3
    rows.look(unfolded=False)
    rows.show(BoardSnapshot(rows=tuple(done), now=NOW))
    assert rows.count == FEW + 1


def test_filters_and_sorting_make_a_new_answer_and_time_does_not() -> None:
    """The page stays where it was scrolled to while jobs go on."""
    rows = board_of(job(2), job(1, "ready"), job(3, "verified", vault="other"))
    before = rows.version
    rows.show(BoardSnapshot(rows=(job(2, "ready"), job(1, "ready")), now=NOW))
    assert rows.version == before
    rows.order("-size")
    assert names(rows) == ["file 2", "file 1"]
    assert rows.version > before
    rows.show(BoardSnapshot(rows=(job(2), job(3, "verified", vault="other"), job(1)), now=NOW))
    rows.look(vault="other")
    assert names(rows) == ["file 3"]
    rows.look(vault="", state=NOT_DONE)
    assert names(rows) == ["file 2", "file 1"]
    rows.look(text="FILE 1")
    assert names(rows) == ["file 1"]
    with pytest.raises(KeyError):
        rows.order("__class__")


def test_a_selection_follows_its_rows() -> None:
    """By what they are, not by where they stand; a row that is gone leaves it."""
    rows = board_of(job(1), job(2), job(3))
    rows.select("only", 1, 2)
    rows.show(BoardSnapshot(rows=(job(2), job(1), job(3)), now=NOW))
    assert [row.name for row in rows.picked] == ["file 2"]
    rows.select("all", 0, 0)
    rows.show(BoardSnapshot(rows=(job(3),), now=NOW))
    assert [row.name for row in rows.picked] == ["file 3"]


def test_a_row_says_what_is_to_come() -> None:
    """Countdown, progress, place and error in words; the exact values on hover."""
    kept = NOW + timedelta(hours=5)
    moving = job(4, "downloading", done=1000, rate=500.0, eta=6.0, ready_until=kept)
    first, second = board_of(moving, job(5, "failed", error="it broke")).rows(0, 2)
    assert first.cells[6] == "kept 5 h more"
    assert first.cells[7] == "25%, 500 B/s, 6 s left"
    assert first.cells[8] == "/back/file 4"
    assert first.titles[4] == "4,000 bytes"
    assert second.cells[7] == "it broke"


def test_news_come_once_nothing_is_left() -> None:
    """And say whether all of it is there."""
    done = job(1, "verified")
    assert news(BoardSnapshot(rows=(job(1),), now=NOW)) == ""
    assert news(BoardSnapshot(rows=(), now=NOW)) == ""
    assert news(BoardSnapshot(rows=(done,), now=NOW)).startswith("All requests are done")
    assert news(BoardSnapshot(rows=(done, job(2, "failed")), now=NOW)).startswith("All requests have ended")


def test_a_link_is_relative_and_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what lies below the notebook's folder can be one."""
    monkeypatch.chdir(tmp_path)
    assert link("/elsewhere/<b>.txt") == "<code>/elsewhere/&lt;b&gt;.txt</code>"
    made = link(str(tmp_path / 'a"><script>.txt'))
    assert made.startswith('<a href="a%22%3E%3Cscript%3E.txt">')
    assert "<script>" not in made


@pytest.fixture
def restored(emulated: Path, tmp_path: Path) -> Iterator[gm.jobs.Batch]:
    with gm.connect(emulator=emulated) as session:
        vault = session.create_vault("shelf")
        (tmp_path / "one.bin").write_bytes(b"one")
        vault.upload(tmp_path / "one.bin")
        yield vault.restore("one.bin", to=tmp_path / "back").run().wait(timeout=60)


def press(board: JobBoard, name: str) -> Any:
    """Select all rows, press a button; return the widget that shows what came of it."""
    board._table._answer(
        {
            "kind": "select",
            "version": board._rows.version,
            "how": "all",
            "start": 0,
            "stop": 0,
            "sight": [0, 1],
        }
    )
    button = next(b for b in board._buttons.children if b.description.startswith(name))
    assert not button.disabled
    button.click()
    for thread in threading.enumerate():
        if thread.name == "glacier-widget":
            thread.join(30)
    return board._area.children[0]


def test_the_buttons_do_what_they_say(restored: gm.jobs.Batch, tmp_path: Path) -> None:
    """File and folder are shown, asking again is a plan, and forgetting leaves the file."""
    board = JobBoard(restored)
    file = tmp_path / "back" / "one.bin"
    assert board._forget.disabled
    assert str(file) in press(board, "Show file").outputs[0]["data"]["text/plain"]
    shown = press(board, "Open folder").outputs[0]["data"]["text/plain"]
    assert shown == str(file.parent)
    card = press(board, "Request again")
    assert isinstance(card, PlanCard)
    assert card._start.disabled  # the file is there
    assert "1 row forgotten" in press(board, "Forget").value
    assert file.read_bytes() == b"one"
    assert [row.state for row in restored.snapshot.rows] == ["forgotten"]
    board.close()


def test_the_page_gets_what_it_has_in_sight() -> None:
    """A thousand jobs: a screen of them is sent, where the page has scrolled to."""
    from glacier_magic.notebook.job_board import BoardTable

    rows = board_of(*(job(number) for number in range(1000)))
    table = BoardTable(rows, label="jobs", height=10)
    assert len(table.page["rows"]) == 12
    table._answer({"kind": "rows", "version": 1, "start": 500, "stop": 530})
    rows.show(BoardSnapshot(rows=tuple(job(n, "ready") for n in range(1000)), now=NOW))
    table.refresh()
    assert table.page["start"] == 500
    assert table.page["rows"][0][0][2] == "ready"
    assert len(table.page["rows"]) == 30
    rows.look(state="ready")
    table.refresh()
    assert table.page["start"] == 0
    table.close()


def test_a_board_of_a_closed_session_says_so(restored: gm.jobs.Batch) -> None:
    """A press raises nothing; the rows stand as they were."""
    board = JobBoard(restored)
    board._table._answer(
        {
            "kind": "select",
            "version": board._rows.version,
            "how": "all",
            "start": 0,
            "stop": 0,
            "sight": [0, 1],
        }
    )
    restored.tracker._catalogue.close()
    board._forget.click()
    assert "closed" in board._area.children[0].value
    board.close()


def test_a_rate_that_is_not_understood_changes_nothing(session: Any, vault: Any) -> None:
    """It stays in the field with the reason beside it, and is not taken for no limit."""
    board = JobBoard(session.jobs())
    board._rate.value = "5MB/s"
    for wrong in ("fast", "5,5MB/s", "<b>"):
        board._rate.value = wrong
        assert session.tracker.max_rate == 5e6
        assert board._rate.value == wrong
        assert "still: 4.77MiB/s" in board._rate_note.value
        assert "<b>" not in board._rate_note.value
    board._rate.value = ""
    assert session.tracker.max_rate is None
    assert "still" not in board._rate_note.value
    board.close()
