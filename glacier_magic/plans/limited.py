"""Plans that keep a limit of cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Self, TypeVar

from ..errors import OverBudget, PriceUnknown
from ..prices import Quote, money
from .model import Plan

T = TypeVar("T")


class LimitedPlan(Plan[T]):
    """A plan that reckons what it costs, and refuses to cost more than it may."""

    def __init__(self) -> None:
        super().__init__()
        self._limit: Decimal | None = None
        self._accept_unconfirmed = False

    @property
    def quote(self) -> Quote:
        """What running it costs at most, line by line."""
        raise NotImplementedError

    def limit_to(self, max_cost: Decimal, *, accept_unconfirmed: bool = False) -> Self:
        """Let every later ``run()``, a button's too, keep a limit; return the plan.

        :param max_cost: US dollars that it may cost at most, reckoned anew when it is run.
        :param accept_unconfirmed: let the limit rely on figures that nobody has confirmed.
        """
        self._limit, self._accept_unconfirmed = max_cost, accept_unconfirmed
        return self

    def _keep_limit(self) -> None:
        """Refuse what may cost more than is allowed.

        :raises OverBudget: it costs more; nothing was done.
        :raises PriceUnknown: what it costs is not known, or not confirmed; nothing was done.
        """
        if self._limit is not None:
            self.quote.check(self._limit, accept_unconfirmed=self._accept_unconfirmed)

    def _limit_facts(self) -> list[tuple[str, str]]:
        """Return the limit, and whether it is kept, as facts to show."""
        if self._limit is None:
            return []
        try:
            self._keep_limit()
        except (OverBudget, PriceUnknown) as error:
            return [("limit", f"{money(self._limit)}: REFUSED. {error}")]
        return [("limit", f"{money(self._limit)}: kept")]


def priced(quote: Quote) -> str:
    """Return a price with its sources in one line."""
    sources = "; ".join(dict.fromkeys(line.figure.cite() for line in quote.lines))
    return " ".join([f"{quote.words()} ({sources}).", *quote.notes])
