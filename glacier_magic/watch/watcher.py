"""The watcher, which continues everything that is open in the catalogues of this user."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..base.session_limits import USUAL, Limits
from ..catalogue.storage.owners import new_owner
from ..client.used_catalogues import used_catalogues
from ..errors import GlacierError, Unavailable
from .followed import FollowedCatalogue, Sessions, usual_session

Say = Callable[[str], None]
"""Takes the line of an event."""


class Watcher:
    """Continues jobs, downloads, scheduled requests, drops, confirmed deletions and uploads of packs.

    It sends requests only when something is due, and has sessions only where something is open.

    :param say: called with a line for each event, from several threads.
    :param by: its kind, for other processes: watch, or server.
    :param for_ever: keep running when nothing is open or another process watches.
    :param stop: ends it.
    """

    def __init__(
        self,
        say: Say,
        *,
        by: str = "watch",
        for_ever: bool = False,
        stop: threading.Event | None = None,
        limits: Limits = USUAL,
        sessions: Sessions = usual_session,
    ) -> None:
        self._say, self._by, self._for_ever = say, by, for_ever
        self.stop = stop or threading.Event()
        self._limits, self._sessions, self._owner = limits, sessions, new_owner()
        self._followed: dict[str, FollowedCatalogue] = {}
        self._broken: dict[str, GlacierError] = {}

    def run(self) -> None:
        """Run until nothing is open, or for ever.

        :raises Unavailable: another process watches all that is open.
        :raises GlacierError: a catalogue cannot be read, so that it is not known whether something is open.
        """
        try:
            while not self.stop.is_set():
                self._find()
                states = [followed.step() for followed in list(self._followed.values())]
                if not self._for_ever and "mine" not in states:
                    others = [f.elsewhere for f in self._followed.values() if f.elsewhere]
                    if others:
                        raise Unavailable(
                            f"{others[0][:1].upper()}{others[0][1:]}", cure="It continues what is open."
                        )
                    for error in self._broken.values():
                        raise error
                    return
                self.stop.wait(self._limits.idle)
        finally:
            for followed in self._followed.values():
                followed.close()

    def _find(self) -> None:
        """Open the catalogues that have been used since the last step; close those that are gone."""
        used = {each.key: each for each in used_catalogues()}
        for key in self._followed.keys() - used.keys():
            self._followed.pop(key).close()
        for key in self._broken.keys() - used.keys():
            del self._broken[key]
        for key, each in used.items():
            if key in self._followed and not self._followed[key].outdated(each):
                continue
            if key in self._followed:
                self._followed.pop(key).close()
            try:
                self._followed[key] = FollowedCatalogue(
                    each, self._owner, self._by, self._say, self._limits, self._sessions
                )
                self._broken.pop(key, None)
            except GlacierError as error:
                if str(self._broken.get(key)) != str(error):  # once
                    self._say(f"{each.words}: {error}")
                self._broken[key] = error
