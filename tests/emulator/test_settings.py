"""Tags, notifications' configuration, policies, locks, capacity."""

import json

import pytest

from glacier_magic.emulator import dates, process
from glacier_magic.emulator.records.setting_rows import month_later

INVALID = ("InvalidParameterValueException", 400)
TOPIC = "arn:aws:sns:us-east-1:123456789012:done"
STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "glacier:ListJobs"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})


def test_tags_are_added_overwritten_listed_and_removed(client, vault):
    """Removing what is not there is fine."""
    assert client.list_tags_for_vault(vaultName=vault)["Tags"] == {}
    client.add_tags_to_vault(vaultName=vault, Tags={"a": "1", "Ünï code_./=+-@": ""})
    client.add_tags_to_vault(vaultName=vault, Tags={"a": "2"})
    assert client.list_tags_for_vault(vaultName=vault)["Tags"] == {"a": "2", "Ünï code_./=+-@": ""}
    client.remove_tags_from_vault(vaultName=vault, TagKeys=["a", "nothing"])
    assert list(client.list_tags_for_vault(vaultName=vault)["Tags"]) == ["Ünï code_./=+-@"]


def test_tags_have_limits(client, vault, refused):
    """Ten in a call, fifty in all."""
    eleven = {str(number): "" for number in range(11)}
    limit = ("LimitExceededException", 400)
    assert refused(client.add_tags_to_vault, vaultName=vault, Tags=eleven)[:2] == limit
    for ten in range(5):
        tags = {f"{ten}-{number}": "" for number in range(10)}
        client.add_tags_to_vault(vaultName=vault, Tags=tags)
    assert refused(client.add_tags_to_vault, vaultName=vault, Tags={"x": ""})[:2] == limit
    client.add_tags_to_vault(vaultName=vault, Tags={"0-0": "again"})


@pytest.mark.parametrize("tags", [{"aws:x": ""}, {"": ""}, {"k" * 129: ""}, {"k": "v" * 256}, {"k?": ""}, {}])
def test_a_bad_tag_is_refused(client, vault, refused, tags):
    """Keys of 1 to 128 characters, values of up to 255, none of the vendor's own."""
    assert refused(client.add_tags_to_vault, vaultName=vault, Tags=tags)[:2] == INVALID


def test_notifications_are_set_read_and_removed(client, vault, refused):
    """Unset, they are a 404."""
    config = {"SNSTopic": TOPIC, "Events": ["ArchiveRetrievalCompleted"]}
    client.set_vault_notifications(vaultName=vault, vaultNotificationConfig=config)
    found = client.get_vault_notifications(vaultName=vault)["vaultNotificationConfig"]
    assert found == config
    for _ in range(2):
        client.delete_vault_notifications(vaultName=vault)
    assert refused(client.get_vault_notifications, vaultName=vault)[:2] == ("ResourceNotFoundException", 404)


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"SNSTopic": TOPIC, "Events": ["Nonsense"]}, "InvalidParameterValueException"),
        ({"SNSTopic": "x", "Events": ["ArchiveRetrievalCompleted"]}, INVALID[0]),
        ({"SNSTopic": TOPIC, "Events": []}, "MissingParameterValueException"),
        ({"Events": ["ArchiveRetrievalCompleted"]}, "MissingParameterValueException"),
    ],
)
def test_a_bad_notification_configuration_is_refused(client, vault, refused, config, code):
    """Both fields are required."""
    found = refused(client.set_vault_notifications, vaultName=vault, vaultNotificationConfig=config)
    assert found[:2] == (code, 400)


def test_an_access_policy_is_set_read_and_removed(client, vault, refused):
    """It comes back as the string it was."""
    client.set_vault_access_policy(vaultName=vault, policy={"Policy": POLICY})
    found = client.get_vault_access_policy(vaultName=vault)
    assert found["policy"] == {"Policy": POLICY}
    for _ in range(2):
        client.delete_vault_access_policy(vaultName=vault)
    assert refused(client.get_vault_access_policy, vaultName=vault)[1] == 404


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", json.dumps({"Statement": STATEMENT | {"Sid": "x" * 20480}})]
)
def test_a_bad_policy_is_refused(client, vault, refused, text):
    """A JSON object with a statement, of up to 20 KB."""
    policy = {"Policy": text}
    assert refused(client.set_vault_access_policy, vaultName=vault, policy=policy)[:2] == INVALID
    assert refused(client.initiate_vault_lock, vaultName=vault, policy=policy)[:2] == INVALID


def test_a_lock_in_progress_can_be_aborted_and_goes_away_by_itself(client, emulator, vault, refused):
    """After 24 hours, exactly."""
    lock = client.initiate_vault_lock(vaultName=vault, policy={"Policy": POLICY})["lockId"]
    assert len(lock) == 24
    found = client.get_vault_lock(vaultName=vault)
    assert (found["State"], found["Policy"]) == ("InProgress", POLICY)
    assert dates.parse_iso(found["ExpirationDate"]) - dates.parse_iso(found["CreationDate"]) in (86_400_000,)
    again = refused(client.initiate_vault_lock, vaultName=vault, policy={"Policy": POLICY})
    assert again[:2] == ("AccessDeniedException", 403)
    assert refused(client.complete_vault_lock, vaultName=vault, lockId="x")[:2] == INVALID
    for _ in range(2):
        client.abort_vault_lock(vaultName=vault)
    assert refused(client.get_vault_lock, vaultName=vault)[1] == 404
    client.initiate_vault_lock(vaultName=vault, policy={"Policy": POLICY})
    emulator.advance(days=1)
    assert refused(client.get_vault_lock, vaultName=vault)[1] == 404


