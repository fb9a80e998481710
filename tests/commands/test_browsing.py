"""Looking into a vault by words and from Python: ls, find, du, duplicates, diff."""

import random
import re
import shlex
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from glacier_magic.base import dataframes
from glacier_magic.base.dataframes import MARK
from glacier_magic.catalogue import maintenance
from glacier_magic.catalogue.archives import comparing
from glacier_magic.commands import VERBS, Console, run
from glacier_magic.errors import InputError, NameNotKnown
from glacier_magic.prices.storage_costs import TOP, by_folder
from tests.catalogue import mark_deleted
from tests.faces import Face

DAY = 86_400_000
FIRST = 1_577_836_800_000  # 2020-01-01 00:00 UTC
NAMES = {
    "scans/2019/a.tif": 300,
    "scans/2019/b.tif": 200,
    "scans/2020/c.tif": 100,
    "notes.txt": 5,
    "a[1].txt": 1,
    'it\'s "quoted".txt': 2,
    "😀.jpg": 3,
    "a1.txt": 4,
}


def identifier(name):
    return random.Random(name).randbytes(69).hex()


def read(catalogue, names, made, vault="photos"):
    """Read an inventory of archives: size by name; the tree hash is that of the size."""
    batch = pa.record_batch(
        {
            "archive_id": [identifier(name) for name in names],
            "description": list(names),
            "created": pa.array([FIRST + n for n in names.values()], pa.timestamp("ms", "UTC")),
            "size": pa.array(names.values(), pa.int64()),
            "tree_hash": [f"{size:064x}" for size in names.values()],
        }
    )
    with catalogue.inventories.loading(vault, f"job {made}") as load:
        load.add(batch)
        load.finish(made)


@pytest.fixture
def glacier(notes, emulator, region, monkeypatch, tmp_path, sessions):
    """Run a line of words; the vault photos has two inventories, of the first days of 2020."""
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(tmp_path / "catalogue.sqlite"))
    face = Face(notes)
    console = Console(face, sessions=sessions)

    def glacier(*words):
        notes.clear()
        return run(console, VERBS, [str(word) for word in words])

    glacier("connect", "--data", emulator.folder, "--region", region)
    glacier("create", "photos")
    read(console.session.catalogue, {**NAMES, "gone.txt": 50}, FIRST)
    now = {name: size for name, size in NAMES.items() if name != "notes.txt"}
    read(console.session.catalogue, {**now, "memo.txt": 5, "new/d.tif": 300}, FIRST + DAY)
    glacier.vault = console.session.vault("photos")
    glacier.console = console
    yield glacier
    console.close()


def names(table):
    return list(table["name"])


# ls


def test_ls_takes_conditions_an_order_and_a_limit(glacier, notes):
    """And says how many a limit left out, and how old it is."""
    found = glacier("ls", "--where", "size > 99 and created < '2021'", "--sort", "-size,name")
    assert names(found) == ["new/d.tif", "scans/2019/a.tif", "scans/2019/b.tif", "scans/2020/c.tif"]
    assert "photos: 4 archives, as of the inventory of 2020-01-02 00:00 UTC" in notes[0]
    found = glacier("ls", "*.tif", "--sort", "-size", "--limit", 1)
    assert names(found) == ["scans/2019/a.tif"] or names(found) == ["new/d.tif"]
    assert "photos: 1 of 4 archives, as of" in notes[0]
    assert "--limit leaves out the others" in notes[0]
    assert found.attrs["more"] == 3


@pytest.mark.limits(counted_rows=2)
def test_more_than_can_be_counted_in_time_is_said_so(glacier, notes):
    """A vault of millions is not read through for a footer."""
    glacier("ls", "*.tif", "--limit", 1)
    assert "1 of more than 2 archives" in notes[0]


