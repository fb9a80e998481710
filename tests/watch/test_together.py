"""A kernel, a Jupyter server and ``glacier-magic watch`` at once: one request and one download each."""

import os
import random
import subprocess
import sys
import time
from contextlib import ExitStack

import psutil
import pytest

from glacier_magic.watch.consent import set_consent
from tests.counting import counting
from tests.notebook.lab.conftest import running

KILLS = int(os.environ.get("GLACIER_MAGIC_KILLS", "2"))
"""Kills at moments of their own, the same in every run, alternately while requests and downloads run."""

EACH = 3
"""Archives of a round."""

KERNEL = """
    import sys
    session = connect(*sys.argv[1:])
    session.tracker.watch(lambda _: None, lasting=True)
    session.tracker.start()
    print("ready", flush=True)
    for _ in sys.stdin:
        pass
"""


class Others:
    """The three, with the limits that they have outside of tests; the server has its child."""

    def __init__(self, stack, child, arguments, base):
        self._stack, self._child, self._arguments, self._base = stack, child, arguments, base
        self._start_kernel()
        self._start_server()
        self._start_watch()

    def _start_kernel(self):
        self._kernel = self._child(KERNEL, *self._arguments)
        self._kernel.until("ready")

    def _start_server(self):
        self._server = self._stack.enter_context(running(self._base))

    def _start_watch(self):
        command = [sys.executable, "-m", "glacier_magic.cli", "watch", "--forever"]
        self._watch = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self._stack.callback(self._watch.wait)
        self._stack.callback(self._watch.kill)

    def server_child(self):
        """Return the watcher of the server, or None while it starts."""
        return next(iter(psutil.Process(self._server.process.pid).children()), None)

    def kill(self, name):
        """End one as a power cut would, and start it again; the server starts its child by itself."""
        if name == "kernel":
            self._kernel.kill()
            self._start_kernel()
        elif name == "server":
            self._server.process.kill()
            self._start_server()
        elif name == "watch":
            self._watch.kill()
            self._watch.wait()
            self._start_watch()
        elif made := self.server_child():
            made.kill()
        self._kernel.say("")  # it lives on


@pytest.fixture
def others(tmp_path, child, emulator, region, session_place, until, monkeypatch):
    """A kernel, a server that may watch, and ``glacier-magic watch``, with the same catalogue."""
    base = tmp_path / "server"
    base.mkdir()
    monkeypatch.setenv("GLACIER_MAGIC_HOME", str(base / "home"))
    set_consent(on=True)
    with ExitStack() as stack:
        others = Others(stack, child, (emulator.folder, region, session_place), base)
        until(others.server_child)
        yield others


@pytest.fixture
def round_of(others, session, files, tmp_path):
    """Store archives, and schedule their requests; return their files to come."""
    session.create_vault("photos")
    session.tracker.background = False  # the others do all

    def round_of(number):
        names = [f"{number}-{each}.bin" for each in range(EACH)]
        contents = {name: files(name, (20 << 20) + 5).read_bytes() for name in names}
        vault = session.vault("photos")
        for name in names:
            vault.upload(name)
        vault.restore(*names, to=tmp_path / "back", spread="1d").run()
        return {tmp_path / "back" / name: content for name, content in contents.items()}

    return round_of


def test_kills_among_them_repeat_no_request(others, round_of, emulator, until, jobs_of):
    """Whoever comes first; of a download, the pieces that were under way are fetched again."""
    chance, kills = random.Random(19), 0

    def kill():
        time.sleep(chance.uniform(0, 3))  # their limits are seconds
        others.kill(chance.choice(["kernel", "server", "child", "watch"]))

    with counting(emulator, "InitiateJob") as asked, counting(emulator, "GetJobOutput") as fetched:
        for number in range(1 + (KILLS + 1) // 2):
            coming, most = round_of(number), EACH * (number + 1)
            for hours in (16.1, 4.1):
                emulator.advance(hours=hours)
                if number:  # the first round shows what is fetched without a kill
                    kill()
                    kills += 1
                until(lambda most=most: asked() >= most)
            until(lambda coming=coming: all(path.exists() for path in coming))
            assert all(path.read_bytes() == content for path, content in coming.items())
            assert asked() == most
            assert 2 * most <= fetched() <= 2 * most + 16 * kills
    assert len(set(jobs_of())) == len(jobs_of()) == EACH  # of a day ago none is listed
