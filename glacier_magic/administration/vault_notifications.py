"""Whom a vault tells that a job is done."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..base.rendering import Rendered, visible
from ..errors import InputError
from ..service import Service
from ..service.administration import Administration
from .documents import masked

EVENTS = {"archive": "ArchiveRetrievalCompleted", "inventory": "InventoryRetrievalCompleted"}
"""Short names of the events that a vault can tell, and the service's own."""

_TOPIC = re.compile(r"arn:aws[\w-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]{1,256}")


class Notifications(Rendered):
    """The topic that a vault tells, as it was when it was read.

    :param topic: the ARN of the topic, or None.
    :param events: the events that it is told of.
    """

    def __init__(self, vault: str, service: Service) -> None:
        self.vault, self._service = vault, service
        told = Administration(service).notifications(vault)
        self.topic = told[0] if told else None
        self.events = tuple(told[1]) if told else ()

    def set(self, topic: str, events: Sequence[str] = ("archive", "inventory")) -> Notifications:
        """Tell a topic from now on; the same again changes nothing.

        :param topic: the ARN of an SNS topic, whose policy lets this account publish.
        :param events: ``archive`` and ``inventory``, or the service's names for them.
        :raises InputError: the topic is no ARN of one, or an event does not exist.
        """
        if not _TOPIC.fullmatch(topic):
            raise InputError(
                f"{masked(topic)!r} is not the ARN of an SNS topic",
                cure="It looks like arn:aws:sns:REGION:ACCOUNT:NAME.",
            )
        named = list(dict.fromkeys(_event(event) for event in events))
        if not named:
            raise InputError("No events to tell of", cure="Events are archive and inventory.")
        Administration(self._service).set_notifications(self.vault, topic, named)
        return Notifications(self.vault, self._service)

    def remove(self) -> Notifications:
        """Tell nobody from now on; the topic itself stays."""
        Administration(self._service).remove_notifications(self.vault)
        # Deleting is eventually consistent: what is known to be so is told, not what is read.
        after = Notifications(self.vault, self._service)
        after.topic, after.events = None, ()
        return after

    def _repr_text(self) -> str:
        if self.topic is None:
            return f"{self.vault} tells nobody when a job is done."
        return visible(f"{self.vault} tells {masked(self.topic)} of: {', '.join(self.events)}")


def _event(name: str) -> str:
    if name in EVENTS.values():
        return name
    try:
        return EVENTS[name.lower()]
    except KeyError:
        raise InputError(f"There is no event {name!r}", cure=f"Events: {', '.join(EVENTS)}") from None
