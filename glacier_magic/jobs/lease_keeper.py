"""The renewal of the leases of a session's tracker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from ..catalogue import Catalogue
from ..catalogue.records.watch_records import KERNEL
from ..errors import GlacierError


class LeaseKeeper:
    """Renews the leases of a process in a thread, as long as it follows or holds anything.

    ``watches``: whether it also takes the lease of :class:`.Watches`; a watcher takes that itself.

    :param follows: whether the tracker follows what is open.
    """

    def __init__(
        self, catalogue: Catalogue, owner: str, stop: threading.Event, follows: Callable[[], bool]
    ) -> None:
        self._catalogue, self._owner, self._stop, self._follows = catalogue, owner, stop, follows
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.watches, self._claimed = True, False

    def hold(self) -> None:
        """Start the thread, unless it is running."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="glacier-lease", daemon=True)
                self._thread.start()
        self._watch()  # others see it at once

    def release(self) -> None:
        """Release the lease of :class:`.Watches`."""
        claimed, self._claimed = self._claimed, False
        if claimed:
            with suppress(GlacierError):  # the catalogue may be closed already; the lease runs out
                self._catalogue.watches.release(self._owner)

    def _run(self) -> None:
        while not self._stop.wait(self._catalogue.limits.lease_renewal):
            with suppress(GlacierError):  # one may fail: a lease outlasts two renewals
                self._catalogue.downloads.renew(self._owner)
                self._catalogue.database.release_dead()
                self._watch()
                with self._lock:  # so that hold() does not rely on a thread that is ending
                    if not self._follows() and not self._catalogue.downloads.held_by(self._owner):
                        self._thread = None
                        self.release()
                        return

    def _watch(self) -> None:
        with suppress(GlacierError):
            if self.watches and self._follows():
                self._claimed = self._catalogue.watches.claim(KERNEL, self._owner)
