"""Settings of accounts and vaults: told, changed once, guarded; nothing bought or locked twice."""

import json

import pytest

from glacier_magic.catalogue import Catalogue, LockRecord, Route, Scope
from glacier_magic.errors import AccessDenied, InputError, NotFound, Refused, Unavailable


def policy(vault="photos", days=365, effect="Deny"):
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": effect,
                    "Principal": "*",
                    "Action": "glacier:DeleteArchive",
                    "Resource": f"arn:aws:glacier:*:*:vaults/{vault}",
                    "Condition": {"NumericLessThan": {"glacier:ArchiveAgeInDays": str(days)}},
                }
            ],
        }
    )


# The data retrieval policy


@pytest.mark.parametrize(
    ("limit", "strategy", "allowed", "words"),
    [
        ("none", "None", None, "every retrieval is accepted"),
        ("free-tier", "FreeTier", None, "free allowance is refused"),
        ("FreeTier", "FreeTier", None, "free allowance is refused"),
        ("1GB/h", "BytesPerHour", 10**9, "above 954 MiB per hour"),
        ("1 GiB/hour", "BytesPerHour", 1 << 30, "24 GiB per day"),
        (1, "BytesPerHour", 1, "above 1 B per hour"),
        (2**63 - 1, "BytesPerHour", 2**63 - 1, "per hour"),
    ],
)
def test_a_retrieval_policy_is_set_and_told_in_words(session, limit, strategy, allowed, words):
    """What was set is what the service holds; its name sets it again."""
    plan = session.retrieval_policy().set(limit)
    assert session.retrieval_policy().strategy == "None"  # nothing before the run
    after = plan.run()
    found = session.retrieval_policy()
    assert found == after
    assert (found.strategy, found.bytes_per_hour) == (strategy, allowed)
    assert words in repr(found)
    assert found.set(found.name).run() == found


@pytest.mark.parametrize("limit", ["", "fast", "1GB/s", "0", "-1", "1e400", 2**63, "9" * 400])
def test_a_limit_that_makes_no_sense_changes_nothing(session, limit):
    """Typed, with the forms that there are."""
    session.retrieval_policy().set("1GB/h").run()
    with pytest.raises(InputError, match=r"hour|policy"):
        session.retrieval_policy().set(limit)
    assert session.retrieval_policy().bytes_per_hour == 10**9


# Tags


def test_tags_are_set_changed_and_removed_in_tens(vault, client):
    """More than a call takes; only what differs is sent; the same again is fine."""
    many = {f"k{n:02}": f"v {n}" for n in range(25)}
    tags = vault.tags().change(many | {"Ünï code_./=+-@": ""})
    assert dict(tags) == client.list_tags_for_vault(vaultName="photos")["Tags"]
    assert len(tags) == 26
    left = vault.tags().change({"k00": "new"}, remove=[*[*many][1:], "absent"])
    assert dict(left) == {"k00": "new", "Ünï code_./=+-@": ""}
    assert dict(left.change({"k00": "new"}, remove=["absent"])) == dict(left)
    assert list(left.table["key"]) == ["k00", "Ünï code_./=+-@"]
    assert "k00" in repr(left)


@pytest.mark.parametrize(
    "tags",
    [
        {"": "x"},
        {"x" * 129: ""},
        {"aws:x": ""},
        {"AWS:x": ""},
        {"a<b": ""},
        {"a": "x" * 256},
        {"a": "emoji 🙂"},
        {"a": "two\nlines"},
    ],
)
def test_a_tag_that_the_service_would_refuse_is_not_sent(vault, emulator, tags):
    """Checked here, in the service's own terms."""
    emulator.fault("500", "AddTagsToVault", times=1)
    with pytest.raises(InputError, match="tag"):
        vault.tags().change({"fine": "x"} | tags)
    emulator.clear_faults()
    assert dict(vault.tags()) == {}


def test_more_than_fifty_tags_are_refused_unless_as_many_go(vault):
    """Nothing is changed by the refusal."""
    vault.tags().change({f"k{n}": "" for n in range(50)})
    with pytest.raises(Refused, match="51 tags; 50"):
        vault.tags().change({"more": ""})
    assert len(vault.tags()) == 50
    assert "more" in vault.tags().change({"more": ""}, remove=["k0"])
    with pytest.raises(InputError, match="set and removed"):
        vault.tags().change({"more": "1"}, remove=["more"])


# The access policy


def test_an_access_policy_is_planned_set_told_and_removed(vault, client):
    """It is kept as it was written, and said in words."""
    text = policy(effect="Allow")
    plan = vault.policy().set(text)
    assert plan.danger
    assert "no policy" in repr(plan)
    assert "opens the vault to anyone" in repr(plan)
    assert vault.policy().text is None
    plan.run()
    assert client.get_vault_access_policy(vaultName="photos")["policy"]["Policy"] == text
    assert "allows anyone in the world to perform DeleteArchive" in repr(vault.policy())
    assert "the same policy" in repr(vault.policy().set(json.dumps(json.loads(text), indent=1)))
    assert "another policy" in repr(vault.policy().set(policy()))
    for _ in range(2):
        vault.policy().remove().run()
    assert vault.policy().text is None
    with pytest.raises(NotFound):
        vault.policy().save("x")


