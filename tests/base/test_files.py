"""A verified file gets its name and never takes another's."""

import ctypes
import errno
import os

import pytest

from glacier_magic.base import files as renaming


def refuse(*_, **__):
    raise OSError(errno.EPERM, "no hard links here")


@pytest.fixture(params=["one step", "two steps", "no hard links"])
def way(request, monkeypatch):
    """Every way that a file system may leave; the first is the one of this computer."""
    if request.param != "one step":
        monkeypatch.setattr(ctypes, "CDLL", refuse)
    if request.param == "no hard links":
        monkeypatch.setattr(os, "link", refuse)
    return request.param


def test_the_file_is_moved(way, tmp_path):
    source, target = tmp_path / "part", tmp_path / "täil'\n😀"
    source.write_bytes(b"verified")
    renaming.rename_new(source, target)
    assert target.read_bytes() == b"verified"
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize("there", [b"", b"somebody else's"])
def test_what_is_there_stays(way, there, tmp_path):
    source, target = tmp_path / "part", tmp_path / "name"
    source.write_bytes(b"verified")
    target.write_bytes(there)
    with pytest.raises(FileExistsError):
        renaming.rename_new(source, target)
    assert (source.read_bytes(), target.read_bytes()) == (b"verified", there)


def test_a_missing_folder_is_told(way, tmp_path):
    source = tmp_path / "part"
    source.write_bytes(b"verified")
    with pytest.raises(FileNotFoundError):
        renaming.rename_new(source, tmp_path / "missing" / "name")
    assert source.read_bytes() == b"verified"


def test_this_system_renames_in_one_step(tmp_path):
    if not renaming.sys.platform.startswith(("linux", "darwin")):
        pytest.skip("known for Linux and macOS only")
    source, target = tmp_path / "part", tmp_path / "name"
    source.write_bytes(b"verified")
    assert renaming._in_one_step(source, target)
    assert target.read_bytes() == b"verified"
