"""At most so many bytes in so much time: when each of a row of requests may be made."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HOUR = 3_600_000
DAY = 24 * HOUR


@dataclass(frozen=True)
class Limit:
    """At most ``bytes`` asked for in any ``span`` milliseconds; a larger archive goes alone."""

    bytes: int
    span: int


Request = tuple[int, int]
"""A moment in milliseconds, and bytes."""


def weight(size: int | None) -> int:
    """Return the bytes that an archive counts for; one of unknown size still counts as one."""
    return max(1, size or 0)


def due_times(
    requests: Iterable[Request], limits: Sequence[Limit], now: int, asked: Sequence[Request] = ()
) -> list[int]:
    """Return when each request may be made, in order, each as early as all limits allow.

    :param requests: for each, the moment before which it is not to be made, and its bytes.
    :param now: the moment before which none can be made, in milliseconds.
    :param asked: the requests that were made before, in their order.

    No request is made before one that stands ahead of it.
    """
    windows = [_Window(limit, asked) for limit in limits]
    times, moment = [], now
    for earliest, size in requests:
        moment = max(moment, earliest, *(window.room_for(size) for window in windows))
        for window in windows:
            window.add(moment, size)
        times.append(moment)
    return times


class _Window:
    """What was asked for within the span of one limit."""

    def __init__(self, limit: Limit, asked: Sequence[Request]) -> None:
        self._limit = limit
        self._inside: deque[Request] = deque()
        self._sum = 0
        for moment, size in asked:
            self.add(moment, size)

    def add(self, moment: int, size: int) -> None:
        self._inside.append((moment, size))
        self._sum += size

    def room_for(self, size: int) -> int:
        """Return from when on *size* bytes more are within the limit, or alone."""
        earliest = 0
        while self._inside and self._sum + size > self._limit.bytes:
            moment, left = self._inside.popleft()
            self._sum -= left
            earliest = moment + self._limit.span
        return earliest


def to_json(limits: Sequence[Limit]) -> str:
    """Return limits as text for the catalogue."""
    return json.dumps([[limit.bytes, limit.span] for limit in limits])


def from_json(text: str) -> list[Limit]:
    """Read what :func:`to_json` wrote."""
    return [Limit(int(count), int(span)) for count, span in json.loads(text)]
