"""Runs of a backup: what is stored, what is not, and what a snapshot says."""

import os
import shutil
import subprocess
import sys
import threading

import pytest

from glacier_magic.errors import InputError, LocalError, Unavailable
from glacier_magic.packs import writer
from tests.packed import MIB, OLD, on_disk, place, write


@pytest.fixture
def sent(calls):
    """The operations that sent or asked for something, in order."""
    found = []
    for name in ("upload_archive", "start_upload", "upload_part", "complete_upload", "start_retrieval"):
        calls.watch(name, lambda *_, name=name: found.append(name))
    return found


def test_the_first_run_stores_all_in_one_pack_and_a_manifest(backup):
    root = write(backup.root, a__one=b"1", a__two=b"2", empty=b"")
    (root / "nothing in it").mkdir()
    (root / "link").symlink_to("a/one")
    (root / "a/two").chmod(0o600)
    before = on_disk(root)
    ran = backup.run()
    assert (ran.snapshot.ordinal, ran.snapshot.files, ran.snapshot.bytes, ran.unread) == (1, 3, 2, ())
    assert ran.snapshot.finished
    kinds = [name.split(".", 1)[1] for name in backup.service.archives().values()]
    assert kinds == ["0001.tar.zst.age", "manifest.tar.zst.age"]
    assert backup.restore() == before == on_disk(root)
    backup.whole()


@pytest.mark.each_backend
def test_a_run_without_a_change_stores_nothing(backup, sent, session_place):
    """Nor does it ask the service for anything."""
    write(backup.root, a=b"1", b__c=b"2")
    backup.run()
    stored = list(sent)
    for _ in range(2):
        plan = backup.plan()
        assert plan.run().snapshot is None
        assert backup.records.sets(backup.name)[0].checked is not None
    assert sent == stored
    assert backup.snapshots() == [1]
    backup.whole()


def test_what_is_settled_is_not_even_read(backup, monkeypatch):
    """A file counts as touched for two seconds; then its size and times suffice."""
    write(backup.root, a=b"1")
    clock = time_later(monkeypatch)
    backup.run()
    assert dict(backup.plan().states) == {"touched": 1}
    clock.append(60)
    backup.run()
    plan = backup.plan()
    assert dict(plan.states) == {"same": 1}
    assert plan.empty
    assert plan.requests == 0


def time_later(monkeypatch):
    """Move the clock of the disk by the seconds of a list that the caller adds to."""
    import time

    seconds, now = [], time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + sum(seconds) * 10**9)
    return seconds


def test_only_what_changed_is_stored(backup):
    root = write(backup.root, same=b"1", edited=b"2", gone=b"3", folder__x=b"4")
    first = on_disk(root)
    backup.run()
    place(root / "edited", b"22")
    place(root / "new", b"5")
    (root / "gone").unlink()
    os.utime(root / "folder", (1, 1))
    second = on_disk(root)
    ran = backup.run()
    assert (ran.snapshot.ordinal, ran.snapshot.files) == (2, 4)
    assert [backup.members(pack) for pack in backup.packs()] == [
        ["edited", "folder/x", "gone", "same"],
        ["edited", "new"],
    ]
    assert backup.restore(1) == first
    assert backup.restore(2) == second
    backup.whole()


@pytest.mark.parametrize("change", ["moved", "renamed", "touched", "chmod", "copied", "linked", "replaced"])
def test_contents_that_are_stored_are_not_stored_again(backup, change):
    root = write(backup.root, a__x=10_000, b__y=b"other")
    backup.run()
    before = (root / "a/x").read_bytes()
    if change == "moved":
        (root / "a").rename(root / "c")
    elif change == "renamed":
        (root / "a/x").rename(root / "a/z")
    elif change == "touched":
        os.utime(root / "a/x", (5, 5))
    elif change == "chmod":
        (root / "a/x").chmod(0o600)
    elif change == "copied":
        place(root / "copy", before)
    elif change == "linked":
        os.link(root / "a/x", root / "hard")
    else:
        (root / "b/y").unlink()
        place(root / "b/y", before, mtime=7)
    now = on_disk(root)
    assert backup.run().snapshot.ordinal == 2
    assert [name for pack in backup.packs()[1:] for name in backup.members(pack)] == []
    assert backup.restore() == now
    backup.whole()


