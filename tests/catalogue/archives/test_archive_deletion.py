"""Archives deleted from this catalogue: plans say so, and never request or pay for them."""

import io

import pytest

from glacier_magic.errors import GlacierError, InputError, NameNotKnown
from glacier_magic.explore import Explorer
from glacier_magic.plans.restore.items import DELETED

PATIENCE = 30.0

pytestmark = pytest.mark.usefixtures("soon")


@pytest.fixture
def gone(filled):
    """The record of ``c.txt``, as it was before it was deleted from here."""
    (record,) = filled.select("c.txt")
    filled.delete("c.txt").run()
    return record


def test_an_id_that_was_deleted_is_reported_and_not_requested(filled, gone, jobs_of, tmp_path):
    """By its full id or a prefix of it, once and twice."""
    for word in (f"id:{gone.archive_id}", gone.archive_id, f"id:{gone.archive_id[:40]}"):
        plan = filled.restore(word, to=tmp_path / "back")
        assert plan.empty
        assert "deleted from here" in repr(plan)
        assert (plan.requests, plan.bytes, plan.needed) == (0, 0, 0)
        assert plan.items[0].archive.name == "c.txt"
        assert plan.run().files == []
    assert jobs_of() == []


def test_records_from_before_the_deletion_are_not_requested(filled, gone, jobs_of, tmp_path):
    """From a selection, a DataFrame or a Python list; the other archives are restored."""
    others = filled.select("scans/")
    for plan in (
        filled.restore(gone, *others, to=tmp_path / "back"),
        filled.restore_archives([gone, *others], to=tmp_path / "back"),
    ):
        assert plan.requests == 2
        assert plan.items[0].action == DELETED
    plan.run()
    assert sorted(jobs_of()) == sorted(record.archive_id for record in others)


def test_what_is_deleted_after_the_plan_was_shown_is_not_requested(filled, jobs_of, tmp_path):
    """Hours may pass before the button is clicked."""
    plan = filled.restore("*", to=tmp_path / "back")
    filled.delete("c.txt").run()
    plan.run()
    assert len(jobs_of()) == 2


def test_what_is_deleted_while_it_is_scheduled_is_not_requested(session, filled, later, jobs_of, tmp_path):
    """The download fails with the reason."""
    (kept,) = filled.select("scans/a.tif")
    batch = filled.restore("scans/a.tif", "c.txt", to=tmp_path / "back", spread="2d").run()
    filled.delete("c.txt").run()
    later(session, hours=4.1)
    later(session, days=1)
    with pytest.raises(GlacierError, match="deleted from here"):
        batch.wait(PATIENCE)
    assert jobs_of() in ([kept.archive_id], [])


def test_a_deleted_archive_whose_bytes_are_here_or_staged_still_comes(
    session, filled, ready, later, jobs_of, tmp_path
):
    """The service keeps a finished output, and a copy costs nothing."""
    (record,) = filled.select("c.txt")
    ready(filled.restore("c.txt", to=tmp_path / "one").run())
    filled.delete("c.txt").run()
    ready(filled.restore(record, to=tmp_path / "two").run(), hours=0)
    later(session, hours=30)
    plan = filled.restore(record, to=tmp_path / "three")
    assert plan.requests == 0
    plan.run().wait(PATIENCE)
    for folder in ("one", "two", "three"):
        assert (tmp_path / folder / "c.txt").read_bytes() == b"c.txt" * 100
    assert jobs_of() == []


def test_a_part_of_a_deleted_archive_is_not_requested(filled, gone, jobs_of, tmp_path):
    """Nor a range that peek would read."""
    plan = filled.restore(gone, byte_range="0-9", to=tmp_path / "back", destination="here")
    assert plan.empty
    assert plan.quote.total == 0
    assert "deleted from here" in repr(plan)
    plan.run()
    with pytest.raises(NameNotKnown, match="deleted from here"):
        filled.restore(f"id:{gone.archive_id}", byte_range="0-9", to=tmp_path / "back")
    with pytest.raises(NameNotKnown, match="deleted from here"):
        filled.peek(f"id:{gone.archive_id}", kind="zip")
    assert jobs_of() == []


def test_a_look_that_was_planned_before_the_deletion_is_not_paid(session, vault, files, jobs_of):
    """As for a restore."""
    vault.upload_stream(io.BytesIO(bytes(3 << 20)), "x.zip")
    plan = vault.peek("x.zip")
    assert len(plan.asking) == 1
    vault.delete("x.zip").run()
    with pytest.raises(NameNotKnown, match="deleted from here"):
        plan.run()
    assert jobs_of() == []


def test_a_selection_of_the_explorer_leaves_deleted_ones_out(filled, jobs_of, tmp_path):
    """A selection that is used again after a deletion restores and deletes the rest."""
    explorer = Explorer(filled)
    explorer.picked.pick(explorer.answer, explorer.answer.ids(0, 2))
    chosen = explorer.picked.records(explorer.answer.listing)
    filled.delete(chosen[0]).run()
    restoring, deleting = explorer.restore(to=tmp_path / "back"), explorer.delete()
    assert restoring.requests == 1
    assert "deleted from here" in repr(restoring)
    assert [record.archive_id for record in deleting.archives] == [chosen[1].archive_id]
    assert "1 archive that was deleted from here before" in repr(deleting)
    assert "Delete 1 archive " in deleting.title
    filled.delete(chosen[1]).run()
    with pytest.raises(InputError, match="deleted"):
        explorer.delete()
    assert explorer.restore(to=tmp_path / "back").empty
    explorer.close()
    assert jobs_of() == []


def test_deleting_an_id_twice_is_reported(filled, gone):
    """There is nothing left to delete."""
    with pytest.raises(InputError, match="deleted"):
        filled.delete(f"id:{gone.archive_id}")
    with pytest.raises(InputError, match="deleted"):
        filled.delete(gone)


def test_a_table_with_deleted_rows_restores_the_others(session, filled, gone, jobs_of, tmp_path):
    """As ``restore --from`` reads them."""
    frame = filled.archives(states=["pending", "deleted"])
    assert len(frame) == 3
    records = session.catalogue.archives.known("photos", list(frame["archive_id"]))
    plan = filled.restore(*records, to=tmp_path / "back")
    assert plan.requests == 2
    assert "deleted from here" in repr(plan)
    plan.run()
    assert len(jobs_of()) == 2


def test_a_plan_file_of_what_is_deleted_since_is_refused(session, filled, jobs_of, tmp_path):
    """When it is opened; an archive deleted later is not requested."""
    saved = filled.restore("*", to=tmp_path / "back").save(tmp_path / "plan.json")
    opened = session.open_plan(saved, to=tmp_path / "back")
    filled.delete("c.txt").run()
    with pytest.raises(InputError, match="deleted"):
        session.open_plan(saved, to=tmp_path / "back")
    opened.run()
    assert len(jobs_of()) == 2
