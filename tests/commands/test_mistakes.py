"""A wrong name, an empty condition, an empty variable: none of them is a yes, none means "all"."""

import io
import re

import pytest

from glacier_magic.errors import InputError, NotConfirmed
from glacier_magic.notebook.words import expand, split
from tests.catalogue import archive_record
from tests.counting import counting

BLANKS = ("", " ", " \t\n ", "name:", "name: ", "id:", "id: ")


@pytest.fixture
def main(main, files):
    """The command line, with three archives in a vault in use, and nobody at a terminal."""
    main.type(io.StringIO())
    main.ok("create", "photos")
    main.ok("upload", *(str(files(name, name.encode())) for name in ("a", "bb", "ccc")))
    return main


@pytest.fixture
def beside(main, emulator, connect, session_place):
    """The same vault from Python, with one more archive that has no description."""
    session = connect(catalogue=session_place, region=re.search(r"region: (\S+)", main.ok())[1])
    client = emulator.client(session.region)
    nameless = archive_record(
        "",
        size=8,
        created=1.6e12,
        state="listed",
        archive_id=client.upload_archive(vaultName="photos", body=b"nameless")["archiveId"],
    )
    session.catalogue.archives.record(nameless)
    return session.vault("photos")


@pytest.fixture
def deletions(emulator):
    """Tell how many requests to delete an archive have come."""
    with counting(emulator, "DeleteArchive") as count:
        yield count


# Confirmations


@pytest.mark.parametrize(
    "words",
    [
        ("rm", "a"),
        ("rm", "*"),
        ("rm", "a", "bb"),
        ("drop", "photos"),
        ("drop", "photos", "--with-archives"),
        ("drop", "photos", "--with-archives", "--stop"),
    ],
)
def test_a_confirmation_that_is_given_must_be_right(main, deletions, emulator, words):
    """Also where the plan needs none, beside --yes, and before anything is begun."""
    with counting(emulator, "DeleteVault") as drops:
        for wrong in ("junk", "", "Photos", "photos "):
            for yes in ((), ("--yes",)):
                assert main(*words, "--confirm", wrong, *yes) == NotConfirmed.exit_code
                assert "photos" in main.err
        assert drops() == 0
    assert deletions() == 0
    assert "No jobs" in main.ok("drops")


def test_the_right_one_is_a_yes_where_none_is_needed(main, deletions):
    """One archive, or an empty vault."""
    assert "Deleted 1 archive" in main.ok("rm", "a", "--confirm", "photos")
    assert deletions() == 1
    main.ok("create", "other")
    main.ok("drop", "other", "--confirm", "other")


@pytest.mark.parametrize("wrong", ["junk", ""])
def test_a_wrong_confirmation_is_refused_from_python_too(beside, deletions, emulator, wrong):
    """By every plan that has a vault, and by those that have none."""
    session = beside.session
    plans = [
        beside.delete("a"),
        beside.delete("*"),
        beside.delete("a", where="size > 0"),
        session.drop_vault("photos"),
        beside.restore("a"),
        session.retrieval_policy().set("1GB/h"),
        session.capacity().buy(),
    ]
    for plan in plans:
        with pytest.raises(NotConfirmed, match="Nothing was done"):
            plan.run(confirm=wrong)
        assert plan.result is None
    assert deletions() == 0
    assert beside.delete("a").run(confirm="photos").deleted == 1


def test_a_lock_for_ever_needs_the_name_from_python_too(beside, emulator):
    """It is the one step that nobody can undo."""
    lock = beside.lock()
    lock.initiate(
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": '
        '"glacier:DeleteArchive", "Resource": "*", "Condition": {"NumericLessThan": '
        '{"glacier:ArchiveAgeInDays": "1"}}}]}'
    ).run()
    with counting(emulator, "CompleteVaultLock") as completed:
        for wrong in (None, "", "junk"):
            with pytest.raises(NotConfirmed):
                beside.lock().complete().run(confirm=wrong)
        assert completed() == 0


# Nothing is not everything


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_an_empty_condition_is_refused(main, deletions, blank):
    """Alone, beside names, and where it only lists."""
    for words in (
        ("rm", "--where", blank),
        ("rm", "*", "--where", blank),
        ("rm", "b*", "--where", blank),
        ("rm", "a", "--where", blank),
    ):
        assert main(*words, "--confirm", "photos") == InputError.exit_code, words
    assert deletions() == 0
    for words in (("ls",), ("ls", "*"), ("explore",)):
        assert main(*words, "--where", blank) == InputError.exit_code, words


