"""How far the server's clock is ahead of this computer's."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY = 60.0
"""Seconds after which the server is asked again."""

_STEP = 0.5
"""Seconds that this computer's clock may be set by, or sleep, unnoticed."""


class Clock:
    """Asks now and then; at once where this computer slept or its clock was set.

    :param ask: returns the server's seconds since 1970.
    """

    def __init__(self, ask: Callable[[], float]) -> None:
        self._ask = ask
        self._skew = self._wall = 0.0
        self._steady = -EVERY * 2

    def skew(self) -> float:
        """Return the seconds to add to this computer's time."""
        passed = time.monotonic() - self._steady
        if passed > EVERY or abs(time.time() - self._wall - passed) > _STEP:
            before = time.time()
            told = self._ask()
            self._wall, self._steady = time.time(), time.monotonic()
            self._skew = told - (before + self._wall) / 2
        return self._skew
