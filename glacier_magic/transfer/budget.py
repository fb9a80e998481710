"""The retries and the bandwidth limit that all transfers of a session share."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from ..base.session_limits import USUAL, Limits
from ..base.units import human_duration
from ..errors import CredentialsError, GlacierError, IntegrityError, Unavailable
from ..service.login_failures import UNREACHABLE

T = TypeVar("T")

DAMAGED_TRIES = 5
"""Attempts to move a part that arrives damaged."""

_RENEWABLE = (
    "",  # no answer of the service: the login itself gave no keys
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    UNREACHABLE,
    "RequestExpired",
    "RequestTimeTooSkewed",
    "UnrecognizedClientException",
)
"""Codes of errors that end when the user, or another program, renews the login; S3 has some of its own."""

_BRIEF = {
    "ThrottlingException": "throttled",
    "RequestTimeoutException": "too slow for the service",
    "ExpiredToken": "the session token has expired: renew the login",
    "ExpiredTokenException": "the session token has expired: renew the login",
    "UnrecognizedClientException": "the service does not know the access key: renew the login",
    "RequestExpired": "this computer's clock is wrong: set it",
}

Note = Callable[[str], None]


class Stopped(Exception):
    """The user stopped a transfer."""


class Budget:
    """The shared state of a session: when the service throttles one worker, all of them slow down.

    :param max_rate: bytes a second for all transfers together, or None for no limit; may be changed
        while they run.
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
        self._failures = 0  # waves of failures in a row, not failed requests
        self._hold_until = 0.0
        self._success_at = self._now()  # as if the service had worked until now
        self._credit, self._credit_at = 0.0, self._now()

    # Patience

    def call(
        self,
        call: Callable[[], T],
        stop: threading.Event,
        note: Note | None = None,
        *,
        again: Callable[[], bool] = lambda: True,
    ) -> T:
        """Return the result of *call*, repeating it after transient errors.

        If the service is unreachable, failing or throttling, all workers wait for a growing, jittered
        pause; bytes that arrive damaged are moved again at once.

        :param again: returns whether the call may be repeated after a transient error.
        :raises Stopped: *stop* was set.
        :raises GlacierError: the error is not transient, or has lasted for a quarter of an hour.
        """
        say: Note = note or (lambda _text: None)
        damaged, waited = 0, False
        began = self._now()
        while True:
            self._hold(stop)  # before every attempt: the service may be throttling another worker
            if stop.is_set():
                raise Stopped
            try:
                result = call()
            except IntegrityError as error:
                damaged += 1
                if damaged >= DAMAGED_TRIES or stop.is_set():
                    raise
                say(f"{error.message}; moved again")
            except (Unavailable, CredentialsError) as error:
                if stop.is_set():
                    raise Stopped from None  # the stop itself may have broken the request
                if not self._transient(error, began):
                    raise
                waited = True
                say(self._back_off(error))
                if not again():
                    raise
            else:
                self._success_at = self._now()  # without the lock: the time of any worker will do
                if self._failures or waited:  # another worker may have ended the wave before this note
                    self._failures = 0
                    say("")  # remove the note about the failures
                return result

    def _transient(self, error: GlacierError, began: float) -> bool:
        if isinstance(error, CredentialsError) and error.code not in _RENEWABLE:
            return False
        # The success of any worker shows that the service works, so only a common failure counts.
        return self._now() - max(began, self._success_at) < self._limits.give_up

    def _back_off(self, error: GlacierError) -> str:
        with self._lock:
            now = self._now()
            if self._hold_until <= now:  # one wave of failures counts once, not once a worker
                limits = self._limits
                # The exponent is limited because 2.0**1024 is an OverflowError.
                longest = min(limits.longest_pause, limits.first_pause * 2.0 ** min(self._failures, 30))
                self._failures += 1
                self._hold_until = now + longest * random.uniform(0.5, 1.0)  # noqa: S311 - chance, not secrecy
            pause = max(1.0, self._hold_until - now)  # only for the note, which has whole seconds
        words = str(error) if isinstance(error, CredentialsError) else error.message  # with what to do
        what = _BRIEF.get(error.code, words.rstrip("."))
        return f"{what}, trying again in {human_duration(pause)}"

    def _hold(self, stop: threading.Event) -> None:
        while not stop.is_set():  # a failure of another worker may prolong the pause
            left = self._hold_until - self._now()
            if left <= 0:
                return
            stop.wait(left)

    @property
    def holding(self) -> bool:
        """Whether all workers are waiting for the service."""
        return self._hold_until > self._now()

    # Bandwidth

    def block(self, most: int) -> int:
        """Return the number of bytes to move at once: small at a low rate, for an even flow."""
        if self.max_rate is None:
            return most
        # At less than a page, calls would cost more than bytes.
        return max(4096, min(most, int(self.max_rate / 8)))

    def spend(self, count: int, stop: threading.Event) -> None:
        """Wait until *count* more bytes may be moved.

        :raises Stopped: *stop* was set.
        """
        while self.max_rate is not None:
            with self._lock:
                pause = self._take(count, self.max_rate)
            if pause <= 0:
                break
            if stop.wait(min(pause, 0.25)):  # short, because max_rate may change
                raise Stopped
        if stop.is_set():  # without a limit, only this ends a request within its body
            raise Stopped

    def _take(self, count: int, rate: float) -> float:
        """Take credit for *count* bytes and return 0, or the seconds until there is enough."""
        now = self._now()
        # Credit for a quarter of a second may accumulate: enough for an even flow, too little for a burst.
        self._credit = min(rate / 4, self._credit + (now - self._credit_at) * rate)
        self._credit_at = now
        if self._credit > 0:
            self._credit -= count  # may leave a debt, which the next worker waits out
            return 0.0
        return -self._credit / rate + 0.001  # a little longer, because a credit of exactly 0 is not enough
