"""Injected faults, for testing clients.

A fault applies to one operation or to all (``*``), and strikes a number of times or with a
probability under a seed.  Faults live in memory: a restarted server has none.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from glacier_magic.base.treehash import CHUNK
from glacier_magic.emulator import service_errors
from glacier_magic.emulator.http import ConnectionDroppedError, Request, Response
from glacier_magic.emulator.service_errors import ServiceError

ANSWERS: dict[str, Callable[[], ServiceError]] = {
    "408": service_errors.request_timeout,
    "500": service_errors.unavailable,
    "503": lambda: service_errors.unavailable(status=503),
    "throttling": service_errors.throttling,
    "expired-token": service_errors.expired_token,
    "access-denied": lambda: service_errors.access_denied("Access is denied."),
    "insufficient-capacity": service_errors.insufficient_capacity,
    "no-longer-supported": service_errors.no_longer_supported,
    "slow-down": lambda: ServiceError("SlowDown", 503, "Please reduce your request rate."),
}
"""Faults that are an error response; the operation is not performed."""

DELIVERIES = ("reset-before", "reset-during", "reset-after", "trickle", "truncate", "flip")
"""Faults of the connection: see the README for what each does."""

JOBS = ("job-failed", "job-expired")
"""Faults of a job, determined when it is initiated."""

PLACES = {
    **dict.fromkeys(JOBS, ("InitiateJob",)),
    "complete-error-in-200": ("s3:CompleteMultipartUpload",),
    "complete-conflict": ("s3:CompleteMultipartUpload",),
    "corrupt-at-rest": ("s3:PutObject", "s3:CopyObject", "s3:CompleteMultipartUpload"),
    "expired-copy": ("s3:RestoreObject",),
}
"""The operations that some faults are limited to; with ``*``, they strike only these."""

KINDS = (*dict.fromkeys((*ANSWERS, *DELIVERIES, *PLACES)),)


Deliver = Callable[[socket.socket, bytes, Response], None]


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault and how often it strikes."""

    kind: str
    operation: str = "*"
    times: int | None = None
    probability: float | None = None
    seed: int = 0
    rate: int = 1_000
    """Bytes per second of a trickle."""
    after: float = 0.0
    """Virtual seconds after completion at which a job, or the copy of a restore, expires."""
    struck: int = 0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no fault {self.kind!r}; there are {', '.join(KINDS)}.")
        if self.probability is None and self.times is None:
            self.times = 1
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError("The probability of a fault is between 0 and 1.")
        if self.rate < 1 or (self.times is not None and self.times < 1):
            raise ValueError("The times and the rate of a fault are at least 1.")
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable on purpose

    def strikes(self, operation: str) -> bool:
        """Return whether this request is hit, and count the hit."""
        # Operations of S3 begin with "s3:", which a fault need not say.
        if self.operation not in ("*", operation, operation.removeprefix("s3:")) or self.spent:
            return False
        if operation not in PLACES.get(self.kind, (operation,)):
            return False
        if self.kind == "slow-down" and not operation.startswith("s3:"):
            return False
        if self.probability is not None and self._random.random() >= self.probability:
            return False
        self.struck += 1
        return True

    @property
    def spent(self) -> bool:
        """Whether it has struck for the last time."""
        return self.times is not None and self.struck >= self.times

    def describe(self) -> dict[str, object]:
        """Return the fault as ``emulator status`` shows it."""
        names = ("kind", "operation", "times", "probability", "seed", "struck")
        return {name: getattr(self, name) for name in names}


class Faults:
    """The active faults."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def describe(self) -> list[dict[str, object]]:
        """Return the faults that can still strike."""
        with self._lock:
            return [fault.describe() for fault in self._faults]

    def take(self, operation: str) -> Fault | None:
        """Return the fault that hits this request, if one does."""
        if not self._faults:  # the usual case, without a lock
            return None
        with self._lock:
            hit = next((fault for fault in self._faults if fault.strikes(operation)), None)
            self._faults = [fault for fault in self._faults if not fault.spent]
        return hit


def before(fault: Fault, request: Request) -> None:
    """Apply *fault* before the operation is performed."""
    if fault.kind in ANSWERS:
        raise ANSWERS[fault.kind]()
    if fault.kind == "reset-before":
        raise ConnectionDroppedError
    if fault.kind == "reset-during" and request.body.length:
        length = request.body.length

        def drop(left: int) -> None:
            # A body of up to a MiB is read at once, so it is dropped before that.
            if left <= max(length // 2, CHUNK):
                raise ConnectionDroppedError

        request.body.on_read = drop


def after(fault: Fault, response: Response) -> None:
    """Attach the effect of *fault* to the response."""
    senders: dict[str, Deliver] = {
        "reset-during": _reset_half_way,  # reached only without a body: one with a body was reset before
        "reset-after": _reset_silently,
        "trickle": _trickle(fault.rate),
        "truncate": _truncate,
        "flip": _flip(fault),
    }
    response.deliver = senders.get(fault.kind)


def _pieces(response: Response, count: int, most: int = CHUNK) -> Iterator[bytes]:
    if response.source is None:
        whole: Iterator[bytes] = iter((response.body[:count],))
    else:
        whole = response.source.chunks(response.start, count)
    for piece in whole:
        for start in range(0, len(piece), most):
            yield piece[start : start + most]


def _send(connection: socket.socket, head: bytes, response: Response, count: int) -> None:
    connection.sendall(head)
    for piece in _pieces(response, count):
        connection.sendall(piece)


def _reset_silently(*_: object) -> None:
    raise ConnectionDroppedError


def _reset_half_way(connection: socket.socket, head: bytes, response: Response) -> None:
    _send(connection, head, response, response.length // 2)
    time.sleep(0.05)  # a reset overtakes what was sent before it; the client must see the first half
    raise ConnectionDroppedError


def _truncate(connection: socket.socket, head: bytes, response: Response) -> None:
    _send(connection, head, response, response.length // 2)
    connection.shutdown(socket.SHUT_RDWR)  # an orderly end, no reset: the client sees a short body
    raise ConnectionResetError  # ends the connection's thread, quietly


def _trickle(rate: int) -> Deliver:
    def deliver(connection: socket.socket, head: bytes, response: Response) -> None:
        connection.sendall(head)
        # In small pieces, so that no pause looks like a stall.
        for piece in _pieces(response, response.length, max(rate // 10, 1)):
            connection.sendall(piece)
            time.sleep(len(piece) / rate)

    return deliver


def _flip(fault: Fault) -> Deliver:
    def deliver(connection: socket.socket, head: bytes, response: Response) -> None:
        connection.sendall(head)
        at = random.Random(fault.seed + fault.struck).randrange(max(response.length, 1))  # noqa: S311 - chance, not secrecy
        for piece in _pieces(response, response.length):
            if 0 <= at < len(piece):
                piece = piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1 :]  # noqa: PLW2901 - the piece is damaged on purpose
            at -= len(piece)
            connection.sendall(piece)

    return deliver
