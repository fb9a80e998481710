"""What a filter finds: its first rows at once, the rest and the sums a moment later."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..catalogue import Catalogue
from ..catalogue.archives.browse import BrowsingStopped, Cube, Listing
from ..errors import GlacierError
from .filters import Filter

if TYPE_CHECKING:
    import numpy as np

FIRST = 200
"""Rows that can be had before the order of all is known."""

GRACE = 0.2
"""Seconds in which the first rows can reach the page, before the rest is read beside it."""


class Answer:
    """The rows of one filter.

    :param cube: the sums of the base of the same filter, where they are known already.
    :raises InputError: the filter cannot be understood.
    """

    def __init__(
        self, catalogue: Catalogue, vault: str, asked: Filter, version: int, cube: Cube | None = None
    ) -> None:
        self.asked, self.version, self.cube = asked, version, cube
        self._left = threading.Event()
        self._there, self._done = threading.Event(), threading.Event()
        self._wanted = threading.Event()
        self._order: np.ndarray[Any, Any] | None = None
        self._error: GlacierError | None = None
        here = (catalogue.database, catalogue.scope, vault)
        # the condition alone first: its error must show the user's own words
        self._base = Listing(*here, asked.counted(), self._left.is_set)
        self.listing = Listing(*here, asked.query(), self._left.is_set)
        self._first = self.listing.first(FIRST)

    @property
    def count(self) -> int | None:
        """How many rows there are; None as long as it is not known."""
        if self._order is not None:
            return len(self._order)
        return len(self._first) if len(self._first) < FIRST else None

    def load(self, told: Callable[[Answer], None]) -> None:
        """Read order and sums in the background; *told* is called after each."""

        def work() -> None:
            self._wanted.wait(GRACE)
            try:
                self._order = self.listing.order()
                self._there.set()
                told(self)
                if self.cube is None:
                    self.cube = self._base.cube()
                    told(self)
            except BrowsingStopped:
                pass
            except GlacierError as error:
                self._error = error
                told(self)
            finally:
                self._there.set()
                self._done.set()

        threading.Thread(target=work, name="glacier-explore", daemon=True).start()

    def leave(self) -> None:
        """End the reading: nobody waits for it any more."""
        self._left.set()
        self._wanted.set()

    def order(self) -> Sequence[int]:
        """Return the ids of all rows; wait for them if need be.

        :raises GlacierError: they could not be read.
        """
        if self._order is None:
            self._wanted.set()
            self._there.wait()
        if self._error is not None:
            raise self._error
        if self._order is None:  # it was left: read it for whoever still wants it
            self._left.clear()
            self._order = self.listing.order()
        return self._order  # type: ignore[return-value]

    def sums(self) -> Cube:
        """Return the sums that the facets show; wait for them if need be.

        :raises GlacierError: they could not be read.
        """
        if self.cube is None:
            self._wanted.set()
            self._done.wait()
        if self._error is not None:
            raise self._error
        if self.cube is None:
            self._left.clear()
            self.cube = self._base.cube()
        return self.cube

    def ids(self, start: int, stop: int) -> list[int]:
        """Return the ids of the rows from *start* until before *stop*."""
        if self._order is None and stop <= len(self._first):
            return self._first[start:stop]
        if self._order is None and len(self._first) < FIRST:
            return self._first[start:]
        return [int(i) for i in self.order()[start:stop]]
