"""``rm``, ``deletions``, ``drop`` and ``drops`` in a shell: what is refused, what goes on."""

import io
import re

import pytest

from glacier_magic.errors import (
    AccessDenied,
    InputError,
    JobFailed,
    NotConfirmed,
    NotReady,
    PriceUnknown,
    Unavailable,
    VaultNotEmpty,
)
from tests.faces import Terminal


@pytest.fixture
def main(main, files):
    """The command line, with three archives in a vault in use, and nobody at a terminal."""
    main.type(io.StringIO())
    main.ok("create", "photos")
    main.ok("upload", *(str(files(name, name.encode())) for name in ("a", "bb", "ccc")))
    return main


def names(main):
    return re.findall(r"^ *(a|bb|ccc) ", main.ok("ls"), re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        ((), InputError),
        (("--yes",), NotConfirmed),
        (("--confirm", "fotos"), NotConfirmed),
        (("--yes", "--confirm", ""), NotConfirmed),
        (("--confirm", "photos", "--max-fee", "5"), PriceUnknown),
        (("--confirm", "photos", "--max-fee", "much"), InputError),
    ],
)
def test_many_archives_need_the_name_and_nothing_else_will_do(main, words, refused):
    """Refused with a code of its own; nothing is done."""
    assert main("rm", "*", *words) == refused.exit_code
    assert names(main) == ["a", "bb", "ccc"]


def test_with_the_name_they_are_deleted(main):
    """One goes with --yes, as before; a condition chooses."""
    assert "Deleted 1 archive" in main.ok("rm", "a", "--yes")
    assert "Deleted 2 archives" in main.ok("rm", "--where", "size > 1", "--confirm", "photos")
    assert names(main) == []
    assert "100%" in main.err or "Deleted" not in main.err


def test_without_words_or_condition_nothing_is_meant(main):
    """An empty line must not mean everything."""
    assert main("rm", "--confirm", "photos") == InputError.exit_code
    assert names(main) == ["a", "bb", "ccc"]


@pytest.mark.parametrize(("typed", "left"), [("y", 3), ("", 3), ("Photos", 3), ("photos", 0)])
def test_at_a_terminal_the_name_is_typed(main, typed, left):
    """A yes is not enough."""
    main.type(Terminal(f"{typed}\n"))
    main.ok("rm", "*")
    assert len(names(main)) == left


def test_what_was_interrupted_is_listed_resumed_or_forgotten(main, calls, quick):
    """By its number; numbers that are none are refused."""

    def broken(*_):
        raise Unavailable("no network")

    assert "No unfinished" in main.ok("deletions")
    for number in (1, 2):
        with calls.replaced("delete_archive", broken):
            assert main("rm", "*", "--confirm", "photos") == Unavailable.exit_code
        assert "no network" in main.ok("deletions")
        assert "1 unfinished deletion" in main.ok()
        assert main("deletions", "--resume", "99") == InputError.exit_code
        assert main("deletions", "--forget", "99") == InputError.exit_code
        assert main("deletions", "99") == InputError.exit_code
        if number == 1:
            assert "not deleted" in main.ok("deletions", "--forget", "1")
            assert "No unfinished" in main.ok("deletions")
    assert "3 not tried" in main.ok("deletions", "2")
    assert "Deleted 3 archives" in main.ok("deletions", "--resume")
    assert "No unfinished" in main.ok("deletions", "--resume")
    assert names(main) == []


def test_a_failure_in_part_has_a_code(main, emulator):
    """The others are deleted; the number leads to the reasons."""
    emulator.fault("access-denied", "DeleteArchive", times=1)
    assert main("rm", "*", "--confirm", "photos") == AccessDenied.exit_code
    assert "Deleted 2 archives" in main.err
    assert ": done." not in main.err
    assert "deletions 1 lists the rest" in main.err
    assert "neither a lock nor an access policy" in main.err
    assert "neither a lock" in main.ok("deletions", "1")
    assert "Deleted 3 archives" in main.ok("deletions", "--resume", "1")


def test_several_that_are_resumed_end_with_the_worst_code(main, emulator, calls, quick):
    """Whichever of them comes last; all of them are tried."""

    def broken(*_):
        raise Unavailable("no network")

    with calls.replaced("delete_archive", broken):
        assert main("rm", "a", "bb", "--confirm", "photos") == Unavailable.exit_code
        assert main("rm", "ccc", "--yes") == Unavailable.exit_code
    emulator.fault("access-denied", "DeleteArchive", times=1)
    assert main("deletions", "--resume") == AccessDenied.exit_code
    assert "Deleted 1 archive from" in main.err
    assert len(names(main)) == 1


def test_a_vault_is_emptied_and_dropped_over_days(main, later):
    """The same command at each step, as a daily script would run it."""
    later(days=1.2)
    words = ("drop", "photos", "--with-archives")
    assert "waits for the inventory" in main.ok(*words)
    assert "drop of photos" in main.ok("drops")
    assert "drop of photos" in main.ok()
    later(hours=4.2)
    assert main(*words) == InputError.exit_code  # shown, and nobody to ask
    assert "Delete all 3 archives" in main.out
    assert "--confirm photos" in main.err
    assert main(*words, "--yes") == NotConfirmed.exit_code
    assert main(*words, "--confirm", "photos", "--max-fee", "1") == PriceUnknown.exit_code
    assert names(main) == ["a", "bb", "ccc"]
    assert "3 of 3 deleted" in main.ok(*words, "--confirm", "photos")
    assert main("wait", "--timeout", "0") == NotReady.exit_code
    later(hours=25)
    main.ok("wait", "--timeout", "30")
    assert "photos" not in main.ok("vaults")
    board = main.ok("drops")
    assert "✔ done" in board
    assert "proven empty and dropped" in board
    assert "1 job: 1 done" in board


def test_it_waits_where_it_is_told_to(main, later, emulator):
    """One line from the list to the end; what appears meanwhile is a failure with a code."""
    later(days=1.2)
    words = ("drop", "photos", "--with-archives", "--confirm", "photos", "--wait")
    assert main(*words, "--timeout", "0.2") == NotReady.exit_code
    later(hours=4.2)
    assert main(*words, "--timeout", "0.2") == NotReady.exit_code
    emulator.client(_region(main)).upload_archive(vaultName="photos", body=b"late")
    later(hours=25)
    assert main("wait", "--timeout", "30") == JobFailed.exit_code
    assert "1 archive" in main.err
    assert "ended" in main.ok("drop", "photos", "--stop")
    assert main("drop", "photos", "--stop") == InputError.exit_code
    assert "No jobs" in main.ok("drops")


def _region(main):
    return re.search(r"region: (\S+)", main.ok())[1]


def test_an_empty_vault_is_dropped_as_before(main, later):
    """And a full one refused, with what to do."""
    assert main("drop", "photos", "--yes") == VaultNotEmpty.exit_code
    assert "--with-archives" in main.err
    main.ok("create", "other")
    main.ok("drop", "other", "--yes")
