"""Worker threads that stop at once, and whose number adapts to the bandwidth."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from .budget import Stopped

T = TypeVar("T")

HEAR_OUT = 0.7
"""Seconds for workers to end after an error."""
WINDOW = 2.0
"""Seconds over which the throughput of a number of workers is measured."""


class Child(threading.Event):
    """An event that is also set when its parent is: one transfer may end without the others."""

    def __init__(self, parent: threading.Event) -> None:
        super().__init__()
        self._parent = parent

    def is_set(self) -> bool:
        """Return whether this event or its parent is set."""
        return super().is_set() or self._parent.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until this event or its parent is set, or *timeout* seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            # set() of the parent does not wake this event, so look ten times a second.
            left = 0.1 if end is None else min(0.1, end - time.monotonic())
            if left <= 0 or super().wait(left):
                break
        return self.is_set()


class Tuner:
    """Finds the number of workers that moves the most bytes: one more as long as it helps.

    :param start: the first number of workers.
    :param most: the largest number of workers.
    :param now: returns seconds of a clock that never goes back.
    """

    def __init__(self, start: int, most: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.most = max(1, most)
        self.limit = max(1, min(start, self.most))
        self._step = 1
        self._best = 0.0
        self._bytes = 0
        self._since = now()
        self._lock = threading.Lock()

    def moved(self, count: int) -> None:
        """Count bytes; at the end of each window try one worker more or fewer."""
        with self._lock:
            self._bytes += count
            passed = self._now() - self._since
            if passed < WINDOW:
                return
            rate = self._bytes / passed
            if rate < self._best * 1.03:  # the last step did not help: try the other direction
                self._step = -self._step
            self._best = rate  # of the last window, not the best ever: the bandwidth of a line changes
            self.limit = max(1, min(self.most, self.limit + self._step))
            self._bytes, self._since = 0, self._now()

    def slow_down(self) -> None:
        """Halve the number of workers, because the service throttles."""
        with self._lock:
            self.limit = max(1, self.limit // 2)
            self._step, self._best = 1, 0.0  # rates from before the throttling say nothing about now


class Crew(Generic[T]):
    """Runs tasks in parallel and yields their results in the order in which they end.

    Its threads are daemons: a program that stops does not wait for a hanging request.
    """

    def __init__(self, tuner: Tuner, stop: threading.Event, name: str) -> None:
        self._tuner, self._stop, self._name = tuner, stop, name
        self._todo: queue.SimpleQueue[Callable[[], T] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def run(self, tasks: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Yield the results of *tasks*, each of which starts when a worker is free.

        The first exception of a task is raised; running tasks continue, and end soon if the stop event
        is set.

        :raises Stopped: the stop event was set before all tasks were done.
        """
        running, source = 0, iter(tasks)
        exhausted = False
        try:
            while True:
                while not exhausted and running < self._tuner.limit and not self._stop.is_set():
                    task = next(source, None)  # not earlier: a task of a stream holds its part in memory
                    if task is None:
                        exhausted = True
                        break
                    self._start(task, running)
                    running += 1
                if not running:
                    break
                got = self._wait()
                running -= 1
                yield got
            if not exhausted:
                raise Stopped  # stopped while no task was running
        finally:
            for _ in self._threads:
                self._todo.put(None)  # also if the caller stops iterating: each thread ends after its task

    @contextmanager
    def stopped_by_errors(self) -> Iterator[None]:
        """Set the stop event if the block raises an error, and wait a moment for the workers to end."""
        try:
            yield
        except BaseException:
            self._stop.set()
            self.wait(HEAR_OUT)  # they record their progress
            raise

    def wait(self, timeout: float | None = None) -> None:
        """Wait until no task is running, or *timeout* seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        for thread in self._threads:
            thread.join(None if end is None else max(0.0, end - time.monotonic()))

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call *call* when no task is running: now, or later in a thread."""
        if not any(thread.is_alive() for thread in self._threads):
            call()
            return

        def later() -> None:
            self.wait()
            call()

        threading.Thread(target=later, name=f"{self._name}-end", daemon=True).start()

    def _start(self, task: Callable[[], T], running: int) -> None:
        if running >= len(self._threads):  # no thread before there is work for it
            thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._todo.put(task)

    def _wait(self) -> T:
        while True:
            try:
                result, error = self._done.get(timeout=0.2)  # Ctrl-C interrupts no longer wait
            except queue.Empty:
                if self._stop.is_set():  # only now: results from before the stop are yielded
                    raise Stopped from None
                continue
            if error is not None:
                raise error
            return result  # type: ignore[return-value]  # None only where T is

    def _work(self) -> None:
        while (task := self._todo.get()) is not None:
            try:
                outcome: tuple[T | None, BaseException | None] = (task(), None)
            except BaseException as error:  # raised by run() in its own thread
                outcome = (None, error)
            self._done.put(outcome)
