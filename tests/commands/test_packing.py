"""The verb pack: one file of many, in a shell, a notebook and Python, opened by stock tools."""

import os
import shutil
import subprocess

import pytest

import glacier_magic as gm
from glacier_magic.commands import VERBS, Console, run
from glacier_magic.errors import InputError, LocalError
from glacier_magic.packs.encryption import Identity
from tests.faces import Face


@pytest.fixture
def glacier():
    """Run a line of words without any connection; its console is an attribute."""
    console = Console(Face())

    def line(*words):
        return run(console, VERBS, [str(word) for word in words])

    line.console = console
    yield line
    console.close()


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "photos"
    for path in ("2019/a.jpg", "2019/b.tmp", "2020/deep/c.jpg"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    os.utime(root / "2019" / "a.jpg", ns=(0, 1_555_555_555_123_456_789))
    return root


@pytest.mark.skipif(not shutil.which("age") or not shutil.which("zstd"), reason="needs age and zstd")
def test_a_pack_opens_without_this_program(glacier, folder, tmp_path):
    key, file, back = tmp_path / "set.key", tmp_path / "photos.tar.zst.age", tmp_path / "back"
    recipient = glacier("key", "new", key)
    packed = glacier("pack", folder, file, "--recipient", recipient, "--exclude", "*.tmp")
    assert (packed.members, packed.content, packed.unreadable) == (5, 25, ())
    assert packed.left_out == (("*.tmp", 1),)
    assert (packed.size, packed.tree_hash) == (file.stat().st_size, gm.tree_hash(file))
    back.mkdir()
    subprocess.run(f"age -d -i '{key}' '{file}' | zstd -d | tar x", shell=True, check=True, cwd=back)
    (folder / "2019" / "b.tmp").unlink()
    subprocess.run(["diff", "-r", folder, back], check=True)
    assert (back / "2019" / "a.jpg").stat().st_mtime_ns == 1_555_555_555_123_456_789


def test_several_folders_without_encryption(folder, tmp_path):
    (folder.parent / "mail").mkdir()
    packed = gm.pack([folder, tmp_path / "mail"], tmp_path / "both.tar.zst", plain=True)
    assert packed.members == 8
    assert "both.tar.zst" in repr(packed)
    assert "8 members" in repr(packed)


def test_what_cannot_be_packed_is_named_and_the_rest_packed(glacier, folder, tmp_path):
    os.mkfifo(folder / "pipe")
    packed = glacier("pack", folder, tmp_path / "p.tar.zst", "--plain")
    assert packed.unreadable == (("pipe", "is not a file, folder or link"),)
    assert packed.members == 6
    assert glacier.console.exit_code == 9
    assert "pipe: is not a file, folder or link" in repr(packed)


def test_rules_of_the_options(glacier, folder, tmp_path):
    (tmp_path / "patterns").write_text("# old\n2020/\n")
    (folder / "big").write_bytes(bytes(100_000))
    words = ("--exclude-from", tmp_path / "patterns", "--exclude-larger", "64KiB", "--plain")
    packed = glacier("pack", folder, tmp_path / "p.tar.zst", *words)
    assert packed.members == 3
    assert dict(packed.left_out) == {"2020/": 1, "larger than 64 KiB": 1}
    with pytest.raises(InputError, match="cannot be read"):
        glacier("pack", folder, tmp_path / "q.tar.zst", "--plain", "--exclude-from", tmp_path / "none")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["p.tar.zst"], "either encrypted for recipients or plain"),
        (["p.tar.zst.age", "--plain"], r"does not end in \.tar\.zst\b"),
        (["p.zip", "--recipient", "KEY"], r"does not end in \.tar\.zst\.age"),
        (["p.tar.zst", "--plain", "--recipient", "KEY"], "either encrypted"),
        (["p.tar.zst.age", "--recipient", "age1nobody"], "age1nobody"),
        (["photos/p.tar.zst", "--plain"], "which it is to hold"),
        (["p.tar.zst", "--plain", "--exclude", "!"], "is not a pattern"),
        (["none/p.tar.zst", "--plain"], "cannot be written"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_written(glacier, folder, words, message, monkeypatch):
    monkeypatch.chdir(folder.parent)
    before = sorted(folder.parent.rglob("*"))
    recipient = Identity.new().recipient
    with pytest.raises((InputError, LocalError), match=message):
        glacier("pack", "photos", *(recipient if word == "KEY" else word for word in words))
    assert sorted(folder.parent.rglob("*")) == before


def test_nothing_is_replaced(glacier, folder, tmp_path):
    (tmp_path / "p.tar.zst").write_text("older")
    with pytest.raises(LocalError, match="exists already"):
        glacier("pack", folder, tmp_path / "p.tar.zst", "--plain")
    assert (tmp_path / "p.tar.zst").read_text() == "older"


def test_a_folder_that_is_missing_is_named(glacier, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        glacier("pack", tmp_path / "none", tmp_path / "p.tar.zst", "--plain")
