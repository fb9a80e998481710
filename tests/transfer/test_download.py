"""Fetching: verified or not there, never twice, by one process at a time, after any kill."""

import errno
import threading
import time

import pytest

from glacier_magic.errors import (
    AccessDenied,
    IntegrityError,
    JobExpired,
    JobFailed,
    LocalError,
    NotFound,
    NotReady,
    Unavailable,
)
from glacier_magic.transfer import local_files

MIB = 1 << 20
PATIENCE = 30.0


@pytest.fixture
def target(tmp_path):
    return tmp_path / "back"


@pytest.fixture
def original(files):
    return (files.folder / "original").read_bytes


def everything(folder):
    return sorted(p.name for p in folder.rglob("*")) if folder.exists() else []


# Bytes that are damaged


def first_byte(offset, data):
    """Flip a bit of the first byte."""
    return data if offset or not data else bytes([data[0] ^ 1]) + data[1:]


def test_a_damaged_piece_is_fetched_again(
    session, large, later, target, original, calls, quick, changed_stream
):
    """One flipped bit on the way costs one more request."""
    fetch, damaged = calls.of("open_output"), []

    def flip(service, vault, job, start, length):
        found = fetch(service, vault, job, start, length)
        if start == MIB and not damaged:
            damaged.append(start)
            return changed_stream(found, first_byte)
        return found

    calls.replace("open_output", flip)
    batch = large.restore("large", to=target).run()
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    assert damaged == [MIB]
    assert (target / "large").read_bytes() == original()


@pytest.mark.parametrize("told", [True, False])
def test_damaged_bytes_never_get_the_final_name(
    session, large, later, target, original, quick, changed_stream, told, calls
):
    """Whether or not the service tells the hash of each piece; a repeated restore goes on."""
    fetch = calls.of("open_output")

    def flip(service, vault, job, start, length):
        found = fetch(service, vault, job, start, length)
        return changed_stream(found, first_byte, told=told)

    with calls.replaced("open_output", flip):
        batch = large.restore("large", to=target).run()
        later(session, hours=4.1)
        with pytest.raises(IntegrityError, match="large"):
            batch.wait(PATIENCE)
    assert "large" not in everything(target)
    large.restore("large", to=target).run().wait(PATIENCE)
    assert (target / "large").read_bytes() == original()
    assert everything(target) == ["large"]


@pytest.mark.parametrize("length", [0, 1, MIB - 1])
def test_a_short_answer_is_not_taken_for_the_whole(
    session, large, later, target, original, calls, quick, changed_stream, length
):
    """A connection that closes early is no end of the file."""
    fetch, cut = calls.of("open_output"), []

    def shorten(service, vault, job, start, count):
        found = fetch(service, vault, job, start, count)
        if start == 2 * MIB and not cut:
            cut.append(start)
            return changed_stream(found, lambda offset, data: data[: max(0, length - offset)], told=False)
        return found

    calls.replace("open_output", shorten)
    batch = large.restore("large", to=target).run()
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    assert (target / "large").read_bytes() == original()


# A service that goes away


@pytest.mark.limits(fetch_retry=0.1)
@pytest.mark.parametrize("error", [Unavailable("no network"), Unavailable("slow", code="X")])
def test_a_network_that_fails_is_no_failed_download(
    session, large, later, target, original, calls, quick, one_at_a_time, error
):
    """It waits and goes on by itself, and what was verified is not fetched again."""
    fetch, starts, down = calls.of("open_output"), [], threading.Event()
    down.set()

    def fail(service, vault, job, start, length):
        if down.is_set() and start >= 3 * MIB:
            raise error
        starts.append(start)
        return fetch(service, vault, job, start, length)

    calls.replace("open_output", fail)
    batch = large.restore("large", to=target).run()
    later(session, hours=4.1)
    with pytest.raises(NotReady):
        batch.wait(1)
    assert "failed" not in [job.state for job in batch]
    down.clear()
    batch.wait(PATIENCE)
    assert (target / "large").read_bytes() == original()
    assert [starts.count(n * MIB) for n in range(3)] == [1, 1, 1]


