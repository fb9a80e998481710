"""HTTP itself, byte by byte."""

import io
import socket
import time
from urllib.parse import urlsplit

import pytest

from glacier_magic.emulator import service_errors
from glacier_magic.emulator.http import Response, json_response, read_request
from glacier_magic.emulator.testing import running


def parse(text):
    wire = text.replace("\n", "\r\n").encode("latin-1")
    return read_request(io.BufferedReader(io.BytesIO(wire)), lambda: None)


def test_names_are_lowered_values_stripped_and_repeats_joined():
    """As the signature sees them."""
    found = parse("GET / HTTP/1.1\nX-One:  a \nx-one: b\n\n")
    assert found.headers == {"x-one": "a,b"}


def test_paths_and_queries_are_decoded_once():
    """A percent sign may be data."""
    found = parse("GET /-/vaults/a%2Fb%2525?limit=2&marker=a+b%2B&flag HTTP/1.1\n\n")
    assert found.segments() == ("-", "vaults", "a/b%25")
    assert found.query == {"limit": "2", "marker": "a b+", "flag": ""}


def test_a_proxys_absolute_form_is_the_same_request():
    """The host in the request line is of no use here."""
    assert parse("GET http://glacier.us-east-1.amazonaws.com/-/vaults HTTP/1.1\n\n").path == "/-/vaults"
    assert parse("GET http://glacier HTTP/1.1\n\n").path == "/"


@pytest.mark.parametrize(
    ("text", "keeps"),
    [
        ("GET / HTTP/1.1\n\n", True),
        ("GET / HTTP/1.1\nConnection: close\n\n", False),
        ("GET / HTTP/1.0\n\n", False),
        ("GET / HTTP/1.0\nConnection: keep-alive\n\n", True),
    ],
)
def test_connections_are_kept_as_the_version_says(text, keeps):
    """Unless the client says otherwise."""
    assert parse(text).keep_alive is keeps


@pytest.mark.parametrize(
    "text",
    [
        "GET\n\n",
        "GET / HTTP/2\n\n",
        "GET / HTTP/1.1\nno colon\n\n",
        "GET / HTTP/1.1\nContent-Length: -1\n\n",
        "GET / HTTP/1.1\nContent-Length: 1x\n\n",
        f"GET / HTTP/1.1\nContent-Length: {'9' * 5000}\n\n",
        "PUT / HTTP/1.1\nTransfer-Encoding: chunked\n\n",
        "GET / HTTP/1.1\n" + "x: y\n" * 300 + "\n",
        "GET / HTTP/1.1\nx: y",
    ],
)
def test_what_is_not_http_is_refused(text):
    """Chunked bodies too: the service wants a length."""
    with pytest.raises(service_errors.ServiceError):
        parse(text)


def test_a_closed_connection_is_no_request():
    """Blank lines before the next request are skipped."""
    assert parse("") is None
    assert parse("\n\nGET / HTTP/1.1\n\n").method == "GET"


def test_a_body_that_ends_early_is_a_reset():
    """Never a short body."""
    with pytest.raises(ConnectionResetError):
        parse("PUT / HTTP/1.1\nContent-Length: 5\n\nabc").body.read()


def test_a_document_may_be_asked_for_twice():
    """Once for the signature, once for the operation."""
    found = parse('PUT / HTTP/1.1\nContent-Length: 9\n\n{"a":"b"}')
    assert found.body.read() == b'{"a":"b"}'
    assert found.json() == {"a": "b"}


def test_a_huge_document_is_not_read():
    """No operation has more than a megabyte of JSON."""
    with pytest.raises(service_errors.ServiceError, match="too long"):
        parse("PUT / HTTP/1.1\nContent-Length: 99999999\n\n").json()


def test_answers_have_a_length_and_compact_sorted_json():
    """In one line."""
    answer = json_response({"b": None, "a": [1, "é"]})
    assert answer.body == b'{"a":[1,"\\u00e9"],"b":null}'
    assert b"Content-Length: 27\r\n" in answer.head(close=False)
    assert Response(201).head(close=True).endswith(b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    assert b"Content-Length" not in Response(204).head(close=False)  # RFC 9110, 8.6


@pytest.fixture
def line(emulator):
    where = urlsplit(emulator.url)
    with socket.create_connection((where.hostname, where.port), timeout=5) as connection:
        yield connection


def test_requests_sent_ahead_are_answered_in_order(line, sign):
    """Pipelined on one connection."""
    requests = []
    for number in range(3):
        path = f"/-/vaults/pipeline-{number}"
        head = "".join(f"{k}: {v}\r\n" for k, v in sign("GET", path).items())
        requests.append(f"GET {path} HTTP/1.1\r\n{head}\r\n")
    line.sendall("".join(requests).encode())
    text = b""
    while text.count(b"pipeline-") < 3:
        text += line.recv(65536)
    assert [text.index(b"pipeline-%d" % number) for number in range(3)] == sorted(
        text.index(b"pipeline-%d" % number) for number in range(3)
    )


def test_nonsense_is_answered_and_the_connection_closed(line):
    """With the service's own shape of an error."""
    line.sendall(b"nonsense\r\n\r\n")
    text = line.recv(65536)
    while more := line.recv(65536):
        text += more
    assert text.startswith(b"HTTP/1.1 400 Bad Request")
    assert b'"code":"BadRequest"' in text
    assert b"x-amzn-RequestId: " in text


def test_a_length_of_five_thousand_digits_is_answered(line):
    line.sendall(b"PUT /-/vaults/v HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n")
    text = line.recv(65536)
    while more := line.recv(65536):
        text += more
    assert text.startswith(b"HTTP/1.1 400 Bad Request")
    assert b'"message":"Invalid Content-Length: 999' in text


def test_no_content_leaves_the_connection_open(line, sign, vault):
    """Without a length, and without a body: what follows is the next response."""
    requests = [("DELETE", f"/-/vaults/{vault}"), ("GET", f"/-/vaults/{vault}")]
    for method, path in requests:
        head = "".join(f"{name}: {value}\r\n" for name, value in sign(method, path).items())
        line.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode())
    text = b""
    while b"Vault not found" not in text:
        text += line.recv(65536)
    first, _, second = text.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert b"Content-Length" not in first
    assert second.startswith(b"HTTP/1.1 404")


def test_an_expecting_client_that_is_refused_keeps_its_body(line, sign):
    """No 100, the answer, and the end of the connection."""
    path = "/-/vaults/nowhere/archives"
    headers = sign("POST", path, {"x-amz-content-sha256": "0" * 64})
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    expecting = "Expect: 100-continue\r\nContent-Length: 1000000\r\n"
    line.sendall(f"POST {path} HTTP/1.1\r\n{head}{expecting}\r\n".encode())
    text = line.recv(65536)
    while more := line.recv(65536):
        text += more
    assert text.startswith(b"HTTP/1.1 404 Not Found")
    assert b"Connection: close" in text


def test_latency_holds_every_answer_of_the_service_back(tmp_path):
    with running(tmp_path / "data", extra=["--latency=80"]) as emulator:
        began = time.monotonic()
        emulator.client("us-east-1").list_vaults()
        assert time.monotonic() - began >= 0.08
