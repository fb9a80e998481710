"""DataFrames of this package in a shell: its own table, and pandas' for all others."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from glacier_magic.base import dataframes
from glacier_magic.notebook.frame_record import record
from glacier_magic.notebook.frame_table import COPIED, FramePlaces, FrameRows, FrameTable

ID = "NkbByEejwEggmBz2fTHgJrg0XBoDfjP4q6iu87-" + "a" * 96 + "{:03}"


def archives(count: int, **values: object) -> pd.DataFrame:
    """Return a table of archives as ``ls`` does."""

    def record_of(number: int) -> SimpleNamespace:
        usual: dict[str, object] = {
            "name": f"scans/{number:04}.tif",
            "size": 495_492_614_866 + number,
            "created": 1_553_097_823_000 + number * 86_400_000,
            "archive_id": ID.format(number),
            "tree_hash": "0f" * 32,
            "description": f"scans/{number:04}.tif",
            "format": "plain",
            "labels": "",
            "note": "",
            "mtime": None,
            "modified": None,
            "state": "present",
            "vault": "photos",
        }
        return SimpleNamespace(**(usual | values))

    return dataframes.archives(record_of(number) for number in range(count))


def shown(shell: InteractiveShell, frame: object) -> dict[str, str]:
    """Return what a shell shows for *frame*, by type."""
    display: Any = shell.display_formatter
    return dict(display.format(frame)[0])


def test_a_table_of_archives_is_short_and_readable(shell: InteractiveShell) -> None:
    """Human units, local times, no ids; the first ten rows and the number of the others."""
    frame = archives(20_000)
    found = shown(shell, frame.head(60))
    text = found["text/plain"]
    assert text.splitlines()[0].split() == ["name", "size", "created", "modified", "state"]
    assert "461 GiB" in text
    assert "20 Mar 2019" in text
    assert "+00:00" not in text
    assert "NkbByEejw" not in text
    assert len(text.splitlines()) == 61
    assert max(map(len, text.splitlines())) <= 80

    saved = record(frame)
    assert repr(saved).splitlines()[-1] == "and 19,990 more"
    html = saved._repr_html()
    assert html.count("<tr>") == 11
    assert "and 19,990 more" in html
    assert len(html) < 4_000
    assert "and" not in repr(record(frame.head(14))).split()  # the three more take less room than the note


def test_no_rows_are_words(shell: InteractiveShell) -> None:
    """An empty table has no heading."""
    empty = shown(shell, archives(0))
    assert empty["text/plain"] == "No archives."
    assert '<p class="glacier-note">No archives.</p>' in empty["text/html"]
    assert shown(shell, dataframes.vaults([]))["text/plain"] == "No rows."


def test_what_keeps_its_rows_keeps_its_table(shell: InteractiveShell) -> None:
    """Masks, sorting, head and a choice of columns are shown in the same way."""
    frame = archives(30)
    for changed in (
        frame[frame["size"] > 1e9],
        frame.sort_values("name", ascending=False),
        frame.head(3),
        frame.rename(columns={"name": "file"}),
        frame.assign(year=frame["created"].dt.year, mine=[object()] * 30),
        frame.drop(columns=["state"]),
    ):
        assert "461 GiB" in shown(shell, changed)["text/plain"]
    chosen = shown(shell, frame[["name", "archive_id"]].head(2))["text/plain"]
    assert "NkbByEejwEgg…" in chosen  # few columns: none is left out


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: pd.DataFrame(dict(frame)),
        lambda frame: frame.set_index("name"),
        lambda frame: frame.groupby("vault").agg({"size": "sum"}),
        lambda frame: frame.groupby(["vault", "state"]).agg({"size": ["sum", "max"]}),
        lambda frame: frame.describe(),
        lambda frame: frame.T,
        lambda frame: frame[["name", "size", "name"]],
        lambda frame: frame[[]],
        lambda frame: frame["size"],
    ],
)
def test_other_tables_look_as_ever(shell: InteractiveShell, change: Callable[[Any], Any]) -> None:
    """The user's own, and those whose rows or columns have names that ours does not show."""
    found = change(archives(3))
    assert shown(shell, found)["text/plain"] == repr(found)


def test_every_value_is_shown() -> None:
    """Missing values of each kind, decimals, numbers, lists and names of strangers."""
    frame = archives(3).assign(
        size=pd.Series([1024, None, 3], dtype="Float64"),
        created=pd.to_datetime([None, None, "2020-01-01"], utc=True),
        naive=pd.to_datetime([None, "2020-01-01 10:00", None]),
        usd=[Decimal("0.0036"), Decimal("6.4E-7"), Decimal(1234)],
        ratio=[0.1 + 0.2, float("nan"), 1e9],
        thing=[[1, 2], {"a": 1}, None],
        odd=[True, False, None],
        name=["<b>\x1b[31m", "\u202egnp.exe", ""],
        kind=pd.Categorical(["a", None, "b"]),
        span=pd.to_timedelta([1, None, 3], unit="h"),
    )
    text, html = repr(record(frame, width=400)), record(frame)._repr_html()
    for word in (
        "1 KiB",
        "0.3",
        "1,000,000,000",
        " 0.0036",
        "<0.0001",
        " 1,234",
        "[1, 2]",
        "yes",
        "no",
        "(no name)",
    ):
        assert word in text
    assert "nan" not in text.casefold()
    assert "NaT" not in text
    assert "None" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "&lt;b&gt;" in html
    rows = FrameRows(frame)
    for column in rows.columns:  # each can be sorted by, also lists
        rows.order(column.key)
        rows.order(f"-{column.key}")
    assert len(rows.rows(0, 10)) == 3


