"""What the panel asks of a real Jupyter server."""

import json
import os
import re
import signal
import time
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from glacier_magic.base.units import local_time
from glacier_magic.catalogue import Catalogue
from glacier_magic.commands.last_connection import remember
from glacier_magic.watch.consent import set_consent
from tests.conftest import PATIENCE
from tests.counting import counting
from tests.notebook.lab.conftest import TOKEN, running

POSTS = {
    "consent": {"on": True},
    "verify": {"place": "x", "vault": "photos", "paths": ["a"]},
    "uploads": {"place": "x", "vault": "photos", "paths": ["a"]},
    f"uploads/{'0' * 32}": {"on": True},
}


@pytest.fixture
def used(server, session, vault):
    """A vault of a session that the server knows as the one of the last connect."""
    remember(session.connection)
    session.vaults()
    return vault


def until(found, what):
    """Return the first true result of *what*, asked again and again."""
    end = time.monotonic() + PATIENCE
    while not (result := what()):
        assert time.monotonic() < end, found
        time.sleep(0.2)
    return result


def place_of(server):
    """Return what the panel shows of the last connection."""
    return server.get("state")["places"][0]


def test_nobody_without_the_token_gets_an_answer(server):
    """Reading, events and all that changes something; with a cookie, only with its XSRF token."""
    for place in ("state", "events"):
        assert server.send("GET", f"glacier-magic/{place}", headers={})[0] == 403
    for place, body in POSTS.items():
        assert server.send("POST", f"glacier-magic/{place}", body, headers={})[0] == 403
    response = server.send("GET", f"api/status?token={TOKEN}", headers={})[2]
    cookies = [text.partition(";")[0] for text in response.headers.get_all("Set-Cookie")]
    logged_in = {"Cookie": "; ".join(cookies)}
    assert server.send("GET", "glacier-magic/state", headers=logged_in)[0] == 200
    for place, body in POSTS.items():
        assert server.send("POST", f"glacier-magic/{place}", body, headers=logged_in)[0] == 403
    assert server.get("state")["consent"] is False


@pytest.mark.parametrize("path", ["../secret.txt", "a/../../secret.txt", ".hidden", "/../secret.txt", "\0"])
def test_a_path_stays_inside_the_root(server, used, path):
    """Nothing of another folder is read, compared or stored."""
    (server.root.parent / "secret.txt").write_text("secret")
    (server.root / ".hidden").write_text("secret")
    place = server.get("state")["places"][0]["key"]
    for address in ("verify", "uploads"):
        body = {"place": place, "vault": "photos", "paths": [path]}
        assert server.send("POST", f"glacier-magic/{address}", body)[0] == 404


@pytest.mark.parametrize("body", [b"[1]", b'"on"', b"5", b"\xff", b"[" * 100_000, b'{"on": 1}', b""])
def test_a_body_of_another_form_is_refused(server, body):
    """Without an error in the log of the server."""
    connection = server.connection()
    connection.request("POST", "/glacier-magic/consent", body, {"Authorization": f"token {TOKEN}"})
    assert connection.getresponse().status == 400
    connection.close()
    assert server.get("state")["consent"] is False


@pytest.mark.parametrize(
    ("paths", "status"), [(["a" * 5000], 404), (["a/" * 3000], 404), ([1], 400), (["a"] * 10_001, 400)]
)
def test_paths_that_no_file_browser_sends_are_refused(server, used, paths, status):
    place = server.get("state")["places"][0]["key"]
    for address in ("verify", "uploads"):
        body = {"place": place, "vault": "photos", "paths": paths}
        assert server.send("POST", f"glacier-magic/{address}", body)[0] == status


def test_a_damaged_catalogue_is_told_and_harms_no_page(server, used, session):
    """The stream goes on: another catalogue may have something open."""
    place = Path(session.catalogue.place)
    session.close()
    for file in place.parent.glob(f"{place.name}-*"):
        file.unlink()
    place.write_bytes(b"no database" * 1000)
    try:
        assert "is damaged" in server.get("state")["watcherMessage"]
        messages = stream(server)
        assert next(messages)["places"] == []
        messages.close()
    finally:
        place.unlink()


