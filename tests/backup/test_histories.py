"""Histories of a disk, its backups and their pruning: kept snapshots are what was on the disk."""

import itertools
import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacier_magic.backup.keep import Keep
from tests.packed import OLD, Backup, on_disk, place

BIG = os.urandom(9000)
NAMES = ("a", "b", "d/x", "d/e/y", "e")
names = st.sampled_from(NAMES)
changes = st.one_of(
    st.tuples(st.just("write"), names, st.sampled_from([b"", b"one", b"two", b"2wo", b"x" * 5000, BIG])),
    st.tuples(st.just("touch"), names, st.integers(0, 3)),
    st.tuples(st.just("chmod"), names, st.sampled_from([0o600, 0o644, 0o755])),
    st.tuples(st.just("rename"), names, names),
    st.tuples(st.just("link"), names, names),
    st.tuples(st.just("delete"), names),
)
backups = st.tuples(st.just("back up"), st.sampled_from([1, 6000, 1 << 30]))
days = st.tuples(st.just("days"), st.sampled_from([1, 40, 90]))
prunes = st.tuples(st.just("prune"), st.integers(1, 3), st.booleans(), st.booleans())
moves = st.lists(st.one_of(days, prunes), max_size=2)
histories = st.lists(
    st.tuples(st.lists(changes, min_size=1, max_size=4), backups, moves), min_size=2, max_size=5
)
numbers = itertools.count(1)


def act(root, what, name, *more):
    """FileChange the disk, if it is as the change needs it."""
    file = root / name
    if what == "write":
        file.unlink(missing_ok=True)
        place(file, more[0], mtime=OLD)
    elif not os.path.lexists(file):
        return
    elif what == "touch":
        os.utime(file, (OLD, OLD + more[0]), follow_symlinks=False)
    elif what == "chmod" and not file.is_symlink():
        file.chmod(more[0])
    elif what == "rename" and file != root / more[0]:
        (root / more[0]).parent.mkdir(parents=True, exist_ok=True)
        file.replace(root / more[0])
    elif what == "link" and not os.path.lexists(root / more[0]):
        (root / more[0]).parent.mkdir(parents=True, exist_ok=True)
        (os.link if len(name) > 1 else os.symlink)(file, root / more[0])
    elif what == "delete":
        file.unlink()


@settings(max_examples=12, suppress_health_check=list(HealthCheck), deadline=None)
@given(histories)
def test_kept_snapshots_are_what_was_on_the_disk(backup, later, tmp_path, history):
    """And nothing that they need is deleted, nor anything young without --now."""
    number = next(numbers)
    session, service = backup.session, backup.service
    root = tmp_path / f"disk {number}"
    place(root / "kept", b"")  # a disk without any file is taken for one that is not mounted
    mine = Backup(session, service, root, backup.key, backup.scratch, f"set{number}")
    states = {}

    def check():
        assert mine.snapshots() == sorted(states)
        for ordinal, state in states.items():
            assert not state or mine.restore(ordinal) == state
            entries = mine.records.entries(mine.set.id, ordinal)
            assert sorted(entry.path.rstrip("/") for entry in entries) == sorted(state)
        needed = mine.records.needed_packs(mine.set.id, states)
        there = service.archives()
        assert {p.archive_id for p in mine.records.packs(mine.set.id) if p.id in needed} <= there.keys()

    for done, (_, pack_size), moved in history:
        for change in done:
            act(root, *change)
        ran = mine.run(pack_size=pack_size)
        assert ran.unread == ()
        if ran.snapshot is None:
            assert not states or states[max(states)] == on_disk(root)
        else:
            states[ran.snapshot.ordinal] = on_disk(root)
        for move in moved if states else ():
            if move[0] == "days":
                later(session, days=move[1])
                continue
            anew = mine.vault.repack(mine.name, Keep(last=move[1])) if move[3] else None
            if anew and anew.repacks:
                ran = anew.run()
                states[ran.snapshot.ordinal] = on_disk(root)
                check()
            before = service.archives()
            plan = mine.vault.prune(mine.name, Keep(last=move[1]), now=move[2])
            made = {archive.archive_id: archive.created for archive in plan.pruning.now}
            plan.run(confirm="photos")
            gone = before.keys() - service.archives().keys()
            assert gone <= made.keys()
            now = session.service.clock.now_ms()
            assert move[2] or all(now - made[one] >= 90 * 86_400_000 for one in gone)
            states = {ordinal: states[ordinal] for ordinal in sorted(states)[-move[1] :]}
            check()
    if states:
        check()
