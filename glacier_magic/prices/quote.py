"""Figures, and the lines and totals that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from ..base.rendering import Rendered, escape, html_table, text_table
from ..errors import OverBudget, PriceUnknown
from .items import FREE_GB, ITEMS
from .money import SMALLEST, money, rate

ANYWHERE = "all"
"""The region of a figure that holds in every region."""

PACKAGE, LIST, CONFIGURED, NOWHERE = ("built-in table", "AWS Price List", "your configuration", "not known")
"""Where a figure came from."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One price, with who says so, when, and for which region.

    :param steps: pairs of a quantity and the US dollars that each unit from there on costs,
        ascending from 0; none if the price is not known.
    :param date: the day or month that the source speaks of; "" where it names none.
    :param confirmed: whether a budget may rely on it.
    """

    item: str
    steps: tuple[tuple[Decimal, Decimal], ...]
    region: str
    source: str
    date: str
    origin: str = PACKAGE
    confirmed: bool = True

    @classmethod
    def flat(
        cls,
        item: str,
        price: Decimal,
        *,
        region: str,
        source: str,
        date: str,
        origin: str = PACKAGE,
        confirmed: bool = True,
    ) -> Figure:
        """Make the figure of a price that is the same for any quantity."""
        return cls(
            item=item,
            steps=((Decimal(0), price),),
            region=region,
            source=source,
            date=date,
            origin=origin,
            confirmed=confirmed,
        )

    @classmethod
    def unknown(cls, item: str, region: str) -> Figure:
        """Make the figure of a price that nobody has told."""
        return cls(item=item, steps=(), region=region, source="", date="", origin=NOWHERE)

    @property
    def words(self) -> str:
        """What is charged for."""
        return ITEMS[self.item][0]

    @property
    def unit(self) -> str:
        """What the price is for one of."""
        return ITEMS[self.item][1]

    @property
    def price(self) -> Decimal | None:
        """US dollars for the first unit, or None."""
        return self.steps[0][1] if self.steps else None

    def amount(self, quantity: Decimal) -> Decimal | None:
        """Return US dollars for *quantity* units, the first of their month; None if not known."""
        if not quantity:
            return Decimal(0)
        if not self.steps:
            return None
        ends = [start for start, _ in self.steps[1:]]
        total = Decimal(0)
        for (start, price), end in zip(self.steps, [*ends, quantity], strict=True):
            total += max(Decimal(0), min(quantity, end) - start) * price
        return total

    def shown(self) -> str:
        """Return the price in words; of what is free, how much of it."""
        if self.unit == FREE_GB and self.price is not None:
            return f"{self.price:f} GB"
        return rate(self.price)

    def cite(self) -> str:
        """Return who says so and when, in a few words."""
        if not self.steps:
            return self.origin
        told = self.source if self.origin == PACKAGE else f"{self.origin}: {self.source}"
        dated = f"{told}, {self.date}" if self.date else f"{told}, no date"
        return dated if self.confirmed else f"{dated}; unconfirmed"


@dataclass(frozen=True)
class QuoteLine:
    """A quantity of something and what it costs; without a quantity the amount is unknown."""

    figure: Figure
    quantity: Decimal | None

    @property
    def amount(self) -> Decimal | None:
        """US dollars, or None if price or quantity are not known."""
        return None if self.quantity is None else self.figure.amount(self.quantity)

    @property
    def confirmed(self) -> bool:
        """Whether a budget may rely on the amount."""
        return self.quantity == 0 or (self.amount is not None and self.figure.confirmed)


@dataclass(frozen=True, repr=False)
class Quote(Rendered):
    """What something costs, line by line; quotes add up with ``+``.

    :param notes: sentences about what the lines do not count.
    """

    lines: tuple[QuoteLine, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal | None:
        """US dollars in all; None if any line is unknown."""
        return None if any(line.amount is None for line in self.lines) else self.known

    @property
    def known(self) -> Decimal:
        """US dollars of the lines that are known: the total is at least this."""
        return sum((line.amount or Decimal(0) for line in self.lines), Decimal(0))

    @property
    def confirmed(self) -> bool:
        """Whether a budget may rely on the total."""
        return all(line.confirmed for line in self.lines)

    def __add__(self, other: Quote) -> Quote:
        notes = dict.fromkeys((*self.notes, *other.notes))
        return replace(self, lines=self.lines + other.lines, notes=tuple(notes))

    def words(self) -> str:
        """Return the total: ``$0.42``, ``$0.42 (unconfirmed)`` or ``unknown (over $0.42)``."""
        if self.total is None:
            return f"unknown (over {money(self.known)})" if self.known >= SMALLEST else "unknown"
        return money(self.total) if self.confirmed else f"{money(self.total)} (unconfirmed)"

    def check(self, max_cost: Decimal, *, accept_unconfirmed: bool = False) -> None:
        """Return if this surely costs no more than *max_cost* US dollars.

        :param accept_unconfirmed: rely on figures that nobody has confirmed, too.
        :raises PriceUnknown: a price that is not known, or not confirmed, is part of it.
        :raises OverBudget: it costs more.
        """
        doubtful = [
            line for line in self.lines if line.amount is None or not (line.confirmed or accept_unconfirmed)
        ]
        if self.known > max_cost:
            more = "more than " if self.total is None else ""
            shown = money if money(self.known) != money(max_cost) else rate
            exact = max_cost >= 1 or max_cost == max_cost.quantize(SMALLEST)
            limit = shown(max_cost) if exact else rate(max_cost)
            raise OverBudget(f"This costs {more}{shown(self.known)}, over the limit of {limit}")
        if doubtful:
            named = dict.fromkeys(_doubt(line) for line in doubtful)
            region = doubtful[0].figure.region
            where = "" if region == ANYWHERE else f" in {region}"
            raise PriceUnknown(f"Not sure to stay within {money(max_cost)}{where}: " + "; ".join(named))

    def as_data(self) -> dict[str, Any]:
        """Return lines, total and notes as JSON can hold them; amounts are texts, None unknown."""
        return {
            "total": _text(self.total),
            "words": self.words(),
            "confirmed": self.confirmed,
            "lines": [
                {
                    "item": line.figure.item,
                    "what": line.figure.words,
                    "quantity": _text(line.quantity),
                    "unit": line.figure.unit,
                    "price": _text(line.figure.price),
                    "amount": _text(line.amount),
                    "confirmed": line.confirmed,
                    "source": line.figure.cite(),
                }
                for line in self.lines
            ],
            "notes": list(self.notes),
        }

    def _head(self) -> Sequence[str]:
        return ("what", "quantity", "unit", "price", "amount", "source")

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                line.figure.words,
                "unknown" if line.quantity is None else amount_of(line.quantity),
                line.figure.unit,
                line.figure.shown(),
                money(line.amount),
                line.figure.cite(),
            )
            for line in self.lines
        ]

    def _repr_text(self) -> str:
        lines = [text_table(self._head(), self._rows(), numbers=(1, 3, 4))] if self.lines else []
        return "\n".join([*lines, f"Total: {self.words()}", *self.notes])

    def _repr_html(self) -> str:
        table = html_table(self._head(), self._rows(), numbers=(1, 3, 4)) if self.lines else ""
        notes = "".join(f"<p class='glacier-note'>{escape(note)}</p>" for note in self.notes)
        return f"{table}<p>Total: <b>{escape(self.words())}</b></p>{notes}"


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"


def _doubt(line: QuoteLine) -> str:
    if line.quantity is None:
        return f"how much {line.figure.words} is not known"
    if line.amount is None:
        return f"the price of {line.figure.words} is not known"
    price = f"{rate(line.figure.price)} per {line.figure.unit}"
    return f"the price of {line.figure.words}, {price}, is not confirmed"


def amount_of(quantity: Decimal) -> str:
    """Return a quantity with at most four decimals: ``1,234.5``."""
    plain = f"{quantity:,.4f}".rstrip("0").rstrip(".")
    return "<0.0001" if plain == "0" and quantity else plain
