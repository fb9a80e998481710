"""The progress of a transfer, reported to an observer at most ten times a second."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..base.units import human_bytes, human_duration

INTERVAL = 0.1
WINDOW = 10.0  # seconds over which the displayed rate is averaged


@dataclass(frozen=True, kw_only=True)
class Report:
    """The state of a transfer: bytes done of a total, bytes a second, seconds left."""

    label: str
    done: int
    total: int
    rate: float
    eta: float | None
    note: str = ""
    finished: bool = False

    @property
    def fraction(self) -> float:
        """The fraction done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 1.0

    def __str__(self) -> str:
        words = [
            f"{self.label}: {self.fraction:.0%}",
            f"{human_bytes(self.done)} of {human_bytes(self.total)}",
        ]
        if self.rate:
            words.append(f"{human_bytes(self.rate)}/s")
        if self.eta is not None and not self.finished:
            words.append(f"{human_duration(self.eta)} left")
        if self.note:
            words.append(self.note)
        return ", ".join(words)


class Count(Report):
    """The state of many small requests: requests done, and requests a second."""

    def __str__(self) -> str:
        words = [f"{self.label}: {self.fraction:.0%}", f"{self.done:,} of {self.total:,}"]
        if self.rate:
            words.append(f"{self.rate:{',.0f' if self.rate >= 100 else '.3g'}} a second")
        if self.eta is not None and not self.finished:
            words.append(f"{human_duration(self.eta)} left")
        return ", ".join([*words, self.note] if self.note else words)


Observer = Callable[[Report], None]
"""Called from worker threads, one call at a time; must not raise."""


class FileTally:
    """The progress of each of many files, by its key; written by workers, read by displays."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: dict[str, int] = {}
        self._failed: dict[str, str] = {}

    def moved(self, key: str, count: int) -> None:
        """Count bytes of a file, which is in progress from then on."""
        with self._lock:
            self._failed.pop(key, None)  # it is being tried again
            self._done[key] = self._done.get(key, 0) + count

    def failed(self, key: str, reason: str) -> None:
        """Record why a file failed."""
        with self._lock:
            self._failed[key] = reason

    def of(self, key: str) -> tuple[int | None, str]:
        """Return the bytes done of a file, None before the first, and the reason if it failed."""
        with self._lock:
            return self._done.get(key), self._failed.get(key, "")

    def clear(self) -> None:
        """Forget all files, before they are tried again."""
        with self._lock:
            self._done.clear()
            self._failed.clear()


class Meter:
    """Counts bytes from many threads and reports them.

    :param total: all bytes, including those from an earlier run, which do not count in the rate.
    :param tally: also counts the bytes of each file.
    :param report: the class of the reports: of bytes, or a :class:`Count`.
    """

    def __init__(
        self,
        label: str,
        total: int,
        observer: Observer | None = None,
        tally: FileTally | None = None,
        report: type[Report] = Report,
    ) -> None:
        self.label = label
        self._kind = report
        self.total = total
        self.done = 0
        self._tally = tally
        self._note = ""
        self._observer = observer
        self._lock = threading.Lock()
        self._last = 0.0
        self._samples: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._moved = 0

    def already(self, count: int) -> None:
        """Count bytes from an earlier run."""
        with self._lock:
            self.done += count
            self._report()

    def moved(self, count: int) -> None:
        """Count bytes that were just moved; negative if they must be moved again."""
        with self._lock:
            self.done += count
            self._moved += count
            self._report()

    def share(self, key: str) -> Meter:
        """Return a meter for one file of many."""
        return self if self._tally is None else _Share(self, key, self._tally)

    def failed(self, reason: str) -> None:
        """Record why a file of many failed."""

    def note(self, text: str) -> None:
        """Show a note after the numbers, until the next note."""
        with self._lock:
            self._note = text
            self._report(force=True)

    def finish(self) -> None:
        """Make the last report."""
        with self._lock:
            self._report(force=True, finished=True)

    def _report(self, force: bool = False, finished: bool = False) -> None:
        now = time.monotonic()
        if self._observer is None or (now - self._last < INTERVAL and not force):  # displays are slow
            return
        self._last = now
        self._samples.append((now, self._moved))
        # A rate needs two, however long ago the first was.
        while len(self._samples) > 2 and now - self._samples[0][0] > WINDOW:
            self._samples.popleft()
        since, before = self._samples[0]
        # A coarse clock may return the same time twice.
        rate = (self._moved - before) / (now - since) if now > since else 0.0
        self._observer(  # with the lock held: one call at a time, as promised
            self._kind(
                label=self.label,
                done=self.done,
                total=self.total,
                rate=rate,
                eta=(self.total - self.done) / rate if rate > 0 else None,
                note=self._note,
                finished=finished,
            )
        )


class _Share(Meter):
    """Counts the bytes of one file in the meter of all files and in the tally."""

    def __init__(self, whole: Meter, key: str, tally: FileTally) -> None:
        super().__init__(whole.label, whole.total)  # without an observer: the meter of all files reports
        self._whole, self._key, self._shares = whole, key, tally

    def already(self, count: int) -> None:
        self._shares.moved(self._key, count)
        self._whole.already(count)

    def moved(self, count: int) -> None:
        self._shares.moved(self._key, count)
        self._whole.moved(count)

    def failed(self, reason: str) -> None:
        self._shares.failed(self._key, reason)

    def note(self, text: str) -> None:
        self._whole.note(text)
