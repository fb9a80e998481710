"""Labels of archives: what can be one, and which archives a condition finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.catalogue import Catalogue, Scope
from glacier_magic.catalogue.archives.labels import changed, checked_label, checked_note, labels_in
from glacier_magic.errors import InputError
from tests.catalogue import archive_record

HERE = Scope("111111111111", "eu-west-1")
GIVEN = ("", "db", "a db", "dbx", "x-db y", "%", "_", "d*", "'", "caf\u00e9", "DB")


@pytest.fixture(scope="module")
def catalogue(new_place):
    made = Catalogue(new_place(), HERE)
    for number, labels in enumerate(GIVEN):
        made.archives.record(archive_record(f"{number}", number, size=number, labels=labels, state="listed"))
    yield made
    made.close()


@pytest.mark.parametrize(
    "label", ["db", "a", "d", "%", "_", "d*", "b y", "''", "caf\u00e9", "cafe\u0301", "DB", "none"]
)
def test_a_condition_finds_whole_labels_alone(catalogue, label):
    """In both databases, whatever characters they have; its opposite finds all others."""
    plain = label.replace("''", "'").replace("e\u0301", "\u00e9")
    expected = [number for number, labels in enumerate(GIVEN) if plain in labels.split()]

    def found(where):
        return sorted(one.size for one in catalogue.archives.query("photos", where=where).records)

    assert found(f"labels = '{label}'") == expected
    assert found(f"labels in ('{label}', 'nobody')") == expected
    assert found(f"labels <> '{label}'") == [n for n in range(len(GIVEN)) if n not in expected]
    assert found(f"size > 2 and labels = '{label}'") == [n for n in expected if n > 2]


@given(st.text(max_size=120))
def test_what_can_be_a_label_stays_the_same(text):
    """And what a text has of them can be stored and read as a set."""
    for each in labels_in(text).split(" ") if labels_in(text) else ():
        assert checked_label(each) == each
    assert labels_in(labels_in(text)) == labels_in(text)
    try:
        label = checked_label(text)
    except InputError:
        return
    assert changed("zz", [text], ["zz"]) == label == labels_in(text)


@pytest.mark.parametrize("text", ["", " ", "a b", "a,b", "a\tb", "\x1b[1m", "x" * 101, "\ud800"])
def test_what_is_no_word_is_no_label(text):
    with pytest.raises(InputError, match="cannot be a label"):
        checked_label(text)


def test_a_note_is_one_line_of_text():
    assert checked_note(" two\nlines ") == "two lines"
    for text in ("\x1b[1m", "x" * 1001):
        with pytest.raises(InputError):
            checked_note(text)
