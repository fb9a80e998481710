"""A change of a setting as a plan, which is shown first and made once it is confirmed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from ..base.rendering import SHOWN, visible
from ..plans import Plan, PlanLog
from ..prices import Quote

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")


class Change(Plan[T]):
    """One change of a setting; nothing is changed until ``run()``.

    :param act: makes the change and returns the result.
    :param text: a text to show verbatim, such as a policy.
    :param kind: the name of the change in the history, one word.
    :param quote: the cost, if any.
    :param memory: the log that records the plan when it is run.
    :param confirmation: the text that a user must type first; "" if a yes is enough.
    """

    def __init__(
        self,
        title: str,
        *,
        act: Callable[[], T],
        facts: Sequence[tuple[str, str]] = (),
        head: Sequence[str] = (),
        cells: Sequence[tuple[str, ...]] = (),
        text: str = "",
        button: str = "Set",
        danger: bool = False,
        confirmation: str = "",
        kind: str = "",
        quote: Quote | None = None,
        memory: PlanLog | None = None,
    ) -> None:
        super().__init__(memory)
        self.kind, self._quote = kind, quote
        self._title, self._facts, self._act = title, list(facts), act
        self._columns, self._lines, self.text = tuple(head), list(cells), text
        self.button, self.danger, self._confirmation = button, danger, confirmation

    @property
    def confirmation(self) -> str:
        """The text that a user must type first; "" if a yes is enough."""
        return self._confirmation

    @property
    def empty(self) -> bool:
        """False: there is always something to change."""
        return False

    @property
    def quote(self) -> Quote | None:
        """The cost; None if there is none."""
        return self._quote

    @property
    def title(self) -> str:
        """The change in one sentence."""
        return self._title

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Facts to consider before the change."""
        return self._facts

    @property
    def table(self) -> pd.DataFrame:
        """The affected resources, one row each."""
        import pandas as pd

        return pd.DataFrame(self._lines, columns=list(self._columns), dtype="str")

    def _head(self) -> Sequence[str]:
        return self._columns

    def _cells(self) -> list[tuple[str, ...]]:
        return self._lines

    def _run(self) -> T:
        return self._act()

    def as_text(self, rows: int = SHOWN) -> str:
        """Return the change as text, with its text verbatim, without the line on how to run it."""
        lines = [self.headline, *(f"  {label}: {words}" for label, words in self._all_facts)]
        lines += [f"  - {': '.join(filter(None, cells))}" for cells in self._lines[:rows]]
        lines += [f"    {line}" for line in self.text.split("\n") if self.text]
        # Policies and names are foreign text, which may hold control characters.
        return "\n".join(visible(line) for line in lines)