def test_a_refusal_is_told_as_one(session, large, later, target, calls, quick):
    """Access taken away is not a folder that cannot be written."""

    def refuse(*_):
        raise AccessDenied("The service denied access")

    calls.replace("open_output", refuse)
    batch = large.restore("large", to=target).run()
    later(session, hours=4.1)
    with pytest.raises((AccessDenied, JobFailed), match="denied access"):
        batch.wait(PATIENCE)


def test_an_output_dropped_in_the_middle_is_expired(session, large, later, target, calls, quick):
    """The service may forget it while it is being fetched; the part file is no file."""
    fetch = calls.of("open_output")

    def drop(service, vault, job, start, length):
        if start >= 2 * MIB:
            raise NotFound("The job ID was not found: x", code="ResourceNotFoundException")
        return fetch(service, vault, job, start, length)

    calls.replace("open_output", drop)
    batch = large.restore("large", to=target).run()
    later(session, hours=4.1)
    with pytest.raises(JobExpired, match="large"):
        batch.wait(PATIENCE)
    assert "large" not in everything(target)


def test_what_was_fetched_before_the_output_expired_is_used_by_the_next_job(
    session, large, later, target, original, quick, one_at_a_time, calls
):
    """Archives never change, so verified pieces of an earlier job are as good."""
    fetch = calls.of("open_output")

    def drop(service, vault, job, start, length):
        if start >= 2 * MIB:
            raise NotFound("The job ID was not found: x", code="ResourceNotFoundException")
        return fetch(service, vault, job, start, length)

    with calls.replaced("open_output", drop):
        batch = large.restore("large", to=target).run()
        later(session, hours=4.1)
        with pytest.raises(JobExpired):
            batch.wait(PATIENCE)
    later(session, hours=25)
    starts = []

    def count(service, vault, job, start, length):
        starts.append(start)
        return fetch(service, vault, job, start, length)

    calls.replace("open_output", count)
    again = large.restore("large", to=target).run()
    later(session, hours=4.1)
    again.wait(PATIENCE)
    assert (target / "large").read_bytes() == original()
    assert sorted(starts) == [n * MIB for n in range(2, 6)]


# A disk that is full


def test_a_full_disk_is_told_and_restoring_again_goes_on(
    session, large, later, target, original, monkeypatch, fetched, jobs_of, one_at_a_time
):
    """The row says so, with the cure; nothing is asked for or fetched twice."""
    write, written = local_files.os.pwrite, []

    def full(descriptor, data, offset):
        if offset >= 3 * MIB:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(offset)
        return write(descriptor, data, offset)

    with monkeypatch.context() as patch:
        patch.setattr(local_files.os, "pwrite", full)
        batch = large.restore("large", to=target).run()
        later(session, hours=4.1)
        with pytest.raises(LocalError, match="no room"):
            batch.wait(PATIENCE)
    assert "Free some space" in batch.table["error"][0]
    fetched.clear()
    large.restore("large", to=target).run().wait(PATIENCE)
    assert (target / "large").read_bytes() == original()
    assert sorted(fetched) == [n * MIB for n in range(3, 6)]
    assert len(jobs_of()) == 1


def test_too_little_space_is_seen_before_the_first_byte(session, large, later, target, disk, fetched):
    """The plan warns, and nothing is asked for, let alone paid or fetched."""
    disk(free=1000)
    plan = large.restore("large", to=target)
    assert "NOT ENOUGH" in repr(plan)
    with pytest.raises(LocalError, match="No request was sent: there is no room"):
        plan.run()
    assert fetched == []
    assert len(session.tracker.snapshot().rows) == 0


def test_space_that_is_gone_meanwhile_is_seen_before_the_first_byte(
    session, large, later, target, disk, fetched
):
    """In the hours of the job it may have been used up: the download does not begin."""
    batch = large.restore("large", to=target).run()
    disk(free=1000)
    later(session, hours=4.1)
    with pytest.raises(LocalError, match="no room"):
        batch.wait(PATIENCE)
    assert fetched == []


