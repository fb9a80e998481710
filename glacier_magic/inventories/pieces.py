"""Pieces of some megabytes that end with a record, processed by several threads in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

PIECE = 4 << 20
"""Bytes that are read before they are cut; also the largest size of one record."""

_MOST_THREADS = 4
Result = TypeVar("Result")


def handy(source: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """Yield *source*, with longer chunks cut into pieces."""
    for given in source:
        if len(given) <= PIECE:
            yield given
        else:
            view = memoryview(given)
            for at in range(0, len(view), PIECE):
                yield view[at : at + PIECE]


class Cutter:
    """Cuts bytes after the last record in every :data:`PIECE`, and in the rest at the end.

    :param border: returns the position after the last complete record in its bytes, or 0.

    ``rest`` is what has been read but not yielded; ``stuck`` is whether a piece had no border.
    """

    def __init__(self, source: Iterable[bytes | memoryview], border: Callable[[bytes], int]) -> None:
        self.rest = b""
        self.stuck = False
        self.source = iter(source)
        self._border = border

    def __iter__(self) -> Iterator[memoryview]:
        held: list[bytes | memoryview] = []
        length = 0
        for given in self.source:
            held.append(given)
            length += len(given)
            if length < PIECE:
                continue
            data = b"".join((self.rest, *held))
            at, held = self._border(data), []
            self.rest = data[at:]
            length = len(self.rest)
            self.stuck = not at
            if self.stuck:
                return
            yield memoryview(data)[:at]  # not a copy of megabytes
        data = b"".join((self.rest, *held))
        at = self._border(data)
        self.rest = data[at:]
        if at:
            yield memoryview(data)[:at]


class Ordered(Generic[Result]):
    """Calls *work* for each piece on a few threads and yields the results in order."""

    def __init__(self, work: Callable[[memoryview], Result], pieces: Iterable[memoryview]) -> None:
        self._work, self._pieces = work, pieces
        self._results: deque[tuple[memoryview, Future[Result]]] = deque()

    @property
    def waiting(self) -> list[memoryview]:
        """The pieces whose results have not been yielded."""
        return [piece for piece, _ in self._results]

    def __iter__(self) -> Iterator[tuple[memoryview, Result]]:
        threads = min(_MOST_THREADS, os.cpu_count() or 1)
        pool = ThreadPoolExecutor(threads, "glacier-inventory")
        failure: Exception | None = None
        pieces = iter(self._pieces)
        try:
            while True:
                try:
                    piece = next(pieces)
                except StopIteration:
                    break
                except Exception as error:  # raised after the results before it are yielded
                    failure = error
                    break
                self._results.append((piece, pool.submit(self._work, piece)))
                if len(self._results) > threads:  # bounds the pieces in memory
                    yield self._next()
            while self._results:
                yield self._next()
        finally:
            # Also if the caller stops early.  It does not wait: the garbage collector may call it in a thread
            # that is starting, and a join would wait for a lock of that thread.
            pool.shutdown(wait=False, cancel_futures=True)
        if failure is not None:
            raise failure

    def _next(self) -> tuple[memoryview, Result]:
        piece, result = self._results.popleft()
        return piece, result.result()
