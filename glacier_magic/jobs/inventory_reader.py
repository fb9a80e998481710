"""Inventories into the catalogue, beside the watching: a large one takes minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..catalogue import Catalogue, JobRecord
from ..errors import GlacierError, NotFound
from ..transfer.budget import Stopped

REREAD = 60.0  # seconds before an inventory that could not be read is fetched again


class InventoryReader:
    """Reads the finished inventory jobs that were asked for from here, one after the other.

    :param read: called with each.
    :param changed: called when one was read, or could not be.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        read: Callable[[JobRecord], object],
        stop: threading.Event,
        changed: Callable[[], None],
    ) -> None:
        self._catalogue, self._read, self._stop, self._changed = catalogue, read, stop, changed
        self._again_at: dict[str, float] = {}
        self._thread: threading.Thread | None = None
        self.note = ""

    def start_due(self) -> None:
        """Begin to read what is finished and was not read, unless that goes on already."""
        if self._thread is None and self._due():
            self._thread = threading.Thread(target=self._run, name="glacier-inventories", daemon=True)
            self._thread.start()

    def close(self, timeout: float) -> None:
        """Wait up to *timeout* seconds for the end of a reading that was told to stop."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)

    def _due(self) -> list[JobRecord]:
        now = time.monotonic()
        return [
            job
            for job in self._catalogue.jobs.inventories_to_read()
            if job.status == "Succeeded" and self._again_at.get(job.job_id, 0.0) <= now
        ]

    def _run(self) -> None:
        try:
            while not self._stop.is_set() and (due := self._due()):
                self._again_at[due[0].job_id] = time.monotonic() + REREAD
                self._one(due[0])
                self._changed()
        except (GlacierError, Stopped) as error:  # the session may be closing
            self.note = str(error)
        finally:
            self._thread = None
            self._changed()

    def _one(self, job: JobRecord) -> None:
        try:
            self._read(job)
            self.note = ""
        except NotFound:
            self._catalogue.jobs.mark_gone(job.vault, job.job_id)
        except GlacierError as error:
            self.note = str(error)