def test_without_a_limit_all_rows_are_there(glacier, notes):
    """The table is the whole one, whatever a display shows of it."""
    assert len(glacier("ls")) == 9
    assert len(glacier("ls", "--limit", 0)) == 0
    assert "0 of 9 archives" in notes[0]
    assert len(glacier("ls", "--limit", 9)) == 9
    assert "of" not in notes[0].partition(",")[0]


def test_ls_as_of_a_date_shows_what_an_inventory_listed(glacier, notes):
    """The newest one until the end of that day; one that is older than all is an error."""
    found = glacier("ls", "--as-of", "2020-01-01")
    assert set(names(found)) == {*NAMES, "gone.txt"}
    assert "as of the inventory of 2020-01-01 00:00 UTC" in notes[0]
    assert set(names(glacier("ls", "--as-of", "2020"))) == set(names(glacier("ls")))
    with pytest.raises(InputError, match="The first one is of 2020-01-01"):
        glacier("ls", "--as-of", "2019")
    with pytest.raises(InputError, match="not a date or time"):
        glacier("ls", "--as-of", "yesterday")


def test_ls_shows_archives_in_the_states_that_are_asked_for(glacier):
    """Gone and deleted ones are there when they are named; the words are those of the column."""
    mark_deleted(glacier.console.session.catalogue, identifier("memo.txt"))
    assert names(glacier("ls", "--state", "gone")) == ["gone.txt", "notes.txt"]
    for word in ("deleted here", "deleted-here", "deleted", "DELETED HERE"):
        found = glacier("ls", "--state", word)
        assert names(found) == ["memo.txt"]
        assert set(found["state"]) == {"deleted here"}
    both = glacier("ls", "--state", "gone,deleted here")
    assert set(both["state"]) == {"gone", "deleted here"}
    assert set(glacier("ls")["state"]) == {"present"}
    assert len(glacier("ls", "--where", "state = 'deleted'", "--state", "deleted,gone")) == 1
    with pytest.raises(InputError, match="not of a date"):
        glacier("ls", "--state", "gone", "--as-of", "2020")
    with pytest.raises(InputError, match="There is no state 'lost'"):
        glacier("ls", "--state", "present,lost")


def test_an_upload_is_pending_until_an_inventory_lists_it(vault, files, listed):
    """And then it is present: the words are the same in every table."""
    vault.upload(files("a.txt"))
    assert list(vault.archives()["state"]) == ["pending"]
    assert vault.archives().attrs["unlisted"] == 1
    assert list(listed(vault)["state"]) == ["present"]


def test_names_and_ids_are_addressed_as_they_are(glacier):
    """With brackets that mean themselves, quotes, emoji; an id by its beginning."""
    assert names(glacier("ls", "a[1].txt")) == ["a[1].txt"]
    assert names(glacier("ls", "a[12].txt")) == ["a1.txt"]
    for name in ('it\'s "quoted".txt', "😀.jpg", "name:a[1].txt"):
        assert names(glacier("ls", name)) == [name.removeprefix("name:")]
    for word in (identifier("😀.jpg"), f"id:{identifier('😀.jpg')[:8]}"):
        assert names(glacier("ls", word)) == ["😀.jpg"]
    assert names(glacier("ls", "scans/2019/")) == ["scans/2019/a.tif", "scans/2019/b.tif"]
    assert names(glacier("ls", "name:*")) == []


STRANGE = [
    "'",
    '"',
    "size >",
    "size > 'x'",
    "1 = 1",
    "name = 'x' or 1=1 --",
    "name = ''; DROP TABLE v",
    "(" * 5000,
    "not " * 500 + "size=1",
    "size > 1e999",
    "created > '9999-13'",
    "name like 5",
    "name glob '" + "*a" * 20_000 + "'",
    "name = 'a\0b'",
    "name like '\0%'",
    "\ud800",
    "\udcff",
    "name in (" + ",".join("'x'" for _ in range(20_000)) + ")",
    "created = '0000'",
    "size = ٣",
    "tree_hash = 'zz'",
    "modified is not null and state = 'no such'",
    "name = '😀.jpg'",
    "name",
]


