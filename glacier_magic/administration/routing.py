"""The way from a vault's finished jobs to a queue of one's own: made, shown, removed."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ..catalogue import Catalogue, Route
from ..errors import InputError, NotFound, Refused
from ..service.administration import Administration
from ..service.messaging import Messaging
from ..steps import step
from .change import Change
from .documents import masked
from .vault_notifications import EVENTS

TOPIC = "glacier-magic"
QUEUE = "glacier-magic-{}"
KEEP = 86_400
"""Seconds that the queue keeps a message: the service keeps a job's output as long."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")


class Routing:
    """Makes and removes the route of one vault.

    :param place: partition, region and account, as an ARN has them after ``arn:``.
    :param changed: called after the route was made or removed.
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
        """Return the plan to make topic, queue and subscription, and to have the vault use them.

        :param name: of the queue: ``glacier-magic-NAME``.  Who shares a queue takes messages from
            the others, so that everybody should have one.
        :param instead: put it in place of another topic that the vault tells.
        :raises Refused: the vault tells another topic, or somebody else has made a queue of that
            name.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"{name!r} cannot name a queue", cure="Up to 60 letters, digits, - and _.")
        wanted = self._wanted(name)
        told = self._calls.notifications(self.vault)
        if told is not None and told[0] != wanted.topic and not instead:
            raise Refused(
                f"{self.vault} tells another topic: {masked(told[0])}",
                cure="--replace puts ours in its place; that topic then hears nothing any more.",
            )
        topic, queue = self._topic_is(wanted), self._queue_is(wanted)
        events = ", ".join(EVENTS.values())
        return Change(
            f"Have {self.vault} tell a queue when a job is done",
            act=lambda: self._setup(wanted),
            head=("what", "name", "is"),
            cells=[
                ("topic", masked(wanted.topic), topic),
                ("queue", masked(wanted.queue), queue),
                ("subscription", "of the queue to the topic", "made, if it is not there"),
                ("vault", self.vault, f"told to tell the topic of {events}"),
            ],
            facts=[
                (
                    "cost",
                    "SNS and SQS charge by request: a session that listens asks the queue "
                    "every 10 seconds at most",
                ),
                ("undo", f"{step('notify', f'remove {self.vault}')}, which removes just that"),
            ],
            text=masked(
                f"topic policy: {self._topic_policy(wanted)}\nqueue policy: {self._queue_policy(wanted)}"
            ),
            button="Make",
        )

    def _wanted(self, name: str) -> Route:
        known = self._catalogue.routes.all()
        mine = self._catalogue.routes.of(self.vault)
        queue = self._arn("sqs", QUEUE.format(name))
        if mine is not None and mine.queue != queue:
            raise Refused(
                f"{self.vault} has a queue already: {_name(mine.queue)}",
                cure=f"{step('notify', f'remove {self.vault}')} removes it.",
            )
        return Route(
            vault=self.vault,
            topic=self._arn("sns", TOPIC),
            queue=queue,
            url="",
            subscription="",
            token=known[0].token if known else uuid.uuid4().hex,
            state="making",
            heard=mine.heard if mine is not None else 0,
        )

    def _arn(self, service: str, name: str) -> str:
        return f"arn:{self._partition}:{service}:{self._region}:{self._account}:{name}"

    def _topic_is(self, wanted: Route) -> str:
        try:
            ours = self._messaging.topic_token(wanted.topic) == wanted.token
        except NotFound:
            return "made"
        return "there, made from here" if ours else "there, made by somebody else: left as it is"

    def _queue_is(self, wanted: Route) -> str:
        try:
            url = self._messaging.queue(_name(wanted.queue))
        except NotFound:
            return "made"
        if self._messaging.queue_token(url) != wanted.token:
            raise Refused(
                f"There is a queue {_name(wanted.queue)} that was not made from here",
                cure="Choose another with --name; who shares a queue misses messages.",
            )
        return "there, made from here"

    def _setup(self, wanted: Route) -> str:
        # Written before anything is made, with the token that tells ours from others' things.
        self._catalogue.routes.put(wanted)
        self._make_topic(wanted)
        url = self._make_queue(wanted)
        subscription = self._messaging.subscribe(wanted.topic, wanted.queue)
        self._calls.set_notifications(self.vault, wanted.topic, EVENTS.values())
        ready = replace(wanted, url=url, subscription=subscription, state="ready")
        self._catalogue.routes.put(ready)
        self._changed()
        return f"{self.vault} tells the queue {_name(wanted.queue)} when a job is done."

    def _make_topic(self, wanted: Route) -> None:
        try:
            self._messaging.topic_token(wanted.topic)
        except NotFound:
            policy = self._topic_policy(wanted)
            self._messaging.create_topic(_name(wanted.topic), policy, wanted.token)

    def _make_queue(self, wanted: Route) -> str:
        if self._queue_is(wanted) != "made":
            return self._messaging.queue(_name(wanted.queue))
        attributes = {"MessageRetentionPeriod": str(KEEP), "Policy": self._queue_policy(wanted)}
        return self._messaging.create_queue(_name(wanted.queue), attributes, wanted.token)

    # What may send to what: no more than this one way

    def _topic_policy(self, wanted: Route) -> str:
        """Let this account publish: the service does so for whoever asked for the job."""
        owner = {"AWS": f"arn:{self._partition}:iam::{self._account}:root"}
        return _policy("JobsOfThisAccount", owner, "sns:Publish", wanted.topic)

    def _queue_policy(self, wanted: Route) -> str:
        """Let the topic send, and nobody else."""
        return _policy(
            "OnlyTheTopic",
            {"Service": "sns.amazonaws.com"},
            "sqs:SendMessage",
            wanted.queue,
            Condition={"ArnEquals": {"aws:SourceArn": wanted.topic}},
        )

    # Removing

    def remove(self) -> Change[str]:
        """Return the plan to remove what :meth:`setup` made for the vault, and nothing else.

        :raises NotFound: nothing was made from here for it.
        """
        route = self._catalogue.routes.of(self.vault)
        if route is None:
            raise NotFound(
                f"Nothing was made from here for {self.vault}",
                cure=f"{step('notify', f'{self.vault} --remove')} ends what somebody else has set.",
            )
        queue, topic = (self._kept(route, what) for what in ("queue", "topic"))
        return Change(
            f"Have {self.vault} tell no queue any more",
            act=lambda: self._remove(route),
            head=("what", "name", "is"),
            cells=[
                ("vault", self.vault, "told to tell nobody"),
                ("queue", masked(route.queue), queue or "removed, with its messages"),
                ("subscription", "of the queue to the topic", queue or "removed"),
                ("topic", masked(route.topic), topic or self._topic_fate(route)),
            ],
            button="Remove",
        )

    def _kept(self, route: Route, what: str) -> str:
        """Return why a topic or queue stays: other vaults use it; "" if none does."""
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
            return "gone already"
        return "removed, unless others listen to it" if ours else "kept: it was there before"

    def _remove(self, route: Route) -> str:
        told = self._calls.notifications(self.vault)
        if told is not None and told[0] == route.topic:
            self._calls.remove_notifications(self.vault)
        if not self._kept(route, "queue"):
            self._unsubscribe(route)
            self._remove_queue(route)
        kept = "" if self._kept(route, "topic") else self._remove_topic(route)
        self._catalogue.routes.forget(self.vault)
        self._changed()
        return f"{self.vault} tells no queue any more.{kept}"

    def _unsubscribe(self, route: Route) -> None:
        ours = self._listening(route).get(route.queue, "")
        if ours.startswith("arn:"):  # one that waits for its confirmation has no ARN yet
            self._messaging.unsubscribe(ours)

    def _listening(self, route: Route) -> Mapping[str, str]:
        try:
            return self._messaging.subscriptions(route.topic)
        except NotFound:
            return {}

    def _remove_queue(self, route: Route) -> None:
        with suppress(NotFound):
            url = self._messaging.queue(_name(route.queue))
            if self._messaging.queue_token(url) == route.token:
                self._messaging.delete_queue(url)

    def _remove_topic(self, route: Route) -> str:
        if self._listening(route).keys() - {route.queue}:
            return f" The topic {_name(route.topic)} stays: others listen to it."
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
