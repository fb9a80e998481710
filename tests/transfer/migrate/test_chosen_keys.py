"""Keys that people choose are legal, distinct and safe, whatever the names of the archives are."""

from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.base.bucket_names import BucketFolder
from glacier_magic.errors import InputError, LocalError
from glacier_magic.transfer.migrate.chosen_keys import FIELDS, ChosenKeys, check_given
from glacier_magic.transfer.migrate.object_keys import keys
from tests.transfer.migrate.test_object_keys import ARCHIVES, archive, legal

PLACE = BucketFolder("bucket", "p/")
TEMPLATES = ["{created:%Y}/{name}", "{tree_hash}", "{folder}/{size} {file}", "{{{archive_id}}}", "{modified}"]


def template(text):
    return ChosenKeys.of(PLACE, None, text, None)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("{created:%Y}/{name}", "2020/d/a.txt"),
        ("{created}/{created:%H h, %j}", "2020-01-02/00 h, 002"),
        ("{vault}//{folder}/{size}-{file}", "photos/d/4-a.txt"),
        ("{modified:%Y}/{tree_hash}", "unknown/" + "3".zfill(64)),
        ("{{name}} {archive_id}", "{name} id001" + "x" * 133),
    ],
)
def test_a_template(text, key):
    """Its fields are replaced, and what is not known is called so."""
    assert template(text).key(archive(1, "d/a.txt", content=3, created=1), "p/") == f"p/{key}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "all",
        "{}",
        "{0}",
        "{name",
        "{name.__class__}",
        "{name[0]}",
        "{name!r}",
        "{name:>1000000000}",
        "{created:{name}}",
        "{created:%c}",
        "{created:%Y%}",
        "{created.__init__.__globals__}",
        "{archive}",
        "../{name}",
        "a/./{name}",
    ],
)
def test_a_template_that_makes_no_keys(text):
    """It is refused before anything is looked at."""
    with pytest.raises(InputError, match="is no template of keys"):
        template(text)


@given(ARCHIVES, st.sampled_from(TEMPLATES), st.sampled_from(["{created.year}", "{0}", "{{", "%Y", "}"]))
def test_a_template_makes_legal_distinct_keys_of_any_names(made, text, hostile):
    """A name is never read as a template; the keys do not depend on the order."""
    choice = template(text)
    archives = [
        archive(n, name + hostile, content, created) for n, (name, content, created) in enumerate(made)
    ]
    found = keys(archives, "p/", plain=choice.keys(archives, "p/"))
    contents = {}
    for each, key in zip(archives, found, strict=True):
        assert legal(key)
        assert key.startswith("p/")
        assert contents.setdefault(key, each.bytes_key) == each.bytes_key
        assert choice.why(each, key, "p/") or key == "p/" + each.file_name.lstrip("/")
    archives.reverse()
    assert keys(archives, "p/", plain=choice.keys(archives, "p/")) == found[::-1]


def table(rows, columns=("archive_id", "key")):
    return pd.DataFrame(rows, columns=list(columns))


def test_keys_by_archive(tmp_path):
    """A dict, a DataFrame, and files of either form say the same; other columns are not read."""
    wanted = {"id1": "p/a", "007": "p/b/ö"}
    frame = table([(*pair, 1) for pair in wanted.items()], ("archive_id", "key", "size"))
    frame.to_csv(tmp_path / "keys.csv", index=False)
    frame.to_parquet(tmp_path / "keys.parquet")
    for keys_ in (wanted, frame, tmp_path / "keys.csv", str(tmp_path / "keys.parquet")):
        assert ChosenKeys.of(PLACE, keys_, None, None).given == wanted


@pytest.mark.parametrize(
    "key",
    [
        "",
        "p/",
        "/p/a",
        "p//a",
        "p/../a",
        "p/.",
        "p/a\n",
        "p/.glacier_magic/a",
        "q/a",
        "p/" + "é" * 512,
        None,
        7,
        float("nan"),
    ],
)
def test_a_key_that_s3_does_not_have(key):
    """Or that is not below the prefix."""
    with pytest.raises(InputError, match=r"key"):
        ChosenKeys.of(PLACE, table([("id1", key)]), None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        table([("id1",)], ["archive_id"]),
        table([("p/a",)], ["key"]),
        table([("id1", "p/a"), ("id1", "p/b")]),
        table([(None, "p/a")]),
        ["id1"],
    ],
)
def test_a_table_that_has_no_keys(wrong):
    """Columns that are missing, and archives with two keys."""
    with pytest.raises(InputError, match="table of keys"):
        ChosenKeys.of(PLACE, wrong, None, None)


def test_a_file_that_has_no_keys(tmp_path):
    """It is missing, or no table."""
    with pytest.raises(LocalError):
        ChosenKeys.of(PLACE, tmp_path / "none.csv", None, None)
    (tmp_path / "keys.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError):
        ChosenKeys.of(PLACE, tmp_path / "keys.parquet", None, None)


def test_archives_that_are_unknown_or_differ():
    """One key is for the same bytes alone."""
    first, same, other = (archive(n, f"n{n}", content=n // 2) for n in range(3))
    there = {each.archive_id: each for each in (first, same, other)}
    check_given({first.archive_id: "p/a", same.archive_id: "p/a", "gone": "p/b"}, there, {"gone"})
    with pytest.raises(InputError, match="does not have"):
        check_given({"gone": "p/a"}, there, ())
    with pytest.raises(InputError, match="whose bytes differ"):
        check_given({first.archive_id: "p/a", other.archive_id: "p/a"}, there, ())


@pytest.mark.parametrize("text", ["", "a/b", "a\\b", "\n", "x" * 65])
def test_a_suffix_that_is_none(text):
    """It has no slashes, control characters or great length."""
    with pytest.raises(InputError, match="suffix"):
        ChosenKeys.of(PLACE, None, None, text)


def test_why_a_key_is_not_the_name():
    """Each change has its reason."""
    plain, choice = archive(0, "d/a.txt"), ChosenKeys(suffix="-2")
    assert choice.why(plain, "p/d/a.txt", "p/") == ""
    assert choice.why(archive(0, "/d/a.txt"), "p/d/a.txt", "p/") == ""
    assert choice.why(plain, "p/d/a-2.txt", "p/") == "another object has the key"
    assert choice.why(plain, "p/d/a (2020-01-01 id000x).txt", "p/") == "others have the name"
    for name, why in (
        ("", "there is no name"),
        ("C:\\a", "the name has parts that no key has"),
        ("x" * 1100, "the name is too long"),
    ):
        each = replace(plain, name=name, description=name)
        assert choice.why(each, choice.key(each, "p/"), "p/") == why
    assert ChosenKeys({plain.archive_id: "p/x"}).why(plain, "p/x", "p/") == "given"
    assert template("{file}").why(plain, "p/a.txt", "p/") == "by the template"


def test_every_field_has_a_value():
    """So that no template fails after it was accepted."""
    made = archive(1, "a")
    known = replace(made, mtime=int(datetime(2019, 4, 27, tzinfo=UTC).timestamp() * 1000))
    for each in (known, replace(made, created=None, size=None, tree_hash=None)):
        for name in FIELDS:
            assert legal(template(f"{{{name}}}").key(each, ""))