def test_a_completed_lock_is_for_ever(client, emulator, vault, refused):
    """Completing again with the same id is fine, anything else is denied."""
    lock = client.initiate_vault_lock(vaultName=vault, policy={"Policy": POLICY})["lockId"]
    for _ in range(2):
        client.complete_vault_lock(vaultName=vault, lockId=lock)
    emulator.advance(days=2)
    found = client.get_vault_lock(vaultName=vault)
    assert found["State"] == "Locked"
    assert "ExpirationDate" not in found
    denied = ("AccessDeniedException", 403)
    assert refused(client.complete_vault_lock, vaultName=vault, lockId="x")[:2] == denied
    assert refused(client.abort_vault_lock, vaultName=vault)[:2] == denied
    again = refused(client.initiate_vault_lock, vaultName=vault, policy={"Policy": POLICY})
    assert again[:2] == denied


def rule(strategy, allowed=None):
    rules = [{"Strategy": strategy} | ({} if allowed is None else {"BytesPerHour": allowed})]
    return {"Policy": {"Rules": rules}}


def test_the_default_retrieval_policy_has_no_limit(emulator):
    """With BytesPerHour null on the wire."""
    client = emulator.client("ap-south-1")
    assert client.get_data_retrieval_policy()["Policy"] == {"Rules": [{"Strategy": "None"}]}
    client.set_data_retrieval_policy(**rule("BytesPerHour", 5))
    expected = {"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": 5}]}
    assert client.get_data_retrieval_policy()["Policy"] == expected


@pytest.mark.parametrize(
    "policy",
    [
        rule("Nonsense"),
        rule("BytesPerHour"),
        rule("BytesPerHour", 0),
        rule("None", 5),
        {"Policy": {"Rules": []}},
        {"Policy": {"Rules": rule("None")["Policy"]["Rules"] * 2}},
    ],
)
def test_a_bad_retrieval_policy_is_refused(client, refused, policy):
    """Exactly one rule, with bytes exactly where they belong."""
    assert refused(client.set_data_retrieval_policy, **policy)[:2] == INVALID


def test_bytes_per_hour_refuse_a_job_over_the_rate(emulator, refused):
    """Standard only, and only while the other job is running."""
    client = emulator.client("ap-southeast-1")
    client.create_vault(vaultName="v")
    archive = client.upload_archive(vaultName="v", body=b"x" * 400)["archiveId"]
    job = {"Type": "archive-retrieval", "ArchiveId": archive}
    client.set_data_retrieval_policy(**rule("BytesPerHour", 150))
    client.initiate_job(vaultName="v", jobParameters=job)
    assert refused(client.initiate_job, vaultName="v", jobParameters=job) == (
        "PolicyEnforcedException",
        400,
        "InitiateJob request denied by current data retrieval policy.",
    )
    client.initiate_job(vaultName="v", jobParameters=job | {"Tier": "Bulk"})
    emulator.advance(hours=4)
    client.initiate_job(vaultName="v", jobParameters=job)
    client.set_data_retrieval_policy(**rule("FreeTier"))
    client.initiate_job(vaultName="v", jobParameters=job)


def test_the_free_tier_refuses_what_is_over_a_day_s_share(emulator, refused):
    """Until the next midnight UTC; the other tiers are not subject to it."""
    client = emulator.client("eu-north-1")
    client.create_vault(vaultName="v")
    (first, *_) = process.seed(emulator.folder, "v", 3, region="eu-north-1", size=200 << 20, seed=1)[
        "archive_ids"
    ]
    job = {"Type": "archive-retrieval", "ArchiveId": first}
    client.set_data_retrieval_policy(**rule("FreeTier"))
    emulator.advance(days=1)
    client.initiate_job(vaultName="v", jobParameters=job)
    assert refused(client.initiate_job, vaultName="v", jobParameters=job)[:2] == (
        "PolicyEnforcedException",
        400,
    )
    client.initiate_job(vaultName="v", jobParameters=job | {"Tier": "Bulk"})
    emulator.advance(days=1)
    client.initiate_job(vaultName="v", jobParameters=job)


def test_at_most_two_units_of_capacity_are_sold_for_a_month(emulator, refused):
    """The third is over the limit until one has expired."""
    client = emulator.client("ap-northeast-1")
    assert client.list_provisioned_capacity()["ProvisionedCapacityList"] == []
    bought = [client.purchase_provisioned_capacity()["capacityId"] for _ in range(2)]
    assert refused(client.purchase_provisioned_capacity)[:2] == ("LimitExceededException", 400)
    units = client.list_provisioned_capacity()["ProvisionedCapacityList"]
    assert [unit["CapacityId"] for unit in units] == bought
    assert units[0]["ExpirationDate"].endswith(".000Z")
    emulator.advance(days=31)
    assert client.list_provisioned_capacity()["ProvisionedCapacityList"] == []


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2025-01-31T10:00:00Z", "2025-02-28T10:00:00.000Z"),
        ("2024-01-31T10:00:00Z", "2024-02-29T10:00:00.000Z"),
        ("2025-12-15T23:59:59Z", "2026-01-15T23:59:59.000Z"),
    ],
)
def test_a_month_ends_at_the_same_second_or_on_the_last_day(start, end):
    """The 31st becomes the last day of a shorter month."""
    assert dates.iso(month_later(dates.parse_iso(start))) == end
