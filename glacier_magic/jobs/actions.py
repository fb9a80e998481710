"""Actions on the rows of the job board."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from typing import Any

from ..catalogue import Catalogue
from ..catalogue.records.downloads import FORGETTABLE
from ..errors import InputError
from .board import JobRow, download_number
from .fetching import Fetcher


class Actions:
    """Actions on the rows of the job board; none of them costs money.

    The session sets ``again``, which plans to request the archives of rows again, and ``vaults``,
    which lists the names of all vaults of the region.
    """

    def __init__(self, catalogue: Catalogue, fetcher: Fetcher, changed: Callable[[], None]) -> None:
        self._catalogue, self._fetcher, self._changed = catalogue, fetcher, changed
        self.again: Callable[[Sequence[JobRow]], Any] | None = None
        self.vaults: Callable[[], list[str]] | None = None

    def fetch_now(self, rows: Iterable[JobRow]) -> int:
        """Start the downloads of ready rows before their turn; return how many started."""
        begun = self._fetcher.begin(_numbers(rows))
        self._changed()  # wakes the tracker, which reports to every board
        return begun

    def copy_with(self, executor: Executor | None) -> None:
        """Let an executor copy the bytes of moves from now on; None for threads of this process.

        :raises Refused: one of its workers cannot.
        """
        self._fetcher.mover.use(executor)

    def forget(self, rows: Sequence[JobRow]) -> int:
        """Remove ended rows from the board, but not their files; return how many.

        :raises InputError: none of them has ended, or none is a download of this catalogue.
        """
        numbers = _numbers(row for row in rows if row.state in FORGETTABLE)
        if not numbers:
            raise InputError(
                "None of these rows can be forgotten",
                cure="Only downloads that have ended can be forgotten; inventories and jobs of other "
                "clients disappear when the service drops them.",
            )
        forgotten = self._catalogue.downloads.forget(numbers)
        self._changed()  # so that every open board shows it at once
        return forgotten


def _numbers(rows: Iterable[JobRow]) -> list[int]:
    return [number for row in rows if (number := download_number(row.key)) is not None]
