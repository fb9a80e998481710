"""Killed with SIGKILL at each step of a run, then gone on with: every pack is stored once."""

import os
import random

import pytest

from glacier_magic.backup.keep import Keep
from tests.packed import MIB, on_disk, place

KILLS = int(os.environ.get("GLACIER_MAGIC_KILLS", "20"))
"""Kills at random: half of them at steps that are the same in every run, half after any time."""

PACK = 100_000
IN_PARTS = {"pack_part": MIB}

RUNNER = """
    import functools
    import os
    import signal
    import sys
    import time
    import botocore.loaders
    import glacier_magic as gm
    from glacier_magic.backup.keep import Keep
    from glacier_magic.backup.run_options import RunOptions
    from glacier_magic.catalogue.records.backup_records import Backups
    from glacier_magic.catalogue.records.upload_records import Uploads
    from glacier_magic.packs import PackWriter
    from glacier_magic.client import vault
    from glacier_magic.client.connect import connection_for
    from glacier_magic.service import Service, open_service
    folder, region, catalogue, *_ = sys.argv[1:]
    botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)
    open_service(connection_for(emulator=folder, region=region))
    steps, at = [], ""
    def step(name):
        steps.append(name)
        if at == f"{name} {steps.count(name)}" or at == str(len(steps)):
            os.kill(os.getpid(), signal.SIGKILL)
    def around(kind, name):
        original = getattr(kind, name)
        def call(*args, **options):
            step(f"before {name}")
            result = original(*args, **options)
            step(f"after {name}")
            return result
        setattr(kind, name, call)
    for kind, names in {
        Backups: "open_snapshot begin_pack put remove sealed stored measure finish",
        Uploads: "begin started completing done",
        PackWriter: "add close",
        Service: "start_upload upload_part complete_upload",
    }.items():
        for name in names.split():
            around(kind, name)
    print("ready", flush=True)
    for line in sys.stdin:  # each run in a copy of this process, which has read all that takes long
        at = line.strip()
        if not os.fork():
            if at.endswith("ms"):
                signal.setitimer(signal.ITIMER_REAL, float(at[:-2]) / 1000)  # SIGALRM ends it as SIGKILL does
            began = time.monotonic()
            session = connect(folder, region, catalogue, pack_part=1 << 20)
            vault = session.vault("photos")
            if sys.argv[4:]:
                vault.repack("home", Keep(last=2)).run()
            else:
                vault.backup("home", options=RunOptions(pack_size=100_000)).run()
            session.close()
            print(len(steps), 1000 * (time.monotonic() - began), flush=True)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.wait()[1])
        print({0: "ended", -signal.SIGKILL: "killed", -signal.SIGALRM: "killed"}[code])
        print("over", flush=True)
"""


@pytest.fixture
def killed_at(child, emulator, region, session_place, request):
    """Run the set in another process until a step or time, and kill it then; return what it printed."""
    other = child(RUNNER, emulator.folder, region, session_place, *getattr(request, "param", ()))
    other.until("ready")

    def killed_at(step):
        other.say(step)
        return other.until("over")

    return killed_at


@pytest.fixture
def change(backup):
    """FileChange the disk so that a run makes two packs, of which one is sent in two parts."""
    numbers = iter(range(1000))

    def change():
        number = next(numbers)
        for name, size in (("a", 50_000), ("b/c", MIB + 300_000)):
            place(backup.root / name, size)
        place(backup.root / f"new {number}", b"%d" % number)
        (backup.root / f"new {number - 1}").unlink(missing_ok=True)
        return on_disk(backup.root)

    return change


STEPS = [
    "after open_snapshot 1",
    "after begin_pack 1",
    "after add 3",
    "after close 2",
    "after sealed 1",
    "before start_upload 1",
    "after start_upload 2",
    "after upload_part 2",
    "before complete_upload 2",
    "after complete_upload 1",
    "before done 2",
    "before stored 1",
    "after stored 2",
    "after measure 1",
    "after begin_pack 3",
    "after close 3",
    "after sealed 3",
    "after complete_upload 3",
    "after stored 3",
    "before finish 1",
    "after finish 1",
]
"""Of two packs and, as the third, the manifest."""


@pytest.mark.limits(**IN_PARTS)
@pytest.mark.parametrize("steps", [STEPS[:7], STEPS[7:14], STEPS[14:]])
def test_killed_at_each_step_it_goes_on(backup, change, killed_at, steps):
    """What was sealed goes up as it is, what was not is packed anew, and no pack is stored twice."""
    change()
    backup.run(pack_size=PACK)
    for step in steps:
        now = change()
        assert killed_at(step) == ["killed"]
        backup.run(pack_size=PACK)
        assert backup.restore() == now, step
        backup.whole()
        done = [one.finished is not None for one in backup.records.snapshots(backup.set.id)]
        assert all(done), step
    assert len(done) == len(steps) + 1


@pytest.mark.limits(**IN_PARTS)
@pytest.mark.each_backend
def test_killed_at_any_step_it_goes_on(backup, change, killed_at, session_place):
    """Also several times in a row; a run that only has to finish another may end before the step."""
    change()
    backup.run(pack_size=PACK)
    change()
    whole, ended = killed_at("")
    assert ended == "ended"
    count, milliseconds = map(float, whole.split())
    chosen, kills = random.Random(7), 0
    while kills < KILLS:
        now = change()
        for _ in range(chosen.choice((1, 1, 2))):
            at = (f"{chosen.randrange(1, int(count))}", f"{chosen.uniform(1, milliseconds)}ms")[kills % 2]
            kills += killed_at(at)[-1] == "killed"
        backup.run(pack_size=PACK)
        assert backup.restore() == now
        backup.whole()


@pytest.mark.limits(**IN_PARTS)
@pytest.mark.parametrize("killed_at", [["repack"]], indirect=True)
def test_killed_while_packs_are_stored_anew_nothing_is_lost(backup, killed_at):
    """Each snapshot finds what it needs where it is: in the old pack, or in the new one."""
    states = []
    for size in (80_000, 90_000):  # the first pack has one small file left, and so has the second
        place(backup.root / "large", size)
        place(backup.root / f"small {size}", 2000)
        backup.run()
    (backup.root / "large").unlink()
    backup.run()
    states = [on_disk(backup.root)]
    place(backup.root / "more", b"more")
    backup.run()
    states.append(on_disk(backup.root))

    def check():
        assert [backup.restore(ordinal) for ordinal in (3, 4)] == states

    for step in ("after add 1", "after sealed 1", "after complete_upload 1", "before stored 1"):
        killed_at(step)
        check()
        backup.run()
        check()
    killed_at("after stored 1")
    check()
    backup.run()
    prune = backup.vault.prune("home", Keep(last=9), now=True)
    prune.run(confirm="photos")
    check()
    assert len(prune.pruning.now) >= 2
    assert set(backup.vault.check_backup("home")["problem"]) == {""}
