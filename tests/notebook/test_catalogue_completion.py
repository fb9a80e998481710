"""What Tab offers from the catalogue: names, folders, columns, states, files."""

import random
from pathlib import Path
from types import SimpleNamespace

import pytest

from glacier_magic.catalogue import ArchiveRecord
from glacier_magic.notebook.completion import Completer

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
            ArchiveRecord.described(
                name,
                vault="music" if name.endswith("mp3") else "photos",
                archive_id=random.Random(number).randbytes(69).hex(),
                size=number,
                created=1,
                tree_hash=None,
                state="pending",
                seen=None,
            )
        )
    console = SimpleNamespace(connected=session, vault_in_use="photos")
    completer = Completer(SimpleNamespace(started=console))

    def complete(line):
        found = completer.complete(f"%glacier {line}")
        assert found is not None
        return found[1]

    return complete


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
