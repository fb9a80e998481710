"""The verbs of administration in a shell: what they show, refuse, and never print."""

import json

import pytest

from tests.faces import Terminal

LOCK = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "glacier:DeleteArchive",
            "Resource": "arn:aws:glacier:*:*:vaults/photos",
            "Condition": {"NumericLessThan": {"glacier:ArchiveAgeInDays": "365"}},
        }
    ],
}


@pytest.fixture
def shell(main):
    """The command line, connected to the emulator, with a vault in use."""
    main.ok("create", "photos")
    return main


@pytest.fixture
def keyboard(shell):
    """Type lines at the questions that follow."""

    def typed(*lines):
        shell.type(Terminal("".join(f"{line}\n" for line in lines)))

    return typed


@pytest.fixture
def lock_file(files):
    return files("lock.json", json.dumps(LOCK).encode())


def test_the_retrieval_policy_in_words(shell, client):
    """Shown, set, shown again; what it was is said."""
    assert "every retrieval is accepted" in shell.ok("policy")
    assert shell("policy", "set", "1GB/h") == 2
    assert "none: every retrieval is accepted" in shell.out
    assert client.get_data_retrieval_policy()["Policy"]["Rules"][0]["Strategy"] == "None"
    assert "954 MiB per hour" in shell.ok("policy", "set", "1GB/h", "--yes")
    assert "The policy was none; 1GB/h takes effect" in shell.err
    told = client.get_data_retrieval_policy()["Policy"]["Rules"]
    assert told == [{"BytesPerHour": 10**9, "Strategy": "BytesPerHour"}]
    for words in (["set"], ["set", "1GB/s"], ["put", "1GB/h"], ["--save", "x"], ["set", "-1"]):
        assert shell("policy", *words) == 2
    assert "policy" in shell.ok("policy")


def test_the_identity_policy_shows_no_account_but_the_file_has_it(shell, emulator, files):
    """Valid as it is printed."""
    printed = shell.ok("policy", "--iam", "--vault", "photos")
    assert emulator.account not in printed
    assert json.loads(printed)["Version"] == "2012-10-17"
    assert emulator.account not in shell.ok("policy", "--iam", "--save", "iam.json")
    assert emulator.account in (files.folder / "iam.json").read_text()
    assert shell("policy", "--iam", "--save", "iam.json") == 9


def test_capacity_is_bought_after_a_yes_or_with_yes(shell, client, keyboard):
    """Never by the plan alone, and never beyond two."""
    assert "0 units" in shell.ok("capacity")
    assert shell("capacity", "buy") == 2
    assert "Nothing was done" in shell.err
    keyboard("no")
    shell.ok("capacity", "buy")
    assert "undo: none" in shell.out
    assert client.list_provisioned_capacity()["ProvisionedCapacityList"] == []
    keyboard("yes")
    assert "1 unit of" in shell.ok("capacity", "buy")
    shell.ok("capacity", "buy", "--yes")
    assert shell("capacity", "buy", "--yes") == 8
    assert len(client.list_provisioned_capacity()["ProvisionedCapacityList"]) == 2
    assert shell("capacity", "--yes") == 2


def test_a_budget_that_cannot_be_kept_buys_nothing(shell, client):
    """The price of this region is not known."""
    assert shell("capacity", "buy", "--yes", "--max-cost", "500") == 8
    assert "PriceUnknown" in shell.err
    assert shell("capacity", "buy", "--max-cost", "much") == 2
    assert client.list_provisioned_capacity()["ProvisionedCapacityList"] == []


def test_tags_in_a_line(shell, client):
    """With the vault in use or one that is named."""
    assert "no tags" in shell.ok("tags")
    shell.ok("tags", "team=archive", "note=a=b c")
    shell.ok("tags", "photos", "x=", "--remove", "team", "absent")
    assert client.list_tags_for_vault(vaultName="photos")["Tags"] == {"note": "a=b c", "x": ""}
    for words in (["photos", "a=1", "plain"], ["aws:a=1"], ["a=1", "a=2"]):
        assert shell("tags", *words) == 2
    assert shell("tags", "absent") == 7


