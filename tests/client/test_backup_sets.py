"""The sets of backups: times, states, sizes and prices."""

import pytest

from glacier_magic.client.backup_sets import BackupSets
from glacier_magic.prices.storage_costs import Holding, monthly_storage
from tests.packed import DAY, place, write


@pytest.fixture
def backed_up(vault, key, tmp_path, later):
    """Run the set ``home`` once for each content of a file, a day apart; return the vault."""

    def backed_up(*contents, **options):
        write(tmp_path / "disk", a__x=b"1")
        for number, content in enumerate(contents):
            if number:
                later(vault.session, hours=24)
            place(tmp_path / "disk/b", content, mtime=1_600_000_000 + number)
            vault.backup("home", tmp_path / "disk", recipients=[key.recipient], **options).run()
        return vault

    return backed_up


def test_a_set_that_runs_each_day_is_due_a_day_after_its_last_run(backed_up, later):
    """The interval is the median; a run that finds nothing new counts as a run."""
    vault = backed_up(b"1", b"22", b"333")
    later(vault.session, hours=36)
    sets = vault.backups()
    (row,) = sets.rows
    assert (row.name, row.vault, row.state, row.files, row.bytes) == ("home", "photos", "done", 2, 4)
    assert abs(row.every - DAY) < DAY // 10
    assert row.due == row.last + row.every
    assert (
        row.when(sets.now) == ("2 d ago", "overdue by 12 h, every 1 d") or "overdue" in row.when(sets.now)[1]
    )
    vault.backup("home").run()
    sets.read()
    assert sets.rows[0].when(sets.now)[1].startswith("in ")
    assert sets.rows[0].every == row.every


def test_what_is_stored_and_its_price_are_of_what_is_in_the_vault(backed_up, session):
    """A pack that was deleted is not paid for."""
    vault = backed_up(b"1", b"22")
    (row,) = vault.backups().rows
    packs = session.catalogue.backups.packs(row.id)
    assert (row.archives, row.stored) == (4, sum(pack.size for pack in packs))
    holding = Holding(row.stored, 4)
    assert row.month.total == monthly_storage(session.plan_log.prices(), holding).total
    vault.delete(packs[0].name).run()
    (less,) = vault.backups().rows
    assert (less.archives, less.stored) == (3, row.stored - packs[0].size)


def test_the_states_of_a_set(backed_up, session, tmp_path):
    """A set without a run, one with unread files, one that was killed, and one that runs now."""
    assert "There is no backup of photos yet" in repr(session.vault("photos").backups())
    vault = backed_up(b"1")
    records, now = session.catalogue.backups, session.plan_log.clock.now_ms()
    (row,) = vault.backups().rows
    snapshot = records.open_snapshot(row.id, now)
    assert vault.backups().rows[0].state == "interrupted"
    assert vault.backups().rows[0].files == 2
    records.measure(snapshot, unread=1)
    records.finish(snapshot, now)
    assert vault.backups().rows[0].state == "partial"
    records.leases.claim(row.id, session.engine.owner)
    assert vault.backups().rows[0].state == "running"
    empty = records.define("photos", "empty", [str(tmp_path)], {}, [], now=now)
    rows = {one.name: one for one in BackupSets(session).rows}
    assert (rows["empty"].id, rows["empty"].state, rows["empty"].last) == (empty.id, "", None)


def test_a_table_for_python_and_html_without_markup_of_names(backed_up):
    """Numbers and times are numbers and times."""
    sets = backed_up(b"1", b"22").backups()
    (row,) = sets.table.to_dict("records")
    assert (row["set"], row["files"], row["archives"], row["state"]) == ("home", 2, 4, "done")
    assert row["due"] - row["last"] == row["every"]
    assert "home" in repr(sets)
    assert "<td" in sets._repr_mimebundle_()["text/html"]
