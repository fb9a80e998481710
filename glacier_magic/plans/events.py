"""The events of backups, recoveries and prunes, for functions of the user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any, TypeVar

from ..errors import InputError

T = TypeVar("T")

_PARTS = ("backup", "recover", "prune"), ("start", "done", "failed")
NAMES = tuple(map(".".join, product(*_PARTS)))
"""The names of events."""


@dataclass(frozen=True, kw_only=True)
class PlanEvent:
    """An event of a plan of a set.

    :param outcome: what the plan has returned, for ``done``; *error*: the reason, for ``failed``.
    """

    name: str
    vault: str
    set: str
    outcome: Any = None
    error: BaseException | None = None


@dataclass
class PlanEvents:
    """The functions that are called at the events of a session."""

    _listeners: list[tuple[str, str, Callable[[PlanEvent], object]]] = field(default_factory=list)

    def on(self, vault: str, name: str, callback: Callable[[PlanEvent], object]) -> None:
        """Call *callback* at each event of a name, in the thread of the run.

        :raises InputError: there is no such event.
        """
        if name not in NAMES:
            raise InputError(f"There is no event {name!r:.80}", cure=f"Events: {', '.join(NAMES)}.")
        self._listeners.append((vault, name, callback))

    def _tell(self, event: PlanEvent) -> None:
        for vault, name, callback in list(self._listeners):
            if (vault, name) == (event.vault, event.name):
                callback(event)

    def around(
        self,
        what: str,
        vault: str,
        set_: str,
        work: Callable[[], T],
        *,
        starts: bool = True,
        ends: bool = True,
    ) -> T:
        """Return the result of *work*, with an event at its start, and one at its end or failure.

        :param starts: whether *what* starts with *work*; *ends*: whether it ends with it.
        """
        if starts:
            self._tell(PlanEvent(name=f"{what}.start", vault=vault, set=set_))
        try:
            outcome = work()
        except BaseException as error:  # an interrupt, too
            self._tell(PlanEvent(name=f"{what}.failed", vault=vault, set=set_, error=error))
            raise
        if ends:
            self._tell(PlanEvent(name=f"{what}.done", vault=vault, set=set_, outcome=outcome))
        return outcome