def test_the_subject_of_a_table_is_no_detail() -> None:
    """The vault of archives is; in a table of vaults, it is what the rows are about."""
    row = {"account": "", "region": "us-east-1", "vault": "photos", "archives": 1, "size": 1}
    found = dataframes.catalogued([row | {"inventory": None, "read": None, "kept": 0}])
    assert "photos" in repr(record(found))


def test_narrow_lines_leave_out_columns_not_digits() -> None:
    """The middle of a long name is left out, then the last columns."""
    frame = archives(2, name="a" * 200 + "/2019/page 12.tif")
    text = repr(record(frame, width=50))
    assert max(map(len, text.splitlines())) <= 50
    assert "461 GiB" in text
    assert "…" in text
    assert "12.tif" in text
    assert "modified" not in text


def test_rows_are_sorted_and_selected_by_the_kernel() -> None:
    """The order moves the selection with its rows; missing values are last in both orders."""
    frame = archives(5).assign(created=pd.to_datetime([None, "2020", "2018", None, "2019"], utc=True))
    rows = FrameRows(frame)
    keys = {column.label: column.key for column in rows.columns}

    def names() -> list[str]:
        return [row.cells[0][6:10] for row in rows.rows(0, 99)]

    rows.select("only", 1, 2)
    version = rows.version
    rows.order(keys["stored"])
    assert rows.version > version
    assert names() == ["0002", "0004", "0001", "0000", "0003"]
    assert [row.selected for row in rows.rows(0, 5)] == [False, False, True, False, False]
    rows.order(f"-{keys['stored']}")
    assert names()[:3] == ["0001", "0004", "0002"]
    assert rows.words == "5 archives · 1 selected, 461 GiB"
    rows.select("toggle", 0, 1)
    rows.select("add", 1, 3)
    assert rows.words.startswith("5 archives · 2 selected")
    rows.select("all", 0, 0)
    assert rows.words.startswith("5 archives · 5 selected")
    rows.select("none", 0, 0)
    assert rows.words == "5 archives"


def test_a_copy_has_exact_values() -> None:
    """All columns, whole ids, bytes, UTC; tabs and line ends of a name do not break a row."""
    frame = archives(3, name='tab\there "and"\nthere')
    rows = FrameRows(frame)
    rows.select("only", 1, 3)
    count, text = rows.copied()
    lines = list(csv.DictReader(io.StringIO(text), dialect="excel-tab"))
    assert count == len(lines) == 2
    assert lines[0]["name"] == 'tab\there "and"\nthere'
    assert lines[0]["archive_id"] == ID.format(1)
    assert lines[0]["size"] == "495492614867"
    assert lines[0]["created"] == "2019-03-21 16:03:43 UTC"
    rows.select("none", 0, 0)
    assert rows.copied()[0] == 3


def test_a_million_rows_send_a_screen() -> None:
    """The table has the rows in sight only, and copies no more than a page can hold."""
    count = 1_000_000
    frame = dataframes.marked(
        pd.DataFrame({"name": pd.RangeIndex(count).astype("str"), "size": range(count)})
    )
    table = FrameTable(frame)
    assert len(table.page["rows"]) == 16
    assert table.totals["count"] == count
    said: list[Any] = []
    table.send = said.append
    table._answer({"kind": "sort", "sort": "-1"})
    assert table.page["rows"][0][0] == ["999999", "977 KiB"]
    table._answer({"kind": "copy"})
    assert f"select up to {COPIED:,}" in said[-1]["words"]
    table.close()


def test_a_place_gets_its_table_when_a_page_asks() -> None:
    """One table for all pages; places of other kernels are left alone."""
    places = FramePlaces()
    said: list[Any] = []
    places.send = said.append
    places.add("here", archives(3))
    for token in ("elsewhere", "here", "here"):
        places._heard(places, {"token": token}, [])
    assert len(said) == 2
    assert said[0] == said[1]
    assert said[0]["token"] == "here"
    places.close()


def test_the_table_shows_what_was_shown() -> None:
    """Later changes of the DataFrame do not reach it."""
    frame = archives(3)
    rows = FrameRows(frame)
    frame["new"] = 1
    frame.columns = pd.Index(range(frame.shape[1]))
    assert rows.rows(0, 5)[0].cells[0] == "scans/0000.tif"
    assert rows.words == "3 archives"


def test_unloading_leaves_pandas_as_it_was(shell: InteractiveShell) -> None:
    """The extension takes its formatter away, also after its first use."""
    frame = archives(2)
    assert "461 GiB" in shown(shell, frame)["text/plain"]
    shell.extension_manager.unload_extension("glacier_magic")
    assert shown(shell, frame)["text/plain"] == repr(frame)
    shell.extension_manager.load_extension("glacier_magic")
    assert "461 GiB" in shown(shell, frame)["text/plain"]


def test_times_of_today_have_their_day() -> None:
    """A saved table is read later."""
    now = datetime.now(UTC)
    frame = archives(1, created=int(now.timestamp() * 1000))
    assert now.astimezone().strftime("%d %b %Y %H:%M") in repr(record(frame))
