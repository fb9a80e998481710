"""Programs and passwords that files of other people are made with."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import glacier_magic as gm

PASSWORD = "schlüssel 42 aus dem Garten"


def _need(program):
    if shutil.which(program) is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no {program} on this computer")


@pytest.fixture(scope="session")
def openssl():
    """Run ``openssl`` with words; give it the input, and return its output."""
    _need("openssl")

    def openssl(*words, data):
        return subprocess.run(["openssl", *words], input=data, check=True, capture_output=True).stdout

    return openssl


@pytest.fixture(scope="session")
def gpg_home():
    """The folder of a key for ``gpg``; a socket in it needs a short path."""
    _need("gpg")
    with tempfile.TemporaryDirectory(prefix="gpg") as folder:
        words = ["--batch", "--homedir", folder, "--pinentry-mode", "loopback", "--passphrase", ""]
        subprocess.run(
            ["gpg", *words, "--quick-gen-key", "us <us@example.org>", "default", "default"],
            check=True,
            capture_output=True,
        )
        yield folder
        subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], check=True)


@pytest.fixture
def gpg(gpg_home, monkeypatch):
    """Run ``gpg`` with words; the program finds the same keys."""
    monkeypatch.setenv("GNUPGHOME", gpg_home)

    def gpg(*words, data):
        words = ["gpg", "--batch", "-q", "--trust-model", "always", *words]
        return subprocess.run(words, input=data, check=True, capture_output=True).stdout

    return gpg


@pytest.fixture
def password_file(tmp_path):
    """A function that writes a password into a file, and the path of one."""

    def password_file(password=PASSWORD):
        path = tmp_path / "password.txt"
        path.write_bytes(password.encode() if isinstance(password, str) else password)
        return path

    return password_file


@pytest.fixture
def unpack(files):
    """Unpack bytes from a file of a name; return the result."""

    def unpack(name, data, password=None, *, key=None, **options):
        if password is not None:
            file = files(
                "password.txt", (password.encode() if isinstance(password, str) else password) + b"\n"
            )
        keys = gm.Keys(key, None if password is None else file, asks=False)
        return gm.unpack(files(f"in/{name}", data), "out", keys=keys, **options)

    return unpack


def content(folder):
    """Return the files below a folder, and their bytes."""
    paths = sorted(Path(folder).rglob("*"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}
