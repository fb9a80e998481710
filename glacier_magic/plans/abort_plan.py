"""A plan to abort unfinished uploads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..base.units import human_bytes, plural, short_id
from ..transfer.unfinished import Leftovers
from .base import Plan

if TYPE_CHECKING:
    import pandas as pd


class AbortPlan(Plan["pd.DataFrame"]):
    """Unfinished uploads to abort; ``run()`` aborts them and returns their rows.

    :param words: the first characters of upload ids.
    :raises InputError: one of them fits no upload, or several.
    """

    button = "Abort"
    danger = True  # a resumed upload would have to send every part again

    def __init__(self, leftovers: Leftovers, words: Sequence[str]) -> None:
        super().__init__()
        self._leftovers, self.rows = leftovers, leftovers.chosen(words)  # fixed now: what is shown is aborted

    @property
    def empty(self) -> bool:
        """Whether there is nothing to drop."""
        return not self.rows

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        sent = human_bytes(sum(row.sent for row in self.rows))
        return f"Abort {plural(len(self.rows), 'unfinished upload')} and drop the {sent} sent"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        return [("undo", "there is none: the parts would have to be sent, and paid for, again")]

    @property
    def table(self) -> pd.DataFrame:
        """The uploads, as ``uploads`` shows them."""
        return self._leftovers.frame(self.rows)

    def _head(self) -> Sequence[str]:
        return ("name", "sent", "state", "upload id")

    def _cells(self) -> list[tuple[str, ...]]:
        return [(row.name, human_bytes(row.sent), row.state, short_id(row.upload_id)) for row in self.rows]

    def _run(self) -> pd.DataFrame:
        return self._leftovers.abort([row.upload_id for row in self.rows])  # by id: uploads may share a name
