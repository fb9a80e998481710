"""Queries: globs, texts, order, pages, folders and duplicates, compared with Python."""

import re
from contextlib import contextmanager
from unicodedata import normalize

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_magic.base import dataframes
from glacier_magic.base.session_limits import Limits
from glacier_magic.catalogue import Catalogue, Scope
from glacier_magic.catalogue.archives import archive_frames, query
from glacier_magic.catalogue.archives.patterns import literals
from glacier_magic.errors import InputError
from tests.catalogue import archive_record, mark_deleted

HERE = Scope("111111111111", "eu-west-1")
NAMES = [
    "a",
    "A",
    "a/b",
    "a/b/c.txt",
    "a/b/d.TXT",
    "ab/c",
    "a[1]/x",
    "a*b",
    "a?b",
    "a]b",
    "a^b",
    "äöü/ß",
    "ÄÖÜ/x",
    "/root/a",
    "//b",
    "a//b",
    "x/",
    "",
    "100%",
    "back\\slash",
    'quo"te',
    "it's",
    "ab" * 30,
    "😀/😀.jpg",
    "a/b/c.txt",
    "Straße/Übung.txt",
    "STRASSE 7",
    "kasse/Fussßn",
    "re\u0301sume\u0301.PDF",
    "résumé.pdf",
    "re\u0301sume\u0301.pdf",
    "re\u0301sumé.pdf",
    "\u304b\u3099/a",
    "\u304c/b",
    "\u304c",
    "\u041f\u0438\u0306д/Письмо",
    "ΟΔΟΣ οδός",
    "5 \N{MICRO SIGN}m İstanbul",
    "scans[1]/a",
    "win\\2021\\b/c",
]


def archive(number, name, **known):
    values = {"size": number % 7, "created": 1_000_000 - number, "tree_hash": f"{number % 9:064x}"}
    return archive_record(name, number, **(values | known))


@pytest.fixture(scope="module")
def catalogue(new_place):
    made = Catalogue(new_place(), HERE)
    with made.database.transaction():
        for number, name in enumerate(NAMES * 3):
            made.archives.record(archive(number, name))
        made.archives.record(archive(999, "a/b", vault="other"))
    yield made
    made.close()


@pytest.fixture(params=["few", "many", "none indexed"])
def way(request, catalogue, monkeypatch):
    """Every way to an answer gives the same one."""
    if request.param == "none indexed":
        monkeypatch.setattr(type(catalogue.database), "searchable", False)
    with few_rows(catalogue, 0 if request.param == "many" else Limits.few_rows):
        yield request.param


@contextmanager
def few_rows(catalogue, count):
    """Let so many rows be few while the block runs."""
    catalogue.database.limits = Limits(few_rows=count)
    yield
    catalogue.database.limits = catalogue.limits


def numbers(page):
    return [int(record.archive_id) for record in page.records]


def in_order(test):
    found = [(name, -number, number) for number, name in enumerate(NAMES * 3) if test(name)]
    return [number for *_, number in sorted(found, key=lambda row: (row[0].encode(), row[1]))]


def like_glob(pattern):
    """Return a regular expression for SQLite's GLOB, None for one that matches nothing."""
    found, place = "", 0
    while place < len(pattern):
        char = pattern[place]
        if char == "[":
            end = pattern.find("]", place + 2 + (pattern[place + 1 : place + 2] == "^"))
            if end < 0:
                return None
            inside = pattern[place + 1 : end]
            negated = inside.startswith("^")
            found += f"[{'^' * negated}{re.escape(inside[negated:])}]"
            place = end
        else:
            found += {"*": ".*", "?": "."}.get(char, re.escape(char))
        place += 1
    return re.compile(found, re.DOTALL)


