"""The list of a vault: typed, as old as it says, asked for once, whoever asked."""

import os
from datetime import datetime

import pandas as pd
import pytest

from glacier_magic import descriptions
from glacier_magic.base import dataframes
from glacier_magic.errors import IntegrityError, JobExpired, NotReady
from glacier_magic.jobs import InventoryJob
from glacier_magic.jobs.inventory_output import read_inventory
from glacier_magic.service import Output

PATIENCE = 30.0
COLUMNS = [
    "name",
    "size",
    "created",
    "modified",
    "archive_id",
    "tree_hash",
    "description",
    "format",
    "labels",
    "note",
    "state",
    "vault",
]
INVENTORY = "InventoryRetrieval"


def check_types(table):
    """The documented columns and types, with or without rows."""
    assert list(table.columns) == COLUMNS
    assert table["size"].dtype == "int64"
    for name in ("created", "modified"):
        assert isinstance(table[name].dtype, pd.DatetimeTZDtype)
        assert str(table[name].dt.tz) == "UTC"
    for name in set(COLUMNS) - {"size", "created", "modified"}:
        assert pd.api.types.is_string_dtype(table[name].dtype)


def ask(client, vault="photos", **parameters):
    asked = {"Type": "inventory-retrieval"} | parameters
    return client.initiate_job(vaultName=vault, jobParameters=asked)["jobId"]


@pytest.fixture
def at_two(emulator):
    """Go on at two in the morning: inventories are made soon after each midnight."""
    now = datetime.fromisoformat(emulator.status()["time"])
    emulator.advance(hours=26 - now.hour - now.minute / 60)


def test_a_vault_too_young_for_an_inventory_is_not_ready(vault, files, jobs_of):
    """The cure says when there will be one; nothing is asked for."""
    vault.upload(files("a"))
    with pytest.raises(NotReady, match="no inventory yet") as caught:
        vault.inventory()
    assert "day" in caught.value.cure
    assert jobs_of(action=INVENTORY) == []


def test_an_inventory_becomes_a_typed_table(session, vault, put, files, later):
    """Names and times decoded, sizes as int64, times in UTC, how old it is in attrs."""
    mine = vault.upload(files("scans/ä.tif", b"x" * 10, mtime=1_234_567_890))
    theirs = put(descriptions.encode("their/file", None, format="mt2"), b"yy")
    plain = put("just words")
    nameless = put("")
    later(days=1.2)
    job = vault.inventory()
    assert isinstance(job, InventoryJob)
    assert job.state == "in progress"
    later(session, hours=4.1)
    table = job.result(PATIENCE)
    check_types(table)
    by_id = table.set_index("archive_id")
    assert by_id["name"].to_dict() == {
        mine.id: "ä.tif",
        theirs: "their/file",
        plain: "just words",
        nameless: "",
    }
    assert by_id["size"][mine.id] == 10
    assert by_id["modified"][mine.id] == pd.Timestamp(1_234_567_890, unit="s", tz="UTC")
    assert by_id["tree_hash"][mine.id] == mine.tree_hash
    assert set(by_id["state"]) == {"present"}
    assert pd.Timestamp(table.attrs["as_of"]).tzinfo is not None
    assert table.attrs["unlisted"] == 0
    assert job.state == "verified"


def test_an_empty_vault_has_an_empty_table_of_the_same_types(session, vault, client, put, later):
    """Before and after its inventory."""
    check_types(vault.archives())
    client.delete_archive(vaultName="photos", archiveId=put("gone"))
    later(days=1.2)
    job = vault.inventory()
    later(session, hours=4.1)
    table = job.result(PATIENCE)
    check_types(table)
    assert len(table) == 0
    assert table.attrs["as_of"] is not None


def test_vaults_and_stored_tables_have_their_types_when_empty(session):
    """No column changes its type for want of rows."""
    vaults = session.vaults()
    assert list(vaults.columns) == ["vault", "archives", "size", "created", "inventory"]
    assert vaults["archives"].dtype == vaults["size"].dtype == "int64"
    assert isinstance(vaults["inventory"].dtype, pd.DatetimeTZDtype)
    assert dataframes.stored([])["size"].dtype == "int64"


