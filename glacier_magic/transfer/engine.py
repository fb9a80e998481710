"""What uploads and downloads of a session share, and how a request's bytes are paced."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field

from ..base.session_limits import USUAL, Limits
from ..catalogue import Catalogue
from ..errors import GlacierError
from ..service import Service
from .budget import Budget
from .buffers import Buffers
from .crew import Tuner
from .progress import Meter


@dataclass(frozen=True)
class Engine:
    """One for each session."""

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
            with suppress(GlacierError):
                renew()

    thread = threading.Thread(target=run, name="glacier-hold", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def holding(engine: Engine) -> AbstractContextManager[None]:
    """Keep this process' uploads held while the block runs."""
    return renewing(lambda: engine.catalogue.uploads.renew(engine.owner), engine.limits.lease_renewal)


class RequestPace:
    """Lets the bytes of one request go as the bandwidth allows, and counts them."""

    def __init__(self, budget: Budget, meter: Meter, stop: threading.Event) -> None:
        self._budget, self._meter, self._stop = budget, meter, stop
        self._moved = 0

    def __call__(self, count: int) -> int:
        """Wait for, and count, up to *count* bytes; return how many may go.

        :raises Stopped: the transfer is to end.
        """
        count = self._budget.block(count)
        self._budget.spend(count, self._stop)
        self._meter.moved(count)
        self._moved += count
        return count

    def take_back(self) -> None:
        """Discount what was moved in vain."""
        self._meter.moved(-self._moved)
        self._moved = 0


class Notes:
    """Notes of many workers for one meter; a change of pace slows the crew down as well."""

    def __init__(self, meter: Meter, tuner: Tuner) -> None:
        self._meter, self._tuner = meter, tuner

    def __call__(self, text: str) -> None:
        """Pass a note on."""
        if text.startswith(("throttled", "too slow")):
            self._tuner.slow_down()
        self._meter.note(text)
