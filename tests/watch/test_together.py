"""A kernel and two watchers at once, killed among them: one request and one download for each archive."""

import os
import random
import time

import pytest

from tests.counting import counting

KILLS = int(os.environ.get("GLACIER_MAGIC_KILLS", "4"))
"""Kills at moments of their own, the same in every run, alternately while requests and downloads run."""

EACH = 3
"""Archives of a round."""

LIMITS = (
    "dict(tick=0.02, idle=0.1, emulator_idle=0.1, request_interval=0.02, piece=1 << 20, lost_request=20.0)"
)

KERNEL = f"""
    import sys
    session = connect(*sys.argv[1:], **{LIMITS})
    session.tracker.watch(lambda _: None, lasting=True)
    session.tracker.start()
    print("ready", flush=True)
    sys.stdin.readline()
"""

WATCHER = f"""
    import sys
    from glacier_magic.base.session_limits import Limits
    from glacier_magic.watch.watcher import Watcher
    print("ready", flush=True)
    Watcher(lambda line: print(line, file=sys.stderr), for_ever=True, limits=Limits(**{LIMITS})).run()
"""


@pytest.fixture
def others(child, emulator, region, session_place):
    """A kernel and two watchers; ``start`` replaces one that was killed."""
    arguments = (emulator.folder, region, session_place)

    def start(name):
        made[name] = child(KERNEL if name == "kernel" else WATCHER, *arguments)
        return made[name]

    made = {}
    for name in ("kernel", "watcher", "second watcher"):
        start(name)
    for one in made.values():
        one.until("ready")
    made["start"] = start
    return made


@pytest.fixture
def round_of(session, files, tmp_path):
    """Store archives, and schedule their requests; return their files to come."""
    session.create_vault("photos")
    session.tracker.background = False  # the others do all

    def round_of(number):
        names = [f"{number}-{each}.bin" for each in range(EACH)]
        contents = {name: files(name, (2 << 20) + 5).read_bytes() for name in names}
        vault = session.vault("photos")
        for name in names:
            vault.upload(name)
        vault.restore(*names, to=tmp_path / "back", spread="1d").run()
        return {tmp_path / "back" / name: content for name, content in contents.items()}

    return round_of


def arrived(coming, until):
    """Wait until all files are there, and compare them."""
    until(lambda: all(path.exists() for path in coming))
    for path, content in coming.items():
        assert path.read_bytes() == content


def test_each_output_is_requested_and_fetched_once(others, round_of, emulator, until, jobs_of):
    """Whoever comes first; the others see it."""
    coming = round_of(0)
    with counting(emulator, "GetJobOutput") as fetched:
        emulator.advance(hours=16.1)
        until(lambda: len(jobs_of()) == EACH)
        emulator.advance(hours=4.1)
        arrived(coming, until)
        assert fetched() == 3 * EACH  # pieces
    assert len(set(jobs_of())) == len(jobs_of()) == EACH


def test_kills_among_them_repeat_no_request(others, round_of, emulator, until):
    """Of a download, the pieces that were under way are fetched again."""
    chance, kills = random.Random(19), 0

    def kill():
        time.sleep(chance.uniform(0, 0.3))
        name = chance.choice(["kernel", "watcher", "second watcher"])
        others[name].kill()
        return name

    with counting(emulator, "InitiateJob") as asked, counting(emulator, "GetJobOutput") as fetched:
        for number in range((KILLS + 1) // 2):
            coming, most = round_of(number), EACH * (number + 1)
            for hours in (16.1, 4.1):
                emulator.advance(hours=hours)
                others["start"](kill()).until("ready")
                kills += 1
                until(lambda most=most: asked() >= most)
            arrived(coming, until)
        assert asked() == most
        assert 3 * most <= fetched() <= 3 * most + 16 * kills
