"""Every fault of the emulator, in both directions: the same bytes in the end, or a clear error."""

import errno
import itertools
import os
import random
import shutil
import subprocess
import threading
import time
from dataclasses import replace

import pytest

from glacier_magic.base.treehash import tree_hash
from glacier_magic.errors import (
    AccessDenied,
    CredentialsError,
    GlacierError,
    IntegrityError,
    JobExpired,
    JobFailed,
    LocalError,
    NotReady,
    ServiceClosed,
)
from glacier_magic.transfer import parts
from glacier_magic.transfer.progress import Meter

MIB = 1 << 20
PATIENCE = 30.0
SOON = {"fetch_retry": 0.1, "request_interval": 0.1, "lost_request": 0}
"""Limits with which what has failed is tried again at once."""

PASSING = (
    "408",
    "500",
    "503",
    "throttling",
    "expired-token",
    "reset-before",
    "reset-during",
    "reset-after",
    "trickle",
    "truncate",
    "flip",
)
"""Faults that a second try can overcome."""

LISTING = ("500", "expired-token", "reset-during", "truncate", "flip")
"""Of each sort one that can befall the answer of a request that only asks."""

FINAL = {"access-denied": AccessDenied, "no-longer-supported": ServiceClosed}


@pytest.fixture
def fault(emulator, patient):
    """Let the emulator fail; forgotten at the end."""

    def fault(kind, operation, times=1, **more):
        if kind == "trickle":
            more = {"rate": 4 * MIB, **more}
        emulator.fault(kind, operation, times=times, **more)

    yield fault
    emulator.clear_faults()


@pytest.fixture
def unstruck(emulator):
    """How many faults are still to come."""
    return lambda: len(emulator.status()["faults"])


@pytest.fixture
def notes(monkeypatch):
    """What was said beside the numbers of any transfer."""
    said, original = [], Meter.note

    def note(meter, text):
        said.append(text)
        original(meter, text)

    monkeypatch.setattr(Meter, "note", note)
    return said


def until_done(call, tries=10):
    """Repeat a command as a user would after each clear error; return its result."""
    for _ in range(tries):
        try:
            return call()
        except GlacierError as error:
            assert error.cure, error  # noqa: PT017 - the error is one of several that may come
    raise AssertionError("it never succeeded")


# Uploads in one request


@pytest.mark.parametrize("kind", PASSING)
def test_a_small_file_is_stored_whatever_happens_to_its_request(
    session, vault, files, fault, unstruck, stored, listed, archives_in, kind
):
    """And of an archive that a lost answer made twice, the next inventory names the only copy."""
    path = files("small", 300_000)
    fault(kind, "UploadArchive", times=1)
    archive = vault.upload("small")
    assert archive.tree_hash == tree_hash(path)
    assert unstruck() == 0 or kind in ("trickle", "truncate", "flip")  # its answer has no body
    assert stored(archive.id)[0] == path.read_bytes()
    ids = set(listed(vault)["archive_id"])
    extra = {copy.archive_id for copy in session.catalogue.uploads.copies("photos")}
    assert ids == {archive.id} | extra
    assert archive.id not in extra
    assert len(extra) == archives_in() - 1
    assert len(extra) == {"reset-after": 1, "truncate": len(extra)}.get(kind, 0)


# Uploads in parts


@pytest.mark.parametrize("kind", PASSING)
def test_a_part_gets_through_whatever_happens_to_its_request(
    vault, files, small_parts, fault, unstruck, stored, archives_in, client, kind
):
    """One archive with the same bytes, and nothing left over."""
    path = files("large", 4 * MIB + 100)
    fault(kind, "UploadMultipartPart", times=3)
    archive = vault.upload("large")
    assert unstruck() == 0
    assert archive.tree_hash == tree_hash(path)
    assert stored(archive.id)[0] == path.read_bytes()
    assert client.list_multipart_uploads(vaultName="photos")["UploadsList"] == []
    assert archives_in() == 1


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        *itertools.product(["InitiateMultipartUpload", "CompleteMultipartUpload"], PASSING),
        *itertools.product(["DescribeVault"], ["expired-token", "truncate", "flip"]),
    ],
)
def test_no_request_of_an_upload_makes_a_second_archive(
    vault, files, small_parts, fault, emulator, stored, archives_in, operation, kind
):
    """Around the parts: it succeeds, or ends with an error after which the same command does."""
    path = files("large", 2 * MIB + 100)
    fault(kind, operation, times=2)
    archive = until_done(lambda: vault.upload("large"))
    emulator.clear_faults()
    assert stored(archive.id)[0] == path.read_bytes()
    assert archives_in() == 1