@pytest.mark.parametrize("option", ["where", "glob", "text", "sort", "as_of", "states"])
def test_odd_words_are_taken_or_refused_and_change_nothing(glacier, option):
    """Whatever they hold: an answer, or an error that is short; the tables stay."""
    vault = glacier.vault
    ask = {
        "where": lambda text: vault.archives(where=text),
        "glob": vault.archives,
        "text": vault.find,
        "sort": lambda text: vault.archives(sort=text),
        "as_of": lambda text: vault.archives(as_of=text),
        "states": lambda text: vault.archives(states=[text]),
    }
    refused = []
    for text in STRANGE:
        try:
            found = ask[option](text)
        except InputError as error:
            refused.append(str(error))
        else:
            assert list(found.columns) == list(dataframes.ARCHIVES)
    assert max(map(len, refused)) < 1000
    assert len(vault.archives()) == 9


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    where=st.lists(
        st.sampled_from(
            [
                "size",
                "created",
                "modified",
                "name",
                "state",
                "and",
                "or",
                "not",
                "(",
                ")",
                "<",
                "=",
                "<>",
                "in",
                "like",
                "glob",
                "is",
                "null",
                ",",
                "'a%'",
                "'2016'",
                "1e9",
                "5MB",
                "2016-02-30",
                "'",
            ]
        )
        | st.text(max_size=3),
        max_size=9,
    ).map(" ".join),
    glob=st.text("*?[]^a/'\"\0😀", max_size=6),
)
@example(where="size in (1, 2) and name not like 'a%'", glob="[")
def test_no_words_make_anything_but_an_answer_or_an_input_error(glacier, where, glob):
    """Neither a traceback nor an error of the database."""
    for ask in (
        lambda: glacier.vault.archives(where=where),
        lambda: glacier.vault.archives(glob),
        lambda: glacier.vault.find(glob),
    ):
        with suppress(InputError):
            ask()


def test_many_values_are_taken(glacier):
    """A list of thousands is no deeper than one of a few."""
    many = ", ".join(f"'{n}'" for n in range(5000))
    assert names(glacier.vault.archives(where=f"name in ({many}, 'memo.txt')")) == ["memo.txt"]


def test_a_limit_is_a_whole_number(glacier):
    """From Python, and in words."""
    for limit in (-1, 1.5, "3"):
        with pytest.raises(InputError):
            glacier.vault.archives(limit=limit)
    with pytest.raises(InputError):
        glacier("ls", "--limit", "x")
    assert len(glacier.vault.archives(limit=1 << 80)) == 9


MOMENTS = [
    datetime(2020, 1, 1, 1, tzinfo=UTC),
    datetime(2020, 1, 1, 1),  # noqa: DTZ001 - one without a zone, on purpose
    date(2020, 1, 1),
    pd.Timestamp("2020-01-01", tz="UTC"),
    "2020-01-01",
    "2020-01-01T00:00Z",
    "2020-01-01 05:00",
    datetime(2020, 1, 1, 3, tzinfo=timezone(timedelta(hours=2))),
    "2020-01-01T03:00+02:00",
]


def test_a_moment_is_given_as_python_has_it(glacier):
    """A time, a day, or either in ISO 8601; without a zone it is UTC."""
    for moment in MOMENTS:
        assert set(names(glacier.vault.archives(as_of=moment))) == {*NAMES, "gone.txt"}


def test_what_is_no_moment_is_an_input_error(glacier):
    """For as_of and for both ends of a difference."""
    for moment in (5, pd.NaT, "", "2020-13", object()):
        for ask in (
            lambda m: glacier.vault.archives(as_of=m),
            glacier.vault.diff,
            lambda m: glacier.vault.diff("2020", m),
        ):
            with pytest.raises(InputError, match="is not a date or time"):
                ask(moment)


# No match


