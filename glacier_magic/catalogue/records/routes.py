"""Notification routes: the topics, queues and subscriptions of vaults."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..storage.database import Database, Scope


@dataclass(frozen=True, kw_only=True)
class Route:
    """The topic and queue that receive the finished jobs of a vault.

    :param topic, queue: their ARNs; ``url`` is the queue's address.
    :param token: the tag of a topic and queue that this catalogue created.
    :param state: ``making`` until all of it exists, then ``ready``.
    :param heard: when the last message arrived, milliseconds since 1970; 0 for never.
    """

    vault: str
    topic: str
    queue: str
    url: str
    subscription: str
    token: str
    state: str
    heard: int = 0


_COLUMNS = [field.name for field in fields(Route)]
_KEYS = ("account", "region", "vault")


class Routes:
    """The routes of one account and region, one per vault."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._key = {"account": scope.account, "region": scope.region}

    def put(self, route: Route) -> None:
        """Insert or update a route."""
        names = ["account", "region", *_COLUMNS]
        changed = ", ".join(f"{name}=excluded.{name}" for name in names if name not in _KEYS)
        # Also stored before anything is created, so that a crash leaves no unknown topic or queue.
        self._database.execute(
            f"INSERT INTO routes({', '.join(names)}) VALUES(:{', :'.join(names)}) "
            f"ON CONFLICT(account, region, vault) DO UPDATE SET {changed}",
            {**self._key, **vars(route)},
        )

    def of(self, vault: str) -> Route | None:
        """Return the route of a vault, or None."""
        return next((route for route in self.all() if route.vault == vault), None)

    def all(self) -> list[Route]:
        """Return every route, by vault."""
        rows = self._database.rows(
            f"SELECT {', '.join(_COLUMNS)} FROM routes "
            "WHERE account=:account AND region=:region ORDER BY vault",
            self._key,
        )
        return [Route(**dict(row)) for row in rows]

    def note_heard(self, queue: str, now: int) -> None:
        """Record that a message arrived in a queue: the route works from end to end."""
        self._database.execute(
            # Several vaults may share a queue.
            "UPDATE routes SET heard=:now WHERE account=:account AND region=:region AND queue=:queue",
            {**self._key, "queue": queue, "now": now},
        )

    def forget(self, vault: str) -> None:
        """Delete the route of a vault."""
        self._database.execute(
            "DELETE FROM routes WHERE account=:account AND region=:region AND vault=:vault",
            {**self._key, "vault": vault},
        )