@pytest.mark.parametrize("kind", LISTING)
def test_a_resumed_upload_is_whole_whatever_happens_to_the_list_of_parts(
    vault, files, small_parts, fault, stored, archives_in, calls, kind
):
    """A list that is cut off or garbled costs parts that are sent again, at worst."""
    path = files("large", 4 * MIB + 100)
    with calls.replaced("complete_upload", refuse_once), pytest.raises(LocalError):
        vault.upload("large")
    fault(kind, "ListParts", times=1)
    archive = until_done(lambda: vault.upload("large"))
    assert stored(archive.id)[0] == path.read_bytes()
    assert archives_in() == 1


def refuse_once(*_):
    raise LocalError("stopped here", cure="Repeat it.")


@pytest.mark.parametrize("kind", ["throttling", "reset-during", "reset-after"])
def test_a_stream_gets_through_whatever_happens_to_its_parts(
    vault, small_parts, fault, stored, archives_in, kind
):
    """Its memory is kept until the part is there: it cannot be read again."""
    import io

    content = os.urandom(3 * MIB + 100)
    fault(kind, "UploadMultipartPart", times=3)
    archive = vault.upload_stream(io.BytesIO(content), "stream")
    assert stored(archive.id)[0] == content
    assert archives_in() == 1


def test_an_expired_token_is_waited_for_and_goes_on(vault, files, small_parts, fault, notes):
    """The chain renews it, or the user in another window; the note asks for that."""
    path = files("large", 3 * MIB)
    fault("expired-token", "UploadMultipartPart", times=4)
    assert vault.upload("large").tree_hash == tree_hash(path)
    assert any("renew the login, trying again in" in note for note in notes)
    assert notes[-1] == ""


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("throttling", "throttled, trying again in 1 s"),
        ("408", "too slow for the service, trying again in 1 s"),
        ("503", "trying again in 1 s"),
        ("reset-before", "The connection to the service broke"),
    ],
)
def test_the_progress_line_says_what_is_waited_for(vault, files, small_parts, fault, kind, words):
    """And no longer once it has passed."""
    files("large", 3 * MIB)
    reports = []
    fault(kind, "UploadMultipartPart", times=1)
    vault.upload("large", progress=reports.append)
    told = [str(report) for report in reports]
    assert any(words in text or "cannot be reached" in text for text in told), told
    assert "trying again" not in told[-1]
    assert reports[-1].done == reports[-1].total


@pytest.mark.parametrize("kind", FINAL)
@pytest.mark.parametrize(
    ("operation", "size"),
    [
        ("UploadArchive", 1000),
        ("InitiateMultipartUpload", 3 * MIB),
        ("UploadMultipartPart", 3 * MIB),
        ("CompleteMultipartUpload", 3 * MIB),
    ],
)
def test_a_refusal_ends_an_upload_at_once(
    vault, files, small_parts, fault, counted, archives_in, kind, operation, size
):
    """With its own type and cure; once the refusal is lifted the same command does the rest."""
    path = files("file", size)
    fault(kind, operation, times=1)
    with pytest.raises(FINAL[kind]) as caught:
        vault.upload("file")
    assert caught.value.cure
    assert len(vault.archives()) == 0
    assert vault.upload("file").tree_hash == tree_hash(path)
    assert archives_in() == 1


