"""``glacier-magic``: what a script sees: results on standard output, codes, no questions."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from glacier_magic import cli
from glacier_magic import emulator as emulation
from glacier_magic.base.dataframes import text_type
from glacier_magic.commands import VERBS
from glacier_magic.errors import (
    InputError,
    JobExpired,
    JobFailed,
    LocalError,
    NameNotKnown,
    NotFound,
    NotReady,
    Unavailable,
)
from glacier_magic.transfer.progress import Count
from tests.faces import Terminal

NAMES = [name for name in VERBS if name]


@pytest.fixture
def filled(main, files):
    """A vault in use with two archives; the files are gone."""
    main.ok("create", "photos")
    for name in ("a.tif", "b.tif"):
        files(name, name.encode())
    main.ok("upload", "a.tif", "b.tif")
    for name in ("a.tif", "b.tif"):
        (files.folder / name).unlink()
    return main


# Help


@pytest.mark.parametrize("verb", NAMES)
def test_every_verb_has_help(bare, verb):
    """Printed, with code 0, without a connection, in this face's own words."""
    text = bare.ok(verb, "--help")
    assert VERBS[verb].summary[1:] in text.splitlines()[0]
    assert f"usage: glacier-magic {verb}" in text
    assert "%glacier" not in text


def test_help_alone_lists_the_verbs(bare):
    """As the magic does."""
    for words in (["--help"], ["help"]):
        assert all(name in bare.ok(*words) for name in NAMES)


def test_the_entry_point_and_the_module_are_the_same():
    """``python -m glacier_magic.cli`` works where scripts are not on the path."""
    done = subprocess.run(
        [sys.executable, "-m", "glacier_magic.cli", "nonsense"], capture_output=True, text=True, check=False
    )
    assert done.returncode == InputError.exit_code
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "glacier-magic --help" in done.stderr


# Codes


def test_each_outcome_has_its_code(filled, later, tmp_path, client):
    """Not ready, failed, expired, unknown, missing: a script can tell them apart."""
    to = ("--to", str(tmp_path / "back"), "--yes")
    assert filled("restore", "absent") == NameNotKnown.exit_code
    assert filled("ls", "--vault", "a/b") == InputError.exit_code
    assert filled("use", "absent") == NotFound.exit_code
    assert filled("inventory") == NotReady.exit_code
    assert filled("restore", "a.tif", *to) == 0
    assert filled("wait", "--timeout", "0") == NotReady.exit_code == 75
    later(hours=4.1)
    assert filled("wait") == 0
    assert (tmp_path / "back" / "a.tif").read_bytes() == b"a.tif"
    row = re.search(r"[\w-]{138}", filled.ok("ls", "b.tif", "--long"))
    client.delete_archive(vaultName="photos", archiveId=row[0])
    filled.ok("restore", "b.tif", *to)
    later(hours=4.1)
    assert filled("wait") == JobFailed.exit_code == 3
    assert "b.tif" in filled.err


def test_files_left_out_have_a_code_and_the_table_of_all(main, files):
    """The others are stored; of many, the first are named, and the table has the rest."""
    main.ok("create", "photos")
    for number in range(13):
        files(f"scans/{number:02}", b"x" if number == 5 else b"")
    for words in (["upload", "scans/*"], ["upload", "-r", "scans"]):
        assert main(*words) == LocalError.exit_code == 9
        assert main.out.count("left out") == 12
        assert main.err.count("Left out scans/0") == 9
        assert "2 more files left out" in main.err
    assert main.ok("ls").count("scans/") == 1
    assert main("upload", "scans/00") == InputError.exit_code
    assert main.out == ""


def test_an_expired_output_has_a_code_of_its_own(filled, later, tmp_path):
    """Nobody came for it in its day."""
    filled.ok("restore", "a.tif", "--to", str(tmp_path / "back"), "--yes")
    later(hours=4.1)
    later(hours=25)
    assert filled("wait") == JobExpired.exit_code == 4
    assert "a.tif" in filled.err


def test_errors_go_to_standard_error_with_the_cure_in_this_faces_words(bare):
    """Standard output stays clean for pipes."""
    assert bare("vaults") != 0
    assert bare.out == ""
    assert "glacier-magic connect" in bare.err
    assert "%glacier" not in bare.err
    assert "Traceback" not in bare.err