@pytest.mark.parametrize("blank", BLANKS)
def test_an_empty_name_is_refused(main, beside, deletions, emulator, blank):
    """Alone and among others, though the vault has an archive without a name."""
    for words in ((blank,), ("a", blank), (blank, "--where", "size > 0")):
        assert main("rm", *words, "--confirm", "photos") == InputError.exit_code, words
    assert deletions() == 0
    with counting(emulator, "InitiateJob") as asked:
        for words in ((blank,), ("a", blank), ("--expired", blank), ("--extend", blank), ("--stop", blank)):
            assert main("restore", *words, "--yes") == InputError.exit_code, words
        assert main("restore", "--from", "", "--yes") == InputError.exit_code
        assert main("restore", "a", "--from", "", "--yes") == InputError.exit_code
        assert asked() == 0
    for words in (("ls", blank), ("peek", blank)):
        assert main(*words) == InputError.exit_code, words


@pytest.mark.parametrize(
    "words",
    [
        ("ls", "--state", ""),
        ("ls", "--state", " "),
        ("ls", "--state", ","),
        ("find", ""),
        ("du", ""),
        ("explore", "--folder", ""),
        ("ls", "--sort", ""),
        ("ls", "--vault", ""),
        ("upload", ""),
        ("upload", "-r", ""),
        ("hash", ""),
        ("verify", ""),
        ("drop", ""),
        ("drop", "", "--with-archives"),
        ("restore", "a", "--spread", ""),
        ("cost", ""),
        ("cost", "--region", ""),
        ("cost", "--prices", "--region", " "),
        ("connect", "--profile", ""),
        ("connect", "--region", ""),
        ("connect", "--account", ""),
        ("connect", "--endpoint-url", ""),
        ("connect", "--data", ""),
        ("restore", "a", "--daily", ""),
        ("restore", "a", "--range", ""),
        ("rm", "a", "--vault", "", "--yes"),
        ("restore", "--stop", "--vault", ""),
        ("restore", "--expired", "--vault", ""),
        ("restore", "--extend", "--vault", ""),
        ("uploads", "--abort", "", "--yes"),
        ("uploads", "--resume", ""),
    ],
)
def test_an_empty_word_is_refused_wherever_it_could_mean_all(main, words):
    """An unset variable of the shell in quotes is such a word."""
    assert main(*words) == InputError.exit_code


@pytest.mark.parametrize("blank", ["", " "])
def test_nothing_is_not_everything_in_python(beside, deletions, emulator, blank):
    """The same through the library, and what has no words does nothing."""
    session = beside.session
    calls = [
        lambda: beside.delete(where=blank),
        lambda: beside.delete("*", where=blank),
        lambda: beside.delete(blank),
        lambda: beside.delete("a", blank),
        lambda: beside.delete([]),
        lambda: beside.restore(blank),
        lambda: beside.restore([]),
        lambda: beside.select(blank),
        lambda: beside.archives(blank),
        lambda: beside.archives(where=blank),
        lambda: beside.archives(states=blank),
        lambda: beside.find(""),
        lambda: session.stop_restores(blank),
        lambda: session.stop_restores(blank, vault="photos"),
        lambda: session.stop_restores("a"),
        lambda: session.restore_expired(blank, vault="photos"),
        lambda: session.extend(blank, vault="photos"),
    ]
    for call in calls:
        with pytest.raises(InputError):
            call()
    assert len(beside.archives(states=[])) == 0
    assert beside.delete().empty
    assert beside.restore().empty
    assert deletions() == 0


def test_stopping_some_restores_stops_no_others(beside, tmp_path):
    """Words without a vault do not mean every archive that is scheduled."""
    beside.restore("a", "bb", to=tmp_path / "back", daily=1).run()
    session = beside.session
    before = len(session.catalogue.pacing.scheduled())
    assert before == 1
    with pytest.raises(InputError, match="name of a vault"):
        session.stop_restores("ccc")
    assert len(session.catalogue.pacing.scheduled()) == before


def test_a_variable_that_is_empty_or_unset_is_refused():
    """``rm $names --where ...`` must not go on without the names."""
    for names in ({}, {"names": []}, {"names": ()}):
        for line in ("rm $names --where 'size > 0'", "restore --stop {names}"):
            with pytest.raises(InputError, match="names"):
                expand(split(line), names)
