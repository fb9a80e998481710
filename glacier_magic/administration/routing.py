"""The route from a vault's completed jobs to a queue: creating, showing and removing it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ..catalogue import Catalogue, Route
from ..errors import InputError, NotFound, Refused
from ..errors.steps import option, step
from ..prices.money import money, rate
from ..service.administration import Administration
from ..service.messaging import Messaging
from .change import Change
from .documents import masked
from .vault_notifications import EVENTS

TOPIC = "glacier-magic"
QUEUE = "glacier-magic-{}"
KEEP = 86_400
"""Seconds that the queue retains a message; the service retains a job's output as long."""

PUBLISHING, RECEIVING = Decimal("0.0005"), Decimal("0.0004")
"""US dollars for 1,000 requests of SNS and of SQS in most regions, without free allowances (AWS price
lists AmazonSNS and AWSQueueService of 2025-08-28); the dearest regions take a fifth more."""
MONTH = 30 * 86_400

_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")


def listening_price(wait: int) -> str:
    """Return what a queue costs as a text.

    :param wait: seconds that a request to the queue waits for a message.
    """
    polls = MONTH // wait
    month = polls * RECEIVING / 1000
    job = (PUBLISHING + 2 * RECEIVING) / 1000  # published, received and deleted; its delivery is free
    return (
        f"about {money(month)} a month for each session that listens all the time ({polls:,} requests to "
        f"SQS, one every {wait} seconds, at {rate(RECEIVING)} per 1,000), and {money(job)} for each job; "
        "AWS price list of 2025-08-28 for most regions, no free allowance counted"
    )