def test_an_interrupt_is_code_130(filled, calls):
    """And what was done is kept."""

    def interrupt(*_):
        raise KeyboardInterrupt

    calls.replace("vaults", interrupt)
    assert filled("vaults") == 130
    assert "to resume" in filled.err


# Questions


def test_without_a_terminal_a_plan_is_shown_and_not_run(filled, jobs_of):
    """The plan is on standard output, the code says that nothing was done."""
    filled.type(io.StringIO("y\n"))
    for words, option in ((["restore", "*"], "--yes"), (["rm", "*"], "--confirm photos")):
        assert filled(*words) == InputError.exit_code
        assert "a.tif" in filled.out
        assert option in filled.err
    assert jobs_of() == []
    assert "b.tif" in filled.ok("ls")


@pytest.mark.parametrize(("answer", "asked"), [("y", 2), ("yes", 2), ("", 0), ("n", 0)])
def test_at_a_terminal_a_plan_is_asked_about(filled, jobs_of, tmp_path, answer, asked):
    """Only a yes is a yes."""

    filled.type(Terminal(f"{answer}\n"))
    filled.ok("restore", "*", "--to", str(tmp_path / "back"))
    assert len(jobs_of()) == asked


def test_a_question_without_an_answer_is_no_yes(filled):
    """The end of the input, Ctrl-D, is an answer too: nothing is done, without a traceback."""

    filled.type(Terminal(""))
    filled("rm", "*")
    assert "Traceback" not in filled.err
    assert "b.tif" in filled.ok("ls")


# What is shown


def test_the_account_is_masked_unless_asked_for(main, emulator):
    """In results and in errors."""
    assert emulator.account not in main.ok()
    main("use", "absent")
    assert emulator.account not in main.err
    assert emulator.account in main.ok("--show-account")


def test_no_output_of_any_verb_holds_the_whole_account(filled, emulator, tmp_path):
    """Tables, plans and boards neither."""
    for words in (
        ["vaults"],
        ["ls"],
        ["jobs"],
        ["emulator", "status"],
        ["drop", "photos"],
        ["restore", "*", "--to", str(tmp_path), "--yes"],
        ["rm", "absent"],
        ["inventory"],
    ):
        filled(*words)
        assert emulator.account not in filled.out + filled.err


def test_a_hostile_name_cannot_speak_to_the_terminal(main, put, later, tmp_path):
    """Escape sequences and marks that turn the direction of text are spelled out everywhere."""
    from glacier_magic import descriptions

    main.ok("create", "photos")
    for name in ("\x1b]0;owned\x07red\x1b[31m", "gpj.\u202etxt", "two\nlines\rback", "bell\a"):
        put(descriptions.encode(name, None))
    later(days=1.2)
    main.ok("inventory")
    later(hours=4.1)
    main.ok("inventory")
    to = ("--to", str(tmp_path))
    for words in (["ls"], ["restore", "*", *to], ["rm", "*"], ["restore", "*", *to, "--yes"], ["jobs"]):
        main(*words)
        for bad in "\x1b\x07\u202e\r":
            assert bad not in main.out + main.err
    assert "owned" in main.ok("ls")


def test_a_name_with_a_date_in_it_is_shown_whole(main, files, tmp_path):
    """Twelve digits in a path of the user's are a moment, not an account."""
    main.ok("create", "photos")
    files("scans/201912241530/a.tif")
    main.ok("upload", "-r", "scans")
    assert "scans/201912241530/a.tif" in main.ok("ls")
    main("restore", "*", "--to", str(tmp_path / "back"))
    assert "scans/201912241530/a.tif" in main.out


def test_a_name_with_the_magics_own_name_is_shown_as_it_is(main, files):
    """The words of another face are replaced in help, not in the user's data."""
    main.ok("create", "photos")
    files("%glacier notes.txt")
    main.ok("upload", "%glacier notes.txt")
    assert "%glacier notes.txt" in main.ok("ls")
    main("restore", "*")
    assert "%glacier notes.txt" in main.out


def test_a_message_names_the_commands_of_this_face(main):
    """Not the notebook's: a line of it is typed again as it stands."""
    main.ok("create", "photos")
    assert main("drop", "photos", "--stop") == 2
    assert main.err.endswith("glacier-magic drops lists them.\n")


