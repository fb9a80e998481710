"""The progress of a transfer or other work, reported to an observer at most ten times a second."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..base.units import human_bytes, human_duration

INTERVAL = 0.1
WINDOW = 10.0  # seconds over which the displayed rate is averaged
SHORT = 1.0  # seconds of work that need not show its progress


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

    @property
    def figures(self) -> str:
        """What is done of what, the rate and the time left, as text."""
        words = [f"{self._amount(self.done)} of {self._amount(self.total)}"]
        if self.rate:
            words.append(self._rate())
        if self.eta is not None and not self.finished:
            words.append(f"{human_duration(self.eta)} left")
        return ", ".join([*words, self.note] if self.note else words)

    def _amount(self, count: int) -> str:
        return human_bytes(count)

    def _rate(self) -> str:
        return f"{human_bytes(self.rate)}/s"

    def __str__(self) -> str:
        return f"{self.label}: {self.fraction:.0%}, {self.figures}"


class Count(Report):
    """The state of many small steps, such as requests: steps done, and steps a second."""

    def _amount(self, count: int) -> str:
        return f"{count:,}"

    def _rate(self) -> str:
        return f"{self.rate:{',.0f' if self.rate >= 100 else '.3g'}} a second"


class Busy(Report):
    """Work of which nothing is known but that it has not ended."""

    @property
    def figures(self) -> str:
        """Nothing: there are none."""
        return ""

    def __str__(self) -> str:
        return f"{self.label} …"


Observer = Callable[[Report], None]
"""Called from worker threads, one call at a time; must not raise."""


class Delayed:
    """Passes reports on to another observer, from a second after the start of the work on.

    Work that has not reported by then is shown as busy.  Use it as a context manager.

    :param show: displays a report; called from any thread, one call at a time.
    :param label: names the work until its first report.
    :param after: seconds.
    """

    def __init__(self, show: Observer, label: str, after: float = SHORT) -> None:
        self._show = show
        self._last: Report = Busy(label=label, done=0, total=0, rate=0.0, eta=None)
        self._lock = threading.Lock()
        self._timer = threading.Timer(after, self._begin)
        self._timer.daemon = True
        self._begun = self._ended = False

    def _observe(self, report: Report) -> None:
        with self._lock:
            self._last = report
            if self._begun and not self._ended:
                self._show(report)

    def _begin(self) -> None:
        with self._lock:
            self._begun = True
            if not self._ended:
                self._show(self._last)

    def __enter__(self) -> Observer:
        self._timer.start()
        return self._observe

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:  # the timer may be running
            self._ended = True


class FileTally:
    """The progress of each of many files, by its key; written by workers, read by displays."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: dict[str, int] = {}
        self._failed: dict[str, str] = {}
        self._begun: set[str] = set()
        self._left_out: set[str] = set()

    def begin(self, key: str) -> bool:
        """Record that a file is sent from now on; return False if it is left out."""
        with self._lock:
            if key not in self._left_out:
                self._begun.add(key)
            return key in self._begun

    def leave_out(self, key: str) -> bool:
        """Leave out a file; return False if it is being sent already."""
        with self._lock:
            if key not in self._begun:
                self._left_out.add(key)
            return key in self._left_out

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
            for kept in (self._done, self._failed, self._begun, self._left_out):
                kept.clear()


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

    def begins(self, key: str, size: int) -> bool:
        """Return whether a file of many is to be moved now; if it is left out, the total shrinks."""
        if self._tally is None or self._tally.begin(key):
            return True
        with self._lock:
            self.total -= size
        return False

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
