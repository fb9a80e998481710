"""What costs or destroys waits for the user where a catalogue was restored, copied or moved."""

import collections
import shutil
from datetime import UTC, datetime

import pytest

from glacier_magic import cli
from glacier_magic.catalogue import Catalogue, Scope, filing
from glacier_magic.catalogue.deletions import Choice
from glacier_magic.errors import InputError, NotReady, Refused

PATIENCE = 30.0
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("soon")


@pytest.fixture
def sent(connect):
    """Open sessions whose requests are counted, all together, by operation."""
    calls = collections.Counter()

    def opened(**options):
        session = connect(**options)
        for client in (session.service._patient, session.service._once):
            client.meta.events.register(
                "before-call.glacier", lambda model, **_: calls.update([model.name])
            )
        return session

    opened.calls = calls
    return opened


@pytest.fixture
def vault(sent, put, listed):
    """A vault of three archives, known to the catalogue of a session whose requests are counted."""
    session = sent()
    vault = session.create_vault("photos")
    for name in "abc":
        put(name, name.encode() * 100)
    listed(vault)
    return vault


@pytest.fixture
def listed(later):
    """Read the inventory that is made after a day into the catalogue."""

    def listed(vault):
        later(days=1.2)
        job = vault.refresh_inventory()
        later(vault.session, hours=4.1)
        return job.result(PATIENCE)

    return listed


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Be another computer from now on: another home, and a folder of its own."""

    def elsewhere(name="computer-2"):
        monkeypatch.setenv("GLACIER_MAGIC_HOME", str(tmp_path / name / "home"))
        (tmp_path / name).mkdir()
        return tmp_path / name / "catalogue.sqlite"

    return elsewhere


def passes(session, later, until, days):
    """Let days pass in steps, in each of which the session does all that it can."""
    for _ in range(days * 6):
        later(session, hours=4)
        rounds(session, 3)


def rounds(session, count):
    """Let the tracker look at everything so many times."""
    for _ in range(count):
        seen = session.tracker._told
        session.tracker.wake()
        session.tracker.wait(lambda _, seen=seen: session.tracker._told != seen, 1.0)


def restored(session, backup):
    """Put a backup in the place of a session's catalogue."""
    session.close()
    filing.restore(backup, session.catalogue.path, NOW)


def confirmed_drop(session, vault):
    """Bring a drop as far as a confirmation whose process was killed before the first deletion."""
    session.drop_with_archives(vault.name)
    drop = session.catalogue.drops.open_of(vault.name)
    archives, drops = session.catalogue.archives, session.catalogue.drops
    choice = Choice(archives, vault.name, archives.numbers(vault.name, None))
    session.catalogue.deletions.begin(
        choice, what="all of it", size=300, promised={},
        also=lambda number: drops.move(drop.id, ["confirming"], "deleting", deletion=number),
    )  # fmt: skip


def test_a_restored_schedule_is_not_paid_for_again(
    sent, vault, later, until, tmp_path
):  # fmt: skip
    """Its files lie where they belong: nothing is asked on looking, nor after going on."""
    session = vault.session
    batch = vault.restore("*", to=tmp_path / "back", spread=3).run()
    filing.backup(session.catalogue.path, tmp_path / "older")
    passes(session, later, until, 3)
    batch.wait(PATIENCE)
    assert batch.snapshot.count("verified") == 3
    later(session, days=2)
    before = sent.calls["InitiateJob"]
    restored(session, tmp_path / "older")
    again = sent()
    board = again.jobs()
    passes(again, later, until, 3)
    assert sent.calls["InitiateJob"] - before == 0
    assert len(list((tmp_path / "back").iterdir())) == 3


def test_a_copied_catalogue_asks_for_nothing_by_itself(
    sent, vault, later, until, tmp_path, elsewhere
):  # fmt: skip
    """Three archives are three jobs, whoever looks at which of the two catalogues."""
    vault.restore("*", to=tmp_path / "back", spread=3).run()
    vault.session.close()
    copied = shutil.copy(vault.session.catalogue.path, elsewhere())
    before = sent.calls["InitiateJob"]
    assert before == 2  # of the inventory, and of the first archive
    copy = sent(catalogue=copied)
    copy.jobs()
    passes(copy, later, until, 3)
    assert sent.calls["InitiateJob"] - before == 0


@pytest.mark.parametrize("face", ["jobs", "wait", "python"])
def test_a_stopped_drop_does_not_go_on_when_an_older_backup_is_looked_at(
    sent, vault, tmp_path, later, until, face, capfd
):  # fmt: skip
    """No archive is deleted on looking at the board, in the shell and in Python."""
    session = vault.session
    confirmed_drop(session, vault)
    filing.backup(session.catalogue.path, tmp_path / "older")
    session.stop_drop("photos")
    restored(session, tmp_path / "older")
    again = sent()
    again.jobs()
    rounds(again, 5)
    assert sent.calls["DeleteArchive"] == 0