def test_a_change_that_keeps_size_and_time_is_seen(backup, monkeypatch):
    """By the times that no program can set; --trust-mtime does without, and --checksum reads all."""
    clock = time_later(monkeypatch)
    root = write(backup.root, a=b"1111")
    clock.append(60)
    backup.run()
    place(root / "a", b"2222")
    assert backup.run(trust_mtime=True).snapshot is None
    assert backup.run().snapshot.ordinal == 2
    assert backup.restore()["a"][1] == b"2222"


def test_equal_new_files_are_packed_once(backup):
    """Also those of one run."""
    content = os.urandom(50_000)
    root = write(backup.root, a=content, b=content, c__d=content, other=50_000)
    now = on_disk(root)
    backup.run()
    assert backup.members(backup.packs()[0]) == ["a", "other"]
    assert backup.restore() == now
    backup.whole()


def test_hard_links_are_stored_once_and_restored_as_files(backup):
    root = write(backup.root, a=10_000)
    os.link(root / "a", root / "b")
    now = on_disk(root)
    backup.run(pack_size=1)
    assert sum(pack.size for pack in backup.packs()) < 15_000
    assert backup.restore() == now


def test_a_pack_is_closed_when_it_is_full(backup):
    """A file larger than a pack has one of its own."""
    root = write(backup.root, a=40_000, b=40_000, c=40_000, d=300_000, e=b"small", f=b"")
    now = on_disk(root)
    backup.run(pack_size=100_000)
    assert [backup.members(pack) for pack in backup.packs()] == [["a", "b"], ["c"], ["d"], ["e", "f"]]
    numbers = [pack.name.split(".")[1] for pack in backup.packs()]
    assert numbers == ["0001", "0002", "0003", "0004"]
    assert backup.restore() == now
    assert list((backup.session.catalogue.folder / "spool").rglob("*.pack")) == []
    backup.whole()


def test_a_plain_set_has_no_recipient(backup):
    root = write(backup.root, a=b"1", b=b"2")
    backup.run(plain=True)
    assert all(name.endswith(".tar.zst") for name in backup.service.archives().values())
    assert backup.restore() == on_disk(root)


def test_names_of_all_sorts(backup):
    """Also two of which one is the other's spelling in the catalogue: one of them is named, none is lost."""
    root = backup.root
    names = [b"a\nb", b"[x]*?", b" space ", b"-rf", b"\xff\xfe", b"'; DROP TABLE packs; --", "ü☃".encode()]
    for number, name in enumerate(names):
        place(root / os.fsdecode(name), b"%d" % number)
    ran = backup.run()
    assert ran.unread == ()
    assert ran.snapshot.files == len(names)
    assert backup.run().snapshot is None
    restored = backup.restore()
    assert sorted(facts[1] for facts in restored.values()) == [b"%d" % n for n in range(len(names))]
    place(root / r"\xff\xfe", b"the same name in the catalogue")
    ran = backup.run()
    assert [name for name, _ in ran.unread] == [r"\xff\xfe"]
    assert len([f for f in backup.records.entries(backup.set.id, 1) if f.path == r"\xff\xfe"]) == 1


# Files that cannot be read, or change


def between(change):
    """Return a clock for a run that lets the disk change after the first file was looked at."""
    times = iter(range(1_000_000, 2_000_000, 5000))

    def now():
        change()
        return next(times)

    return now


def test_a_file_that_grew_since_it_was_looked_at_is_stored_as_it_was_read(backup):
    """Its size, hash and bytes are those of one moment."""
    root = write(backup.root, a=b"1", b=b"2")
    ran = backup.by_hand(between(lambda: place(root / "a", b"much longer", mtime=99))).run(lambda: 0)
    assert ran.unread == ()
    assert backup.restore()["a"][1:] == (b"much longer", 0o644, 99 * 10**9)
    assert ran.snapshot.bytes == len(b"much longer") + 1


def test_a_hard_link_of_a_file_that_grew(backup):
    root = write(backup.root, a=b"1")
    os.link(root / "a", root / "b")
    backup.by_hand(between(lambda: place(root / "a", b"much longer"))).run(lambda: 0)
    restored = backup.restore()
    assert restored["a"][1] == restored["b"][1] == b"much longer"


