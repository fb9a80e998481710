"""Plans about archives that were chosen once and for all, however many they are."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from ...base import dataframes
from ...base.rendering import SHOWN
from ...base.units import from_ms, human_bytes, local_time, short_id
from ...catalogue import ArchiveRecord
from ...catalogue.records.deletion_records import DeletionChoice
from ...prices import PriceTable, Quote
from ...transfer.engine import Engine
from ..base import Memory, T
from .confirmed import Guarded
from .tally import DeletionTally

if TYPE_CHECKING:
    import pandas as pd


class ChosenPlan(Guarded[T]):
    """A plan that deletes the archives of a choice.

    :param max_fee: US dollars that early deletion may cost.
    :raises OverBudget: it costs more.
    :raises PriceUnknown: *max_fee* cannot be kept for certain.
    """

    def __init__(
        self, choice: DeletionChoice, *, engine: Engine, prices: PriceTable, max_fee: Decimal | None = None
    ) -> None:
        super().__init__(Memory(engine.catalogue, engine.service.clock))
        self.vault, self.choice = choice.vault, choice
        self._engine = engine
        self.tally = DeletionTally(choice, engine.catalogue, prices, engine.service.clock.now_ms())
        self._first = list(islice(choice, SHOWN))
        if max_fee is not None:
            self.tally.fee.check(max_fee)

    @property
    def archives(self) -> list[ArchiveRecord]:
        """All archives of the plan."""
        return list(self.choice)

    @property
    def bytes(self) -> int:
        """Bytes in all archives together, as far as they are known."""
        return self.tally.bytes

    @property
    def quote(self) -> Quote:
        """The fee for deleting archives before their 90 days, line by line."""
        return self.tally.fee

    def promised(self) -> dict[str, Any]:
        """Return what is kept of the plan when it is run, as JSON can hold it."""
        return {**super().promised(), "vault": self.vault, **self.tally.promised()}

    @property
    def table(self) -> pd.DataFrame:
        """The archives, as ``ls`` shows them."""
        return dataframes.archives(self.choice)

    def _head(self) -> Sequence[str]:
        return ("name", "size", "archive id", "created")

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                a.name or a.archive_id,
                human_bytes(a.size),
                short_id(a.archive_id),
                local_time(from_ms(a.created)),
            )
            for a in self._first
        ]

    def _more(self) -> str:
        more = len(self.choice) - len(self._first)
        return f"and {more:,} more: .table has them all" if more > 0 else ""
