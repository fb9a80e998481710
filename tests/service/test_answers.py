"""An answer that arrives damaged is requested again, and ends at worst in one typed error."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_magic.catalogue import JobRecord
from glacier_magic.errors import ConnectionFailed, Unavailable
from glacier_magic.service import Connection, open_service
from glacier_magic.service.administration import Administration
from glacier_magic.service.answers import DAMAGED
from glacier_magic.service.bodies import MemoryBody
from glacier_magic.service.client import WHOLE_TRIES
from tests.answering import Answer, answering

REGION = "answers-1"
HTML = Answer(200, b"<html><body>Please log in</body></html>", {"Content-Type": "text/html"})
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})
TOPIC = "arn:aws:sns:answers-1:123456789012:topic"

ASK = {
    "ListVaults": lambda service: list(service.vaults()),
    "DescribeVault": lambda service: service.describe_vault("photos"),
    "ListJobs": lambda service: [JobRecord.from_service("photos", job) for job in service.jobs("photos")],
    "DescribeJob": lambda service: JobRecord.from_service("photos", service.describe_job("photos", "id")),
    "ListParts": lambda service: service.parts("photos", "id"),
    "ListMultipartUploads": lambda service: list(service.uploads("photos")),
    "GetDataRetrievalPolicy": lambda service: service.retrieval_rule(),
    "ListTagsForVault": lambda service: Administration(service).tags("photos"),
    "GetVaultAccessPolicy": lambda service: Administration(service).access_policy("photos"),
    "GetVaultLock": lambda service: Administration(service).lock("photos"),
    "GetVaultNotifications": lambda service: Administration(service).notifications("photos"),
    "ListProvisionedCapacity": lambda service: Administration(service).capacity(),
}
"""By operation of the service, the call whose answer is read."""


@pytest.fixture(scope="module")
def answers(emulator):
    """What the emulator answers to each operation that reads."""
    client, found = emulator.client(REGION), {}
    vault = {"vaultName": "photos"}
    client.create_vault(**vault)
    archive = client.upload_archive(**vault, body=b"content")["archiveId"]
    upload = client.initiate_multipart_upload(**vault, partSize=str(1 << 20))["uploadId"]
    client.upload_multipart_part(**vault, uploadId=upload, range="bytes 0-6/*", body=b"content")
    asked = {"Type": "archive-retrieval", "ArchiveId": archive, "Tier": "Expedited", "Description": "token"}
    job = client.initiate_job(**vault, jobParameters=asked)["jobId"]
    emulator.advance(hours=0.1)
    client.add_tags_to_vault(**vault, Tags={"key": "value"})
    client.set_vault_notifications(
        **vault, vaultNotificationConfig={"SNSTopic": TOPIC, "Events": ["ArchiveRetrievalCompleted"]}
    )
    policy = POLICY.replace("[]", json.dumps([_statement(client.describe_vault(**vault)["VaultARN"])]))
    client.set_vault_access_policy(**vault, policy={"Policy": policy})
    client.initiate_vault_lock(**vault, policy={"Policy": policy.replace("Allow", "Deny")})
    client.purchase_provisioned_capacity()

    def keep(model, http_response, **_):
        kept = {"Content-Type": "application/json", "Date": format_datetime(datetime.now(UTC), usegmt=True)}
        found[model.name] = Answer(200, http_response.content, kept)

    client.meta.events.register("after-call.glacier", keep)
    for name in ("vaults", "jobs", "multipart_uploads", "provisioned_capacity"):
        getattr(client, f"list_{name}")(**({} if name in ("vaults", "provisioned_capacity") else vault))
    for name in ("vault_access_policy", "vault_lock", "vault_notifications"):
        getattr(client, f"get_{name}")(**vault)
    client.describe_vault(**vault)
    client.describe_job(**vault, jobId=job)
    client.list_parts(**vault, uploadId=upload)
    client.list_tags_for_vault(**vault)
    client.get_data_retrieval_policy()
    assert set(found) == set(ASK)
    client.abort_vault_lock(**vault)
    return found


def _statement(arn):
    return {
        "Sid": "a",
        "Effect": "Allow",
        "Principal": {"AWS": arn.split(":")[4]},
        "Action": "glacier:DeleteArchive",
        "Resource": arn,
    }


@pytest.fixture(scope="module")
def replay():
    """A service that gives the answers of a list, the last one for ever, and counts the requests."""

    class Replay:
        answers, asked = (), 0

        def __call__(self, request):
            self.asked += 1
            return self.answers[min(self.asked, len(self.answers)) - 1]

        def gives(self, *answers):
            self.answers, self.asked = answers, 0

    replay = Replay()
    with answering(replay) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        replay.service = open_service(Connection(endpoint_url=url, region="us-west-2"))
        replay.service.pause = 0.0
        yield replay


@pytest.mark.parametrize("operation", ASK)
def test_a_damaged_answer_is_requested_again(answers, replay, operation):
    """HTML in its place, one that is cut short, one that is no object: the next one is right."""
    right = answers[operation]
    replay.gives(right)
    expected = ASK[operation](replay.service)
    for wrong in (HTML, Answer(200, right.body[:-3]), Answer(200, b"[]"), Answer(200, b"\xff" + right.body)):
        replay.gives(wrong, right)
        assert ASK[operation](replay.service) == expected
        assert replay.asked == 2


@pytest.mark.parametrize("operation", ASK)
def test_lasting_damage_ends_in_one_typed_error(answers, replay, operation):
    """It says what came, after a few requests."""
    for wrong in (HTML, Answer(200, b"\xff"), Answer(404, HTML.body, HTML.headers)):
        replay.gives(wrong)
        with pytest.raises(Unavailable, match="arrived damaged") as caught:
            ASK[operation](replay.service)
        assert caught.value.code == DAMAGED
        assert replay.asked == WHOLE_TRIES
    assert "text/html" in caught.value.message
    with pytest.raises(ConnectionFailed, match="is not a Glacier service"):
        replay.service.account()


@pytest.mark.parametrize(
    ("operation", "key", "value"),
    [
        ("DescribeVault", "CreationDate", "2026-02-31T00:00:00.000Z"),
        ("DescribeVault", "LastInventoryDate", "2026-02-21T00:00:00.000"),
        ("DescribeVault", "NumberOfArchives", -1),
        ("DescribeVault", "VaultName", None),
        ("DescribeJob", "StatusCode", "Succeedee"),
        ("DescribeJob", "SHA256TreeHash", "g" * 64),
        ("DescribeJob", "CompletionDate", "yesterday"),
        ("GetVaultLock", "ExpirationDate", "2026-13-01T00:00:00.000Z"),
    ],
)
def test_a_value_that_cannot_be_is_damage(answers, replay, operation, key, value):
    """It is named in the error."""
    changed = json.loads(answers[operation].body) | {key: value}
    replay.gives(Answer(200, json.dumps(changed).encode()))
    with pytest.raises(Unavailable, match=key):
        ASK[operation](replay.service)


@pytest.mark.parametrize(("operation", "key"), [("ListJobs", "Marker"), ("ListJobs", "ArchiveId")])
def test_a_misspelt_key_is_not_an_absent_one(answers, replay, operation, key):
    """Without the marker, a list would end early; without the archive, a job would be paid again."""
    wrong = answers[operation].body.replace(f'{key}":'.encode(), f'{key[:-1]}x":'.encode())
    replay.gives(Answer(200, wrong), answers[operation])
    ASK[operation](replay.service)
    assert replay.asked == 2


def flips():
    """Return a strategy of places in a text, and what is done to the byte there."""
    return st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=3)


@settings(max_examples=60)
@given(operation=st.sampled_from(sorted(ASK)), flips=flips())
def test_flipped_bytes_never_end_in_another_error(answers, replay, operation, flips):
    """Text that was changed into other text cannot be noticed; all else is damage."""
    body = bytearray(answers[operation].body)
    for place, byte in flips:
        body[place % len(body)] = byte
    replay.gives(Answer(200, bytes(body)))
    try:
        ASK[operation](replay.service)
    except Unavailable as error:
        damage = error.code
    else:
        damage = DAMAGED
    assert damage == DAMAGED


def test_a_page_that_comes_twice_ends_no_list_and_repeats_none(answers, replay):
    """A marker that was seen before is damage."""
    pages = [json.loads(answers["ListVaults"].body) for _ in range(3)]
    for number, page in enumerate(pages):
        page["VaultList"][0]["VaultName"] = f"vault-{number}"
        page["Marker"] = f"marker-{number}" if number < 2 else None
    first, second, third = (Answer(200, json.dumps(page).encode()) for page in pages)
    replay.gives(first, first, second, first, second, third)
    assert [vault["VaultName"] for vault in replay.service.vaults()] == ["vault-0", "vault-1", "vault-2"]
    replay.gives(first)
    with pytest.raises(Unavailable, match="sent before"):
        list(replay.service.vaults())
    assert replay.asked == 1 + WHOLE_TRIES


def test_what_may_have_been_done_is_not_sent_again(replay):
    """A job is paid, an archive stored, a unit bought: only the answer is lost."""
    replay.gives(Answer(202, HTML.body, HTML.headers))
    service = replay.service
    for count, call in enumerate(
        (
            lambda: service.start_retrieval("photos", "a" * 138, "Bulk", "token"),
            lambda: service.start_inventory("photos", "token"),
            lambda: service.upload_archive("photos", MemoryBody(b"content"), "a.txt"),
            lambda: service.upload_part("photos", "upload", 0, MemoryBody(b"content")),
            lambda: service.complete_upload("photos", "upload", 7, "0" * 64),
            lambda: Administration(service).buy_capacity(),
            lambda: Administration(service).start_lock("photos", POLICY),
        ),
        1,
    ):
        with pytest.raises(Unavailable) as caught:
            call()
        assert caught.value.code == DAMAGED
        assert replay.asked == count
