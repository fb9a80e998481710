"""What Tab offers from the catalogue: names, folders, columns, states, files."""

import random
from pathlib import Path
from types import SimpleNamespace

import pytest

from glacier_magic.commands.console import Console
from glacier_magic.notebook.completion import Completer
from tests.catalogue import archive_record

NAMES = [
    "scans/2019/a.tif",
    "scans/2019/b c.tif",
    "scans/2020/c.tif",
    "notes.txt",
    "it's.txt",
    "-dash",
    "{x}.txt",
    "new\nline",
]


@pytest.fixture
def complete(session):
    """Complete a line; the vault photos is in use."""
    session.create_vault("photos")
    session.create_vault("music")
    session.vault_in_use = "photos"
    for number, name in enumerate([*NAMES, "song.mp3"]):
        session.catalogue.archives.record(
            archive_record(
                name,
                vault="music" if name.endswith("mp3") else "photos",
                archive_id=random.Random(number).randbytes(69).hex(),
            )
        )
    return completing(session)


def completing(session):
    """Return the function that completes a line in a session."""
    console = Console(
        SimpleNamespace(program="%glacier", lasting=True, note=print), sessions=lambda _: session
    )
    assert console.session is session
    completer = Completer(SimpleNamespace(started=console))

    def complete(line):
        found = completer.complete(f"%glacier {line}")
        assert found is not None
        return found[1]

    return complete


def test_the_only_vault_is_meant_without_use(session, vault, files, calls):
    """As for the verbs; Tab sends no request."""
    vault.upload_plan([files("a.tif", b"a")]).run()
    session.vaults()  # seen once, as by any first verb
    complete, sent = completing(session), []
    for operation in ("vaults", "describe_vault"):
        calls.watch(operation, lambda *arguments: sent.append(arguments))
    assert complete("ls ") == ["a.tif"]
    assert complete("ls nothing") == sent == []


def test_names_and_folders_are_offered(complete):
    """A level at a time for folders; what cannot be typed is not."""
    offered = complete("ls ")
    assert offered[:1] == ["scans/"]
    assert {"notes.txt", "'it'\\''s.txt'", "'{x}.txt'", "'-dash'"} <= set(offered)
    assert not any("\n" in word for word in offered)
    assert complete("ls scans/2")[:2] == ["scans/2019/", "scans/2020/"]
    assert complete("restore 'scans/2019/b") == ["'scans/2019/b c.tif'"]


def test_du_is_offered_folders_alone(complete):
    """It takes nothing else."""
    assert complete("du ") == ["scans/"]
    assert complete("du scans/") == ["scans/2019/", "scans/2020/"]
    assert complete("du notes") == []


def test_the_vault_on_the_line_is_the_one_that_is_meant(complete):
    """Not the one in use."""
    assert complete("ls --vault music so") == ["song.mp3"]
    assert complete("ls --vault=music so") == ["song.mp3"]
    assert complete("ls --vault ") == ["music", "photos"]


def test_columns_and_states_are_offered_after_their_commas(complete):
    """A minus sorts the other way."""
    assert {"size", "-size", "name"} <= set(complete("ls --sort "))
    assert complete("ls --sort -si") == ["-size"]
    assert complete("ls --sort -size,na") == ["-size,name"]
    assert complete("ls --state gone,del") == ["gone,deleted-here"]
    assert complete("ls --limit ") == []


def test_options_of_the_new_verbs_are_offered(complete):
    """From their own parsers."""
    assert {"--where", "--sort", "--limit", "--as-of", "--state"} <= set(complete("ls --"))
    assert "--depth" in complete("du --d")
    assert {"find", "du", "duplicates", "diff", "catalogue"} <= set(complete(""))


def test_the_catalogues_actions_and_files_are_offered(complete, tmp_path, monkeypatch):
    """An action first, then a file."""
    monkeypatch.chdir(tmp_path)
    Path("backup.sqlite").touch()
    assert complete("catalogue ") == ["check", "backup", "restore", "export", "import", "resume", "discard"]
    assert complete("catalogue restore ba") == ["backup.sqlite"]


def test_names_are_offered_a_level_at_a_time_folders_first(complete):
    """The files of a folder, not those of the folders in it, however many these hold."""
    offered = complete("ls ")
    assert offered[0] == "scans/"
    assert not any(word.strip("'").startswith("scans/2") for word in offered)
    assert complete("ls scans/") == ["scans/2019/", "scans/2020/"]
    assert complete("ls scans/2019/") == ["scans/2019/a.tif", "'scans/2019/b c.tif'"]


