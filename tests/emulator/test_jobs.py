"""Retrieval jobs and their output."""

import hashlib

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacier_magic.base.treehash import is_tree_hash_aligned, tree_hash

MIB = 1 << 20
DATA = b"".join(hashlib.shake_128(bytes([number])).digest(MIB) for number in range(6)) + b"end"
KEYS = [
    "Action",
    "ArchiveId",
    "ArchiveSHA256TreeHash",
    "ArchiveSizeInBytes",
    "Completed",
    "CompletionDate",
    "CreationDate",
    "InventoryRetrievalParameters",
    "InventorySizeInBytes",
    "JobDescription",
    "JobId",
    "RetrievalByteRange",
    "SHA256TreeHash",
    "SNSTopic",
    "StatusCode",
    "StatusMessage",
    "Tier",
    "VaultARN",
]


@pytest.fixture(scope="module")
def stored(client, multipart):
    """Return the vault and the id of an archive of DATA."""
    client.create_vault(vaultName="stored")
    return "stored", multipart("stored", DATA)


def ask(client, vault, **parameters):
    parameters = {"Type": "archive-retrieval"} | parameters
    return client.initiate_job(vaultName=vault, jobParameters=parameters)


def fetch(client, vault, job, where=None):
    asked = {} if where is None else {"range": where}
    output = client.get_job_output(vaultName=vault, jobId=job, **asked)
    return output, output["body"].read()


def test_a_job_is_accepted_with_id_and_location(client, emulator, stored):
    """Status 202, no body."""
    vault, archive = stored
    answer = ask(client, vault, ArchiveId=archive)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert len(answer["jobId"]) == 92
    assert answer["location"] == f"/{emulator.account}/vaults/{vault}/jobs/{answer['jobId']}"


def test_a_job_has_every_key_in_alphabetical_order_with_nulls(client, raw, stored):
    """As in every real sample."""
    vault, archive = stored
    job = ask(client, vault, ArchiveId=archive)["jobId"]
    found = raw("GET", f"/-/vaults/{vault}/jobs/{job}").json
    assert list(found) == KEYS
    assert found["CompletionDate"] is None
    assert found["InventoryRetrievalParameters"] is None
    assert found["RetrievalByteRange"] == f"0-{len(DATA) - 1}"
    assert found["ArchiveSHA256TreeHash"] == found["SHA256TreeHash"] == tree_hash(DATA)
    assert (found["Tier"], found["StatusMessage"]) == ("Standard", "Operation in progress.")


@pytest.mark.parametrize(("tier", "seconds"), [("Expedited", 180), ("Standard", 14400), ("Bulk", 28800)])
def test_a_job_completes_exactly_when_its_tier_says(client, emulator, stored, tier, seconds):
    """Neither a millisecond earlier nor later."""
    vault, archive = stored
    job = ask(client, vault, ArchiveId=archive, Tier=tier)["jobId"]
    emulator.advance(seconds - 0.001)
    found = client.describe_job(vaultName=vault, jobId=job)
    assert (found["Completed"], found["StatusCode"]) == (False, "InProgress")
    emulator.advance(0.001)
    found = client.describe_job(vaultName=vault, jobId=job)
    assert (found["Completed"], found["StatusCode"]) == (True, "Succeeded")
    assert found["StatusMessage"] == "Succeeded"


def test_output_is_refused_before_completion_and_gone_a_day_after(client, emulator, stored, refused):
    """The job itself goes with its output."""
    vault, archive = stored
    job = ask(client, vault, ArchiveId=archive)["jobId"]
    assert refused(client.get_job_output, vaultName=vault, jobId=job) == (
        "InvalidParameterValueException",
        400,
        f"The job is not currently available for download: {job}",
    )
    emulator.advance(hours=28, seconds=-0.001)
    assert fetch(client, vault, job)[1] == DATA
    emulator.advance(0.001)
    gone = ("ResourceNotFoundException", 404, f"The job ID was not found: {job}")
    assert refused(client.get_job_output, vaultName=vault, jobId=job) == gone
    assert refused(client.describe_job, vaultName=vault, jobId=job) == gone
    assert job not in [found["JobId"] for found in client.list_jobs(vaultName=vault)["JobList"]]


