"""What is open, and who watches it."""

from datetime import timedelta

import pytest

from glacier_magic.base.rendering import summary
from glacier_magic.catalogue.storage.owners import new_owner
from glacier_magic.errors.steps import spell_as
from glacier_magic.jobs import OUTPUT_KEPT
from glacier_magic.jobs.watched import watching
from tests.counting import counting


@pytest.fixture
def requested(filled, session, tmp_path):
    """A restore of two archives that nothing follows: one is requested, one is scheduled."""
    session.tracker.background = False
    filled.restore("scans/", to=tmp_path / "back", spread="2d").run()
    return session


def test_what_is_open_and_when_the_first_output_goes(requested, later, emulator):
    """From the catalogue alone: by the job's end, expected or known, and 24 hours."""
    now = requested.service.clock.now()
    with counting(emulator, "*") as requests:
        found = watching(requested.catalogue, now)
        assert requests() == 0
    assert (found.by, found.open, found.loses) == ("", 2, "scans/a.tif")
    assert found.loses_at - now == pytest.approx(OUTPUT_KEPT + timedelta(hours=4), abs=timedelta(minutes=1))
    assert requested.catalogue.watches.claim("server", new_owner())
    assert watching(requested.catalogue).by == "server"


def test_an_empty_catalogue_has_nothing_open(session):
    """And nothing that expires."""
    found = watching(session.catalogue)
    assert (found.by, found.open, found.loses_at) == ("", 0, None)


@pytest.mark.parametrize(
    ("program", "words"), [("%glacier", "kernel"), ("glacier-magic", "command"), (None, "program")]
)
def test_the_board_says_which_output_is_lost_when_this_process_ends(requested, program, words):
    """With the time; not if another process outlasts it, or nothing is open."""
    spell_as(program)
    said = summary(requested.tracker.snapshot())
    assert f"Watched by this {words} alone: when it ends, the output of scans/a.tif is lost at" in said
    watches, other = requested.catalogue.watches, new_owner()
    assert watches.claim("server", other)
    assert summary(requested.tracker.snapshot()).endswith(". Watched by the Jupyter server")
    watches.release(other)
    assert watches.claim("watch", other)
    assert summary(requested.tracker.snapshot()).endswith(". Watched by glacier-magic watch")
    requested.stop_restores()
    requested.catalogue.database.execute("UPDATE downloads SET state='forgotten'")
    assert "Watched" not in summary(requested.tracker.snapshot(frozenset()))


@pytest.mark.limits(lease_renewal=0.02)
def test_a_kernel_watches_while_something_is_open(filled, session, later, until, connect, tmp_path):
    """Other processes see it; at the end of the last request, or of the session, nobody does."""
    watches = connect().catalogue.watches
    batch = filled.restore("c.txt", to=tmp_path / "back").run()
    until(lambda: watches.current() is not None)
    assert watches.current().by == "kernel"
    later(session, hours=4.1)
    batch.wait(30)
    until(lambda: watches.current() is None)
    filled.restore("scans/a.tif", to=tmp_path / "back").run()
    until(lambda: watches.current() is not None)
    session.close()
    assert watches.current() is None


def test_a_set_that_a_process_works_on_is_not_to_be_sent(backup, session):
    """It sends its packs itself, unless it has died; in either case they count as open."""
    backup.plan(plain=True)
    found = backup.records.define("photos", "home", [str(backup.root)], {}, [], now=1)
    snapshot = backup.records.open_snapshot(found.id, 1)
    pack = backup.records.begin_pack(snapshot, "files", "home/1")
    backup.records.sealed(pack, snapshot, {"size": 1}, [])
    assert [one.id for one in backup.records.to_send(free=True)] == [found.id]
    assert backup.records.leases.claim(found.id, new_owner())
    assert backup.records.to_send(free=True) == []
    assert watching(session.catalogue).open == 1
