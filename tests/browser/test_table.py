"""The table's own script on a bare page, with a stub for the kernel: the fine behaviour."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glacier_magic.notebook.row_table import source

from .conftest import accessible

COLUMNS = [
    {"key": "name", "label": "name", "width": "minmax(8em,1fr)", "sortable": True},
    {"key": "size", "label": "size", "width": "7em", "number": True, "sortable": True, "down": True},
    {"key": "note", "label": "note", "width": "9em", "sortable": False, "wide": 600},
]

STUB = """
const listeners = {};
const fire = (name, value) => (listeners[name] || []).forEach((f) => f(value));
const state = {columns: %(columns)s, label: "Things", height: 10, line: %(line)s, page: null, totals: null};
window.sent = [];
window.answers = true;
window.chosen = new Set();
window.model = {
  get: (name) => state[name],
  set: (name, value) => { state[name] = value; fire("change:" + name); },
  on: (name, f) => (listeners[name] = listeners[name] || []).push(f),
  off: (name, f) => (listeners[name] = (listeners[name] || []).filter((g) => g !== f)),
  send: (message) => {
    window.sent.push(message);
    if (window.answers) setTimeout(() => kernel(message), 5);
  },
};
const hostile = ["<img src=x onerror='window.broken=1'>", "\\u05d0\\u05d1\\u05d2", "\\"'&;`",
                 "x".repeat(1000), "🎬"];
const row = (i) => [[i < hostile.length ? hostile[i] : `row ${i}`, `${i} B`, "words"],
                    ["", `${i} bytes`, ""], window.chosen.has(i) ? 1 : 0];
