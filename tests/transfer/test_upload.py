"""Storing files: every byte once, verified, on record with the answer, resumed after a kill."""

import hashlib
import mmap
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from glacier_magic import cli, descriptions
from glacier_magic.base.session_limits import Limits
from glacier_magic.base.treehash import tree_hash
from glacier_magic.errors import GlacierError, InputError, IntegrityError, LocalError, NotFound, Unavailable
from glacier_magic.prices import load
from glacier_magic.prices.quotes import upload_requests
from glacier_magic.prices.storage_costs import Holding, monthly_storage
from glacier_magic.service import Service, bodies
from glacier_magic.transfer import line, parts, upload
from glacier_magic.transfer.budget import Stopped
from glacier_magic.transfer.engine import Buffers
from glacier_magic.transfer.sources import find

MIB = 1 << 20


def count_of_archives(client, later, vault="photos"):
    later(days=1.2)
    return client.describe_vault(vaultName=vault)["NumberOfArchives"]


# Sizes


@pytest.mark.parametrize("size", [1, 2, MIB - 1, MIB, MIB + 1, 3 * MIB, 5 * MIB + 17])
def test_a_file_of_any_size_is_stored_with_the_services_own_tree_hash(
    vault, files, stored, small_parts, size
):
    """In one request or in parts: the same bytes come back, and the record says the same hash."""
    path = files("scan.tif", size)
    archive = vault.upload("scan.tif")
    content, _ = stored(archive.id)
    assert content == path.read_bytes()
    assert archive.tree_hash == tree_hash(content)
    assert (archive.name, archive.size, archive.vault) == ("scan.tif", size, "photos")
    assert archive.created.utcoffset().total_seconds() == 0
    row = vault.archives().iloc[0]
    assert (row["archive_id"], row["tree_hash"]) == (archive.id, archive.tree_hash)


def test_up_to_the_limit_goes_in_one_request_and_above_it_in_parts(vault, files, counted, small_parts):
    """The border is 4 MiB, here set to 1 MiB."""
    files("at", MIB)
    files("above", MIB + 1)
    vault.upload("at")
    assert counted == {"upload_archive": 1, "upload_part": 0, "complete_upload": 0, "start_upload": 0}
    vault.upload("above")
    assert counted == {"upload_archive": 1, "upload_part": 2, "complete_upload": 1, "start_upload": 1}


def test_the_limit_is_where_a_copy_costs_as_much_as_two_requests():
    """A copy is billed for 90 days."""
    limit, prices = Limits().single_request, load("us-east-1")
    three_months = 3 * monthly_storage(prices, Holding(limit, 0)).total
    assert limit == 4 * MIB
    assert 1 <= upload_requests(prices, 2).total / three_months < 2


def test_files_of_few_parts_are_sent_side_by_side(vault, files, small_parts, calls, stored):
    """One part at a time of each, as one file alone would not keep all connections busy."""
    names = [f"file-{number}" for number in range(4)]
    paths = [files(name, 2 * MIB + 1) for name in names]
    original, started = calls.of("upload_part"), []
    both = threading.Barrier(4, timeout=30)

    def upload_part(service, vault, upload_id, start, body):
        if start == 0:
            both.wait()  # each has begun before any goes on
        started.append((upload_id, start))
        return original(service, vault, upload_id, start, body)

    calls.replace("upload_part", upload_part)
    table = vault.upload_all(names).set_index("name")
    for upload_id in {each for each, _ in started}:
        assert [start for each, start in started if each == upload_id] == [0, MIB, 2 * MIB]
    for path in paths:
        assert table.loc[path.name, "tree_hash"] == tree_hash(path)


@pytest.mark.limits(in_memory=1000)
def test_a_part_too_large_for_memory_is_read_from_the_file(vault, files, stored, small_parts):
    """The second way of reading gives the same bytes and hashes."""
    path = files("large", 2 * MIB + 5)
    archive = vault.upload("large")
    assert stored(archive.id)[0] == path.read_bytes()


