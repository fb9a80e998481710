"""The job board's rows, filters and buttons without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import comm
import comm.base_comm
import pytest

import glacier_magic as gm
from glacier_magic.jobs import BoardSnapshot, JobRow
from glacier_magic.jobs.board import RecordedRows
from glacier_magic.notebook.board_rows import COLUMNS, NOT_DONE, BoardRows
from glacier_magic.notebook.card import PlanCard
from glacier_magic.notebook.job_board import JobBoard, news
from glacier_magic.notebook.row_table import Column
from tests.finishing import finish

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEYS = [column.key for column in COLUMNS if column.key != "vault"]  # of a board of one vault


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


def test_rows_fold_away_a_day_after_they_are_finished() -> None:
    """Not those of today, and none that failed; all are shown when asked for, and counted in any case."""
    yesterday, today = NOW - timedelta(days=1), NOW - timedelta(hours=23)
    old = [job(n, "verified", ended_at=yesterday) for n in range(1, 539)]
    rest = (
        job(900),
        job(901, "verified", ended_at=today),
        job(902, "failed", error="no", ended_at=yesterday),
    )
    rows = board_of(*old, *rest)
    assert names(rows) == ["file 900", "file 901", "file 902"]
    assert rows.folding == 538
    assert "539 verified" in rows.words
    rows.look(unfolded=True)
    assert rows.count == 541
    rows.look(unfolded=False)
    rows.show(BoardSnapshot(rows=rows.snapshot.rows, now=NOW + timedelta(hours=2)))
    assert names(rows) == ["file 900", "file 902"]
    assert BoardRows(rows.snapshot, lambda: None, fold=False).count == 541


def test_filters_and_sorting_make_a_new_answer_and_time_does_not() -> None:
    """The page stays where it was scrolled to while jobs go on."""
    rows = board_of(job(2), job(1, "ready"), job(3, "verified", vault="other"))
    before, query = rows.version, rows.query
    rows.show(BoardSnapshot(rows=(job(2, "ready"), job(1, "ready"), job(3, vault="other")), now=NOW))
    assert rows.version == before
    # Another row may stand where one is clicked.
    rows.show(BoardSnapshot(rows=(job(2, "ready"), job(1, "ready")), now=NOW))
    assert rows.version > before
    assert rows.query == query
    rows.order("-size")
    assert names(rows) == ["file 2", "file 1"]
    assert rows.query > query
    rows.show(BoardSnapshot(rows=(job(2), job(3, "verified", vault="other"), job(1)), now=NOW))
    rows.look(vault="other")
    assert names(rows) == ["file 3"]
    rows.look(vault="", state=NOT_DONE)
    assert names(rows) == ["file 2", "file 1"]
    rows.look(text="FILE 1")
    assert names(rows) == ["file 1"]
    with pytest.raises(KeyError):
        rows.order("__class__")


def test_the_vault_has_a_column_if_there_are_several() -> None:
    """Never one without values."""
    one, several = board_of(job(1), job(2)), board_of(job(1), job(2, vault="other"))
    assert [column.key for column in one.columns] == KEYS
    assert len(one.rows(0, 1)[0].cells) == len(one.rows(0, 1)[0].titles) == len(KEYS)
    place = [column.key for column in several.columns].index("vault")
    assert [row.cells[place] for row in several.rows(0, 2)] == [job(1).vault, "other"]


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
    """Countdown, bar, place and error in words, the icon of the state; the exact values on hover."""
    kept = NOW + timedelta(hours=5)
    moving = job(4, "downloading", done=1000, rate=500.0, eta=6.0, ready_until=kept)
    rows = board_of(moving, job(5, "failed", error="it broke")).rows(0, 2)
    first, second = (dict(zip(KEYS, row.cells, strict=True)) for row in rows)
    titles = dict(zip(KEYS, rows[0].titles, strict=True))
    assert (rows[0].icon, first["state"], rows[0].done) == ("↓", "downloading", 0.25)
    assert (first["expected"], first["progress"]) == ("kept 5 h more", "25 % · 6 s left")
    assert first["file"] == "/back/file 4"
    assert titles["size"] == "4,000 bytes"
    assert titles["progress"] == "1,000 bytes of 4,000 bytes; 500 B/s; 6 s left"
    assert titles["expected"] == "kept at least until 2026-05-01 17:00:00 UTC"
    assert (rows[1].icon, second["state"], rows[1].done, rows[1].note) == ("✕", "failed", None, "it broke")


def test_an_output_that_is_kept_for_less_than_two_hours_has_a_mark() -> None:
    """A sign, and not a colour; the last minutes are no certainty."""
    ends = (timedelta(hours=2), timedelta(hours=1, minutes=59), timedelta(minutes=-1))
    rows = board_of(*(job(n, "ready", ready_until=NOW + end) for n, end in enumerate(ends, 1)))
    assert [row.cells[KEYS.index("expected")] for row in rows.rows(0, 3)] == [
        "kept 2 h more",
        "⚠ kept 1 h 59 min more",
        "⚠ may be gone any moment",
    ]


def test_times_have_a_day_unless_it_is_today_and_the_emulators_are_marked() -> None:
    """Those of the day before and after do; the hover has UTC."""
    times = {"asked": NOW - timedelta(days=1), "expected": NOW + timedelta(days=1)}
    snapshot = BoardSnapshot(
        rows=(job(1, **times), job(2, "scheduled", due=NOW + timedelta(days=2))),
        now=NOW,
        virtual=True,
        next_check=NOW,
    )
    rows = BoardRows(snapshot, lambda: None)
    first, second = rows.rows(0, 2)
    shown = [first.cells[KEYS.index(key)] for key in ("asked", "expected")]
    assert [text[:6] for text in shown] == ["30 Apr", "02 May"]
    assert second.cells[KEYS.index("expected")].startswith("due 03 May")
    assert first.titles[KEYS.index("asked")] == "2026-04-30 12:00:00 UTC, emulator"
    assert rows.words.count(", emulator") == 2


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.key)
def test_every_column_sorts_both_ways(column: Column) -> None:
    """Rows without a value are together at one end."""
    now = {"asked": NOW, "expected": NOW, "ready_until": NOW}
    rows = board_of(job(2, size=None, target=""), job(1, "verified", vault="a", tier="Expedited", **now))
    rows.order(column.key)
    up = names(rows)
    rows.order(f"-{column.key}")
    assert names(rows) == up[::-1]


def test_news_come_once_nothing_is_left() -> None:
    """And say whether all of it is there."""
    done = job(1, "verified")
    assert news(BoardSnapshot(rows=(job(1),), now=NOW)) == ""
    assert news(BoardSnapshot(rows=(), now=NOW)) == ""
    assert news(BoardSnapshot(rows=(done,), now=NOW)).startswith("All requests are done")
    assert news(BoardSnapshot(rows=(done, job(2, "failed")), now=NOW)).startswith("All requests have ended")


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
    finish("glacier-widget")
    return board._area.children[0] if board._area.children else board._table.places


def test_the_buttons_do_what_they_say(restored: gm.jobs.Batch, tmp_path: Path) -> None:
    """File and folder are shown, asking again is a plan, and forgetting leaves the file."""
    board = JobBoard(restored)
    file = tmp_path / "back" / "one.bin"
    assert board._forget.disabled
    shown = press(board, "Show file")
    assert (shown["paths"], shown["press"]) == ([str(file)], False)
    shown = press(board, "Open folder")
    assert (shown["paths"], shown["press"]) == ([str(file.parent)], True)
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
    table = BoardTable(rows, lambda _: None, label="jobs", height=10)
    assert len(table.page["rows"]) == 12
    table._answer({"kind": "rows", "version": 1, "start": 500, "stop": 530})
    rows.show(BoardSnapshot(rows=tuple(job(n, "ready") for n in range(1000)), now=NOW))
    table.refresh()
    assert table.page["start"] == 500
    assert table.page["rows"][0][0][KEYS.index("state")] == "ready"
    assert len(table.page["rows"]) == 30
    rows.look(state="ready")
    table.refresh()
    assert table.page["start"] == 0
    table.close()


def test_a_board_makes_room_for_the_rows_that_it_shows() -> None:
    """One row takes the room of one; more take more, up to ten, and keep it."""
    from glacier_magic.notebook.job_board import BoardTable

    rows = board_of(job(0))
    table = BoardTable(rows, lambda _: None, label="jobs", height=1)
    for count, height in ((1, 1), (3, 3), (500, 10), (1, 10)):
        rows.show(BoardSnapshot(rows=tuple(job(n) for n in range(count)), now=NOW))
        table.refresh()
        assert table.height == height
        assert len(table.page["rows"]) == min(count, height + 2)
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
    """The reason is beside the field; a number without a unit is a B, kB or MB."""
    board = JobBoard(session.jobs())

    def typed(text: str) -> str:
        board._table._answer({"kind": "rate", "text": text})
        return str(board._table.rate["error"])

    assert typed("5MB/s") == ""
    for wrong in ("fast", "5,5MB/s", "5", "5/s"):
        assert "still: 4.77MiB/s" in typed(wrong)
        assert session.tracker.max_rate == 5e6
    assert "5MB/s, 5kB/s or 5B/s" in typed("5")
    board.report(force=True)
    assert board._table.rate["error"]  # until another rate is typed
    assert typed("") == ""
    assert session.tracker.max_rate is None
    board.close()


def test_the_list_of_orders_reaches_the_columns_that_a_narrow_table_hides(session: Any, vault: Any) -> None:
    """It follows a click of a header, and does not turn its order."""
    board = JobBoard(session.jobs())
    board._order.value = "size"
    assert board._rows.sort == "-size"  # the largest first
    board._table._answer({"kind": "sort", "sort": "asked"})
    board.report(force=True)
    assert (board._order.value, board._rows.sort) == ("asked", "asked")
    board.close()


class Recorded(comm.base_comm.BaseComm):
    """A comm that keeps its messages."""

    sent: ClassVar[list[str]] = []

    def publish_msg(self, msg_type: str, data: Any = None, **_: Any) -> None:
        self.sent.append(json.dumps(data))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The messages to the page, as JSON."""
    monkeypatch.setattr(comm, "create_comm", Recorded)
    monkeypatch.setattr(Recorded, "sent", [])
    return Recorded.sent


