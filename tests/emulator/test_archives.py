"""UploadArchive and DeleteArchive."""

import hashlib
import http.client
import re
import socket
from urllib.parse import urlsplit

import pytest

from glacier_magic.base.treehash import tree_hash

ID = re.compile(r"[A-Za-z0-9_-]{138}")
EMPTY = hashlib.sha256(b"").hexdigest()


def test_an_upload_answers_with_id_location_and_tree_hash(client, emulator, vault):
    """Everything that a client needs to record is in the headers."""
    data = b"0" * (5 << 20) + b"0" * (1 << 19)
    answer = client.upload_archive(vaultName=vault, body=data)
    assert ID.fullmatch(answer["archiveId"])
    assert answer["location"] == f"/{emulator.account}/vaults/{vault}/archives/" + answer["archiveId"]
    expected = "154e26c78fd74d0c2c9b3cc4644191619dc4f2cd539ae2a74d5fd07957a3ee6a"
    assert answer["checksum"] == expected


def test_the_same_upload_again_is_a_second_archive(client, vault):
    """Uploads are not idempotent."""
    first, second = (client.upload_archive(vaultName=vault, body=b"x") for _ in range(2))
    assert first["archiveId"] != second["archiveId"]


INVALID, SIGNATURE = "InvalidParameterValueException", "InvalidSignatureException"
MISSING = "MissingParameterValueException"
DIGEST, ZEROS = hashlib.sha256(b"data").hexdigest(), "0" * 64


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("sha256-tree-hash", "000", (INVALID, 400, "Invalid x-amz-sha256-tree-hash: 000")),
        ("sha256-tree-hash", EMPTY, (INVALID, 400, f"Invalid x-amz-sha256-tree-hash: {EMPTY}")),
        (
            "sha256-tree-hash",
            ZEROS,
            (INVALID, 400, f"Checksum mismatch: expected {ZEROS}, computed {DIGEST}"),
        ),
        (
            "content-sha256",
            ZEROS,
            (
                SIGNATURE,
                403,
                "The value passed in as x-amz-content-sha256 does not match the computed payload "
                f"hash. Computed digest: {DIGEST} expected hash: {ZEROS}",
            ),
        ),
        ("sha256-tree-hash", None, (MISSING, 400, None)),
        ("content-sha256", None, (MISSING, 400, None)),
        ("glacier-version", None, (MISSING, 400, None)),
        ("archive-description", "x" * 1025, (INVALID, 400, None)),
        ("archive-description", "tab\tbed", (INVALID, 400, None)),
        ("archive-description", "n\xef", (SIGNATURE, 403, None)),
    ],
)
def test_a_wrong_header_is_refused_in_the_services_words(upload_raw, header, value, expected):
    """Nothing is stored when a header is wrong."""
    answer = upload_raw(b"data", {f"x-amz-{header}": value})
    code, status, message = expected
    assert (answer.json["code"], answer.status) == (code, status)
    assert answer.json["type"] == "Client"
    assert message in (None, answer.json["message"])


@pytest.fixture
def upload_raw(raw, vault, hashes):
    def upload_raw(data, headers):
        return raw("POST", f"/-/vaults/{vault}/archives", hashes(data) | headers, data)

    return upload_raw


def test_an_empty_archive_is_refused(raw, vault):
    """At least one byte."""
    headers = {"x-amz-content-sha256": EMPTY, "x-amz-sha256-tree-hash": "1" * 64}
    answer = raw("POST", f"/-/vaults/{vault}/archives", headers)
    assert (answer.status, answer.json["message"]) == (400, "Invalid Content-Length: 0")


def test_an_archive_beyond_4_gib_is_refused_before_its_bytes_are_read(emulator, vault, sign, hashes):
    """The answer comes at once, whatever was announced."""
    connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=5)
    connection.putrequest("POST", f"/-/vaults/{vault}/archives", skip_host=True)
    for name, value in sign("POST", f"/-/vaults/{vault}/archives", hashes(b"x")).items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", "38505164800")
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == 400
    assert b"Invalid Content-Length: 38505164800" in response.read()
    connection.close()


def test_descriptions_lose_leading_spaces_and_nothing_else(client, raw, retrieve, vault, hashes):
    """The rest of the printable ASCII comes back as it was sent."""
    text = 'a "quoted" \\ back, slash <img src=x> ~'
    archive = client.upload_archive(vaultName=vault, body=b"x", archiveDescription=text)
    job = retrieve(vault, ArchiveId=archive["archiveId"])
    output = client.get_job_output(vaultName=vault, jobId=job)
    assert output["archiveDescription"] == text
    output["body"].close()


def test_deleting_is_idempotent_but_not_for_an_id_that_never_was(client, vault, refused):
    """A second deletion succeeds."""
    archive = client.upload_archive(vaultName=vault, body=b"x")["archiveId"]
    for _ in range(2):
        answer = client.delete_archive(vaultName=vault, archiveId=archive)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.delete_archive, vaultName=vault, archiveId="-" * 138)[1] == 404


def test_an_archive_of_another_vault_is_refused_with_the_misleading_text(client, vault, refused):
    """The service blames the vault's name."""
    client.create_vault(vaultName="other")
    archive = client.upload_archive(vaultName=vault, body=b"x")["archiveId"]
    code, status, message = refused(client.delete_archive, vaultName="other", archiveId=archive)
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert message.startswith("Invalid vault name: arn:aws:glacier:")


def test_uploading_to_no_vault_is_a_404_and_the_connection_lives_on(client, refused, vault):
    """The body of a refused request is read and forgotten."""
    assert refused(client.upload_archive, vaultName="nowhere", body=b"x" * (3 << 20))[1] == 404
    assert client.describe_vault(vaultName=vault)["VaultName"] == vault


def test_an_expecting_client_is_told_to_continue(emulator, vault, hashes, sign):
    """curl and the Java SDK wait for a 100 before they send a body."""

    path, data = f"/-/vaults/{vault}/archives", b"data"
    lines = [f"POST {path} HTTP/1.1", f"Content-Length: {len(data)}", "Expect: 100-continue"]
    lines += [f"{k}: {v}" for k, v in sign("POST", path, hashes(data), data).items()]
    where = urlsplit(emulator.url)
    with socket.create_connection((where.hostname, where.port), timeout=5) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(data)
        assert connection.recv(100).startswith(b"HTTP/1.1 201 Created")


def test_the_tree_hash_of_the_published_vectors_is_accepted(client, vault):
    """The vectors of the vendor's own clients."""
    data = b"abc" * 1_234_567
    expected = "5a245eddef1227623912286af0a6dd6f1a3cd67ad3d768c1490c2f8a0fafeca9"
    assert tree_hash(data) == expected
    assert client.upload_archive(vaultName=vault, body=data, checksum=expected)["checksum"] == expected
