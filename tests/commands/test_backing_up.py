"""backup, snapshots, recover and prune, as they are typed."""

import os

import pytest

from tests.packed import on_disk, place, write


@pytest.fixture
def typed(main, key, tmp_path):
    """The command line with a vault in use, a folder, and a key."""
    main.ok("create", "photos")
    main.ok("use", "photos")
    (tmp_path / "home.key").write_text(key.file())
    write(tmp_path / "disk", a__x=b"1", b=b"2")
    return main


@pytest.fixture
def first(typed, key, tmp_path):
    """A first backup."""
    return typed.ok("backup", "home", str(tmp_path / "disk"), "--recipient", key.recipient)


def test_a_backup_its_list_and_its_files(typed, first, tmp_path):
    assert "home: snapshot 1 of 2 files" in first
    assert "nothing is new" in typed.ok("backup", "home")
    place(tmp_path / "disk/b", b"22")
    typed.ok("backup", "home")
    assert [line.split()[1] for line in typed.ok("snapshots", "home").splitlines()[1:3]] == ["1", "2"]
    assert "a/x" in typed.ok("snapshots", "home", "--files", "a")
    changed = typed.ok("snapshots", "home", "--diff", "1", "2")
    assert "b" in changed
    assert "changed" in changed
    assert "a/x" not in changed


def test_all_sets_and_the_files_of_a_snapshot_in_a_shell(typed, first):
    """Without a vault, those of all; a table where a notebook has a panel and an explorer."""
    typed.ok("create", "other")
    typed.ok("use", "photos")
    assert typed.ok("backup", "--vault", "other").startswith("There is no backup of other yet")
    head, row, *_ = typed.ok("backup").splitlines()
    assert head.split()[:2] == ["set", "vault"]
    assert row.split()[:2] == ["home", "photos"]
    assert "done" in row
    files = typed.ok("snapshots", "home", "--explore")
    assert "home, snapshot 1." in files
    assert "a/x" in files
    assert "recover home GLOB --as-of 1" in files


def test_a_dry_run_sends_and_records_nothing(typed, key, calls, tmp_path):
    sent = []
    for name in ("upload_archive", "start_upload"):
        calls.watch(name, lambda *_: sent.append(1))
    words = ("backup", "home", str(tmp_path / "disk"), "--recipient", key.recipient, "--dry-run")
    assert "Back up 2 files" in typed.ok(*words)
    assert sent == []
    assert "home" not in typed.ok("snapshots")


def test_what_cannot_be_read_is_named_with_exit_code_9(typed, first, tmp_path):
    """The rest is stored."""
    os.mkfifo(tmp_path / "disk/pipe")
    place(tmp_path / "disk/c", b"3")
    assert typed("backup", "home") == 9
    assert "snapshot 2 of 3 files" in typed.out
    assert "not read: pipe" in typed.out
    assert typed("backup", "home") == 9
    assert "nothing is new" in typed.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("backup", "other"), "There is no backup 'other' yet"),
        (("backup", "home", "--plain", "--recipient", "age1"), "either encrypted"),
        (("recover", "home"), "Add --key FILE"),
        (("recover", "nothing", "--key", "key"), "There is no backup 'nothing'"),
        (("prune", "home"), "Nothing says what is kept"),
        (("prune", "home", "--keep-daily", "-1"), "a number of snapshots"),
        (("prune", "home", "--keep-within", "5"), "write 5d for days"),
        (("snapshots", "--files"), "These options need a set"),
        (("snapshots", "home", "--as-of", "1"), "Add --files"),
        (("snapshots", "home", "--diff", "1", "9"), "has no snapshot 9"),
        (("snapshots", "home", "--explore", "9"), "has no snapshot 9"),
        (("snapshots", "--explore"), "These options need a set"),
        (("snapshots", "home", "--key", "key"), "Add --explore"),
        (("backup", "--plain"), "These options need a set"),
    ],
)
def test_mistakes_say_what_to_do(typed, first, words, message):
    assert typed(*words) != 0
    assert message in typed.err


def test_the_same_line_recovers_when_the_parts_are_there(typed, first, later, tmp_path):
    """The first time it asks for them, and says so; the history has that alone."""
    words = ("recover", "home", "--key", str(tmp_path / "home.key"), "--to", str(tmp_path / "to"), "--yes")
    typed(*words)
    assert "the same line writes the files" in typed.out + typed.err
    assert not (tmp_path / "to/b").exists()
    rows = len(typed.ok("history", "-q").splitlines())
    typed(*words)
    assert len(typed.ok("history", "-q").splitlines()) == rows
    later(hours=4.1)
    typed.ok("wait")
    assert "2 files" in typed.ok(*words)
    assert on_disk(tmp_path / "to") == on_disk(tmp_path / "disk")


def test_pruning_shows_its_plan_and_needs_the_vaults_name(typed, first, tmp_path):
    place(tmp_path / "disk/b", b"22")
    typed.ok("backup", "home")
    words = ("prune", "home", "--keep-last", "1", "--now")
    typed(*words)
    assert "Give up 1 snapshot of home" in typed.out + typed.err
    assert len(typed.ok("snapshots", "home").splitlines()) == 3
    typed.ok(*words, "--confirm", "photos")
    assert [line.split()[1] for line in typed.ok("snapshots", "home").splitlines()[1:2]] == ["2"]