@pytest.mark.parametrize("length", [0, 1, MIB, MIB + 1, 2 * MIB + 5])
@pytest.mark.parametrize("in_memory", [False, True])
def test_a_body_knows_its_hashes_and_can_be_read_again(files, length, in_memory):
    """botocore rewinds to 0 before a retry, which is the beginning of the part."""
    content = files("x", b"front" + os.urandom(length)).read_bytes()[5:]
    with (files.folder / "x").open("rb") as file:
        if in_memory:
            buffer = memoryview(bytearray(length))
            assert bodies.read_part(file.fileno(), 5, buffer) == length
            body = bodies.MemoryBody(buffer)
        else:
            body = bodies.FileBody(file.fileno(), 5, length)
        for _ in range(2):
            body.seek(0)
            pieces = iter(lambda: bytes(body.read(300_000)), b"")
            assert b"".join(pieces) == content
    assert len(body) == length
    assert body.sha256 == hashlib.sha256(content).hexdigest()
    assert body.tree.hex() == tree_hash(content)


# What is refused


def test_an_empty_file_is_refused_before_anything_is_sent(vault, files, counted):
    """The service stores none."""
    files("empty", b"")
    with pytest.raises(InputError, match="empty"):
        vault.upload("empty")
    assert counted["upload_archive"] == 0


def test_a_missing_file_is_named(vault, files):
    """With the folder that it was looked for in."""
    with pytest.raises(InputError, match=r"absent\.tif"):
        vault.upload("absent.tif")


def test_a_folder_needs_recursive(vault, files):
    """The cure is the option."""
    files("scans/a.tif")
    with pytest.raises(InputError, match="folder") as caught:
        vault.upload_all(["scans"])
    assert "recursive=True" in caught.value.cure


def test_a_pattern_that_matches_several_is_not_one_file(vault, files, counted):
    """``upload`` stores one file and returns its archive: it must not choose among many."""
    files("a.tif")
    files("b.tif")
    with pytest.raises(InputError):
        vault.upload("*.tif")
    assert counted["upload_archive"] == 0


def test_a_pipe_is_no_file(vault, files):
    """Reading it would wait for ever."""
    os.mkfifo(files.folder / "pipe")
    with pytest.raises(InputError, match="regular"):
        vault.upload("pipe")


@pytest.fixture
def locked():
    """Let a file not be readable until what is returned is called; root reads any other way."""
    with pytest.MonkeyPatch.context() as patch:

        def locked(name):
            original = os.open

            def refuse(path, *rest):
                if Path(path).name == name:
                    raise PermissionError(13, "Permission denied", path)
                return original(path, *rest)

            patch.setattr(os, "open", refuse)
            return patch.undo

        yield locked


def test_a_file_that_cannot_be_read_is_a_local_error(vault, files, locked):
    """And nothing is on record."""
    files("locked")
    locked("locked")
    with pytest.raises(LocalError, match="Permission denied"):
        vault.upload("locked")
    assert len(vault.archives()) == 0


def test_one_bad_file_does_not_keep_the_others_from_being_stored(vault, files, locked):
    """The table says which is left out, and why; repeating sends only what is missing."""
    for name in ("a", "b", "c"):
        files(name)
    unlock = locked("b")
    table = vault.upload_all(["a", "b", "c"])
    assert list(table["state"]) == ["stored", "left out", "stored"]
    ((path, reason),) = table.attrs["skipped"]
    assert path == table["path"][1] == str(files.folder / "b")
    assert "Permission denied" in reason
    unlock()
    table = vault.upload_all(["a", "b", "c"])
    assert list(table["state"]) == ["already stored", "stored", "already stored"]


def test_a_dangling_link_in_a_folder_is_left_out_with_a_reason(vault, files):
    """It must not keep a whole folder from being stored."""
    files("scans/a.tif")
    (files.folder / "scans" / "broken").symlink_to("nowhere")
    table = vault.upload_all(["scans"], recursive=True)
    assert list(table["name"]) == ["scans/a.tif", "scans/broken"]
    assert list(table["state"]) == ["stored", "left out"]
    assert [path for path, _ in table.attrs["skipped"]] == ["scans/broken"]


@pytest.mark.parametrize(
    "change", [Path.unlink, lambda path: path.write_bytes(b"other"), lambda path: path.chmod(0)]
)
def test_what_changes_after_the_listing_is_left_out(vault, files, change, locked, counted):
    """It is gone, another, or closed to readers when its turn comes."""
    files("a")
    odd = files("b")
    plan = vault.upload_plan(["*"])
    change(odd)
    if odd.exists() and odd.stat().st_mode & 0o777 == 0:
        locked("b")  # root reads it in any case
    table = plan.run().table()
    assert list(table["state"]) == ["stored", "left out"]
    assert counted["upload_archive"] == 1


