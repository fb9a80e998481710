"""Giving up snapshots: nothing that a kept one needs is deleted, and nothing too early."""

import io
import os

import pytest

from glacier_magic.backup.keep import Keep
from glacier_magic.errors import NotConfirmed, NotFound, NotReady, Unavailable
from tests.packed import on_disk, place, write

NEWEST = Keep(last=1)


@pytest.fixture
def deleted(calls):
    """The ids of the archives whose deletion was sent."""
    return calls.noted("delete_archive", 1)


@pytest.fixture
def prune(backup):
    """Plan to prune the set."""
    return lambda keep=NEWEST, **options: backup.vault.prune("home", keep, **options)


@pytest.fixture
def three(backup, later, session):
    """Three snapshots a day apart: a file that stays, one that changes, one that comes back."""
    root, states = write(backup.root, stays=1000, changes=b"1"), {}
    back = os.urandom(1000)
    for number, content in ((1, back), (2, None), (3, back)):
        place(root / "changes", b"%d" % number)
        (root / "comes back").unlink(missing_ok=True)
        if content:
            place(root / "comes back", content)
        backup.run()
        states[number] = on_disk(root)
        later(session, days=1)
    return states


def names(archives):
    return [archive.name for archive in archives]


@pytest.mark.each_backend
def test_nothing_younger_than_90_days_is_deleted(
    backup, three, prune, deleted, later, session, session_place
):
    """It is offered again: by the next prune on that day."""
    plan = prune()
    assert [one.ordinal for one in plan.pruning.given_up] == [1, 2]
    assert len(plan.pruning.later) == 3  # two manifests, and the pack of the second
    assert "kept until day 90" in dict(plan.facts)
    assert plan.quote.total == 0
    plan.run(confirm="photos")
    assert (deleted, backup.snapshots()) == ([], [3])
    assert len(backup.service.archives()) == 6
    later(session, days=86)
    assert prune().empty
    later(session, days=3)
    plan = prune()
    assert len(plan.choice) == 3
    plan.run(confirm="photos")
    assert len(deleted) == 3
    assert backup.restore() == three[3]
    assert prune().empty


def test_with_now_the_rest_of_90_days_is_charged(backup, three, prune, deleted):
    plan = prune(now=True)
    assert plan.pruning.later == []
    assert plan.tally.young == 3
    assert plan.tally.fee.lines != ()
    with pytest.raises(NotConfirmed):
        plan.run()
    assert backup.snapshots() == [1, 2, 3]
    plan.run(confirm="photos")
    assert len(deleted) == 3
    assert backup.restore() == three[3]


def test_a_pack_stays_while_a_kept_snapshot_has_one_content_of_it(backup, three, prune, deleted):
    """Also one that came back after it was gone."""
    plan = prune(now=True)
    first = backup.packs()[0]
    assert first.archive_id not in [archive.archive_id for archive in plan.pruning.now]
    assert "WARNING" not in dict(plan.facts)
    plan.run(confirm="photos")
    assert first.archive_id in backup.service.archives()
    (backup.root / "stays").unlink()
    (backup.root / "comes back").unlink()
    backup.run()
    plan = prune(now=True)
    assert first.archive_id in [archive.archive_id for archive in plan.pruning.now]
    plan.run(confirm="photos")
    assert first.archive_id not in backup.service.archives()
    assert backup.restore() == on_disk(backup.root)


def test_a_content_that_was_given_up_is_stored_again(backup, three, prune):
    """Its archive may be deleted by then."""
    (backup.root / "comes back").rename(backup.root.parent / "elsewhere")
    (backup.root / "stays").unlink()
    backup.run()
    prune(now=True).run(confirm="photos")
    (backup.root.parent / "elsewhere").rename(backup.root / "comes back")
    backup.run()
    assert backup.members(backup.packs()[-1]) == ["comes back"]
    assert backup.restore() == on_disk(backup.root)


