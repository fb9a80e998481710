"""Signed requests that no client sends: each has an answer of the service's, never an internal error."""

import http.client
import json
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacier_magic.emulator import operations  # noqa: F401 - registers the operations
from glacier_magic.emulator.service import routes

MIB = 1 << 20
REGION = "ap-southeast-2"  # of this test alone, which sets policies of the account
RANGES = ["bytes 0-1/*", "bytes 0-1/2", "bytes 1-0/*", "bytes=0-1", "bytes=5-", "0-1048575", "1-0"]
NUMBERS = ["0", "-1", "1", "51", "1048576", "4294967296", "9" * 18, "9" * 19, "9" * 5000, "1e3", " 1"]
WORDS = ["", "x", "-", "..", "a/b", "%", "{}", "\x00", "ä", "😀", "²", "x" * 300, *NUMBERS, *RANGES]
GOOD = [
    {"Type": "archive-retrieval", "ArchiveId": "archive"},
    {"Type": "inventory-retrieval", "Format": "CSV"},
    {"Tags": {"a": "b"}},
    {"TagKeys": ["a"]},
    {"SNSTopic": "arn:aws:sns:us-east-1:123456789012:t", "Events": ["ArchiveRetrievalCompleted"]},
    {"Policy": '{"Version": "2012-10-17", "Statement": []}'},
    {"Policy": {"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": 1}]}},
]
MEMBERS = [
    *("Type", "ArchiveId", "Format", "Tier", "Description", "SNSTopic", "RetrievalByteRange", "Events"),
    *("InventoryRetrievalParameters", "StartDate", "EndDate", "Limit", "Marker", "Tags", "TagKeys"),
    *("Policy", "Rules", "Strategy", "BytesPerHour", "SelectParameters", "Statement", "Principal"),
]
HEADERS = [
    *("content-range", "range", "expect", "host", "x-amz-archive-description", "x-amz-archive-size"),
    *("x-amz-content-sha256", "x-amz-glacier-version", "x-amz-part-size", "x-amz-sha256-tree-hash"),
    *("x-amz-security-token", "date"),
]
QUERY = ["limit", "marker", "statuscode", "completed", "operation"]

words = st.sampled_from(WORDS) | st.text(max_size=8)
header_values = words.filter(lambda text: text.isascii() and text.isprintable())
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(MEMBERS) | words, inner, max_size=3)
        | inner.map(json.dumps)  # policies are JSON within JSON
    ),
    max_leaves=6,
)
changes = st.dictionaries(st.sampled_from(MEMBERS), values, max_size=2)
documents = st.builds(dict.__or__, st.sampled_from(GOOD), changes) | values
bodies = documents.map(lambda found: json.dumps(found).encode()) | st.binary(max_size=20)


@pytest.fixture(scope="module")
def known(emulator):
    """What exists, by the names in the routes."""
    client = emulator.client(REGION)
    client.create_vault(vaultName="odd")
    started = client.initiate_multipart_upload(vaultName="odd", partSize=str(MIB))
    archive = client.upload_archive(vaultName="odd", body=b"x")["archiveId"]
    parameters = {"Type": "archive-retrieval", "ArchiveId": archive}
    job = client.initiate_job(vaultName="odd", jobParameters=parameters)["jobId"]
    return {"vault": "odd", "upload": started["uploadId"], "archive": archive, "job": job}


@pytest.fixture(scope="module")
def line(emulator):
    connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=30)
    yield connection
    connection.close()


def rarely(good, odd):
    """Return a strategy that is *good* in three of four cases."""
    return st.integers(0, 3).flatmap(lambda drawn: odd if drawn == 0 else st.just(good))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(routes), st.data())
def test_no_signed_request_is_an_internal_error(line, sign, hashes, known, route, data):
    """Of any operation, with odd names, queries, headers and bodies."""
    names = ["-", *(known.get(word.removeprefix("*"), word) for word in route.pattern)]
    segments = [data.draw(rarely(name, words)) for name in names]
    query = data.draw(st.dictionaries(st.sampled_from(QUERY), words, max_size=2))
    given_query = urlencode(dict([route.query] if route.query else []) | query)
    path = f"/{'/'.join(quote(segment, safe='') for segment in segments)}?{given_query}"
    body = data.draw(bodies).replace(b'"archive"', f'"{known["archive"]}"'.encode())
    good = {
        "content-range": f"bytes 0-{len(body) - 1}/*",
        "x-amz-part-size": str(MIB),
        "x-amz-archive-size": "1",
    }
    odd = data.draw(rarely({}, st.dictionaries(st.sampled_from(HEADERS), header_values, max_size=2)))
    line.request(route.method, path, body, sign(route.method, path, hashes(body) | good | odd, body, REGION))
    answer = line.getresponse()
    text = answer.read()
    assert answer.status < 500, text
