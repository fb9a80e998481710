"""The command line in this process."""

import sys
from functools import partial

import pytest

from glacier_magic import Session, cli


class Console:
    """Runs the command line in this process and keeps what it said."""

    def __init__(self, capsys, monkeypatch, sessions):
        self._capsys, self._monkeypatch, self.sessions = capsys, monkeypatch, sessions

    def __call__(self, *words):
        code = cli.main(list(words), sessions=self.sessions)
        self.out, self.err = self._capsys.readouterr()
        return code

    def type(self, stdin):
        """Read what a user types, or pipes, from another stream from now on."""
        self._monkeypatch.setattr(sys, "stdin", stdin)

    def ok(self, *words):
        """Run words that must succeed; return what they printed."""
        assert self(*words) == 0, self.err
        return self.out


@pytest.fixture
def notes():
    """What was said beside the results."""
    return []


@pytest.fixture
def keys(monkeypatch):
    """The emulator's keys in the environment, where any program finds them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "emulator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")


@pytest.fixture
def sessions(limits, calls):
    """What opens the sessions of the commands."""
    return partial(Session, limits=limits, service=calls.service)


@pytest.fixture
def bare(capsys, monkeypatch, sessions):
    """The command line on a machine where nothing is set."""
    return Console(capsys, monkeypatch, sessions)


@pytest.fixture
def main(bare, emulator, region, monkeypatch, session_place):
    """The command line, connected to the emulator as it is remembered from a call before."""
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(session_place))
    bare.ok("connect", "--data", str(emulator.folder), "--region", region)
    return bare
