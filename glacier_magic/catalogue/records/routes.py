"""Topics, queues and subscriptions that were made from here, to be used and to be removed."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..storage.database import Database, Scope


@dataclass(frozen=True, kw_only=True)
class Route:
    """The way from a vault's finished jobs to a queue.

    :param topic, queue: their ARNs; ``url`` is the queue's address.
    :param token: the tag that topic and queue carry if they were made from here.
    :param state: ``making`` until all of it is there, then ``ready``.
    :param heard: when a message of ours came this way last, milliseconds since 1970; 0 for never.
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
    """The routes of one account and region, one a vault."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._key = {"account": scope.account, "region": scope.region}

    def put(self, route: Route) -> None:
        """Write a route, or what changed of it."""
        names = ["account", "region", *_COLUMNS]
        changed = ", ".join(f"{name}=excluded.{name}" for name in names if name not in _KEYS)
        self._database.execute(
            f"INSERT INTO routes({', '.join(names)}) VALUES(:{', :'.join(names)}) "
            f"ON CONFLICT(account, region, vault) DO UPDATE SET {changed}",
            {**self._key, **vars(route)},
        )

    def of(self, vault: str) -> Route | None:
        """Return the route of a vault, or None."""
        found = [route for route in self.all() if route.vault == vault]
        return found[0] if found else None

    def all(self) -> list[Route]:
        """Return every route, by vault."""
        rows = self._database.rows(
            f"SELECT {', '.join(_COLUMNS)} FROM routes "
            "WHERE account=:account AND region=:region ORDER BY vault",
            self._key,
        )
        return [Route(**dict(row)) for row in rows]

    def note_heard(self, queue: str, now: int) -> None:
        """Note that a message came through a queue: the way works from end to end."""
        self._database.execute(
            "UPDATE routes SET heard=:now WHERE account=:account AND region=:region AND queue=:queue",
            {**self._key, "queue": queue, "now": now},
        )

    def forget(self, vault: str) -> None:
        """Drop the route of a vault."""
        self._database.execute(
            "DELETE FROM routes WHERE account=:account AND region=:region AND vault=:vault",
            {**self._key, "vault": vault},
        )
