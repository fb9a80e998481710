"""The base of all plans."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ..base.rendering import SHOWN, Rendered, escape, text_table
from ..base.units import plural
from ..catalogue import Catalogue
from ..errors import GlacierError, InputError, NotConfirmed, OverBudget, PlanChanged, PriceUnknown
from ..errors.steps import consent, left_out
from ..prices import PriceTable, Quote, load
from ..prices.money import money, parse_money
from ..service import ServiceClock
from . import plan_card
from .events import PlanEvents

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")


def cost_limit(setting: str | None = None) -> Decimal | None:
    """Return the setting ``max_cost`` in US dollars; None if it is not set.

    :param setting: its value in a face's configuration; ``GLACIER_MAGIC_MAX_COST`` by default.
    :raises InputError: it is no amount.
    """
    text = setting or os.environ.get("GLACIER_MAGIC_MAX_COST", "").strip()
    try:
        return parse_money(text) if text else None
    except ValueError as error:
        raise InputError(
            f"The setting max_cost cannot be {text!r}: {error}",
            cure="Change %config GlacierMagics.max_cost or GLACIER_MAGIC_MAX_COST.",
        ) from None


@dataclass
class PlanLog:
    """What the plans of a session share.

    :param catalogue: records the plans that are run.
    :param clock: dates them.
    :param max_cost: returns the limit of each plan that is made, in US dollars; None for none.
    """

    catalogue: Catalogue
    clock: ServiceClock
    max_cost: Callable[[], Decimal | None] = cost_limit
    events: PlanEvents = field(default_factory=PlanEvents)

    def prices(self) -> PriceTable:
        """Return the present prices of the region."""
        return load(self.catalogue.scope.region)


class Plan(Rendered, Generic[T]):
    """Something that costs money or destroys data, and does nothing until ``run()``.

    It is displayed as a table, in a notebook as a card with a button.  With a *log*, a run is recorded
    in the catalogue: the promise before anything is done, the outcome afterwards
    (:meth:`.Session.history`).
    """

    kind = ""
    """The type of the plan in the history: restore, delete, drop."""
    vault = ""
    """The name of its vault."""
    writes_intent = False
    """Whether ``_run`` calls :meth:`_remember`, in one transaction with the rows of its requests."""

    button = "Start"
    """The label of the button that runs the plan."""
    danger = False
    """Whether running it destroys data."""
    tier = ""
    """Its tier; empty where it has none."""
    text = ""
    """A text to show verbatim, such as a policy."""

    def __init__(self, log: PlanLog | None = None) -> None:
        self._lock = threading.Lock()  # two clicks on a button must not pay twice
        self._happened: dict[str, Any] = {}  # what a run leaves for the record of its outcome
        self.result: T | None = None
        """The result of :meth:`run`; None before."""
        self._log = log
        self._made = log.clock.now_ms() if log else 0  # the history shows how old a plan was when it was run
        if log is not None:  # a plan without one costs nothing
            self._prices = log.prices()
        self.number: int | None = None
        """The number of the plan in :meth:`.Session.history`; None before it is run."""
        self.limit = log.max_cost() if log else None
        """The highest price of a run in US dollars; None without a limit."""
        self.limit_source = "setting max_cost"
        """Where the limit was set; empty for a limit of this plan alone."""
        self.accepts_unconfirmed = False
        """Whether unconfirmed prices count towards the limit."""

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        raise NotImplementedError

    def now(self) -> datetime:
        """Return the time of the service's clock; UTC."""
        return self._log.clock.now() if self._log else datetime.now(UTC)

    @property
    def headline(self) -> str:
        """The plan in one line: what it does, its price, and when its results are ready."""
        return " · ".join(plan_card.headline(self))

    @property
    def next_quote(self) -> Quote | None:
        """The price of the requests of :meth:`run` itself; :attr:`quote` may hold later ones as well."""
        return self.quote

    def _when(self) -> str:
        return ""

    def choices(self) -> Mapping[str, Sequence[str]]:
        """Return the tiers that it could use, each with lines of text; none without a choice."""
        return {}

    @property
    def facts(self) -> Sequence[tuple[str, str]]:
        """Pairs of a label and a text to read before running it."""
        raise NotImplementedError

    @property
    def table(self) -> pd.DataFrame:
        """One row for each thing that the plan affects."""
        raise NotImplementedError

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        raise NotImplementedError

    @property
    def quote(self) -> Quote | None:
        """The price of a run, line by line; None where it is not calculated."""
        return None

    @property
    def price(self) -> str:
        """The price of a run as text; empty where it costs nothing."""
        quote = None if self.empty else self.quote
        return "" if quote is None or quote.total == 0 else quote.headline()

    @property
    def confirmation(self) -> str:
        """The text to type before a run, the vault's name; empty where a yes is enough."""
        return ""

    def check(self, confirm: str | None) -> None:
        """Check the confirmation of the plan; see :func:`check_confirmation`."""
        check_confirmation(
            self.title, self.confirmation or self.vault, confirm, needed=bool(self.confirmation)
        )

    def promised(self) -> Mapping[str, Any]:
        """Return the record of the promise, JSON-serializable.

        Plans add to it: ``archives`` and ``bytes`` where they have them, ``requests``, times.
        """
        facts = [[label, words] for label, words in self._all_facts]
        quote = None if self.quote is None else self.quote.as_data()
        return {"title": self.title, "facts": facts, "quote": quote}

    def happened(self, result: T) -> Mapping[str, Any] | None:  # noqa: ARG002 - the signature is that of all plans
        """Return the record of the outcome; None where the downloads record it later."""
        return self._happened

    def run(
        self,
        confirm: str | None = None,
        *,
        max_cost: Decimal | int | str | None = None,
        accept_unconfirmed: bool = False,
    ) -> T:
        """Carry the plan out; a second call returns the first one's result.

        :param confirm: the vault's name: needed where the plan has a :attr:`confirmation`, and
            checked wherever it is given.
        :param max_cost: the highest price in US dollars, compared with the present prices; the
            limit of :meth:`limit_to` by default.
        :param accept_unconfirmed: count unconfirmed prices towards the limit.
        :raises NotConfirmed: *confirm* is missing or another text; nothing was done.
        :raises OverBudget: it costs more; nothing was done.
        :raises PriceUnknown: its price is unknown or unconfirmed; nothing was done.
        :raises PlanChanged: it would request, or cost, more than was shown; nothing was done.  The
            plan now shows the present state, and a second call carries that out.
        """
        self.check(confirm)  # before the update below, which sends requests
        limit = self.limit if max_cost is None else dollars(max_cost)  # 0 is a limit too
        accept = accept_unconfirmed or self.accepts_unconfirmed
        self._limits = limit, accept
        with self._lock:
            if self.result is None:  # a run that failed may be tried again
                shown = self._asked(), self.quote  # read before the update: what the user has seen
                self._update()
                if limit is not None:
                    # A limit is checked with the updated numbers, and comes first.
                    self._check_cost(limit, accept_unconfirmed=accept)
                self._check_as_shown(*shown)  # also within a limit nothing is paid that was not shown
                self.result = self._carried_out()
            return self.result

    def limit_to(self, max_cost: Decimal | int | str, *, accept_unconfirmed: bool = False) -> Self:
        """Set the limit of every later :meth:`run`, also by a button; return the plan."""
        self.limit, self.accepts_unconfirmed = dollars(max_cost), accept_unconfirmed
        self.limit_source = ""
        return self

    def without_limit(self) -> Self:
        """Remove the limit; return the plan."""
        self.limit, self.accepts_unconfirmed = None, False
        return self

    @property
    def refusal(self) -> str:
        """The reason why :meth:`run` would refuse the plan; empty where it would not."""
        return str(self.refused or "")

    @property
    def refused(self) -> GlacierError | None:
        """The error that :meth:`run` would raise now; None where it would run."""
        return self._beyond_limit()  # by the prices shown: run() reads them again

    def _beyond_limit(self) -> GlacierError | None:
        if self.limit is not None:
            try:
                self._check_cost(self.limit, accept_unconfirmed=self.accepts_unconfirmed)
            except (OverBudget, PriceUnknown) as error:  # a card shows the refusal; only run() raises it
                return error
        return None

    @property
    def _all_facts(self) -> list[tuple[str, str]]:
        """The facts, and the limit with whether the plan is within it."""
        if self.limit is None or self.empty:
            return list(self.facts)
        refused = self._beyond_limit()
        source = f" ({self.limit_source})" if self.limit_source else ""
        kept = f"REFUSED. {refused}" if refused else "kept"
        return [*self.facts, ("limit", f"{money(self.limit)}{source}: {kept}")]

    def _update(self) -> None:
        """Update the plan before it is run: hours may have passed since it was shown."""
        if self._log is not None:
            self._prices = self._log.prices()  # first: what is decided is priced
        self._decide_again()

    def _decide_again(self) -> None:
        """Decide again what a run does, by the present state and prices."""

    def _asked(self) -> frozenset[str]:
        """Return a stable key of each request that the service charges for."""
        return frozenset()

    def _check_as_shown(self, asked: frozenset[str], quote: Quote | None) -> None:
        """Check that the plan neither requests nor costs more than was shown.

        :raises PlanChanged: it does.
        """
        more, now = len(self._asked() - asked), self.quote  # fewer requests are no reason to stop
        if not more and not _dearer(now, quote):
            return
        words = [] if now is None else [f"it would now cost {now.headline()}"]
        words += [] if quote is None else [f"shown was {quote.headline()}"]
        words += [f"{plural(more, 'request')} more than shown would be made"] if more else []
        raise PlanChanged(f"The plan has changed since it was shown: {'; '.join(words)}")

    def _check_cost(self, limit: Decimal, *, accept_unconfirmed: bool) -> None:
        if (quote := self.quote) is None:
            raise PriceUnknown("What this costs is not reckoned", cure="Leave the limit out.")
        quote.check(limit, accept_unconfirmed=accept_unconfirmed)

    def _carried_out(self) -> T:
        if not self.writes_intent:  # such a plan records itself with its rows, in one transaction
            self._remember()
        try:
            result = self._run()
        # A kill or a bug records no end: such a deletion is "not finished" in the history.
        except GlacierError as error:
            with suppress(GlacierError):  # the error of the run counts, not that of recording it
                self._note_end(error=str(error))
            raise
        if (happened := self.happened(result)) is not None:
            self._note_end(happened=happened)
        return result

    def _remember(self) -> int | None:
        """Record the promise before anything is done; return the number of the plan."""
        if self._log is not None:
            now = self._log.clock.now_ms()
            self.number = self._log.catalogue.plans.begin(
                self.kind, self.vault, self.promised(), made=self._made, run=now
            )
        return self.number

    def _note_end(self, **what: Any) -> None:
        if self._log is not None and self.number is not None:  # no number: it failed before its promise
            self._log.catalogue.plans.end(self.number, self._log.clock.now_ms(), **what)

    def _run(self) -> T:
        raise NotImplementedError

    def _head(self) -> Sequence[str]:
        raise NotImplementedError

    def _cells(self) -> Sequence[tuple[str, ...]]:
        """Return the first rows of the table as text, :data:`SHOWN` of them at least."""
        raise NotImplementedError

    def _count(self) -> int:
        """Return how many rows the table has."""
        return len(self._cells())

    def _sections(self) -> Sequence[Rendered]:
        """Return the sections between the facts and the rows."""
        return ()

    def _next(self) -> str:
        if self.result is not None:
            return "This plan has been run."
        if self.empty:
            return "There is nothing to do."
        if self.refused:
            return "Nothing has been done, and this plan would be refused as it is."
        return f"Nothing has been done yet: {consent(self.confirmation)}."

    def as_text(self, rows: int = SHOWN) -> str:
        """Return the plan as text with its first rows, without the line on how to run it."""
        lines = [self.headline, *(f"  {label}: {words}" for label, words in self._all_facts)]
        lines += [repr(section) for section in self._sections()]
        lines.append(text_table(self._head(), self._cells()[:rows], numbers=(1,)))
        return "\n".join([*lines, *filter(None, [left_out(self._count() - rows)])])

    def _repr_text(self) -> str:
        return f"{self.as_text()}\n{self._next()}"

    def card_html(self) -> str:
        """Return the plan as HTML, without the line on how to run it."""
        return plan_card.card(self)

    def _repr_html(self) -> str:
        return f"{self.card_html()}<p class='glacier-note'>{escape(self._next())}</p>"