def test_a_file_that_vanished_is_named(backup):
    root = write(backup.root, a=b"1", b=b"2")
    ran = backup.by_hand(between(lambda: (root / "a").unlink(missing_ok=True))).run(lambda: 0)
    assert [name for name, _ in ran.unread] == ["a"]
    assert list(backup.restore()) == ["b"]
    assert ran.snapshot.unread == 1


def test_a_file_that_became_a_pipe_or_link_is_not_waited_for(backup):
    root = write(backup.root, a=b"1", b=b"2")

    def change():
        (root / "a").unlink(missing_ok=True)
        os.mkfifo(root / "a")

    ran = backup.by_hand(between(change)).run(lambda: 0)
    assert [name for name, _ in ran.unread] == ["a"]
    assert list(backup.restore()) == ["b"]


def test_a_file_that_changes_while_it_is_read_is_not_in_the_snapshot(backup):
    """And what was there before stays."""
    root = write(backup.root, a=b"as it was", b=b"2")
    backup.run()
    place(root / "a", 24 * MIB)
    over = threading.Event()

    def disturb():
        number = 0
        while not over.is_set():
            number += 1
            os.utime(root / "a", (number, number))

    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    try:
        ran = backup.run()
    finally:
        over.set()
        disturbing.join()
    assert [name for name, _ in ran.unread] == ["a"]
    assert backup.restore()["a"][1] == b"as it was"
    content = (root / "a").read_bytes()
    assert backup.run().unread == ()
    assert backup.restore()["a"][1] == content


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("change", ["vanishes", "grows", "shrinks", "cannot be read", "is written over"])
def test_a_file_that_changes_during_its_read_is_read_once_more(backup, monkeypatch, change, times):
    """Then it is left out and named; no hash is that of a content that the file never had."""
    root = write(backup.root, a=3 * MIB, b=b"2")
    number, left, read_at = (root / "a").stat().st_ino, [times], writer.read_at

    def disturbed(descriptor, buffer, position):
        if os.fstat(descriptor).st_ino == number and position == MIB and left[0]:
            left[0] -= 1
            if change == "vanishes":
                (root / "a").unlink(missing_ok=True)
            elif change == "grows":
                place(root / "a", 3 * MIB + times, mtime=OLD + left[0])
            elif change == "shrinks":
                os.truncate(root / "a", position + left[0])
            elif change == "cannot be read":
                raise OSError(5, "Input/output error")
            else:
                place(root / "a", 3 * MIB, mtime=OLD + 5 + left[0])
        return read_at(descriptor, buffer, position)

    monkeypatch.setattr(writer, "read_at", disturbed)
    before = on_disk(root)["a"]
    ran = backup.run()
    out = times == 2 and change != "vanishes"
    assert [name for name, _ in ran.unread] == ["a"] * out
    assert ran.snapshot.unread == out
    restored = backup.restore()
    assert restored.pop("a", None) == (
        None if out else before if change == "vanishes" else on_disk(root)["a"]
    )
    assert restored["b"][1] == b"2"
    backup.whole()
    for pack in backup.packs():
        reader = backup.reader(pack)
        _, *found = reader.index()
        for member in found:
            assert member.torn or list(reader.read(member))  # which compares the hash
    assert backup.run().unread == ()
    assert backup.restore() == on_disk(root)


def test_a_pack_of_nothing_but_a_file_that_changes_is_not_stored(backup, monkeypatch):
    """A log that is written to all the time would be stored each night, for nobody."""
    root = write(backup.root, a=b"1")
    backup.run()
    place(root / "log", MIB)
    read_at = writer.read_at

    def disturbed(*words):
        os.utime(root / "log", ns=(1, (root / "log").stat().st_mtime_ns + 1))
        return read_at(*words)

    with monkeypatch.context() as patch:
        patch.setattr(writer, "read_at", disturbed)
        assert [name for name, _ in backup.run().unread] == ["log"]
    assert len(backup.packs()) == 1
    assert list(backup.restore()) == ["a"]
    backup.whole()
    backup.run()
    assert backup.restore() == on_disk(root)


def test_what_can_never_be_read_makes_no_snapshot_each_night(backup):
    """Nothing is stored for it, and it is named each time."""
    root = write(backup.root, a=b"1")
    os.mkfifo(root / "pipe")
    (root / "socket in a folder").mkdir()
    assert [name for name, _ in backup.run().unread] == ["pipe"]
    again = backup.run()
    assert (again.snapshot, [name for name, _ in again.unread]) == (None, ["pipe"])
    backup.whole()


