"""Which process watches what is open in a catalogue."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from ..storage.database import Database, Scope
from ..storage.owners import is_dead
from ..storage.stored_settings import StoredSettings

KERNEL = "kernel"
"""A kernel or a command; a server or a watcher, which outlasts it, takes its lease over."""

LEASE = 90.0
"""Seconds without a renewal after which a lease ends; it is renewed in the last two thirds of them."""


@dataclass(frozen=True)
class WatchRecord:
    """Who watches: ``by`` is kernel, server or watch; times in seconds since 1970."""

    by: str
    owner: str
    since: float
    until: float

    @property
    def process(self) -> str:
        """The computer and the number of the process."""
        computer, _, rest = self.owner.rpartition(":")[0].rpartition(":")
        return f"process {rest} on {computer.partition('/')[0]}"


class Watches:
    """The lease of the one process that watches an account and region for a user."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database, self._settings = database, StoredSettings(database)
        home = f" for {database.home}" if database.home else ""  # each user's watcher has its own folders
        self._key = f"watcher of {scope.account} in {scope.region}{home}"

    def claim(self, by: str, owner: str) -> bool:
        """Take or renew the lease; return False if another process has it."""
        text, now = self._settings.get(self._key) or "", self._database.now()
        found = _read(text)
        mine = found is not None and found.owner == owner
        if found is not None and mine and found.until - now > LEASE * 2 / 3:
            return True
        if found is not None and not mine and self._lives(found) and (found.by, by) not in _TAKEN_OVER:
            return False
        since = found.since if found is not None and mine else now
        new = WatchRecord(by, owner, since, now + LEASE)
        return self._settings.swap(self._key, text, json.dumps(asdict(new)))  # one statement: no race

    def release(self, owner: str) -> None:
        """Release the lease, if *owner* has it."""
        text = self._settings.get(self._key) or ""
        found = _read(text)
        if found is not None and found.owner == owner:
            self._settings.swap(self._key, text, "")

    def current(self) -> WatchRecord | None:
        """Return the lease of a living process, or None."""
        found = _read(self._settings.get(self._key) or "")
        return found if found is not None and self._lives(found) else None

    def _lives(self, found: WatchRecord) -> bool:
        return found.until > self._database.now() and not is_dead(found.owner)


_TAKEN_OVER = {(KERNEL, "server"), (KERNEL, "watch")}


def _read(text: str) -> WatchRecord | None:
    try:
        return WatchRecord(**json.loads(text))
    except (ValueError, TypeError):  # none, or of another version
        return None
