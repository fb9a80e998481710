"""The watcher as a child process: small, ended with its parent, and clean."""

import os
import sys
from pathlib import Path

import pytest

from glacier_magic.catalogue.storage.owners import is_dead
from glacier_magic.watch import child as children

IDLE = 60 << 20
"""Bytes of memory that it may take while it waits for a job, without an extra."""


@pytest.fixture
def started(filled, session, until, tmp_path, without_crt):
    """A child that waits for a job, and its log."""
    filled.restore("c.txt", to=tmp_path / "back").run()
    session.close()
    log = tmp_path / "watch.log"
    made = children.start(log)
    until(lambda: "1 request open" in log.read_text())
    yield made, log
    if made.poll() is None:
        made.kill()
    made.wait()
    made.stdin.close()


def terminate(made):
    """End it as the system does at its shutdown."""
    made.terminate()
    return made.wait(30)


@pytest.mark.parametrize("end", [children.stop, terminate])
def test_it_takes_little_memory_and_ends_cleanly(started, connect, end):
    """Its lease is free at once for the next one."""
    made, log = started
    if sys.platform == "linux":
        pages = int(Path(f"/proc/{made.pid}/statm").read_text().split()[1])
        assert pages * os.sysconf("SC_PAGESIZE") < IDLE
        libraries = Path(f"/proc/{made.pid}/maps").read_text()
        assert "pandas" not in libraries
        assert "pyarrow" not in libraries
        assert "awscrt" not in libraries
    watches = connect().catalogue.watches
    assert watches.current().by == "server"
    assert end(made) == 0
    assert watches.current() is None
    assert "Traceback" not in log.read_text()


def test_no_orphan_is_left_by_a_parent_that_is_killed(child, until, tmp_path):
    """A parent cannot end its children when it is killed."""
    script = """
        import sys
        from pathlib import Path
        from glacier_magic.catalogue.storage.owners import new_owner
        from glacier_magic.watch import child
        made = child.start(Path(sys.argv[1]))
        print(new_owner().rpartition(":")[0].rpartition(":")[0] + f":{made.pid}:x", flush=True)
        print("ready", flush=True)
        sys.stdin.readline()
    """
    parent = child(script, tmp_path / "watch.log")
    [owner] = parent.until("ready")
    assert not is_dead(owner)
    parent.kill()
    until(lambda: is_dead(owner))
