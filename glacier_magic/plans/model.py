"""What all plans have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ..rendering import SHOWN, Rendered, escape, html_table, text_table

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
Item = TypeVar("Item")


class Cells(Sequence[tuple[str, ...]], Generic[Item]):
    """The rows of a plan's table, put into words when they are looked at: few of many are."""

    def __init__(self, items: Sequence[Item], words: Callable[[Item], tuple[str, ...]]) -> None:
        self._items, self._words = items, words

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[str, ...]]: ...
    def __getitem__(self, index: int | slice) -> Any:
        """Return a row, or several, in words."""
        if isinstance(index, slice):
            return [self._words(item) for item in self._items[index]]
        return self._words(self._items[index])


class Plan(Rendered, Generic[T]):
    """Something that costs money or destroys data, and does nothing until ``run()``.

    It shows itself as a table; in a notebook as a card with a button.
    """

    button = "Start"
    """The word on the button that runs the plan."""
    danger = False
    """Whether running it destroys data."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._result: T | None = None

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        raise NotImplementedError

    @property
    def facts(self) -> Sequence[tuple[str, str]]:
        """What to know before running it: pairs of a label and words."""
        raise NotImplementedError

    @property
    def table(self) -> pd.DataFrame:
        """Everything the plan touches, one row each."""
        raise NotImplementedError

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        raise NotImplementedError

    def run(self) -> T:
        """Carry the plan out; a second call returns the first one's result."""
        with self._lock:
            if self._result is None:
                self._result = self._run()
            return self._result

    @property
    def result(self) -> T | None:
        """What :meth:`run` returned, or None before."""
        return self._result

    def _run(self) -> T:
        raise NotImplementedError

    def _head(self) -> Sequence[str]:
        raise NotImplementedError

    def _cells(self) -> Sequence[tuple[str, ...]]:
        raise NotImplementedError

    def _more(self) -> str:
        more = len(self._cells()) - SHOWN
        return f"and {more:,} more: .table has them all" if more > 0 else ""

    def _next(self) -> str:
        if self._result is not None:
            return "This plan has been run."
        if self.empty:
            return "There is nothing to do."
        return "Nothing has been done yet: repeat with --yes, or call .run() of this plan."

    def _repr_text(self) -> str:
        lines = [self.title, *(f"  {label}: {words}" for label, words in self.facts)]
        lines.append(text_table(self._head(), self._cells()[:SHOWN], numbers=(1,)))
        return "\n".join([*lines, *filter(None, (self._more(), self._next()))])

    def card_html(self) -> str:
        """Return the plan as HTML, without the line that says how to run it."""
        facts = "".join(
            f"<tr><th scope='row'>{escape(label)}</th><td class='long'>{escape(words)}</td></tr>"
            for label, words in self.facts
        )
        more = f"<p class='glacier-note'>{escape(self._more())}</p>" if self._more() else ""
        rows = html_table(
            self._head(), self._cells()[:SHOWN], numbers=(1,), long=(0, len(self._head()) - 1)
        )
        return (
            f"<p><b>{escape(self.title)}</b></p><table class='glacier-table'>{facts}</table>"
            f"<details{' open' if len(self._cells()) <= 20 else ''}>"
            f"<summary>What is in it</summary>{rows}{more}</details>"
        )

    def _repr_html(self) -> str:
        return f"{self.card_html()}<p class='glacier-note'>{escape(self._next())}</p>"
