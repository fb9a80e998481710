"""Vaults: create, describe, list, delete."""

import pytest

DAY = 86400


def test_a_created_vault_is_described_with_numbers_and_no_inventory_date(client, vault):
    """NumberOfArchives is 0, not null, before the first inventory."""
    described = client.describe_vault(vaultName=vault)
    assert (described["NumberOfArchives"], described["SizeInBytes"]) == (0, 0)
    assert "LastInventoryDate" not in described
    assert described["VaultName"] == vault
    assert described["CreationDate"].endswith("Z")


def test_creating_answers_with_the_real_account_in_its_location(client, emulator, vault):
    """A dash in the path never comes back."""
    answer = client.create_vault(vaultName=vault)
    assert answer["location"] == f"/{emulator.account}/vaults/{vault}"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201


def test_creating_a_vault_again_changes_nothing(client, emulator, vault):
    """The second call succeeds like the first."""
    before = client.describe_vault(vaultName=vault)["CreationDate"]
    emulator.advance(60)
    client.create_vault(vaultName=vault)
    assert client.describe_vault(vaultName=vault)["CreationDate"] == before


def test_null_members_are_on_the_wire(raw, vault):
    """LastInventoryDate is a null, keys are in alphabetical order."""
    answer = raw("GET", f"/-/vaults/{vault}")
    assert answer.json["LastInventoryDate"] is None
    assert list(answer.json) == sorted(answer.json)


def test_an_unknown_vault_is_named_by_its_arn(client, emulator, refused):
    """The message is the documented one."""
    code, status, message = refused(client.describe_vault, vaultName="nowhere")
    assert (code, status) == ("ResourceNotFoundException", 404)
    assert message == (
        f"Vault not found for ARN: arn:aws:glacier:us-east-1:{emulator.account}:vaults/nowhere"
    )


def test_a_name_with_illegal_characters_is_named_as_it_is(client, refused):
    """No ARN is made of a name that cannot be one."""
    found = refused(client.describe_vault, vaultName="testz:z")
    assert found == ("ResourceNotFoundException", 404, "Vault not found for ARN: testz:z")


@pytest.mark.parametrize("name", ["a b", "a/b", "x" * 256, "ü"])
def test_a_vault_with_a_bad_name_is_not_created(client, refused, name):
    """1 to 255 letters, digits, underscores, dots and hyphens."""
    code, status, _ = refused(client.create_vault, vaultName=name)
    assert (code, status) == ("InvalidParameterValueException", 400)


def test_vaults_are_listed_by_name_ten_at_a_time(emulator):
    """The marker is the ARN of the first vault that was not returned."""
    client = emulator.client("me-south-1")  # a region of this test alone
    names = sorted(f"{letter}{number}" for letter in "aB_" for number in range(5))
    for name in reversed(names):
        client.create_vault(vaultName=name)
    first = client.list_vaults()
    assert [vault["VaultName"] for vault in first["VaultList"]] == names[:10]
    assert first["Marker"].endswith(f"vaults/{names[10]}")
    rest = client.list_vaults(marker=first["Marker"])
    assert [vault["VaultName"] for vault in rest["VaultList"]] == names[10:]
    assert "Marker" not in rest


def test_regions_do_not_see_each_other(emulator, vault):
    """The region comes from the credential scope."""
    elsewhere = emulator.client("eu-west-1")
    assert vault not in [found["VaultName"] for found in elsewhere.list_vaults()["VaultList"]]


def test_a_chinese_region_has_its_own_partition(emulator):
    """ARNs begin with the partition of the region."""
    client = emulator.client("cn-north-1")
    client.create_vault(vaultName="v")
    assert client.describe_vault(vaultName="v")["VaultARN"].startswith("arn:aws-cn:glacier:cn-")


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "9" * 5000])
def test_a_list_limit_that_is_no_positive_number_is_refused(client, refused, limit):
    """Also one of more digits than Python converts."""
    code, status, _ = refused(client.list_vaults, limit=limit)
    assert (code, status) == ("InvalidParameterValueException", 400)


def test_a_list_limit_above_the_maximum_is_cut_to_it(emulator):
    """As boto 2 and glacier-cli rely on, which ask for 1,000."""
    client = emulator.client("ca-central-1")
    for number in range(11):
        client.create_vault(vaultName=f"v{number:02}")
    first = client.list_vaults(limit="1000")
    assert len(first["VaultList"]) == 10
    assert len(client.list_vaults(limit="1000", marker=first["Marker"])["VaultList"]) == 1


def test_an_empty_vault_is_deleted_at_once_and_deleting_again_is_no_error(client, vault, refused):
    """A vault without a write needs no inventory."""
    for _ in range(2):
        answer = client.delete_vault(vaultName=vault)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.describe_vault, vaultName=vault)[1] == 404


def test_a_vault_is_deletable_only_after_an_inventory_that_saw_it_empty(client, emulator, vault, refused):
    """Both an archive and a recent write stand in the way."""
    arn = client.describe_vault(vaultName=vault)["VaultARN"]
    message = f"Vault not empty or recently written to: {arn}"
    archive = client.upload_archive(vaultName=vault, body=b"x")["archiveId"]
    assert refused(client.delete_vault, vaultName=vault) == ("InvalidParameterValueException", 400, message)
    emulator.advance(days=1)
    assert refused(client.delete_vault, vaultName=vault)[2] == message
    client.delete_archive(vaultName=vault, archiveId=archive)
    assert refused(client.delete_vault, vaultName=vault)[2] == message
    emulator.advance(days=1)
    client.delete_vault(vaultName=vault)


def test_counts_are_the_last_inventorys_and_sizes_have_the_overhead(client, emulator, vault):
    """Two archives of 125 bytes count as 65,786 bytes, and only from the next day on."""
    for _ in range(2):
        client.upload_archive(vaultName=vault, body=b"x" * 125)
    assert client.describe_vault(vaultName=vault)["NumberOfArchives"] == 0
    emulator.advance(days=1)
    described = client.describe_vault(vaultName=vault)
    assert (described["NumberOfArchives"], described["SizeInBytes"]) == (2, 65_786)


def test_an_inventory_is_made_only_if_something_changed(client, emulator, vault):
    """Days without a write leave LastInventoryDate where it is."""
    client.upload_archive(vaultName=vault, body=b"x")
    emulator.advance(days=1)
    first = client.describe_vault(vaultName=vault)["LastInventoryDate"]
    emulator.advance(days=5)
    assert client.describe_vault(vaultName=vault)["LastInventoryDate"] == first
    client.upload_archive(vaultName=vault, body=b"y")
    assert client.describe_vault(vaultName=vault)["LastInventoryDate"] == first
    emulator.advance(days=1)
    described = client.describe_vault(vaultName=vault)
    assert described["LastInventoryDate"] > first
    assert described["NumberOfArchives"] == 2


def test_a_change_on_a_later_day_does_not_move_the_inventory_that_was_due_before(client, emulator, vault):
    """What nobody looked at is still made as of its own day."""
    client.upload_archive(vaultName=vault, body=b"x")
    emulator.advance(days=3)
    client.upload_archive(vaultName=vault, body=b"y")
    assert client.describe_vault(vaultName=vault)["NumberOfArchives"] == 1
