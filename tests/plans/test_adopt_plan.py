"""Backups of another computer: what is asked for, what is learned, and what is not believed."""

import json
import os

import pytest

from glacier_magic.backup.keep import Keep
from glacier_magic.errors import InputError, IntegrityError, NotFound, NotReady, WrongKey
from glacier_magic.packs import PackMember, PackWriter
from glacier_magic.packs.encryption import Identity
from tests.packed import MIB, Backup, on_disk, place, write


@pytest.fixture
def other(connect, tmp_path, later):
    """Return the vault as a computer with an empty catalogue knows it from an inventory."""

    def other():
        session = connect(catalogue=tmp_path / "other.sqlite")
        found = session.vault("photos")
        later(days=1.2)
        job = found.refresh_inventory()
        later(session, hours=4.1)
        job.result(30.0)
        return found

    return other


def test_a_lost_computer_is_replaced(backup, other, key_file, later, calls, tmp_path):
    """One manifest, and all files of the set are known, and come back; then it is gone on with."""
    root = write(backup.root, a__x=2 * MIB, a__y=b"small", empty=b"")
    (root / "link").symlink_to("a/x")
    backup.run()
    place(root / "a/y", b"changed")
    backup.run(labels=("b", "a"), note="before the move")
    vault = other()
    asked = []
    calls.watch("start_retrieval", lambda *words: asked.append(words))
    plan = vault.adopt(key=key_file)
    batch = plan.run()
    later(vault.session, hours=4.1)
    batch.wait(30.0)
    (found,) = plan.adopt()
    assert len(asked) == 1
    assert (found.name, found.roots) == ("home", [str(root)])
    (known,) = vault.snapshots().to_dict("records")
    assert (known["snapshot"], known["labels"], known["note"]) == (2, "a b", "before the move")
    assert set(vault.check_backup("home")["problem"]) == {""}
    recovery = vault.recover("home", key=key_file, to=tmp_path / "to")
    batch = recovery.run()
    later(vault.session, hours=4.1)
    batch.wait(30.0)
    recovery.extract()
    assert on_disk(tmp_path / "to") == on_disk(root)
    place(root / "new", b"new")
    ran = vault.backup("home").run()
    assert ran.snapshot.ordinal == 3
    assert ran.snapshot.files == 4
    assert vault.snapshots()["snapshot"].tolist() == [2, 3]


def test_what_is_known_is_not_asked_for(backup, key_file, listed):
    write(backup.root, a=b"a")
    backup.run()
    listed(backup.vault)
    with pytest.raises(NotFound, match="no manifest"):
        backup.vault.adopt(key=key_file)


def test_a_key_is_needed_and_a_wrong_one_adopts_nothing(backup, other, key_file, later, tmp_path):
    write(backup.root, a=b"a")
    backup.run()
    vault = other()
    with pytest.raises(InputError, match="encrypted"):
        vault.adopt()
    with pytest.raises(NotFound, match="'other'"):
        vault.adopt("other", key=key_file)
    (tmp_path / "wrong.key").write_text(Identity.new().file())
    plan = vault.adopt(key=tmp_path / "wrong.key")
    with pytest.raises(NotReady):
        plan.adopt()
    batch = plan.run()
    later(vault.session, hours=4.1)
    batch.wait(30.0)
    with pytest.raises(WrongKey):
        plan.adopt()
    assert vault.snapshots().empty
    right = vault.adopt(key=key_file)
    assert right.ready  # the manifest is here: nothing is asked for again
    right.adopt()
    assert vault.snapshots()["snapshot"].tolist() == [1]


@pytest.fixture
def manifest_of(vault, session, tmp_path, later):
    """Return the vault, and a plan whose manifest, which has these lines, is there."""

    def manifest_of(lines):
        plain, pack = tmp_path / "manifest.jsonl", tmp_path / "pack"
        plain.write_text("".join(json.dumps(line) + "\n" for line in lines))
        with PackWriter(pack, []) as writer:
            writer.add("manifest.jsonl", plain)
            writer.close()
        with pack.open("rb") as stream:
            vault.upload_stream(stream, "home/2026-01-01T000000Z.manifest.tar.zst")
        plan = vault.adopt()
        batch = plan.run()
        later(session, hours=4.1)
        batch.wait(30.0)
        return vault, plan

    return manifest_of


