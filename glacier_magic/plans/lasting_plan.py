"""The base of plans whose run takes a while before it returns."""

from __future__ import annotations

import threading

from ..transfer.progress import Observer, Report
from .base import Plan, PlanLog, T


class LastingPlan(Plan[T]):
    """A plan whose run reports its progress to an observer, and ends early after ``stop()``.

    The rest can be resumed.
    """

    def __init__(self, log: PlanLog | None = None) -> None:
        super().__init__(log)
        self._observer: Observer | None = None
        self._stop = threading.Event()  # set by a button, in another thread than the run's

    @property
    def lasts(self) -> bool:
        """Whether its run takes long enough to show its progress."""
        return not self.empty

    def observe(self, observer: Observer | None) -> None:
        """Report the progress of runs to *observer*."""
        self._observer = observer

    def stop(self) -> None:
        """End a run early; the rest can be resumed."""
        self._stop.set()

    def _report(self, report: Report) -> None:
        if self._observer is not None:
            self._observer(report)
