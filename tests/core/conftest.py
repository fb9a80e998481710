"""What tests of requests over virtual days share."""

import time

import pytest

from glacier_magic.base.units import parse_time

PATIENCE = 30.0


@pytest.fixture
def soon(monkeypatch):
    """Let the tracker ask, and look, as soon as something is due."""
    from glacier_magic.jobs import tracker

    monkeypatch.setattr(tracker, "ASK_AGAIN", 0.02)
    monkeypatch.setattr(tracker, "IDLE", 0.1)
    monkeypatch.setattr(tracker, "RATE_SETTLES", 0.0)


@pytest.fixture
def until():
    """Wait for what a thread does."""

    def until(condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.01)

    return until


@pytest.fixture
def settle(until):
    """Wait until all is done of a batch that can be at this moment of the emulator's."""

    def settled(snapshot):
        rows = [r for r in snapshot.rows if r.state == "in progress"]
        late = [r for r in rows if r.expected is None or r.expected <= snapshot.now]
        return not late and snapshot.count("requested", "ready", "downloading") == 0

    return lambda batch: until(lambda: settled(batch.snapshot))


@pytest.fixture
def policy(client):
    """Set the account's data retrieval policy; at the end there is none."""

    def policy(strategy, allowed=None):
        rule = {"Strategy": strategy} | ({} if allowed is None else {"BytesPerHour": allowed})
        client.set_data_retrieval_policy(Policy={"Rules": [rule]})

    yield policy
    policy("None")


@pytest.fixture
def asked(client):
    """Return when each archive was asked for, by the service: (milliseconds, archive id)."""

    def asked(vault="photos"):
        pages = client.get_paginator("list_jobs").paginate(vaultName=vault)
        return sorted(
            (parse_time(job["CreationDate"]), job["ArchiveId"]) for page in pages for job in page["JobList"]
        )

    return asked
