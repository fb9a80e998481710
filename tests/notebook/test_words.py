"""A magic's line becomes the words the user meant."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.commands import VERBS
from glacier_magic.errors import InputError
from glacier_magic.notebook.completion import quoted
from glacier_magic.notebook.words import expand, split

NAMES = {"fs": ["a b.txt", "c.txt"], "x": "my vault", "n": 3, "d": {"k": "v w"}}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  upload  a.txt ", ["upload", "a.txt"]),
        ("upload 'a b.txt' \"c d\"", ["upload", "a b.txt", "c d"]),
        ("upload a\\ b.txt", ["upload", "a b.txt"]),
        ("upload v;", ["upload", "v"]),
        ("upload #1.txt", ["upload", "#1.txt"]),
        ("upload $fs --vault $x", ["upload", "a b.txt", "c.txt", "--vault", "my vault"]),
        ("upload {fs}", ["upload", "a b.txt", "c.txt"]),
        ("upload {fs[0]} {x}/y$n", ["upload", "a b.txt", "my vault/y3"]),
        ("ls {d['k']}", ["ls", "v w"]),
        ("ls {'a b'.upper()}", ["ls", "A B"]),
        ("ls '$x {nope}'", ["ls", "$x {nope}"]),
        ("ls $$x {{y}}", ["ls", "$x", "{y}"]),
        ('ls "$x"', ["ls", "my vault"]),
        ("ls ''", ["ls", ""]),
        ("rm id:-abc -Xyz", ["rm", "id:-abc", "-Xyz"]),
        ("ls '*'é😀", ["ls", "*é😀"]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    """Quotes keep spaces, names are filled in word by word, lists become several words."""
    assert expand(split(line), NAMES) == words


@pytest.mark.parametrize(
    ("line", "part"),
    [("ls 'a", "quotation"), ('ls "a', "quotation"), ("ls {a", "brace"), ("ls {nope}", "nope")],
)
def test_a_line_that_makes_no_words_says_why(line: str, part: str) -> None:
    """An open quotation or brace and an unknown name are input errors that name the trouble."""
    with pytest.raises(InputError, match=part):
        expand(split(line), NAMES)


@given(st.lists(st.text(st.characters(blacklist_categories=("Cs",)), min_size=1), max_size=4))
def test_a_quoted_line_gives_back_its_words(words: list[str]) -> None:
    """What shlex quotes, split takes apart again, whatever the words hold."""
    line = " ".join(f"'{word}'" if "'" not in word else shlex.quote(word) for word in words)
    assert expand(split(line), {}) == words


def test_what_is_filled_in_is_a_value_and_never_an_option() -> None:
    """A name from a vault that spells an option does not become one."""
    words = expand(split("rm $doomed {one} --vault v"), {"doomed": ["a", "--yes"], "one": "-x"})
    parsed = VERBS["rm"].parse("%glacier", words[1:])
    assert parsed.archives == ["a", "--yes", "-x"]
    assert parsed.yes is False
    assert parsed.vault == "v"


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1).filter(str.isprintable))
def test_a_completed_name_is_one_word_whatever_it_holds(name: str) -> None:
    """Nothing in a stranger's name ends the quotation, is filled in, or becomes an option."""
    line = " ".join(["rm", *(quoted(name, mark) for mark in ("", "'", '"'))])
    assert expand(split(line), {"x": "filled"}) == ["rm", name, name, name]
