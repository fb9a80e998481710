"""One folder, several writers: two catalogues, another program, a copied catalogue."""

import errno
import os
import sqlite3
import threading
from contextlib import closing

import pytest

from glacier_magic.base.treehash import tree_hash
from glacier_magic.catalogue.storage.backup import backup
from glacier_magic.errors import LocalError, Unavailable
from glacier_magic.transfer.download import Downloader
from glacier_magic.transfer.local_files import PartFile
from glacier_magic.transfer.progress import Meter
from tests.transfer.test_download import FETCHER, everything

MIB = 1 << 20
PATIENCE = 30.0


@pytest.fixture
def target(tmp_path):
    return tmp_path / "back"


@pytest.fixture
def two(connect, files, later, target, small_parts, tmp_path, session_place):
    """Finished jobs of two catalogues for archives of one name, size and target; their bytes."""
    contents = {}
    for vault, place in (("photos", session_place), ("scans", tmp_path / "other.sqlite")):
        with connect(catalogue=place) as session:
            path = files("large", 5 * MIB + 100)
            contents[vault] = path.read_bytes()
            session.create_vault(vault).upload("large")
            path.unlink()
            session.vault(vault).restore("large", to=target).run()
    later(hours=4.1)
    return contents


def hashes_below(folder):
    return sorted(tree_hash(path) for path in folder.iterdir())


@pytest.mark.parametrize("point", ["pieces", "verified"])
def test_two_catalogues_restore_one_name_into_one_folder(
    two, emulator, region, connect, child, target, session_place, tmp_path, point
):
    """Each file has the bytes of one archive, whichever process writes in between."""
    first = child(FETCHER, emulator.folder, region, session_place, "alive", point)
    first.until("stopped")
    with connect(catalogue=tmp_path / "other.sqlite") as session:
        session.jobs().wait(PATIENCE)
    first.go_on()
    first.until("done")
    assert hashes_below(target) == sorted(map(tree_hash, two.values()))
    assert everything(target) == ["large", "large (2)"]


@pytest.mark.parametrize("point", ["pieces", "verified"])
def test_a_copied_catalogue_waits_for_the_part_file_of_the_first(
    two, emulator, region, connect, child, target, session_place, tmp_path, point
):
    """The second process takes the file that the first has finished, and fetches nothing."""
    first = child(FETCHER, emulator.folder, region, session_place, "alive", point)
    first.until("stopped")
    copied = tmp_path / "copied.sqlite"
    backup(session_place, copied)
    with sqlite3.connect(copied) as database:  # as if the computer that held it were another one
        database.execute("UPDATE downloads SET owner=NULL")
    session = connect(catalogue=copied)
    (download,) = session.catalogue.downloads.open()
    downloader = Downloader(session.engine, threading.Event())
    with pytest.raises(Unavailable, match="Another process writes to"):
        downloader.fetch(download, Meter("large", download.size))
    first.go_on()
    first.until("done")
    assert downloader.fetch(download, Meter("large", download.size)).path == target / "large"
    assert hashes_below(target) == [tree_hash(two["photos"])]


def test_another_program_that_writes_into_the_part_file_is_noticed(
    two, emulator, region, connect, child, target, session_place
):
    """What is on the disk counts: a verified piece that is overwritten is fetched again."""
    first = child(FETCHER, emulator.folder, region, session_place, "alive", "pieces")
    first.until("stopped")
    (part,) = target.glob(".*.part")
    with part.open("r+b") as file:
        file.seek(MIB + 5)
        file.write(b"scribble")
    first.go_on()
    first.until("done")
    assert hashes_below(target) == [tree_hash(two["photos"])]


def test_a_part_file_knows_its_own_writes_from_those_of_others(tmp_path):
    """Whichever copy of it writes; what others wrote counts until all is read again."""
    with closing(PartFile(tmp_path / "part", new=True)) as part, closing(part.share()) as copy:
        part.holding({})
        part.resize(2 * MIB)
        copy.write(memoryview(b"own"), 0)
        part.write(memoryview(b"own"), MIB)
        part.sync()
        assert part.undisturbed
        while part.undisturbed:  # within one tick of a coarse clock, the times are equal
            with part.path.open("r+b") as file:
                file.write(b"scribble")
        copy.write(memoryview(b"own"), 0)
        assert not part.undisturbed
        part.holding({})
        assert part.undisturbed


def test_what_the_disk_did_not_keep_is_fetched_again(two, connect, target, monkeypatch):
    """A piece is hashed as the file holds it, not as it arrived."""
    write, lost = PartFile.write, []

    def lose(self, data, position):
        write(self, data, position)
        if not lost:
            lost.append(position)
            write(self, memoryview(b"lost"), position)

    monkeypatch.setattr(PartFile, "write", lose)
    with connect() as session:
        session.jobs().wait(PATIENCE)
    assert lost
    assert hashes_below(target) == [tree_hash(two["photos"])]


def test_what_a_failing_disk_said_once_is_not_read_from_memory(two, connect, target, monkeypatch, calls):
    """After such an error the system has the bytes, the disk has not: all pieces are fetched again."""
    fsync, failed = os.fsync, []

    def fail(descriptor):
        if not failed and os.fstat(descriptor).st_size == len(two["photos"]):
            failed.append(descriptor)
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    with connect() as session:
        (download,) = session.catalogue.downloads.open()
        session.tracker.refresh(["photos"])
        download = session.catalogue.downloads.get(download.id)
        downloader = Downloader(session.engine, threading.Event())
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(LocalError, match="Input/output"):
            downloader.fetch(download, Meter("large", download.size))
        assert session.catalogue.downloads.get(download.id).verified_pieces == {}
        fetched = calls.noted("open_output", 2)
        downloader.fetch(download, Meter("large", download.size))
    assert sorted(fetched) == list(range(0, 6 * MIB, MIB))
    assert hashes_below(target) == [tree_hash(two["photos"])]