def stream(server):
    """Yield the messages that a page gets."""
    connection = server.connection()
    connection.request("GET", "/glacier-magic/events", headers={"Authorization": f"token {TOKEN}"})
    response = connection.getresponse()
    assert response.headers["Content-Type"] == "text/event-stream"
    try:
        while line := response.readline():
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))
    finally:
        connection.close()


def test_the_state_has_vaults_and_jobs_and_no_account(server, used, session, files, listed):
    """Two pages get one message at once, and one after each change."""
    files("scan.tif")
    used.upload("scan.tif")
    listed(used)
    made = datetime.fromisoformat(session.catalogue.archives.latest("photos"))
    told = local_time(made, session.service.clock.now())  # days ahead of the page's clock
    pages = [stream(server), stream(server)]
    for messages in pages:
        place = next(message["places"][0] for message in messages if message["places"])
        assert [(vault["name"], vault["inventory"]) for vault in place["vaults"]] == [("photos", told)]
        assert [job["state"] for job in place["jobs"]] == ["verified"]
    used.restore("*").run()
    for messages in pages:
        asked = next(message for message in messages if message["places"][0]["jobs"])
        messages.close()
    text = json.dumps(asked)
    assert session.account not in text
    assert f"********{session.account[-4:]}" in text
    assert not re.search(r"secret|token|password", text)


def test_an_upload_is_shown_then_sent_once_and_compared(server, used, emulator):
    """Names start at the server's root; a plan sends nothing; a second start stores nothing again."""
    folder = server.root / "trip" / "day 1"
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"a" * 5000)
    (folder / "b.jpg").write_bytes(b"b" * 5000)
    place = server.get("state")["places"][0]["key"]
    asked = {"place": place, "vault": "photos", "paths": ["trip/day 1"]}
    assert server.post("verify", **asked)["summary"] == "2 not stored"
    with counting(emulator, "UploadArchive") as sent:
        offer = server.post("uploads", **asked)
        assert "2 files" in offer["title"]
        assert dict(offer["facts"])["price"]
        assert sent() == 0
        for _ in range(2):
            server.post(f"uploads/{offer['number']}", on=True)
        until("not stored", lambda: [u["state"] for u in server.get("state")["uploads"]] == ["stored"])
        server.post(f"uploads/{offer['number']}", on=True)
        assert sent() == 2
    (folder / "b.jpg").write_bytes(b"c" * 5000)
    (folder / "new.jpg").write_bytes(b"n")
    found = server.post("verify", **asked)
    assert {row["name"]: row["state"] for row in found["rows"]} == {
        "trip/day 1/a.jpg": "same",
        "trip/day 1/b.jpg": "different",
        "trip/day 1/new.jpg": "not stored",
    }


def test_the_server_goes_on_with_a_restore_once_the_user_consents(server, used, session, files, emulator):
    """Nothing runs before; a killed watcher is started again; without consent it ends; each job once."""
    content = files("scan.tif", 3000).read_bytes()
    used.upload("scan.tif")
    with counting(emulator, "InitiateJob") as asked:
        used.restore("scan.tif", to=str(server.root / "back")).run()
        place, scope = session.catalogue.place, session.catalogue.scope
        session.close()
        assert place_of(server)["watching"]["by"] == ""
        server.post("consent", on=True)
        until("no watcher", lambda: place_of(server)["watching"]["by"] == "server")
        read = Catalogue(Path(place), scope)
        os.kill(int(read.watches.current().process.split()[1]), signal.SIGKILL)
        emulator.advance(hours=6)
        until("not back", lambda: [job["state"] for job in place_of(server)["jobs"]] == ["verified"])
        assert (server.root / "back" / "scan.tif").read_bytes() == content
        until("still watched", lambda: place_of(server)["watching"]["by"] == "")
        server.post("consent", on=False)
        read.close()
        assert asked() == 1


def test_a_server_without_the_extension_runs_nothing(tmp_path, monkeypatch):
    """It answers nothing, writes nothing of ours, and has no child, whatever the user has consented to."""
    monkeypatch.setenv("GLACIER_MAGIC_HOME", str(tmp_path / "home"))
    set_consent(on=True)
    with running(tmp_path, enabled=False) as server:
        assert server.send("GET", "glacier-magic/state")[0] == 404
        assert psutil.Process(server.process.pid).children() == []
    assert [file.name for file in server.home.iterdir()] == ["server-watches"]