def test_a_target_that_cannot_be_a_folder_any_more_is_told(
    session, large, later, tmp_path, original, jobs_of
):
    """A file in its place is kept, and restoring elsewhere uses the same job."""
    batch = large.restore("large", to=tmp_path / "file").run()
    if (tmp_path / "file").exists():
        (tmp_path / "file").rmdir()
    (tmp_path / "file").write_bytes(b"mine")
    later(session, hours=4.1)
    with pytest.raises(LocalError, match="cannot be written"):
        batch.wait(PATIENCE)
    assert (tmp_path / "file").read_bytes() == b"mine"
    large.restore("large", to=tmp_path / "folder").run().wait(PATIENCE)
    assert (tmp_path / "folder" / "large").read_bytes() == original()
    assert len(jobs_of()) == 1


def test_a_target_that_cannot_be_a_folder_is_told(session, large, later, tmp_path, original):
    """A file in its place is kept, and nothing is asked for before there is a folder."""
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(LocalError, match=r"No request was sent.*cannot be written"):
        large.restore("large", to=tmp_path / "file").run()
    assert (tmp_path / "file").read_bytes() == b"mine"
    batch = large.restore("large", to=tmp_path / "folder").run()
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    assert (tmp_path / "folder" / "large").read_bytes() == original()


