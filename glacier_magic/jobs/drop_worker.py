"""Drops of vaults go on beside the watching of jobs: the object that the tracker calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from ..catalogue import Catalogue, Drop
from ..catalogue.storage.database import new_owner
from ..errors import GlacierError, describe
from ..transfer.engine import Engine
from .dropping import Dropper


class DropKeeper:
    """Does the steps of all drops beside the watching, one after the other.

    :param changed: called when something happened.
    """

    def __init__(self, engine: Engine, stop: threading.Event, changed: Callable[[], None]) -> None:
        self.dropper = Dropper(engine)
        self._catalogue: Catalogue = engine.catalogue
        self._stop, self._changed = stop, changed
        self._again_at: dict[int, float] = {}
        self._thread: threading.Thread | None = None

    @property
    def open(self) -> bool:
        """Whether something will happen by itself."""
        return bool(self._catalogue.drops.busy())

    def start_due(self) -> None:
        """Begin with what is due, unless that goes on already."""
        if self._thread is None and self._due():
            self._thread = threading.Thread(target=self._run, name="glacier-drops", daemon=True)
            self._thread.start()

    def close(self, timeout: float) -> None:
        """Wait up to *timeout* seconds for the end of a step that was told to stop."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)

    def _due(self) -> list[Drop]:
        now = time.monotonic()
        return [
            drop
            for drop in self._catalogue.drops.busy()
            if self._again_at.get(drop.id, 0.0) <= now and self.dropper.due(drop)
        ]

    def _run(self) -> None:
        try:
            with suppress(GlacierError):  # the session may be closing
                for drop in self._due():
                    self._one(drop)
        finally:
            self._thread = None
            self._changed()

    def _one(self, drop: Drop) -> None:
        leases, owner = self._catalogue.drops.leases, new_owner()
        if self._stop.is_set() or not leases.claim(drop.id, owner):
            return
        try:
            self.dropper.step(self._catalogue.drops.get(drop.id), self._stop)
        except (GlacierError, KeyError, ValueError) as error:
            self._again_at[drop.id] = time.monotonic() + self._catalogue.limits.drop_retry
            said = error.message if isinstance(error, GlacierError) else describe(error)
            self._catalogue.drops.update(drop.id, note=f"{said}; tried again")
        finally:
            leases.release(drop.id, owner)