def test_a_whole_output_comes_with_its_hash_and_description(client, stored, retrieve):
    """Status 200, ranges offered."""
    vault, archive = stored
    output, data = fetch(client, vault, retrieve(vault, ArchiveId=archive))
    assert data == DATA
    assert output["status"] == 200
    assert output["checksum"] == tree_hash(DATA)
    assert output["acceptRanges"] == "bytes"
    assert output["contentType"] == "application/octet-stream"
    assert "contentRange" not in output


def test_a_range_of_a_ranged_job_counts_from_the_retrieved_range(client, stored, retrieve):
    """Bytes 0 to 9 of a job for [2 MiB, 4 MiB) are the archive's from 2 MiB on."""
    vault, archive = stored
    asked = f"{2 * MIB}-{4 * MIB - 1}"
    job = retrieve(vault, ArchiveId=archive, RetrievalByteRange=asked)
    described = client.describe_job(vaultName=vault, jobId=job)
    assert described["RetrievalByteRange"] == asked
    assert described["SHA256TreeHash"] == tree_hash(DATA[2 * MIB : 4 * MIB])
    output, data = fetch(client, vault, job, "bytes=0-9")
    assert data == DATA[2 * MIB : 2 * MIB + 10]
    assert output["status"] == 206
    assert output["contentRange"] == f"bytes 0-9/{2 * MIB}"
    assert "checksum" not in output


def test_a_ranged_job_off_the_tree_has_no_hash_anywhere(client, raw, stored, retrieve):
    """[1 MiB, 3 MiB) is no node, so none of its parts gets a checksum."""
    vault, archive = stored
    job = retrieve(vault, ArchiveId=archive, RetrievalByteRange=f"{MIB}-{3 * MIB - 1}")
    assert raw("GET", f"/-/vaults/{vault}/jobs/{job}").json["SHA256TreeHash"] is None
    assert "checksum" not in fetch(client, vault, job)[0]
    assert "checksum" not in fetch(client, vault, job, f"bytes=0-{MIB - 1}")[0]


def test_an_end_past_the_data_is_clamped_and_a_start_past_it_refused(client, stored, retrieve, refused):
    """With 400, where HTTP has 416."""
    vault, archive = stored
    job = retrieve(vault, ArchiveId=archive)
    output, data = fetch(client, vault, job, f"bytes={6 * MIB}-{9 * MIB}")
    assert data == b"end"
    assert output["contentRange"] == f"bytes {6 * MIB}-{len(DATA) - 1}/{len(DATA)}"
    where = f"bytes={len(DATA)}-{len(DATA) + 5}"
    assert refused(client.get_job_output, vaultName=vault, jobId=job, range=where) == (
        "InvalidParameterValueException",
        400,
        f"The start of the range is larger than size of retrieved data: {where}",
    )


def test_a_range_in_the_wrong_syntax_is_ignored(client, stored, retrieve):
    """The whole output comes instead."""
    vault, archive = stored
    output, data = fetch(client, vault, retrieve(vault, ArchiveId=archive), "bytes 0-9/10")
    assert (output["status"], data) == (200, DATA)


@pytest.fixture(scope="module")
def ready(client, stored, retrieve):
    vault, archive = stored
    return vault, retrieve(vault, ArchiveId=archive)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=st.integers(0, 6), count=st.integers(1, 7), shift=st.sampled_from([0, 0, 0, 1]))
def test_the_tree_hash_header_comes_exactly_for_aligned_ranges(client, ready, first, count, shift):
    """And is then the tree hash of the bytes."""
    vault, job = ready
    start, end = first * MIB + shift, min((first + count) * MIB, len(DATA)) - 1
    if start > end:
        return
    output, data = fetch(client, vault, job, f"bytes={start}-{end}")
    assert data == DATA[start : end + 1]
    aligned = is_tree_hash_aligned(start, end, len(DATA))
    assert output.get("checksum") == (tree_hash(data) if aligned else None)


