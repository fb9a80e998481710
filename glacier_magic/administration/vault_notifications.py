"""The notification settings of a vault."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..base.rendering import Rendered, visible
from ..errors import InputError
from ..service import Service
from ..service.administration import Administration
from .documents import masked

EVENTS = {"archive": "ArchiveRetrievalCompleted", "inventory": "InventoryRetrievalCompleted"}
"""Short names of the events, and the service's names."""

_TOPIC = re.compile(r"arn:aws[\w-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]{1,256}")  # aws-cn and aws-us-gov too


class Notifications(Rendered):
    """The notification settings of a vault at the time they were read.

    ``topic`` is the ARN of the topic, or None; ``events`` are the events that it is notified of.
    """

    def __init__(self, vault: str, service: Service) -> None:
        self.vault, self._service = vault, service
        found = Administration(service).notifications(vault)
        self.topic = found[0] if found else None
        self.events = tuple(found[1]) if found else ()

    def set(self, topic: str, events: Sequence[str] = ("archive", "inventory")) -> Notifications:
        """Notify a topic from now on; repeating the call changes nothing.

        :param topic: the ARN of an SNS topic whose policy allows this account to publish.
        :param events: ``archive`` and ``inventory``, or the service's names for them.
        :raises InputError: the topic is not the ARN of one, or an event does not exist.
        """
        if not _TOPIC.fullmatch(topic):
            raise InputError(
                f"{masked(topic)!r} is not the ARN of an SNS topic",
                cure="It looks like arn:aws:sns:REGION:ACCOUNT:NAME.",
            )
        named = list(dict.fromkeys(_event(event) for event in events))  # both names of an event may be given
        if not named:
            raise InputError("No events to notify of", cure="Events are archive and inventory.")
        Administration(self._service).set_notifications(self.vault, topic, named)
        return Notifications(self.vault, self._service)

    def remove(self) -> Notifications:
        """Notify no topic from now on; the topic itself is not removed."""
        Administration(self._service).remove_notifications(self.vault)
        # Deleting is eventually consistent: reading may still return the old settings.
        after = Notifications(self.vault, self._service)
        after.topic, after.events = None, ()
        return after

    def _repr_text(self) -> str:
        if self.topic is None:
            return f"{self.vault} notifies no topic when a job completes."
        return visible(f"{self.vault} notifies {masked(self.topic)} of: {', '.join(self.events)}")


def _event(name: str) -> str:
    if name in EVENTS.values():
        return name
    try:
        return EVENTS[name.lower()]
    except KeyError:
        raise InputError(f"There is no event {name!r}", cure=f"Events: {', '.join(EVENTS)}") from None