def test_any_rules_leave_the_others_whole(backup, three, prune):
    prune(Keep(daily=2), now=True).run(confirm="photos")
    kept = backup.snapshots()
    assert 3 in kept
    assert 1 not in kept
    for ordinal in kept:
        assert backup.restore(ordinal) == three[ordinal]


def test_a_set_with_an_unfinished_snapshot_is_refused(backup, three, prune):
    """What that will need is not known yet."""
    plan = prune(now=True)
    backup.records.open_snapshot(backup.set.id, 1)
    with pytest.raises(NotReady, match="has not ended yet"):
        prune(now=True)
    with pytest.raises(NotReady, match="has not ended yet"):
        plan.run(confirm="photos")
    assert len(backup.snapshots()) == 4


def test_a_set_that_another_process_backs_up_is_refused(backup, three, prune, deleted):
    plan = prune(now=True)
    assert backup.records.leases.claim(backup.set.id, "somebody else")
    with pytest.raises(Unavailable, match="Another process"):
        plan.run(confirm="photos")
    assert backup.snapshots() == [1, 2, 3]
    assert deleted == []


def test_a_plan_gives_up_no_more_than_it_showed(backup, three, prune, deleted):
    """And less, if a backup needs it by now."""
    plan = prune(now=True)
    shown = {archive.archive_id for archive in plan.pruning.now}
    place(backup.root / "changes", b"2")  # a content that only the second had
    backup.run()
    plan.run(confirm="photos")
    assert backup.snapshots() == [3, 4]
    assert set(deleted) < shown
    assert backup.packs()[1].archive_id in backup.service.archives()
    assert backup.restore() == on_disk(backup.root)
    assert backup.restore(3) == three[3]


def test_repeated_it_changes_nothing(backup, three, prune, deleted):
    plan = prune(now=True)
    plan.run(confirm="photos")
    sent = list(deleted)
    again = prune(now=True)
    assert again.empty
    assert plan.run(confirm="photos") is plan.result
    assert deleted == sent


def test_there_is_such_a_set(backup):
    with pytest.raises(NotFound):
        backup.vault.prune("home", NEWEST)


def test_rm_and_drop_warn_of_packs_that_are_needed(backup, three, prune):
    """Of those that are not, they say nothing."""
    pack = backup.packs()[0]
    warnings = [words for label, words in backup.vault.delete(pack.archive_id).facts if label == "WARNING"]
    assert len(warnings) == 1
    assert "1 archive with files of backups" in warnings[0]
    assert pack.name in warnings[0]
    every = dict(backup.vault.delete("*").facts)["WARNING"]
    assert "6 archives" in every
    unneeded = [archive.archive_id for archive in prune(now=True).pruning.now]
    prune().run(confirm="photos")
    facts = backup.vault.delete(unneeded).facts
    assert "WARNING" not in dict(facts)


PRUNER = """
    from glacier_magic.backup.keep import Keep
    from glacier_magic.catalogue.records.backup_records import Backups
    from glacier_magic.catalogue.records.deletion_records import Deletions
    from glacier_magic.service import Service
    folder, region, catalogue, moment = sys.argv[1:]
    if moment == "before it is forgotten":
        stop_at("before", Backups, "forget")
    elif moment == "forgotten":
        stop_at("after", Backups, "forget")
    elif moment == "queued":
        stop_at("after", Deletions, "begin")
    else:
        stop_at("after", Service, "delete_archive")
    session = connect(folder, region, catalogue)
    session.vault("photos").prune("home", Keep(last=1), now=True).run(confirm="photos")
"""


@pytest.mark.parametrize("moment", ["before it is forgotten", "forgotten", "queued", "one is deleted"])
def test_killed_it_can_be_repeated(backup, three, prune, child, emulator, region, session_place, moment):
    """What is left costs money, and no kept snapshot needs it."""
    child(PRUNER, emulator.folder, region, session_place, moment).kill_when_stopped()
    backup.session.catalogue.database.release_dead()
    assert backup.restore(3) == three[3]
    prune(now=True).run(confirm="photos")
    assert backup.snapshots() == [3]
    assert backup.restore() == three[3]
    needed = backup.records.needed_packs(backup.set.id, [3])
    kept = {pack.archive_id for pack in backup.records.packs(backup.set.id) if pack.id in needed}
    assert set(backup.service.archives()) == kept


