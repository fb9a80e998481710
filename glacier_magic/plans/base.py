"""What all plans have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

from ..base.rendering import SHOWN, Rendered, escape, html_table, text_table
from ..base.units import plural
from ..catalogue import Catalogue
from ..errors import GlacierError, InputError, NotConfirmed, OverBudget, PlanChanged, PriceUnknown
from ..prices import Quote
from ..prices.money import money, parse_money
from ..service import ServiceClock

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
Item = TypeVar("Item")


class Cells(Sequence[tuple[str, ...]], Generic[Item]):
    """The rows of a plan's table, put into words when they are looked at: few of many are."""

    def __init__(self, items: Sequence[Item], words: Callable[[Item], tuple[str, ...]]) -> None:
        self._items, self._words = items, words

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[str, ...]]: ...
    def __getitem__(self, index: int | slice) -> Any:
        """Return a row, or several, in words."""
        if isinstance(index, slice):
            return [self._words(item) for item in self._items[index]]
        return self._words(self._items[index])


@dataclass(frozen=True)
class PlanLog:
    """Where plans that are run are kept, and the clock that dates them."""

    catalogue: Catalogue
    clock: ServiceClock


class Plan(Rendered, Generic[T]):
    """Something that costs money or destroys data, and does nothing until ``run()``.

    It shows itself as a table; in a notebook as a card with a button.  One that has a *memory* is
    kept in the catalogue when it is run: what was promised before anything is done, and what
    happened afterwards (:meth:`.Session.history`).
    """

    kind = ""
    """What sort of plan it is, in one word: restore, delete, drop."""
    vault = ""
    """The name of the vault that it is about."""
    writes_intent = False
    """Whether ``_run`` itself calls :meth:`_remember`, in one transaction with what it intends."""

    button = "Start"
    """The word on the button that runs the plan."""
    danger = False
    """Whether running it destroys data."""

    def __init__(self, memory: PlanLog | None = None) -> None:
        self._lock = threading.Lock()
        self._result: T | None = None
        self._memory = memory
        self._made = memory.clock.now_ms() if memory else 0
        self._number: int | None = None
        self._limit: Decimal | None = None
        self._accept_unconfirmed = False

    @property
    def title(self) -> str:
        """The plan in one sentence."""
        raise NotImplementedError

    @property
    def facts(self) -> Sequence[tuple[str, str]]:
        """What to know before running it: pairs of a label and words."""
        raise NotImplementedError

    @property
    def table(self) -> pd.DataFrame:
        """Everything the plan touches, one row each."""
        raise NotImplementedError

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        raise NotImplementedError

    @property
    def quote(self) -> Quote | None:
        """What running it costs, line by line; None where that is not reckoned."""
        return None

    @property
    def confirmation(self) -> str:
        """What has to be typed before it is run: the vault's name; empty where a yes is enough."""
        return ""

    def check(self, confirm: str | None) -> None:
        """Return if *confirm* lets the plan run; see :func:`check_confirmation`."""
        check_confirmation(
            self.title, self.confirmation or self.vault, confirm, needed=bool(self.confirmation)
        )

    def promised(self) -> Mapping[str, Any]:
        """Return what is kept of the plan when it is run, as JSON can hold it.

        Plans add to it: ``archives`` and ``bytes`` where they have them, ``requests``, times.
        """
        quote = self.quote
        return {
            "title": self.title,
            "facts": [[label, words] for label, words in self.facts],
            "quote": None if quote is None else quote.as_data(),
        }

    def happened(self, result: T) -> Mapping[str, Any] | None:  # noqa: ARG002 - the signature is that of all plans
        """Return what is kept of what running it gave; None where that is heard of later."""
        return {}

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
        :param max_cost: US dollars that it may cost at most, reckoned anew at this moment;
            that of :meth:`limit_to` if none is given.
        :param accept_unconfirmed: let the limit rely on figures that nobody has confirmed.
        :raises NotConfirmed: *confirm* is missing or another text; nothing was done.
        :raises OverBudget: it costs more; nothing was done.
        :raises PriceUnknown: what it costs is not known, or not confirmed; nothing was done.
        :raises PlanChanged: it would ask for, or cost, more than the plan has shown; nothing was
            done, and the plan shows what holds now: a second call does that.
        """
        self.check(confirm)
        limit = self._limit if max_cost is None else dollars(max_cost)
        accept = accept_unconfirmed or self._accept_unconfirmed
        with self._lock:
            if self._result is None:
                shown = self._asked(), self.quote
                self._decide_again()
                if limit is not None:
                    self._check_cost(limit, accept_unconfirmed=accept)
                self._check_as_shown(*shown)
                self._result = self._carried_out()
            return self._result

    def limit_to(self, max_cost: Decimal | int | str, *, accept_unconfirmed: bool = False) -> Self:
        """Let every later :meth:`run`, a button's too, keep a limit; return the plan.

        Parameters are those of :meth:`run`.
        """
        self._limit, self._accept_unconfirmed = dollars(max_cost), accept_unconfirmed
        return self

    def without_limit(self) -> Self:
        """Forget the limit; return the plan."""
        self._limit, self._accept_unconfirmed = None, False
        return self

    @property
    def limit(self) -> Decimal | None:
        """US dollars that running it may cost; None without a limit."""
        return self._limit

    @property
    def accepts_unconfirmed(self) -> bool:
        """Whether the limit relies on figures that nobody has confirmed."""
        return self._accept_unconfirmed

    @property
    def refusal(self) -> str:
        """Why :meth:`run` would refuse the plan as it stands; empty where it would not."""
        return self._beyond_limit()

    def _beyond_limit(self) -> str:
        if self._limit is not None:
            try:
                self._check_cost(self._limit, accept_unconfirmed=self._accept_unconfirmed)
            except (OverBudget, PriceUnknown) as error:
                return str(error)
        return ""

    def _limit_facts(self) -> list[tuple[str, str]]:
        """Return the limit, and whether it is kept, as facts to show."""
        if self._limit is None:
            return []
        refused = self._beyond_limit()
        return [("limit", f"{money(self._limit)}: {f'REFUSED. {refused}' if refused else 'kept'}")]

    def _decide_again(self) -> None:
        """Look again at what is to be done: hours may have passed since it was shown."""

    def _asked(self) -> frozenset[str]:
        """Return what the service would be asked, and paid, for, by keys that stay the same."""
        return frozenset()

    def _check_as_shown(self, asked: frozenset[str], quote: Quote | None) -> None:
        """Return if what is decided now neither asks for more nor costs more than was shown.

        :raises PlanChanged: it does.
        """
        more, now = len(self._asked() - asked), self.quote
        if not more and not _dearer(now, quote):
            return
        words = [] if now is None else [f"it would now cost {now.words()}"]
        words += [] if quote is None else [f"shown was {quote.words()}"]
        words += [f"{plural(more, 'request')} more than shown would be made"] if more else []
        raise PlanChanged(f"The plan has changed since it was shown: {'; '.join(words)}")

    def _check_cost(self, limit: Decimal, *, accept_unconfirmed: bool) -> None:
        quote = self.quote
        if quote is None:
            raise PriceUnknown("What this costs is not reckoned", cure="Leave the limit out.")
        quote.check(limit, accept_unconfirmed=accept_unconfirmed)

    def _carried_out(self) -> T:
        if not self.writes_intent:
            self._remember()
        try:
            result = self._run()
        except GlacierError as error:
            with suppress(GlacierError):  # what went wrong counts, not that it cannot be kept
                self._note_end(error=str(error))
            raise
        told = self.happened(result)
        if told is not None:
            self._note_end(happened=told)
        return result

    def _remember(self) -> int | None:
        """Write what is promised, before anything is done; return the number of the plan."""
        if self._memory is not None:
            now = self._memory.clock.now_ms()
            self._number = self._memory.catalogue.plans.begin(
                self.kind, self.vault, self.promised(), made=self._made, run=now
            )
        return self._number

    def _note_end(self, **what: Any) -> None:
        if self._memory is not None and self._number is not None:
            now = self._memory.clock.now_ms()
            self._memory.catalogue.plans.end(self._number, now, **what)

    @property
    def number(self) -> int | None:
        """The number of the plan in :meth:`.Session.history`, once it was run."""
        return self._number

    @property
    def result(self) -> T | None:
        """What :meth:`run` returned, or None before."""
        return self._result

    def _run(self) -> T:
        raise NotImplementedError

    def _head(self) -> Sequence[str]:
        raise NotImplementedError

    def _cells(self) -> Sequence[tuple[str, ...]]:
        raise NotImplementedError

    def _sections(self) -> Sequence[Rendered]:
        """Return what is shown between the facts and the rows."""
        return ()

    def _more(self) -> str:
        more = len(self._cells()) - SHOWN
        return f"and {more:,} more: .table has them all" if more > 0 else ""

    def _next(self) -> str:
        if self._result is not None:
            return "This plan has been run."
        if self.empty:
            return "There is nothing to do."
        if self.confirmation:
            return (
                f"Nothing has been done yet: repeat with --confirm {self.confirmation}, or call "
                f".run(confirm={self.confirmation!r}) of this plan."
            )
        return "Nothing has been done yet: repeat with --yes, or call .run() of this plan."

    def _repr_text(self) -> str:
        lines = [self.title, *(f"  {label}: {words}" for label, words in self.facts)]
        lines += [repr(section) for section in self._sections()]
        lines.append(text_table(self._head(), self._cells()[:SHOWN], numbers=(1,)))
        return "\n".join([*lines, *filter(None, (self._more(), self._next()))])

    def card_html(self) -> str:
        """Return the plan as HTML, without the line that says how to run it."""
        facts = "".join(
            f"<tr><th scope='row'>{escape(label)}</th><td class='long'>{escape(words)}</td></tr>"
            for label, words in self.facts
        )
        sections = "".join(section._repr_html() for section in self._sections())
        more = f"<p class='glacier-note'>{escape(self._more())}</p>" if self._more() else ""
        rows = html_table(self._head(), self._cells()[:SHOWN], numbers=(1,), long=(0, len(self._head()) - 1))
        return (
            f"<p><b>{escape(self.title)}</b></p><table class='glacier-table'>{facts}</table>"
            f"{sections}"
            f"<details{' open' if len(self._cells()) <= 20 else ''}>"
            f"<summary>What is in it</summary>{rows}{more}</details>"
        )

    def _repr_html(self) -> str:
        return f"{self.card_html()}<p class='glacier-note'>{escape(self._next())}</p>"


def check_confirmation(what: str, vault: str, confirm: str | None, *, needed: bool = False) -> None:
    """Return if *confirm* is the vault's name, or None where none is needed.

    :param what: what is to be done, in a sentence.
    :raises NotConfirmed: it is another text, an empty one too, or it is missing.
    """
    if (confirm is None and not needed) or (vault and confirm == vault):
        return
    given = "" if confirm is None else f", not {confirm!r:.80}"
    if not vault:
        raise NotConfirmed(
            f"Nothing was done. {what}: no name confirms this{given}", cure="Leave the confirmation out."
        )
    raise NotConfirmed(
        f"Nothing was done. {what}: this needs the vault's name typed out, {vault}{given}",
        cure=f"Add --confirm {vault}, or .run(confirm={vault!r}).",
    )


def _dearer(now: Quote | None, shown: Quote | None) -> bool:
    """Tell whether a quote is higher than the one that was shown, or became unknown."""
    if now is None or shown is None:
        return now is not None
    if (now.total is None) != (shown.total is None):
        return now.total is None
    return now.known > shown.known


def dollars(amount: Decimal | int | str) -> Decimal:
    """Return a limit as it was given, in US dollars.

    :raises InputError: it is no amount; nor is a float, which is rounded already.
    """
    try:
        if isinstance(amount, str):
            return parse_money(amount)
        if isinstance(amount, bool) or not isinstance(amount, Decimal | int):
            raise ValueError(f"not an amount of US dollars: {amount!r}")
        limit = Decimal(amount)
        if not limit.is_finite() or limit < 0:
            raise ValueError(f"not an amount of US dollars: {amount!r}")
    except ValueError as error:
        raise InputError(str(error), cure="For example max_cost='0.50', or 5.") from None
    return limit
