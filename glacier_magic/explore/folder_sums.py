"""The sums of folders that match a filter, one level of the tree at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from ..catalogue import Catalogue
from ..catalogue.archives.browse import Branch, Level, Listing, branches
from .filters import Filter

MOST = 200
"""The most subfolders of a level, the largest ones."""


class FolderSums:
    """The folders of a vault with the number and bytes of their archives that match a filter.

    In and below the filter's folder, the sums are of the archives that the filter shows; elsewhere, a
    folder has the sums of what the filter would show if that folder were opened.

    :param number: differs from that of the sums for other filters.
    """

    def __init__(self, catalogue: Catalogue, vault: str, asked: Filter, number: int) -> None:
        self._catalogue, self._vault, self._asked, self.number = catalogue, vault, asked, number
        self._guard = threading.Lock()
        self._levels: dict[str, Level] = {}

    def known(self, path: str) -> Level | None:
        """Return a folder with its subfolders; None if that takes a long reading."""
        found = self._levels.get(path)
        if found is None and self._asked.plain:
            found = self._levels[path] = self._of_all(path)
        return found

    def level(self, path: str, stopped: Callable[[], bool] = lambda: False) -> Level:
        """Return a folder with its subfolders, read if they are not known.

        :raises BrowsingStopped: *stopped* returned True.
        """
        with self._guard:  # two that ask for the same level wait for one reading
            found = self.known(path)
            if found is None:
                found = self._levels[path] = self._of_matching(path, stopped)
            return found

    def _of_all(self, path: str) -> Level:
        """Read the sums that the catalogue keeps."""
        database, scope = self._catalogue.database, self._catalogue.scope
        whole = Branch(path, 0, 0, deeper=False)
        for f in self._catalogue.archives.du(self._vault, path, 0):
            whole = replace(whole, archives=f.archives, bytes=f.bytes)
        return Level(whole, *branches(database, scope, self._vault, path, MOST))

    def _of_matching(self, path: str, stopped: Callable[[], bool]) -> Level:
        pattern, above = self._asked.pattern, self._asked.folder
        asked = replace(self._asked, folder=path, name="" if pattern else self._asked.name)
        listing = Listing(
            self._catalogue.database, self._catalogue.scope, self._vault, asked.query(), stopped
        )
        inside = path.startswith(above)
        return listing.level(path, MOST, pattern=pattern, seen_from=above if inside else None)
