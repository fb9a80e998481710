"""A finished job is published through a real SNS Publish call."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from glacier_magic.emulator.testing import running

ANSWER = b"""<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>
<MessageId>m</MessageId></PublishResult></PublishResponse>"""


class Topics(BaseHTTPRequestHandler):
    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.calls.append({name: values[0] for name, values in form.items()})
        broken = self.server.broken > 0
        self.server.broken -= 1
        self.send_response(400 if broken else 200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_):
        pass


@pytest.fixture
def sns():
    """An endpoint that remembers what was published to it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Topics)
    server.calls, server.broken = [], 0
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def finished(sns, tmp_path):
    """Run a job with a topic in a vault with a topic; return the job object and the messages."""

    def finished(expected, broken=0):
        sns.broken = broken
        with running(tmp_path / "data", extra=["--sns-endpoint", sns.url]) as emulator:
            client = emulator.client()
            client.create_vault(vaultName="v")
            config = {"SNSTopic": "arn:vault", "Events": ["ArchiveRetrievalCompleted"]}
            client.set_vault_notifications(vaultName="v", vaultNotificationConfig=config)
            archive = client.upload_archive(vaultName="v", body=b"x")["archiveId"]
            emulator.advance(days=1)
            for parameters in (
                {"Type": "archive-retrieval", "ArchiveId": archive, "SNSTopic": "arn:job"},
                {"Type": "inventory-retrieval"},
            ):
                client.initiate_job(vaultName="v", jobParameters=parameters)
            emulator.advance(hours=4)
            deadline = time.monotonic() + 30
            while len(sns.calls) < expected and time.monotonic() < deadline:
                time.sleep(0.02)
            return client.list_jobs(vaultName="v")["JobList"][0], sns.calls

    return finished


def test_both_topics_get_the_job_object(finished):
    """And the vault's only for the events it asked for."""
    job, calls = finished(2)
    assert [(call["Action"], call["TopicArn"]) for call in calls] == [
        ("Publish", "arn:job"),
        ("Publish", "arn:vault"),
    ]
    message = json.loads(calls[0]["Message"])
    assert message["JobId"] == job["JobId"]
    assert (message["Completed"], message["StatusCode"]) == (True, "Succeeded")
    assert message["InventoryRetrievalParameters"] is None
    assert "Subject" not in calls[0]


def test_a_message_that_was_not_taken_is_sent_again(finished):
    """Up to three times."""
    _, calls = finished(3, broken=1)
    assert [call["TopicArn"] for call in calls] == ["arn:job", "arn:job", "arn:vault"]