def test_one_change_of_ten_thousand_jobs_is_a_small_message(sent: list[str]) -> None:
    """The page gets the cells that have changed; nothing is sent when none has."""
    from glacier_magic.notebook.job_board import BoardTable

    jobs = tuple(job(n, "downloading" if n < 4 else "ready", done=n) for n in range(1, 10_001))
    recorded = RecordedRows(jobs)

    def at(*moved: JobRow) -> BoardSnapshot:
        rows = list(jobs)
        for one in moved:
            rows[int(one.key.removeprefix("download-")) - 1] = one
        return BoardSnapshot(rows=tuple(rows), now=NOW, shared=recorded)

    rows = BoardRows(at(), lambda: None)
    table = BoardTable(rows, lambda _: None, label="jobs", height=10)
    sent.clear()
    assert not rows.show(at())
    table.refresh()
    assert sent == []
    for done in (500, 1000, 1500):
        moved = [replace(jobs[place], done=done, rate=5.0, eta=9.0) for place in (0, 1)]
        assert not rows.show(at(*moved))
        table.refresh()
        (message,) = sent
        assert len(message) <= 2048
        state = json.loads(message)["state"]
        assert set(state) == {"moved"}
        assert {place: len(patch[0]) for place, patch in state["moved"].items()} == {"0": 1, "1": 1}
        sent.clear()
    rows.look(text="file")  # another answer is sent whole
    table.refresh()
    assert [row[0] for row in table.page["rows"][:2]] == [list(row.cells) for row in rows.rows(0, 2)]
    assert table.moved == {}
    table.close()


def test_a_change_that_moves_a_row_is_shown_where_it_belongs() -> None:
    """Filters and orders hold for the rows of running downloads as well."""
    jobs = tuple(job(n, "downloading", size=100, done=n) for n in (1, 2, 3))
    recorded = RecordedRows(jobs)
    rows = BoardRows(BoardSnapshot(rows=jobs, now=NOW, shared=recorded), lambda: None)
    rows.order("-progress")
    assert names(rows) == ["file 3", "file 2", "file 1"]
    moved = (replace(jobs[0], done=50), *jobs[1:])
    rows.show(BoardSnapshot(rows=moved, now=NOW, shared=recorded))
    assert names(rows) == ["file 1", "file 3", "file 2"]
    rows.look(sort="", state="downloading")
    done = recorded.replaced({1: replace(jobs[1], state="verified")})
    assert rows.show(BoardSnapshot(rows=done.rows, now=NOW, shared=done))
    assert names(rows) == ["file 1", "file 3"]
