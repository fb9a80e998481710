"""The command line with a catalogue on a server: the same verbs, and no password anywhere."""

import re

import pytest

from glacier_magic import cli
from glacier_magic.base.paths import last_connection_file
from tests import postgres_server


@pytest.fixture
def run(postgres, database_url, emulator, region, monkeypatch, capsys):
    """Run a verb as somebody whose URL holds a password; return all that is said."""
    schema = re.search(r"search_path%3D(\w+)", database_url)[1]
    url = postgres.url("guarded", password=postgres_server.PASSWORD, options=f"-csearch_path={schema},public")
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", url)

    def run(*words, code=0):
        assert cli.main([str(word) for word in words]) == code
        said = capsys.readouterr()
        assert "s3cr" not in said.out + said.err
        return said.out + said.err

    run("connect", "--data", emulator.folder, "--region", region)
    return run


def test_a_team_works_with_one_catalogue(run, files):
    """Stores, lists and deletes by name, and is told where the catalogue is."""
    run("create", "photos")
    files("scans/a.tif", b"one")
    files("scans/b.tif", b"two")
    run("upload", "scans", "--recursive")
    listed = run("ls", "scans/*")
    assert "scans/a.tif" in listed
    assert "scans/b.tif" in listed
    run("rm", "scans/a.tif", "--yes")
    assert "scans/a.tif" not in run("ls")
    assert re.search(r"postgresql://guarded@/team\?host=/", run("catalogue"))
    assert "postgresql" not in last_connection_file().read_text()


def test_the_catalogue_itself_is_looked_at_exported_and_merged(run, files, tmp_path):
    """All but what needs a file of its own: the server's tools do that, and it says so."""
    run("create", "photos")
    files("a.tif", b"one")
    run("upload", "a.tif", "--vault", "photos")
    told = run("catalogue")
    assert "1 archive in 1 vault" in told
    assert "postgresql://guarded@/team" in told
    assert "no problem" in run("catalogue", "check")
    assert "no problem" in run("catalogue", "check", "--repair")
    run("catalogue", "export", tmp_path / "all.parquet")
    run("catalogue", "import", tmp_path / "all.parquet")
    assert "1 archive" in run("catalogue")
    for words in (("backup", "b.sqlite"), ("restore", "b.sqlite", "--yes")):
        said = run("catalogue", *words, code=10)
        assert "is on a server and has no file" in said
        assert "pg_dump" in said
    assert not (tmp_path / "work" / "b.sqlite").exists()


def test_a_server_that_is_away_is_one_line(run, monkeypatch, tmp_path):
    """With the exit code of what can be tried again, and no password."""
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", f"postgresql://me:s3cret@/x?host={tmp_path}")
    said = run("ls", code=69)
    assert "cannot be reached" in said
    assert len(said.strip().splitlines()) == 1
