"""Multipart uploads."""

import pytest

from glacier_magic.base.treehash import tree_hash

MIB = 1 << 20
DATA = bytes(range(256)) * 4096 * 3 + b"tail"


@pytest.fixture
def upload(client, vault):
    """Return the parameters that name a fresh upload with parts of 1 MiB."""
    started = client.initiate_multipart_upload(
        vaultName=vault, partSize=str(MIB), archiveDescription="in parts"
    )
    return {"vaultName": vault, "uploadId": started["uploadId"]}


@pytest.fixture
def send(client, upload):
    """Upload a piece of DATA as a part."""

    def send(start, end, data=None):
        piece = DATA[start:end] if data is None else data
        where = f"bytes {start}-{start + len(piece) - 1}/*"
        return client.upload_multipart_part(**upload, range=where, body=piece)

    return send


def complete(client, upload, size=None, digest=None):
    size, digest = size or len(DATA), digest or tree_hash(DATA)
    return client.complete_multipart_upload(**upload, archiveSize=str(size), checksum=digest)


def test_parts_in_any_order_become_one_archive(client, upload, send, retrieve):
    """The tree hash follows from the parts' hashes; the bytes come back as one."""
    for start in (3 * MIB, MIB, 0, 2 * MIB):
        answer = send(start, start + MIB)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert answer["checksum"] == tree_hash(DATA[start : start + MIB])
    done = complete(client, upload)
    assert done["checksum"] == tree_hash(DATA)
    assert done["location"].endswith(f"/archives/{done['archiveId']}")
    job = retrieve(upload["vaultName"], ArchiveId=done["archiveId"])
    output = client.get_job_output(vaultName=upload["vaultName"], jobId=job)
    assert output["body"].read() == DATA
    assert output["archiveDescription"] == "in parts"


def test_a_range_may_name_the_total(client, upload):
    """As glacier-upload sends it."""
    for start in range(0, len(DATA), MIB):
        piece = DATA[start : start + MIB]
        where = f"bytes {start}-{start + len(piece) - 1}/{len(DATA)}"
        client.upload_multipart_part(**upload, range=where, body=piece)
    assert complete(client, upload)["checksum"] == tree_hash(DATA)


def test_completing_again_gives_the_same_archive(client, upload, send):
    """The upload is no longer listed then, nor are its parts."""
    for start in range(0, len(DATA), MIB):
        send(start, start + MIB)
    first = complete(client, upload)["archiveId"]
    assert complete(client, upload)["archiveId"] == first
    assert client.list_multipart_uploads(vaultName=upload["vaultName"])["UploadsList"] == []


def test_a_completed_upload_has_no_parts_to_list_and_cannot_be_aborted(client, upload, send, refused):
    """Both are 404 then."""
    for start in range(0, len(DATA), MIB):
        send(start, start + MIB)
    complete(client, upload)
    expected = ("ResourceNotFoundException", 404, f"The upload ID was not found: {upload['uploadId']}")
    assert refused(client.list_parts, **upload) == expected
    assert refused(client.abort_multipart_upload, **upload) == expected


@pytest.mark.parametrize(
    ("starts", "wrong"),
    [
        ((0, 2 * MIB, 3 * MIB), {}),
        ((0, MIB, 2 * MIB), {}),
        ((0, MIB, 2 * MIB, 3 * MIB), {"size": len(DATA) - 1}),
        ((0, MIB, 2 * MIB, 3 * MIB), {"digest": "1" * 64}),
        ((), {}),
    ],
)
def test_a_gap_a_wrong_size_or_a_wrong_hash_keeps_the_upload_open(
    client, upload, send, refused, starts, wrong
):
    """Completion fails and can be tried again."""
    for start in starts:
        send(start, start + MIB)
    code, status, _ = refused(complete, client=client, upload=upload, **wrong)
    assert (code, status) == ("InvalidParameterValueException", 400)
    for start in range(0, len(DATA), MIB):
        send(start, start + MIB)
    assert complete(client, upload)["archiveId"]


def test_a_short_part_in_the_middle_is_accepted_and_completion_fails(client, upload, send, refused):
    """The service finds out at the end."""
    for start in range(0, len(DATA), MIB):
        send(start, start + MIB - 10)
    assert refused(complete, client=client, upload=upload)[1] == 400