def test_one_file_that_is_refused_does_not_hold_up_the_others(vault, files, fault):
    """Of many small ones."""
    names = [f"file-{n}" for n in range(6)]
    for name in names:
        files(name, 1000)
    fault("access-denied", "UploadArchive", times=1)
    with pytest.raises(AccessDenied, match="1 file of 6"):
        vault.upload_all(names)
    assert len(vault.archives()) == 5
    table = vault.upload_all(names)
    assert sorted(table["state"]) == ["already stored"] * 5 + ["stored"]


def test_after_a_part_has_failed_for_good_none_of_its_bytes_are_read_any_more(
    vault, files, small_parts, monkeypatch, stored, calls
):
    """The next file may get the same descriptor: its bytes are no part of the failed one."""
    first, second = files("first", 6 * MIB), files("second", 6 * MIB)
    original, sent, lock = calls.of("upload_part"), [], threading.Lock()
    failed = threading.Event()

    def upload_part(service, name, upload_id, start, body):
        content = bytes(body._bytes_at(0, len(body)))
        with lock:
            sent.append((upload_id, start, content))
            refuse = not failed.is_set()
            failed.set()
        if refuse:
            raise AccessDenied("no", cure="Ask for it.")
        return original(service, name, upload_id, start, body)

    read = parts.read_part

    def slowly(descriptor, start, buffer):
        if start and not failed.is_set():
            failed.wait(PATIENCE)
            time.sleep(0.3)
        return read(descriptor, start, buffer)

    calls.replace("upload_part", upload_part)
    monkeypatch.setattr(parts, "read_part", slowly)
    with pytest.raises(AccessDenied, match="1 file of 2"):
        vault.upload_all(["first", "second"])
    upload_id = sent[0][0]
    content = first.read_bytes()
    assert content != second.read_bytes()
    for owner, start, part in sent:
        if owner == upload_id:
            assert part == content[start : start + MIB]


# Files that change meanwhile


