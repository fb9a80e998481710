"""SNS topics and SQS queues, which announce finished jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..errors import AccessDenied, GlacierError, InputError, NotFound
from ..errors.steps import step
from .client import Service
from .clients import new_client
from .connection import EMULATOR_KEYS, config_of
from .translation import translated

TAG = "glacier_magic"
"""The tag of a topic or queue created by this program; its value is a token of the catalogue."""

# SNS and SQS have different names for it.
_DENIED = ("AuthorizationError", "AuthorizationErrorException", "AccessDenied")
# In the query protocol of SQS, and in its JSON protocol.
_MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


def _permission() -> str:
    return f"{step('policy', '--iam')} shows the permissions that the identity needs."


_NO_TOPICS = (
    "Point AWS_ENDPOINT_URL_SNS and AWS_ENDPOINT_URL_SQS to a server that has them, such as "
    "moto_server, and start the emulator with --sns-endpoint and the same address."
)


@dataclass(frozen=True)
class Message:
    """A message of a queue: the handle that deletes it, and its text."""

    handle: str
    body: str


class Messaging:
    """Calls to SNS and SQS with the credentials and in the region of a service.

    :param emulated: the service is an emulator, for which real topics and queues are never used.
    :raises InputError: it is an emulator, and no other address of SNS and SQS is set.
    """

    def __init__(self, service: Service, *, emulated: bool) -> None:
        self._topics = _client(service, "sns", emulated=emulated)
        self._queues = _client(service, "sqs", emulated=emulated)

    # Topics

    def topic_token(self, arn: str) -> str:
        """Return the token in a topic's tag, or "".

        :raises NotFound: the topic does not exist.
        """
        with _asked():
            tags = self._topics.list_tags_for_resource(ResourceArn=arn)["Tags"]
        return next((str(tag["Value"]) for tag in tags if tag["Key"] == TAG), "")

    def create_topic(self, name: str, policy: str, token: str) -> str:
        """Create a topic; return its ARN."""
        with _asked():
            response = self._topics.create_topic(
                Name=name, Attributes={"Policy": policy}, Tags=[{"Key": TAG, "Value": token}]
            )
        return str(response["TopicArn"])

    def delete_topic(self, arn: str) -> None:
        """Delete a topic, if it still exists."""
        with _asked():
            self._topics.delete_topic(TopicArn=arn)

    def subscriptions(self, topic: str) -> Mapping[str, str]:
        """Return the subscriptions of a topic, from endpoint to ARN."""
        with _asked():
            pages = self._topics.get_paginator("list_subscriptions_by_topic")
            return {
                str(one["Endpoint"]): str(one["SubscriptionArn"])
                for page in pages.paginate(TopicArn=topic)
                for one in page["Subscriptions"]
            }

    def subscribe(self, topic: str, queue: str) -> str:
        """Subscribe a queue to a topic; return the subscription.  May be repeated."""
        with _asked():
            # Without ReturnSubscriptionArn, the response may say "pending confirmation" instead.
            response = self._topics.subscribe(
                TopicArn=topic, Protocol="sqs", Endpoint=queue, ReturnSubscriptionArn=True
            )
        return str(response["SubscriptionArn"])

    def unsubscribe(self, subscription: str) -> None:
        """End a subscription, if it still exists."""
        with _asked():
            self._topics.unsubscribe(SubscriptionArn=subscription)

    # Queues

    def queue(self, name: str) -> str:
        """Return the URL of a queue.

        :raises NotFound: the queue does not exist.
        """
        with _asked():
            return str(self._queues.get_queue_url(QueueName=name)["QueueUrl"])

    def queue_token(self, url: str) -> str:
        """Return the token in a queue's tag, or ""."""
        with _asked():
            tags = self._queues.list_queue_tags(QueueUrl=url).get("Tags", {})  # absent if there are none
        return str(tags.get(TAG, ""))

    def create_queue(self, name: str, attributes: Mapping[str, str], token: str) -> str:
        """Create a queue; return its URL."""
        with _asked():
            made = self._queues.create_queue(QueueName=name, Attributes=dict(attributes), tags={TAG: token})
        return str(made["QueueUrl"])

    def delete_queue(self, url: str) -> None:
        """Delete a queue and its messages.

        :raises NotFound: the queue does not exist.
        """
        with _asked():
            self._queues.delete_queue(QueueUrl=url)

    def receive(self, url: str, wait: int) -> list[Message]:
        """Return up to ten messages, waiting up to *wait* seconds for the first.

        The queue hides them from other readers for a while, then delivers them again unless deleted.

        :raises NotFound: the queue does not exist.
        """
        with _asked():
            found = self._queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
        messages = found.get("Messages", [])
        return [Message(str(one["ReceiptHandle"]), str(one.get("Body", ""))) for one in messages]

    def delete(self, url: str, message: Message) -> None:
        """Delete a message, if it still exists."""
        with _asked():
            self._queues.delete_message(QueueUrl=url, ReceiptHandle=message.handle)


@contextmanager
def _asked() -> Iterator[None]:
    """Translate failures into errors of this project, including the codes of SNS and SQS."""
    try:
        with translated():
            yield
    except GlacierError as error:
        if error.code in _MISSING:
            raise NotFound("The queue does not exist", cure="", code=error.code) from None
        if error.code in _DENIED or isinstance(error, AccessDenied):
            raise AccessDenied(error.message, cure=_permission(), code=error.code) from None
        raise


def _client(service: Service, name: str, *, emulated: bool) -> Any:
    session = service._session
    config = config_of(attempts=3, connect=10, read=40)  # longer than the longest poll of SQS, 20 seconds
    with translated():
        keys = EMULATOR_KEYS if emulated else {}
        client = new_client(session, name, service.region, config, **keys)
    # Virtual time and made-up archives must not reach the topics of a real account.
    if emulated and ".amazonaws.com" in (urlsplit(client.meta.endpoint_url).hostname or ""):
        raise InputError("The emulator has no topics and queues of its own", cure=_NO_TOPICS)
    return client
