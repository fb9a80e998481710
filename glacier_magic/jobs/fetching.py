"""Downloads of finished jobs: a few at a time, each by one process."""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..catalogue import Catalogue, Download
from ..catalogue.records.moved_records import is_object
from ..errors import GlacierError, LocalError, NotFound, Unavailable, describe
from ..errors.steps import step
from ..transfer.budget import Stopped
from ..transfer.download import Downloader, Fetched
from ..transfer.engine import Engine
from ..transfer.migrate.mover import Mover
from ..transfer.migrate.workers import dismiss
from ..transfer.progress import Meter, Report
from .copying import copy, there_already, verified

NOT_VERIFIABLE = "not verifiable: the range is not tree-hash aligned"
"""The note on a part from a job for which the service reports no tree hash."""


MEASURED = 8 << 20
"""Bytes that a download needs at least for its rate to be stored: a smaller one mostly waits for answers."""
AHEAD = 200
"""Downloads that are read together: finding those whose turn it is takes a look at all that wait."""


def measured_rate(catalogue: Catalogue) -> float | None:
    """Return the bytes per second of the last downloads on this computer; None before the first."""
    rate = catalogue.settings.get(_rate_key())
    return None if rate is None else float(rate)


def _rate_key() -> str:
    return f"download rate of {platform.node()}"  # computers may share a catalogue


