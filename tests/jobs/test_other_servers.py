"""Servers that keep none of the service's hours: moto's, and one whose jobs are done at once."""

import json
import time
from datetime import UTC, datetime
from secrets import token_urlsafe

import pytest

import glacier_magic as gm
from glacier_magic.base.session_limits import USUAL
from glacier_magic.base.treehash import tree_hash
from glacier_magic.service import Connection
from tests.answering import Answer, answering, passed_on
from tests.conftest import PATIENCE

ARN = "arn:aws:glacier:us-east-1:123456789012:vaults/photos"
NOW = {"CreationDate": "2026-01-02T03:04:05.000Z", "VaultARN": ARN, "VaultName": "photos"}


class AtOnce:
    """As little of the service as a restore and an inventory need; each job is done when it is asked for."""

    def __init__(self):
        self.archives, self.jobs, self.asked = {}, {}, []

    def __call__(self, request):
        *_, last = request.path.partition("?")[0].split("/")
        self.asked.append(f"{request.method} {last}")
        if last == "archives":
            archive = token_urlsafe(103)
            self.archives[archive] = (request.body, request.headers["x-amz-archive-description"])
            tree = request.headers["x-amz-sha256-tree-hash"]
            return Answer(201, b"", {"x-amz-archive-id": archive, "x-amz-sha256-tree-hash": tree})
        if last == "jobs" and request.method == "POST":
            return self.started(json.loads(request.body))
        if last == "jobs":
            listed = [job for job, _ in self.jobs.values()]
            return Answer(200, json.dumps({"JobList": listed, "Marker": None}).encode())
        if last == "output":
            return Answer(200, self.jobs[request.path.split("/")[-2]][1])
        if last == "vaults":
            return Answer(200, json.dumps({"VaultList": [NOW], "Marker": None}).encode())
        return Answer(200, json.dumps(NOW).encode())

    def started(self, asked):
        job, now = token_urlsafe(69), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
        record = {
            "JobId": job,
            "CreationDate": now,
            "CompletionDate": now,
            "Completed": True,
            "VaultARN": ARN,
        }
        record |= {
            "StatusCode": "Succeeded",
            "JobDescription": asked["Description"],
            "Tier": asked.get("Tier"),
        }
        if archive := asked.get("ArchiveId"):
            output = self.archives[archive][0]
            record |= {"Action": "ArchiveRetrieval", "ArchiveId": archive, "ArchiveSizeInBytes": len(output)}
            record |= {"SHA256TreeHash": tree_hash(output)}
        else:
            rows = [
                {
                    "ArchiveId": archive,
                    "ArchiveDescription": description,
                    "CreationDate": now,
                    "Size": len(body),
                    "SHA256TreeHash": tree_hash(body),
                }
                for archive, (body, description) in self.archives.items()
            ]
            output = json.dumps({"VaultARN": ARN, "InventoryDate": now, "ArchiveList": rows}).encode()
            record |= {"Action": "InventoryRetrieval", "InventorySizeInBytes": len(output)}
        self.jobs[job] = (record, output)
        return Answer(202, b"", {"x-amz-job-id": job})


@pytest.fixture
def session_at(monkeypatch, tmp_path, moto):
    """Connect to a server with an address, as ``--endpoint-url`` does."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto)
    opened = []

    def session_at(url, limits):
        connection = Connection(endpoint_url=url, region="us-east-1")
        opened.append(gm.Session(connection, catalogue=tmp_path / "other.sqlite", limits=limits))
        return opened[-1]

    yield session_at
    for session in opened:
        session.close()


SOON = {"first_look": 0.05, "tick": 0.02, "idle": 0.1}


def carried_through(session, folder, tier):
    """Upload a file, request it and the vault's inventory, and wait for both."""
    (folder / "a.txt").write_bytes(b"content" * 100)
    vault = session.create_vault("photos")
    vault.upload(folder / "a.txt")
    batch = vault.restore("a.txt", tier=tier, to=folder / "back").run()
    assert list(vault.refresh_inventory().result(PATIENCE)["name"]) == ["a.txt"]
    batch.wait(PATIENCE)
    assert (folder / "back" / "a.txt").read_bytes() == b"content" * 100
    assert batch.snapshot.count("verified") == 1


@pytest.mark.limits(**SOON)
def test_a_server_that_answers_at_once_is_not_waited_for(session_at, limits, tmp_path):
    """Hours are what the service takes at least; each job is asked for once, and looked at a few times."""
    service = AtOnce()
    with answering(service) as url:
        carried_through(session_at(url, limits), tmp_path, "bulk")
    assert service.asked.count("POST jobs") == 2
    assert service.asked.count("GET jobs") <= 8
    assert not [asked for asked in service.asked if len(asked) > 50]  # DescribeJob


def test_the_board_says_that_it_looks_soon(session_at, tmp_path):
    """Once some seconds after the request, whatever the tier."""
    with answering(AtOnce()) as url:
        session = session_at(url, USUAL)
        session.tracker.background = False
        vault = session.vault("photos")
        (tmp_path / "a.txt").write_bytes(b"a")
        vault.upload(tmp_path / "a.txt")
        vault.restore("a.txt", tier="bulk", to=tmp_path / "back").run()
        steps = session.tracker.snapshots()
        snapshot = next(steps)
        steps.close()
        assert 0 <= (snapshot.next_check - snapshot.now).total_seconds() <= 1.1 * USUAL.first_look


@pytest.fixture
def utc(monkeypatch):
    """Let moto, which sends local times as UTC, be right."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.limits(**SOON | {"first_look": 0.12})  # 60 times of it: more than the five seconds of moto's
@pytest.mark.usefixtures("empty_moto", "utc")
def test_an_archive_is_stored_listed_and_restored_at_moto(session_at, limits, tmp_path, moto):
    """Its jobs take seconds.  It says that every inventory has 10,000 bytes, which is put right."""

    def right(request):
        answer = passed_on(moto, request)
        if request.method == "GET" and request.path.endswith("/jobs"):
            found = json.loads(answer.body)
            for job in found["JobList"]:
                if job["Action"] == "InventoryRetrieval" and job["Completed"]:
                    request.path = f"/-/vaults/photos/jobs/{job['JobId']}/output"
                    job["InventorySizeInBytes"] = len(passed_on(moto, request).body)
            answer.body = json.dumps(found).encode()
        return answer

    with answering(right) as url:
        carried_through(session_at(url, limits), tmp_path, "expedited")