def test_a_policy_for_another_vault_is_not_set(vault):
    """Neither as an access policy nor as a lock."""
    with pytest.raises(InputError, match="another resource"):
        vault.policy().set(policy("other"))
    with pytest.raises(InputError, match="another resource"):
        vault.lock().initiate(policy("other"))


def test_a_policy_that_a_stranger_wrote_is_shown_safely(vault, client, tmp_path):
    """No account id, no markup, no control character; the file has it all."""
    text = json.dumps(
        {
            "Statement": [
                {
                    "Sid": "<script>",
                    "Principal": {"AWS": ["123456789012", "\x1b[2J\u202e<b>"]},
                    "Effect": "Allow",
                    "Action": "glacier:*",
                    "Condition": {"StringLike": {"\x1b]0;x\x07": "\u202e"}},
                }
            ]
        },
        ensure_ascii=False,
    )
    client.set_vault_access_policy(vaultName="photos", policy={"Policy": text})
    shown = vault.policy()._repr_mimebundle_()
    for form in shown.values():
        assert "123456789012" not in form
        assert not {"\x1b", "\x07", "\u202e"} & set(form)
    assert "<script>" not in shown["text/html"]
    assert vault.policy().save(tmp_path / "out.json").read_text() == text


@pytest.mark.parametrize("setting", ["tags", "policy", "lock", "notifications"])
def test_a_vault_that_is_not_there_is_told_from_a_setting_that_is_not(session, vault, setting):
    """Both are a 404 of the service."""
    getattr(vault, setting)()
    with pytest.raises(NotFound, match="Vault not found"):
        getattr(session.vault("absent"), setting)()


@pytest.mark.parametrize(
    ("setting", "operation"),
    [
        ("tags", "ListTagsForVault"),
        ("policy", "GetVaultAccessPolicy"),
        ("lock", "GetVaultLock"),
        ("notifications", "GetVaultNotifications"),
    ],
)
def test_denied_access_is_not_taken_for_nothing_set(vault, emulator, setting, operation):
    """The error says what is missing."""
    emulator.fault("access-denied", operation)
    with pytest.raises(AccessDenied, match="denied"):
        getattr(vault, setting)()


# The lock


def test_a_lock_is_begun_shown_and_completed(vault, client, emulator):
    """Each step is a plan; the last one asks for the vault's name."""
    plan = vault.lock().initiate(policy())
    assert vault.lock().state is None
    assert "24 hours" in repr(plan)
    begun = plan.run()
    assert begun.state == "InProgress"
    assert "23 h" in repr(begun) or "1 d" in repr(begun)
    emulator.advance(hours=23)
    last = vault.lock().complete()
    assert last.confirmation == "photos"
    assert last.danger
    for words in ("NONE", "root user", "age in days is less than 365", '"Effect": "Deny"'):
        assert words in repr(last)
    assert client.get_vault_lock(vaultName="photos")["State"] == "InProgress"
    assert last.run("photos").state == "Locked"
    assert "permanent" in repr(vault.lock())
    for step in (vault.lock().complete, lambda: vault.lock().initiate(policy()), vault.lock().abort):
        with pytest.raises(Refused, match="lock"):
            step()


@pytest.mark.each_backend
def test_a_lock_is_completed_by_another_process_than_the_one_that_began_it(
    child, emulator, region, vault, client, tmp_path, session_place
):
    """Killed at once after it began: the id is in the catalogue."""
    script = """
        import glacier_magic as gm
        folder, region, catalogue, policy = sys.argv[1:]
        session = gm.connect(emulator=folder, region=region, catalogue=catalogue)
        session.vault("photos").lock().initiate(policy).run()
        stop()
    """
    child(script, emulator.folder, region, session_place, policy()).kill_when_stopped()
    assert "stored in the catalogue" in repr(vault.lock())
    vault.lock().complete().run("photos")
    assert client.get_vault_lock(vaultName="photos")["State"] == "Locked"
    assert vault.session.catalogue.locks.of("photos") is None


def test_a_lock_that_is_not_completed_in_its_day_is_gone(vault, emulator):
    """And so can neither be completed nor mistaken for one."""
    vault.lock().initiate(policy()).run()
    plan = vault.lock().complete()
    emulator.advance(hours=25)
    with pytest.raises(Refused, match="expired"):
        plan.run("photos")
    assert vault.lock().state is None
    with pytest.raises(NotFound, match="no lock in progress"):
        vault.lock().complete()
    vault.lock().initiate(policy()).run()


