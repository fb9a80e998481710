"""The command line in this process."""

import pytest

from glacier_magic import cli


class Console:
    """Runs the command line in this process and keeps what it said."""

    def __init__(self, capsys):
        self._capsys = capsys

    def __call__(self, *words):
        code = cli.main(list(words))
        self.out, self.err = self._capsys.readouterr()
        return code

    def ok(self, *words):
        """Run words that must succeed; return what they printed."""
        assert self(*words) == 0, self.err
        return self.out


@pytest.fixture
def bare(capsys):
    """The command line on a machine where nothing is set."""
    return Console(capsys)


@pytest.fixture
def main(bare, emulator, region, monkeypatch, session_place):
    """The command line, connected to the emulator as it is remembered from a call before."""
    from glacier_magic.jobs import tracker

    monkeypatch.setattr(tracker, "TICK", 0.02)
    monkeypatch.setattr(tracker, "VIRTUAL_LATEST", 0.1)
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(session_place))
    bare.ok("connect", "--data", str(emulator.folder), "--region", region)
    return bare
