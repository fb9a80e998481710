"""The verbs of backups as a shell has them: what they say, and their exit codes."""

import json
import os

import pytest

from glacier_magic.commands import VERBS, Console, run
from tests.counting import counting
from tests.faces import Face


@pytest.fixture
def photos(main, tmp_path):
    """A folder, the set of its backup, which is not stored yet, and a key."""
    folder = tmp_path / "Pictures"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg", "c.tmp"):
        (folder / name).write_bytes(os.urandom(1000))
    main.ok("create", "home")
    recipient = main.ok("key", "new", str(tmp_path / "photos.key")).strip()
    return "photos", str(folder), "--recipient", recipient, "--exclude", "*.tmp"


def test_a_dry_run_says_what_it_would_store_and_not_how_to_run_itself(main, photos):
    shown = main.ok("backup", *photos, "--dry-run")
    assert "Back up 2 files" in shown
    assert "left out: *.tmp (1)" in shown
    assert "--yes" not in shown + main.err
    assert json.loads(main.ok("snapshots", "--json")) == []


def test_a_file_comes_back_by_the_same_line(main, photos, emulator, tmp_path):
    """While its part is on the way, the note says so once, and nothing is asked for twice."""
    main.ok("backup", *photos)
    line = (
        "recover",
        "photos",
        "a.jpg",
        "--key",
        str(tmp_path / "photos.key"),
        "--to",
        str(tmp_path / "back"),
        "--yes",
    )
    with counting(emulator, "InitiateJob") as requests:
        for _ in range(2):
            main.ok(*line)
            assert main.err.count("the same line writes the files") == 1
            assert "downloads the files" not in main.err
        assert requests() == 1
    emulator.advance(hours=6)
    assert "1 file (1000 B) written" in main.ok(*line, "--wait")
    assert (tmp_path / "back" / "a.jpg").read_bytes() == (tmp_path / "Pictures" / "a.jpg").read_bytes()
    assert "0 files (0 B) written\n1 file with the same content there already" in main.ok(*line)


def test_a_prune_without_archives_says_when_it_has_some(main, photos, emulator, tmp_path):
    main.ok("backup", *photos)
    emulator.advance(days=1)
    (tmp_path / "Pictures" / "new.jpg").write_bytes(b"new")
    main.ok("backup", "photos")
    assert main("prune", "photos", "--keep-last", "1") == 2  # nobody answers
    assert "Give up 1 snapshot of photos; delete no archive yet" in main.out
    assert "early deletion" not in main.out
    assert main.ok("prune", "photos", "--keep-last", "1", "--yes").startswith(
        "Gave up 1 snapshot of photos. Deleted 0 archives"
    )
    emulator.advance(days=90)
    assert main.ok("prune", "photos", "--keep-last", "1", "--yes") == "Deleted 1 archive from home.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("backup", "new", "."),
            "Add --recipient age1..., as glacier-magic key new FILE prints it, or --plain.",
        ),
        (("key", "make", "x"), "glacier-magic key new FILE makes a key."),
    ],
)
def test_mistakes_name_the_next_step(main, words, said):
    main.ok("create", "home")
    assert main(*words) == 2
    assert said in main.err


def test_a_sample_is_checked_by_the_same_line(main, photos, emulator, tmp_path):
    """Without one, nothing is asked for, nor a key."""
    main.ok("backup", *photos)
    line = ("check", "photos", "--sample", "50%", "--key", str(tmp_path / "photos.key"), "--yes")
    with counting(emulator, "InitiateJob") as requests:
        main.ok("check", "photos")
        assert requests() == 0
        for _ in range(2):
            main.ok(*line)
            assert main.err.count("the same line reads the files") == 1
        emulator.advance(hours=6)
        assert ".jpg" in main.ok(*line, "--wait")
        assert requests() == 1
    assert main("check", "photos", "--sample", "0%") == 2
    assert "neither a number of files" in main.err


def test_a_prune_can_first_store_anew_what_a_dead_pack_has_left(main, photos, emulator, tmp_path):
    """Two plans in one line; without --yes, the first one is shown."""
    folder = tmp_path / "Pictures"
    (folder / "large.jpg").write_bytes(os.urandom(20_000))
    main.ok("backup", *photos)
    emulator.advance(days=1)
    (folder / "large.jpg").unlink()
    (folder / "new.jpg").write_bytes(b"new")
    main.ok("backup", "photos")
    line = ("prune", "photos", "--keep-last", "1", "--repack")
    assert main(*line) == 2  # nobody answers
    assert "repacked: needed files of 1 pack, more than half unused" in main.out
    with counting(emulator, "DeleteArchive") as requests:
        said = main.ok(*line, "--yes")
        assert "photos: snapshot 3 of 3 files" in said + main.err
        assert "Gave up 2 snapshots of photos" in said
        assert requests() == 0
    emulator.advance(days=90)
    assert "Deleted 3 archives" in main.ok(*line, "--confirm", "home")
    assert main.ok("check", "photos").count("pending") == 3


def test_a_lost_computer_without_a_manifest_is_adopted_from_packs(
    main, photos, emulator, region, tmp_path, monkeypatch
):
    """The same line asks for the ends of the packs, and records what they say."""
    main.ok("backup", *photos)
    (manifest,) = (row["name"] for row in json.loads(main.ok("ls", "--json")) if "manifest" in row["name"])
    main.ok("rm", manifest, "--yes")
    emulator.advance(days=1.2)
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(tmp_path / "new.sqlite"))
    main.ok("connect", "--data", str(emulator.folder), "--region", region)
    main.ok("use", "home")
    main.ok("inventory")
    emulator.advance(hours=4.1)
    main.ok("inventory", "--wait")
    line = ("adopt", "--from-packs", "--key", str(tmp_path / "photos.key"), "--yes")
    with counting(emulator, "InitiateJob") as requests:
        for _ in range(2):
            main.ok(*line)
        emulator.advance(hours=4.1)
        assert "photos" in main.ok(*line, "--wait")
        assert requests() == 1
        assert main(*line) != 0
        assert "has no pack of an unknown backup" in main.err
        assert requests() == 1
    assert main.ok("snapshots", "photos", "--files").count(".jpg") == 2


def test_all_faces_make_the_same_plan(main, photos, sessions):
    """In a notebook it is an object, as in Python."""
    words = ["backup", *photos, "--dry-run"]
    shown = main.ok(*words)
    notebook = Console(Face(), sessions=sessions)
    python = notebook.vault(None).backup(*photos[:2], recipients=[photos[3]], exclude=["*.tmp"])
    assert run(notebook, VERBS, words).as_text() == python.as_text() == shown.rstrip("\n")
    notebook.close()