const rows = (start, stop) => Array.from({length: stop - start}, (_, n) => row(start + n));
const words = () => `${state.totals.count} things, ${window.chosen.size} selected`;
window.fresh = (count, version, sort = "name", sent = 12) => {
  const first = rows(0, Math.min(sent, count));
  state.totals = {count, words: `${count} things`};
  model.set("page", {version, start: 0, rows: first, sort});
};
window.reply = (version, start, stop) => {
  const {count} = state.totals;
  const found = rows(start, stop);
  fire("msg:custom", {kind: "rows", version, start, rows: found, count, words: words()});
};
function kernel(m) {
  const page = state.page;
  if (m.kind === "rows") window.reply(page.version, m.start, m.stop);
  if (m.kind === "sort") window.fresh(state.totals.count, page.version + 1, m.sort);
  if (m.kind === "select") {
    if (m.how === "only" || m.how === "none") window.chosen.clear();
    if (m.how === "only" || m.how === "add") {
      for (let i = m.start; i < m.stop; i++) window.chosen.add(i);
    }
    if (m.how === "toggle" && !window.chosen.delete(m.start)) window.chosen.add(m.start);
    if (m.how === "all") for (let i = 0; i < 1000; i++) window.chosen.add(i);
    window.reply(page.version, m.sight[0], Math.min(m.sight[1], state.totals.count));
  }
}
"""


@pytest.fixture
def table(page: Any, tmp_path: Path) -> Callable[..., Any]:
    """Open a table of so many rows; return what finds things in it."""

    def open_(count: int, width: int = 900, columns: list[dict[str, Any]] = COLUMNS, line: int = 28) -> Any:
        stub = STUB % {"columns": json.dumps(columns), "line": line}
        script = source("table.js").replace("export default { render: table };", "")
        place = "document.getElementById('here')"
        start = f"window.fresh({count}, 1); table({{model: window.model, el: {place}}});"
        file = tmp_path / "table.html"
        file.write_text(
            f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Table</title>"
            f"<style>{source('table.css')}</style><main><h1>Table</h1>"
            f"<div id='here' style='width:{width}px'></div></main>"
            f"<script>{stub}\n{script}\n{start}</script></html>"
        )
        page.goto(file.as_uri())
        page.locator(".gm-row").first.wait_for()
        return page.locator(".gm-table")

    return open_


def names(table: Any) -> list[str]:
    """The rows in sight, from the top."""
    found: list[str] = table.locator(".gm-row:visible .gm-mark + div").all_inner_texts()
    return found


def settled(page: Any, what: str) -> None:
    page.wait_for_function(what)


def test_a_million_rows_are_a_few_elements(table: Callable[..., Any], page: Any) -> None:
    """Only those in sight are in the page; the last is reached, in full, and the wheel is fine."""
    found = table(1_000_000)
    assert page.locator(".gm-row").count() <= 12
    found.locator("[role=grid]").focus()
    page.keyboard.press("End")
    found.get_by_text("row 999999", exact=True).wait_for()
    assert page.locator(".gm-row").count() <= 12
    assert page.evaluate("document.querySelector('.gm-space').offsetHeight") < 8e6
    row = found.locator(".gm-row", has_text="row 999999")
    assert row.get_attribute("aria-rowindex") == "1000001"
    page.keyboard.press("Home")
    found.get_by_text("row 7", exact=True).wait_for()
    found.locator(".gm-grid").hover()
    page.mouse.wheel(0, 280)  # ten rows, though a pixel of the scroll bar is several
    found.get_by_text("row 19", exact=True).wait_for()
    assert "row 10" in names(found)
    page.evaluate("document.querySelector('.gm-grid').scrollTop = 4e6")
    found.locator(".gm-row", has_text="row 50").first.wait_for()


def test_names_of_strangers_are_text(table: Callable[..., Any], page: Any) -> None:
    """Markup is shown, not run; a long name keeps to its line and its cell."""
    found = table(50)
    assert names(found)[0] == "<img src=x onerror='window.broken=1'>"
    assert page.evaluate("window.broken") is None
    assert page.locator("img").count() == 0
    heights = {round(row.bounding_box()["height"]) for row in found.locator(".gm-row:visible").all()}
    assert heights == {28}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_rows_are_chosen_with_the_keyboard(table: Callable[..., Any], page: Any) -> None:
    """Arrows move, space and shift choose, Ctrl+A is all, Escape is none; the page stays put."""
    found = table(5000)
    page.keyboard.press("Tab")  # the header's buttons come after the grid itself
    assert page.evaluate("document.activeElement.getAttribute('role')") == "grid"
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Space"):
        page.keyboard.press(key)
    settled(page, "window.chosen.has(2) && window.chosen.size === 1")
    found.locator("#" + found.locator("[role=grid]").get_attribute("aria-activedescendant")).wait_for()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+PageDown")
    settled(page, "window.chosen.size === 12 && window.chosen.has(2) && window.chosen.has(13)")
    page.wait_for_function("document.querySelectorAll('.gm-row[aria-selected=true]').length >= 9")
    assert "12 selected" in found.locator("[role=status]").inner_text()
    page.keyboard.press("Control+a")
    assert page.evaluate("window.sent.at(-1).how") == "all"
    page.keyboard.press("Escape")
    settled(page, "window.chosen.size === 0")
    assert page.evaluate("scrollY") == 0


def test_rows_are_chosen_with_the_mouse(table: Callable[..., Any], page: Any) -> None:
    """Click, Ctrl+click, Shift+click over what was scrolled away, and the box without any key."""
    found = table(5000)
    found.get_by_text("row 6", exact=True).click()
    settled(page, "window.chosen.size === 1 && window.chosen.has(6)")
    found.get_by_text("row 8", exact=True).click(modifiers=["Control"])
    found.locator(".gm-row:visible .gm-mark").first.click()
    settled(page, "window.chosen.size === 3 && window.chosen.has(8) && window.chosen.has(0)")
    found.get_by_text("row 6", exact=True).click()
    found.locator(".gm-grid").hover()
    page.mouse.wheel(0, 28 * 300)
    found.get_by_text("row 303", exact=True).click(modifiers=["Shift"])
    settled(page, "window.chosen.size === 298 && window.chosen.has(303)")


def test_a_header_is_a_button_that_sorts(table: Callable[..., Any], page: Any) -> None:
    """Largest first where that is wanted, the other way at the next press; told to readers."""
    found = table(500)
    size = found.get_by_role("columnheader", name="size")
    assert size.get_attribute("aria-sort") == "none"
    size.get_by_role("button").press("Enter")
    page.locator("[aria-sort=descending]").wait_for()
    assert size.get_attribute("aria-sort") == "descending"
    size.get_by_role("button").click()
    page.locator(".gm-head [aria-sort=ascending]", has_text="size").wait_for()
    assert found.get_by_role("columnheader", name="name").get_attribute("aria-sort") == "none"
    assert found.get_by_role("columnheader", name="note").get_by_role("button").count() == 0


def test_late_rows_of_another_answer_are_dropped(table: Callable[..., Any], page: Any) -> None:
    """What was asked before a filter changed does not show after it."""
    found = table(100_000)
    page.evaluate("window.answers = false")
    found.locator("[role=grid]").focus()
    page.keyboard.press("End")
    page.wait_for_function("window.sent.some((m) => m.kind === 'rows')")
    asked = page.evaluate("window.sent.filter((m) => m.kind === 'rows').at(-1)")
    page.evaluate("window.fresh(9, 2)")
    page.evaluate(f"window.reply(1, {asked['start']}, {asked['stop']})")
    page.wait_for_timeout(100)
    assert found.locator(".gm-row:visible").count() == 9
    assert found.locator("[role=grid]").get_attribute("aria-rowcount") == "10"


def test_one_question_at_a_time_is_on_its_way(table: Callable[..., Any], page: Any) -> None:
    """A long scroll over a busy kernel asks once, and then for where it has come to."""
    found = table(1_000_000)
    page.wait_for_timeout(100)
    page.evaluate("window.answers = false; window.sent = []")
    for place in range(1, 30):
        page.evaluate(f"document.querySelector('.gm-grid').scrollTop = {place * 200_000}")
        page.wait_for_timeout(20)
    assert page.evaluate("window.sent.length") == 1
    assert found.get_by_text("…", exact=True).count() > 0
    page.evaluate("window.answers = true; reply(1, sent[0].start, sent[0].stop)")
    page.wait_for_function("![...document.querySelectorAll('.gm-row bdi')].some(e => e.textContent === '…')")
    assert page.evaluate("window.sent.length") == 2


def test_nothing_is_said_in_words(table: Callable[..., Any], page: Any) -> None:
    """An empty table says so; a column for wide pages is left out of a narrow one."""
    found = table(3, 500)
    assert found.get_by_role("columnheader", name="note").count() == 0
    page.evaluate("window.fresh(0, 5)")
    found.get_by_text("Nothing matches.").wait_for()


FITTING = [
    {"key": "name", "label": "name", "width": "minmax(min(12em, 40%), 1fr)"},
    {
        "key": "size",
        "label": "size",
        "width": "fit-content(150px)",
        "wide": 2,
        "under": "name",
        "words": "has {}",
    },
    {"key": "state", "label": "state", "width": "fit-content(150px)", "icon": True},
    {
        "key": "bar",
        "label": "bar",
        "width": "fit-content(150px)",
        "wide": 1,
        "under": "state",
        "words": "{}",
        "bar": True,
    },
]
LOOKS = """
const looks = [{icon: "↓", tone: "busy", done: 0.255}, {icon: "✕", tone: "bad", note: "it broke"}];
const found = [["photos/2019/one.bin", "5 B", "moving", "25 %"], ["two", "5,000,000 B", "failed", ""]];
const rows = found.map((cells, i) => [cells, ["", "", "", ""], 0, looks[i]]);
state.totals = {count: 2, words: "2 things"};
model.set("page", {version: 9, start: 0, rows, sort: ""});
"""


def test_columns_fit_their_content_and_the_last_ones_give_way(table: Callable[..., Any], page: Any) -> None:
    """Without room they are below others, with their bar; a note takes their place; none is cut off."""
    found = table(2, 900, FITTING, 46)
    page.evaluate(LOOKS)
    widths = found.locator("[role=columnheader]:not(.gm-mark):visible").evaluate_all(
        "cells => cells.map((cell) => cell.getBoundingClientRect().width)"
    )
    assert len(widths) == 4
    assert widths[0] > 3 * max(widths[1:])
    bar = found.get_by_role("progressbar")
    assert bar.count() == 1
    assert [bar.get_attribute(f"aria-{name}") for name in ("valuenow", "valuetext", "label")] == [
        "25",
        "25 %",
        "bar: photos/2019/one.bin",
    ]
    assert found.locator("small:visible").all_inner_texts() == ["it broke"]
    assert found.locator(".gm-icon").all_inner_texts() == ["↓", "✕"]
    page.evaluate("document.getElementById('here').style.width = '330px'")
    found.locator("small", has_text="has 5 B").wait_for()
    assert found.locator("small:visible").all_inner_texts() == ["has 5 B", "25 %", "it broke"]
    assert bar.evaluate("bar => bar.parentElement.innerText").startswith("↓")
    assert found.locator(".gm-grid").evaluate("grid => grid.scrollWidth <= grid.clientWidth")
    accessible(page, "#here")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_table_is_accessible(table: Callable[..., Any], page: Any, scheme: str) -> None:
    """axe finds no serious violation, in either theme, with rows chosen and one active."""
    page.emulate_media(color_scheme=scheme)
    found = table(5000)
    found.get_by_text("row 6", exact=True).click()
    page.locator(".gm-row[aria-selected=true]").wait_for()
    accessible(page, "#here")