def test_a_copy_of_a_manifest_holds_nothing_back(backup, vault, session, later, tmp_path):
    """A lost answer can leave one, of which the catalogue has the name alone."""
    root = write(backup.root, a=5000)
    backup.run()
    (root / "a").unlink()
    place(root / "b", 5000)
    backup.run()
    (manifest,) = (p for p in backup.records.packs(backup.set.id) if (p.kind, p.ordinal) == ("manifest", 2))
    later(days=100)
    vault.upload_stream(io.BytesIO(b"a copy"), manifest.name)
    plan = vault.prune("home", Keep(last=1))
    assert plan.pruning.held == []
    assert len(plan.pruning.now) == 2


def test_a_manifest_of_another_computer_holds_back_what_is_older(backup, vault, later):
    root = write(backup.root, a=5000)
    backup.run()
    (root / "a").unlink()
    place(root / "b", 5000)
    backup.run()
    later(days=100)
    vault.upload_stream(io.BytesIO(b"x"), "home/2027-01-01T000000Z.manifest.tar.zst.age")
    stored = backup.service.archives()
    plan = vault.prune("home", Keep(last=1))
    assert len(plan.pruning.held) == 2
    assert plan.pruning.now == []
    plan.run(confirm="photos")
    assert backup.service.archives() == stored


# Repacking


@pytest.fixture
def mostly_dead(backup, later, session):
    """A pack of which one small file is left, one that only an older snapshot needs, and their state."""
    root = write(backup.root, small=2000, large=50_000)
    backup.run()
    later(session, days=1)
    place(root / "large", 50_000)
    backup.run()
    later(session, days=1)
    (root / "large").unlink()
    place(root / "other", b"other")
    backup.run()
    return on_disk(root)


def test_what_a_mostly_dead_pack_has_left_is_stored_anew(
    backup, mostly_dead, prune, deleted, later, session, calls
):
    """From the disk: nothing is retrieved, and only then the old pack is deleted, on day 90."""
    asked = calls.noted("start_retrieval", 1)
    old = backup.packs()[0]
    prune(now=True).run(confirm="photos")
    assert old.archive_id not in deleted
    deleted.clear()
    again = backup.vault.repack("home", NEWEST)
    assert (again.repacks, again.requests) == (True, 6)
    assert "repacked" in dict(again.facts)
    ran = again.run()
    assert backup.members(backup.packs()[-1]) == ["small"]
    assert old.archive_id in backup.service.archives()
    assert backup.restore(ran.snapshot.ordinal - 1) == backup.restore() == mostly_dead
    packs = len(backup.packs())
    again.run()  # a second time: the contents are elsewhere by now
    assert len(backup.packs()) == packs
    assert not backup.vault.repack("home", NEWEST).repacks
    assert old.archive_id in [archive.archive_id for archive in prune().pruning.later]
    later(session, days=90)
    prune().run(confirm="photos")
    assert old.archive_id in deleted
    assert (asked, backup.restore()) == ([], mostly_dead)


def test_what_is_not_on_the_disk_is_not_stored_anew(backup, mostly_dead):
    """Or no longer with that content, or needed by an older snapshot: its pack stays."""
    assert not backup.vault.repack("home", Keep(last=3)).repacks
    again = backup.vault.repack("home", NEWEST)
    place(backup.root / "small", b"changed after the plan")
    again.run()
    assert backup.restore() == on_disk(backup.root)
    kept = backup.vault.prune("home", Keep(last=2), now=True)
    kept.run(confirm="photos")
    assert backup.restore(3) == mostly_dead
    place(backup.root / "small", os.urandom(2000))
    assert not backup.vault.repack("home", Keep(last=2)).repacks
