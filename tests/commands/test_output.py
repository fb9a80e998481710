"""The forms of a table in a shell, and listing archives from the catalogue alone."""

import csv
import io
import json
import subprocess
import sys

import pytest

from glacier_magic import InputError, cli
from glacier_magic.base.paths import data_folder
from glacier_magic.base.table_text import width_of
from glacier_magic.commands import VERBS
from tests.faces import Terminal

HEAVY = {"pandas", "numpy", "pyarrow", "IPython", "ipywidgets"}
SERVICE = {"boto3", "botocore"}


@pytest.fixture
def filled(main, tmp_path):
    """The command line with two archives in a vault."""
    main.ok("create", "photos")
    for name in ("a.tif", "b.tif"):
        (tmp_path / name).write_text(name)
    main.ok("upload", str(tmp_path / "a.tif"), str(tmp_path / "b.tif"))
    return main


@pytest.fixture
def opened(main):
    """The sessions that were opened since."""
    found, usual = [], main.sessions

    def sessions(connection):
        found.append(connection)
        return usual(connection)

    main.sessions = sessions
    return found


# Forms


def test_json_and_csv_are_exact(filled):
    rows = json.loads(filled.ok("ls", "--json"))
    assert [row["name"] for row in rows] == ["a.tif", "b.tif"]
    assert [row["size"] for row in rows] == [5, 5]
    assert len(rows[0]["archive_id"]) == 138
    assert rows[0]["created"].endswith("Z")
    read = list(csv.DictReader(io.StringIO(filled.ok("ls", "--csv"))))
    assert [row["archive_id"] for row in read] == [row["archive_id"] for row in rows]
    assert json.loads(filled.ok("ls", "absent*", "--json")) == []
    assert filled.ok("ls", "absent*", "--csv").startswith("name,")


def test_quiet_is_only_the_rows(filled):
    assert filled.ok("ls", "--columns", "name,size", "-q").splitlines() == ["a.tif  5 B", "b.tif  5 B"]
    assert filled.err == ""
    assert filled.ok("ls", "absent*", "-q") == ""
    assert filled("ls", "--columns", "") == InputError.exit_code
    assert filled("ls", "--columns", "naem", "-q") == InputError.exit_code
    assert "no column 'naem'" in filled.err  # an error is always shown
    assert "Columns: name" in filled.err
    filled.ok("ls")
    assert "2 archives" in filled.err  # quiet ends with its line


def test_forms_exclude_each_other(filled):
    assert filled("ls", "--json", "--csv") == InputError.exit_code
    assert filled("ls", "--long", "--columns", "name") == InputError.exit_code


@pytest.mark.parametrize(
    "words",
    ["vaults", "ls", "find a", "du", "duplicates", "jobs", "history", "uploads", "deletions", "drops"],
)
def test_each_table_has_its_forms(filled, words):
    assert isinstance(json.loads(filled.ok(*words.split(), "--json")), list)
    assert filled.ok(*words.split(), "--csv")


def test_other_verbs_have_no_forms(filled):
    for name in ("restore", "rm", "connect", "use", "rate"):
        assert "--json" not in VERBS[name].parser("").options


def test_a_terminal_of_any_width_has_room(filled, monkeypatch):
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    for width in (40, 80, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("NO_COLOR", "1")
        out.seek(0)
        out.truncate()
        assert cli.main(["ls"], sessions=filled.sessions) == 0
        lines = out.getvalue().splitlines()
        assert len(lines) == 3
        assert max(map(width_of, lines)) <= width
        assert lines[1].startswith("a.tif")
    monkeypatch.delenv("NO_COLOR")
    cli.main(["ls"], sessions=filled.sessions)
    assert "\x1b[" in out.getvalue()


# Without connecting


def test_ls_find_and_du_need_no_session(filled, opened):
    assert "a.tif" in filled.ok("ls")
    assert "b.tif" in filled.ok("find", "b")
    assert "10 B" in filled.ok("du")
    assert "a.tif" in filled.ok("ls", "--vault", "photos", "--json")
    assert opened == []
    filled.ok("vaults")
    assert len(opened) == 1


def test_another_environment_may_mean_another_account(filled, opened, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "another")
    filled("ls")
    assert len(opened) == 1


def test_a_changed_configuration_may_mean_another_account(filled, opened, monkeypatch, tmp_path):
    config = tmp_path / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    filled.ok("ls")
    filled.ok("ls")
    assert len(opened) == 1
    config.write_text("[default]\nregion = eu-west-1\n")
    filled.ok("ls")
    assert len(opened) == 2


def test_a_connection_by_settings_is_not_the_one_of_connect(filled, opened, monkeypatch, emulator):
    """The next shell connects by the settings, whatever connect was told."""
    monkeypatch.setenv("GLACIER_MAGIC_ENDPOINT_URL", emulator.url)
    monkeypatch.setenv("GLACIER_MAGIC_REGION", "us-east-1")
    filled.ok("connect", "--data", str(emulator.folder), "--region", "eu-west-1")
    count = len(opened)
    filled("ls")
    assert len(opened) == count + 1


def test_a_relative_catalogue_is_another_one_in_another_folder(filled, opened, monkeypatch, tmp_path):
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", "cat.sqlite")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        filled("ls")
    assert len(opened) == 2


@pytest.mark.parametrize(
    "text", ["", "[", "[1]", '{"a": 1}', '{"a": {"seen": "x"}}', "[" * 50_000, '{"a": {"seen": 1.0}}']
)
def test_a_damaged_record_of_sessions_is_none(filled, opened, text):
    (data_folder() / "sessions.json").write_text(text)
    assert "a.tif" in filled.ok("ls")
    assert len(opened) == 1
    assert "a.tif" in filled.ok("ls")
    assert len(opened) == 1


def test_a_catalogue_that_is_gone_is_not_made_anew_without_the_service(filled, opened, session_place):
    session_place.unlink()
    filled("ls")
    assert len(opened) == 1


def test_a_vault_that_no_one_has_seen_is_looked_up(filled, opened, client):
    client.create_vault(vaultName="theirs")
    assert filled.ok("ls", "--vault", "theirs", "-q") == ""
    assert len(opened) == 1
    assert filled("ls", "--vault", "") == InputError.exit_code


@pytest.mark.parametrize("words", ["ls --limit 1", "find a", "du"])
def test_what_the_catalogue_answers_imports_no_heavy_library(filled, words):
    """Their import takes longer than the listing."""
    assert (HEAVY | SERVICE) & imported(words) == set()


@pytest.mark.parametrize("words", ["jobs", "vaults", "cost", ""])
def test_what_the_service_answers_imports_no_pandas(filled, words):
    """Its import takes longer than the requests."""
    assert HEAVY & imported(words) == set()


@pytest.mark.parametrize("words", ["ls", "jobs", "vaults"])
def test_a_verb_imports_no_other_verb_and_no_plan(filled, words):
    modules = imported(words)
    rooms = ("glacier_magic.plans.restore", "glacier_magic.plans.delete", "glacier_magic.client.vault")
    assert not modules.intersection(rooms)
    assert {name for name in VERBS if f"glacier_magic.commands.{name}" in modules} == {words}


def imported(words):
    """Run a verb in a process of its own; return the modules that it imported."""
    code = "import sys; from glacier_magic.cli import main; print(main(sys.argv[1:]), *sys.modules)"
    line = [sys.executable, "-c", code, *words.split()]
    ran = subprocess.run(line, capture_output=True, text=True, check=True)
    result, *modules = ran.stdout.splitlines()[-1].split()
    assert result == "0", ran.stderr
    return set(modules)