@pytest.mark.parametrize("change", ["grow", "shrink"])
@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("size", [MIB // 2, 3 * MIB])
def test_a_file_that_changes_while_it_is_sent_is_refused(
    vault, files, small_parts, connect, limits, archives_in, patient, change, in_memory, size, calls
):
    """Whether its parts wait in memory or are read while they are sent; nobody waits for ever."""
    path = files("log", size)
    if not in_memory:
        vault = connect(limits=replace(limits, in_memory=0)).vault("photos")

    def changing(*_):
        os.truncate(path, size + 7 if change == "grow" else size // 3)

    calls.watch("upload_archive", changing)
    calls.watch("upload_part", changing)
    outcome = []

    def work():
        try:
            outcome.append(vault.upload("log"))
        except Exception as error:
            outcome.append(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(PATIENCE / 2)
    assert outcome, "it waits for bytes that will never come"
    (result,) = outcome
    if size < MIB:  # what was hashed is what was sent
        assert isinstance(result, LocalError) or result.size == size
        return
    assert isinstance(result, LocalError | IntegrityError)
    assert "changed" in str(result)
    assert archives_in() == 0


# Downloads


@pytest.fixture
def original(files):
    return (files.folder / "original").read_bytes


def everything(folder):
    return sorted(p.name for p in folder.rglob("*")) if folder.exists() else []


@pytest.mark.limits(**SOON)
@pytest.mark.parametrize("kind", PASSING)
def test_a_piece_arrives_whatever_happens_to_its_request(
    session, large, later, tmp_path, original, fault, unstruck, fetched, jobs_of, kind
):
    """The file appears with the same bytes, and only what was hit is asked for again."""
    batch = large.restore("large", to=tmp_path / "back").run()
    fault(kind, "GetJobOutput", times=3)
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    assert unstruck() == 0
    assert (tmp_path / "back" / "large").read_bytes() == original()
    assert everything(tmp_path / "back") == ["large"]
    assert len(fetched) == 6 + (0 if kind == "trickle" else 3)
    assert len(jobs_of()) == 1


@pytest.mark.limits(**SOON)
@pytest.mark.parametrize(
    ("operation", "kind"),
    [*itertools.product(["InitiateJob"], PASSING), *itertools.product(["ListJobs"], LISTING)],
)
def test_no_request_of_a_restore_asks_twice(
    session, large, later, tmp_path, original, fault, jobs_of, operation, kind
):
    """Around the output: it succeeds, or ends with an error after which the same command does."""
    fault(kind, operation, times=1)

    def restore():
        batch = large.restore("large", to=tmp_path / "back").run()
        end = time.monotonic() + PATIENCE
        while batch.snapshot.count("requested") and time.monotonic() < end:
            time.sleep(0.01)
        later(session, hours=4.1)
        return batch.wait(PATIENCE)

    until_done(restore)
    assert (tmp_path / "back" / "large").read_bytes() == original()
    assert everything(tmp_path / "back") == ["large"]
    assert len(jobs_of()) == 1


def test_a_flipped_bit_is_named_by_its_offset_and_repaired_by_one_range(
    session, large, later, tmp_path, original, fault, fetched, notes, one_at_a_time
):
    """The emulator flips a bit of a byte that its seed tells."""
    batch = large.restore("large", to=tmp_path / "back").run()
    fault("flip", "GetJobOutput", times=1, seed=41)
    later(session, hours=4.1)
    batch.wait(PATIENCE)
    offset = random.Random(42).randrange(MIB)
    assert any(f"byte {offset:,} had arrived damaged" in note for note in notes), notes
    assert (tmp_path / "back" / "large").read_bytes() == original()
    assert sorted(fetched) == sorted([0, *(n * MIB for n in range(6))])


def test_a_piece_that_always_arrives_damaged_never_becomes_a_file(
    session, large, later, tmp_path, original, fault, emulator
):
    """An error of its own type, and nothing under the final name; the same job serves later."""
    batch = large.restore("large", to=tmp_path / "back").run()
    fault("flip", "GetJobOutput", times=1000)
    later(session, hours=4.1)
    with pytest.raises(IntegrityError, match="large"):
        batch.wait(PATIENCE)
    assert "large" not in everything(tmp_path / "back")
    emulator.clear_faults()
    large.restore("large", to=tmp_path / "back").run().wait(PATIENCE)
    assert (tmp_path / "back" / "large").read_bytes() == original()


@pytest.mark.parametrize("kind", FINAL)
def test_a_refusal_ends_a_download_at_once(
    session, large, later, tmp_path, original, fault, emulator, fetched, kind
):
    """As what it is; nothing appears, and the same job serves once it is lifted."""
    batch = large.restore("large", to=tmp_path / "back").run()
    fault(kind, "GetJobOutput", times=1000)
    later(session, hours=4.1)
    with pytest.raises((FINAL[kind], JobFailed)) as caught:
        batch.wait(PATIENCE)
    assert FINAL[kind].default_cure()[:40] in str(caught.value)
    assert len(fetched) <= 6
    assert "large" not in everything(tmp_path / "back")
    emulator.clear_faults()
    large.restore("large", to=tmp_path / "back").run().wait(PATIENCE)
    assert (tmp_path / "back" / "large").read_bytes() == original()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("access-denied", AccessDenied),
        ("no-longer-supported", ServiceClosed),
        ("expired-token", CredentialsError),
    ],
)
def test_a_job_that_is_refused_is_told_by_the_run(session, large, tmp_path, fault, jobs_of, kind, error):
    """Nothing was asked for; the cure says what to do."""
    fault(kind, "InitiateJob", times=1)
    plan = large.restore("large", to=tmp_path / "back")
    try:
        batch = plan.run()
    except error as caught:
        assert caught.cure  # noqa: PT017 - the error is one of several that may come
        assert jobs_of() == []
    else:  # an expired token may be waited for instead
        assert kind == "expired-token"
        with pytest.raises(NotReady):
            batch.wait(0)


@pytest.mark.parametrize(("kind", "error"), [("job-failed", JobFailed), ("job-expired", JobExpired)])
def test_a_job_that_comes_to_nothing_is_an_error_with_a_cure(
    session, large, later, tmp_path, original, fault, kind, error
):
    """No file appears; the same restore asks anew and succeeds."""
    fault(kind, "InitiateJob", times=1)
    batch = large.restore("large", to=tmp_path / "back").run()
    later(session, hours=4.1)
    with pytest.raises(error, match="large") as caught:
        batch.wait(PATIENCE)
    assert "restore" in caught.value.cure
    assert "large" not in everything(tmp_path / "back")
    again = large.restore("large", to=tmp_path / "back").run()
    later(session, hours=4.1)
    again.wait(PATIENCE)
    assert (tmp_path / "back" / "large").read_bytes() == original()


# All at once


@pytest.mark.limits(**SOON)
@pytest.mark.parametrize("seed", range(3))
def test_in_a_storm_of_all_faults_nothing_is_lost_or_invented(
    session, vault, files, small_parts, fault, emulator, later, listed, tmp_path, seed
):
    """Every operation may be hit by anything; in the end there is what was put in."""
    paths = {
        name: files(name, size) for name, size in [("small", 1000), ("middle", MIB), ("large", 4 * MIB + 1)]
    }
    for number, kind in enumerate(PASSING):
        fault(kind, "*", times=None, probability=0.04, seed=100 * seed + number)
    until_done(lambda: vault.upload_all([*paths]), tries=50)
    batch = until_done(lambda: vault.restore("*", to=tmp_path / "back").run(), tries=50)
    end = time.monotonic() + PATIENCE
    while batch.snapshot.count("requested") and time.monotonic() < end:
        time.sleep(0.01)
    emulator.advance(hours=4.1)

    def wait():
        session.service.account()
        session.tracker.wake()
        vault.restore("*", to=tmp_path / "back").run().wait(PATIENCE)

    until_done(wait, tries=50)
    emulator.clear_faults()
    assert everything(tmp_path / "back") == sorted(paths)
    for name, path in paths.items():
        assert (tmp_path / "back" / name).read_bytes() == path.read_bytes()
    ids = set(listed(vault)["archive_id"])
    extra = {copy.archive_id for copy in session.catalogue.uploads.copies("photos")}
    on_record = {
        row[0] for row in session.catalogue.database.rows("SELECT archive_id FROM uploads WHERE state='done'")
    }
    assert ids == on_record | extra
    assert len(on_record) == len(paths)


# Disks


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of a few MiB of its own; give a function that mounts it another way."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a file system needs root")

    def mount(options):
        return subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder],
            capture_output=True,
            text=True,
            check=False,
        )

    made = mount("size=8m")
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")

    def remount(options):
        subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)

    yield folder, remount
    subprocess.run(["umount", "-l", folder], check=True)


