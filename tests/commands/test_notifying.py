"""``notify`` in a shell: a topic of one's own, and the queue that is made and removed."""

import boto3
import pytest

from glacier_magic import cli
from glacier_magic.emulator.testing import running

TOPIC = "arn:aws:sns:us-east-1:123456789012:done"
PRICE = "about $0.1037 a month for each session that listens all the time (259,200 requests to SQS"
KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}


@pytest.fixture
def shell(capsys, emulator, region, monkeypatch, tmp_path):
    """Run words that end with a code; return what was printed, errors too."""
    monkeypatch.setenv("GLACIER_MAGIC_CATALOGUE", str(tmp_path / "catalogue.sqlite"))

    def shell(*words, code=0):
        found = cli.main(list(words))
        out, err = capsys.readouterr()
        assert found == code, err
        return out + err

    shell("connect", "--data", str(emulator.folder), "--region", region)
    shell("create", "photos")
    return shell


def test_a_topic_is_set_shown_and_removed(shell, client):
    """For one vault, and in the table of all; account ids are masked."""
    assert "notifies no topic" in shell("notify", "photos")
    said = shell("notify", "--topic", TOPIC, "--events", "inventory")
    config = client.get_vault_notifications(vaultName="photos")["vaultNotificationConfig"]
    assert config == {"SNSTopic": TOPIC, "Events": ["InventoryRetrievalCompleted"]}
    table = shell("notify")
    assert "photos" in table
    assert "There is no queue" in table
    assert "123456789012" not in said + table
    shell("notify", "photos", "--remove")
    assert "notifies no topic" in shell("notify", "photos")


@pytest.mark.parametrize(
    "words",
    [
        ["photos", "films"],
        ["setup", "photos", "films"],
        ["setup", "--topic", TOPIC],
        ["remove", "--remove"],
        ["--topic", TOPIC, "--remove"],
        ["--events", "archive"],
        ["--name", "x"],
        ["remove", "--replace"],
        ["--topic", "done"],
        ["--topic", TOPIC, "--events", ","],
        ["--topic", TOPIC, "--events", "deletion"],
        ["setup", "--yes"],  # an emulator, and no other address for SNS and SQS
    ],
)
def test_words_that_make_no_sense_set_nothing(shell, client, words):
    """Typed, with code 2."""
    shell("notify", *words, code=2)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_vault_notifications(vaultName="photos")


def test_nothing_to_remove_is_told(shell, moto, monkeypatch):
    """With the way to end what somebody else has set."""
    for name in ("SNS", "SQS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", moto)
    assert "has no queue in this catalogue" in shell("notify", "remove", code=7)


def test_a_queue_is_made_after_it_was_shown_and_removed(shell, moto, empty_moto, monkeypatch, tmp_path):
    """Without --yes a script makes and removes nothing."""
    for name in ("SNS", "SQS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", moto)
    queues = boto3.client("sqs", endpoint_url=moto, region_name="eu-west-1", **KEYS)

    def names():
        urls = queues.list_queues().get("QueueUrls", [])
        return [url.rpartition("/")[2] for url in urls]

    extra = ["--sns-endpoint", moto, "--account", "123456789012"]
    with running(tmp_path / "service", extra=extra) as service:
        shell("connect", "--data", str(service.folder), "--region", "eu-west-1")
        shell("create", "photos")
        shown = shell("notify", "setup", "--name", "mine", code=2)
        assert "sqs:SendMessage" in shown
        assert "123456789012" not in shown
        assert names() == []
        assert PRICE in shown
        said = shell("notify", "setup", "--name", "mine", "--yes")
        assert "notifies the queue" in said
        assert said.count(PRICE) == 2  # before and after
        assert names() == ["glacier-magic-mine"]
        assert "glacier-magic-mine" in shell("notify")
        shell("notify", "setup", "--yes", code=8)
        shell("notify", "remove", code=2)
        assert names() == ["glacier-magic-mine"]
        shell("notify", "remove", "photos", "--yes")
        assert names() == []
    queues.close()