class Routing:
    """Creates and removes the route of one vault.

    :param place: partition, region and account, as in an ARN.
    :param changed: called after the route was created or removed.
    """

    def __init__(
        self,
        vault: str,
        *,
        calls: Administration,
        messaging: Messaging,
        catalogue: Catalogue,
        place: tuple[str, str, str],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.vault, self._calls, self._messaging = vault, calls, messaging
        self._catalogue, self._changed = catalogue, changed
        self._partition, self._region, self._account = place

    def setup(self, name: str = "jobs", *, instead: bool = False) -> Change[str]:
        """Return the plan to create a topic, a queue and a subscription, and to notify them.

        :param name: of the queue: ``glacier-magic-NAME``.  Every computer needs its own queue: those
            that share one take messages from each other.
        :param instead: whether to replace another topic that the vault notifies.
        :raises Refused: the vault notifies another topic, or the queue exists and is not in the
            catalogue.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"{name!r} cannot name a queue", cure="Up to 60 letters, digits, - and _.")
        wanted = self._wanted(name)
        current = self._calls.notifications(self.vault)
        if current is not None and current[0] != wanted.topic and not instead:
            raise Refused(
                f"{self.vault} notifies another topic: {masked(current[0])}",
                cure=f"{option('replace', True)} replaces it; the other topic is then no longer notified.",
            )
        topic, queue = self._topic_is(wanted), self._queue_is(wanted)
        events = ", ".join(EVENTS.values())
        return Change(
            f"Send a message to a queue when a job of {self.vault} completes",
            act=lambda: self._setup(wanted),
            head=("resource", "name", "state"),
            cells=[
                ("topic", masked(wanted.topic), topic),
                ("queue", masked(wanted.queue), queue),
                ("subscription", "of the queue to the topic", "created if missing"),
                ("vault", self.vault, f"set to notify the topic of {events}"),
            ],
            facts=[
                ("cost", self._price),
                ("undo", f"{step('notify', f'remove {self.vault}')}, which removes exactly these"),
            ],
            text=masked(
                f"topic policy: {self._topic_policy(wanted)}\nqueue policy: {self._queue_policy(wanted)}"
            ),
            button="Create",
        )

    @property
    def _price(self) -> str:
        return listening_price(self._catalogue.limits.queue_wait)

    def _wanted(self, name: str) -> Route:
        known = self._catalogue.routes.all()
        mine = self._catalogue.routes.of(self.vault)
        queue = self._arn("sqs", QUEUE.format(name))
        if mine is not None and mine.queue != queue:
            raise Refused(
                f"{self.vault} already has a queue: {_name(mine.queue)}",
                cure=f"{step('notify', f'remove {self.vault}')} removes it.",
            )
        return Route(
            vault=self.vault,
            topic=self._arn("sns", TOPIC),
            queue=queue,
            url="",
            subscription="",
            token=known[0].token if known else uuid.uuid4().hex,  # one token for all resources of a catalogue
            state="making",
            heard=mine.heard if mine is not None else 0,
        )

    def _arn(self, service: str, name: str) -> str:
        return f"arn:{self._partition}:{service}:{self._region}:{self._account}:{name}"

    def _topic_is(self, wanted: Route) -> str:
        try:
            ours = self._messaging.topic_token(wanted.topic) == wanted.token
        except NotFound:
            return "to be created"
        return "exists, in the catalogue" if ours else "exists, not in the catalogue: not changed"

    def _queue_is(self, wanted: Route) -> str:
        try:
            url = self._messaging.queue(_name(wanted.queue))
        except NotFound:
            return "to be created"
        if self._messaging.queue_token(url) != wanted.token:
            raise Refused(
                f"The queue {_name(wanted.queue)} exists and is not in this catalogue",
                cure=f"Choose another with {option('name')}; computers that share a queue miss messages.",
            )
        return "exists, in the catalogue"

    def _setup(self, wanted: Route) -> str:
        # Recorded before anything is created, with the token that marks our resources.
        self._catalogue.routes.put(wanted)
        self._make_topic(wanted)
        url = self._make_queue(wanted)
        subscription = self._messaging.subscribe(wanted.topic, wanted.queue)
        # Last, once messages can arrive.
        self._calls.set_notifications(self.vault, wanted.topic, EVENTS.values())
        ready = replace(wanted, url=url, subscription=subscription, state="ready")
        # "making" until here: an interrupted setup is seen, and can be repeated.
        self._catalogue.routes.put(ready)
        self._changed()
        done = f"{self.vault} notifies the queue {_name(wanted.queue)} when a job completes."
        return f"{done} Cost: {self._price}."

    def _make_topic(self, wanted: Route) -> None:
        try:
            self._messaging.topic_token(wanted.topic)
        except NotFound:
            policy = self._topic_policy(wanted)
            self._messaging.create_topic(_name(wanted.topic), policy, wanted.token)

    def _make_queue(self, wanted: Route) -> str:
        if self._queue_is(wanted) != "to be created":  # checked again: it may exist by now and be another's
            return self._messaging.queue(_name(wanted.queue))
        attributes = {"MessageRetentionPeriod": str(KEEP), "Policy": self._queue_policy(wanted)}
        return self._messaging.create_queue(_name(wanted.queue), attributes, wanted.token)

    # Permissions: only this topic may send to this queue

    def _topic_policy(self, wanted: Route) -> str:
        """Allow this account to publish: the service publishes on behalf of the job's requester."""
        owner = {"AWS": f"arn:{self._partition}:iam::{self._account}:root"}
        return _policy("JobsOfThisAccount", owner, "sns:Publish", wanted.topic)

    def _queue_policy(self, wanted: Route) -> str:
        """Allow only the topic to send."""
        return _policy(
            "OnlyTheTopic",
            {"Service": "sns.amazonaws.com"},
            "sqs:SendMessage",
            wanted.queue,
            # Otherwise every topic of every account could send.
            Condition={"ArnEquals": {"aws:SourceArn": wanted.topic}},
        )

    # Removing

    def remove(self) -> Change[str]:
        """Return the plan to remove what :meth:`setup` created for the vault.

        :raises NotFound: the catalogue has no route for it.
        """
        route = self._catalogue.routes.of(self.vault)
        if route is None:
            raise NotFound(
                f"{self.vault} has no queue in this catalogue",
                cure=f"{step('notify', f'{self.vault} --remove')} removes other notification settings.",
            )
        queue, topic = (self._shared(route, what) for what in ("queue", "topic"))
        return Change(
            f"Stop notifying the queue of {self.vault}",
            act=lambda: self._remove(route),
            head=("resource", "name", "state"),
            cells=[
                ("vault", self.vault, "set to notify no topic"),
                ("queue", masked(route.queue), queue or "removed, with its messages"),
                ("subscription", "of the queue to the topic", queue or "removed"),
                ("topic", masked(route.topic), topic or self._topic_fate(route)),
            ],
            button="Remove",
        )

    def _shared(self, route: Route, what: str) -> str:
        """Return that a topic or queue is kept because other vaults use it; "" if none does."""
        users = [
            other.vault
            for other in self._catalogue.routes.all()
            if other.vault != self.vault and getattr(other, what) == getattr(route, what)
        ]
        return f"kept: {', '.join(users)} use it" if users else ""

    def _topic_fate(self, route: Route) -> str:
        try:
            ours = self._messaging.topic_token(route.topic) == route.token
        except NotFound:
            return "already removed"
        return "removed, unless it has other subscriptions" if ours else "kept: not in the catalogue"

    def _remove(self, route: Route) -> str:
        current = self._calls.notifications(self.vault)
        # Another topic, set since, is not ours to remove.
        if current is not None and current[0] == route.topic:
            self._calls.remove_notifications(self.vault)
        if not self._shared(route, "queue"):
            self._unsubscribe(route)
            self._remove_queue(route)
        kept = "" if self._shared(route, "topic") else self._remove_topic(route)
        self._catalogue.routes.forget(self.vault)  # last, so that an interrupted removal can be repeated
        self._changed()
        return f"{self.vault} no longer notifies a queue.{kept}"

    def _unsubscribe(self, route: Route) -> None:
        ours = self._subscriptions(route).get(route.queue, "")
        if ours.startswith("arn:"):  # a subscription that is not confirmed has no ARN yet
            self._messaging.unsubscribe(ours)

    def _subscriptions(self, route: Route) -> Mapping[str, str]:
        try:
            return self._messaging.subscriptions(route.topic)
        except NotFound:
            return {}

    def _remove_queue(self, route: Route) -> None:
        with suppress(NotFound):  # an interrupted removal has removed it already
            url = self._messaging.queue(_name(route.queue))
            if self._messaging.queue_token(url) == route.token:  # another program may have created it again
                self._messaging.delete_queue(url)

    def _remove_topic(self, route: Route) -> str:
        if self._subscriptions(route).keys() - {route.queue}:
            return f" The topic {_name(route.topic)} is kept: it has other subscriptions."
        with suppress(NotFound):
            if self._messaging.topic_token(route.topic) == route.token:
                self._messaging.delete_topic(route.topic)
        return ""


def _policy(sid: str, principal: dict[str, str], action: str, on: str, **more: Any) -> str:
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": action,
        "Resource": on,
        **more,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _name(arn: str) -> str:
    return arn.rpartition(":")[2]
