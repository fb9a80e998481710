"""What all transfers of an account share: its patience with the service, and its bandwidth."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from ..base.session_limits import USUAL, Limits
from ..base.units import human_duration
from ..errors import CredentialsError, GlacierError, IntegrityError, Unavailable

T = TypeVar("T")

DAMAGED_TRIES = 5
"""How often one part that arrives damaged is moved again."""

_REFRESHED = ("ExpiredTokenException", "RequestExpired")
"""Credentials that the chain, or the user in another window, may renew meanwhile."""

_BRIEF = {
    "ThrottlingException": "throttled",
    "RequestTimeoutException": "too slow for the service",
    "ExpiredTokenException": "the session token has expired: renew the login",
    "RequestExpired": "this computer's clock is wrong: set it",
}

Note = Callable[[str], None]


class Stopped(Exception):
    """The user asked for the end of a transfer."""


class Budget:
    """One for each session: when one worker is told to slow down, all of them do.

    :param max_rate: bytes a second for all transfers together, or None for as many as there are;
        may be changed while they run.
    :param now: returns seconds of a clock that never goes back.
    """

    def __init__(
        self,
        max_rate: float | None = None,
        *,
        limits: Limits = USUAL,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_rate = max_rate
        self._limits, self._now = limits, now
        self._lock = threading.Lock()
        self._failures = 0
        self._hold_until = 0.0
        self._success_at = self._now()
        self._credit, self._credit_at = 0.0, self._now()

    # Patience

    def call(self, call: Callable[[], T], stop: threading.Event, note: Note | None = None) -> T:
        """Return what *call* returns, trying again what can pass by itself.

        An unreachable, failing or throttling service holds up all workers for a growing, jittered
        pause; bytes that arrive damaged are moved again at once.

        :raises Stopped: *stop* was set meanwhile.
        :raises GlacierError: it cannot pass, or has not for a quarter of an hour.
        """
        damaged = 0
        began = self._now()
        while True:
            self._hold(stop)
            if stop.is_set():
                raise Stopped
            try:
                result = call()
            except IntegrityError as error:
                damaged += 1
                if damaged >= DAMAGED_TRIES or stop.is_set():
                    raise
                self._say(note, f"{error.message}; moved again")
            except (Unavailable, CredentialsError) as error:
                if stop.is_set():
                    raise Stopped from None
                if not self._passing(error, began):
                    raise
                self._say(note, self._back_off(error))
            else:
                self._succeed(note)
                return result

    def _passing(self, error: GlacierError, began: float) -> bool:
        if isinstance(error, CredentialsError) and error.code not in _REFRESHED:
            return False
        return self._now() - max(began, self._success_at) < self._limits.give_up

    def _back_off(self, error: GlacierError) -> str:
        with self._lock:
            now = self._now()
            if self._hold_until <= now:  # one wave of failures counts once, not once a worker
                limits = self._limits
                longest = min(limits.longest_pause, limits.first_pause * 2.0 ** min(self._failures, 30))
                self._failures += 1
                self._hold_until = now + longest * random.uniform(0.5, 1.0)  # noqa: S311 - chance, not secrecy
            pause = max(1.0, self._hold_until - now)
        what = _BRIEF.get(error.code, error.message.rstrip("."))
        return f"{what}, trying again in {human_duration(pause)}"

    def _hold(self, stop: threading.Event) -> None:
        while not stop.is_set():
            left = self._hold_until - self._now()
            if left <= 0:
                return
            stop.wait(left)

    def _succeed(self, note: Note | None) -> None:
        self._success_at = self._now()
        if self._failures:
            self._failures = 0
            self._say(note, "")

    @property
    def holding(self) -> bool:
        """Whether all workers wait for the service at the moment."""
        return self._hold_until > self._now()

    def _say(self, note: Note | None, text: str) -> None:
        if note is not None:
            note(text)

    # Bandwidth

    def block(self, most: int) -> int:
        """Return how many bytes to move at once: few at a low rate, so that it stays even."""
        if self.max_rate is None:
            return most
        return max(4096, min(most, int(self.max_rate / 8)))

    def spend(self, count: int, stop: threading.Event) -> None:
        """Wait until *count* more bytes may be moved.

        :raises Stopped: *stop* was set meanwhile.
        """
        while self.max_rate is not None:
            with self._lock:
                pause = self._take(count, self.max_rate)
            if pause <= 0:
                break
            if stop.wait(min(pause, 0.25)):
                raise Stopped
        if stop.is_set():
            raise Stopped

    def _take(self, count: int, rate: float) -> float:
        """Take credit for *count* bytes and return 0, or the seconds until there is enough."""
        now = self._now()
        # A quarter of a second may be saved up: enough for evenness, too little for a burst.
        self._credit = min(rate / 4, self._credit + (now - self._credit_at) * rate)
        self._credit_at = now
        if self._credit > 0:
            self._credit -= count
            return 0.0
        return -self._credit / rate + 0.001