HEAD = {
    "version": 1,
    "set": "home",
    "ordinal": 1,
    "started": 1000,
    "roots": ["/x"],
    "rules": {},
    "recipients": [],
}
PACK = {
    "pack": 1,
    "name": "home/n",
    "archive": "A" * 138,
    "size": 9,
    "tree_hash": "0" * 64,
    "head": "",
    "frames": "",
}
FILE = ["a", "file", 0o644, 1, 5, None, "0" * 64, 1, 512]


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [[]],
        [HEAD | {"version": 2}],
        [HEAD | {"ordinal": "one"}],
        [HEAD | {"roots": 5}],
        [HEAD | {"rules": {"unknown": 1}}],
        [HEAD, PACK | {"size": None}],
        [HEAD, PACK | {"frames": "&"}],
        [HEAD, PACK, FILE[:-1]],
        [HEAD, PACK, [*FILE[:7], 2, 512]],
        [HEAD, PACK, ["a", "device", *FILE[2:]]],
        [HEAD, PACK, ["", *FILE[1:]]],
        [HEAD, PACK, [*FILE[:3], 1 << 70, *FILE[4:]]],
        [HEAD, PACK, [*FILE[:6], "xyz", 1, 512]],
        [HEAD, PACK, FILE, "text"],
    ],
)
def test_a_manifest_that_is_none_adopts_nothing(lines, manifest_of):
    """Everybody who may write to the vault can make one."""
    vault, plan = manifest_of(lines)
    with pytest.raises(IntegrityError, match="not the manifest"):
        plan.adopt()
    assert vault.snapshots().empty
    assert vault.session.catalogue.backups.sets() == []


def test_a_missing_or_changed_pack_is_found(backup, vault):
    write(backup.root, a=b"a")
    backup.run()
    (pack,) = backup.packs()
    assert vault.check_backup("home")["problem"].tolist() == ["", ""]
    vault.delete(f"id:{pack.archive_id}").run()
    assert vault.check_backup("home")["problem"].tolist() == ["is not in the vault", ""]
    with pytest.raises(NotFound, match="no backup 'other'"):
        vault.check_backup("other")


def test_a_prune_keeps_what_an_older_snapshot_may_need(backup, other, key_file, later):
    """The new computer knows the newest manifest alone: what the older ones need is not garbage."""
    root = write(backup.root, a=5000, b=5000)
    backup.run()
    (root / "a").unlink()
    place(root / "c", 5000)
    backup.run()
    vault = other()
    plan = vault.adopt(key=key_file)
    batch = plan.run()
    later(vault.session, hours=4.1)
    batch.wait(30.0)
    plan.adopt()
    later(days=100)
    place(root / "d", 5000)
    vault.backup("home").run()
    stored = backup.service.archives()
    pruning = vault.prune("home", Keep(last=1))
    assert [one.ordinal for one in pruning.pruning.given_up] == [2]
    assert "unknown to this catalogue" in dict(pruning.facts)["kept for others"]
    pruning.run(confirm="photos")
    assert backup.service.archives() == stored
    assert backup.restore(1) is not None
    strange = pruning.pruning.strange
    vault.delete(*(f"id:{archive.archive_id}" for archive in strange)).run(confirm="photos")
    vault.prune("home", Keep(last=1)).run(confirm="photos")
    left = backup.service.archives()
    assert len(left) < len(stored) - len(strange)
    assert set(vault.check_backup("home")["problem"]) == {""}


@pytest.mark.parametrize(
    "lines",
    [[HEAD | {"set": ".."}], [HEAD | {"set": "another"}], [HEAD, PACK | {"name": "letters/1999.tar"}]],
)
def test_a_manifest_of_other_names_adopts_nothing(lines, manifest_of):
    """A prune would delete other archives, and a run would use another folder."""
    vault, plan = manifest_of(lines)
    with pytest.raises(IntegrityError, match="not the manifest"):
        plan.adopt()
    assert vault.snapshots().empty


# From packs


def listed_files(session, ordinal):
    """Return all that a snapshot has, as a manifest says it."""
    backups = session.catalogue.backups
    (found,) = backups.sets("home")
    entries = list(backups.entries(found.id, ordinal))
    contents = backups.contents(found.id, [e.content_id for e in entries if e.content_id])
    return [
        (e.path, e.kind, e.mode, e.mtime_ns, e.size, e.target, e.content_id and contents[e.content_id].sha256)
        for e in entries
    ]


