"""A finished job reaches a queue through moto's SNS and SQS, as it would through Amazon's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from glacier_magic.emulator.testing import running

KEYS = {"aws_access_key_id": "emulator", "aws_secret_access_key": "emulator", "region_name": "us-east-1"}


@pytest.fixture
def moto() -> Iterator[str]:
    """The address of a moto server of this test's own."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def messages(queue: Any, address: str, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for _ in range(40):
        answer = queue.receive_message(QueueUrl=address, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        found += [json.loads(m["Body"]) for m in answer.get("Messages", [])]
        if len(found) >= count:
            break
    return found


def test_the_vaults_and_the_jobs_topic_both_get_the_documented_message(
    moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is the job object, with null for what does not apply; the environment has no effect."""
    topics = boto3.client("sns", endpoint_url=moto, **KEYS)
    queues = boto3.client("sqs", endpoint_url=moto, **KEYS)
    queue = queues.create_queue(QueueName="done")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arns = {}
    for name in ("of-the-vault", "of-the-job"):
        arns[name] = topics.create_topic(Name=name)["TopicArn"]
        topics.subscribe(TopicArn=arns[name], Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
    for variable, value in {"http_proxy": "http://127.0.0.1:9", "AWS_PROFILE": "gone"}.items():
        monkeypatch.setenv(variable, value)
    with running(tmp_path / "data", extra=["--sns-endpoint", moto]) as emulator:
        glacier = emulator.client()
        glacier.create_vault(vaultName="v")
        glacier.set_vault_notifications(
            vaultName="v",
            vaultNotificationConfig={
                "SNSTopic": arns["of-the-vault"],
                "Events": ["ArchiveRetrievalCompleted"],
            },
        )
        archive = glacier.upload_archive(vaultName="v", body=b"data")["archiveId"]
        job = glacier.initiate_job(
            vaultName="v",
            jobParameters={"Type": "archive-retrieval", "ArchiveId": archive, "SNSTopic": arns["of-the-job"]},
        )["jobId"]
        emulator.advance(hours=4)
        got = messages(queues, queue, 2)
    assert {m["TopicArn"] for m in got} == set(arns.values())
    for envelope in got:
        message = json.loads(envelope["Message"])
        assert message["JobId"] == job
        assert message["ArchiveId"] == archive
        assert message["StatusCode"] == "Succeeded"
        assert message["Completed"] is True
        assert message["InventoryRetrievalParameters"] is None
        assert message["Tier"] == "Standard"
    for client in (topics, queues):
        client.close()
