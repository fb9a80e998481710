"""The listeners of a session: one for each queue in its catalogue."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from ..catalogue import Catalogue, Route
from ..errors import GlacierError
from ..jobs import Tracker
from ..jobs.listening import Listener, vault_of
from ..service.messaging import Messaging

PATIENCE = 4.0
"""The factor by which the tracker polls less often while a queue delivers messages.  It applies only
after a first message: a topic with a wrong policy is as silent as one without jobs."""
LONGEST_STOP = 0.2  # seconds to wait for each listener at the end of a session


class QueueListeners:
    """Wakes a tracker on messages from the queues in the catalogue.

    :param messaging: creates the client; called only if there is a queue.
    """

    def __init__(self, tracker: Tracker, catalogue: Catalogue, messaging: Callable[[], Messaging]) -> None:
        self._tracker, self._catalogue, self._messaging = tracker, catalogue, messaging
        self.listeners: dict[str, Listener] = {}
        self.note = ""

    def follow(self) -> None:
        """Start and stop listeners to match the queues in the catalogue."""
        routes = {r.url: r for r in self._catalogue.routes.all() if r.state == "ready"}
        for url in self.listeners.keys() - routes.keys():  # a new set: listeners are removed meanwhile
            self.listeners.pop(url).stop()
        for url in routes.keys() - self.listeners.keys():
            try:
                self._listen(routes[url])
            except GlacierError as error:  # without a queue, the tracker polls as before
                self.note = error.message
        if not self.listeners:
            self._tracker.patience = 1.0  # no queue is left: poll at the usual rate

    def _listen(self, route: Route) -> None:
        scope = self._catalogue.scope
        read = partial(vault_of, topic=route.topic, account=scope.account, region=scope.region)
        listener = Listener(
            self._messaging(),
            route.url,
            read=read,
            wake=partial(self._wake, route),
            hearing=partial(self._hearing, route),
            limits=self._catalogue.limits,
        )
        self.listeners[route.url] = listener
        listener.start()

    def _wake(self, route: Route, vault: str) -> None:
        # A message is a hint: the service is asked, so a forged one does no harm.
        self._tracker.refresh([vault])
        self._tracker.start()
        self._catalogue.routes.note_heard(route.queue, int(time.time() * 1000))

    def _hearing(self, route: Route, answers: bool) -> None:
        # Read again: note_heard() changes it.
        known = self._catalogue.routes.of(route.vault) if answers else None
        self._tracker.patience = PATIENCE if known is not None and known.heard else 1.0

    def stop(self) -> None:
        """Stop all listeners."""
        for listener in self.listeners.values():
            listener.stop(LONGEST_STOP)
        self.listeners.clear()
