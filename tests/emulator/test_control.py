"""The control endpoint, and what goes on behind the requests."""

import http.client
import json
import time

import pytest

from glacier_magic.emulator import process
from glacier_magic.emulator.own_hosts import leads_to
from glacier_magic.emulator.payloads import Payloads

MIB = 1 << 20


@pytest.fixture
def control(emulator):
    """Send a request to the control endpoint; return (status, document)."""

    def control(method, path, document=None, **headers):
        connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=5)
        body = None if document is None else json.dumps(document)
        given = {"Content-Type": "application/json"} | headers
        connection.request(method, f"/_emulator/{path}", body, given)
        response = connection.getresponse()
        answer = response.status, json.loads(response.read())
        connection.close()
        return answer

    return control


def test_status_needs_no_signature_and_tells_all(control, emulator, vault, client):
    """Counts are live, not the inventory's."""
    before = control("GET", "status")[1]
    client.upload_archive(vaultName=vault, body=b"x" * 10)
    status, after = control("GET", "status")
    assert status == 200
    assert after["archives"] - before["archives"] == 1
    assert after["bytes"] - before["bytes"] == 10
    assert (after["account"], after["folder"]) == (emulator.account, str(emulator.folder))
    assert after["next_inventory"] > after["time"]
    assert after["paused"] is True


def test_running_jobs_are_counted(control, client, emulator, vault):
    """Until they are complete."""
    archive = client.upload_archive(vaultName=vault, body=b"x")["archiveId"]
    emulator.advance(hours=12)
    before = control("GET", "status")[1]["jobs_in_progress"]
    parameters = {"Type": "archive-retrieval", "ArchiveId": archive}
    client.initiate_job(vaultName=vault, jobParameters=parameters)
    assert control("GET", "status")[1]["jobs_in_progress"] == before + 1
    emulator.advance(hours=4)
    assert control("GET", "status")[1]["jobs_in_progress"] == before


def test_a_web_page_cannot_turn_the_clock(control):
    """A simple form is refused: it cannot say that it is JSON."""
    status, answer = control("POST", "clock", {"advance": 1}, **{"Content-Type": "text/plain"})
    assert status == 415
    assert "application/json" in answer["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:{port}"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1:1"},
        {"Host": "127.0.0.1"},
        {"Host": "localhost.evil.example:{port}"},
        {"Host": "[::1"},
        {"Origin": "http://evil.example:{port}"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("request_line", ["GET status", "POST clock"])
def test_a_foreign_name_does_not_lead_to_the_control_endpoint(control, emulator, headers, request_line):
    """A web page may give its own name the address of this computer."""
    port = emulator.url.rpartition(":")[2]
    given = {name: value.replace("{port}", port) for name, value in headers.items()}
    status, answer = control(*request_line.split(), {"advance": 1}, **given)
    assert (status, list(answer)) == (403, ["error"])
    assert "address of this server" in answer["error"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "[::1]", "127.0.0.2"])
def test_every_name_of_this_computer_leads_to_the_control_endpoint(control, emulator, host):
    """Also as the origin of a page of its own."""
    authority = f"{host}:{emulator.url.rpartition(':')[2]}"
    assert control("GET", "status", Host=authority)[0] == 200
    assert control("GET", "status", Origin=f"http://{authority}")[0] == 200


def test_the_address_that_a_server_is_bound_to_leads_to_it():
    """Whatever it is."""
    assert leads_to("10.0.0.5:4580", ("10.0.0.5", 4580))
    assert not leads_to("10.0.0.6:4580", ("10.0.0.5", 4580))
    assert leads_to("localhost", ("127.0.0.1", 80))


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("clock", {"advance": -1}),
        ("clock", {"speed": "fast"}),
        ("clock", {"speed": 10**400}),
        ("credentials", {"seconds": "x"}),
        ("seed", {"vault": "v", "count": 1, "region": [1]}),
        ("faults", {"sort": "x"}),
        ("faults", {"kind": "500", "times": 0}),
        ("seed", {"vault": "v"}),
    ],
)
def test_a_request_that_makes_no_sense_is_a_400_with_a_sentence(control, path, document):
    """And changes nothing."""
    status, answer = control("POST", path, document)
    assert status == 400
    assert answer["error"]


def test_what_is_not_there_is_a_404(control):
    """In JSON too."""
    assert control("GET", "nothing")[0] == 404
    assert control("DELETE", "status", {})[0] == 404


def files(folder):
    return {path for path in (folder / "archives").rglob("*") if path.is_file()}


def wait_for(condition):
    ends = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_bytes_of_a_deleted_archive_go_when_no_job_needs_them(client, emulator, vault, retrieve):
    """A finished retrieval keeps them for its day."""
    before = files(emulator.folder)
    archive = client.upload_archive(vaultName=vault, body=b"x" * 10)["archiveId"]
    (file,) = files(emulator.folder) - before
    job = retrieve(vault, ArchiveId=archive)
    client.delete_archive(vaultName=vault, archiveId=archive)
    emulator.advance(hours=23)
    assert client.get_job_output(vaultName=vault, jobId=job)["body"].read() == b"x" * 10
    assert file.exists()
    emulator.advance(hours=2)
    wait_for(lambda: not file.exists())


def test_parts_of_aborted_replaced_and_forgotten_uploads_go(client, emulator, vault):
    """At once, or when the upload has expired."""
    before = files(emulator.folder)
    uploads = [
        client.initiate_multipart_upload(vaultName=vault, partSize=str(MIB))["uploadId"] for _ in range(2)
    ]
    for upload in uploads:
        for body in (b"first", b"second"):
            where = f"bytes 0-{len(body) - 1}/*"
            client.upload_multipart_part(vaultName=vault, uploadId=upload, range=where, body=body)
    assert len(files(emulator.folder) - before) == 2
    client.abort_multipart_upload(vaultName=vault, uploadId=uploads[0])
    assert len(files(emulator.folder) - before) == 1
    emulator.advance(days=1)
    wait_for(lambda: files(emulator.folder) <= before)


def test_inventory_outputs_go_in_the_end(client, emulator, vault, retrieve):
    """A day after nobody can ask for them."""
    client.upload_archive(vaultName=vault, body=b"x")
    emulator.advance(days=1)
    job = retrieve(vault, Type="inventory-retrieval")
    client.get_job_output(vaultName=vault, jobId=job)["body"].read()
    assert list((emulator.folder / "outputs").iterdir())
    emulator.advance(days=3)
    wait_for(lambda: not list((emulator.folder / "outputs").iterdir()))


def test_a_source_over_several_files_gives_any_range(tmp_path):
    """Across the borders of the parts."""
    payloads = Payloads(tmp_path)
    names = [f"{number:032x}" for number in range(3)]
    for number, name in enumerate(names):
        payloads.path(name).parent.mkdir(exist_ok=True)
        payloads.path(name).write_bytes(bytes([number]) * 10)
    source = payloads.archive("p", [(name, 10) for name in names])
    assert payloads.in_use("p")
    assert b"".join(source.chunks(5, 20)) == b"\0" * 5 + b"\1" * 10 + b"\2" * 5
    assert b"".join(source.chunks(0, source.size)) == b"\0" * 10 + b"\1" * 10 + b"\2" * 10
    source.close()
    assert not payloads.in_use("p")


def test_a_control_call_without_a_server_is_one_sentence(tmp_path):
    """For every one of them."""
    for call in (process.pause, process.resume, process.clear_faults):
        with pytest.raises(process.EmulatorError, match="No emulator serves"):
            call(tmp_path)