def test_nothing_but_what_cannot_be_read_is_an_error(vault, files, locked):
    """There is no table without a row."""
    files("a")
    files("b")
    locked("a")
    plan = vault.upload_plan(["*"])
    (files.folder / "b").unlink()
    with pytest.raises(LocalError, match="2 files of 2"):
        plan.run()


def test_a_file_is_known_however_its_name_is_composed(vault, files, counted):
    """A folder of a Mac lists decomposed what is typed composed; the disk of this test has both."""
    vault.upload(files("e\u0301/a\u0308.txt", mtime=1_700_000_000).relative_to(files.folder))
    same = files("\u00e9/\u00e4.txt", mtime=1_700_000_000).relative_to(files.folder)
    assert list(vault.upload_all([same])["state"]) == ["already stored"]
    files("\u00e9/\u00e4.txt", b"another", mtime=1_700_000_001)
    assert list(vault.upload_all([same])["state"]) == ["stored"]
    assert counted["upload_archive"] == 2


def test_a_vault_that_does_not_exist_costs_no_reading(session, files, counted):
    """It is asked for before the first byte."""
    files("a")
    with pytest.raises(NotFound):
        session.vault("absent").upload("a")
    assert counted["upload_archive"] == 0


def test_a_file_that_changes_between_choosing_and_reading_is_not_stored(vault, files, client):
    """What is sent is what was looked at, or nothing."""
    path = files("log")
    plan = vault.upload_plan(["log"])
    path.write_bytes(b"longer content")
    with pytest.raises(LocalError, match="changed"):
        plan.run()
    assert len(vault.archives()) == 0


