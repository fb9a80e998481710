"""Watchers of the catalogue of a test."""

import threading

import pytest

from glacier_magic import Session
from glacier_magic.base.session_limits import Limits
from glacier_magic.watch.watcher import Watcher
from tests.conftest import PATIENCE


class Rounds(threading.Event):
    """A stop event that counts the rounds of a watcher, each of which ends with a wait."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def wait(self, timeout=None):
        """Wait, and count it."""
        self.count += 1
        return super().wait(timeout)


class Watched:
    """A watcher in a thread, and the lines that it has said."""

    def __init__(self, **options):
        self.lines, self.error, self.rounds = [], None, Rounds()
        self.watcher = Watcher(self.lines.append, stop=self.rounds, **options)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            self.watcher.run()
        except Exception as error:  # read by end()
            self.error = error

    def said(self, part):
        """Return whether a line has this part."""
        return any(part in line for line in self.lines)

    def later(self, until):
        """Wait until it has looked at everything again."""
        end = self.rounds.count + 10
        until(lambda: self.rounds.count >= end or not self._thread.is_alive())

    def stop(self):
        """Stop it as SIGTERM does."""
        self.watcher.stop.set()
        return self.end()

    def end(self):
        """Wait until it has ended by itself; return its lines."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), self.lines
        if self.error is not None:
            raise self.error
        return self.lines


@pytest.fixture
def watch(limits, calls):
    """Start watchers as fast as a test needs them."""
    started = []

    def open_session(connection, catalogue, limits):
        return Session(connection, catalogue=catalogue, limits=limits, service=calls.service)

    def watch(**options):
        quick = Limits(**{**vars(limits), "idle": 0.05, "request_interval": 0.02})
        started.append(Watched(**{"limits": quick, "sessions": open_session} | options))
        return started[-1]

    yield watch
    for one in started:
        one.watcher.stop.set()
    for one in started:
        one._thread.join(PATIENCE)
