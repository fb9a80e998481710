"""Tables of exact values, and their forms."""

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic import InputError
from glacier_magic.base.dataframes import exact_vaults
from glacier_magic.base.table_text import LEAST, TextTable, cut, width_of
from glacier_magic.base.tables import ExactTable, csv_lines, json_lines

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
values = st.none() | st.integers(-(2**63), 2**63) | texts | st.decimals(allow_nan=False, allow_infinity=False)
tables = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(values, min_size=width, max_size=width), max_size=6).map(
        lambda rows: ([f"column {i}" for i in range(width)], rows)
    )
)


def made(columns, rows):
    return ExactTable(columns, [rows] if rows else [], lambda: pd.DataFrame(rows, columns=columns))


def test_vaults_are_the_same_as_a_table_and_as_a_dataframe():
    """Also those that the service has not counted yet."""
    counted = {"NumberOfArchives": 3, "SizeInBytes": 2**53, "LastInventoryDate": "2020-02-02T03:04:05.006Z"}
    listed = [
        {"VaultName": name, "CreationDate": "2012-03-20T17:03:43.221Z"} | more
        for name, more in (("new", dict.fromkeys(counted)), ("old", counted))
    ]
    table = exact_vaults(listed, as_of="now")
    frame = table.frame()
    assert ExactTable.of(frame).records() == table.records()
    assert frame.attrs["as_of"] == table.attrs["as_of"] == "now"
    assert exact_vaults([]).records() == []


@given(tables)
def test_json_has_every_digit_and_every_character(given):
    columns, rows = given
    text = "\n".join(json_lines(made(columns, rows)))
    assert text.isascii()  # the same in every encoding
    read = json.loads(text, parse_float=Decimal)
    # A decimal without a fraction is written, and read, as a whole number, which is equal to it.
    assert [list(row.values()) for row in read] == rows


@given(tables)
def test_csv_reads_back(given):
    columns, rows = given
    text = "\n".join(csv_lines(made(columns, rows)))
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read[0] == columns
    assert read[1:] == [["" if v is None else str(v) for v in row] for row in rows]


@given(tables, st.integers(20, 200))
def test_no_line_is_wider_than_the_terminal(given, width):
    columns, rows = given
    table = TextTable(made(columns, [[str(v) for v in row] for row in rows]), width=width)
    lines = list(table)
    assert len(lines) == (len(rows) + 1 if rows else 0)
    assert max(map(width_of, lines), default=0) <= width
    assert table.count == len(rows)


@given(texts, st.integers(LEAST, 60))
def test_a_shortened_text_keeps_its_beginning_and_its_end(text, width):
    short = cut(text, width)
    assert width_of(short) <= width
    if short != text:
        head, _, tail = short.rpartition("…")
        assert text.startswith(head)
        assert text.endswith(tail)


def test_units_times_and_ids_are_for_people_and_numbers_stand_right():
    long = "a" * 138
    rows = [["b/ä.tif", 1_500_000_000, datetime(2019, 3, 20, 17, 3, tzinfo=UTC), long, None]]
    head, line = TextTable(made(["name", "size", "created", "archive_id", "was"], rows))
    assert line.split("  ")[0] == "b/ä.tif"
    assert "1.4 GiB" in line
    assert "20 Mar 2019 " in line
    assert long[:12] + "…" in line
    assert "None" not in line
    assert head.index("size") + 4 == line.index("1.4 GiB") + 7  # right-aligned
    assert long in list(TextTable(made(["archive_id"], [[long]]), whole=True))[1]


def test_a_wide_name_and_an_accent_keep_the_columns_aligned():
    rows = [["日本", 1], ["e\u0301", 2], ["abc", 3]]
    lines = list(TextTable(made(["name", "copies"], rows)))
    assert len({width_of(line) for line in lines}) == 1


def test_control_characters_and_account_ids_are_not_printed():
    (_, line) = TextTable(made(["name"], [["a\x1b[31m\n123456789012"]]))
    assert "\x1b" not in line
    assert "\n" not in line


def test_the_missing_values_of_a_dataframe_are_missing():
    frame = pd.DataFrame(
        {
            "text": pd.array(["a", None], dtype="string"),
            "time": pd.to_datetime(["2020-01-01T00:00Z", None], utc=True),
            "float": [1.5, float("nan")],
            "whole": pd.array([1, None], dtype="Int64"),
            "money": [Decimal("0.0036"), None],
            "flag": [True, False],
        }
    )
    first, second = json.loads("\n".join(json_lines(ExactTable.of(frame))))
    assert first == {
        "text": "a",
        "time": "2020-01-01T00:00:00.000Z",
        "float": 1.5,
        "whole": 1,
        "money": 0.0036,
        "flag": True,
    }
    assert list(second.values()) == [None, None, None, None, None, False]


def test_columns_can_be_chosen_and_a_wrong_one_is_named():
    table = made(["name", "size"], [["a", 1]])
    assert "\n".join(csv_lines(table.selected(["size"]))) == "size\n1"
    with pytest.raises(InputError, match="no column 'sise'"):
        made(["name", "size"], []).selected(["sise"])