def test_an_empty_table_says_so(main):
    """Rather than printing a frame's own words."""
    main.ok("create", "photos")
    assert "nothing" in main.ok("ls")
    assert "no inventory read yet" in main.err


def test_an_archive_id_is_printed_whole_and_can_be_given_back(filled, tmp_path):
    """Also when it begins with a hyphen."""
    row = re.search(r"([\w-]{138})", filled.ok("ls", "a.tif", "--columns", "archive_id"))
    filled.ok("rm", row[0], "--yes")
    assert "a.tif" not in filled.ok("ls")


@pytest.mark.parametrize("form", ["{}", "id:{}"])
def test_an_id_that_begins_with_a_hyphen_is_an_id(filled, form):
    """It reaches the service, which does not know it."""
    unknown = "-" + "a" * 137
    filled("restore", form.format(unknown), "--yes")
    assert "archive ID was not found" in filled.err
    assert filled("rm", form.format(unknown), "--yes") in (0, NotFound.exit_code)


# The emulator


def test_the_emulators_verbs_work_without_a_connection(bare, home, stopped_emulators):
    """Its folder is the usual one, here set by the environment."""
    folder = home / "emulator"
    stopped_emulators.append(folder)
    assert bare("emulator", "status") != 0
    assert "emulator start" in bare.err
    assert str(folder) in bare.ok("emulator", "start")
    assert "time:" in bare.ok("emulator", "advance", "4h")
    assert "paused" in bare.ok("emulator", "pause")
    assert "export AWS_SESSION_TOKEN=" in bare.ok("emulator", "credentials", "--for", "15m")
    assert json.loads(bare.ok("emulator", "credentials", "--json"))["Version"] == 1
    assert "is stopped" in bare.ok("emulator", "stop")
    assert emulation.find(folder) is None


def test_a_connection_is_remembered_between_calls(main, emulator, region):
    """Each call is a process of its own in real life."""
    main.ok("create", "photos")
    text = main.ok()
    assert region in text
    assert "photos" in text
    assert "as last time" in main.err


def test_real_processes_share_connection_vault_and_catalogue(filled, tmp_path):
    """The same in a shell."""
    done = subprocess.run(
        [sys.executable, "-m", "glacier_magic.cli", "ls"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONWARNINGS": "error::ResourceWarning"},
    )
    assert done.returncode == 0, done.stderr
    assert "a.tif" in done.stdout
    assert "Traceback" not in done.stderr


# Streams


def process(*words, **options):
    """Start the command line as a process of its own."""
    env = {**os.environ, **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-m", "glacier_magic.cli", *words],
        stderr=subprocess.PIPE,
        check=False,
        env=env,
        **options,
    )


@pytest.mark.parametrize(
    "env", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_a_terminal_without_utf_8_gets_escapes_and_no_traceback(filled, files, env):
    """On both streams: a name in a table, a word in an error."""
    files("Größe.txt", b"x")
    filled.ok("upload", "Größe.txt")
    done = process("ls", env=env, stdout=subprocess.PIPE)
    assert (done.returncode, b"Gr\\xf6\\xdfe.txt" in done.stdout) == (0, True), done.stderr
    done = process("du", "Straße", env=env, stdout=subprocess.PIPE)
    assert done.returncode == InputError.exit_code
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("ls",), ("--version",), ("restore", "a.tif")])
def test_a_full_standard_output_is_one_line_and_a_code(filled, words):
    """A result, a plan, and what only the interpreter would have flushed."""
    with Path("/dev/full").open("wb") as full:
        done = process(*words, stdout=full, stdin=subprocess.DEVNULL)
    assert done.returncode == LocalError.exit_code
    assert done.stderr.count(b"No space left on device") == 1
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_a_reader_that_leaves_is_no_error(filled):
    """As ``ls | head -1`` does; nothing is said of it at the end either."""
    out, into = os.pipe()
    os.close(out)
    done = process("ls", stdout=into)
    os.close(into)
    assert done.returncode == 141
    assert b"Error" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_an_interrupt_while_the_verbs_are_loaded_is_code_130():
    """The first half second is a time like any other."""
    code = (
        "import sys, signal, builtins\n"
        "from glacier_magic import cli\n"
        # A program that is started in the background by a shell ignores the signal.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "load = builtins.__import__\n"
        "def stopped(name, *rest):\n"
        "    if name.endswith('commands'): signal.raise_signal(signal.SIGINT)\n"
        "    return load(name, *rest)\n"
        "builtins.__import__ = stopped\n"
        "sys.argv = ['glacier-magic', 'ls']\n"
        "sys.exit(cli.main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert done.returncode == 130
    assert done.stderr.startswith("Interrupted. ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("rm", "*"), "glacier-magic deletions --resume resumes"),
        (("upload", "--again", "a.tif"), "run the same command again without --again"),
        (("inventory", "--fresh"), "run the same command again without --fresh"),
        (("capacity", "buy"), "glacier-magic capacity shows what was bought"),
        (("ls",), "to resume, run the same command again"),
    ],
)
def test_an_interrupt_says_how_this_verb_goes_on(bare, words, advice):
    """The same words again would delete what was not meant, or begin anew."""

    def interrupt(*_):
        raise KeyboardInterrupt

    bare.sessions = interrupt
    assert bare(*words) == 130
    assert advice in bare.err


