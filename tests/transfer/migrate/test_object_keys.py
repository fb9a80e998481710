"""Keys are legal, distinct and the same in any order; an archive that has one keeps it."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_magic.base.bucket_names import BucketFolder
from glacier_magic.catalogue import ArchiveRecord
from glacier_magic.errors import InputError
from glacier_magic.transfer.migrate.object_keys import (
    LONGEST,
    folder_for_keys,
    key_of,
    keys,
    labels,
    usual_keys,
)

LONG = ["é" * 700, "x/" * 600 + "a.txt", "x" * 1100 + ".txt", "😀" * 255 + ".tar", "a." + "é" * 600]
USUAL = ["a", "a.txt", "b/a.txt", "../a", "", "/", "C:\\a\\b", "a (2020-01-01 id000x).txt"]
NAMES = st.one_of(st.sampled_from(USUAL + LONG), st.text(max_size=20))
ARCHIVES = st.lists(st.tuples(NAMES, st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12)


def archive(number, name="a.txt", content=0, created=0, description=None):
    return ArchiveRecord(
        vault="photos",
        archive_id=f"id{number:03}" + "x" * 133,
        name=name,
        description=name if description is None else description,
        format="plain",
        mtime=None,
        size=1 + content,
        created=1_577_836_800_000 + created * 86_400_000,
        tree_hash=f"{content:064x}",
        state="listed",
        seen=None,
    )


def legal(key):
    parts = key.split("/")
    return 1 <= len(key.encode()) <= LONGEST and not {"", ".", ".."} & set(parts)


@given(ARCHIVES, st.sampled_from(["", "scans/", "p/q/"]), st.randoms())
def test_keys_are_legal_distinct_and_stable(made, prefix, order):
    """The same key is the same name and bytes; in any order, and when a part of them has its key."""
    archives = [archive(n, name, content, created) for n, (name, content, created) in enumerate(made)]
    found = dict(zip((each.archive_id for each in archives), keys(archives, prefix), strict=True))
    assert all(legal(key) and key.startswith(prefix) for key in found.values())
    contents = {}
    for each in archives:
        assert contents.setdefault(found[each.archive_id], each.bytes_key) == each.bytes_key
    shuffled = order.sample(archives, len(archives))
    assert keys(shuffled, prefix) == [found[each.archive_id] for each in shuffled]
    some = {each.archive_id: found[each.archive_id] for each in shuffled[: len(shuffled) // 2]}
    taken = {found[each.archive_id]: each.bytes_key for each in archives if each.archive_id in some}
    again = keys(archives, prefix, fixed=some, taken=taken)
    assert all(legal(key) for key in again)
    later = dict(zip((each.archive_id for each in archives), again, strict=True))
    assert {each: later[each] for each in some} == some
    for each in archives:
        assert taken.get(later[each.archive_id], each.bytes_key) == each.bytes_key


@settings(max_examples=10)
@given(st.integers(0, 2**32).map(Random))
def test_keys_stay_over_three_runs(order):
    """In any order, of 1,000 archives, 120 of which have the name of another, and 50 its bytes, too."""
    archives = [archive(n, f"d{n % 7}/{n:03}.tif", content=n, created=n % 90) for n in range(880)]
    for n in range(880, 1000):
        other = archives[n - 880]
        archives.append(archive(n, other.name, content=n if n < 950 else n - 880, created=n % 90))
    runs, moved = [], {}
    for _ in range(3):
        order.shuffle(archives)
        taken = dict(moved.values())
        fixed = {each: key for each, (key, _) in moved.items()}
        found = keys(archives, "p/", fixed=fixed, taken=taken)
        runs.append(dict(zip((each.archive_id for each in archives), found, strict=True)))
        done = order.sample(archives, 300)  # then it is interrupted
        moved |= {each.archive_id: (runs[-1][each.archive_id], each.bytes_key) for each in done}
    assert runs[0] == runs[1] == runs[2]
    assert len(set(runs[0].values())) == 950


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("scans/a.tif", "scans/a.tif"),
        ("C:\\scans\\a.tif", "scans/a.tif"),
        ("//srv/./x/../a", "srv/x/a"),
        ("http://srv/drive c:/a", "http:/srv/drive c:/a"),
        ("a\nb\x00", "a_b_"),
        ("CON/nul ", "CON/nul "),
        (".glacier_magic/proofs/a", "_glacier_magic/proofs/a"),
        ("../..", "unnamed/id000" + "x" * 133),
    ],
)
def test_what_becomes_of_a_name(name, key):
    """S3 is no file system: only what it cannot have is changed."""
    assert key_of(replace(archive(0), name=name, description="other"), "p/") == f"p/{key}"


@given(ARCHIVES, st.sampled_from(["", "scans/"]))
def test_keys_of_many_names_are_those_of_each(made, prefix):
    """Names of which nothing is changed are looked at together."""
    archives = [archive(n, name, content, created) for n, (name, content, created) in enumerate(made)]
    assert usual_keys(archives, prefix) == [key_of(each, prefix) for each in archives]
    for each in archives:
        assert usual_keys([each], prefix) == [key_of(each, prefix)]


def test_the_newest_has_the_name():
    """The others have their date and the beginning of their id before the suffix."""
    archives = [archive(n, "d/a.tar.gz", content=n, created=n) for n in range(3)]
    assert keys(archives) == [
        "d/a.tar (2020-01-01 id000x).gz",
        "d/a.tar (2020-01-02 id001x).gz",
        "d/a.tar.gz",
    ]


@given(st.text(max_size=1024), NAMES)
def test_metadata_is_what_headers_can_have(description, name):
    """Plain ASCII without spaces around it, 2 KB at most; and no more is said than is known."""
    found = labels(archive(1, name, description=description))
    assert all(value == value.strip() and value.isascii() and value.isprintable() for value in found.values())
    assert sum(len(each) for pair in found.items() for each in pair) <= 2048


@pytest.mark.parametrize(
    "url", ["bucket/p", "s3://", "s3://B/p", "s3://bucket/a//b", "s3://bucket/../b", "http://bucket"]
)
def test_a_place_that_is_none(url):
    """Nothing is asked of S3 for it."""
    with pytest.raises(InputError):
        folder_for_keys(url)


def test_places():
    """With a prefix and without."""
    assert folder_for_keys("s3://bucket/a/b/") == BucketFolder("bucket", "a/b/")
    assert folder_for_keys("s3://bucket").name == "s3://bucket"
