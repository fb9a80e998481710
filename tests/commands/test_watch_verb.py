"""``watch`` in a shell, and who watches in the status."""

import os
import signal
import threading

import pytest

from glacier_magic.errors import InputError


def test_it_watches_until_nothing_is_open(main, filled, session):
    """It prints nothing if nothing is open."""
    session.close()
    assert main.ok("watch") == main.err == ""


def test_the_status_says_who_watches(main, filled, session, tmp_path):
    """On a line of its own, with the output that is lost first."""
    session.tracker.background = False
    filled.restore("c.txt", to=tmp_path / "back").run()
    assert "by this command alone: when it ends, the output of c.txt is lost at" in main.ok()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_by_a_signal(main, vault, session, number):
    """The exit code is 0, and the earlier handlers are set again."""
    before = signal.getsignal(number)
    session.close()
    threading.Timer(0.5, os.kill, (os.getpid(), number)).start()
    assert main("watch", "--forever") == 0
    assert signal.getsignal(number) is before


def test_a_file_is_shown_and_written_only_with_a_yes(main):
    """A script needs --yes."""
    assert main("watch", "--install", "--uninstall") == InputError.exit_code
    assert main("watch", "--install") == InputError.exit_code
    assert "glacier_magic.cli" in main.out
    assert "Start it: " in main.ok("watch", "--install", "--yes")
    assert "Removed" in main.ok("watch", "--uninstall", "--yes")
