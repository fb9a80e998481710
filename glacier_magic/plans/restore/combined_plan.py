"""Several restore plans that are shown and run as one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from ...base.rendering import near
from ...base.units import plural
from ...errors import GlacierError
from ...jobs import Batch, Tracker
from ...prices import Quote
from ..base import Plan, PlanLog
from .item_words import in_words
from .items import RestoreItem
from .request import shortage
from .restore_plan import RestorePlan

if TYPE_CHECKING:
    import pandas as pd


class CombinedRestore(Plan[Batch]):
    """Restores from several vaults or into several folders; run one after the other.

    A request of one plan serves the plans after it as well: it is made, and priced, once.  The limit
    holds for all of them together.
    """

    writes_intent = True  # each plan records itself

    def __init__(self, plans: Sequence[RestorePlan], tracker: Tracker, log: PlanLog) -> None:
        super().__init__(log)
        # Whole archives first: their jobs serve the parts as well.
        self.plans = sorted(plans, key=lambda plan: any(item.part for item in plan.items))
        self._tracker = tracker
        self._share()

    @property
    def title(self) -> str:
        """The plans in one sentence."""
        count = sum(len(plan.items) for plan in self.plans)
        if not self.plans:
            return "Nothing has expired that still has to be requested"
        return f"Restore {plural(count, 'archive')} again, into {len(self.plans)} folders"

    @property
    def empty(self) -> bool:
        """Whether all files exist already."""
        return all(plan.empty for plan in self.plans)  # True for no plans

    @property
    def refused(self) -> GlacierError | None:
        """The error that :meth:`run` would raise now: over its limit, or too little room."""
        return super().refused or next(filter(None, (shortage(p.to, p.needed) for p in self.plans)), None)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The facts of each plan, after its vault and folder, and the price of all."""
        facts = [
            (f"{plan.vault} to {near(str(plan.to))}, {label}", words)
            for plan in self.plans
            for label, words in plan.facts
        ]
        return [("price of all", self.quote.headline()), *facts] if self.plans else []

    @property
    def quote(self) -> Quote:
        """The price of all plans, line by line."""
        return sum((plan.quote for plan in self.plans), Quote())

    def _decide_again(self) -> None:
        for plan in self.plans:
            plan._update()
        self._share()

    def _share(self) -> None:
        asked: dict[str, list[RestoreItem]] = {}
        for plan in self.plans:
            before = asked.setdefault(plan.vault, [])  # plans of other vaults share nothing
            if before:
                plan.beside(before)
            before += plan.asked

    def _asked(self) -> frozenset[str]:
        return frozenset(f"{plan.vault} {plan.to} {key}" for plan in self.plans for key in plan._asked())

    def _check_cost(self, limit: Decimal, *, accept_unconfirmed: bool) -> None:
        if self.plans:
            super()._check_cost(limit, accept_unconfirmed=accept_unconfirmed)  # first: of all together
        for plan in self.plans:
            plan._check_cost(limit, accept_unconfirmed=accept_unconfirmed)  # for its own reasons, too

    def _head(self) -> Sequence[str]:
        return ("name", "size", "vault", "archive id", "what happens", "file")

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (name, size, plan.vault, *others)
            for plan in self.plans
            for name, size, *others in map(in_words, plan.items)
        ]

    @property
    def table(self) -> pd.DataFrame:
        """The tables of all plans, with the vault in front."""
        import pandas as pd

        tables = [plan.table.assign(vault=plan.vault) for plan in self.plans]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    def _run(self) -> Batch:
        keys: list[str] = []
        for plan in self.plans:
            plan._update()  # the requests of the plans before it are jobs now
            batch = plan.without_limit().run()  # the limit of all was checked before
            keys += [row.key for row in batch.snapshot.rows]
        return Batch(self._tracker, keys, self.title)
