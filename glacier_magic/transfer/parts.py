"""Multipart uploads: parts sent in parallel, and resuming an interrupted upload."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from ..base.treehash import CHUNK, combine, part_ranges
from ..base.units import human_bytes
from ..catalogue import Upload
from ..errors import InputError, IntegrityError, Unavailable
from ..service import HashedBody
from ..service.bodies import FileBody, MemoryBody, read_part
from ..service.clock import TOO_SLOW
from .budget import Stopped
from .crew import Child, Crew, Tuner
from .engine import Engine, Notes, RequestPace
from .line import CONNECTIONS, remember_rate
from .progress import Meter

Sent = tuple[int, int, bytes]
"""First byte, length and tree hash of a part that the service has."""

Piece = tuple[memoryview, Callable[[], None]]
"""A part of a stream in memory, and a function that releases the memory."""


def check_part_size(part_size: int | None) -> None:
    """Check a part size by the service's rule: 1 MiB times a power of two, up to 4 GiB.

    :raises InputError: the service does not allow it.
    """
    power_of_two = part_size is None or part_size & (part_size - 1) == 0
    if part_size is not None and not (power_of_two and 1 << 20 <= part_size <= 4 << 30):
        raise InputError(
            f"{human_bytes(part_size)} cannot be the size of a part",
            cure="It is 1 MiB times a power of two, up to 4 GiB: 1, 2, 4, 8, 16 MiB ...",
        )


class Shortened(Exception):
    """The file ended before its size at the start."""


@dataclass(frozen=True)
class PartSender:
    """Sends the parts of one multipart upload.

    :param there: the parts that the service has, from first byte to tree hash.
    :param beside: the tuner of the files that are sent at the same time, each over one connection;
        None if this one has all of them.
    :param divisible: end if the first part takes too long, since an upload in smaller parts can follow.
    """

    engine: Engine
    upload: Upload
    there: dict[int, str]
    meter: Meter
    stop: threading.Event
    beside: Tuner | None = None
    divisible: bool = False
    too_slow: threading.Event = field(default_factory=threading.Event, init=False)
    """Set if it ended for that reason."""
    ending: Child = field(init=False)
    _through: list[tuple[int, float]] = field(default_factory=list, init=False)
    """Bytes and rate of each part that was sent."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ending", Child(self.stop))

    @property
    def part_size(self) -> int:
        """Bytes in each part except the last."""
        return self.upload.part_size or 0

    def send_file(self, descriptor: int, size: int) -> bytes:
        """Send each part of a file that the service lacks; return the tree hash of the file."""
        tuner = self._tuner(self.part_size <= self.engine.limits.in_memory)
        descriptor = os.dup(descriptor)  # a hanging worker reads on after the caller has closed its own
        tasks: Iterator[Callable[[], Sent]] = (
            partial(self._send_span, descriptor, start, behind - start, tuner)
            for start, behind in part_ranges(size, self.part_size)
        )
        return self._run(tasks, tuner, partial(os.close, descriptor))[1]

    def send_pieces(self, pieces: Iterator[Piece]) -> tuple[int, bytes]:
        """Send the parts that *pieces* yields; return their total size and tree hash."""
        tuner = self._tuner(True)

        def tasks() -> Iterator[Callable[[], Sent]]:
            start = 0
            for data, free in pieces:
                yield partial(self._send_piece, data, start, free, tuner)
                start += len(data)

        return self._run(tasks(), tuner, lambda: None)

    def _tuner(self, in_memory: bool) -> Tuner:
        if self.beside is not None:
            return self.beside
        most = self.engine.limits.workers
        if in_memory:  # more workers than parts in memory would only wait for each other
            most = min(most, max(2, self.engine.buffers.limit // max(1, self.part_size)))
        return Tuner(CONNECTIONS, most)

    def _run(
        self, tasks: Iterator[Callable[[], Sent]], tuner: Tuner, close: Callable[[], None]
    ) -> tuple[int, bytes]:
        roots: dict[int, bytes] = {}
        size = 0
        crew: Crew[Sent] = Crew(Tuner(1, 1) if self.beside else tuner, self.ending, "glacier-upload")
        try:
            with crew.stopped_by_errors():
                for start, length, root in crew.run(tasks):
                    roots[start] = root
                    size += length
        finally:
            crew.afterwards(close)
            if self._through:
                remember_rate(self.engine, statistics.median(rate for _, rate in self._through))
        # Parts end in any order; their roots are nodes of the tree, in order.
        return size, combine(roots[start] for start in sorted(roots))

    def _send_span(self, descriptor: int, start: int, length: int, tuner: Tuner) -> Sent:
        if length > self.engine.limits.in_memory:
            return self._send(FileBody(descriptor, start, length), start, length, tuner)
        with self.engine.buffers.lend(length, self.ending) as buffer:
            filled = read_part(descriptor, start, buffer)
            return self._send(MemoryBody(buffer[:filled]), start, length, tuner)

    def _send_piece(self, data: memoryview, start: int, free: Callable[[], None], tuner: Tuner) -> Sent:
        try:
            return self._send(MemoryBody(data), start, len(data), tuner)
        finally:
            free()  # not before: every attempt sends the same memory

    def _send(self, body: HashedBody, start: int, length: int, tuner: Tuner) -> Sent:
        if len(body) != length:
            raise Shortened
        if self.there.get(start) == body.tree.hex():  # sent by an earlier run, from unchanged bytes
            self.meter.already(len(body))
        else:
            send = partial(self._attempt, body, start)
            notes = Notes(self.meter, tuner)
            self.engine.budget.call(send, self.ending, notes, again=lambda: not self.too_slow.is_set())
            tuner.moved(len(body))
        return start, len(body), body.tree

    def _attempt(self, body: HashedBody, start: int) -> None:
        pace = RequestPace(self.engine.budget, self.meter, self.ending)
        body.pace = pace
        body.seek(0)  # an earlier attempt may have ended anywhere
        began = time.monotonic()
        try:
            with stopping(self.ending, body):
                received = self.engine.service.upload_part(
                    self.upload.vault, self.upload.upload_id or "", start, body
                )
            if received != body.tree.hex():
                raise IntegrityError(f"the part from byte {start} arrived damaged")
        except BaseException as error:
            pace.uncount()
            late = isinstance(error, Unavailable) and error.code == TOO_SLOW
            # That the last part, a shorter one, got through says nothing of the others.
            first = not self.there and all(length < len(body) for length, _ in self._through)
            if late and self.divisible and len(body) > CHUNK and first:
                self.too_slow.set()
            raise
        if len(body) >= CHUNK:  # of fewer bytes, most of the time is that of the response
            self._through.append((len(body), len(body) / max(1e-3, time.monotonic() - began)))


@contextmanager
def stopping(stop: threading.Event, body: HashedBody) -> Iterator[None]:
    """Raise the cause of a request that ended within its body, which the HTTP library hides."""
    try:
        yield
    except Unavailable:
        if stop.is_set():
            raise Stopped from None
        if body.failure is not None:
            raise body.failure from None
        raise
