"""Which planned requests may be sent now, and when a refused one is sent again."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..catalogue import Catalogue, Download
from ..catalogue.records.pacing_records import Postponed
from ..errors import ConnectionFailed, GlacierError
from ..errors.steps import step
from ..service import Policies, ServiceClock
from ..service.retrieval_policies import FREE_TIER, Policy

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
POLICY, CAPACITY = "PolicyEnforcedException", "InsufficientCapacityException"
BUSY = ("ThrottlingException", "RequestTimeoutException")  # certain: the service took no request
OFFER_AFTER = 3
"""Consecutive refusals after which the message suggests another tier."""

# Limits


@dataclass(frozen=True)
class Limit:
    """At most ``bytes`` requested in any ``span`` milliseconds; a larger archive goes alone."""

    bytes: int
    span: int


Request = tuple[int, int]
"""A time in milliseconds, and bytes."""


def weight(size: int | None) -> int:
    """Return the bytes that an archive counts for; one of unknown size still counts as one."""
    return max(1, size or 0)


def due_times(
    requests: Iterable[Request], limits: Sequence[Limit], now: int, asked: Sequence[Request] = ()
) -> list[int]:
    """Return when each request may be sent, in order, each as early as all limits allow.

    No request is sent before one that precedes it.

    :param requests: for each, the time before which it must not be sent, and its bytes.
    :param now: the time before which none can be sent, in milliseconds.
    :param asked: the requests sent before, in order.
    """
    windows = [_Window(limit, asked) for limit in limits]
    times, time = [], now
    for earliest, size in requests:
        time = max(time, earliest, *(window.room_for(size) for window in windows))
        for window in windows:
            window.add(time, size)
        times.append(time)
    return times


class _Window:
    """The requests within the span of one limit."""

    def __init__(self, limit: Limit, asked: Sequence[Request]) -> None:
        self._limit = limit
        self._inside: deque[Request] = deque()
        self._sum = 0
        for time, size in asked:
            self.add(time, size)

    def add(self, time: int, size: int) -> None:
        self._inside.append((time, size))
        self._sum += size

    def room_for(self, size: int) -> int:
        """Return the time from which *size* more bytes are within the limit, or alone."""
        earliest = 0
        # An empty span takes an archive of any size.
        while self._inside and self._sum + size > self._limit.bytes:
            time, left = self._inside.popleft()  # for good: requests come in the order of time
            self._sum -= left
            earliest = time + self._limit.span
        return earliest


def to_json(limits: Sequence[Limit]) -> str:
    """Return limits as text for the catalogue."""
    return json.dumps([[limit.bytes, limit.span] for limit in limits])


def from_json(text: str) -> list[Limit]:
    """Read the output of :func:`to_json`."""
    return [Limit(int(count), int(span)) for count, span in json.loads(text)]


# Release and postponement


@dataclass(frozen=True)
class Pacer:
    """Holds batches to their limits, and moves refused requests to a later time."""

    catalogue: Catalogue
    policies: Policies
    clock: ServiceClock
    owner: str

    def release(self, due: Sequence[Download], now: int) -> list[Download]:
        """Return which of the *due* downloads may be requested at *now*.

        The due times of the others, and of those that follow them, move as far as the limits
        require: after days without a running session, a whole schedule may be due at once.
        """
        released = {download.id for download in due if download.limits is None}
        # Once for each batch: its downloads share their limits.
        for batch, limits in {d.batch: d.limits for d in due if d.limits is not None}.items():
            released |= self._of_batch(batch, from_json(limits), now)
        return [download for download in due if download.id in released]

    def _of_batch(self, batch: str, limits: list[Limit], now: int) -> set[int]:
        pacing = self.catalogue.pacing
        with self.catalogue.database.transaction():  # or two processes would each release a full day
            planned = pacing.planned(batch)
            # Older requests are outside of every span.
            since = now - max((limit.span for limit in limits), default=0)
            asked = [(at, weight(size)) for at, size in pacing.released(batch, since)]
            wanted = [(one.due or now, weight(one.size)) for one in planned]
            found = list(zip(planned, due_times(wanted, limits, now, asked), strict=True))
            pacing.move({one.id: time for one, time in found if time > (one.due or now)})
        return {one.id for one, time in found if time <= now}

    def postpone(self, refused: Sequence[tuple[Download, GlacierError]], *, progress: bool) -> None:
        """Move downloads that were refused for now to a later time, with the reason of each.

        :param progress: whether the service has accepted others just before: refusals are counted
            anew then, or some of many requests would make the pauses of all longer and longer.
        """
        now, speed = self.clock.now_ms(), self.clock.speed
        postponed: list[Postponed] = []
        for download, error in refused:
            policy = self.policies.current() if error.code == POLICY else None
            moves = 0 if progress else download.moves
            due = now + pause(error, moves, now=now, speed=speed, policy=policy)
            postponed.append(Postponed(download.id, due, moves + 1, reason_for_board(error, moves + 1)))
        self.catalogue.pacing.postpone(postponed, self.owner)


class Refusals:
    """The refusals of one round of requests: larger requests of the same tier are not sent."""

    def __init__(self) -> None:
        self.accepted = False
        """Whether the service has accepted a request of this round."""
        self.not_sent: list[tuple[Download, GlacierError]] = []
        """The downloads whose refusal was expected."""
        self._by_tier: dict[str, tuple[int, GlacierError]] = {}

    def add(self, download: Download, error: GlacierError) -> None:
        """Record that a download was refused for now."""
        # Not locked: of a race the worst is another refused request, which the service does not charge.
        size = (download.size or 0) if error.code == POLICY else 0  # others do not depend on size
        known, _ = self._by_tier.get(download.tier, (size, None))
        self._by_tier[download.tier] = (min(size, known), error)

    def expects(self, download: Download) -> bool:
        """Return whether a request for this download would meet a known error; note that it is not sent."""
        smallest, error = self._by_tier.get(download.tier, (0, None))
        # The policy refuses by rate: a smaller archive may still be accepted.
        if error is None or (download.size or 0) < smallest:
            return False
        self.not_sent.append((download, error))
        return True

    def left(self, downloads: list[Download]) -> list[Download]:
        """Return those of which no refusal is expected."""
        return [each for each in downloads if not self.expects(each)] if self._by_tier else downloads


def is_postponed(error: GlacierError) -> bool:
    """Tell whether a refusal is temporary: nothing was started, and a later request may succeed.

    Expired credentials count as well: a request that is due at night must not fail for them.
    """
    return error.code in (POLICY, CAPACITY, *BUSY) or isinstance(error, ConnectionFailed)


def pause(error: GlacierError, moves: int, *, now: int, speed: float, policy: Policy | None) -> int:
    """Return the milliseconds of the service's time after which to send the request again.

    :param moves: the number of consecutive refusals before this one.
    :param now: the service's time in milliseconds since 1970.
    :param speed: the seconds of the service's time that pass in one real second.
    """
    if error.code == POLICY:
        if policy is not None and policy.strategy == FREE_TIER:
            return DAY - now % DAY + MINUTE  # the free allowance is renewed daily, at midnight UTC
        return min(HOUR << min(moves, 5), DAY)  # BytesPerHour has room again when jobs in progress end
    if error.code == CAPACITY:
        # The exponent has a limit, because a request may be refused for days.
        return min((2 * MINUTE) << min(moves, 5), HOUR)
    longest = 15 * MINUTE if isinstance(error, ConnectionFailed) else 5 * MINUTE
    return int(min(5_000 << min(moves, 10), longest) * speed)  # networks recover in real time


def reason_for_board(error: GlacierError, moves: int) -> str:
    """Return the text that the board shows for a request refused *moves* times."""
    times = f", {moves} times so far" if moves > 1 else ""
    if error.code == POLICY:
        what = f"The account's data retrieval policy refuses it for now{times}; it is requested again later"
        offer = f"The bulk tier is not subject to the policy: {step('restore', '... --tier bulk')}"
    elif error.code == CAPACITY:
        what = f"No capacity for expedited retrievals now{times}; it is requested again later"
        offer = f"Standard takes 3 to 5 hours and always has capacity: {step('restore', '...')}"
    elif isinstance(error, ConnectionFailed):
        return f"{str(error).rstrip('.')}; requests that are due are sent then"
    else:
        return f"{error.message}{times}; it is requested again later"
    return f"{what}. {offer}" if moves >= OFFER_AFTER else what