def test_a_file_system_without_hard_links_is_no_hindrance(
    session, large, later, target, original, monkeypatch
):
    """The name is taken another way, still without replacing anything."""

    def refuse(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(local_files.os, "link", refuse)
    target.mkdir()
    batch = large.restore("large", to=target).run()
    (target / "large").write_bytes(b"mine")
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    assert (target / "large").read_bytes() == b"mine"
    assert (target / "large (2)").read_bytes() == original()
    assert everything(target) == ["large", "large (2)"]


# Killed

FETCHER = """
    import time
    import glacier_magic as gm
    from glacier_magic.service import Service
    from glacier_magic.transfer import download, local_files as files
    folder, region, catalogue, lease, point = sys.argv[1:]
    download.SAVE_EVERY = 0
    if point == "pieces":
        original, calls = Service.open_output, []
        def open_output(*arguments):
            calls.append(1)
            if len(calls) == 4:
                while len(session.catalogue.downloads.open()[0].verified_pieces) < 3:
                    time.sleep(0.01)
                stop()
            return original(*arguments)
        Service.open_output = open_output
    elif point == "verified":
        stop_at("before", files, "give_name")
    elif point == "named":
        stop_at("after", files, "give_name")
    limits = {"tick": 0.05, "emulator_idle": 0.05, "piece": 1 << 20, "workers": 1}
    limits |= {"download_lease": 0} if lease == "dead" else {}
    session = connect(folder, region, catalogue, **limits)
    try:
        session.jobs().wait(60)
    except gm.GlacierError as error:
        print(error, flush=True)
    print("done", flush=True)
    session.close()
"""


@pytest.fixture
def waiting(large, later, target, session, connect):
    """A finished job whose output nobody has fetched; no session is open."""
    large.restore("large", to=target).run()
    session.close()
    later(hours=4.1)


@pytest.mark.each_backend
@pytest.mark.parametrize(("point", "left"), [("pieces", 3), ("verified", 0), ("named", 0)])
def test_a_download_that_was_killed_goes_on_without_fetching_twice(
    emulator,
    region,
    session,
    waiting,
    connect,
    child,
    fetched,
    target,
    original,
    jobs_of,
    point,
    left,
    session_place,
):
    """Wherever it was killed: verified pieces count, and there is one file in the end."""
    other = child(FETCHER, emulator.folder, region, session_place, "dead", point)
    other.until("stopped")
    assert ("large" in everything(target)) is (point == "named")
    other.kill()
    batch = connect().jobs()
    batch.wait(PATIENCE)
    assert (target / "large").read_bytes() == original()
    assert everything(target) == ["large"]
    assert len(fetched) == left
    assert len(jobs_of()) == 1


def test_a_part_file_changed_in_between_is_not_trusted(
    emulator, region, session, waiting, connect, child, target, original, quick, session_place
):
    """Pieces on record are hashed again from the disk before the whole is called verified."""
    child(FETCHER, emulator.folder, region, session_place, "dead", "pieces").kill_when_stopped()
    (part,) = target.glob(".*.part")
    with part.open("r+b") as file:
        file.seek(100)
        file.write(b"damage")
    try:
        connect().jobs().wait(PATIENCE)
    except (IntegrityError, JobFailed):
        assert everything(target) in ([], [part.name])
    else:
        assert (target / "large").read_bytes() == original()


def test_a_part_file_that_was_deleted_is_begun_anew(
    emulator, region, session, waiting, connect, child, target, original, fetched, session_place
):
    """The record of its pieces is worth nothing without it."""
    child(FETCHER, emulator.folder, region, session_place, "dead", "pieces").kill_when_stopped()
    (part,) = target.glob(".*.part")
    part.unlink()
    connect().jobs().wait(PATIENCE)
    assert (target / "large").read_bytes() == original()
    assert len(fetched) == 6


@pytest.mark.each_backend
def test_of_two_processes_only_one_downloads(
    emulator, region, session, waiting, connect, child, fetched, target, original, session_place
):
    """The other one shows how far it is, and fetches nothing."""
    other = child(FETCHER, emulator.folder, region, session_place, "living", "pieces")
    other.until("stopped")
    batch = connect().jobs()
    with pytest.raises(NotReady):
        batch.wait(0.5)
    assert [job.state for job in batch] == ["downloading"]
    assert fetched == []
    other.go_on()
    other.until("done")
    assert other.end() == 0
    batch.wait(PATIENCE)
    assert fetched == []
    assert (target / "large").read_bytes() == original()


def test_two_sessions_of_one_process_fetch_each_piece_once(
    session, connect, large, later, target, fetched, original
):
    """Two kernels on one catalogue share the work rather than doing it twice."""
    large.restore("large", to=target).run()
    other = connect()
    batch = other.jobs()
    later(session, other, hours=4.1)
    batch.wait(PATIENCE)
    session.jobs().wait(PATIENCE)
    assert sorted(fetched) == [n * MIB for n in range(6)]
    assert everything(target) == ["large"]


@pytest.mark.limits(download_lease=600)
def test_closing_a_session_in_the_middle_keeps_what_is_verified(
    session, connect, large, later, target, fetched, original, calls, one_at_a_time
):
    """The next one goes on from there at once, without waiting for a lease."""
    fetch, reached, go_on = calls.of("open_output"), threading.Event(), threading.Event()

    def slow(service, vault, job, start, length):
        if start == 3 * MIB and not go_on.is_set():
            reached.set()
            go_on.wait(PATIENCE)
        return fetch(service, vault, job, start, length)

    calls.replace("open_output", slow)
    large.restore("large", to=target).run()
    later(session, hours=4.1)
    assert reached.wait(PATIENCE)
    timer = threading.Timer(0.3, go_on.set)
    timer.start()
    session.close()
    timer.join()
    while any(thread.name.startswith("glacier-") for thread in threading.enumerate()):
        time.sleep(0.01)
    fetched.clear()
    after = connect()
    verified = {n * MIB for n in after.catalogue.downloads.open()[0].verified_pieces}
    assert verified >= {0, MIB, 2 * MIB}
    after.jobs().wait(5)
    assert (target / "large").read_bytes() == original()
    assert not verified & set(fetched)


# The board


def test_progress_is_told_while_bytes_move(session, large, later, target, one_at_a_time):
    """Rows say how much is there; the state goes in one direction only."""
    seen = []
    batch = large.restore("large", to=target).run()
    later(session, hours=4.1)
    batch.wait(PATIENCE, progress=lambda snapshot: seen.append(snapshot.rows[0]))
    order = ["requested", "in progress", "ready", "downloading", "verified"]
    ranks = [order.index(row.state) for row in seen]
    assert ranks == sorted(ranks)
    assert seen[-1].done == seen[-1].size == 5 * MIB + 100
    assert seen[-1].file == str(target / "large")


def test_a_table_of_jobs_has_typed_columns(session, large, later, target):
    """Also when there is none: sizes are whole numbers and times are UTC."""
    for batch in (session.jobs(), large.restore("large", to=target).run()):
        table = batch.table
        assert table["size"].dtype == "Int64"
        assert table["done"].dtype == "int64"
        for name in ("asked", "expected", "ready_until"):
            assert str(table[name].dtype).startswith("datetime64[")
            assert str(table[name].dtype).endswith("UTC]")
