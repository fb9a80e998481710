"""What programs are told of backups, recoveries and prunes as they go."""

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

    :param outcome: of ``done``, what the plan has returned; *error*: of ``failed``, why.
    """

    name: str
    vault: str
    set: str
    outcome: Any = None
    error: BaseException | None = None


@dataclass
class PlanEvents:
    """The events of a session, and who is told of them."""

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
        """Return the result of *work*, and tell of its start, and of its end or failure.

        :param starts: whether *what* begins with it; *ends*: whether it is done after it.
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
