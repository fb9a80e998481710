"""Access policies and locks deny what they say, over HTTP; the owner may do everything else."""

import json
from collections.abc import Callable

import pytest

from glacier_magic.emulator.testing import running

DENIED = ("AccessDeniedException", 403)


def denial(action, condition=None, principal="*"):
    """Return a policy that denies an action on all vaults."""
    statement = {"Effect": "Deny", "Principal": principal, "Action": action, "Resource": "*"}
    return {
        "Policy": json.dumps({"Statement": [statement | ({"Condition": condition} if condition else {})]})
    }


def test_a_lock_denies_deleting_archives_before_their_time(client, emulator, vault, refused):
    """From the initiation on, until they have the age, and not once it is aborted."""
    archive = client.upload_archive(vaultName=vault, body=b"x")["archiveId"]
    young = {"NumericLessThan": {"glacier:ArchiveAgeInDays": "365"}}
    client.initiate_vault_lock(vaultName=vault, policy=denial("glacier:DeleteArchive", young))
    code, status, message = refused(client.delete_archive, vaultName=vault, archiveId=archive)
    assert (code, status) == DENIED
    assert message == (
        f"User: arn:aws:iam::{emulator.account}:user/emulator is not authorized to perform: "
        f"glacier:DeleteArchive on resource: arn:aws:glacier:us-east-1:{emulator.account}:vaults/{vault} "
        "with an explicit deny in a resource-based policy"
    )
    client.abort_vault_lock(vaultName=vault)
    lock = client.initiate_vault_lock(vaultName=vault, policy=denial("glacier:DeleteArchive", young))
    client.complete_vault_lock(vaultName=vault, lockId=lock["lockId"])
    emulator.advance(days=364)
    assert refused(client.delete_archive, vaultName=vault, archiveId=archive)[:2] == DENIED
    emulator.advance(days=1)
    client.delete_archive(vaultName=vault, archiveId=archive)


def test_a_lock_that_ran_out_denies_nothing(client, emulator, vault, refused):
    """After its day it is gone."""
    client.initiate_vault_lock(vaultName=vault, policy=denial("glacier:UploadArchive"))
    assert refused(client.upload_archive, vaultName=vault, body=b"x" * (1 << 21))[:2] == DENIED
    emulator.advance(days=1)
    client.upload_archive(vaultName=vault, body=b"x")


def test_a_tag_holds_archives(client, vault, refused):
    """The guide's legal hold: removing the tag ends it; reads have no tags to test."""
    archive = client.upload_archive(vaultName=vault, body=b"x")["archiveId"]
    held = {"StringLike": {"glacier:ResourceTag/LegalHold": ["true", ""]}}
    client.set_vault_access_policy(vaultName=vault, policy=denial(["glacier:D*", "glacier:G*"], held))
    client.add_tags_to_vault(vaultName=vault, Tags={"LegalHold": ""})
    assert refused(client.delete_archive, vaultName=vault, archiveId=archive)[:2] == DENIED
    client.describe_vault(vaultName=vault)
    client.get_vault_access_policy(vaultName=vault)
    client.remove_tags_from_vault(vaultName=vault, TagKeys=["LegalHold"])
    client.delete_archive(vaultName=vault, archiveId=archive)


def test_the_age_counts_for_retrievals_of_archives_as_well(client, vault, refused):
    """An inventory has no age."""
    archive = client.upload_archive(vaultName=vault, body=b"x")["archiveId"]
    condition = {"NumericGreaterThanEquals": {"glacier:ArchiveAgeInDays": "0"}}
    client.set_vault_access_policy(vaultName=vault, policy=denial("glacier:InitiateJob", condition))
    asked = {"Type": "archive-retrieval", "ArchiveId": archive}
    assert refused(client.initiate_job, vaultName=vault, jobParameters=asked)[:2] == DENIED
    asked = {"Type": "inventory-retrieval"}
    assert refused(client.initiate_job, vaultName=vault, jobParameters=asked)[1] == 404  # none yet


def calls(client, vault: str) -> dict[str, Callable[[], object]]:
    """Return one call of each section of the interface."""
    return {
        "describe": lambda: client.describe_vault(vaultName=vault),
        "delete": lambda: client.delete_vault(vaultName=vault),
        "tags": lambda: client.list_tags_for_vault(vaultName=vault),
        "jobs": lambda: client.list_jobs(vaultName=vault),
        "uploads": lambda: client.initiate_multipart_upload(vaultName=vault, partSize="1048576"),
        "notifications": lambda: client.get_vault_notifications(vaultName=vault),
        "access policy": lambda: client.delete_vault_access_policy(vaultName=vault),
        "lock": lambda: client.get_vault_lock(vaultName=vault),
    }


def test_a_policy_may_deny_everything_on_a_vault_and_nothing_else(client, vault, refused):
    """Its own removal, too; operations on the account and other vaults go on."""
    client.set_vault_access_policy(vaultName=vault, policy=denial("glacier:*"))
    for call in calls(client, vault).values():
        assert refused(call)[:2] == DENIED
    client.create_vault(vaultName=vault)
    client.create_vault(vaultName=f"{vault}-other")
    client.describe_vault(vaultName=f"{vault}-other")
    client.list_vaults()
    client.get_data_retrieval_policy()


def test_a_refused_request_uses_up_no_fault(client, emulator, vault, refused):
    """It is refused before."""
    client.set_vault_access_policy(vaultName=vault, policy=denial("glacier:ListJobs"))
    emulator.fault("throttling", "ListJobs")
    assert refused(client.list_jobs, vaultName=vault)[:2] == DENIED
    client.delete_vault_access_policy(vaultName=vault)
    assert refused(client.list_jobs, vaultName=vault)[0] == "ThrottlingException"


def test_each_key_pair_is_a_user_of_the_account(tmp_path, refused):
    """One of them may be excepted."""
    with running(tmp_path, extra=["--credentials", "auditor:secret"]) as emulator:
        client = emulator.client()
        client.create_vault(vaultName="v")
        account = f"arn:aws:iam::{emulator.account}"
        client.set_vault_access_policy(
            vaultName="v", policy=denial("glacier:ListJobs", principal={"AWS": f"{account}:user/auditor"})
        )
        client.list_jobs(vaultName="v")
        client.set_vault_access_policy(
            vaultName="v", policy=denial("glacier:ListJobs", principal={"AWS": f"{account}:root"})
        )
        assert refused(client.list_jobs, vaultName="v")[:2] == DENIED


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"Policy": "\\ud800"}', "SerializationException"),
        ('{"Policy": "{\\"Statement\\": \\"\\\\ud800\\"}"}', "InvalidParameterValueException"),
    ],
)
def test_half_a_surrogate_pair_is_refused(raw, vault, text, code):
    """In the body or in the policy: it can be neither stored nor sent."""
    answer = raw("PUT", f"/-/vaults/{vault}/access-policy", body=text.encode())
    assert (answer.status, answer.json["code"]) == (400, code)


def test_a_refused_policy_has_the_words_of_the_service_and_a_hint(client, vault, refused):
    """The hint is in a header."""
    policy = {"Policy": '{"Statement": {"Effect": "deny"}}'}
    found = refused(client.initiate_vault_lock, vaultName=vault, policy=policy)
    assert found[2] == "The specified vault lock policy is invalid. Provide a valid policy."
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        client.set_vault_access_policy(vaultName=vault, policy=policy)
    hint = caught.value.response["ResponseMetadata"]["HTTPHeaders"]["x-emulator-hint"]
    assert hint == "the Effect of a statement is neither Allow nor Deny"
