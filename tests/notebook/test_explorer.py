"""The explorer's widgets without a kernel: what the page asks, what it is sent, what is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import glacier_magic as gm
from glacier_magic.base.rendering import Rendered
from glacier_magic.catalogue.archives import archive_deletion
from glacier_magic.catalogue.archives.browse import Branch
from glacier_magic.explore import Explorer
from glacier_magic.notebook import scenes
from glacier_magic.notebook.card import PlanCard
from glacier_magic.notebook.explorer_view import ExplorerView
from tests.catalogue import archive_record
from tests.conftest import wait_until
from tests.finishing import finish

NAMES = (
    "<script>alert(1)</script>/<b>bold</b>.tif",
    "x\n\x1b[31m\u202eevil",
    "n" * 1000,
    'photos/\U0001f3ac film\'s "best".mov',
    "photos/account 123456789012.txt",
)


class Kept:
    """An output of a cell that keeps the records that it was to show."""

    def __init__(self, first: object) -> None:
        self.shown: list[str] = []
        if isinstance(first, Rendered):
            self.put(first)

    def put(self, content: Rendered) -> None:
        self.shown.append(content._repr_mimebundle_()["text/html"])


@pytest.fixture
def view(emulated: Path) -> Iterator[ExplorerView]:
    with gm.connect(emulator=emulated) as session:
        vault = session.create_vault("box")
        for number in range(300):
            name = NAMES[number] if number < len(NAMES) else f"photos/{number:03}.tif"
            record = archive_record(
                name,
                vault="box",
                archive_id=f"id{number:0136}",
                size=number << 15,
                created=1_500_000_000_000 + number * 10**9,
                state="listed",
            )
            session.catalogue.archives.record(record)
        view = ExplorerView(Explorer(vault), settle=0.01, place=Kept)
        heard: list[dict[str, Any]] = []
        view.panel.send = lambda message, *_: heard.append(message)
        view.heard = heard
        settle(view)
        yield view
        settle(view)
        view.close()


def settle(view: ExplorerView) -> None:
    """Wait for everything that was begun in the background."""
    view._explorer.answer.sums()
    finish("glacier-explore", "glacier-widget")


def ask(view: ExplorerView, kind: str, **more: Any) -> None:
    view.panel._heard(None, {"kind": kind, **more}, [])
    settle(view)


def select(view: ExplorerView, how: str, start: int = 0, stop: int = 0) -> None:
    version = view.panel.page["version"]
    ask(view, "select", how=how, start=start, stop=stop, version=version, sight=[0, 20])


def test_the_first_state_is_small_and_whole(view: ExplorerView) -> None:
    """The scripts, the rows in sight, folders, facets and pictures are under 50 KB together."""
    panel = view.panel
    assert len(json.dumps(panel.get_state(), ensure_ascii=False).encode()) < 52_000
    assert len(panel.page["rows"]) == 20
    assert panel.totals["count"] == 300
    assert panel.scene["totals"].startswith("300 archives")
    assert [row[0] for row in panel.tree["rows"]] == ["photos/", "<script>alert(1)</"]


def test_rows_come_by_place_and_know_their_version(view: ExplorerView) -> None:
    """An answer names the version that it belongs to; nobody gets more than a few hundred."""
    ask(view, "rows", version=1, start=250, stop=1000)
    answer = view.heard[-1]
    assert (answer["start"], len(answer["rows"])) == (250, 50)
    assert answer["version"] == view.panel.page["version"]
    cells, titles, selected = answer["rows"][0]
    assert len(cells) == len(titles) == len(view.panel.columns)
    assert "bytes" in titles[1]
    assert selected == 0


def test_names_of_strangers_are_made_visible(view: ExplorerView) -> None:
    """No control or direction character and no account id is sent, and no cell is endless."""
    sent = json.dumps([view.panel.page, view.panel.scene, view.panel.tree], ensure_ascii=False)
    for bad in ("\u202e", "\x1b", "\\u001b", "123456789012"):
        assert bad not in sent
    assert all(len(cell) <= 240 for row in view.panel.page["rows"] for cell in row[0])


def test_an_error_stands_beside_its_box_and_the_rows_stay(view: ExplorerView) -> None:
    """In words; what was typed is kept, other filters work meanwhile, and it goes when mended."""
    before = view.panel.page
    ask(view, "look", where="size >")
    scene = view.panel.scene
    assert "The condition is not understood" in scene["errors"]["where"]
    assert scene["filter"]["where"] == "size >"
    assert view.panel.page["rows"] == before["rows"]
    ask(view, "look", folder="photos/")
    assert view.panel.totals["count"] == 297
    assert view.panel.scene["errors"]
    select(view, "all")
    for what in ("restore", "delete", "compare"):
        ask(view, "act", what=what)
        assert view._area.children == ()
    assert view.panel.scene["busy"]
    ask(view, "look", where="size > 5MB")
    assert not view.panel.scene["busy"]
    assert view.panel.scene["errors"] == {}
    assert view.panel.totals["count"] == 147


@pytest.mark.parametrize(
    "nonsense",
    [
        {"kind": "rows", "start": 5, "stop": 1},
        {"kind": "rows", "start": "x", "stop": 1},
        {"kind": "look", "vault": "other"},
        {"kind": "act", "what": "close"},
        {"kind": "eval"},
        {},
        {"kind": "sort", "sort": "1; DROP TABLE archive_rows"},
        {"kind": "look", "year": "x"},
    ],
)
def test_what_a_page_may_not_ask_is_answered_in_words(view: ExplorerView, nonsense: dict[str, Any]) -> None:
    """Nothing is raised into the kernel, and the table goes on."""
    view.panel._heard(None, nonsense, [])
    assert view.heard[-1:] == [] or view.heard[-1]["kind"] == "said"
    ask(view, "look", name="film's")
    assert view.panel.totals["count"] == 1


def test_a_selection_reaches_over_pages_and_opens_its_plan(view: ExplorerView) -> None:
    """Picked, extended, all but one; and a button turns it into a plan card below."""
    ask(view, "sort", sort="-size")
    select(view, "only", 0, 1)
    select(view, "add", 200, 205)
    assert "6 selected" in view.panel.totals["words"] or "6 selected" in view.heard[-1]["words"]
    select(view, "all")
    select(view, "toggle", 299, 300)
    assert view.heard[-1]["words"].startswith("300 archives · 299 selected")
    assert len(view._explorer.selection) == 299
    ask(view, "act", what="delete")
    (card,) = view._area.children
    assert isinstance(card, PlanCard)
    assert len(card._plan.table) == 299
    assert card._plan.result is None
    select(view, "none")
    ask(view, "act", what="restore")
    assert "Nothing is selected" in view.panel.scene["notice"]
    assert view._area.children == ()


def test_a_late_click_on_rows_of_another_answer_selects_nothing(view: ExplorerView) -> None:
    """The place means another row by now."""
    old = view.panel.page["version"]
    ask(view, "look", folder="photos/")
    ask(view, "select", how="only", start=0, stop=1, version=old, sight=[0, 20])
    assert view._explorer.picked.count == 0


def test_a_visible_explorer_follows_the_catalogue(view: ExplorerView) -> None:
    """Deleted archives leave the rows, sums and selection; the page hears which query it still sees."""
    panel = view.panel
    ask(view, "look", folder="photos/", where="size > 5MB")
    select(view, "only", 0, 3)
    query, version, tree = panel.page["query"], panel.page["version"], panel.tree
    ask(view, "visible", visible=True)
    catalogue = view._explorer._catalogue
    ids = list(view._explorer.selection["archive_id"])[:2]
    archive_deletion.mark(catalogue.database, catalogue.scope, "box", ids, 1_700_000_000_000)
    wait_until(lambda: panel.totals["count"] == 145)
    wait_until(lambda: panel.scene["notice"].startswith("2 of the selected archives were deleted"))
    ask(view, "visible", visible=False)
    finish("glacier-follow")
    assert panel.page["query"] == query
    assert panel.page["version"] != version
    assert "1 selected" in panel.totals["words"]
    assert panel.tree != tree
    assert panel.scene["totals"].startswith("145 archives")
    assert not panel.scene["stale"]
    select(view, "none")
    assert panel.scene["notice"] == ""


def test_an_open_folder_has_the_sums_of_the_filter(view: ExplorerView) -> None:
    """The page asks for it again, and knows which filter an answer is of."""
    ask(view, "branches", path="photos/")
    assert view.heard[-1]["sums"] == view.panel.tree["sums"]
    ask(view, "look", where="size > 5MB")
    assert view.panel.tree["rows"][0][3].startswith("photos/: 147 archives")
    assert view.panel.tree["sums"] != view.heard[-1]["sums"]
    assert sum(tile[2] * tile[3] for tile in view.panel.scene["tiles"]) > 0.99


def test_what_is_kept_is_still_and_follows(view: ExplorerView) -> None:
    """The record has the top rows, the folders and the date, no account, nothing to press."""
    view.show()
    settle(view)
    ask(view, "look", folder="photos/", where="size > 5MB")
    assert "photos/153.tif" in view._place.shown[-1]
    assert "size &gt; 5MB" in view._place.shown[-1]
    for html in view._place.shown:
        assert "<script" not in html
        assert "<button" not in html
        assert "123456789012" not in html
        assert len(html) < 30_000


class Moving(Explorer):
    """An explorer whose filter changes while its record is being made."""

    def _repr_html(self) -> str:
        html = super()._repr_html()
        if not self.filter.folder:
            self.look(folder="photos/")
            finish("glacier-explore")
        return html


def test_a_change_while_the_record_is_made_is_recorded_too(view: ExplorerView) -> None:
    """The last record is of the last state."""
    explorer = Explorer(view._explorer.vault)
    explorer.__class__ = Moving
    explorer.look(folder="photos/")
    other = ExplorerView(explorer, settle=0.01, place=Kept)
    other.show()
    explorer.look(folder="")
    settle(other)
    assert explorer.filter.folder == "photos/"
    assert "box/photos/" in other._place.shown[-1]
    other.close()


def test_a_widget_says_in_words_what_it_is(view: ExplorerView) -> None:
    """Where no widget can show, there is a sentence, as text and as HTML."""
    for widget in (view, view.panel):
        bundle: Any = widget._repr_mimebundle_()
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        assert "explorer needs a live notebook" in data["text/plain"]


def test_the_verb_prints_where_nothing_can_be_clicked(
    shell: InteractiveShell, emulated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In IPython of a terminal: folders, archives and how to go on; and the value can be used."""
    shell.run_cell(f"%glacier connect --emulator --data {emulated}")
    shell.run_cell("%glacier create box")
    Path("a.txt").write_text("x")
    shell.run_cell("%glacier upload a.txt")
    done = shell.run_cell("e = %glacier explore box\ne")
    assert isinstance(done.result, Explorer)
    assert "a.txt" in capsys.readouterr().out
    assert list(shell.run_cell("e.view['name']").result) == ["a.txt"]
    for words, said in (
        ("box --where 'size >'", "not understood"),
        ("bix", "Vault not found"),
        ("box --folder a/b", "There is no folder"),
        ("box --sort colour", "no column"),
    ):
        refused = shell.run_cell(f"%glacier explore {words}")
        assert said in str(refused.error_in_exec)


def test_a_path_is_split_at_either_slash() -> None:
    """Each part leads to a folder that names begin with."""
    assert scenes.crumbs("photos", "win\\2021\\b/c") == [
        ["", "photos"],
        ["win\\", "win"],
        ["win\\2021\\", "2021"],
        ["win\\2021\\b/", "b"],
        ["win\\2021\\b/c", "c"],
    ]
    assert scenes.branch(Branch("a/win\\", 1, 2, deeper=True))[:2] == ["a/win\\", "win"]
    assert [label for _, label in scenes.crumbs("v", "//a")] == ["v", "/", "/", "a"]
