"""The explorer without a face: filters, facets, the picture, the selection and its plans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.catalogue.archives import archive_deletion
from glacier_magic.catalogue.archives.browse import Cell
from glacier_magic.errors import InputError
from glacier_magic.explore import Explorer
from glacier_magic.explore.explorer import dropped_in_words
from glacier_magic.explore.filters import FACETS, Filter, choices, total
from glacier_magic.explore.treemap import treemap
from glacier_magic.plans import DeletePlan, RestorePlan
from tests.catalogue import archive_record

HOSTILE = (
    "<script>alert(1)</script>",
    "'; DROP TABLE archive_rows; --",
    'a "quoted" name',
    "\u05d0\u05d1\u05d2 \u202egnp.exe",
    "n" * 1000,
    "🎞️ film 🎬.mov",
    "two\nlines",
    "[brackets]*?.tif",
    "../../etc/passwd",
    "account 123456789012",
)


@pytest.fixture
def explorer(vault, session):
    for number in range(250):
        record = archive_record(
            f"{'abc'[number % 3]}/file {number:03}.tif",
            archive_id=f"id{number:0136}",
            size=number * 1000,
            created=1.6e12 + number,
            state="listed",
        )
        session.catalogue.archives.record(record)
    for number, name in enumerate(HOSTILE):
        record = archive_record(
            name, archive_id=f"hostile{number:0131}", size=5 << 20, created=1_300_000_000_000
        )
        session.catalogue.archives.record(record)
    found = Explorer(vault)
    yield found
    found.close()


def seen(explorer):
    explorer.answer.order()
    return [record.name for _, record in explorer.rows(0, 1000)]


def pick(explorer, *places):
    for place in places:
        explorer.picked.toggle(explorer.answer, explorer.answer.ids(place, place + 1)[0])


# The filter


def test_a_name_is_any_part_of_it_or_a_pattern_below_the_folder(explorer):
    """Without * and ? any parts; with them the whole name as seen from the folder."""
    explorer.look(name="00. FILE")
    assert seen(explorer) == ["a/file 000.tif", "b/file 100.tif", "c/file 200.tif"]
    explorer.look(folder="a/", name="file*9.tif")
    assert seen(explorer) == [f"a/file {n:03}.tif" for n in range(9, 250, 30)]
    explorer.look(folder="", name="file*9.tif")
    assert seen(explorer) == []


@pytest.mark.parametrize("name", [n for n in HOSTILE if not {"*", "?"} & set(n)])
def test_a_hostile_name_is_found_and_does_nothing(explorer, name):
    """It is a value, in every box that takes it."""
    explorer.look(name=name)
    assert seen(explorer) == [name]


def test_view_and_rows_are_the_same(explorer):
    """The DataFrame has what the table shows, in its order."""
    explorer.look(where="size > 100kB", sort="-size", year="2020")
    assert list(explorer.view["name"]) == seen(explorer)
    assert len(explorer.view) == 149


@pytest.mark.parametrize(
    "wrong", [{"where": "size >"}, {"sort": "colour"}, {"where": "1) or (1 = 1"}, {"year": "x"}]
)
def test_what_cannot_be_understood_leaves_the_filter_as_it_was(explorer, wrong):
    """An error says why, and the rows stay."""
    explorer.look(folder="a/")
    before = seen(explorer)
    with pytest.raises((InputError, ValueError)):
        explorer.look(**wrong)
    assert seen(explorer) == before
    assert explorer.filter == Filter(folder="a/")


def test_facets_count_what_choosing_them_would_show(explorer):
    """For each facet and value, the count is the number of rows after the click."""
    explorer.answer.order()
    explorer.look(size="0")
    for facet in FACETS:
        found = choices(cube_of(explorer), explorer.filter, facet)
        assert found
        for choice in found:
            explorer.look(**{facet: choice.value})
            assert len(seen(explorer)) == choice.archives, (facet, choice)
            assert total(cube_of(explorer), explorer.filter) == (choice.archives, choice.bytes)
            explorer.look(**dict.fromkeys(FACETS) | {"size": "0"})


def cube_of(explorer):
    return explorer.answer.sums()


def test_a_chosen_value_of_nothing_can_be_taken_back():
    """A facet keeps what is chosen in sight, also where the others leave nothing of it."""
    cube = {Cell(2020, None, 1, "plain", "present"): (1, 1)}
    found = choices(cube, Filter(format="mt2"), "format")
    assert [(c.value, c.archives, c.chosen) for c in found] == [("plain", 1, False), ("mt2", 0, True)]


# The folders


@pytest.mark.parametrize(
    "asked",
    [
        {"where": "size > 50kB"},
        {"where": "size > 50kB", "size": "0"},
        {"name": "file 1"},
        {"name": "*1*"},
        {"folder": "a/", "name": "file*9.tif"},
        {"folder": "b/", "name": "*1*", "where": "size < 200kB"},
        {"name": "name:a/file 000.tif"},
        {"state": "pending"},
        {"state": "gone"},
        {"format": "none"},
        {"folder": "a/"},
        {},
    ],
)
def test_folders_headline_and_rows_are_of_the_same_archives(explorer, asked):
    """The picture adds up to the headline, and each folder has what a click on it shows."""
    explorer.look(**asked)
    headline = total(cube_of(explorer), explorer.filter)
    level = explorer.answer.folders.level(explorer.filter.folder)
    assert (level.whole.archives, level.whole.bytes) == headline
    top = {b.path: (b.archives, b.bytes) for b in explorer.folders("", 100)[0]}
    if asked.get("folder"):
        assert top[asked["folder"]] == headline
    for path in ("a/", "b/", "c/"):
        explorer.look(folder=path)
        shown = total(cube_of(explorer), explorer.filter)
        assert asked.get("name", "").startswith("name:") or top.get(path, (0, 0)) == shown


def test_levels_of_a_filter_are_read_once_and_without_one_not_at_all(explorer):
    """Sums without a filter are those that the catalogue keeps; an order does not change any."""
    assert explorer.answer.folders.known("") is not None
    explorer.look(where="size > 50kB")
    before = explorer.answer.folders
    level = before.level("")
    assert before.known("") is level
    explorer.look(sort="-size")
    assert explorer.answer.folders is before
    explorer.look(year="2020")
    assert explorer.answer.folders is not before


def test_what_is_printed_has_the_folders_of_the_filter(explorer):
    """Also in a terminal and in a saved notebook."""
    explorer.look(folder="a/", where="size > 240kB", sort="-size")
    rows = [line.split() for line in repr(explorer).splitlines() if line.startswith("a/ ")]
    assert [row[:2] for row in rows] == [["a/", "3"]]
    assert '<td class="long">a/</td><td class="num">3</td>' in explorer._repr_html()


# The picture


@given(st.lists(st.integers(0, 10**15), max_size=40))
def test_tiles_fill_the_picture_in_proportion(sizes):
    """Areas are the shares; nothing lies outside or over another."""
    sizes = sorted(sizes, reverse=True)
    tiles = treemap(sizes)
    whole = sum(sizes)
    assert len(tiles) == len(sizes)
    for size, tile in zip(sizes, tiles, strict=True):
        assert tile.width * tile.height == pytest.approx(size / whole if whole else 0, abs=1e-6)
        assert -1e-9 <= tile.x <= tile.x + tile.width <= 1 + 1e-6
        assert -1e-9 <= tile.y <= tile.y + tile.height <= 1 + 1e-6
    for n, one in enumerate(tiles):
        for other in tiles[:n]:
            wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert min(wide, high) < 1e-6


# The selection


def test_picks_stay_while_the_filter_changes(explorer):
    """Rows of several filters can be picked together."""
    pick(explorer, 0)
    explorer.look(folder="b/")
    pick(explorer, 0, 1)
    pick(explorer, 1)
    explorer.look(folder="")
    assert list(explorer.selection["name"]) == sorted([HOSTILE[1], "b/file 001.tif"])
    assert explorer.picked.bytes == explorer.selection["size"].sum()


def test_all_is_a_rule_with_exceptions(explorer):
    """All means the filter it was said of, but for what was taken out since."""
    explorer.look(folder="a/")
    rule = explorer.answer
    explorer.picked.all_of(rule)
    pick(explorer, 2)
    assert explorer.picked.count == 83
    assert len(explorer.picked._marked) == 1
    explorer.look(folder="")
    held = explorer.picked.held(explorer.answer, explorer.answer.ids(0, 300))
    assert len(held) == 83
    assert len(explorer.selection) == 83
    assert "a/file 006.tif" not in set(explorer.selection["name"])
    rule.sums()  # waits for the thread that reads them; until then, the bytes are None
    assert explorer.picked.bytes == explorer.selection["size"].sum()


def test_a_row_outside_the_rule_is_refused_in_words(explorer):
    """It cannot be added to "all of something else"."""
    explorer.look(folder="a/")
    explorer.picked.all_of(explorer.answer)
    explorer.look(folder="b/")
    with pytest.raises(InputError, match="another filter"):
        pick(explorer, 0)
    explorer.picked.clear()
    pick(explorer, 0)
    assert explorer.picked.count == 1


def test_a_span_of_everything_is_all_and_a_huge_one_is_refused(explorer):
    """A million ids are never kept."""
    everything = list(explorer.answer.order())
    explorer.picked.pick(explorer.answer, [int(i) for i in everything])
    assert explorer.picked.rests_on(explorer.answer)
    with pytest.raises(InputError, match="by hand"):
        explorer.picked.pick(explorer.answer, range(200_001))


def delete(explorer, *names):
    """Record that the service accepted the deletion of archives, as a plan does."""
    records = explorer._catalogue.archives.query("photos").records
    ids = [record.archive_id for record in records if record.name in names]
    assert len(ids) == len(names)
    catalogue = explorer._catalogue
    archive_deletion.mark(catalogue.database, catalogue.scope, "photos", ids, 1_700_000_000_000)


def test_what_was_deleted_is_no_longer_selected(explorer):
    """Neither of rows picked one by one nor of a whole result; the others stay."""
    explorer.look(folder="a/", sort="-size")
    pick(explorer, 0, 1, 2)
    assert not explorer.outdated
    delete(explorer, "a/file 249.tif", "a/file 246.tif", "a/file 000.tif")
    assert explorer.outdated
    query = explorer.answer.query
    explorer.reload()
    assert not explorer.outdated
    assert explorer.answer.query == query
    assert (explorer.filter.folder, explorer.filter.sort) == ("a/", "-size")
    assert list(explorer.selection["name"]) == ["a/file 243.tif"]
    assert explorer.picked.dropped == 2
    assert dropped_in_words(explorer.picked).startswith("2 of the selected archives were deleted")
    explorer.picked.all_of(explorer.answer)
    assert explorer.picked.dropped == 0
    delete(explorer, "a/file 243.tif", "b/file 001.tif")
    explorer.reload()
    assert explorer.picked.count == len(explorer.selection) == 80
    assert explorer.picked.bytes == explorer.selection["size"].sum()
    assert dropped_in_words(explorer.picked).startswith("1 of the selected archives was deleted")
    held = explorer.picked.held(explorer.answer, explorer.answer.ids(0, 100))
    assert held == set(explorer.answer.ids(0, 100))
    explorer.reload()
    assert explorer.picked.count == 80


def test_a_new_archive_does_not_join_a_selection(explorer, vault, files):
    """All that was selected is what a plan gets, not what arrived since."""
    explorer.picked.all_of(explorer.answer)
    before = explorer.picked.count
    vault.upload(files("late.bin", b"late"))
    assert explorer.outdated
    explorer.reload()
    assert "late.bin" in seen(explorer)
    assert explorer.picked.count == before
    assert "late.bin" not in set(explorer.selection["name"])
    held = explorer.picked.held(explorer.answer, explorer.answer.ids(0, 1000))
    assert len(held) == before


def test_deleted_archives_that_were_selected_as_such_stay_selected(explorer):
    """Someone looks at what was deleted while more is deleted."""
    delete(explorer, "a/file 000.tif", "a/file 003.tif")
    explorer.look(state="deleted here")
    pick(explorer, 0, 1)
    delete(explorer, "a/file 006.tif")
    explorer.reload()
    assert explorer.picked.count == 2
    assert explorer.picked.dropped == 0


# Plans


def test_the_selection_opens_plans_of_exactly_its_archives(explorer, tmp_path):
    """Restore, delete and compare take the selected ids and no others; nothing is asked for."""
    explorer.look(folder="c/", sort="-size")
    pick(explorer, 0, 1)
    wanted = {"c/file 248.tif", "c/file 245.tif"}
    restoring, deleting = explorer.restore(to=tmp_path), explorer.delete()
    assert isinstance(restoring, RestorePlan)
    assert isinstance(deleting, DeletePlan)
    for plan in (restoring, deleting, explorer.compare(tmp_path)):
        assert set(plan.table["name"]) == wanted
        assert plan.result is None


def test_nothing_selected_is_an_error_with_a_cure(explorer):
    """Not an empty plan."""
    with pytest.raises(InputError, match="Nothing is selected"):
        explorer.restore()


def test_comparing_says_what_the_local_files_are(vault, files):
    """Same, different and missing; only files of the right size are read."""
    for name in ("same.bin", "other.bin", "away.bin"):
        vault.upload(files(name, name.encode() * 9))
    files("other.bin", b"x" * 81)
    (files.folder / "away.bin").unlink()
    explorer = Explorer(vault)
    explorer.picked.all_of(explorer.answer)
    plan = explorer.compare(files.folder)
    assert "2 files" in dict(plan.facts)["there"]
    assert plan.run() == "1 same, 1 different, 1 missing locally: see .table."
    states = dict(zip(plan.table["name"], plan.table["state"], strict=True))
    assert states == {"same.bin": "same", "other.bin": "different", "away.bin": "missing locally"}
    explorer.close()


# Without anything to click


def test_it_prints_folders_and_the_first_archives(explorer):
    """With how old it is, how many more, and how to go on; hostile names are one inert line."""
    text = repr(explorer)
    assert "No inventory read yet" in text
    assert "a/file 000.tif" in text
    assert "and 210 more: .view has them all" in text
    assert "\u202e" not in text
    assert "123456789012" not in text
    assert max(map(len, text.splitlines())) < 170
    explorer.look(name="two")
    assert "two\\nlines" in repr(explorer)


def test_its_html_is_still(explorer):
    """No script, no button, no account id: what a saved notebook may keep."""
    html = explorer._repr_html()
    assert "<script" not in html
    assert "<button" not in html
    assert "123456789012" not in html
    assert "&lt;script&gt;" in html
    assert len(html) < 40_000


def test_a_backslash_makes_folders_in_tree_picture_and_path(session):
    """As in the paths of restored files."""
    for number, name in enumerate(["win\\2021\\a.jpg", "win\\2022\\b.jpg", "win\\c.jpg", "unix/d.jpg"]):
        session.catalogue.archives.record(archive_record(name, number, vault="slashes"))
    explorer = Explorer(session.vault("slashes"))
    assert [(b.path, b.archives) for b in explorer.folders("", 9)[0]] == [("win\\", 3), ("unix/", 1)]
    assert [b.path for b in explorer.folders("win\\", 9)[0]] == ["win\\2021\\", "win\\2022\\"]
    explorer.look(folder="win\\2021\\")
    assert seen(explorer) == ["win\\2021\\a.jpg"]
    explorer.close()
