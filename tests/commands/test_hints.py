"""Slips of the hand: what a mistyped verb, option, vault or name may have meant."""

import io

import pytest

from glacier_magic.commands import VERBS
from glacier_magic.commands.hints import SYNONYMS, verb_meant
from glacier_magic.errors import InputError, NameNotKnown, NotFound
from tests.counting import counting

NAMES = ("my photos/a.jpg", "Photos/2021/b.jpg", "Old\\scans\\c.jpg", "plain.jpg")


@pytest.fixture
def filled(main, connect, session_place, put, client, region):
    """The command line, with names that need quotes in a vault in use, and nobody at a terminal."""
    main.type(io.StringIO())
    for name in ("attic", "photos"):
        main.ok("create", name)
    main.ok("use", "photos")
    session = connect(catalogue=session_place, region=region)
    for name in NAMES:
        session.vault("photos").upload_stream(io.BytesIO(b"x"), name)
    return main


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        *[("delete", "rm"), ("remove", "rm"), ("download", "restore"), ("get", "restore"), ("list", "ls")],
        *[
            ("dir", "ls"),
            ("search", "find"),
            ("LIST", "ls"),
            ("invnetory", "inventory"),
            ("restor", "restore"),
        ],
        *[("info", ""), ("status", ""), ("xyzzy", None)],
    ],
)
def test_a_verb_of_another_program_leads_to_ours(bare, typed, meant):
    """It is named, and never run: a slip deletes nothing."""
    assert bare(typed, "a") == InputError.exit_code
    assert f"has no verb '{typed}'" in bare.err
    assert verb_meant(typed, VERBS) == meant
    hint = "Did you mean" if meant is None else f"Did you mean glacier-magic {meant}".rstrip() + "?"
    assert (hint in bare.err) is (meant is not None)


def test_no_synonym_is_a_verb_or_has_two_meanings():
    """The table would hide the verb."""
    words = [word for words in SYNONYMS.values() for word in words.split()]
    assert sorted(words) == sorted(set(words))
    assert set(words) & set(VERBS) == set()
    assert set(SYNONYMS) <= set(VERBS)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("restore", "a", "--teir", "bulk"), "--tier"),
        (("restore", "a", "--teir=bulk"), "--tier"),
        (("rm", "a", "--max-csot", "0"), "--max-cost"),
        (("ls", "--shrot", "size"), "--sort"),
    ],
)
def test_an_option_is_corrected(bare, words, meant):
    """The nearest of the verb's own."""
    assert bare(*words) == InputError.exit_code
    assert f"Did you mean {meant}?" in bare.err


@pytest.mark.parametrize(
    ("verb", "shows"), [("restore", True), ("rm", True), ("upload", False), ("ls", False)]
)
def test_a_plan_needs_no_dry_run(bare, verb, shows):
    """Where a plan is always shown first; an upload shows it above a price only."""
    assert bare(verb, "a", "--dry-run") == InputError.exit_code
    assert ("Without --yes, only the plan is shown." in bare.err) is shows


@pytest.mark.parametrize(
    "words",
    [
        *[
            ("use", "attik"),
            ("ls", "--vault", "attik"),
            ("inventory", "attik"),
            ("restore", "a", "--vault", "attik"),
        ],
        *[("cost", "attik"), ("drop", "attik"), ("tags", "attik"), ("notify", "attik"), ("access", "attik")],
        *[("lock", "attik"), ("explore", "attik"), ("upload", __file__, "--vault", "attik")],
    ],
)
def test_a_vault_is_corrected_in_every_verb(filled, emulator, words):
    """From the names of the vaults that were seen last; nothing is requested from a wrong vault."""
    with counting(emulator, "InitiateJob") as jobs, counting(emulator, "UploadArchive") as uploads:
        assert filled(*words) == NotFound.exit_code
        assert "Did you mean the vault attic?" in filled.err
        assert (jobs(), uploads()) == (0, 0)


def test_a_name_with_spaces_is_quoted(filled, files, emulator):
    """By the verbs that take one name, by those that take many, and by those that take files."""
    assert filled("ls", "my", "photos/a.jpg") == InputError.exit_code
    assert "Quote a name with spaces: glacier-magic ls 'my photos/a.jpg'" in filled.err
    for verb in ("restore", "rm"):
        assert filled(verb, "my", "photos/a.jpg", "--yes") == NameNotKnown.exit_code
        assert "Quote a name with spaces: 'my photos/a.jpg'" in filled.err
    files("my notes.txt")
    assert filled("upload", "my", "notes.txt") == InputError.exit_code
    assert "Quote a name with spaces: 'my notes.txt'" in filled.err
    files("your notes.txt")
    assert filled("ls", "my notes.txt", "your notes.txt") == InputError.exit_code
    assert "Quote a pattern, or the shell replaces it by the names of files here." in filled.err
    assert filled("use", "my", "photos") == InputError.exit_code
    assert "Quote" not in filled.err


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("Photos2021", "Photos/2021"),
        ("Photos2021*", "'Photos/2021*'"),
        ("Oldscansc.jpg", r"'Old\scans\c.jpg'"),
        ("Oldscans*", r"'Old\scans*'"),
    ],
)
def test_a_backslash_that_was_dropped_is_explained(filled, typed, written):
    """The shell and the magic drop it before the verb sees the name."""
    filled.ok("ls", typed)
    assert f"A backslash outside quotes is dropped: write {written}" in filled.err
    assert filled("restore", typed, "--yes") == NameNotKnown.exit_code
    assert f"write {written}" in filled.err


def test_no_hint_where_there_is_none(filled):
    """A name that resembles nothing."""
    filled.ok("ls", "absent")
    assert "Did you mean" not in filled.err
    assert "Quote" not in filled.err
    assert "backslash" not in filled.err
