"""Conditions: what they mean is what Python makes of them, and nothing else gets through."""

import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_magic.base.session_limits import Limits
from glacier_magic.catalogue import Catalogue, Scope
from glacier_magic.catalogue.archives import where
from glacier_magic.errors import InputError
from tests.catalogue import archive_record

NAMES = ["a.txt", "A.TXT", "b/ä.txt", "b/c's.tif", 'say "hi"', "100%_done", "x" * 40, ""]
DAY = 86_400_000


def archives():
    for number in range(48):
        described = archive_record(
            NAMES[number % len(NAMES)],
            number,
            size=None if number % 11 == 5 else number**4 * 100,
            created=None if number % 7 == 3 else 1_400_000_000_000 + number * 40 * DAY,
            tree_hash=f"{number:064x}",
            state="unknown" if number % 2 else "pending",
        )
        modified = None if number % 5 == 2 else 1_300_000_000_000 + number * 60 * DAY
        yield replace(described, mtime=modified)


@pytest.fixture(scope="module")
def catalogue(new_place):
    made = Catalogue(new_place(), Scope("1" * 12, "eu-west-1"))
    with made.database.transaction():
        for archive in archives():
            made.archives.record(archive)
    yield made
    made.close()


def found(catalogue, text):
    return {a.archive_id for a in catalogue.archives.query("photos", where=text).records}


def expected(test):
    return {a.archive_id for a in archives() if test(a)}


SIGNS = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<>": lambda a, b: a != b,
}


def quoted(text, mark="'"):
    return mark + text.replace(mark, mark * 2) + mark


@st.composite
def sizes(draw):
    sign = draw(st.sampled_from(sorted(SIGNS)))
    text, value = draw(
        st.sampled_from(
            [
                ("1e6", 1e6),
                ("1GB", 10**9),
                ("16 MiB", 16 << 20),
                ("0", 0),
                ("1_000_000", 10**6),
                ("2.5kB", 2500),
                ("'1.5 MB'", 1_500_000),
                ("1600", 1600),
            ]
        )
    )
    if draw(st.booleans()):
        return f"size {sign} {text}", lambda a: a.size is not None and SIGNS[sign](a.size, value)
    return f"{text} {sign} size", lambda a: a.size is not None and SIGNS[sign](value, a.size)


