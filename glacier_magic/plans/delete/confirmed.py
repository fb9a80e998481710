"""Plans that destroy what nobody can bring back, and so want more than a yes."""

from __future__ import annotations

import threading
from decimal import Decimal

from ...errors import NotConfirmed
from ...transfer.progress import Observer, Report
from ..base import Memory, Plan, T


class Guarded(Plan[T]):
    """A plan that is run only once its confirmation was typed, where it has one.

    ``run(confirm=...)`` takes it; no face can do without.  A run tells whoever observes it how far
    it is, and ends early after ``stop()``, with the rest kept for another time.
    """

    danger = True

    def __init__(self, memory: Memory | None = None) -> None:
        super().__init__(memory)
        self._observer: Observer | None = None
        self._stop = threading.Event()

    @property
    def confirmation(self) -> str:
        """What has to be typed before it is run; empty where a yes is enough."""
        return ""

    def check(self, confirm: str | None) -> None:
        """Return if *confirm* is the confirmation, or none is needed.

        :raises NotConfirmed: it is not.
        """
        if self.confirmation and confirm != self.confirmation:
            given = f", not {confirm!r}" if confirm else ""
            raise NotConfirmed(
                f"Nothing was done. {self.title}: this needs the vault's name typed out, "
                f"{self.confirmation}{given}",
                cure=f"Add --confirm {self.confirmation}, or .run(confirm={self.confirmation!r}).",
            )

    def run(
        self, confirm: str | None = None, *, max_cost: Decimal | int | str | None = None,
        accept_unconfirmed: bool = False,
    ) -> T:  # fmt: skip
        """Carry the plan out; a second call returns the first one's result.

        :param confirm: the vault's name, where more than one archive is at stake.
        :raises NotConfirmed: it is another text, or none.

        The other parameters and errors are those of every plan.
        """
        self.check(confirm)
        return super().run(max_cost=max_cost, accept_unconfirmed=accept_unconfirmed)

    def observe(self, observer: Observer) -> None:
        """Tell *observer* from now on how far a run is."""
        self._observer = observer

    def stop(self) -> None:
        """End a run early; what is left is kept and can be gone on with."""
        self._stop.set()

    def _tell(self, report: Report) -> None:
        if self._observer is not None:
            self._observer(report)

    def _next(self) -> str:
        if self._result is not None or self.empty or not self.confirmation:
            return super()._next()
        return (
            f"Nothing has been done yet: repeat with --confirm {self.confirmation}, or call "
            f".run(confirm={self.confirmation!r}) of this plan."
        )
