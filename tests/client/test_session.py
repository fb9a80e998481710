"""A connection with its memory: where it is kept, and what it knows without the service."""

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import glacier_magic as gm
from glacier_magic import emulator as emulation
from glacier_magic.base.paths import (
    catalogue_file,
    catalogue_place,
    data_folder,
    emulator_folder,
    last_connection_file,
)
from glacier_magic.client.connect import reconnect
from glacier_magic.commands import VERBS, Console, run
from glacier_magic.errors import AccessDenied, EmulatorFailed, InputError, Unavailable
from glacier_magic.service import Connection, ServiceClock
from tests.faces import Face


def test_real_archives_never_share_a_catalogue_with_others(tmp_path):
    """The emulator's lies in its folder, another endpoint has one of its own."""
    real = catalogue_place(Connection(region="eu-west-1"))
    other = catalogue_place(Connection(endpoint_url="http://localhost:1"))
    third = catalogue_place(Connection(endpoint_url="http://localhost:2"))
    emulated = catalogue_place(Connection(emulator=str(tmp_path), endpoint_url="http://x"))
    assert len({real, other, third, emulated}) == 4
    assert emulated == tmp_path / "catalogue.sqlite"
    assert real == data_folder() / "catalogue.sqlite"


def test_the_environment_decides_where_things_are(home, monkeypatch, tmp_path):
    """Folders and catalogue; a tilde is understood."""
    assert data_folder() == home / "own"
    assert emulator_folder() == home / "emulator"
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", "~/mine.sqlite")
    assert catalogue_place(Connection()) == home / "mine.sqlite"
    monkeypatch.setenv("GLACIER_MAGIC_HOME", "~/elsewhere")
    assert last_connection_file() == home / "elsewhere" / "connection.json"
    assert emulator_folder(Path("~/e")) == home / "e"


def test_the_environment_may_name_a_server(monkeypatch):
    """Then there is no file, for what needs one."""
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", "postgresql://me:secret@host/db")
    assert catalogue_place(Connection()) == "postgresql://me:secret@host/db"
    with pytest.raises(gm.CatalogueError, match="on a server") as caught:
        catalogue_file(Connection())
    assert "secret" not in str(caught.value)


def test_a_connection_survives_as_text():
    """Keys of a later version are passed over."""
    connection = Connection(profile="p", region="r", endpoint_url="u", emulator="e")
    assert Connection.from_json(connection.to_json()) == connection
    assert Connection.from_json('{"region": "r", "later": 1}') == Connection(region="r")


def test_without_a_network_a_session_still_knows_its_archives(own_emulator, tmp_path, files, quick):
    """The account is remembered, so that the catalogue can be read on a train."""
    options = {"emulator": own_emulator.folder, "catalogue": tmp_path / "c.sqlite"}
    with gm.connect(**options) as session:
        connection, account = session.connection, session.account
        session.create_vault("photos").upload(files("a"))
    emulation.stop(own_emulator.folder)
    with gm.Session(connection, catalogue=tmp_path / "c.sqlite") as session:
        assert session.account == account
        assert list(session.vault("photos").archives()["name"]) == ["a"]
        assert session.vault_names() == ["photos"]
        with pytest.raises(Unavailable):
            session.vaults()
    with pytest.raises(Unavailable):
        gm.Session(connection, catalogue=tmp_path / "another.sqlite")


def test_an_emulator_that_was_stopped_is_started_again(own_emulator, tmp_path):
    """Reconnecting as last time needs no further word."""
    with gm.connect(emulator=own_emulator.folder) as session:
        session.create_vault("photos")
        connection = session.connection
    emulation.stop(own_emulator.folder)
    with reconnect(connection) as session:
        assert list(session.vaults()["vault"]) == ["photos"]


def test_an_emulator_that_cannot_start_is_an_error_of_ours(tmp_path):
    """With its own words and where its log is."""
    (tmp_path / "file").touch()
    with pytest.raises((EmulatorFailed, gm.LocalError)):
        gm.connect(emulator=tmp_path / "file" / "folder")