@st.composite
def times(draw):
    sign = draw(st.sampled_from(sorted(SIGNS)))
    year, month = draw(st.integers(2013, 2020)), draw(st.integers(1, 12))
    day = draw(st.integers(1, 28))
    text, start, end = draw(
        st.sampled_from(
            [
                (f"{year}", (year, 1, 1), (year + 1, 1, 1)),
                (f"{year}-{month:02}", (year, month, 1), (year + month // 12, month % 12 + 1, 1)),
                (f"{year}-{month:02}-{day:02}", (year, month, day), None),
            ]
        )
    )
    first = datetime(*start, tzinfo=UTC)
    last = datetime(*end, tzinfo=UTC) if end else first + timedelta(days=1)
    low, high = (round(moment.timestamp() * 1000) for moment in (first, last))

    field, attribute = draw(st.sampled_from([("created", "created"), ("modified", "mtime")]))

    def test(a):
        time = getattr(a, attribute)
        if time is None:
            return False
        if sign in ("=", "=="):
            return low <= time < high
        if sign in ("!=", "<>"):
            return not low <= time < high
        bound = low if sign in ("<", ">=") else high
        return time < bound if sign in ("<", "<=") else time >= bound

    return f"{field} {sign} {draw(st.sampled_from([text, quoted(text)]))}", test


@st.composite
def texts(draw):
    name = draw(st.sampled_from(NAMES))
    mark = draw(st.sampled_from("'\""))
    kind = draw(st.sampled_from(["=", "<", "in", "not in", "like", "glob", "state"]))
    if kind == "in":
        return f"name in ({quoted(name, mark)}, 'no')", lambda a: a.name == name
    if kind == "not in":
        return f"name not in ({quoted(name, mark)})", lambda a: a.name != name
    if kind == "like":
        return "name like 'A%T'", lambda a: bool(re.fullmatch("(?is)a.*t", a.name))
    if kind == "glob":
        return "name glob '*.t[xy]t'", lambda a: a.name.endswith((".txt", ".tyt"))
    if kind == "state":
        return "state = 'pending'", lambda a: a.state == "pending"
    return f"name {kind} {quoted(name, mark)}", lambda a: SIGNS[kind](a.name, name)


def joined(children):
    def both(pair):
        (one, first), (two, second) = pair
        return f"({one}) AND {two}", lambda a: first(a) and second(a)

    def either(pair):
        (one, first), (two, second) = pair
        return f"({one} or {two})", lambda a: first(a) or second(a)

    def opposite(one):
        return f"not ({one[0]})", lambda a: not one[1](a)

    pairs = st.tuples(children, children)
    return (
        pairs.map(either)
        | children.map(opposite)
        | pairs.map(lambda p: both(((p[0][0], p[0][1]), (f"({p[1][0]})", p[1][1]))))
    )


CONDITIONS = st.recursive(sizes() | times() | texts(), joined, max_leaves=6)


@settings(max_examples=300, deadline=None)
@given(condition=CONDITIONS)
def test_a_condition_means_what_python_makes_of_it(catalogue, condition):
    """With and, or, not, missing values, times as spans, and sizes with units."""
    text, test = condition
    assert found(catalogue, text) == expected(test)


@settings(max_examples=300, deadline=None)
@given(
    text=st.text(max_size=40)
    | st.lists(
        st.sampled_from(
            [
                "name",
                "size",
                "<",
                "=",
                "'",
                "x",
                "(",
                ")",
                "in",
                "not",
                "1",
                ",",
                "--",
                ";",
                "like",
                "and",
                "2016",
                "is",
                "null",
                '"',
                "created",
            ]
        ),
        max_size=12,
    ).map(" ".join)
)
def test_anything_else_is_refused(catalogue, text):
    """Any text has a meaning or raises a WhereError, never an error of the database."""
    with suppress(where.WhereError):
        found(catalogue, text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("size > ", "a field or a value is missing"),
        ("size >> 1", "a field or a value is missing"),
        ("colour = 'red'", "no field 'colour'"),
        ("size > 'red'", "not a number of bytes"),
        ("created < 'soon'", "not a time"),
        ("created < '2016-13'", "not a time"),
        ("name = 'a'; DROP TABLE archive_rows", "';' is not understood"),
        ("name = 'a' name = 'b'", "and or or is missing"),
        ("(size > 1", ") is missing"),
        ("1 < 2", "a field and a value"),
        ("size like '1%'", "does not go with size"),
        ("name in ()", "a field or a value is missing"),
        ("(" * 500 + "size>1" + ")" * 500, "nested too deeply"),
        ("name", "a comparison is missing"),
    ],
)
def test_the_error_says_what_and_where(catalogue, text, what):
    """It names the mistake and shows a correct condition."""
    with pytest.raises(InputError, match=f"{re.escape(what)}.*⟨here⟩") as caught:
        found(catalogue, text)
    assert "size > 1GB" in caught.value.cure


def test_a_range_is_written_as_in_mathematics(catalogue):
    """Python's chained comparison."""
    assert found(catalogue, "1kB < size <= 1MB") == expected(
        lambda a: a.size is not None and 1000 < a.size <= 10**6
    )


def test_what_is_missing_is_asked_for(catalogue):
    """As in SQL."""
    assert found(catalogue, "size is null") == expected(lambda a: a.size is None)
    assert found(catalogue, "size is not none") == expected(lambda a: a.size is not None)
    assert found(catalogue, "modified is null") == expected(lambda a: a.mtime is None)


def test_a_condition_on_an_unknown_time_is_false(catalogue):
    """Whether before or after; not() is true for it."""
    known = expected(lambda a: a.mtime is not None)
    assert found(catalogue, "modified < 2015 or modified >= 2015") == known
    assert found(catalogue, "not (modified < 2015)") > found(catalogue, "modified >= 2015")


@pytest.mark.parametrize("few", [10_000, 1])
def test_archives_are_sorted_by_when_their_file_was_modified(catalogue, few):
    """Unknown times come first, in the reverse order last."""
    catalogue.database.limits = Limits(few_rows=few)
    times = [a.mtime for a in catalogue.archives.query("photos", sort="modified").records]
    assert times == sorted(times, key=lambda time: time or 0)
    times = [a.mtime for a in catalogue.archives.query("photos", "*t", sort="-modified").records]
    assert times == sorted(times, key=lambda time: -(time or 0))
    frame = catalogue.archives.frame("photos", where="modified < 2013", sort="-modified")
    assert list(frame.columns[:4]) == ["name", "size", "created", "modified"]
    assert frame["modified"].notna().all()
    assert frame["modified"].max() < pd.Timestamp("2013", tz="UTC")
    assert catalogue.archives.frame("photos")["modified"].isna().any()
    with pytest.raises(InputError, match=r"There is no column 'mtime' to sort by.*modified"):
        catalogue.archives.query("photos", sort="mtime")


def test_a_tree_hash_is_compared_as_it_is_shown(catalogue):
    """In either case."""
    assert found(catalogue, f"tree_hash = '{10:064X}'") == {f"{10:0138}"}


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("2016-02", 29 * DAY),
        ("2016", 366 * DAY),
        ("2016-05-17T12:30Z", 60_000),
        ("2016-05-17 12:30:01", 1_000),
        ("2016-05-17T12:30:01.250Z", 1),
        ("9999", 366 * DAY),
    ],
)
def test_a_time_is_as_long_as_it_is_vague(text, milliseconds):
    """A year, a month, a minute, a millisecond."""
    start, end = where.time_span(text)
    assert end - start == milliseconds
