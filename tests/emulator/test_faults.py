"""Faults on demand."""

import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError

from glacier_magic import emulator as process

DATA = bytes(range(256)) * 4096 * 3


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("408", "RequestTimeoutException", 408),
        ("500", "ServiceUnavailableException", 500),
        ("503", "ServiceUnavailableException", 503),
        ("throttling", "ThrottlingException", 400),
        ("expired-token", "ExpiredTokenException", 403),
        ("access-denied", "AccessDeniedException", 403),
        ("insufficient-capacity", "InsufficientCapacityException", 503),
        ("no-longer-supported", "NoLongerSupportedException", 400),
    ],
)
def test_an_error_answer_comes_as_often_as_asked(client, fault, refused, kind, code, status):
    """Then everything works again."""
    fault(kind, "ListVaults", times=2)
    for _ in range(2):
        assert refused(client.list_vaults)[:2] == (code, status)
    client.list_vaults()


def test_a_fault_hits_only_its_operation(client, fault, vault, refused):
    """A star hits all."""
    fault("500", "DescribeVault")
    client.list_vaults()
    assert refused(client.describe_vault, vaultName=vault)[1] == 500
    fault("500")
    assert refused(client.list_vaults)[1] == 500


def test_a_probability_repeats_under_its_seed(client, emulator, fault):
    """About half of the calls fail, the same ones each time."""

    def outcomes():
        fault("throttling", "ListVaults", probability=0.5, seed=7)
        found = []
        for _ in range(20):
            try:
                client.list_vaults()
                found.append(True)
            except ClientError:
                found.append(False)
        emulator.clear_faults()
        return found

    first = outcomes()
    assert first == outcomes()
    assert 3 < sum(first) < 17


def test_status_shows_what_can_still_strike(emulator, fault):
    """And how often it has."""
    fault("500", "ListVaults", times=3)
    (shown,) = emulator.status()["faults"]
    assert (shown["kind"], shown["times"], shown["struck"]) == ("500", 3, 0)


@pytest.mark.parametrize("spec", [{"kind": "nonsense"}, {"kind": "500", "probability": 2}])
def test_a_fault_that_makes_no_sense_is_an_error(emulator, spec):
    """The sentence names what there is."""
    with pytest.raises(process.EmulatorError):
        process.add_fault(emulator.folder, **spec)


@pytest.mark.parametrize("kind", ["reset-before", "reset-during", "reset-after"])
def test_a_reset_upload_is_stored_only_if_the_reset_came_after(client, emulator, fault, vault, kind):
    """The dangerous one: the archive is there and the client does not know."""
    before = emulator.status()["archives"]
    fault(kind, "UploadArchive")
    with pytest.raises(ConnectionClosedError):
        client.upload_archive(vaultName=vault, body=DATA)
    assert emulator.status()["archives"] - before == (kind == "reset-after")


@pytest.fixture(scope="module")
def ready(client, multipart, retrieve):
    client.create_vault(vaultName="faults")
    return {"vaultName": "faults", "jobId": retrieve("faults", ArchiveId=multipart("faults", DATA))}


@pytest.mark.parametrize("kind", ["truncate", "reset-during"])
def test_a_download_breaks_off_half_way(client, fault, ready, kind):
    """The length was announced, so every client notices."""
    fault(kind, "GetJobOutput")
    output = client.get_job_output(**ready)
    with pytest.raises(BotoCoreError):
        output["body"].read()
    output["body"].close()
    assert client.get_job_output(**ready)["body"].read() == DATA


def test_one_flipped_byte_leaves_all_else_as_it_was(client, fault, ready):
    """Only the tree hash tells."""
    fault("flip", "GetJobOutput", seed=3)
    data = client.get_job_output(**ready)["body"].read()
    assert sum(a != b for a, b in zip(data, DATA, strict=True)) == 1


def test_a_trickle_takes_its_time(client, fault, ready):
    """The body takes at least as long as its rate requires."""
    fault("trickle", "GetJobOutput", rate=10_000)
    started = time.monotonic()
    output = client.get_job_output(**ready, range="bytes=0-4999")
    assert output["body"].read() == DATA[:5000]
    assert time.monotonic() - started > 0.4  # no upper bound: the machine may be busy


def test_a_job_can_be_made_to_fail_or_expire_early(client, fault, retrieve, multipart, refused):
    """Decided when it is initiated, visible when it is complete."""
    archive = multipart("faults", b"x")
    fault("job-failed")
    failed = retrieve("faults", ArchiveId=archive)
    assert client.describe_job(vaultName="faults", jobId=failed)["StatusCode"] == "Failed"
    fault("job-expired")
    expired = retrieve("faults", ArchiveId=archive)
    assert refused(client.describe_job, vaultName="faults", jobId=expired)[1] == 404
