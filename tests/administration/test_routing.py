"""The queue of a vault's finished jobs: made after it was shown, used, removed without a trace."""

import json
import time
from dataclasses import replace

import boto3
import pytest

import glacier_magic as gm
from glacier_magic.administration import listeners as session_listening
from glacier_magic.client.connect import connection_for
from glacier_magic.emulator.testing import running
from glacier_magic.errors import InputError, NotFound, Refused

ACCOUNT, REGION = "123456789012", "eu-west-1"
KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": REGION}
PATIENCE = 30.0


@pytest.fixture(scope="module")
def service(moto, tmp_path_factory):
    """An emulator that publishes to it."""
    folder = tmp_path_factory.mktemp("published")
    with running(folder, extra=["--sns-endpoint", moto, "--account", ACCOUNT]) as found:
        yield found


@pytest.fixture
def aws(moto, empty_moto, monkeypatch):
    """Clients of SNS and SQS, empty for this test; sessions are led to the same."""
    for name in ("SNS", "SQS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", moto)
    topics = boto3.client("sns", endpoint_url=moto, **KEYS)
    queues = boto3.client("sqs", endpoint_url=moto, **KEYS)
    yield topics, queues
    topics.close()
    queues.close()


@pytest.fixture
def open_session(service, aws, tmp_path, limits):
    """Make sessions of one catalogue, or of another; all are closed at the end."""
    opened = []

    def open_session(name="one"):
        opened.append(
            gm.Session(
                connection_for(emulator=service.folder, region=REGION),
                catalogue=tmp_path / f"{name}.sqlite",
                limits=replace(limits, queue_wait=1),
            )
        )
        return opened[-1]

    yield open_session
    for session in opened:
        session.close()
    client = service.client(REGION)
    for name in ("photos", "films"):
        client.create_vault(vaultName=name)
        client.delete_vault_notifications(vaultName=name)


@pytest.fixture
def session(open_session):
    session = open_session()
    for name in ("photos", "films"):
        session.create_vault(name)
    return session


def things(aws):
    """List what exists: topics, queues, subscriptions."""
    topics, queues = aws
    return (
        [t["TopicArn"].rpartition(":")[2] for t in topics.list_topics()["Topics"]],
        [url.rpartition("/")[2] for url in queues.list_queues().get("QueueUrls", [])],
        [s["Endpoint"].rpartition(":")[2] for s in topics.list_subscriptions()["Subscriptions"]],
    )


OURS = (["glacier-magic"], ["glacier-magic-jobs"], ["glacier-magic-jobs"])
NOTHING = ([], [], [])


def test_the_plan_shows_all_and_makes_nothing(session, aws):
    """Names, policies, the vault's events; no account id."""
    plan = session.routing("photos").setup()
    assert things(aws) == NOTHING
    assert session.catalogue.routes.all() == []
    for words in ("glacier-magic-jobs", "sns:Publish", "sqs:SendMessage", "aws:SourceArn"):
        assert words in repr(plan)
    assert ACCOUNT not in repr(plan) + plan.card_html()


@pytest.mark.each_backend
def test_setup_makes_it_once_with_least_policies_and_remove_removes_it(session, aws, service):
    """Both may be repeated."""
    for _ in range(2):
        session.routing("photos").setup().run()
        assert things(aws) == OURS
    topics, queues = aws
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:glacier-magic"
    told = topics.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    (statement,) = json.loads(told)["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert statement["Action"] == "sns:Publish"
    assert statement["Resource"] == topic
    url = queues.get_queue_url(QueueName="glacier-magic-jobs")["QueueUrl"]
    asked = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    (statement,) = json.loads(asked["Policy"])["Statement"]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": topic}}
    assert statement["Action"] == "sqs:SendMessage"
    assert asked["MessageRetentionPeriod"] == "86400"
    config = service.client(REGION).get_vault_notifications(vaultName="photos")
    assert config["vaultNotificationConfig"]["SNSTopic"] == topic
    assert "listening" in repr(session.notifications())
    assert ACCOUNT not in repr(session.notifications())
    session.routing("photos").remove().run()
    assert things(aws) == NOTHING
    assert session.vault("photos").notifications().topic is None
    assert session.catalogue.routes.all() == []
    with pytest.raises(NotFound, match="has no queue"):
        session.routing("photos").remove()


def test_what_others_made_is_left(session, aws):
    """A topic that was there, a queue of the same name, a subscription of somebody else's."""
    topics, queues = aws
    topic = topics.create_topic(Name="glacier-magic")["TopicArn"]
    queues.create_queue(QueueName="glacier-magic-jobs")
    with pytest.raises(Refused, match="not in this catalogue"):
        session.routing("photos").setup()
    plan = session.routing("photos").setup("mine")
    assert "not in the catalogue" in repr(plan)
    plan.run()
    assert "kept: not in the catalogue" in repr(session.routing("photos").remove())
    session.routing("photos").remove().run()
    assert things(aws) == (["glacier-magic"], ["glacier-magic-jobs"], [])
    topics.delete_topic(TopicArn=topic)
    session.routing("photos").setup("mine").run()
    theirs = f"arn:aws:sqs:{REGION}:{ACCOUNT}:glacier-magic-jobs"
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=theirs)
    assert "other subscriptions" in session.routing("photos").remove().run()
    assert things(aws) == (["glacier-magic"], ["glacier-magic-jobs"], ["glacier-magic-jobs"])


def test_two_vaults_share_a_queue_until_the_last_is_removed(session, aws):
    """What one still uses is not removed with the other."""
    for name in ("photos", "films"):
        session.routing(name).setup().run()
    assert "kept: films use it" in repr(session.routing("photos").remove())
    session.routing("photos").remove().run()
    assert things(aws) == OURS
    assert session.vault("films").notifications().topic is not None
    session.routing("films").remove().run()
    assert things(aws) == NOTHING


