"""What a user does with rows of the board."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..catalogue import Catalogue
from ..catalogue.records.downloads import FORGETTABLE
from ..errors import InputError
from .board import JobRow
from .fetching import Fetcher


class Actions:
    """The things that can be done with rows of the board; none of them costs by itself.

    ``again`` and ``vaults`` are the session's: the plan that asks again for what rows are about,
    and the names of all vaults as the service tells them.
    """

    def __init__(self, catalogue: Catalogue, fetcher: Fetcher, changed: Callable[[], None]) -> None:
        self._catalogue, self._fetcher, self._changed = catalogue, fetcher, changed
        self.again: Callable[[Sequence[JobRow]], Any] | None = None
        self.vaults: Callable[[], list[str]] | None = None

    def fetch_now(self, rows: Iterable[JobRow]) -> int:
        """Begin the downloads of ready rows before their turn; return how many began."""
        begun = self._fetcher.begin(_numbers(rows))
        self._changed()
        return begun

    def forget(self, rows: Sequence[JobRow]) -> int:
        """Take ended rows from the board, files and all else untouched; return how many.

        :raises InputError: none of them has ended, or none was asked for from here.
        """
        numbers = _numbers(row for row in rows if row.state in FORGETTABLE)
        if not numbers:
            raise InputError(
                "Nothing of this can be forgotten",
                cure="Forgotten is what has ended; jobs of others and inventories leave by "
                "themselves when the service drops them.",
            )
        forgotten = self._catalogue.downloads.forget(numbers)
        self._changed()
        return forgotten


def _numbers(rows: Iterable[JobRow]) -> list[int]:
    keys = [row.key for row in rows if row.key.startswith("download-")]
    return [int(key.removeprefix("download-")) for key in keys]