def test_packs_alone_have_the_same_list_as_a_manifest(backup, other, key_file, later, calls, tmp_path):
    """Of a computer that was lost before; also what was moved, copied and deleted, and asked for once."""
    same = os.urandom(50_000)
    root = write(backup.root, a__x=5 * MIB, a__y=b"small", b=same, c__copy=same, empty=b"", gone=b"gone")
    os.link(root / "a/y", root / "hard")
    (root / "link").symlink_to("a/x")
    place(root / os.fsdecode(b"no \xff UTF-8"), b"odd")
    backup.run(pack_size=4 * MIB)
    (root / "gone").unlink()
    (root / "a/y").rename(root / "c/y")
    (root / "b").chmod(0o600)
    place(root / "far copy", same)
    place(root / "new", 3000)
    backup.run()
    for archive_id, name in backup.service.archives().items():
        if ".manifest." in name:
            backup.session.service.delete_archive("photos", archive_id)
    vault = other()
    session, asked = vault.session, calls.noted("start_retrieval", 2)
    with pytest.raises(NotFound, match="no manifest"):
        vault.adopt(key=key_file)
    with pytest.raises(InputError, match="packs are encrypted"):
        vault.adopt(from_packs=True)
    plan = vault.adopt(key=key_file, from_packs=True)
    assert plan.requests <= 2 * len(backup.packs())
    assert "price" in dict(plan.facts)
    batch = plan.run()
    later(session, hours=4.1)
    batch.wait(30.0)
    count = len(asked)
    again = vault.adopt(key=key_file, from_packs=True)
    assert again.ready
    (found,) = again.adopt()
    packs = len(backup.packs())
    assert len(asked) == count <= 2 * packs
    assert (found.name, found.roots, found.recipients) == ("home", [str(root)], [backup.key.recipient])
    for ordinal in (1, 2):
        assert listed_files(session, ordinal) == listed_files(backup.session, ordinal)
    with pytest.raises(NotFound, match="no pack"):
        vault.adopt(key=key_file, from_packs=True)
    mine = Backup(session, backup.service, root, backup.key, tmp_path / "scratch")
    assert mine.restore() == backup.restore()
    place(root / "next", b"next")
    assert vault.backup("home").run().snapshot.ordinal == 3
    assert set(vault.check_backup("home")["problem"]) == {""}


ABOUT = {"set": "home", "roots": ["/x"], "rules": {}, "recipients": []}


@pytest.fixture
def pack_of(vault, session, tmp_path, later):
    """Return a plan to adopt a pack, plain, of which the first parts are there."""

    def pack_of(about, notes=()):
        with PackWriter(tmp_path / "pack", [], about=about) as writer:
            for note in notes:
                writer.note(note)
            writer.close()
        with (tmp_path / "pack").open("rb") as stream:
            vault.upload_stream(stream, "home/2026-01-01T000000Z.0001.tar.zst")
        batch = vault.adopt(from_packs=True).run()
        later(session, hours=4.1)
        batch.wait(30.0)
        return vault.adopt(from_packs=True)

    return pack_of


def test_a_long_index_needs_a_second_request(pack_of, vault, session, later, calls):
    """Of what is before the tail alone."""
    asked = calls.noted("start_retrieval", 2)
    notes = [PackMember(f"{os.urandom(90).hex()}/", "folder", 0, 0, n, 0o755) for n in range(40_000)]
    plan = pack_of(ABOUT, notes)
    assert (plan.ready, len(asked)) == (False, 1)
    with pytest.raises(NotReady):
        plan.adopt()
    batch = plan.run()
    later(session, hours=4.1)
    batch.wait(30.0)
    plan.adopt()
    assert len(asked) == 2
    assert len(vault.snapshot_files("home")) == len(notes)


@pytest.mark.parametrize(
    "about", [{}, ABOUT | {"set": "other"}, ABOUT | {"roots": 5}, ABOUT | {"rules": {"unknown": 1}}]
)
def test_a_pack_that_is_of_no_backup_adopts_nothing(about, pack_of, vault):
    """Everybody who may write to the vault can make one; a content that no pack has is left out."""
    with pytest.raises(IntegrityError, match="does not have the index of a backup"):
        pack_of(about).adopt()
    assert vault.session.catalogue.backups.sets() == []