NINES = "9" * 400


@pytest.mark.parametrize(
    "words",
    [
        ("restore", "a.tif", "--head", NINES),
        ("restore", "a.tif", "--daily", NINES),
        ("restore", "a.tif", "--daily", f"{NINES}GB"),
        ("restore", "a.tif", "--max-cost", NINES),
        ("restore", "a.tif", "--max-cost", "1e30"),
        ("restore", "a.tif", "--max-cost", "5,000"),
        ("rm", "a.tif", "--max-fee", NINES),
        ("capacity", "buy", "--max-cost", NINES),
        ("upload", "a.tif", "--part-size", NINES),
        ("upload", "a.tif", "--max-rate", NINES),
        ("wait", "--timeout", NINES),
        ("deletions", "9" * 23),
        ("deletions", "0"),
        ("deletions", "--resume", "9" * 23),
        ("emulator", "advance", "999999999d"),
    ],
)
def test_huge_numbers_are_refused(filled, words):
    """With what is possible, as any other slip."""
    assert filled(*words) == InputError.exit_code, filled.err
    assert "Unexpected" not in filled.err


def test_a_huge_price_is_refused(filled, home):
    """The file and the price are named."""
    from glacier_magic.prices import configuration_file

    file = configuration_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[all]\nretrieval-standard = 1e400\n")
    assert filled("restore", "a.tif") == InputError.exit_code
    assert "retrieval-standard" in filled.err


@pytest.mark.parametrize("words", [("ls",), ("find", "x"), ("du",), ("duplicates",), ("diff",), ("rm", "*")])
def test_a_wrong_vault_is_not_an_empty_one(filled, words):
    """The service is asked once, where nothing is known of it here."""
    assert filled(*words, "--vault", "nope") == NotFound.exit_code
    assert "nope" in filled.err


def test_a_vault_that_only_the_service_knows_is_asked_about_once(filled, client, calls):
    """Without a network the words say that it cannot be checked."""
    client.create_vault(vaultName="theirs")
    assert filled.ok("ls", "--vault", "theirs") == "nothing\n"

    def down(*_):
        raise Unavailable("no network")

    calls.replace("describe_vault", down)
    assert filled.ok("ls", "--vault", "theirs") == "nothing\n"
    assert filled("ls", "--vault", "others") == Unavailable.exit_code
    assert "cannot be reached" in filled.err


def test_what_is_missing_in_a_table_is_shown_as_nothing(capsys):
    """The name that an archive had before, where it had none."""
    table = pd.DataFrame({"change": ["added", "renamed"], "was": pd.array([None, "b"], dtype=text_type())})
    cli.TerminalFace().show(table)
    shown = capsys.readouterr().out
    assert "NaN" not in shown
    assert "None" not in shown
    assert "renamed" in shown


@pytest.mark.parametrize(
    ("rate", "words"), [(1100.4, "1,100 a second"), (12.34, "12.3 a second"), (0.5, "0.5 a second")]
)
def test_many_requests_a_second_are_told_in_full(rate, words):
    """Without an exponent."""
    assert words in str(Count(label="rm", done=1, total=9, rate=rate, eta=None))


def test_a_folder_to_verify_is_not_stored(filled, tmp_path):
    """The cure is for both verbs."""
    (tmp_path / "files_").mkdir()
    assert filled("verify", str(tmp_path / "files_")) == InputError.exit_code
    assert "Add --recursive to take" in filled.err