@pytest.mark.skipif(os.name == "nt" or shutil.which("setpriv") is None, reason="needs setpriv")
def test_a_file_without_permission_makes_no_snapshot_each_night(backup, emulator, region, session_place):
    """In a process that may not read everything, as root may."""
    root = write(backup.root, a=b"1", b=b"2")
    backup.run()
    place(root / "c", b"3").chmod(0)
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    code = (
        "import sys, glacier_magic as gm\n"
        "with gm.connect(emulator=sys.argv[1], region=sys.argv[2], catalogue=sys.argv[3]) as session:\n"
        "    ran = session.vault('photos').backup('home').run()\n"
        "    print(ran.snapshot, [name for name, _ in ran.unread])"
    )
    words = [*drop, sys.executable, "-c", code, str(emulator.folder), region, str(session_place)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout == "None ['c']\n", done.stderr


def test_its_own_spool_is_never_in_a_backup(backup, session):
    """Who backs up the home folder has the catalogue's folder in it."""
    backup.root = session.catalogue.folder
    write(session.catalogue.folder, a=30_000, b=30_000, c=30_000)
    backup.run(pack_size=40_000, exclude=("catalogue.sqlite*",))
    paths = [entry.path for entry in backup.records.entries(backup.set.id, 1)]
    assert {"a", "b", "c"} < set(paths)
    assert not any(path.startswith("spool") for path in paths)


def test_what_was_deleted_elsewhere_is_stored_again(backup, vault):
    """By `rm`, for example; older snapshots with the same content can be recovered again, too."""
    root = write(backup.root, a=5000, b=5000, gone=5000)
    first = on_disk(root)
    backup.run(pack_size=6000)
    lost = backup.packs()[0]
    vault.delete(lost.archive_id).run()
    (root / "gone").unlink()
    copy = place(root / "copy", (root / "a").read_bytes())
    plan = backup.plan()
    assert plan.run().snapshot.ordinal == 2
    assert backup.members(backup.packs()[-1]) == ["a"]
    assert backup.restore(2) == on_disk(root)
    assert backup.restore(1) == first
    assert copy.exists()
    assert backup.run().snapshot is None


def test_what_was_to_be_stored_again_has_its_new_place_once_it_is_there(backup, vault, calls):
    """Until then, older snapshots keep theirs: the pack may be lost before."""
    root = write(backup.root, a=5000)
    first = on_disk(root)
    backup.run()
    vault.delete(backup.packs()[0].archive_id).run()
    place(root / "b", b"new")

    def failing(*_):
        raise LocalError("The line is broken")

    with calls.replaced("complete_upload", failing), pytest.raises(LocalError, match="broken"):
        backup.run()
    for file in (backup.session.catalogue.folder / "spool").rglob("*.pack"):
        file.unlink()
    assert len(list(backup.records.entries(backup.set.id, 1))) == 1
    backup.run()
    assert len(list(backup.records.entries(backup.set.id, 1))) == 1
    assert backup.restore(1) == first
    assert backup.restore(2) == on_disk(root)


# Definitions


def test_a_set_keeps_what_it_was_given(backup, vault):
    write(backup.root, a=b"1", b__tmp=b"2")
    backup.run(exclude=("b",))
    place(backup.root / "c", b"3")
    vault.backup("home").run()
    assert sorted(e.path for e in backup.records.entries(backup.set.id, 2)) == ["a", "c"]
    assert backup.set.recipients == [backup.key.recipient]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "encrypted for recipients or plain"),
        ({"plain": True, "recipients": ["age1"]}, "encrypted for recipients or plain"),
        ({"recipients": ["age1nothing"]}, "not a recipient"),
    ],
)
def test_a_new_set_says_who_can_read_it(backup, vault, options, message):
    with pytest.raises(InputError, match=message):
        vault.backup("new", backup.root, **options)
    assert backup.records.sets() == []


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a\nb", ".hidden/../x", " x"])
def test_the_name_of_a_set_is_no_path(backup, vault, name):
    with pytest.raises(InputError, match="cannot be the name of a set"):
        vault.backup(name, backup.root, plain=True)