@settings(max_examples=150, deadline=None)
@given(
    pattern=st.text("ab/*?[]^cxtT.ä1", min_size=1, max_size=8)
    | st.lists(
        st.sampled_from(
            ["r", "é", "e\u0301", "e", "\u0301", "sum", "*", "?", ".pdf", "[é]", "[^é]", "\u304c", "/"]
        ),
        min_size=1,
        max_size=8,
    ).map("".join)
)
@pytest.mark.parametrize("few", [10_000, 1])
def test_a_glob_matches_what_its_characters_say(catalogue, few, pattern):
    """A star crosses slashes, case counts, characters are composed, and the order is by name, then age."""
    with few_rows(catalogue, few):
        found = numbers(catalogue.archives.query("photos", pattern))
    pattern, names = normalize("NFC", pattern), [normalize("NFC", name) for name in NAMES]
    inside = re.compile(re.escape(pattern) + (".*" if pattern.endswith("/") else r"[/\\].*"), re.DOTALL)
    expression = like_glob(pattern)
    if not {"*", "?"} & set(pattern):  # a name or a folder that is spelled exactly so
        if pattern in names and not pattern.endswith("/"):
            expression = re.compile(re.escape(pattern))
        elif "[" not in pattern or pattern.endswith("/") or any(map(inside.fullmatch, names)):
            expression = inside
    assert found == in_order(lambda name: expression and expression.fullmatch(normalize("NFC", name)))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("résumé.pdf", 3),
        ("name:résumé.pdf", 3),
        ("rés*", 4),
        ("*mé.p*", 3),
        ("r?sum?.pdf", 3),
        ("\u304c/", 2),
        ("\u304c", 1),
    ],
)
def test_names_that_read_the_same_are_all_found(catalogue, way, word, count, form):
    """Composed, decomposed or mixed, however they are typed; a page has the order of the whole."""
    asked = normalize(form, word)
    found = numbers(catalogue.archives.query("photos", asked))
    assert len(found) == 3 * count
    assert numbers(catalogue.archives.query("photos", asked, limit=2, offset=1)) == found[1:3]
    if "*" not in word:
        assert len(catalogue.archives.matching("photos", asked.removeprefix("name:"))) == 3 * count


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("name = 'résumé.pdf'", 3),
        ("description = 'résumé.pdf'", 3),
        ("name in ('résumé.pdf', 'a')", 4),
        ("name like 'RéSUM_.pdf'", 4),
        ("name glob '*é.p[d]f' and not name = 'é'", 3),
        ("name <> 'résumé.pdf' and name glob 'r?sum*'", 1),
    ],
)
def test_conditions_compare_texts_as_they_read(catalogue, way, condition, count, form):
    found = catalogue.archives.query("photos", where=normalize(form, condition))
    assert len(found.records) == 3 * count


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_folders_that_read_the_same_are_all_added_up(catalogue, form):
    found = catalogue.archives.du("photos", normalize(form, "\u304c"), 0)
    assert [folder.archives for folder in found] == [3, 3]


@settings(max_examples=100, deadline=None)
@given(pattern=st.text("ab*?[]^", max_size=8), name=st.sampled_from(NAMES))
def test_what_a_pattern_holds_is_in_all_that_match(pattern, name):
    """Otherwise the search index would miss names."""
    expression = like_glob(pattern)
    if expression and expression.fullmatch(name):
        prefix, *others = literals(pattern)
        assert name.startswith(prefix)
        assert all(text in name for text in others)


def folded(text):
    """Return what people read, by Unicode's definition of a caseless match."""
    return normalize("NFC", normalize("NFD", text).casefold())


def holds(text):
    """Return the test of names that have all words of a text, in any order."""
    return lambda name: all(folded(word) in folded(name) for word in text.split())


@settings(max_examples=100, deadline=None)
@given(
    start=st.integers(0, 9),
    length=st.integers(1, 9),
    name=st.sampled_from(NAMES).filter(bool),
    few=st.sampled_from([10_000, 1]),
)
def test_a_text_is_found_wherever_it_is(catalogue, start, length, name, few):
    """Short or long, wildcards meaning themselves, in either case, composed or not."""
    text = name[start : start + length].strip() or name
    for spelled in (text, text.upper(), text.lower(), normalize("NFC", text), normalize("NFD", text)):
        with few_rows(catalogue, few):
            found = numbers(catalogue.archives.query("photos", text=spelled))
        assert found == in_order(holds(spelled))


@settings(max_examples=100, deadline=None)
@given(
    text=st.text(
        "äÄa\u0308sSßẞéÉEe\u0301\u03c3ςΣйЙи\u0306iİ\u0131\N{MICRO SIGN}μ /.", min_size=1, max_size=6
    ).filter(str.strip)
)
def test_any_letters_are_found_in_either_case(catalogue, text):
    """With and without a match."""
    assert numbers(catalogue.archives.query("photos", text=text)) == in_order(holds(text))