class Fetcher:
    """Starts the downloads of finished jobs and records their outcomes.

    ``live`` has the progress of the downloads of this process, by download id; ``hurried`` has the
    ids of those whose outputs would expire if they waited for their turn.

    :param ended: called when none is left.
    """

    def __init__(
        self, engine: Engine, stop: threading.Event, ended: Callable[[], None] = lambda: None
    ) -> None:
        self._ended = ended
        self._catalogue, self._owner, self._stop = engine.catalogue, engine.owner, stop
        self._clock, self._limits = engine.service.clock, engine.limits
        self._downloader = Downloader(engine, stop)
        self.mover = Mover(engine, stop)
        self._retry_at: dict[int, float] = {}  # in memory only: a new process tries at once
        self._lock = threading.Lock()
        self._coming: list[Download] = []
        self._free = False
        self._next: Download | None = None
        self.live: dict[int, Report] = {}
        self.hurried: frozenset[int] = frozenset()

    @property
    def rate(self) -> float:
        """Bytes per second of all downloads of this process together."""
        # A copy: the downloads' threads change it.
        return sum(report.rate for report in list(self.live.values()))

    def start_ready(self) -> None:
        """Start the downloads of waiting outputs, up to the number that may run at once."""
        with self._lock:
            self._coming.clear()
            self._start()

    def _start(self) -> None:
        waiting = [i for i, moment in self._retry_at.items() if moment > time.monotonic()]
        if not self._coming:
            busy = len(self.live) + len(waiting)  # the query returns these as well
            self._coming = self._catalogue.downloads.to_fetch(self._owner, AHEAD + busy)
        full = max(2 * self._limits.downloads, self._limits.workers)
        left = []
        for place, download in enumerate(self._coming):
            if self._stop.is_set() or len(self.live) >= full:
                left += self._coming[place:]
                break
            if len(self.live) >= self._most(download):
                left.append(download)  # a hurried one may follow
            elif download.id not in self.live and download.id not in waiting:
                self._begin(download)
        self._coming = left

    def begin(self, numbers: Sequence[int]) -> int:
        """Start downloads whose outputs wait, before their turn; return how many started."""
        with self._lock:
            before = len(self.live)
            for download in self._catalogue.downloads.numbered(numbers):
                if len(self.live) >= 2 * self._limits.downloads or self._stop.is_set():
                    break
                self._retry_at.pop(download.id, None)  # the user wants it now, whatever failed before
                if download.state == "ready" and download.id not in self.live:
                    self._begin(download)
            return len(self.live) - before

    def _most(self, download: Download) -> int:
        """Return the number of running downloads below which a download may start."""
        most = self._limits.downloads
        if download.id in self.hurried:
            return 2 * most
        small = is_object(download.target) and (download.size or 0) < MEASURED
        return max(most, self._limits.workers) if small else most

    def _begin(self, download: Download) -> None:
        claimed = self._catalogue.downloads.claim(  # two processes would write to one part file
            download.id, self._owner, ("ready", "downloading"), "downloading"
        )
        if not claimed:
            return
        # Before the thread starts, so that the next count includes it.
        self.live[download.id] = Report(
            label=download.name, done=download.done, total=download.size or 0, rate=0.0, eta=None
        )
        if self._free:  # the thread that has just ended another one
            self._free, self._next = False, download
            return
        # A daemon thread: the program can exit while a request hangs.
        threading.Thread(target=self._run, args=(download,), name="glacier-fetch", daemon=True).start()

    def _run(self, download: Download | None) -> None:
        while download is not None:
            ended = False
            try:
                self._fetch(download)
                ended = True
            finally:
                with self._lock:
                    # After the update: until then start_ready() would begin it again.
                    self.live.pop(download.id, None)
                    self._free = ended  # a thread that an error ends takes no other
                    with suppress(GlacierError):
                        self._start()  # not only at the tracker's next round
                    self._free, download, self._next = False, self._next, None
        if not self.live:
            self._ended()

    def _fetch(self, download: Download) -> None:
        with suppress(GlacierError):  # the catalogue may be closed already
            now = self._catalogue.downloads.get(download.id)  # the job may be another by now
            outcome = self._outcome(now)
            outcome |= {"owner": None, "ended": self._clock.now_ms()}
            self._catalogue.database.together(  # if it is lost, the download starts again
                lambda: self._catalogue.downloads.update(download.id, **outcome), power_safe=False
            )

    def _outcome(self, download: Download) -> dict[str, Any]:
        def observe(report: Report) -> None:
            self.live[download.id] = report

        try:
            path = self._copied(download)
            if path is not None:
                return verified(download, path)
            if download.job_id is None and not self._catalogue.moved.is_written(download):
                return _uncopied(download)
            meter = Meter(download.name, download.size or 0, observe)
            began = time.monotonic()
            if is_object(download.target):
                fetched = Fetched(self.mover.move(download, meter), verified=True)
            else:
                fetched = self._downloader.fetch(download, meter)
            moved = meter.total - download.done
            if moved >= MEASURED:
                # Of all together, or of this one where it was too short for a rate.
                rate = max(self.rate, moved / max(1e-3, time.monotonic() - began))
                with suppress(GlacierError):  # a busy catalogue must not fail a download that has ended
                    self._catalogue.settings.put(_rate_key(), f"{rate:.0f}")
        except Stopped:
            return {"state": "ready"}  # its verified pieces stay, and it continues from them
        except NotFound as error:
            # The service keeps an output for at least 24 hours, then answers 404.
            self._catalogue.jobs.mark_gone(download.vault, download.job_id or "")
            other = self._catalogue.jobs.for_archive(*download.wanted)
            if other is not None:  # requested again before the first output expired
                state = "ready" if other.status == "Succeeded" else "waiting"
                return {"state": state, "job_id": other.job_id, "error": None}
            return {"state": "expired", "error": error.message}
        except Unavailable as error:
            self._retry_at[download.id] = time.monotonic() + self._limits.fetch_retry
            return {"state": "ready", "error": str(error)}
        except GlacierError as error:
            # The class is what a wait raises.
            return {"state": "failed", "error": str(error), "failure": type(error).__name__}
        except Exception as error:  # an exception of a thread would be lost
            return {"state": "failed", "error": describe(error)}
        found = verified(download, fetched.path)
        if not fetched.verified:
            found |= {"state": "unverified", "error": NOT_VERIFIABLE}
        return found

    def _copied(self, download: Download) -> Path | None:
        """Return a verified file with the bytes of a download, which no output is needed for."""
        if is_object(download.target):
            return None
        path = there_already(download)
        if path is None and (download.job_id is None or not download.done):  # else it is resumed
            path = copy(self._catalogue, download, self._stop)
        return path

    def close(self, timeout: float) -> None:
        """Wait up to *timeout* seconds for the threads, which check the stop event between pieces.

        The workers of moves end then, if they were started here.
        """
        end = time.monotonic() + timeout
        while self.live and time.monotonic() < end:
            time.sleep(0.02)
        dismiss(self.mover.executor)


def _uncopied(download: Download) -> dict[str, Any]:
    """Return the outcome of a download whose verified copy has disappeared.

    A scheduled one is requested, because its price was confirmed; no other is ever paid for.
    """
    if download.due is not None:
        return {"state": "planned"}
    gone = f"its verified copy was deleted or changed: {step('restore')} shows its price"
    return {"state": "failed", "error": gone, "failure": LocalError.__name__}