@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite"])
@pytest.mark.parametrize("size", [1000, 3 * MIB])
def test_a_file_that_changes_while_it_is_read_is_not_stored(
    vault, files, small_parts, monkeypatch, client, later, change, size
):
    """Neither in one request nor in parts, and no archive is left behind."""
    path = files("log", size)
    original = bodies.read_part

    def change_it():
        if change == "shrink":
            os.truncate(path, size // 2)
        else:
            path.write_bytes(os.urandom(size + (change == "grow")))

    def read(*arguments):
        filled = original(*arguments)
        change_it()
        return filled

    for module in (upload, parts):
        monkeypatch.setattr(module, "read_part", read)
    with pytest.raises(LocalError, match="changed"):
        vault.upload("log")
    assert len(vault.archives()) == 0
    assert count_of_archives(client, later) == 0


@pytest.mark.limits(in_memory=0, single_request=0)
def test_a_file_that_changes_between_hashing_and_sending_is_not_blamed_on_the_login(
    vault, files, calls, quick
):
    """A part too large for memory is read twice, and the service notices the difference."""
    path = files("log", 5000)
    calls.watch("upload_part", lambda *_: path.write_bytes(os.urandom(5000)))
    with pytest.raises((LocalError, IntegrityError)) as caught:
        vault.upload("log")
    assert "secret key" not in str(caught.value)
    assert len(vault.archives()) == 0


def test_another_tree_hash_in_the_answer_is_an_integrity_error(vault, files, calls):
    """The archive is not on record as this file."""
    original = calls.of("upload_archive")
    calls.replace("upload_archive", lambda *a: (original(*a)[0], "0" * 64))
    files("a")
    with pytest.raises(IntegrityError, match="other bytes"):
        vault.upload("a")
    assert len(vault.archives()) == 0


# Names and descriptions


def test_names_and_times_come_back_from_the_description(vault, files, stored):
    """A relative path is the name, in a form that other programs read."""
    files("scans/2019/Zürich 😀.tif", mtime=1_234_567_890)
    archive = vault.upload("scans/2019/Zürich 😀.tif")
    _, description = stored(archive.id)
    found = descriptions.decode(description)
    assert found.name == archive.name == "scans/2019/Zürich 😀.tif"
    assert found.mtime.timestamp() == 1_234_567_890


def test_of_an_absolute_path_only_the_last_component_is_the_name(vault, files):
    """The layout of this computer is nobody's business; ``..`` is no name."""
    path = files("deep/below/a.tif")
    assert vault.upload(path).name == "a.tif"
    files("b.tif")
    (files.folder / "deep" / "x").mkdir()
    os.chdir(files.folder / "deep" / "x")
    assert vault.upload("../../b.tif").name == "b.tif"


def test_a_folder_is_walked_with_its_name_in_front(vault, files):
    """Hidden files belong to it, empty ones are left out with the reason."""
    for name in ("scans/a", "scans/sub/b", "scans/.hidden"):
        files(name)
    files("scans/empty", b"")
    table = vault.upload_all(["scans"], recursive=True)
    stored = table[table["state"] == "stored"]
    assert list(stored["name"]) == ["scans/.hidden", "scans/a", "scans/sub/b"]
    ((path, reason),) = table.attrs["skipped"]
    assert path.endswith("empty")
    assert "empty" in reason


def test_globs_and_home_are_understood(vault, files, home):
    """As a shell would, for those who have none."""
    files("a1.tif")
    files("a2.tif")
    files("b.txt")
    (home / "c.tif").write_bytes(b"c")
    table = vault.upload_all(["a*.tif", "~/c.tif"])
    assert sorted(table["name"]) == ["a1.tif", "a2.tif", "c.tif"]
    assert table["size"].dtype == "int64"


def test_a_file_with_brackets_is_a_file_before_it_is_a_pattern(vault, files):
    """``photo[1].jpg`` exists as it is spelled."""
    files("photo[1].jpg", b"one")
    files("photo1.jpg", b"other")
    assert list(vault.upload_all(["photo[1].jpg"])["name"]) == ["photo[1].jpg"]


def test_two_files_of_one_name_are_refused(vault, files, counted):
    """Both would be stored under it, and one would hide the other."""
    one, other = files("x/a.tif"), files("y/a.tif")
    with pytest.raises(InputError, match=r"a\.tif"):
        vault.upload_all([one, other])
    assert counted["upload_archive"] == 0


def test_the_same_file_named_twice_is_stored_once(vault, files, client, later):
    """``a.tif *.tif`` means one file, not two archives."""
    files("a.tif")
    vault.upload_all(["a.tif", "*.tif"])
    assert count_of_archives(client, later) == 1


@pytest.mark.parametrize("description", ["ä", "tab\there", "new\nline", " leading", "x" * 1025, "", "nul\0"])
def test_a_description_the_service_would_refuse_is_refused_here(vault, files, counted, description):
    """With the rule, not with a signature that does not match."""
    files("a")
    with pytest.raises(InputError):
        vault.upload("a", description=description)
    assert counted["upload_archive"] == 0


@pytest.mark.parametrize("description", ["x", "x" * 1024, '"quoted" \\ <b>&amp;', "two  spaces", "~"])
def test_a_description_is_stored_as_it_is_given(vault, files, stored, description):
    """And is the name, where it is in no known format."""
    files("a")
    archive = vault.upload("a", description=description)
    assert stored(archive.id)[1] == description
    assert archive.name == description


def test_one_description_for_several_files_is_refused(vault, files, counted):
    """It would give all the same name."""
    files("a")
    files("b")
    with pytest.raises(InputError, match="description"):
        vault.upload_all(["a", "b"], description="both")
    assert counted["upload_archive"] == 0


def test_a_name_that_is_no_unicode_is_refused_or_stored_under_a_description(vault, files):
    """Old disks have file names in no known encoding; nothing falls over."""
    path = os.fsdecode(b"old\xff.txt")
    (files.folder / path).write_bytes(b"old")
    with pytest.raises(GlacierError):
        vault.upload(path)
    assert vault.upload(path, description="old.txt").name == "old.txt"
    assert vault.upload_all([path], description="old.txt")["state"][0] == "already stored"


# Once


def test_an_unchanged_file_is_not_sent_twice(vault, files, counted):
    """Not by the next call, unless asked for again."""
    files("a")
    first = vault.upload("a")
    assert vault.upload("a") == first
    assert counted["upload_archive"] == 1
    second = vault.upload("a", again=True)
    assert second.id != first.id
    assert counted["upload_archive"] == 2


def test_a_changed_file_is_sent_again(vault, files, counted):
    """Another size or another time makes it another file."""
    files("a", b"one")
    vault.upload("a")
    files("a", b"two", mtime=1_600_000_001)
    vault.upload("a")
    assert counted["upload_archive"] == 2


def test_a_file_whose_archive_was_deleted_is_sent_again(vault, files, counted):
    """It is not stored any more, whatever the record of the upload says."""
    files("a")
    first = vault.upload("a")
    vault.delete("a").run()
    assert vault.upload("a").id != first.id
    assert counted["upload_archive"] == 2


def test_a_file_whose_archive_somebody_else_deleted_is_sent_again(vault, files, client, listed, later):
    """An inventory made days later without it says that it is gone."""
    files("a")
    first = vault.upload("a")
    client.delete_archive(vaultName="photos", archiveId=first.id)
    later(days=4)
    vault.upload(files("another"))
    assert first.id not in set(listed(vault)["archive_id"])
    assert vault.upload("a").id != first.id


def test_a_throttled_upload_is_repeated_and_stored_once(vault, files, calls, client, later, quick):
    """The service says for certain that it took nothing."""
    original, failures = calls.of("upload_archive"), [Unavailable("slow", code="ThrottlingException")]

    def throttled(*arguments):
        if failures:
            raise failures.pop()
        return original(*arguments)

    calls.replace("upload_archive", throttled)
    files("a")
    vault.upload("a")
    assert count_of_archives(client, later) == 1


@pytest.mark.parametrize(("operation", "size"), [("upload_archive", 1000), ("upload_part", 2 * MIB)])
def test_a_repeated_request_sends_the_whole_body_again(
    vault, files, small_parts, calls, quick, stored, operation, size
):
    """The first try has read it to its end."""
    path = files("a", size)
    original = getattr(Service, operation)
    failures = [Unavailable("slow", code="ThrottlingException")]

    def refuse(*arguments):
        if failures:
            next(a for a in arguments if isinstance(a, bodies.HashedBody)).read()
            raise failures.pop()
        return original(*arguments)

    calls.replace(operation, refuse)
    assert stored(vault.upload("a").id)[0] == path.read_bytes()


def test_progress_reaches_the_whole_and_is_told_from_one_thread_at_a_time(vault, files, small_parts):
    """The last report is the finished one."""
    files("a", 4 * MIB)
    files("b", 100)
    reports, inside = [], threading.Lock()

    def observe(report):
        assert inside.acquire(blocking=False)
        reports.append(report)
        inside.release()

    vault.upload_all(["a", "b"], progress=observe)
    assert reports[-1].finished
    assert reports[-1].done == reports[-1].total == 4 * MIB + 100
    assert [r.done for r in reports] == sorted(r.done for r in reports)


# Going on

UPLOADER = """
    from glacier_magic.service import Service
    folder, region, catalogue, point = sys.argv[1:]
    if point == "parts":
        stop_at("before", Service, "upload_part", 4)
    elif point == "all parts":
        stop_at("before", Service, "complete_upload")
    elif point == "started":
        stop_at("after", Service, "start_upload")
    else:
        stop_at("after", Service, "complete_upload")
    sizes = {"single_request": 1 << 20, "smallest_part": 1 << 20}
    session = connect(folder, region, catalogue, workers=1, upload_lease=0, **sizes)
    session.vault("photos").upload("large")
"""


@pytest.mark.each_backend
@pytest.mark.parametrize(
    ("point", "sent_before"), [("started", 0), ("parts", 3), ("all parts", 6), ("completed", 6)]
)
def test_an_upload_killed_at_any_point_goes_on_with_the_same_command(
    emulator,
    region,
    session,
    vault,
    files,
    child,
    client,
    later,
    small_parts,
    counted,
    stored,
    point,
    sent_before,
    session_place,
):
    """No part that the service has is sent again, and there is one archive in the end."""
    path = files("large", 5 * MIB + 100)
    child(UPLOADER, emulator.folder, region, session_place, point).kill_when_stopped()
    archive = vault.upload("large")
    if point != "started":  # the id was not on record: the service has an empty upload left
        assert counted["start_upload"] == 0
    assert counted["upload_part"] == 6 - sent_before
    assert archive.tree_hash == tree_hash(path)
    assert stored(archive.id)[0] == path.read_bytes()
    assert count_of_archives(client, later) == 1


@pytest.fixture
def begun(session, vault, files, small_parts):
    """An upload of ``large`` that another process has begun."""
    path = files("large", 2 * MIB)
    (source,) = find(["large"]).files
    begun = session.catalogue.uploads.begin(
        vault="photos",
        path=str(path),
        size=source.size,
        mtime_ns=source.mtime_ns,
        name=source.name,
        description=source.description,
        part_size=MIB,
        owner="another",
    )
    upload_id = session.service.start_upload("photos", MIB, source.description)
    session.catalogue.uploads.started(begun.id, upload_id)
    return begun


@pytest.mark.each_backend
def test_a_living_process_is_not_disturbed(vault, begun):
    """The lease of another process on the same file is respected, and says so."""
    with pytest.raises(LocalError, match="another process"):
        vault.upload("large")


@pytest.mark.each_backend
def test_a_dead_process_is_taken_over(vault, begun, counted):
    """Its lease runs out by itself."""
    vault.session.catalogue.database.execute("UPDATE uploads SET lease_until=1")
    vault.upload("large")
    assert counted["start_upload"] == 0


def test_an_unfinished_upload_that_the_service_dropped_begins_anew(
    vault, files, small_parts, later, calls, counted
):
    """After a day the parts are gone, which costs nothing but the sending."""
    path = files("large", 3 * MIB)
    original = calls.of("complete_upload")

    def broken(*_):
        raise LocalError("stopped here")

    calls.replace("complete_upload", broken)
    with pytest.raises(LocalError):
        vault.upload("large")
    with vault.session.catalogue.database.transaction():
        vault.session.catalogue.database.execute("UPDATE uploads SET state='sending'")
    calls.replace("complete_upload", original)
    later(days=3)
    assert vault.upload("large").tree_hash == tree_hash(path)


def test_parts_that_do_not_match_the_file_are_sent_again(vault, files, small_parts, client, calls, stored):
    """A stored part counts only with the tree hash of the file's own part."""
    path = files("large", 3 * MIB)
    original = calls.of("complete_upload")

    def broken(service, vault_name, upload_id, *_):
        client.upload_multipart_part(
            vaultName=vault_name, uploadId=upload_id, range=f"bytes 0-{MIB - 1}/*", body=b"x" * MIB
        )
        raise LocalError("stopped here")

    calls.replace("complete_upload", broken)
    with pytest.raises(LocalError):
        vault.upload("large")
    calls.replace("complete_upload", original)
    assert stored(vault.upload("large").id)[0] == path.read_bytes()


def test_a_service_that_goes_away_leaves_an_upload_that_goes_on(
    vault, files, small_parts, quick, counted, one_at_a_time, calls
):
    """Unavailable is the error, and nothing that was taken is sent again."""
    files("large", 4 * MIB)
    original = calls.of("upload_part")

    def fail(service, vault_name, upload_id, start, body):
        if start >= 2 * MIB:
            raise Unavailable("gone")
        return original(service, vault_name, upload_id, start, body)

    with calls.replaced("upload_part", fail), pytest.raises(Unavailable):
        vault.upload("large")
    counted["upload_part"] = 0
    vault.upload("large")
    assert counted["upload_part"] == 2


# Memory

SHELL = """
    import re
    import sys
    from pathlib import Path
    from threading import Event
    from glacier_magic import cli
    from glacier_magic.base.session_limits import USUAL
    from glacier_magic.transfer.engine import Buffers
    for words in (["large"], ["--stdin", "--name", "stream"]):
        assert cli.main(["upload", "--vault", "photos", *words]) == 0
    buffers, size, lent = Buffers(), USUAL.stream_part, []
    assert size == USUAL.in_memory >= USUAL.smallest_part
    for _ in range(buffers.limit // size):  # the most that a transfer can have at once
        lent.append(buffers.take(size, Event()))
        for _ in range(size >> 20):
            lent[-1].write(bytes(1 << 20))
    print("pandas", "pandas" in sys.modules)
    print("awscrt", "_awscrt" in sys.modules)
    print("peak", int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) >> 10)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_an_upload_takes_at_most_120_mib_at_any_size(
    vault, files, emulator, region, session_place, monkeypatch, without_crt
):
    """At any size: with all buffers, and all imports but those of extras. pandas alone would take 85 MiB."""
    path = files("large", 5 * MIB)
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(session_place))
    assert cli.main(["connect", "--data", str(emulator.folder), "--region", region]) == 0
    with path.open("rb") as source:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(SHELL)],
            stdin=source,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    said = ("pandas ", "awscrt ", "peak ")
    told = dict(line.split() for line in done.stdout.splitlines() if line.startswith(said))
    assert told["pandas"] == told["awscrt"] == "False"
    assert int(told["peak"]) <= 120


def test_a_buffer_that_cannot_be_had_counts_as_none(monkeypatch):
    """Without memory, the others can go on."""
    buffers = Buffers(limit=MIB)

    def refuse(*_):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(mmap, "mmap", refuse)
        with pytest.raises(MemoryError):
            buffers.take(MIB, threading.Event())
    stop = threading.Event()
    stop.set()  # it raises Stopped if it has to wait
    first = buffers.take(MIB // 2, stop)
    buffers.take(MIB // 2, stop)
    with pytest.raises(Stopped):
        buffers.take(MIB // 2, stop)
    buffers.give_back(first)
    buffers.take(MIB // 2, stop)


# Slow lines


@pytest.fixture
def part_sizes(calls):
    """The part sizes of the uploads that were started."""
    return calls.noted("start_upload", 1)


@pytest.mark.limits(single_request=0)
@pytest.mark.parametrize(
    ("rate", "limit", "part_size"),
    [
        (None, None, 16 * MIB),
        (1e6, None, 16 * MIB),
        (55_000, None, 4 * MIB),
        (10, None, MIB),
        (None, 300_000, 8 * MIB),
        (1e6, 300_000, 8 * MIB),
    ],
)
def test_parts_are_smaller_on_a_slow_line(session, vault, files, part_sizes, rate, limit, part_size):
    """One takes two minutes at most, for a signature is good for five."""
    files("a")
    if rate is not None:
        line.remember_rate(session.engine, rate)
    session.engine.budget.max_rate = limit
    vault.upload("a")
    vault.upload("a", part_size=32 * MIB, again=True)
    assert part_sizes == [part_size, 32 * MIB]


def test_the_rate_of_one_connection_is_remembered(session, vault, files, small_parts):
    """For the next upload of this computer; a limit says nothing about the line."""
    files("a", 2 * MIB)
    rates = "SELECT value FROM settings WHERE key LIKE 'upload rate of %'"
    session.engine.budget.max_rate = 1e9
    vault.upload("a")
    assert session.catalogue.database.rows(rates) == []
    session.engine.budget.max_rate = None
    vault.upload("a", again=True)
    ((rate,),) = session.catalogue.database.rows(rates)
    assert float(rate) > 0


TOO_SLOW = Unavailable("The upload arrived too slowly", code="RequestTimeoutException")


@pytest.mark.limits(single_request=0, smallest_part=4 * MIB)
def test_an_upload_whose_first_parts_take_too_long_begins_again_in_smaller_ones(
    vault, files, quick, calls, part_sizes, client, stored
):
    """And the first one is not left with the service; that its short last part got through says nothing."""
    path = files("a", 5 * MIB)
    original, last = calls.of("upload_part"), threading.Event()

    def upload_part(service, vault, upload_id, start, body):
        if len(body) > MIB:
            last.wait(30)
            raise TOO_SLOW
        received = original(service, vault, upload_id, start, body)
        threading.Timer(0.2, last.set).start()  # when it counts as sent
        return received

    calls.replace("upload_part", upload_part)
    archive = vault.upload("a")
    assert part_sizes == [4 * MIB, MIB]
    assert client.list_multipart_uploads(vaultName="photos")["UploadsList"] == []
    assert stored(archive.id)[0] == path.read_bytes()


@pytest.mark.limits(single_request=0, smallest_part=4 * MIB, workers=1)
@pytest.mark.parametrize("given", [None, 4 * MIB])
def test_a_part_that_is_late_once_is_sent_again(vault, files, quick, calls, part_sizes, counted, given):
    """What the service has already, and the part size that was asked for, are kept."""
    files("a", 9 * MIB)
    original, late = calls.of("upload_part"), [4 * MIB if given is None else 0]

    def upload_part(service, vault, upload_id, start, body):
        if start in late:
            late.remove(start)
            raise TOO_SLOW
        return original(service, vault, upload_id, start, body)

    calls.replace("upload_part", upload_part)
    vault.upload("a", part_size=given)
    assert part_sizes == [4 * MIB]
    assert counted["upload_part"] == 3
