"""Locales whose encoding is not UTF-8: names are read and written in UTF-8, the terminal gets its own."""

import os
import shutil
import subprocess
import sys

import pytest

from glacier_magic.base.paths import as_utf8
from glacier_magic.base.safenames import UnsafePath, safe_target
from glacier_magic.transfer.sources import find

NAME = "zürich 東.txt"


@pytest.fixture
def run(request, tmp_path):
    """Run the command in a process with the locale of the parameter; return code, output and messages."""
    changed = {"LC_ALL": request.param, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    if request.param != "C":
        if shutil.which("localedef") is None:
            pytest.skip("needs localedef")
        made = subprocess.run(
            ["localedef", "-i", "en_US", "-f", request.param, tmp_path / "en_US"],
            capture_output=True,
            check=False,
        )
        if made.returncode:
            pytest.skip("this computer has no sources of locales")
        changed |= {"LOCPATH": str(tmp_path), "LC_ALL": "en_US"}

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-m", "glacier_magic.cli", *words],
            capture_output=True,
            env=os.environ | changed,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.mark.parametrize("run", ["C"], indirect=True)
def test_files_are_named_in_utf_8_in_a_locale_of_ascii(main, files, run, later):
    """As they are read, and as they are restored."""
    files(NAME)
    main.ok("create", "v")
    for words in (["upload", "--vault", "v", NAME], ["restore", "--vault", "v", "--yes", NAME], ["wait"]):
        code, _, err = run(*words)
        assert code == 0, err
        later(hours=6)
    assert NAME in main.ok("ls", "--vault", "v")
    assert os.listdir(b"restored") == [NAME.encode()]  # noqa: PTH208 - the bytes of the name


@pytest.mark.parametrize("run", ["ISO-8859-1"], indirect=True)
def test_a_terminal_in_latin_1_gets_its_own_encoding(main, files, run):
    """The same bytes that were no mojibake before, and escapes for what it does not have."""
    files(NAME)
    main.ok("create", "v")
    code, _, err = run("upload", "--vault", "v", "--recursive", ".")
    assert code == 0, err
    assert NAME in main.ok("ls", "--vault", "v")
    assert rb"z\xfcrich \u6771.txt".replace(rb"\xfc", b"\xfc") in run("ls", "--vault", "v")[1]


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-1"])
def test_a_kernel_in_another_locale_reads_utf_8_and_refuses_to_write_anything_else(
    files, monkeypatch, encoding
):
    """A process under way cannot change the encoding of its file names."""
    seen = NAME.encode().decode(encoding, "surrogateescape")
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: encoding)
    monkeypatch.setattr(os, "fsencode", lambda path: os.fspath(path).encode(encoding, "surrogateescape"))
    assert as_utf8(seen) == NAME
    latin = b"caf\xe9".decode(encoding, "surrogateescape")
    assert as_utf8(latin) == latin  # in Latin-1 it is the name, in ASCII it is none
    files("plain.txt")
    assert [source.name for source in find(["plain.txt"]).files] == ["plain.txt"]
    with pytest.raises(UnsafePath, match="PYTHONUTF8=1"):
        safe_target(files.folder, NAME, fallback="x")
    assert safe_target(files.folder, "plain.txt", fallback="x") == files.folder / "plain.txt"
