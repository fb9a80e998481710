"""The catalogue: acknowledged rows are not lost, scopes do not mix, other files do not change."""

import itertools
import sqlite3
import threading
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glacier_magic.base.session_limits import Limits
from glacier_magic.catalogue import Catalogue, JobRecord, Scope
from glacier_magic.errors import CatalogueError
from tests.catalogue import archive_record, mark_deleted, read_inventory, wanted

HERE, THERE = Scope("111111111111", "eu-west-1"), Scope("222222222222", "eu-west-1")
ELSEWHERE = Scope("111111111111", "us-east-1")
_numbers = itertools.count(1)


def record(name="a.txt", **known):
    return archive_record(name, next(_numbers), **known)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new folder" / "catalogue.sqlite"


@pytest.fixture
def catalogue(place):
    catalogue = Catalogue(place, HERE)
    yield catalogue
    catalogue.close()


def names(catalogue, glob=None, vault="photos"):
    return [found.name for found in catalogue.archives.matching(vault, glob)]


# Keys


def test_the_same_vault_name_in_two_accounts_and_regions_does_not_mix(catalogue):
    """Every table is keyed by account and region, not by vault alone."""
    job = JobRecord(vault="photos", job_id="j", action="InventoryRetrieval")
    for number, scope in enumerate((HERE, THERE, ELSEWHERE)):
        catalogue.rescope(scope)
        catalogue.archives.record(record(f"{number}.txt", archive_id="same"))
        catalogue.downloads.want([wanted(number, name=f"{number}.txt")])
        catalogue.jobs.record([job], ours=True)
        read_inventory(catalogue, [], number, f"j{number}")
        catalogue.uploads.begin(
            vault="photos",
            path=f"/{number}",
            size=1,
            mtime_ns=1,
            name="n",
            description="d",
            part_size=None,
            owner="me",
        )
    for number, scope in enumerate((HERE, THERE, ELSEWHERE)):
        catalogue.rescope(scope)
        assert names(catalogue) == [f"{number}.txt"]
        assert [d.name for d in catalogue.downloads.open()] == [f"{number}.txt"]
        assert len(catalogue.jobs.known()) == 1
        assert catalogue.inventories.newest("photos").job_id == f"j{number}"
        assert catalogue.archives.count("photos") == 1


def test_two_vaults_of_one_scope_do_not_mix(catalogue):
    """A name is looked up in its vault only."""
    catalogue.archives.record(record("a", vault="one"))
    catalogue.archives.record(record("b", vault="two"))
    assert (names(catalogue, vault="one"), names(catalogue, vault="two")) == (["a"], ["b"])


# Transactions