def test_access_is_told_set_saved_and_removed(shell, client, files):
    """A warning for everybody in the world; account ids only in the file."""
    policy = json.loads(json.dumps(LOCK))
    policy["Statement"][0] |= {"Effect": "Allow", "Condition": {}}
    policy["Statement"][0]["Principal"] = {"AWS": ["*", "arn:aws:iam::123456789012:root"]}
    files("p.json", json.dumps(policy).encode())
    assert "no access policy" in shell.ok("access", "photos")
    assert shell("access", "--set", "p.json") == 2
    assert "WARNING: Statement 1 opens the vault to anyone" in shell.out
    shown = shell.ok("access", "--set", "p.json", "--yes") + shell.ok("access", "--save", "o.json")
    assert "123456789012" not in shown + shell.err
    assert json.loads((files.folder / "o.json").read_text()) == policy
    assert shell("access", "--set", "p.json", "--remove") == 2
    assert shell("access", "--set", "absent.json") == 9
    files("bad.json", b'{"Statement": [')
    assert shell("access", "--set", "bad.json", "--yes") == 2
    assert json.loads(client.get_vault_access_policy(vaultName="photos")["policy"]["Policy"])
    shell.ok("access", "--remove", "--yes")
    assert "no access policy" in shell.ok("access")


def test_locking_for_ever_takes_the_vaults_name(shell, client, lock_file, keyboard):
    """A yes is not enough, on a keyboard or on the line."""

    def state():
        return client.get_vault_lock(vaultName="photos")["State"]

    assert "no lock" in shell.ok("lock") == shell.ok("lock", "photos")
    assert shell("lock", "--policy", "lock.json", "--yes") == 2
    assert "Which vault?" in shell.err
    assert shell("lock", "photos", "--policy", "lock.json") == 2
    shell.ok("lock", "photos", "--policy", "lock.json", "--yes")
    assert "on trial" in shell.out
    assert shell("lock", "photos", "--complete") == 2
    assert "--confirm photos" in shell.err
    assert shell("lock", "photos", "--complete", "--yes") == 8
    assert shell("lock", "photos", "--complete", "--confirm", "other", "--yes") == 8
    for answer in ("yes", "Photos", ""):
        keyboard(answer)
        shell.ok("lock", "photos", "--complete")
        assert "Nothing was done" in shell.err
    assert state() == "InProgress"
    keyboard("photos")
    assert "complete and permanent" in shell.ok("lock", "photos", "--complete")
    assert state() == "Locked"
    assert shell("lock", "photos", "--abort") == 8
    assert shell("lock", "photos", "--policy", "lock.json", "--yes") == 8


def test_a_lock_is_completed_on_the_line_with_the_name_repeated(shell, client, lock_file):
    """For a script."""
    shell.ok("lock", "photos", "--policy", "lock.json", "--yes")
    shell.ok("lock", "photos", "--abort")
    assert shell("lock", "photos", "--complete", "--confirm", "photos") == 7
    shell.ok("lock", "photos", "--policy", "lock.json", "--yes")
    shell.ok("lock", "photos", "--complete", "--confirm", "photos")
    assert client.get_vault_lock(vaultName="photos")["State"] == "Locked"


@pytest.mark.parametrize(
    "words",
    [
        ["lock", "--abort"],
        ["lock", "photos", "--abort", "--complete"],
        ["lock", "photos", "--confirm", "photos"],
        ["lock", "photos", "--lock-id", "x"],
        ["lock", "../photos"],
        ["vaults", "--regions", " , "],
        ["vaults", "--regions", "mars"],
        ["capacity", "buy", "--units", "3"],
        ["capacity", "sell"],
    ],
)
def test_words_that_make_no_sense_change_nothing(shell, words):
    """Typed, with code 2."""
    assert shell(*words) == 2


def test_vaults_of_regions_in_a_table(shell, region):
    """One line a vault, the rest in notes."""
    table = shell.ok("vaults", "--regions", f"{region},eu-west-1")
    assert "photos" in table
    assert "2 checked" in table
    assert shell.ok("vaults", "--all-regions").startswith("region")
