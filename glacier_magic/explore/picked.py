"""What is selected: rows picked one by one, or all that a filter finds, but for exceptions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..catalogue import ArchiveRecord
from ..catalogue.archives.browse import Listing
from ..errors import InputError
from .answer import Answer
from .filters import total

if TYPE_CHECKING:
    import pandas as pd

MOST = 200_000
"""Rows that can be picked by hand; "all" is a rule, and has no bound."""


class Selection:
    """A rule, or none, and the rows that are excepted from it (or picked without it).

    "All" keeps the filter that it was said of: it means the same after the filter has changed.
    """

    def __init__(self) -> None:
        self._rule: Answer | None = None
        self._marked: dict[int, int] = {}  # id: bytes

    # Changing it

    def clear(self) -> None:
        """Select nothing."""
        self._rule, self._marked = None, {}

    def all_of(self, answer: Answer) -> None:
        """Select all that *answer* finds."""
        self._rule, self._marked = answer, {}

    def toggle(self, answer: Answer, row: int) -> None:
        """Select the row with this id, or take it out."""
        if row in self._marked:
            del self._marked[row]
            return
        if self._rule is not None and row not in self._rule.listing.among([row]):
            raise InputError(
                "Everything of another filter is selected, and this row is not among it",
                cure="Press Escape to select nothing, and begin anew.",
            )
        self._marked.update(answer.listing.sizes([row]))

    def pick(self, answer: Answer, rows: Sequence[int], *, add: bool = False) -> None:
        """Select the rows with these ids; *add* keeps what is selected already.

        :raises InputError: they are more than can be picked by hand.
        """
        if len(rows) == answer.count and not add:
            self.all_of(answer)
            return
        if len(rows) > MOST:
            raise InputError(
                f"{len(rows):,} rows are too many to pick by hand",
                cure="Narrow the filter to them, and press Ctrl+A for all of it.",
            )
        if not add:
            self.clear()
        if self._rule is None:
            self._marked.update(answer.listing.sizes(rows))
        else:
            for row in rows:
                self._marked.pop(row, None)

    # Asking it

    def held(self, answer: Answer, rows: Iterable[int]) -> set[int]:
        """Return which of these rows of *answer* are selected."""
        ids = list(rows)
        if self._rule is None:
            return {row for row in ids if row in self._marked}
        ruled = set(ids) if self._rule is answer else self._rule.listing.among(ids)
        return {row for row in ruled if row not in self._marked}

    @property
    def count(self) -> int:
        """How many archives are selected."""
        if self._rule is None:
            return len(self._marked)
        known = self._rule.count
        return (len(self._rule.order()) if known is None else known) - len(self._marked)

    @property
    def bytes(self) -> int | None:
        """The bytes of what is selected; None as long as they are not known."""
        if self._rule is None:
            return sum(self._marked.values())
        if self._rule.cube is None:
            return None
        return total(self._rule.cube, self._rule.asked)[1] - sum(self._marked.values())

    def rests_on(self, answer: Answer) -> bool:
        """Whether *answer* is what "all" was said of."""
        return self._rule is answer

    def _ids(self) -> list[int]:
        if self._rule is None:
            return list(self._marked)
        return [int(row) for row in self._rule.order() if row not in self._marked]

    def records(self, listing: Listing) -> list[ArchiveRecord]:
        """Return what is selected, read anew."""
        return listing.records(self._ids())

    def frame(self, listing: Listing) -> pd.DataFrame:
        """Return what is selected as a DataFrame: in the filter's order, or by name."""
        found = listing.frame_of(self._ids())
        if self._rule is None:
            found = found.sort_values(["name", "created"], kind="stable", ignore_index=True)
        return found