def test_more_vaults_than_a_page_holds_are_all_listed(session, client):
    """The service lists ten at a time."""
    names = [f"vault-{n:02}" for n in range(23)]
    for name in names:
        client.create_vault(vaultName=name)
    table = session.vaults()
    assert list(table["vault"]) == names
    assert table["created"].notna().all()
    assert table["inventory"].isna().all()
    assert session.vault_names() == names


def test_an_inventory_job_is_asked_for_once(session, vault, put, later, jobs_of):
    """While it runs, the running one is returned; when it is done, its output."""
    put("a")
    later(days=1.2)
    first, second = vault.inventory(), vault.inventory()
    assert len(jobs_of(action=INVENTORY)) == 1
    later(session, hours=4.1)
    check_types(vault.inventory())
    check_types(first.result(PATIENCE))
    check_types(second.result(PATIENCE))
    assert len(jobs_of(action=INVENTORY)) == 1


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("form", ["JSON", "CSV"])
def test_a_job_that_somebody_else_asked_for_is_used(
    session, vault, client, put, later, jobs_of, finished, form
):
    """In either format, running or finished."""
    archive = put('quoted "words", with \\ and more')
    later(days=1.2)
    ask(client, Format=form)
    if finished:
        later(hours=4.1)
        table = vault.inventory()
    else:
        job = vault.inventory()
        later(session, hours=4.1)
        table = job.result(PATIENCE)
    check_types(table)
    assert list(table["archive_id"]) == [archive]
    assert list(table["description"]) == ['quoted "words", with \\ and more']
    assert len(jobs_of(action=INVENTORY)) == 1


@pytest.mark.parametrize(
    "bounds", [{"Limit": "1"}, {"StartDate": "2001-01-01T00:00:00Z"}, {"EndDate": "2099-01-01T00:00:00Z"}]
)
def test_an_inventory_of_a_part_is_not_taken_for_the_whole(
    session, vault, client, put, later, jobs_of, bounds
):
    """Archives would seem to be gone."""
    for number in range(3):
        put(f"{number}")
    later(days=1.2)
    ask(client, InventoryRetrievalParameters=bounds)
    later(hours=4.1)
    job = vault.inventory()
    assert isinstance(job, InventoryJob)
    later(session, hours=4.1)
    assert len(job.result(PATIENCE)) == 3
    assert len(jobs_of(action=INVENTORY)) == 2


def test_a_fresh_one_is_asked_for_where_that_is_wanted(at_two, session, vault, put, later):
    """Even where a finished one is at hand, and the newer one is the answer."""
    put("old")
    later(hours=24)
    vault.inventory()
    later(session, hours=4.1)
    assert len(vault.inventory()) == 1
    put("new")
    later(hours=20)
    assert len(vault.inventory()) == 1
    job = vault.refresh_inventory()
    later(session, hours=4.1)
    assert sorted(job.result(PATIENCE)["name"]) == ["new", "old"]
    assert sorted(vault.inventory()["name"]) == ["new", "old"]


def test_archives_deleted_elsewhere_are_gone_after_the_next_inventory(vault, client, put, listed):
    """And those that are left stay."""
    ids = [put(f"{number}") for number in range(3)]
    assert len(listed(vault)) == 3
    client.delete_archive(vaultName="photos", archiveId=ids[1])
    assert sorted(listed(vault)["name"]) == ["0", "2"]


def test_archives_stored_from_here_are_listed_at_once_and_counted(vault, files, put, listed):
    """``unlisted`` says how many no inventory has seen yet."""
    put("theirs")
    listed(vault)
    vault.upload(files("mine"))
    table = vault.archives()
    assert sorted(table["name"]) == ["mine", "theirs"]
    assert table.attrs["unlisted"] == 1
    assert listed(vault).attrs["unlisted"] == 0


def test_an_archive_deleted_here_does_not_come_back_with_yesterdays_inventory(
    session, vault, put, later, listed
):
    """The service goes on listing it until the next daily one."""
    put("a")
    put("b")
    listed(vault)
    vault.delete("a").run()
    job = vault.refresh_inventory()
    later(session, hours=4.1)
    assert list(job.result(PATIENCE)["name"]) == ["b"]


