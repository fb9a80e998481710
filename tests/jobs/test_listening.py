"""A queue tells that a job is done: heard, looked up at once, and harmless when it lies."""

import json
import threading
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.base.session_limits import Limits
from glacier_magic.errors import NotFound, Unavailable
from glacier_magic.jobs.listening import Listener, vault_of

ACCOUNT, REGION = "123456789012", "eu-west-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:glacier-magic"
ARN = f"arn:aws:glacier:{REGION}:{ACCOUNT}:vaults/photos"
JOB = {
    "Action": "InventoryRetrieval",
    "ArchiveId": None,
    "ArchiveSHA256TreeHash": None,
    "ArchiveSizeInBytes": None,
    "Completed": True,
    "CompletionDate": "2020-11-05T15:20:50.362Z",
    "CreationDate": "2020-11-05T11:33:15.113Z",
    "InventoryRetrievalParameters": {
        "EndDate": None,
        "Format": "CSV",
        "Limit": None,
        "Marker": None,
        "StartDate": None,
    },
    "InventorySizeInBytes": 2006,
    "JobDescription": None,
    "JobId": "x" * 92,
    "RetrievalByteRange": None,
    "SHA256TreeHash": None,
    "SNSTopic": TOPIC,
    "StatusCode": "Succeeded",
    "StatusMessage": "Succeeded",
    "Tier": None,
    "VaultARN": ARN,
}


def envelope(job=JOB, **changed):
    message = job if isinstance(job, str) else json.dumps(job)
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "m",
            "TopicArn": TOPIC,
            "Subject": None,
            "Message": message,
            "Timestamp": "2020-11-05T15:20:50.400Z",
            "SignatureVersion": "1",
            "Signature": "s",
            "SigningCertURL": "u",
            "UnsubscribeURL": "u",
        }
        | changed
    )


def heard(body):
    return vault_of(body, topic=TOPIC, account=ACCOUNT, region=REGION)


def test_the_documented_message_names_its_vault():
    """Of an inventory and of an archive, succeeded or failed."""
    assert heard(envelope()) == "photos"
    assert heard(envelope(JOB | {"Action": "ArchiveRetrieval", "StatusCode": "Failed"})) == "photos"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '"x"',
        "[" * 100_000,
        envelope(Type="SubscriptionConfirmation"),
        envelope(TopicArn=TOPIC + "2"),
        envelope("not JSON"),
        envelope("[]"),
        envelope(json.dumps(None)),
        envelope(Message=None),
        envelope(Message=JOB),
        envelope(JOB | {"VaultARN": ARN.replace(ACCOUNT, "210987654321")}),
        envelope(JOB | {"VaultARN": ARN.replace(REGION, "us-east-1")}),
        envelope(JOB | {"VaultARN": ARN + "/../x"}),
        envelope(JOB | {"VaultARN": ARN + "\n"}),
        envelope(JOB | {"VaultARN": None}),
        envelope(JOB | {"VaultARN": [ARN]}),
        envelope(JOB | {"Completed": False}),
        envelope(JOB | {"Completed": "true"}),
        envelope(JOB | {"JobId": None}),
        json.dumps(JOB),
    ],
)
def test_a_foreign_or_malformed_message_is_nobodys(body):
    """It never raises."""
    assert heard(body) is None


@given(st.text() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_no_text_makes_it_stumble(text):
    """As a body, and inside an envelope."""
    assert heard(text) is None
    assert heard(envelope(text)) is None


@dataclass(frozen=True)
class Letter:
    body: str


class Box:
    """A queue in memory; an exception among the answers is raised."""

    def __init__(self, *answers):
        self.answers, self.deleted = list(answers), []

    def receive(self, url, wait):
        answer = self.answers.pop(0) if self.answers else NotFound("gone")
        if isinstance(answer, Exception):
            raise answer
        return [Letter(body) for body in answer]

    def delete(self, url, message):
        self.deleted.append(message.body)


@pytest.fixture
def listen():
    """Run a listener over the answers of a queue; return what it did."""

    def listen(*answers, wake=None):
        box, woken, hearing = Box(*answers), [], []
        listener = Listener(
            box,
            "url",
            read=heard,
            wake=wake or woken.append,
            hearing=hearing.append,
            limits=Limits(queue_retry=0.0),
        )
        rounds = list(listener.rounds())
        return box, woken, hearing, rounds, listener

    return listen


def test_each_vault_is_woken_once_a_round_and_our_messages_alone_are_deleted(listen):
    """Duplicates are harmless, others' messages stay."""
    other = envelope(JOB | {"VaultARN": ARN.replace("photos", "films")})
    box, woken, hearing, rounds, _ = listen([envelope(), "junk", other, envelope()], [], [other])
    assert sorted(woken) == ["films", "films", "photos"]
    assert sorted(box.deleted) == sorted([envelope(), envelope(), other, other])
    assert rounds == [{"photos", "films"}, set(), {"films"}]
    assert hearing == [True, True, True]


def test_a_queue_that_does_not_answer_is_asked_again_and_the_polling_narrows(listen):
    """Until it answers; one that is gone is left."""
    _, woken, hearing, _, listener = listen(Unavailable("down"), Unavailable("down"), [envelope()])
    assert woken == ["photos"]
    assert hearing == [False, False, True]
    assert listener.note == "gone"


def test_a_message_whose_vault_could_not_be_looked_at_is_kept(listen):
    """It comes again."""

    def fail(_):
        raise Unavailable("no network")

    box, _, hearing, _, _ = listen([envelope()], wake=fail)
    assert box.deleted == []
    assert hearing == [False]


def test_the_thread_ends_when_it_is_told_to():
    """And says that nothing is heard any more; a late message is left alone."""
    asked, answer, ended = threading.Event(), threading.Event(), threading.Event()
    deleted, woken = [], []

    class Slow(Box):
        def receive(self, url, wait):
            asked.set()
            answer.wait(30)
            return [Letter(envelope())]

    box = Slow()
    listener = Listener(box, "url", read=heard, wake=woken.append, hearing=lambda on: on or ended.set())
    listener.start()
    assert asked.wait(30)
    listener.stop()
    answer.set()
    assert ended.wait(30)
    assert woken == deleted == box.deleted == []