def test_a_set_of_another_home_is_refused(backup, vault, session):
    write(backup.root, a=b"1")
    backup.run()
    session.catalogue.database.execute("UPDATE backup_sets SET home='elsewhere'")
    with pytest.raises(InputError, match="belongs to another computer"):
        vault.backup("home")


# Two at once


@pytest.mark.each_backend
def test_two_processes_do_not_run_one_set(backup, connect, session_place):
    """The second is told so, and leaves nothing."""
    write(backup.root, a=b"1")
    backup.run()
    place(backup.root / "b", b"2")
    plan = connect().vault("photos").backup("home")
    leases = backup.records.leases
    assert leases.claim(backup.set.id, backup.session.engine.owner)
    with pytest.raises(Unavailable, match="Another process"):
        plan.run()
    leases.release(backup.set.id, backup.session.engine.owner)
    assert plan.run().snapshot.ordinal == 2
    backup.whole()


def test_snapshots_have_times_and_names_of_their_own(backup):
    """Also when a clock is set back, or two are made in one second."""
    root = write(backup.root, a=b"1")
    backup.run()
    for number in range(2, 5):
        place(root / "a", b"%d" % number)
        backup.run()
    times = [one.started for one in backup.records.snapshots(backup.set.id)]
    assert times == sorted(set(times))
    backup.whole()


def test_a_run_that_is_stopped_goes_on(backup):
    root = write(backup.root, a=50_000, b=50_000, c=50_000)
    now = on_disk(root)
    run = backup.by_hand(lambda: 1_000_000, pack_size=60_000)
    run.stop.set()
    with pytest.raises(LocalError, match="was stopped"):
        run.run(lambda: 0)
    assert backup.run(pack_size=60_000).snapshot.ordinal == 1
    assert backup.restore() == now
    backup.whole()


def test_too_little_room_for_packs_is_seen_before_the_first_one(backup, disk, sent):
    """With where they would be; nothing is sent or left behind."""
    place(backup.root / "a", MIB)
    disk(1000)
    with pytest.raises(LocalError, match="Packs cannot wait in"):
        backup.run()
    assert sent == []
    assert backup.snapshots() == []
    disk(1 << 40)
    backup.run()
    assert backup.snapshots() == [1]


def test_a_disk_that_is_not_mounted_is_no_empty_folder(backup, tmp_path):
    """Or the next prune would delete what was on it."""
    root = write(backup.root, a=b"1", b__c=b"2")
    backup.run()
    root.rename(tmp_path / "elsewhere")
    root.mkdir()
    with pytest.raises(LocalError, match="is empty, and the last snapshot of 'home' has files of it"):
        backup.run()
    assert backup.snapshots() == [1]
    root.rmdir()
    (tmp_path / "elsewhere").rename(root)
    for path in (root / "a", root / "b/c"):
        path.unlink()
    (root / "b").rmdir()
    place(root / "left", b"on purpose")
    assert backup.run().snapshot.files == 1


def test_one_empty_root_of_several_is_seen(backup, vault, key, tmp_path):
    for name in ("one", "two"):
        place(tmp_path / name / "file", name.encode())
    vault.backup("both", tmp_path / "one", tmp_path / "two", recipients=[key.recipient]).run()
    (tmp_path / "two" / "file").unlink()
    with pytest.raises(LocalError, match="two' is empty"):
        vault.backup("both")


@pytest.mark.parametrize("error", [PermissionError, FileNotFoundError])
def test_what_a_folder_had_that_cannot_be_read_stays(backup, monkeypatch, error):
    """It is named; a folder that is gone is gone."""
    root = write(backup.root, a=b"1", b__c=b"2", b__d__e=b"3")
    before = on_disk(root)
    backup.run()
    scandir = os.scandir

    def failing(place):
        if str(place) == str(root / "b"):
            raise error(13, "It cannot be read")
        return scandir(place)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", failing)
        ran = backup.run()
    assert [name for name, _ in ran.unread] == ["b/"]
    if error is PermissionError:
        assert ran.snapshot is None
        assert backup.restore(1) == before
    else:
        assert ran.snapshot.files == 1


@pytest.mark.parametrize("name", [".", "..", "../x", "a/b", "", " x", "-x", "x" * 101])
def test_a_name_that_is_no_name_of_a_folder_is_refused(backup, vault, name):
    with pytest.raises(InputError, match="cannot be the name"):
        vault.backup(name, backup.root, plain=True)
