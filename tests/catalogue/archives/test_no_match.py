"""What is said where nothing matches, with each database."""

import subprocess
import sys

import pytest

from glacier_magic.catalogue import Catalogue, Scope
from glacier_magic.catalogue.archives.no_match import no_match
from glacier_magic.errors.steps import spell_as
from tests.catalogue import archive_record

HERE = Scope("111111111111", "eu-west-1")
NAMES = [
    "Photos/2021/é.jpg",
    "Photos/2021/b.jpg",
    "Photos/c.jpg",
    "win\\Été\\d.jpg",
    "100%_e'f.txt",
    "\x1b[1m/g",
]


@pytest.fixture(scope="module")
def catalogue(new_place):
    made = Catalogue(new_place(), HERE)
    for number, name in enumerate(NAMES):
        made.archives.record(archive_record(name, number))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("Photo", "3 names contain 'Photo': glacier-magic ls '*Photo*' or glacier-magic find Photo."),
        (
            "photos",
            "3 names contain 'photos': glacier-magic find photos. "
            "Photos/ is a folder of 3 archives: glacier-magic ls 'Photos/*'.",
        ),
        (
            "PHOTOS/2021/",
            "2 names contain 'PHOTOS/2021/': glacier-magic find PHOTOS/2021/. "
            "Photos/2021/ is a folder of 2 archives: glacier-magic ls 'Photos/2021/*'.",
        ),
        (
            "e\u0301te\u0301",
            "1 name contains 'e\u0301te\u0301': glacier-magic find 'e\u0301te\u0301'. "
            "win\\Été\\ is a folder of 1 archive: glacier-magic ls 'win\\Été\\*'.",
        ),
        ("2021*.JPG", "2 names contain '2021' and '.JPG': glacier-magic find 2021 .JPG."),
        ("%_E'", "1 name contains \"%_E'\": glacier-magic find '%_E'\"'\"''."),
        ("[1M", "1 name contains '1M': glacier-magic find 1M."),
        ("name:c.*", ""),
        ("*", ""),
        ("/", "4 names contain '/': glacier-magic ls '*/*' or glacier-magic find /."),
        ("zebra", ""),
        ("id:zebra", ""),
        (" ".join(map(str, range(200))), ""),
        (None, ""),
    ],
)
def test_a_word_that_matches_nothing_gets_one_that_does(catalogue, word, hint):
    """Names in any case, and folders wherever they are; each step is spelled as it is typed."""
    spell_as("glacier-magic")
    assert no_match(catalogue.database, HERE, "photos", word) == ("none of 6 archives", hint)


def test_an_empty_vault_is_one(catalogue):
    """There is nothing to suggest but an inventory."""
    hint = "glacier-magic inventory requests an inventory: about four hours."
    for word in ("a", None):
        assert no_match(catalogue.database, HERE, "empty", word) in (
            ("no archive", hint),
            ("no archive", hint.replace("glacier-magic inventory", "vault.inventory()")),
        )


def test_it_needs_no_pandas():
    """A shell lists archives without it."""
    code = "import sys, glacier_magic.catalogue.archives.no_match; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