def test_a_name_with_spaces_goes_on_in_either_quotation(complete):
    """The quotation that was typed is kept."""
    assert complete("restore 'scans/2019/b c") == ["'scans/2019/b c.tif'"]
    assert complete('restore "scans/2019/b c') == ['"scans/2019/b c.tif"']
    assert complete("ls --where \"name = 'x y'\" scans/2020") == ["scans/2020/"]
    assert "--tier" in complete("restore 'scans/2019/b c.tif' --ti")


def test_a_name_goes_on_behind_backslashes_and_a_closed_quotation(complete, tmp_path, monkeypatch):
    """As a shell's completion does, and after a folder that was chosen in quotes."""
    assert complete(r"restore scans/2019/b\ ") == [r"scans/2019/b\ c.tif"]
    assert complete(r"restore 'scans/2019/b 'c") == ["'scans/2019/b c.tif'"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my $ notes").mkdir()
    (tmp_path / "my $ notes" / "it's.txt").touch()
    assert complete(r"upload my\ ") == [r"my\ \$\ notes/"]
    assert complete(r"upload my\ \$\ notes/i") == [r"my\ \$\ notes/it\'s.txt"]
    assert complete("upload 'my $ notes/'") == ["'my $ notes/it'\\''s.txt'"]
    assert complete('upload "my') == ["'my $ notes/'"]


@pytest.mark.parametrize("typed", ["e\u0301", "\u00e9"])
def test_a_name_is_offered_however_it_is_composed(complete, session, tmp_path, monkeypatch, typed):
    for number, name in enumerate(("\u00e9t\u00e9/a", "e\u0301te\u0301/b", "e\u0301te\u0301.txt")):
        session.catalogue.archives.record(archive_record(name, number))
    offered = {name.strip("'") for name in complete(f"ls {typed}t")}
    assert offered == {"\u00e9t\u00e9/", "e\u0301te\u0301/", "e\u0301te\u0301.txt"}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e\u0301.txt").touch()
    assert complete(f"upload {typed}") == ["'e\u0301.txt'"]


def test_the_columns_of_a_condition_are_offered(complete):
    """At its beginning, which opens the quotation, and after each of its words."""
    assert '"size' in complete("ls --where ")
    assert complete('ls --where "si') == ['"size']
    assert complete('rm --where "size > 1e9 and cre') == ['"size > 1e9 and created']


def test_paths_keep_their_tilde_and_their_spaces(complete, tmp_path, monkeypatch):
    """Folders first; the word can be typed as it is offered."""
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    for name in ("b folder", "z"):
        (home / name).mkdir(parents=True)
    for name in ("a.txt", "my notes.txt", "b folder/x.txt"):
        (home / name).touch()
    monkeypatch.chdir(home)
    assert complete("upload ~/") == ["'~/b folder/'", "~/z/", "~/a.txt", "'~/my notes.txt'"]
    assert complete("upload ~/a") == ["~/a.txt"]
    assert complete("upload '~/b folder/") == ["'~/b folder/x.txt'"]
    assert complete("upload my") == ["'my notes.txt'"]
    assert complete("restore x --to 'b f") == ["'b folder/'"]


def test_profiles_and_regions_are_offered(complete, tmp_path, monkeypatch):
    """The names of the profiles alone: no line with a key is read from the credentials."""
    file = tmp_path / "config"
    file.write_text("[default]\nregion = eu-west-1\n[profile work]\n[ profile 'old' ]\n[sso-session x]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    assert complete("connect --profile ") == ["default", "old", "work"]
    assert complete("connect --region eu-west") == ["eu-west-1", "eu-west-2", "eu-west-3"]
    assert complete("vaults --regions eu-west-1,eu-central") == ["eu-west-1,eu-central-1"]
    file.unlink()
    assert complete("connect --profile ") == []


def test_vaults_are_offered_wherever_a_verb_takes_one(complete):
    """Beside the words that a verb takes, too."""
    for verb in ("use", "inventory", "access", "cost", "tags", "lock", "drop"):
        assert complete(f"{verb} mu") == ["music"]
    assert {"setup", "remove", "music", "photos"} == set(complete("notify "))


def test_a_level_of_many_folders_is_skipped_folder_by_folder(complete, session):
    """Each takes one query of the index, whatever it holds."""
    for number in range(60):
        session.catalogue.archives.record(
            archive_record(f"deep/{number // 3:02}/{number}.txt", number, vault="music")
        )
    offered = complete("ls --vault music deep/")
    assert offered == [f"deep/{number:02}/" for number in range(20)]
    assert complete("ls --vault music ") == ["deep/", "song.mp3"]
