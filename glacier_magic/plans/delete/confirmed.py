"""Plans that destroy what nobody can bring back, and can be stopped on the way."""

from __future__ import annotations

import threading

from ...transfer.progress import Observer, Report
from ..base import Memory, Plan, T


class Guarded(Plan[T]):
    """A plan that deletes archives or vaults.

    A run reports its progress to an observer, and ends early after ``stop()``, with the rest kept
    for another time.
    """

    danger = True

    def __init__(self, memory: Memory | None = None) -> None:
        super().__init__(memory)
        self._observer: Observer | None = None
        self._stop = threading.Event()

    def observe(self, observer: Observer) -> None:
        """Tell *observer* from now on how far a run is."""
        self._observer = observer

    def stop(self) -> None:
        """End a run early; what is left is kept and can be gone on with."""
        self._stop.set()

    def _tell(self, report: Report) -> None:
        if self._observer is not None:
            self._observer(report)