def test_a_part_sent_again_replaces_the_first(client, upload, send):
    """The same range may carry other bytes the second time."""
    send(0, 0, b"a" * MIB)
    send(0, 0, b"b" * 10)
    assert client.list_parts(**upload)["Parts"] == [
        {"RangeInBytes": "0-9", "SHA256TreeHash": tree_hash(b"b" * 10)}
    ]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("bytes 0-4/*", "Content-Range: bytes 0-4/* is incompatible with Content-Length: 4"),
        ("bytes 9-3/*", "Invalid Content-Range: bytes 9-3/*"),
        ("bytes 5-8/*", "Invalid Content-Range: bytes 5-8/*"),
        ("0-3", "Invalid Content-Range: 0-3"),
        (f"bytes {10_000 * MIB}-{10_000 * MIB + 3}/*", None),
    ],
)
def test_a_range_that_does_not_fit_is_refused(client, upload, refused, where, message):
    """A part starts at a multiple of the part size and is as long as its body."""
    code, status, said = refused(client.upload_multipart_part, **upload, range=where, body=b"data")
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert message in (None, said)


def test_a_part_longer_than_the_part_size_is_refused(client, upload, refused):
    """No part may reach into the next."""
    where, body = f"bytes 0-{MIB}/*", b"x" * (MIB + 1)
    assert refused(client.upload_multipart_part, **upload, range=where, body=body)[1] == 400


@pytest.mark.parametrize("size", ["0", "1048575", "3145728", "8589934592", "x"])
def test_a_part_size_is_a_power_of_two_from_1_mib_to_4_gib(client, vault, refused, size):
    """The refusal repeats what was sent."""
    found = refused(client.initiate_multipart_upload, vaultName=vault, partSize=size)
    assert found == (
        "InvalidParameterValueException",
        400,
        f"Invalid part size: {size}. Part size must not be null, must be a power of two and be "
        "between 1048576 and 4294967296 bytes.",
    )


def test_an_unknown_upload_is_a_404(client, vault, refused):
    """The text names the id."""
    assert refused(client.list_parts, vaultName=vault, uploadId="nope") == (
        "ResourceNotFoundException",
        404,
        "The upload ID was not found: nope",
    )


def test_aborting_twice_is_fine_and_ends_the_upload(client, upload, send, refused):
    """An aborted upload takes no more parts."""
    send(0, 10)
    client.abort_multipart_upload(**upload)
    client.abort_multipart_upload(**upload)
    assert refused(send, start=0, end=10)[1] == 404


def test_an_upload_expires_after_a_day_without_activity(client, emulator, upload, send, refused):
    """A part puts the end off."""
    emulator.advance(hours=23)
    send(0, 10)
    emulator.advance(hours=23)
    assert client.list_parts(**upload)["Parts"]
    emulator.advance(hours=1)
    assert refused(client.list_parts, **upload)[1] == 404
    assert client.list_multipart_uploads(vaultName=upload["vaultName"])["UploadsList"] == []


def test_parts_are_listed_by_range_in_pages(client, upload, send):
    """The marker has the length of the service's."""
    for start in (2 * MIB, 0, MIB):
        send(start, start + MIB)
    first = client.list_parts(**upload, limit="2")
    assert [part["RangeInBytes"] for part in first["Parts"]] == ["0-1048575", "1048576-2097151"]
    assert len(first["Marker"]) == 50
    second = client.list_parts(**upload, limit="2", marker=first["Marker"])
    assert [part["RangeInBytes"] for part in second["Parts"]] == ["2097152-3145727"]
    assert "Marker" not in second
    assert len(client.list_parts(**upload, limit="1000")["Parts"]) == 3
    assert first["ArchiveDescription"] == "in parts"
    assert first["PartSizeInBytes"] == MIB


def test_uploads_are_listed_in_pages_with_a_null_description(client, raw, vault):
    """The marker is the id of the next upload."""
    started = [
        client.initiate_multipart_upload(vaultName=vault, partSize=str(MIB))["uploadId"] for _ in range(3)
    ]
    first = raw("GET", f"/-/vaults/{vault}/multipart-uploads?limit=2").json
    assert [found["MultipartUploadId"] for found in first["UploadsList"]] == started[:2]
    assert first["UploadsList"][0]["ArchiveDescription"] is None
    assert first["Marker"] == started[2]
    assert len(raw("GET", f"/-/vaults/{vault}/multipart-uploads?limit=1000").json["UploadsList"]) == 3
    pages = client.get_paginator("list_multipart_uploads").paginate(
        vaultName=vault, PaginationConfig={"PageSize": 1}
    )
    assert len(list(pages)) == 3