def check_confirmation(what: str, vault: str, confirm: str | None, *, needed: bool = False) -> None:
    """Check that *confirm* is the vault's name, or None where none is needed.

    :param what: the title of the plan.
    :raises NotConfirmed: it is another text, or missing.
    """
    # A wrong name is refused even where none is needed: it may be meant for another plan.
    if (confirm is None and not needed) or (vault and confirm == vault):
        return
    given = "" if confirm is None else f", not {confirm!r:.80}"
    if not vault:
        raise NotConfirmed(
            f"Nothing was done. {what}: no name confirms this{given}", cure="Leave the confirmation out."
        )
    raise NotConfirmed(
        f"Nothing was done. {what}: this needs the vault's name typed out, {vault}{given}",
        cure=f"If that is meant, {consent(vault)}.",
    )


def _dearer(now: Quote | None, shown: Quote | None) -> bool:
    """Return whether a quote is higher than the one shown, or has become unknown."""
    if now is None or shown is None:  # nothing to compare with: a price is more than none
        return now is not None
    if (now.total is None) != (shown.total is None):  # a price that became known is no reason to stop
        return now.total is None
    return now.known > shown.known  # of two unknown totals, the known parts are compared


def dollars(amount: Decimal | int | str) -> Decimal:
    """Return an amount of US dollars.

    :raises InputError: it is no amount; see :func:`.parse_money`.
    """
    try:
        return parse_money(amount)
    except ValueError as error:
        raise InputError(str(error), cure="For example max_cost='0.50', or 5.") from None