def test_an_older_inventory_read_later_does_not_bring_back_what_is_gone(
    at_two, session, vault, client, put, later
):
    """Two jobs may finish before anybody looks, and be read in any order."""
    put("kept")
    lost = put("lost")
    later(hours=24)
    old = vault.refresh_inventory()
    client.delete_archive(vaultName="photos", archiveId=lost)
    later(hours=23)
    ask(client)
    later(session, hours=4.1)
    assert list(vault.inventory()["name"]) == ["kept"]
    for job in session.catalogue.jobs.of_vault("photos"):
        read_inventory(session.service, session.catalogue, job)
    old.result(PATIENCE)
    assert list(vault.archives()["name"]) == ["kept"]


def test_a_job_whose_output_expired_is_asked_for_again(session, vault, put, later, jobs_of):
    """The service keeps it a day; what was read of it stays."""
    put("a")
    later(days=1.2)
    vault.inventory()
    later(session, hours=4.1)
    assert len(vault.inventory()) == 1
    later(session, hours=25)
    assert isinstance(vault.inventory(), InventoryJob)
    assert len(vault.archives()) == 1


def test_an_inventory_nobody_fetched_in_time_is_expired(connect, session, vault, put, later):
    """The wait for it says so."""
    put("a")
    later(days=1.2)
    vault.inventory()
    session.close()
    later(hours=4.1)
    later(hours=25)
    again = connect()
    batch = again.pending()
    with pytest.raises(JobExpired):
        batch.wait(PATIENCE)


def test_an_inventory_that_was_read_is_no_failure_a_day_later(session, vault, put, later):
    """The job is gone from the service, the table is here."""
    put("a")
    later(days=1.2)
    job = vault.inventory()
    later(session, hours=4.1)
    assert len(job.result(PATIENCE)) == 1
    later(session, hours=30)
    session.jobs()
    assert len(job.result(PATIENCE)) == 1


@pytest.mark.parametrize("damage", ["short", "garbage", "empty"])
def test_a_damaged_inventory_changes_nothing(session, vault, put, listed, later, damage, calls):
    """It is an integrity error, and the list stays what it was; the next reading is whole."""
    put("a")
    listed(vault)
    put("b")
    later(days=1.2)
    job_id = session.service.start_inventory("photos", "x")
    later(session, hours=4.1)
    session.tracker.refresh(["photos"])
    job = session.catalogue.jobs.get("photos", job_id)
    original = calls.of("output")

    def spoil(*arguments):
        found = original(*arguments)
        data = {"short": found.data[:-20], "garbage": os.urandom(len(found.data)), "empty": b""}[damage]
        return Output(data, None, len(data))

    with calls.replaced("output", spoil), pytest.raises(IntegrityError, match="photos"):
        read_inventory(session.service, session.catalogue, job)
    assert list(vault.archives()["name"]) == ["a"]
    assert read_inventory(session.service, session.catalogue, job) == 2


@pytest.mark.limits(inventory_piece=7)
def test_an_inventory_larger_than_a_piece_is_read_whole(session, vault, put, listed):
    """Cut anywhere, also inside a character."""

    names = [f"näme {n} 😀" for n in range(5)]
    for name in names:
        put(descriptions.encode(name, None))
    assert sorted(listed(vault)["name"]) == names


def test_times_beyond_every_calendar_do_not_break_the_table(vault, put, listed):
    """What a description says of a file's time is a stranger's word."""
    for year in ("0001", "1601", "2500", "9999"):
        put(f"<m><v>4</v><p>YS50eHQ=</p><lm>{year}0101T000000Z</lm></m>")
    table = listed(vault)
    check_types(table)
    assert len(table) == 4
    assert "9999" in str(table["modified"].max())
    repr(table)


def test_a_hostile_description_is_inert_in_the_tables_html(vault, put, listed):
    """pandas escapes what it shows, and nothing here turns that off."""
    put("<img src=x onerror=alert(1)>")
    assert "<img" not in listed(vault)._repr_html_()