def test_a_transaction_is_kept_whole_or_not_at_all(catalogue):
    """An error in the block undoes all its writes, including those of nested blocks."""

    def write():
        with catalogue.database.transaction():
            catalogue.archives.record(record("one"))
            with catalogue.database.transaction():
                catalogue.archives.record(record("two"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()
    assert names(catalogue) == []


def test_an_upload_and_its_archive_are_written_together(catalogue):
    """Either the archive is on record and the upload done, or neither."""
    upload = catalogue.uploads.begin(
        vault="photos", path="/a", size=7, mtime_ns=1, name="a", description="a", part_size=None, owner="me"
    )

    with pytest.raises(Exception, match="object"):
        catalogue.uploads.done(object(), record("a"))
    assert names(catalogue) == []
    assert catalogue.uploads.get(upload.id).state == "sending"


def test_requests_of_a_batch_are_written_all_or_none(catalogue):
    """A request that cannot be written undoes the whole batch."""
    with pytest.raises(Exception, match=r"(?i)unique"):
        catalogue.downloads.want([wanted(1, token="same"), wanted(2, token="same")])
    assert catalogue.downloads.open() == []


def test_what_was_written_is_there_after_reopening(place):
    """A second catalogue object of the same file sees all."""
    first = Catalogue(place, HERE)
    first.archives.record(record("a"))
    first.settings.put("key", "välue")
    first.close()
    second = Catalogue(place, HERE)
    assert (names(second), second.settings.get("key")) == (["a"], "välue")
    second.close()


def test_file_and_folder_are_readable_by_the_user_alone(path):
    """The names of files are private."""
    Catalogue(path, HERE).close()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


WRITER = """
    import sys
    from glacier_magic.catalogue import ArchiveRecord, Catalogue, Scope
    catalogue = Catalogue(sys.argv[1], Scope("111111111111", "eu-west-1"))
    who, count = sys.argv[2], int(sys.argv[3])
    for number in range(count):
        catalogue.archives.record(ArchiveRecord.described(
            f"{who}-{number}", vault="photos", archive_id=f"{who}-{number}", size=1, created=1,
            tree_hash="0", state="uploaded", seen=None,
        ))
        print(number, flush=True)
    print("done", flush=True)
    catalogue.close()
"""


def test_two_processes_write_at_once(catalogue, place, child):
    """Neither fails, and every row of both exists."""
    writers = [child(WRITER, place, who, 60) for who in "ab"]
    for writer in writers:
        writer.until("done")
    assert [writer.end() for writer in writers] == [0, 0]
    assert sorted(names(catalogue)) == sorted(f"{who}-{n}" for who in "ab" for n in range(60))


def test_threads_that_open_a_new_one_at_once_all_succeed(place):
    """Two kernels may start at the same time on a new machine."""
    barrier, opened, failed = threading.Barrier(8), [], []

    def open_it():
        barrier.wait()
        try:
            opened.append(Catalogue(place, HERE))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for catalogue in opened:
        catalogue.close()
    assert failed == []


def test_a_new_file_that_another_process_is_just_making_is_waited_for(path):
    """It is locked for a short time, not damaged."""
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    release = threading.Timer(0.5, other.execute, ["ROLLBACK"])
    release.start()
    try:
        Catalogue(path, HERE).close()
    finally:
        release.join()
        other.close()


def test_every_acknowledged_row_survives_a_kill(backend, place, child):
    """A process killed while it writes in a loop loses no acknowledged row."""
    Catalogue(place, HERE).close()
    writer = child(WRITER, place, "a", 100_000)
    acknowledged = int(writer.until("40")[-1]) + 1
    writer.kill()
    catalogue = Catalogue(place, HERE)
    there = set(names(catalogue))
    assert {f"a-{n}" for n in range(acknowledged + 1)} <= there
    if backend == "sqlite":
        assert catalogue.database.row("PRAGMA integrity_check")[0] == "ok"
    catalogue.close()


def test_jobs_without_a_date_come_last(catalogue):
    """In both databases."""
    for number, created in enumerate((5, None, 9)):
        job = JobRecord(vault="v", job_id=str(number), action="InventoryRetrieval", created=created)
        catalogue.jobs.record([job])
    assert [job.created for job in catalogue.jobs.known()] == [9, 5, None]


# Files that are not ours


def test_a_file_of_a_newer_version_is_refused_unchanged(path):
    """An older program must not touch what it does not understand."""
    Catalogue(path, HERE).close()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version=99")
        raw.execute("CREATE TABLE future(x)")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(CatalogueError, match="newer version") as caught:
        Catalogue(path, HERE)
    assert "pip install" in caught.value.cure
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_refused_unchanged(tmp_path):
    """It does not change by a byte."""
    path = tmp_path / "places.sqlite"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE bookmarks(url)")
        raw.execute("INSERT INTO bookmarks VALUES('x')")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(CatalogueError, match="another program"):
        Catalogue(path, HERE)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["places.sqlite"]


def test_a_file_that_is_no_database_is_refused_unchanged(path):
    """A text file in the catalogue's place does not change."""
    path.parent.mkdir()
    path.write_bytes(b"my diary, not a database " * 100)
    before = path.read_bytes()
    with pytest.raises(CatalogueError, match="damaged") as caught:
        Catalogue(path, HERE)
    assert caught.value.cure
    assert path.read_bytes() == before


def use(path):
    catalogue = Catalogue(path, HERE)
    try:
        catalogue.archives.matching("photos")
        catalogue.archives.record(record("new"))
        catalogue.downloads.want([wanted()])
    finally:
        catalogue.close()


def test_damage_that_shows_only_in_use_is_a_catalogue_error(path):
    """Pages overwritten behind the header are reported like a damaged file, with a cure."""
    catalogue = Catalogue(path, HERE)
    for number in range(300):
        catalogue.archives.record(record(f"{number}-{'x' * 200}"))
    catalogue.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    catalogue.close()
    with path.open("r+b") as file:
        size = path.stat().st_size
        file.seek(4096 * 3)
        file.write(b"\xa5" * (size - 4096 * 3))
    with pytest.raises(CatalogueError) as caught:
        use(path)
    assert caught.value.cure


def test_a_folder_in_the_files_place_is_a_catalogue_error(tmp_path):
    """So is a path through a file; no other error is raised."""
    (tmp_path / "file").touch()
    for impossible in (tmp_path, tmp_path / "file" / "catalogue.sqlite"):
        with pytest.raises(CatalogueError) as caught:
            Catalogue(impossible, HERE)
        assert "GLACIER_MAGIC_CATALOGUE" in caught.value.cure


# Names


def test_a_folder_with_a_slash_means_all_below_it(catalogue):
    """Folders whose names only begin with its name are not below it."""
    for name in ("scans/a", "scans/2019/b", "scans2/c", "scans", "xscans/d"):
        catalogue.archives.record(record(name))
    assert names(catalogue, "scans/") == ["scans/2019/b", "scans/a"]


def test_a_star_crosses_slashes_and_case_counts(catalogue):
    """Names are not paths: a star matches all of them."""
    for name in ("a/b/c.TIF", "a/b/c.tif", "c.tif"):
        catalogue.archives.record(record(name))
    assert names(catalogue, "*.tif") == ["a/b/c.tif", "c.tif"]
    assert names(catalogue, "a*c.T??") == ["a/b/c.TIF"]


def test_a_name_with_brackets_is_found_as_it_is_spelled(catalogue):
    """``photo[1].jpg`` is a name before it is a pattern."""
    catalogue.archives.record(record("photo[1].jpg"))
    catalogue.archives.record(record("what?*.txt"))
    assert names(catalogue, "photo[1].jpg") == ["photo[1].jpg"]
    assert names(catalogue, "what?*.txt") == ["what?*.txt"]


def test_a_folder_with_brackets_is_taken_literally(catalogue):
    """Only names below this folder match."""
    for name in ("set[1]/a", "set1/b"):
        catalogue.archives.record(record(name))
    assert names(catalogue, "set[1]/") == ["set[1]/a"]


@settings(max_examples=25)  # each writes to disk
@given(name=st.text(min_size=1, max_size=20).filter(str.isprintable))
@example(name="*[")
@example(name="*[a].txt")
def test_every_name_is_found_by_its_own_spelling(new_place, name):
    """With any characters, including quotes and wildcards."""
    catalogue = Catalogue(new_place(), HERE)
    try:
        catalogue.archives.record(replace(record(), name=name))
        catalogue.archives.record(record("another"))
        assert name in names(catalogue, name)
    finally:
        catalogue.close()


def test_two_archives_of_one_name_are_both_there_oldest_first(catalogue):
    """The service allows it, so the catalogue does as well."""
    catalogue.archives.record(record("a", created=2, size=2))
    catalogue.archives.record(record("a", created=1, size=1))
    assert [a.size for a in catalogue.archives.matching("photos", "a")] == [1, 2]


def test_an_id_prefix_finds_all_that_begin_with_it(catalogue):
    """Even one that begins with a hyphen or contains a wildcard of SQL."""
    for number in (1, 2):
        catalogue.archives.record(record("a", archive_id=f"-_{number}" + "x" * 135))
    assert len(catalogue.archives.starting("photos", "-_")) == 2
    assert len(catalogue.archives.starting("photos", "-_1")) == 1
    assert catalogue.archives.starting("photos", "%") == []


def test_completion_gives_distinct_names_that_begin_so(catalogue):
    """In order, without deleted ones, up to the limit."""
    for name in ("b", "ab", "aa", "aa", "ac"):
        catalogue.archives.record(record(name))
    gone = record("ad")
    catalogue.archives.record(gone)
    mark_deleted(catalogue, gone.archive_id)
    assert catalogue.archives.names_with_prefix("photos", "a") == ["aa", "ab", "ac"]
    assert catalogue.archives.names_with_prefix("photos", "a", limit=1) == ["aa"]


# Inventories in the catalogue


def test_an_archive_that_a_later_inventory_does_not_list_is_gone(catalogue):
    """One that was uploaded after that inventory is not listed yet."""
    old = record("old", state="listed", seen=1_000)
    new = record("new", created=6_000)
    catalogue.archives.record(old)
    catalogue.archives.record(new)
    read_inventory(catalogue, [], 5_000)
    assert names(catalogue) == ["new"]


def test_an_archive_deleted_here_stays_deleted_while_inventories_still_list_it(catalogue):
    """The service lists it until the next daily inventory."""
    archive = record("a", state="listed", seen=1)
    catalogue.archives.record(archive)
    mark_deleted(catalogue, archive.archive_id)
    read_inventory(catalogue, [archive], 2)
    assert names(catalogue) == []


# Leases


@pytest.fixture
def pass_time(catalogue):
    """Let some seconds of every lease pass."""

    def pass_time(seconds):
        for table in ("downloads", "uploads"):
            catalogue.database.execute(f"UPDATE {table} SET lease_until=lease_until-?", (seconds,))

    return pass_time


def test_a_download_is_claimed_by_one_owner_until_its_lease_is_over(catalogue, pass_time):
    """A living process keeps the lease, a dead one loses it."""
    (row,) = catalogue.downloads.want([wanted(state="ready")])
    claim = (("ready", "downloading"), "downloading")
    assert catalogue.downloads.claim(row, "me", *claim)
    assert not catalogue.downloads.claim(row, "you", *claim)
    assert catalogue.downloads.claim(row, "me", *claim)
    pass_time(Limits.download_lease + 1)
    assert catalogue.downloads.get(row).free_for("you")
    assert catalogue.downloads.claim(row, "you", *claim)
    assert not catalogue.downloads.claim(row, "me", *claim)


def test_a_renewed_lease_continues(catalogue, pass_time):
    """While its process lives, no other process gets the download."""
    (row,) = catalogue.downloads.want([wanted(state="ready")])
    assert catalogue.downloads.claim(row, "me", ("ready",), "downloading")
    for _ in range(3):
        pass_time(Limits.download_lease * 0.8)
        assert not catalogue.downloads.claim(row, "you", ("downloading",), "downloading")
        catalogue.downloads.renew("me")


def test_a_download_is_claimed_only_out_of_the_named_states(catalogue):
    """A late process does not repeat a verified download."""
    (row,) = catalogue.downloads.want([wanted(state="verified")])
    assert not catalogue.downloads.claim(row, "me", ("ready", "downloading"), "downloading")
    assert catalogue.downloads.get(row).state == "verified"


def test_an_upload_is_claimed_by_one_owner_until_its_lease_is_over(catalogue, pass_time):
    """Two processes never send the parts of one upload at once."""
    upload = catalogue.uploads.begin(
        vault="photos", path="/a", size=7, mtime_ns=1, name="a", description="a", part_size=1, owner="me"
    )
    assert not catalogue.uploads.claim(upload.id, "you")
    pass_time(Limits.upload_lease + 1)
    assert catalogue.uploads.claim(upload.id, "you")
    assert not catalogue.uploads.claim(upload.id, "me")


# Jobs


@pytest.mark.parametrize(
    ("job", "fits"),
    [
        ({"status": "Succeeded"}, True),
        ({"status": "InProgress"}, True),
        ({"status": "Failed"}, False),
        ({"status": "Succeeded", "gone": True}, False),
        ({"status": "Succeeded", "byte_range": "0-6", "size": 7}, True),
        ({"status": "Succeeded", "byte_range": "0-5", "size": 7}, False),
        ({"status": "Succeeded", "archive_id": "other"}, False),
        ({"status": "Succeeded", "vault": "other"}, False),
        ({"status": "Succeeded", "action": "InventoryRetrieval"}, False),
    ],
)
def test_only_a_living_job_of_the_whole_archive_serves_it(catalogue, job, fits):
    """A range, another archive, a failed or dropped job do not."""
    values = {"vault": "photos", "job_id": "j", "action": "ArchiveRetrieval", "archive_id": "a"}
    catalogue.jobs.record([JobRecord(**(values | job | {"gone": False}))])
    if job.get("gone"):
        catalogue.jobs.mark_gone("photos", "j")
    assert (catalogue.jobs.for_archive("photos", "a") is not None) is fits


def test_a_finished_job_is_preferred_to_a_running_one(catalogue):
    """Its output is ready without waiting."""
    for job_id, status in (("r", "InProgress"), ("f", "Succeeded")):
        catalogue.jobs.record(
            [
                JobRecord(
                    vault="photos",
                    job_id=job_id,
                    action="ArchiveRetrieval",
                    archive_id="a",
                    status=status,
                    size=7,
                )
            ]
        )
    assert catalogue.jobs.for_archive("photos", "a").job_id == "f"