@pytest.mark.parametrize(
    "text",
    [
        "b/c",
        "ab",
        "C.TXT",
        "äöü",
        "😀",
        "nowhere",
        "it's",
        'o"t',
        "ÄÖÜ ß",
        "txt b/",
        "strasse",
        "STRASS",
        "straße",
        "RÉSUMÉ",
        "re\u0301sume\u0301",
        "sum pdf",
        "ПЙД",
        "οδοσ",
        "μm",
        "İSTANBUL",
        "ssn",
        "resume",
    ],
)
def test_every_way_to_a_text_gives_the_same(catalogue, way, text):
    """With and without a search table, with few hits and with many."""
    found = numbers(catalogue.archives.query("photos", text=text))
    assert found == in_order(holds(text))


def test_a_text_has_words_and_not_too_many(catalogue):
    """All of them must occur, so that none would be everything."""
    for text in (" ", "", " ".join(map(str, range(101)))):
        with pytest.raises(InputError):
            catalogue.archives.query("photos", text=text)
    assert catalogue.archives.query("photos", text=" ".join(map(str, range(100)))).records == ()


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("a/b", {"a/b"}),  # an archive of this name is not a folder
        ("a", {"a"}),
        ("ab", {"ab/c"}),
        ("äöü", {"äöü/ß"}),
        ("x/", {"x/"}),
        ("back", {"back\\slash"}),
        ("win\\2021", {"win\\2021\\b/c"}),
        ("win\\2021\\b", {"win\\2021\\b/c"}),
        ("win\\", {"win\\2021\\b/c"}),
        ("scans[1]", {"scans[1]/a"}),
        ("[ax]", {"a"}),
        ("nowhere", set()),
        ("name:ab", set()),
    ],
)
def test_a_folder_needs_no_slash_unless_an_archive_has_its_name(catalogue, way, word, found):
    """Either slash ends it; brackets that are no name are a pattern."""
    assert {r.name for r in catalogue.archives.query("photos", word).records} == found
    assert {r.name for r in catalogue.archives.matching("photos", word)} == found


@pytest.mark.parametrize("glob", ["a/*", "*.txt", "a/b/*.t?t", "*", "a/b/", "ab*", "[ab]/*"])
@pytest.mark.parametrize("sort", [None, "size", "-created", "size,-name", ["-size", "created"]])
def test_pages_put_together_are_the_whole(catalogue, way, glob, sort):
    """In any order, without gaps or repeated rows; the last page is marked."""
    whole = numbers(catalogue.archives.query("photos", glob, sort=sort))
    found, more = [], True
    while more:
        page = catalogue.archives.query("photos", glob, sort=sort, limit=7, offset=len(found))
        found, more = found + numbers(page), page.more
        assert len(page.records) <= 7
    assert found == whole
    assert len(set(found)) == len(found)


def test_a_sort_is_by_its_columns(catalogue):
    """A hyphen reverses the order."""
    records = catalogue.archives.query("photos", sort="-size, name").records
    assert [(-r.size, r.name) for r in records] == sorted((-r.size, r.name) for r in records)


@pytest.mark.parametrize(
    "asked",
    [
        {"sort": "colour"},
        {"sort": "--size"},
        {"limit": -1},
        {"offset": -1},
        {"states": ["lost"]},
        {"sort": ""},
    ],
)
def test_an_invalid_query_is_refused(catalogue, asked):
    """As an InputError, for every argument."""
    with pytest.raises(InputError):
        catalogue.archives.query("photos", **asked)


def test_names_and_ids_are_addressed(catalogue):
    """The exact name, with its wildcards; the beginning of an id."""
    ask = catalogue.archives.query
    assert {r.name for r in ask("photos", "name:a*b").records} == {"a*b"}
    assert numbers(ask("photos", f"id:{12:0138}")) == [12]
    assert len(ask("photos", "id:0000").records) == len(NAMES) * 3
    assert ask("photos", "id:1").records == ()


def test_a_vault_that_is_not_known_is_empty(catalogue):
    """It is not an error: nothing has been stored or read yet."""
    assert catalogue.archives.query("new").records == ()
    assert catalogue.archives.du("new") == []
    assert len(catalogue.archives.duplicates("new")) == 0
    assert len(catalogue.archives.frame("new")) == 0


