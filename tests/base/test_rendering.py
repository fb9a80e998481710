"""Nothing a stranger wrote does anything where it is shown."""

import html
import unicodedata
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.base.rendering import (
    ICONS,
    escape,
    html_table,
    snapshot_html,
    snapshot_text,
    summary,
    text_table,
    visible,
)
from glacier_magic.jobs import BoardSnapshot, JobRow

ATTACK = "<img src=x onerror=alert(1)>"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def row(**known):
    values = {
        "key": "k",
        "name": ATTACK,
        "vault": ATTACK,
        "kind": "archive",
        "state": "failed",
        "tier": "Bulk",
        "size": 7,
        "asked": NOW,
        "file": "",
        "error": ATTACK,
    }
    return JobRow(**(values | known))


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


ALLOWED = {
    "p",
    "b",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "style",
    "details",
    "summary",
    "pre",
    "code",
    "div",
    "span",
    "small",
    "progress",
    "wbr",
}


@pytest.mark.parametrize("text", [ATTACK, "</td><script>x</script>", "' onclick='x", '" x="', "&lt;"])
def test_markup_in_a_name_is_text(text):
    """In tables and boards, as content and where an attribute could begin."""
    pages = [
        html_table([text, "b"], [[text, text]]),
        snapshot_html(BoardSnapshot(rows=(row(name=text, error=text, file=text),), now=NOW), text),
    ]
    for page in pages:
        found = Tags(page)
        assert found.tags <= ALLOWED
        assert not any(name.startswith("on") for name in found.attributes)
        assert text in html.unescape(page)


@given(st.text())
def test_escaped_text_has_no_markup_and_no_hidden_characters(text):
    """Whatever the characters."""
    shown = escape(text)
    assert not set(shown) & set("<>\"'")
    plain = html.unescape(shown)
    assert all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in plain)
    shown.encode()


@given(st.text())
def test_visible_text_can_be_printed_on_one_line(text):
    """No control characters, no marks of direction, no halves of pairs."""
    shown = visible(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in shown)
    assert len(shown.splitlines()) <= 1
    shown.encode()


@pytest.mark.parametrize("text", ["plain", "Zürich 日本 😀", "a b", "100 %", "C:\\x", "é"])
def test_what_is_harmless_stays_as_it_is(text):
    """People's own scripts are not spelled out."""
    assert visible(text) == text


def test_accounts_in_what_the_service_says_are_masked():
    """All but the last four digits."""
    arn = "arn:aws:glacier:us-west-2:123456789012:vaults/x"
    assert "123456789012" not in visible(arn)
    assert "123456789012" not in escape(arn)
    assert "9012:vaults/x" in visible(arn)


def test_a_text_table_is_aligned_and_one_line_a_row():
    """Names with line breaks do not make rows."""
    table = text_table(["name", "size"], [["a\nb", "1 B"], ["long name", "100 MiB"]], numbers=(1,))
    lines = table.split("\n")
    assert len(lines) == 3
    assert lines[1].startswith("a\\nb")
    assert lines[1].endswith("    1 B")
    assert text_table(["name"], []) == "name"


def test_a_board_says_in_one_sentence_how_many_are_where():
    """With the moment that it is true for."""
    rows = (row(state="failed"), row(state="verified"), row(state="verified"))
    text = summary(BoardSnapshot(rows=rows, now=NOW))
    assert text.startswith("3 jobs: 2 verified, 1 failed (as of ")
    assert summary(BoardSnapshot(rows=(), now=NOW)).startswith("No jobs")


def test_a_board_of_thousands_shows_some_and_counts_the_rest():
    """A saved notebook stays small."""
    snapshot = BoardSnapshot(rows=tuple(row(name=f"n{n}") for n in range(5_000)), now=NOW)
    for text in (snapshot_text(snapshot), snapshot_html(snapshot)):
        assert len(text) < 200_000
        assert "more" in text
        assert "5,000 jobs" in text


def test_a_board_in_text_escapes_names_and_errors():
    """A terminal is a target, too."""
    text = snapshot_text(BoardSnapshot(rows=(row(name="\x1b[31m", error="\u202e"),), now=NOW))
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_board_in_a_terminal_fits_it(width):
    """Details are left out first, then the beginning of a name is; errors have lines of their own."""
    jobs = (
        row(name=f"{'folder/' * 20}end.txt", state="downloading", done=3, error="", eta=90.0, file=""),
        row(name="b", error="it broke", file="/there/b"),
    )
    text = snapshot_text(BoardSnapshot(rows=jobs, now=NOW), width=width)
    head, first, second, *errors = text.split("\n")
    assert max(map(len, (head, first, second))) <= width
    assert "end.txt  ↓ downloading  42 % · 1 min 30 s left" in first
    assert ("asked" in head) == (width >= 120)
    assert errors[0] == "b: it broke"
    full = snapshot_text(BoardSnapshot(rows=jobs, now=NOW), width=10_000)
    assert "folder/" * 20 in full
    assert "/there/b" in full


def test_every_state_has_an_icon_and_a_word():
    """So that colour is never the only sign."""
    for state, icon in ICONS.items():
        board = BoardSnapshot(rows=(row(state=state),), now=NOW)
        assert f"{icon} {state}" in snapshot_text(board)
        assert f"{icon} {state}" in snapshot_html(board)
        assert f"1 {state}" in summary(board)
    assert len(set(ICONS.values())) == len(ICONS)
