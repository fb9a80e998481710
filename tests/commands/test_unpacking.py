"""The verb unpack, and keys for restore and peek."""

import os
import tarfile
from pathlib import Path

import pytest

from glacier_magic.commands import VERBS, Console, run
from glacier_magic.errors import InputError, LocalError, WrongKey
from glacier_magic.plans import RestorePlan
from tests.counting import counting
from tests.faces import Face
from tests.packs.unpacking.beefish import encrypted
from tests.packs.unpacking.conftest import content
from tests.packs.unpacking.packing import tarred

PASSWORD = "a password of eight words, umlaut: ü"  # long enough for the search of the whole suite
MEMBERS = {"a.txt": b"hello", "b.bin": os.urandom(2000)}


class PassingFace(Face):
    """Lets hours pass while it waits."""

    def __init__(self, pass_hours):
        super().__init__()
        self._pass_hours = pass_hours

    def wait(self, batch, timeout):
        self._pass_hours()
        return super().wait(batch, timeout)


@pytest.fixture
def face(emulator):
    return PassingFace(lambda: emulator.advance(hours=4.1))


@pytest.fixture
def glacier(emulator, region, face, files, password_file, sessions):
    """Run one line on a console; the vault has a file of bakthat's and a plain one."""
    console = Console(face, sessions=sessions)

    def glacier(*words):
        return run(console, VERBS, list(map(str, words)))

    glacier("connect", "--emulator", "--data", emulator.folder, "--region", region)
    glacier("create", "photos")
    files("notes.20130214103045.tgz.enc", encrypted(tarred(MEMBERS, "w:gz"), PASSWORD.encode()))
    files("plain.txt", b"plain")
    for name in ("notes.20130214103045.tgz.enc", "plain.txt"):
        glacier("upload", name)
        (files.folder / name).unlink()
    glacier.console = console
    yield glacier
    console.close()


@pytest.fixture
def password_file(files):
    return files("password.txt", f"{PASSWORD}\n".encode())


def test_a_restore_unpacks_what_has_arrived(glacier, face, files, password_file, jobs_of):
    """Beside the archive, which stays; a file without layers stays as it is."""
    glacier("restore", "*", "--to", "back", "--yes", "--wait", "--unpack", "--password-file", password_file)
    assert len(jobs_of()) == 2
    back = files.folder / "back"
    assert sorted(path.name for path in back.iterdir()) == [
        "notes.20130214103045",
        "notes.20130214103045.tgz.enc",
        "plain.txt",
    ]
    assert content(back / "notes.20130214103045") == MEMBERS
    assert any("notes.20130214103045: 2 files" in note for note in face.notes)
    assert any("plain.txt needs no unpacking" in note for note in face.notes)


def test_a_wrong_password_keeps_the_archive_and_the_other_files(glacier, files):
    """It can be unpacked later without a request."""
    wrong = files("wrong.txt", b"wrong")
    with pytest.raises(WrongKey, match="The password is wrong"):
        glacier("restore", "*", "--to", "back", "--yes", "--wait", "--unpack", "--password-file", wrong)
    assert sorted(path.name for path in (files.folder / "back").iterdir()) == [
        "notes.20130214103045.tgz.enc",
        "plain.txt",
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["--unpack"],
        ["--unpack", "--wait", "--head", "1KB"],
        ["--unpack", "--wait", "--save", "p"],
        ["--key", "k"],
    ],
)
def test_words_that_do_not_belong_together_ask_for_nothing(glacier, emulator, words):
    """Each with its next step."""
    with counting(emulator, "InitiateJob") as requests, pytest.raises(InputError) as caught:
        glacier("restore", "*", "--yes", *words)
    assert requests() == 0
    assert caught.value.cure


def test_a_plan_that_only_a_button_starts_is_not_unpacked(glacier, face):
    """A cell shows it, and goes on."""
    outcome = glacier("restore", "*", "--unpack", "--wait")
    assert isinstance(outcome, RestorePlan)
    assert face.offers == [outcome]


def test_peek_tests_a_password_for_one_mib(glacier, face, emulator, password_file, files, ranges_of):
    """Of a larger archive; the rest is asked for with the right one, and the first MiB not again."""
    name = "film.20130214103045.tgz.enc"
    members = MEMBERS | {"film.mov": os.urandom(3 << 20)}
    local = files(name, encrypted(tarred(members, "w:gz"), PASSWORD.encode()))
    glacier("upload", name)
    local.unlink()
    with counting(emulator, "InitiateJob") as requests:
        with pytest.raises(WrongKey, match="paid: 1 request"):
            glacier("peek", name, "--password-file", files("wrong.txt", b"wrong"), "--yes", "--wait")
        assert requests() == 1
    assert ranges_of() == ["0-1048575"]
    table = glacier("peek", name, "--password-file", password_file, "--yes", "--wait")
    assert ranges_of().count("0-1048575") == 1
    assert table["name"].to_list() == list(members)
    assert "a tar.enc: 3 members" in face.notes[-1]


def test_unpack_says_what_it_leaves_out(glacier, files):
    """By the exit code, too."""
    pipe = tarfile.TarInfo("pipe")
    pipe.type = tarfile.FIFOTYPE
    files("pipe.tar", tarred([("a", b"x"), (pipe, b"")]))
    found = glacier("unpack", "pipe.tar", "--to", "out")
    assert found.omitted == 1
    assert glacier.console.exit_code == LocalError.exit_code
    with pytest.raises(LocalError, match="the limit"):
        glacier("unpack", files("a.tar.gz", tarred({"a": bytes(5000)}, "w:gz")), "--max-size", "4kB")
    with pytest.raises(InputError, match="no archive or encrypted file"):
        glacier("unpack", files("plain.txt", b"plain"))


def test_a_shell_unpacks_without_a_connection(bare, files, password_file, tmp_path):
    """And no password is in what it prints or keeps, right or wrong."""
    files("a.tgz.enc", encrypted(tarred(MEMBERS, "w:gz"), PASSWORD.encode()))
    wrong = files("wrong.txt", b"another password, which is wrong")
    assert bare("unpack", "a.tgz.enc", "--password-file", str(wrong)) == WrongKey.exit_code
    assert "WrongKey: a.tgz.enc: The password is wrong" in bare.err
    assert "a: 2 files" in bare.ok("unpack", "a.tgz.enc", "--password-file", str(password_file))
    assert content(files.folder / "a") == MEMBERS
    bare.ok("why")
    kept = [
        path
        for path in (*tmp_path.rglob("*"), *Path(os.environ["HOME"]).rglob("*"))
        if path.is_file() and path not in (wrong, password_file)
    ]
    assert kept
    for path in kept:
        assert b"password of eight" not in path.read_bytes(), path
        assert b"another password" not in path.read_bytes(), path