def test_a_frame_has_the_columns_and_types_of_every_table(catalogue):
    """With and without rows; its attributes have the date."""
    for glob in ("*", "nothing"):
        found = catalogue.archives.frame("photos", glob, sort="-size")
        assert list(found.columns) == list(dataframes.ARCHIVES)
        old = dataframes.archives(catalogue.archives.matching("photos", glob))
        assert found.dtypes.to_dict() == old.dtypes.to_dict()
        assert found.attrs == {
            dataframes.MARK: True,
            "vault": "photos",
            "as_of": None,
            "more": 0,
            "unlisted": found["state"].eq("pending").sum(),
        }
    found = catalogue.archives.frame("photos", limit=5, sort="created")
    assert len(found) == 5
    assert found.attrs["more"]
    assert found["created"].is_monotonic_increasing
    assert set(found["state"]) == {"pending"}


def test_a_frame_is_the_same_in_whatever_pieces_it_is_read(catalogue, monkeypatch):
    """Also where a limit ends inside one; its texts stay in Arrow's own memory."""
    whole = catalogue.archives.frame("photos", sort="-size,name")
    monkeypatch.setattr(archive_frames, "PIECE", 4)
    pd.testing.assert_frame_equal(catalogue.archives.frame("photos", sort="-size,name"), whole)
    part = catalogue.archives.frame("photos", sort="-size,name", limit=10)
    pd.testing.assert_frame_equal(part, whole.head(10))
    assert part.attrs["more"] == len(whole) - 10
    assert {str(part[name].array.dtype.storage) for name in ("name", "tree_hash")} == {"pyarrow"}


def test_what_a_limit_left_out_is_counted_only_where_it_was_reached(catalogue, monkeypatch):
    """A count reads names once more."""
    asked, number = [], catalogue.database.number

    def watched(sql, values=()):
        asked.append(sql)
        return number(sql, values)

    monkeypatch.setattr(catalogue.database, "number", watched)
    for limit, counts in ((5, 1), (1000, 0)):
        asked.clear()
        found = catalogue.archives.frame("photos", text="b/", limit=limit)
        assert found.attrs["more"] == max(0, len(in_order(lambda name: "b/" in name.lower())) - limit)
        assert sum("OFFSET" in sql for sql in asked) == counts


def test_a_frame_equals_the_records(catalogue):
    """Row for row."""
    found = catalogue.archives.frame("photos")
    records = catalogue.archives.query("photos").records
    assert list(found["name"]) == [r.name for r in records]
    assert list(found["description"]) == [r.description for r in records]
    assert list(found["tree_hash"]) == [r.tree_hash for r in records]
    assert list(found["created"]) == [pd.Timestamp(r.created, unit="ms", tz="UTC") for r in records]


# Folders


def below(path):
    rows = [archive(n, name) for n, name in enumerate(NAMES * 3) if name.startswith(path)]
    return (len(rows), sum(r.size for r in rows), min(r.created for r in rows), max(r.created for r in rows))


@pytest.mark.parametrize("path", ["", "a/", "a/b", "/", "äöü/", "win\\", "win\\2021\\"])
@pytest.mark.parametrize("depth", [0, 1, 5])
def test_folders_are_added_up(catalogue, path, depth):
    """Each with the totals of all below it, the folder itself first."""
    folders = catalogue.archives.du("photos", path, depth)
    path = path if not path or path.endswith(("/", "\\")) else f"{path}/"
    assert folders[0].path == path

    def deep(folder):
        return len(re.findall(r"[/\\]", folder[len(path) :]))

    every = {n[: m.end()] for n in NAMES for m in re.finditer(r"[/\\]", n)} | {""}
    levels = [f for f in every if f.startswith(path) and deep(f) <= depth]
    assert {f.path for f in folders} == set(levels)
    for f in folders:
        assert (f.archives, f.bytes, f.oldest, f.newest) == below(f.path)
        assert f.depth == deep(f.path)


