"""Trying again, with growing and jittered pauses, what failed for a passing reason."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import TypeVar

from ..errors import IntegrityError, Unavailable
from ..units import human_duration

T = TypeVar("T")

TRIES = 8
LONGEST = 60.0


class Stopped(Exception):
    """The user asked for the end of a transfer."""


def patiently(
    call: Callable[[], T], stop: threading.Event, note: Callable[[str], None] | None = None
) -> T:
    """Return what *call* returns, trying it up to eight times over some minutes.

    Only what can pass by itself is tried again: an unreachable or throttling service, and bytes
    that arrived damaged.

    :raises Stopped: *stop* was set meanwhile.
    """
    for attempt in range(TRIES):
        if stop.is_set():
            raise Stopped
        try:
            return call()
        except (Unavailable, IntegrityError) as error:
            if attempt == TRIES - 1:
                raise
            pause = min(LONGEST, 2.0**attempt) * random.uniform(0.5, 1.0)  # noqa: S311
            if note:
                note(f"{error.message}; trying again in {human_duration(max(1, pause))}")
            stop.wait(pause)
            if note:
                note("")
    raise AssertionError("unreachable")
