"""The selection: rows picked one by one, or the whole result of a filter with exceptions."""

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
"""The most rows that can be picked by hand; "all" is a rule without a limit."""


class Selection:
    """An optional rule, and the rows that are excepted from it (or picked, without a rule).

    "All" refers to the filter at the time of the selection, even after the filter changes.
    """

    def __init__(self) -> None:
        self._rule: Answer | None = None
        self._marked: dict[int, int] = {}  # id: bytes
        self._absent: set[int] = set()  # of these, the rows that were not in the vault when picked
        self.dropped = 0
        """The number of archives that :meth:`drop` deselected since the last change."""

    # Changing it

    def clear(self) -> None:
        """Select nothing."""
        self._rule, self._marked, self._absent, self.dropped = None, {}, set(), 0

    def all_of(self, answer: Answer) -> None:
        """Select all rows of *answer*."""
        self.clear()
        self._rule = answer

    def toggle(self, answer: Answer, row: int) -> None:
        """Select the row with this id, or deselect it."""
        self.dropped = 0
        if row in self._marked:
            del self._marked[row]
            return
        if self._rule is not None and row not in self._ruled(answer, [row]):
            raise InputError(
                "All rows of another filter are selected, and this row is not one of them",
                cure="Press Escape to clear the selection, then select again.",
            )
        self._mark(answer, [row])

    def pick(self, answer: Answer, rows: Sequence[int], *, add: bool = False) -> None:
        """Select the rows with these ids; with *add*, in addition to the current selection.

        :raises InputError: there are too many to pick by hand.
        """
        if len(rows) == answer.count and not add:  # a rule takes no memory for the ids
            self.all_of(answer)
            return
        if len(rows) > MOST:
            raise InputError(
                f"{len(rows):,} rows are too many to pick by hand",
                cure="Narrow the filter to them and press Ctrl+A to select all rows.",
            )
        if not add:
            self.clear()
        self.dropped = 0
        if self._rule is None:
            self._mark(answer, rows)
        else:
            for row in rows:
                self._marked.pop(row, None)  # with a rule, a marked row is an exception from it

    def _mark(self, answer: Answer, rows: Sequence[int]) -> None:
        self._marked.update(answer.listing.sizes(rows))  # with sizes: the sum needs no query later
        if not answer.asked.in_vault:
            self._absent.update(rows)

    def drop(self, listing: Listing) -> None:
        """Deselect the archives that have left the vault since they were selected.

        :param listing: any listing of the vault.
        """
        if not self._marked and self._rule is None:
            return
        import numpy as np

        absent = listing.absent()
        if self._rule is None:
            gone = set(self._marked).intersection(absent.tolist()) - self._absent
            for row in gone:
                self._marked.pop(row, None)
        elif self._rule.asked.in_vault:
            order = np.asarray(self._rule.order())
            gone = set(order[np.isin(order, absent)].tolist()) - set(self._marked)
            self._marked.update(listing.sizes(list(gone)))
        else:
            return
        self.dropped = len(gone) or self.dropped

    # Its contents

    def held(self, answer: Answer, rows: Iterable[int]) -> set[int]:
        """Return the ids of those of these rows of *answer* that are selected."""
        ids = list(rows)
        if self._rule is None:
            return {row for row in ids if row in self._marked}
        return {row for row in self._ruled(answer, ids) if row not in self._marked}

    def _ruled(self, answer: Answer, ids: Sequence[int]) -> set[int]:
        """Return those of these rows of *answer* that the rule selects."""
        if self._rule is answer:
            return set(ids)
        import numpy as np

        order = np.asarray(self._rule.order() if self._rule else ())
        return set(order[np.isin(order, ids)].tolist())

    @property
    def count(self) -> int:
        """The number of selected archives."""
        if self._rule is None:
            return len(self._marked)
        known = self._rule.count
        return (len(self._rule.order()) if known is None else known) - len(self._marked)

    @property
    def bytes(self) -> int | None:
        """The bytes of the selected archives; None until they are known."""
        if self._rule is None:
            return sum(self._marked.values())
        if self._rule.cube is None:  # the background thread is still adding up
            return None
        return total(self._rule.cube, self._rule.asked)[1] - sum(self._marked.values())

    def rests_on(self, answer: Answer) -> bool:
        """Whether all rows of *answer* are selected, perhaps with exceptions."""
        return self._rule is answer

    def _ids(self) -> list[int]:
        if self._rule is None:
            return list(self._marked)
        return [int(row) for row in self._rule.order() if row not in self._marked]

    def records(self, listing: Listing) -> list[ArchiveRecord]:
        """Return the selected archives, read from the catalogue."""
        return listing.records(self._ids())

    def frame(self, listing: Listing) -> pd.DataFrame:
        """Return the selected archives as a DataFrame, in the filter's order or by name."""
        found = listing.frame_of(self._ids())
        if self._rule is None:
            found = found.sort_values(["name", "created"], kind="stable", ignore_index=True)
        return found