def test_a_lock_is_not_completed_with_a_policy_that_nobody_reviewed(vault, client):
    """Somebody else has put another one there: before the plan, or between plan and run."""
    vault.lock().initiate(policy()).run()
    plan = vault.lock().complete()
    client.abort_vault_lock(vaultName="photos")
    other = {"Policy": policy(days=99999)}
    theirs = client.initiate_vault_lock(vaultName="photos", policy=other)["lockId"]
    with pytest.raises(Refused, match="is not the one that was shown"):
        plan.run("photos")
    with pytest.raises(Refused, match="initiated from this catalogue"):
        vault.lock().complete()
    assert client.get_vault_lock(vaultName="photos")["State"] == "InProgress"
    # after a look at it, with the id of whoever began it
    vault.lock().complete(theirs).run("photos")
    assert client.get_vault_lock(vaultName="photos")["State"] == "Locked"


def test_the_same_policy_put_there_by_somebody_else_is_another_lock(vault, client):
    """The id decides; nothing is locked."""
    vault.lock().initiate(policy()).run()
    client.abort_vault_lock(vaultName="photos")
    client.initiate_vault_lock(vaultName="photos", policy={"Policy": policy()})
    with pytest.raises(Refused):
        vault.lock().complete().run("photos")
    assert client.get_vault_lock(vaultName="photos")["State"] == "InProgress"


def test_a_lock_begun_elsewhere_needs_its_id(vault, client):
    """Which only that place was told."""
    begun = client.initiate_vault_lock(vaultName="photos", policy={"Policy": policy()})
    assert "lock_id" in repr(vault.lock())
    with pytest.raises(NotFound, match="not initiated from this catalogue"):
        vault.lock().complete()
    vault.lock().complete(begun["lockId"]).run("photos")
    assert vault.lock().state == "Locked"


def test_a_lock_is_aborted_as_often_as_one_likes(vault):
    """And begun again."""
    vault.lock().initiate(policy()).run()
    with pytest.raises(Refused, match="already has a lock"):
        vault.lock().initiate(policy())
    for _ in range(2):
        assert vault.lock().abort().state is None
    assert vault.session.catalogue.locks.of("photos") is None
    vault.lock().initiate(policy()).run()


def test_a_lock_whose_first_answer_is_lost_can_be_aborted_and_begun_again(vault, emulator):
    """It is there, but its id went with the answer."""
    emulator.fault("reset-after", "InitiateVaultLock")
    with pytest.raises(Unavailable):
        vault.lock().initiate(policy()).run()
    assert "lock_id" in repr(vault.lock())
    vault.lock().abort()
    vault.lock().initiate(policy()).run()
    vault.lock().complete().run("photos")


# Notifications


TOPIC = "arn:aws:sns:us-east-1:123456789012:done"


def test_notifications_are_set_told_and_removed(vault, client):
    """Events have short names; the account in the topic's ARN is masked."""
    told = vault.notifications().set(TOPIC, ["inventory"])
    found = client.get_vault_notifications(vaultName="photos")["vaultNotificationConfig"]
    assert found == {"SNSTopic": TOPIC, "Events": ["InventoryRetrievalCompleted"]}
    assert vault.notifications().events == told.events == ("InventoryRetrievalCompleted",)
    assert "123456789012" not in repr(told)
    assert len(vault.notifications().set(TOPIC).events) == 2
    for _ in range(2):
        assert vault.notifications().remove().topic is None
    assert "notifies no topic" in repr(vault.notifications())


@pytest.mark.parametrize(
    ("topic", "events"),
    [
        ("x", ["archive"]),
        (TOPIC + "\n", ["archive"]),
        (TOPIC, ["nonsense"]),
        (TOPIC, []),
        ("arn:aws:sqs:us-east-1:123456789012:queue", ["archive"]),
    ],
)
def test_a_topic_or_event_that_does_not_exist_is_not_set(vault, topic, events):
    """Checked before the call."""
    with pytest.raises(InputError) as caught:
        vault.notifications().set(topic, events)
    assert "123456789012" not in str(caught.value)
    assert vault.notifications().topic is None


# What is kept


def test_what_is_kept_belongs_to_its_account_and_region(tmp_path):
    """Locks, purchases and routes of one are not seen from another."""
    catalogue = Catalogue(tmp_path / "c.sqlite", Scope("1" * 12, "eu-west-1"))
    lock = LockRecord(vault="v", lock_id="id", policy="{}", started=1, expires=2)
    route = Route(vault="v", topic="t", queue="q", url="u", subscription="s", token="k", state="making")
    catalogue.locks.record(lock)
    catalogue.routes.put(route)
    bought = catalogue.purchases.begin(["a"])
    catalogue.rescope(Scope("2" * 12, "eu-west-1"))
    assert catalogue.locks.of("v") is None
    assert catalogue.routes.all() == []
    assert catalogue.purchases.open() is None
    catalogue.rescope(Scope("1" * 12, "eu-west-1"))
    assert catalogue.locks.of("v") == lock
    assert catalogue.routes.of("v") == route
    assert catalogue.purchases.open().known == {"a"}
    catalogue.purchases.settle(bought, "done", "b")
    catalogue.locks.forget("v")
    catalogue.routes.forget("v")
    assert (catalogue.purchases.open(), catalogue.locks.of("v"), catalogue.routes.of("v")) == (
        None,
        None,
        None,
    )
    catalogue.close()