def test_an_emulator_restarted_by_another_kernel_is_found_again(own_emulator):
    """It may listen elsewhere now; the next verb goes there."""
    consoles = [Console(Face()), Console(Face())]
    try:
        for console in consoles:
            run(console, VERBS, ["connect", "--data", str(own_emulator.folder)])
        run(consoles[0], VERBS, ["create", "photos"])
        run(consoles[1], VERBS, ["emulator", "stop"])
        emulation.start(own_emulator.folder)
        assert list(run(consoles[0], VERBS, ["vaults"])["vault"]) == ["photos"]
    finally:
        for console in consoles:
            console.close()


def test_the_clock_is_the_services(session, later):
    """Virtual where it is virtual, and what it says does not run ahead while it stands still."""
    clock = session.service.clock
    assert clock.virtual
    before = clock.now()
    later(session, hours=5)
    assert (clock.now() - before).total_seconds() >= 5 * 3600


@pytest.mark.parametrize(
    "headers",
    [
        {"Date": "garbage"},
        {"x-emulator-time": "garbage"},
        {"x-emulator-time": "2026-01-01T00:00:00Z", "x-emulator-speed": "fast"},
        {"x-emulator-time": ""},
        {},
    ],
)
def test_a_garbled_date_does_not_fail_the_call_that_carried_it(headers):
    """Nor stop the clock."""
    clock = ServiceClock()
    clock.observe(headers)
    assert clock.now().tzinfo is UTC
    assert clock.real_seconds(1) == 1


def test_the_clock_of_a_wrong_computer_is_set_right():
    """By the Date header of an answer."""
    clock = ServiceClock()
    clock.observe({"Date": "Tue, 20 Mar 2012 17:03:43 GMT"})
    assert abs((clock.now() - datetime(2012, 3, 20, 17, 3, 43, tzinfo=UTC)).total_seconds()) < 60
    assert not clock.virtual


def test_a_session_shows_no_account(session, vault):
    """What a notebook saves of an object is its repr."""
    for thing in (vault, session, session.jobs()):
        assert session.account not in repr(thing)
    assert re.search(r"photos", repr(vault))


@pytest.mark.parametrize(
    "ask",
    [
        lambda vault: vault.restore(None),
        lambda vault: vault.restore("*", to=None),
        lambda vault: vault.restore("*", to="a\0b"),
        lambda vault: vault.restore("*", to="a\0b", byte_range="0-1"),
        lambda vault: vault.delete(None),
        lambda vault: vault.delete("*").limit_to("x"),
        lambda vault: vault.delete("*").limit_to(0.5),
        lambda vault: vault.select(3),
        lambda vault: vault.session.vault(None),
        lambda vault: vault.session.vault(b"photos"),
    ],
)
def test_what_is_of_a_wrong_kind_is_an_input_error(session, files, ask):
    """In Python, too: one class for everything that cannot be understood."""
    vault = session.create_vault("photos")
    vault.upload(files("a.bin", b"a"))
    with pytest.raises(InputError) as caught:
        ask(vault)
    assert caught.value.cure


def test_keys_of_another_account_reach_nothing(emulator, region, monkeypatch, tmp_path):
    """Each request names the account that the session began with: a login may change to another's keys."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", emulation.ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", emulation.SECRET_KEY)
    with gm.connect(endpoint_url=emulator.url, region=region, catalogue=tmp_path / "c.sqlite") as session:
        paths = []
        for client in {session.service._patient, session.service._once}:
            client.meta.events.register(
                "before-send", lambda request, **_: paths.append(urlsplit(request.url).path)
            )
        (tmp_path / "a.txt").write_text("a")
        vault = session.create_vault("photos")
        archive = vault.upload(tmp_path / "a.txt")
        # As the service sees keys of another account: the one in the request is not theirs.
        session.service.address("999999999999")
        with pytest.raises(AccessDenied):
            vault.upload(tmp_path / "a.txt", again=True)
        with pytest.raises(AccessDenied):
            session.service.delete_archive("photos", archive.id)
        session.service.address(session.account)
        vault.delete(archive).run(confirm="photos")
    owners = [path.split("/")[1] for path in paths]
    assert set(owners) == {session.account, "999999999999"}
    assert owners.count("999999999999") == 2
