"""A verified file gets its name and never takes another's."""

import ctypes
import errno
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from glacier_magic.administration.saving import save_new
from glacier_magic.base import files as renaming
from glacier_magic.base.files import read_at, write_at
from glacier_magic.base.paths import home_id
from glacier_magic.catalogue import Scope
from glacier_magic.catalogue.storage.backup import new_file, restore
from glacier_magic.catalogue.storage.sqlite import SqliteDatabase
from glacier_magic.errors import InputError
from glacier_magic.plans.restore import sharing


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


@pytest.mark.parametrize("system", ["posix", "windows"])
def test_threads_that_share_a_descriptor_read_and_write_where_they_mean_to(tmp_path, monkeypatch, system):
    """Also where only the position of the descriptor can be moved."""
    if system == "windows":
        for name in ("pread", "preadv", "pwrite"):
            monkeypatch.delattr(os, name, raising=False)
    pieces = {number * 1000: bytes([number]) * 1000 for number in range(50)}
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0))

    def write(position):
        assert write_at(descriptor, memoryview(pieces[position]), position) == 1000

    def read(position):
        buffer = memoryview(bytearray(1000))
        assert read_at(descriptor, buffer, position) == 1000
        return bytes(buffer)

    try:
        with ThreadPoolExecutor(8) as pool:
            list(
                pool.map(
                    lambda position: write_at(descriptor, memoryview(pieces[position]), position), pieces
                )
            )
            assert list(pool.map(read, pieces)) == list(pieces.values())
        assert read_at(descriptor, memoryview(bytearray(1)), 50_000) == 0
    finally:
        os.close(descriptor)


def test_a_name_that_was_reserved_for_a_failed_rename_is_given_back(tmp_path, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "part").mkdir()  # a folder replaces no file
    with pytest.raises(OSError):
        renaming.rename_new(tmp_path / "part", tmp_path / "name")
    assert [path.name for path in tmp_path.iterdir()] == ["part"]


def save_plan(path):
    scope, now = Scope("000000000000", "eu-central-1"), datetime(2026, 3, 2, tzinfo=UTC)
    sharing.write(path, [], vault="v", tier="Bulk", scope=scope, price="", now=now)


def save_backup(path):
    with new_file(path) as part:
        part.write_text("whole")


WRITERS = {
    "plan": save_plan,
    "backup": save_backup,
    "policy": lambda path: save_new(path, "half a pair: \ud800"),
    "any": lambda path: renaming.write_new(path, b"whole"),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_each_new_file_is_written_whole_and_replaces_none(way, write, tmp_path):
    target = tmp_path / f"{'ü' * 100}.file"
    write(target)
    before = target.read_bytes()
    assert before
    with pytest.raises((OSError, InputError), match="exist"):
        write(target)
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_a_plan_can_be_read_by_others_and_a_policy_by_its_owner_only(tmp_path):
    mask = os.umask(0o022)
    try:
        save_plan(tmp_path / "plan")
        save_new(tmp_path / "policy", "text")
    finally:
        os.umask(mask)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("plan", "policy")] == [0o644, 0o600]


def test_the_data_folder_has_one_id(way, tmp_path, monkeypatch):
    monkeypatch.setenv("GLACIER_MAGIC_HOME", str(tmp_path / "home"))
    first = home_id()
    assert len(first) == 32
    assert home_id() == first
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["home-id"]


def test_the_replaced_catalogue_is_kept(way, tmp_path):
    old, new = tmp_path / "catalogue.sqlite", tmp_path / "backup.sqlite"
    old.write_bytes(b"damaged")
    SqliteDatabase(new).close()
    kept = restore(new, old, datetime(2026, 3, 2, tzinfo=UTC))
    assert kept.read_bytes() == b"damaged"
    assert old.read_bytes().startswith(b"SQLite format 3")