def fill_up(folder):
    """Write into a file until there is no room for another byte."""
    with (folder / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(bytes(65536)):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - the error is one of several that may come


def test_a_disk_that_fills_up_meanwhile_is_told_and_goes_on(
    session, large, later, small_disk, original, one_at_a_time, jobs_of, calls
):
    """A real one: what was verified stays, and is not fetched again when there is room."""
    folder, _ = small_disk
    fetch, starts = calls.of("open_output"), []

    def fill(service, vault, job, start, length):
        starts.append(start)
        if start == 3 * MIB:
            fill_up(folder)
        return fetch(service, vault, job, start, length)

    with calls.replaced("open_output", fill):
        batch = large.restore("large", to=folder).run()
        later(session, hours=4.1)
        with pytest.raises(LocalError, match="no room") as caught:
            batch.wait(PATIENCE)
    assert "Free some space" in str(caught.value)
    assert "large" not in everything(folder)
    (folder / "filler").unlink()
    verified = set(starts) - {3 * MIB}
    starts.clear()

    def count(service, vault, job, start, length):
        starts.append(start)
        return fetch(service, vault, job, start, length)

    calls.replace("open_output", count)
    large.restore("large", to=folder).run().wait(PATIENCE)
    assert (folder / "large").read_bytes() == original()
    assert everything(folder) == ["large"]
    assert not verified & set(starts)
    assert len(jobs_of()) == 1


@pytest.mark.limits(piece=8 * MIB)
def test_a_download_needs_no_room_for_what_is_in_its_part_file(
    session, vault, files, later, small_disk, calls
):
    """Although none of it is verified, as its one piece did not arrive whole before the disk was full."""
    folder, _ = small_disk
    content = files("large", 5 * MIB + 100).read_bytes()
    vault.upload("large")
    filler = folder / "filler"

    def leave_three_mib(*_):
        fill_up(folder)
        os.truncate(filler, filler.stat().st_size - 3 * MIB)

    with calls.replaced("open_output", calls.of("open_output")):
        calls.watch("open_output", leave_three_mib)
        batch = vault.restore("large", to=folder).run()
        later(session, hours=4.1)
        with pytest.raises(LocalError, match="no room"):
            batch.wait(PATIENCE)
    os.truncate(filler, filler.stat().st_size - 3 * MIB)
    vault.restore("large", to=folder).run().wait(PATIENCE)
    assert (folder / "large").read_bytes() == content


def test_a_disk_that_is_too_small_is_seen_before_the_first_byte(
    session, vault, files, later, small_disk, fetched
):
    """The plan warns, nothing is fetched, and nothing lies about."""
    folder, _ = small_disk
    files("large", 9 * MIB)
    vault.upload("large")
    plan = vault.restore("large", to=folder)
    assert "NOT ENOUGH" in repr(plan)
    with pytest.raises(LocalError, match="No request was sent: there is no room"):
        plan.run()
    assert fetched == []
    assert everything(folder) == []


def test_a_disk_that_is_full_by_then_is_seen_before_the_first_byte(
    session, large, later, small_disk, original, fetched, jobs_of
):
    """It filled up in the hours of the job; with room again the same job serves."""
    folder, _ = small_disk
    batch = large.restore("large", to=folder).run()
    fill_up(folder)
    later(session, hours=4.1)
    with pytest.raises(LocalError, match="no room"):
        batch.wait(PATIENCE)
    assert fetched == []
    (folder / "filler").unlink()
    large.restore("large", to=folder).run().wait(PATIENCE)
    assert (folder / "large").read_bytes() == original()
    assert len(jobs_of()) == 1


def test_a_target_that_cannot_be_written_is_told(
    session, large, later, small_disk, original, jobs_of, fetched
):
    """A read-only file system: nothing is asked for; one that becomes so later is told of."""
    folder, remount = small_disk
    remount("ro")
    with pytest.raises(LocalError, match=r"No request was sent.*cannot be written"):
        large.restore("large", to=folder).run()
    assert jobs_of() == []
    remount("rw")
    batch = large.restore("large", to=folder).run()
    remount("ro")
    later(session, hours=4.1)
    with pytest.raises(LocalError, match="cannot be written") as caught:
        batch.wait(PATIENCE)
    assert "nothing is requested twice" in str(caught.value)
    assert fetched == []
    remount("rw")
    large.restore("large", to=folder).run().wait(PATIENCE)
    assert (folder / "large").read_bytes() == original()
    assert len(jobs_of()) == 1


def test_a_catalogue_on_a_full_disk_stops_an_upload_before_it_is_lost(
    connect, client, small_disk, files, vault
):
    """No archive whose id could not be written down; with room the same command goes on."""
    folder, _ = small_disk
    files("small", 1000)
    session = connect(catalogue=folder / "catalogue.sqlite")
    fill_up(folder)
    with pytest.raises(LocalError) as caught:
        session.vault("photos").upload("small")
    assert caught.value.cure
    (folder / "filler").unlink()
    session.vault("photos").upload("small")
    assert len(session.vault("photos").archives()) == 1
