"""The result of a filter: its first rows at once, the others and the sums in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..catalogue import Catalogue
from ..catalogue.archives.browse import BrowsingStopped, Cube, Listing
from ..errors import GlacierError
from .filters import Filter
from .folder_sums import FolderSums

if TYPE_CHECKING:
    import numpy as np

FIRST = 200
"""Rows that are available before the order of all rows is known."""

GRACE = 0.2
"""Seconds for the first rows to reach the page before the background thread competes with it."""


class Answer:
    """The rows of one filter.

    :param version: differs from that of all other answers.
    :param query: the number of the filter, which an answer keeps that reads the same filter again.
    :param cube: the sums of the base of the same filter, if they are already known.
    :param folders: the sums of folders for the same filter, if it differs only in its order.
    :raises InputError: the filter is invalid.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        vault: str,
        asked: Filter,
        version: int,
        query: int,
        cube: Cube | None = None,
        folders: FolderSums | None = None,
    ) -> None:
        self.asked, self.version, self.query, self.cube = asked, version, query, cube
        self.folders = folders or FolderSums(catalogue, vault, asked, version)
        self._left = threading.Event()  # stops the reading
        self._ordered, self._done = threading.Event(), threading.Event()
        self._wanted = threading.Event()  # ends the grace period
        self._order: np.ndarray[Any, Any] | None = None
        self._error: GlacierError | None = None  # of the thread: raised where its result is asked for
        place = (catalogue.database, catalogue.scope, vault)
        # The user's condition alone first, so that an error quotes only that.
        self._base = Listing(*place, asked.counted(), self._left.is_set)
        self.listing = Listing(*place, asked.query(), self._left.is_set)
        self._first = self.listing.first(FIRST)  # in this thread: quick in a vault of any size

    @property
    def count(self) -> int | None:
        """The number of rows; None until it is known."""
        if self._order is not None:
            return len(self._order)
        return len(self._first) if len(self._first) < FIRST else None  # fewer than asked for: all of them

    def load(self, notify: Callable[[Answer], None]) -> None:
        """Read order and sums in the background; call *notify* after each."""

        def work() -> None:
            self._wanted.wait(GRACE)
            self.read(notify)

        threading.Thread(target=work, name="glacier-explore", daemon=True).start()

    def read(self, notify: Callable[[Answer], None] = lambda _: None) -> None:
        """Read order and sums; call *notify* after each."""
        try:
            self._order = self.listing.order()
            self._ordered.set()
            notify(self)
            if self.cube is None:
                self.cube = self._base.cube()
                self._done.set()
                notify(self)
            for path in self.shown:
                if self.folders.known(path) is None:
                    self.folders.level(path, self._left.is_set)
                    notify(self)
        except BrowsingStopped:  # another filter took its place, or it was closed
            pass
        except GlacierError as error:
            self._error = error
            notify(self)
        except Exception:
            if not self._left.is_set():  # else the catalogue of a snapshot was removed while it was read
                raise
        finally:
            self._ordered.set()  # also after an error, or order() would wait for ever
            self._done.set()  # as above, for sums()

    @property
    def shown(self) -> tuple[str, str]:
        """The folders whose subfolders the page shows: in the picture, and at the top of the tree."""
        return self.asked.folder, ""

    def leave(self) -> None:
        """Stop the reading in the background."""
        self._left.set()
        self._wanted.set()

    def order(self) -> Sequence[int]:
        """Return the ids of all rows; wait for them if necessary.

        :raises GlacierError: they could not be read.
        """
        if self._order is None:
            self._wanted.set()  # no rest of a grace period
            self._ordered.wait()
        if self._error is not None:
            raise self._error
        if self._order is None:  # the reading was stopped: do it now
            self._left.clear()  # or the listing would stop again at once
            self._order = self.listing.order()
        return self._order  # type: ignore[return-value]

    def sums(self) -> Cube:
        """Return the sums for the facets; wait for them if necessary.

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
        """Return the ids of the rows from *start* to *stop* (exclusive)."""
        if self._order is None and stop <= len(self._first):
            return self._first[start:stop]  # a page opens without waiting for the order of millions
        if self._order is None and len(self._first) < FIRST:
            return self._first[start:]
        return [int(i) for i in self.order()[start:stop]]  # numpy's integers cannot be sent as JSON
