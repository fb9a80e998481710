"""The state that the transfers of a session share: memory, bandwidth, and retries."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field

from ..base.session_limits import USUAL, Limits
from ..catalogue import Catalogue
from ..errors import GlacierError
from ..service import Service
from .budget import Budget, Stopped
from .crew import Tuner
from .progress import Meter

LIMIT = 48 << 20
"""Bytes of memory for all parts of a session together: three parts of 16 MiB."""


class Buffers:
    """Lends page-aligned memory, up to a limit, and reuses it.

    A request larger than the limit is granted when nothing else is lent.

    :param make: makes a buffer that is not reused; None for memory.
    """

    def __init__(self, limit: int = LIMIT, make: Callable[[int], mmap.mmap] | None = None) -> None:
        self.limit, self._make = limit, make
        self._free: list[mmap.mmap] = []
        self._lent = 0
        self._changed = threading.Condition()

    @contextmanager
    def lend(self, size: int, stop: threading.Event) -> Iterator[memoryview]:
        """Lend *size* bytes for the block.

        :raises Stopped: *stop* was set while waiting.
        """
        buffer = self.take(size, stop)
        try:
            yield memoryview(buffer)[:size]
        finally:
            self.give_back(buffer)

    def take(self, size: int, stop: threading.Event) -> mmap.mmap:
        """Lend a buffer of at least *size* bytes until :meth:`give_back` returns it."""
        # Powers of two, so that a returned buffer fits later requests.
        room = max(mmap.PAGESIZE, 1 << (size - 1).bit_length()) if size else mmap.PAGESIZE
        with self._changed:
            while self._lent and self._lent + room > self.limit:
                if stop.is_set():
                    raise Stopped
                self._changed.wait(0.2)  # give_back() notifies; the stop event does not
            buffer = next((free for free in self._free if len(free) == room), None)
            if buffer is None:
                self._free.clear()  # buffers of another size: release their memory
                # A mapping begins on a page, as direct writes require.
                buffer = mmap.mmap(-1, room) if self._make is None else self._make(room)
            else:
                self._free.remove(buffer)
            self._lent += room  # last: without memory, nothing is lent
            return buffer

    def give_back(self, buffer: mmap.mmap) -> None:
        """Return a lent buffer."""
        with self._changed:
            self._lent -= len(buffer)
            if self._make is None:
                self._free.append(buffer)
            self._changed.notify_all()


@dataclass(frozen=True)
class Engine:
    """The shared parts of all transfers of one session."""

    service: Service
    catalogue: Catalogue
    owner: str
    budget: Budget = field(default_factory=Budget)
    buffers: Buffers = field(default_factory=Buffers)

    @property
    def limits(self) -> Limits:
        """The limits of the session."""
        return self.catalogue.limits


@contextmanager
def renewing(renew: Callable[[], object], every: float = USUAL.lease_renewal) -> Iterator[None]:
    """Call *renew* every few seconds while the block runs, however long a request takes."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(every):
            with suppress(GlacierError):  # a busy database: leases outlast several renewals
                renew()

    thread = threading.Thread(target=run, name="glacier-hold", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()  # no renewal comes later, so the caller may release the lease


def holding(engine: Engine) -> AbstractContextManager[None]:
    """Renew the leases on this process's uploads while the block runs."""
    return renewing(lambda: engine.catalogue.uploads.renew(engine.owner), engine.limits.lease_renewal)


class RequestPace:
    """Paces the bytes of one request to the bandwidth limit, and counts them."""

    def __init__(self, budget: Budget, meter: Meter, stop: threading.Event) -> None:
        self._budget, self._meter, self._stop = budget, meter, stop
        self._moved = 0

    def __call__(self, count: int) -> int:
        """Wait until up to *count* bytes may be moved; count and return them.

        :raises Stopped: the transfer was stopped.
        """
        count = self._budget.block(count)
        self._budget.spend(count, self._stop)  # first: bytes of a stopped transfer do not count
        self._meter.moved(count)
        self._moved += count
        return count

    def uncount(self) -> None:
        """Subtract the bytes of a failed request."""
        self._meter.moved(-self._moved)
        self._moved = 0


class Notes:
    """Passes the notes of many workers to one meter; throttling slows down the crew, too."""

    def __init__(self, meter: Meter, tuner: Tuner) -> None:
        self._meter, self._tuner = meter, tuner

    def __call__(self, text: str) -> None:
        """Pass a note to the meter."""
        if text.startswith(("throttled", "too slow")):  # the texts of two errors in budget._BRIEF
            self._tuner.slow_down()
        self._meter.note(text)