def test_each_vault_can_have_a_queue_of_its_own(session, aws):
    """The topic is shared, the queues are not; each goes with its vault."""
    session.routing("photos").setup("mine").run()
    session.routing("films").setup("yours").run()
    assert set(things(aws)[1]) == {"glacier-magic-mine", "glacier-magic-yours"}
    with pytest.raises(Refused, match="already has a queue"):
        session.routing("films").setup("other")
    session.routing("photos").remove().run()
    yours = ["glacier-magic-yours"]
    assert things(aws) == (["glacier-magic"], yours, yours)
    session.routing("films").remove().run()
    assert things(aws) == NOTHING


def test_another_topic_of_the_vault_is_not_replaced_unasked(session, aws):
    """Nor removed later, if it was set meanwhile."""
    theirs = f"arn:aws:sns:{REGION}:{ACCOUNT}:theirs"
    session.vault("photos").notifications().set(theirs)
    with pytest.raises(Refused, match="notifies another topic") as caught:
        session.routing("photos").setup()
    assert ACCOUNT not in str(caught.value)
    session.routing("photos").setup(instead=True).run()
    session.vault("photos").notifications().set(theirs)
    assert "no longer notifies it" in repr(session.notifications())
    session.routing("photos").remove().run()
    assert session.vault("photos").notifications().topic == theirs
    assert things(aws) == NOTHING


@pytest.mark.parametrize("name", ["", "../x", "a b", "x" * 61, "é", "a\n"])
def test_a_name_that_no_queue_can_have_is_refused(session, name):
    """Before anything is asked."""
    with pytest.raises(InputError, match="cannot name a queue"):
        session.routing("photos").setup(name)


@pytest.mark.parametrize("step", ["create_topic", "create_queue", "set_notifications"])
def test_a_setup_that_was_killed_half_way_is_finished_or_removed(
    child, session, service, aws, tmp_path, step
):
    """By the same commands, in another process."""
    script = """
        import glacier_magic as gm
        from glacier_magic.service.administration import Administration
        from glacier_magic.service.messaging import Messaging
        folder, catalogue, step = sys.argv[1:]
        stop_at("after", Administration if step == "set_notifications" else Messaging, step)
        session = gm.connect(emulator=folder, region="eu-west-1", catalogue=catalogue)
        session.routing("photos").setup().run()
    """
    child(script, service.folder, tmp_path / "one.sqlite", step).kill_when_stopped()
    assert session.catalogue.routes.of("photos").state == "making"
    assert "incomplete" in repr(session.notifications())
    if step in ("create_queue", "set_notifications"):
        session.routing("photos").setup().run()
        assert things(aws) == OURS
    session.routing("photos").remove().run()
    assert things(aws) == NOTHING


@pytest.mark.limits(emulator_idle=3600.0)
def test_a_finished_job_is_seen_because_the_queue_says_so(session, service, tmp_path):
    """The tracker itself would look in an hour; a job that somebody else asked for is seen too."""

    session.routing("photos").setup().run()
    (tmp_path / "a").write_bytes(b"content")
    vault = session.vault("photos")
    archive = vault.upload(tmp_path / "a")
    batch = vault.restore("a", to=tmp_path / "back").run()
    theirs = service.client(REGION).initiate_job(
        vaultName="photos", jobParameters={"Type": "archive-retrieval", "ArchiveId": archive.id}
    )["jobId"]
    assert session.tracker.patience == 1.0  # nothing came that way yet: it may not work
    service.advance(hours=4.1)
    batch.wait(PATIENCE)
    assert (tmp_path / "back" / "a").read_bytes() == b"content"
    end = time.monotonic() + PATIENCE
    while session.catalogue.jobs.get("photos", theirs) is None and time.monotonic() < end:
        time.sleep(0.05)
    assert session.catalogue.jobs.get("photos", theirs).status == "Succeeded"
    while session.tracker.patience == 1.0 and time.monotonic() < end:
        time.sleep(0.05)
    assert session.tracker.patience == session_listening.PATIENCE
    assert session.catalogue.routes.of("photos").heard > 0
    session.routing("photos").remove().run()
    assert session.tracker.patience == 1.0


def test_a_later_session_listens_from_its_first_look_at_jobs_on(session, open_session):
    """And none that only reads; closing ends the thread."""
    session.routing("photos").setup().run()
    later = open_session()
    assert "listening while jobs are tracked" in repr(later.notifications())
    later.jobs()
    (listener,) = later.listening.listeners.values()
    later.close()
    listener._thread.join(PATIENCE)
    assert not listener._thread.is_alive()
    assert later.listening.listeners == {}


def test_without_the_queue_all_stays_as_it_is(session, aws, open_session):
    """Somebody deleted it: the polling narrows again."""
    session.routing("photos").setup().run()
    (listener,) = session.listening.listeners.values()
    _, queues = aws
    queues.delete_queue(QueueUrl=listener.url)
    listener._thread.join(PATIENCE)
    assert session.tracker.patience == 1.0
    assert "does not exist" in repr(session.notifications())
    session.routing("photos").remove().run()
    assert things(aws) == NOTHING


def test_an_emulator_never_reaches_for_real_topics(connect):
    """Unless another address is set for them."""
    session = connect()
    session.create_vault("photos")
    with pytest.raises(InputError, match="no topics and queues") as caught:
        session.routing("photos")
    assert "AWS_ENDPOINT_URL_SNS" in caught.value.cure