def test_a_name_that_is_no_archive_says_what_holds_it(glacier, notes):
    """So that an empty table does not look like an empty vault."""
    assert len(glacier("ls", "tif")) == 0
    assert notes == [
        f"photos: none of 9 archives, as of the inventory of 2020-01-02 00:00 UTC, {ago(notes)} old. "
        "4 names contain 'tif': %glacier ls '*tif*' or %glacier find tif."
    ]
    glacier("ls", "memo")
    assert notes[0].endswith("1 name contains 'memo': %glacier ls '*memo*' or %glacier find memo.")
    glacier("ls", "A[1]")
    assert notes[0].endswith("1 name contains 'A1': %glacier find A1.")  # not ls: its case counts
    glacier("ls", "2019*.TIF")
    assert notes[0].endswith("2 names contain '2019' and '.TIF': %glacier find 2019 .TIF.")
    glacier("ls", "zebra")
    assert notes[0].endswith("old.")


def ago(notes):
    return re.search(r"UTC, (.*?) old", notes[0])[1]


@pytest.mark.limits(counted_rows=2)
def test_names_that_are_too_many_to_count_are_said_to_be(glacier, notes):
    """A vault of millions is not read through for a suggestion."""
    glacier("ls", "tif")
    assert "more than 2 names contain 'tif'" in notes[0]


def test_a_folder_in_another_case_or_below_is_suggested(glacier, notes):
    """With the pattern of all that is in it."""
    glacier("ls", "SCANS")
    assert "scans/ is a folder of 3 archives: %glacier ls 'scans/*'." in notes[0]
    glacier("ls", "2019/")
    assert "scans/2019/ is a folder of 2 archives: %glacier ls 'scans/2019/*'." in notes[0]
    glacier("ls", "cans")
    assert "is a folder" not in notes[0]


def test_a_condition_that_nothing_meets_says_how_many_archives_there_are(glacier, notes):
    """Also for states, and for words to find."""
    for words in (
        ("ls", "--where", "size > 1TB"),
        ("ls", "--state", "unknown"),
        ("find", "tif", "zebra"),
        ("ls", "id:zz"),
    ):
        assert len(glacier(*words)) == 0
        assert notes[0].startswith("photos: none of 9 archives, as of the inventory of 2020-01-02")


def test_what_the_suggestions_say_is_found(glacier, notes):
    """Each of them lists something, whatever the names hold."""
    vault = glacier.console.session.vault("photos")
    for word in ("quoted", "[1]", "1]", "it's", "s/2019", "A", "2019", "SCANS/2019", "😀"):
        assert len(glacier("ls", word)) == 0
        steps = re.findall(r"%glacier (.*?)(?= or %glacier|\.$|\. )", notes[0])
        assert steps, word
        for words in steps:
            assert len(glacier(*shlex.split(words))), words
    assert len(vault.archives()) == 9


def test_a_folder_needs_no_slash(glacier):
    """In ls, from Python and in du alike."""
    assert names(glacier("ls", "scans/2019")) == ["scans/2019/a.tif", "scans/2019/b.tif"]
    assert names(glacier.vault.archives("scans", where="size < 250")) == [
        "scans/2019/b.tif",
        "scans/2020/c.tif",
    ]
    assert [a.name for a in glacier.vault.select("scans/2020", "memo.txt")] == [
        "scans/2020/c.tif",
        "memo.txt",
    ]
    assert names(glacier("ls", "scans", "--as-of", "2020-01-01"))[0] == "scans/2019/a.tif"
    assert list(glacier("du", "scans/2019/")["path"]) == list(glacier("du", "scans/2019")["path"])


# find, du, duplicates, diff


