"""Progress on a terminal and in a log: a bar, the jobs that are waited for, and clean ends of lines."""

import io
from dataclasses import replace

import pytest

from glacier_magic.commands.terminal import progress_on
from glacier_magic.commands.waiting import board_lines, wait_on
from glacier_magic.errors import NotReady
from glacier_magic.jobs.handles import outcome
from glacier_magic.transfer.progress import Count, Meter


class Terminal(io.StringIO):
    """A terminal of 70 columns."""

    def isatty(self):
        return True

    @property
    def states(self):
        """What its current line showed, one state after the other, and the lines that stay."""
        return self.getvalue().replace("\x1b[A", "").replace("\r", "\n").split("\n")


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setenv("LINES", "20")
    return Terminal()


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_work_that_does_not_last_shows_no_progress(stream):
    """Nor does it leave an empty line."""
    with progress_on(stream, "Reading the files", after=3600) as observer:
        meter = Meter("Hashing 2 files", 100, observer)
        meter.moved(50)
    assert stream.getvalue() == ""


def test_a_bar_has_the_rate_and_the_time_left_and_fits(terminal, until):
    """Its last state stays, on a line of its own."""
    with progress_on(terminal, "Reading the files", after=0) as observer:
        until(lambda: "Reading the files …" in terminal.getvalue())
        meter = Meter("Hashing 2 files", 3 << 20, observer)
        meter.moved(1 << 20)
        meter.finish()
    assert "Hashing 2 files:  33%|" in terminal.getvalue()
    assert "| 1 MiB of 3 MiB, " in terminal.getvalue()
    assert "iB/s" in terminal.getvalue()
    assert max(map(len, terminal.states)) <= 70
    assert terminal.getvalue().endswith("\n")


def test_after_an_error_the_message_has_a_line_of_its_own(terminal, until):
    """How far it came stays."""

    def fail():
        with progress_on(terminal, "Deleting", after=0) as observer:
            until(lambda: "Deleting …" in terminal.getvalue())
            Meter("Deleting", 4, observer, report=Count).moved(1)
            raise OSError

    with pytest.raises(OSError):
        fail()
    assert "1 of 4" in terminal.states[-2]
    assert terminal.states[-1] == ""


def test_what_was_only_busy_leaves_nothing(terminal, until):
    """A line that has ended is cleared."""
    with progress_on(terminal, "Making the plan", after=0):
        until(lambda: "Making the plan …" in terminal.getvalue())
    assert terminal.states[-2:] == [" " * len("Making the plan …"), ""]


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_a_hostile_label_cannot_speak_to_the_terminal(stream, until):
    """It is a path or the name of a vault; braces are braces."""
    with progress_on(stream, "Reading", after=0) as observer:
        until(lambda: stream.getvalue() or not stream.isatty())
        meter = Meter("{n} \x1b]0;owned\x07", 4, observer)
        meter.note("{desc}")
        meter.finish()
    assert "\x1b]" not in stream.getvalue()
    assert "\x07" not in stream.getvalue()
    assert "{desc}" in stream.getvalue()


def test_a_terminal_shows_the_jobs_that_are_waited_for(filled, later, session, terminal, tmp_path):
    """Each with its state, no wider than the terminal; at the end the lines are cleared."""
    batch = filled.restore("scans/", to=tmp_path / "back").run()
    later(session, hours=0.1)
    with pytest.raises(NotReady):
        wait_on(terminal, batch, 0.1)
    shown = terminal.getvalue()
    assert "in progress" in shown
    assert "scans/a.tif" in shown
    assert "2 jobs: 2 in progress" in shown
    assert max(map(len, terminal.states)) <= 70
    later(session, hours=4.1)
    wait_on(terminal, batch, 60)
    assert not terminal.states[-1].strip()


def test_what_hinders_a_wait_is_shown_whole(filled, session, terminal, tmp_path):
    """On lines of its own where it is long, and in the error at the end of the wait."""
    snapshot = filled.restore("scans/", to=tmp_path / "back").run().snapshot
    note = f"The session token has expired. {'Renew the login. ' * 8}".strip()
    lines = board_lines(replace(snapshot, note=note))
    assert note in " ".join(lines)
    assert max(map(len, lines)) < 70
    with pytest.raises(NotReady, match="The session token has expired"):
        outcome(replace(snapshot, note=note))


def test_a_log_shows_the_jobs_when_their_states_change(filled, later, session, tmp_path):
    """As a line with the counts."""
    log = io.StringIO()
    batch = filled.restore("scans/", to=tmp_path / "back").run()
    later(session, hours=4.2)
    wait_on(log, batch, 60)
    lines = log.getvalue().splitlines()
    assert lines
    assert lines[-1].startswith("2 jobs: 2 verified")
