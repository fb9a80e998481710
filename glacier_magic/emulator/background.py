"""The threads that work between requests."""

from __future__ import annotations

import sys
import threading
import traceback


class BackgroundWorker:
    """A thread that calls :meth:`work` whenever it is woken, and every *interval* seconds if given."""

    def __init__(self, name: str, interval: float | None = None, due: threading.Event | None = None) -> None:
        self.due = due or threading.Event()
        self.stopped = False
        self._interval = interval
        # A daemon: a round that hangs must not keep the process alive.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def work(self) -> None:
        """Do one round of work."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread after the current round, and wait for it."""
        self.stopped = True
        self.due.set()
        if self._thread.is_alive():  # a server that cannot listen is closed without having been started
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self.stopped:
            self.due.wait(self._interval)
            self.due.clear()  # before the work: a wake-up during it leads to another round
            try:
                self.work()
            except Exception:  # the next round may succeed, and the service must stay up
                traceback.print_exc(file=sys.stderr)