def test_find_looks_anywhere_in_the_name(glacier, notes):
    """In either case, with no wildcards."""
    assert names(glacier("find", "2019/A")) == ["scans/2019/a.tif"]
    assert names(glacier("find", "a[1]")) == ["a[1].txt"]
    assert names(glacier("find", "*")) == []
    assert names(glacier("find", "TIF", "2019", "B")) == ["scans/2019/b.tif"]
    assert names(glacier("find", "tif 2019 b")) == ["scans/2019/b.tif"]
    assert len(glacier("find", ".t", "--limit", 2)) == 2
    assert "2 of 8 archives" in notes[0]


def test_du_adds_up_folders_with_their_cost(glacier, notes, monkeypatch, tmp_path):
    """Largest first; a price that is not known is said to be unknown, in table and footer."""
    prices = tmp_path / "prices.toml"
    prices.write_text("[all]\nstorage = 1000000\n")
    monkeypatch.setenv("GLACIER_MAGIC_PRICES", str(prices))
    table = glacier("du", "--depth", 2)
    assert list(table.columns) == list(dataframes.FOLDERS)
    assert list(table["path"]) == ["", "scans/", "new/", "scans/2019/", "scans/2020/"]
    scans = table.set_index("path").loc["scans/"]
    assert (scans["archives"], scans["size"], scans["depth"]) == (3, 600, 1)
    assert scans["oldest"] == pd.Timestamp(FIRST + 100, unit="ms", tz="UTC")
    assert scans["newest"] == pd.Timestamp(FIRST + 300, unit="ms", tz="UTC")
    billed = 600 + 3 * 32768
    assert float(scans["month_usd"]) == pytest.approx(billed / 2**30 * 10**6)
    assert scans["month"].startswith("$")
    assert list(glacier("du", "scans", "--depth", 0)["path"]) == ["scans/"]
    assert "3 archives in scans/, 600 B, $" in notes[0]
    assert "as of the inventory of 2020-01-02" in notes[0]


def test_du_says_when_a_price_is_unknown(glacier, notes):
    """The region of this test has none."""
    table = glacier("du")
    assert set(table["month"]) == {"unknown"}
    assert list(table["month_usd"]) == [None] * len(table)
    assert "unknown a month" in notes[0]
    assert "%glacier cost --refresh" in notes[1]


def test_du_of_a_folder_that_is_not_there_is_an_error(glacier):
    """It says how to find it."""
    with pytest.raises(NameNotKnown, match=r"no folder 'nowhere'.*%glacier find TEXT"):
        glacier("du", "nowhere")
    with pytest.raises(NameNotKnown, match=r"no folder '2019'.*scans/2019/ is a folder of 2 archives"):
        glacier("du", "2019")
    with pytest.raises(
        NameNotKnown, match=r"Nothing.*matches 'TIF'.*4 names contain 'TIF': %glacier find TIF"
    ):
        glacier("restore", "TIF")
    with pytest.raises(InputError):
        glacier("du", "--depth", "-1")


def test_a_backslash_ends_a_folder_in_du_and_cost(glacier):
    """Also in an inventory of many archives; the check finds nothing to repair."""
    catalogue = glacier.console.session.catalogue
    names_of = {"win\\2021\\a.jpg": 10, "win\\2021/b.jpg": 20, "win\\c.jpg": 5, "top": 1}
    read(catalogue, names_of, FIRST, "slashes")
    table = glacier("du", "--depth", 3, "--vault", "slashes")
    assert list(zip(table["path"], table["archives"], table["size"], strict=True)) == [
        ("", 4, 36),
        ("win\\", 3, 35),
        ("win\\2021/", 1, 20),
        ("win\\2021\\", 1, 10),
    ]
    assert list(glacier("du", "win\\2021", "--vault", "slashes")["path"]) == ["win\\2021/", "win\\2021\\"]
    assert names(glacier("ls", "win\\2021", "--vault", "slashes")) == ["win\\2021/b.jpg", "win\\2021\\a.jpg"]
    own = by_folder(catalogue.archives.du("slashes", depth=3))
    assert {path: holding.bytes for path, holding in own.items()} == {
        TOP: 1,
        "win\\": 5,
        "win\\2021/": 20,
        "win\\2021\\": 10,
    }
    assert not any(finding.problems for finding in maintenance.check(catalogue))