def test_a_backslash_ends_a_folder(catalogue):
    """It is found without one at its end."""
    (folder, *_) = catalogue.archives.du("photos", "win", 2)
    assert (folder.path, folder.archives) == ("win\\", 3)
    paths = [f.path for f in catalogue.archives.du("photos", "win", 2)]
    assert paths == ["win\\", "win\\2021\\", "win\\2021\\b/"]
    assert catalogue.archives.folder_names("photos", "win\\2") == ["win\\2021\\"]


def test_folders_of_an_earlier_version_are_summed_once(new_place):
    """Where a backslash did not end one: when the catalogue is opened."""
    place = new_place()
    made = Catalogue(place, HERE)
    for number, name in enumerate(["win\\a/b", "win\\c", "d"]):
        made.archives.record(archive(number, name))
    whole = made.archives.du("photos", depth=3)
    assert [f.path for f in whole if f.path] == ["win\\", "win\\a/"]
    made.database.execute("DELETE FROM folders WHERE name LIKE ?", ("win%",))
    made.database.execute("DELETE FROM settings WHERE key='folders.ends'")
    made.close()
    for _ in range(2):
        again = Catalogue(place, HERE)
        assert again.archives.du("photos", depth=3) == whole
        again.close()


def test_an_empty_folder_is_left_out(catalogue):
    """Neither is a folder whose archives are all deleted."""
    assert catalogue.archives.du("photos", "no/such") == []
    catalogue.archives.record(archive(1, "z/y", vault="third"))
    mark_deleted(catalogue, f"{1:0138}", "third")
    assert catalogue.archives.du("third") == []


def test_oldest_and_newest_follow_a_deletion(catalogue):
    """Although they cannot be computed from totals alone."""
    for number in range(5):
        catalogue.archives.record(archive(number, f"q/{number}", vault="fourth", created=number))
    mark_deleted(catalogue, f"{0:0138}", "fourth")
    mark_deleted(catalogue, f"{4:0138}", "fourth")
    for folder in catalogue.archives.du("fourth"):
        assert (folder.oldest, folder.newest, folder.archives) == (1, 3, 3)


def test_a_very_deep_name_counts_to_the_folders_that_are_kept(catalogue):
    """A name of slashes must not make hundreds of folders."""
    catalogue.archives.record(archive(1, "/" * 400 + "x", vault="deep"))
    folders = catalogue.archives.du("deep", depth=400)
    assert 20 < len(folders) < 40
    assert {f.archives for f in folders} == {1}


# Duplicates


def test_duplicates_are_grouped_by_content(catalogue):
    """The most bytes wasted first; each group oldest first."""
    groups = [group for _, group in catalogue.archives.duplicates("photos").groupby("group")]
    rows = [archive(n, name) for n, name in enumerate(NAMES * 3)]
    wanted = {}
    for row in rows:
        wanted.setdefault((row.size, row.tree_hash), set()).add(row.archive_id)
    assert {frozenset(group["archive_id"]) for group in groups} == {
        frozenset(ids) for ids in wanted.values() if len(ids) > 1
    }
    wasted = [(len(g) - 1) * g["size"].iloc[0] for g in groups]
    assert wasted == sorted(wasted, reverse=True)
    assert [list(g["wasted"].unique()) for g in groups] == [[n] for n in wasted]
    assert all(g["created"].is_monotonic_increasing for g in groups)


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        (None, "archive_rows_by_name"),
        ("-name,-created", "archive_rows_by_name"),
        ("size", "archive_rows_by_size"),
        ("-size", "archive_rows_by_size"),
        ("created", "archive_rows_by_created"),
        ("-created", "archive_rows_by_created"),
    ],
)
def test_an_order_is_read_from_its_index(backend, catalogue, sort, index):
    """Index and order agree about nulls."""
    with few_rows(catalogue, 0):
        asked = query.statement(catalogue.database, HERE, "photos", query.Query(sort=sort, limit=5))
    database, explain = catalogue.database, "EXPLAIN QUERY PLAN"
    with database.transaction():
        if backend == "postgres":  # of few rows it would sort the ids as well
            explain = "EXPLAIN"
            for way in ("seqscan", "bitmapscan", "sort"):
                database.execute(f"SET LOCAL enable_{way}=off")
        plan = "\n".join(str(row[-1]) for row in database.rows(f"{explain} {asked.sql}", asked.values))
    assert index in plan
    assert not re.search(r"TEMP B-TREE|(?<!Incremental )Sort  \(", plan)