@pytest.mark.parametrize(
    "asked", ["1-1048576", "0-1048576", "1048576-0", f"0-{len(DATA)}", "all", f"0-{len(DATA) - 2}"]
)
def test_a_retrieval_range_off_the_mebibytes_is_refused(client, stored, refused, asked):
    """Both borders lie on whole MiB, or the range ends with the archive."""
    vault, archive = stored
    found = refused(ask, client=client, vault=vault, ArchiveId=archive, RetrievalByteRange=asked)
    assert found[:2] == ("InvalidParameterValueException", 400)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"Type": "nonsense"}, ("InvalidParameterValueException", 400)),
        ({"Type": "select"}, ("InvalidParameterValueException", 400)),
        ({}, ("MissingParameterValueException", 400)),
        ({"Type": "archive-retrieval"}, ("MissingParameterValueException", 400)),
        ({"Type": "archive-retrieval", "ArchiveId": "x"}, ("ResourceNotFoundException", 404)),
        (
            {"Type": "archive-retrieval", "ArchiveId": "x", "Tier": "Slow"},
            ("InvalidParameterValueException", 400),
        ),
        ({"Type": "inventory-retrieval", "ArchiveId": "x"}, ("InvalidParameterValueException", 400)),
        ({"Type": "inventory-retrieval", "Format": "XML"}, ("InvalidParameterValueException", 400)),
        ({"Type": "inventory-retrieval"}, ("ResourceNotFoundException", 404)),
        ({"Type": "inventory-retrieval", "Description": "é"}, ("InvalidParameterValueException", 400)),
    ],
)
def test_a_wrong_job_is_refused(client, vault, refused, parameters, expected):
    """Select among them; an inventory that was never made is a 404."""
    found = refused(client.initiate_job, vaultName=vault, jobParameters=parameters)
    assert found[:2] == expected


def test_nulls_for_unused_fields_and_any_content_type_are_fine(raw, stored):
    """As in the documentation's own example."""
    vault, archive = stored
    body = (
        b'{"Type":"archive-retrieval","ArchiveId":"' + archive.encode() + b'","Format":null,'
        b'"InventoryRetrievalParameters":null,"SNSTopic":null,"Description":null,"Tier":null}'
    )
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert raw("POST", f"/-/vaults/{vault}/jobs", form, body).status == 202


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff"])
def test_malformed_json_is_a_serialization_exception(raw, vault, body):
    """Status 400."""
    answer = raw("POST", f"/-/vaults/{vault}/jobs", {}, body)
    assert (answer.status, answer.json["code"]) == (400, "SerializationException")


def test_jobs_are_listed_in_pages_and_by_status(client, emulator, refused, vault):
    """The marker is a job id."""
    archive = client.upload_archive(vaultName=vault, body=b"x")["archiveId"]
    old = [ask(client, vault, ArchiveId=archive)["jobId"] for _ in range(2)]
    emulator.advance(hours=4)
    new = ask(client, vault, ArchiveId=archive, Description="new", Tier="Bulk")["jobId"]

    def listed(**filters):
        return [job["JobId"] for job in client.list_jobs(vaultName=vault, **filters)["JobList"]]

    assert listed() == [*old, new]
    assert listed(completed="true") == listed(statuscode="Succeeded") == old
    assert listed(completed="false") == listed(statuscode="InProgress") == [new]
    assert listed(statuscode="Failed") == listed(completed="false", statuscode="Succeeded") == []
    first = client.list_jobs(vaultName=vault, limit="2")
    assert first["Marker"] == new
    assert listed(marker=first["Marker"]) == [new]
    assert refused(client.list_jobs, vaultName=vault, statuscode="finished") == (
        "InvalidParameterValueException",
        400,
        "The job status code is not valid: finished",
    )
    assert listed(limit="1000") == [*old, new]


def test_deleting_fails_a_running_retrieval_and_spares_a_finished_one(client, emulator, vault):
    """The finished output stays until it expires."""
    archive = client.upload_archive(vaultName=vault, body=b"bytes")["archiveId"]
    done = ask(client, vault, ArchiveId=archive)["jobId"]
    emulator.advance(hours=4)
    running = ask(client, vault, ArchiveId=archive)["jobId"]
    client.delete_archive(vaultName=vault, archiveId=archive)
    late = ask(client, vault, ArchiveId=archive)["jobId"]
    assert client.describe_job(vaultName=vault, jobId=running)["StatusCode"] == "InProgress"
    emulator.advance(hours=4)
    for job in (running, late):
        assert client.describe_job(vaultName=vault, jobId=job)["StatusCode"] == "Failed"
        with pytest.raises(ClientError, match="not currently available"):
            client.get_job_output(vaultName=vault, jobId=job)
    assert fetch(client, vault, done)[1] == b"bytes"
    emulator.advance(days=1)
    with pytest.raises(ClientError, match="archive ID was not found"):
        ask(client, vault, ArchiveId=archive)


def test_jobs_belong_to_one_vault(client, ready, vault, refused):
    """Another vault does not know the id."""
    _, job = ready
    assert refused(client.describe_job, vaultName=vault, jobId=job)[1] == 404