def test_duplicates_come_in_groups(glacier, notes):
    """By tree hash and size, with what the copies waste; most first."""
    table = glacier("duplicates")
    assert list(table.columns) == list(comparing.DUPLICATES)
    assert set(names(table)) == {"scans/2019/a.tif", "new/d.tif"}
    assert set(table["group"]) == {1}
    assert set(table["copies"]) == {2}
    assert set(table["wasted"]) == {300}
    assert "2 archives in 1 group with the same bytes, 300 B of them redundant" in notes[0]


def test_diff_tells_added_gone_and_renamed(glacier, notes):
    """The same bytes under another name are one change, not two."""
    table = glacier("diff")
    assert list(table.columns) == list(comparing.DIFFERENCE)
    changes = {row["name"]: (row["change"], row["was"]) for row in table.to_dict("records")}
    assert changes.pop("memo.txt") == ("renamed", "notes.txt")
    assert {name: change for name, (change, _) in changes.items()} == {
        "new/d.tif": "added",
        "gone.txt": "gone",
    }
    renamed = table[table["change"] == "renamed"].iloc[0]
    assert renamed["archive_id"] == identifier("memo.txt")
    assert renamed["was_id"] == identifier("notes.txt")
    assert table.attrs["growth"] == 250
    assert "1 added, 1 gone, 1 renamed since the inventory of 2020-01-01 00:00 UTC" in notes[0]
    assert "9 archives before, 9 after; +250 B; as of the inventory of 2020-01-02" in notes[0]


def test_diff_goes_either_way(glacier, notes):
    """From a later inventory to an earlier one, what came has gone."""
    back = glacier("diff", "2020", "2020-01-01")
    assert set(back["change"]) == {"added", "gone", "renamed"}
    assert names(back[back["change"] == "added"]) == ["gone.txt"]
    assert "-250 B" in notes[0]
    same = glacier("diff", "2020", "2020")
    assert len(same) == 0
    assert same.dtypes.to_dict() == back.dtypes.to_dict()


def test_tables_have_their_columns_and_types_also_when_empty(glacier):
    """So that what is done with them never depends on what is in a vault."""
    full, empty = glacier.vault, glacier.console.session.vault("empty")
    for ask in (
        lambda v: v.archives(),
        lambda v: v.archives("nothing"),
        lambda v: v.find("tif"),
        lambda v: v.du(),
        lambda v: v.duplicates(),
    ):
        filled, bare = ask(full), ask(empty)
        assert len(bare) == 0
        assert bare.dtypes.to_dict() == filled.dtypes.to_dict()
        assert bare.attrs == {MARK: True, "vault": "empty", "as_of": None, "unlisted": 0, "more": 0}
        assert filled.attrs["as_of"] == "2020-01-02T00:00:00+00:00"
    with pytest.raises(InputError, match="No inventory"):
        empty.diff()


def test_an_empty_vault_says_what_to_do(glacier, notes):
    """No table of it is without a footer."""
    glacier("create", "empty")
    for words in (("ls",), ("find", "x"), ("du",), ("duplicates",)):
        assert len(glacier(*words, "--vault", "empty")) == 0
        assert "no inventory read yet" in notes[0]
    for words in (("ls",), ("ls", "x"), ("find", "x"), ("du",)):
        glacier(*words, "--vault", "empty")
        assert notes[0].startswith("empty: no archive, no inventory read yet")
        assert notes[0].endswith("%glacier inventory requests an inventory: about four hours.")
    read(glacier.console.session.catalogue, {}, FIRST, "empty")
    assert len(glacier("ls", "--vault", "empty")) == 0
    assert notes[0].startswith("empty: no archive, as of the inventory of 2020-01-01 00:00 UTC")
    assert notes[0].endswith(" old.")
