"""Quotes, and the arithmetic that makes them: what retrieving, deleting and transfers cost.

Pure functions of a price table, in exact decimals.  The overhead and minimum days are those of the
service's documentation (Glacier developer guide, DescribeVault).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from ..base.rendering import Rendered, escape, html_notes, html_table, text_table
from ..errors import InputError, OverBudget, PriceUnknown
from ..errors.steps import step
from .book import PriceTable
from .figures import ANYWHERE, GB, PER_GB, THOUSAND, Figure
from .money import CENT, SMALLEST, apart, money, rate

OVERHEAD = 32 << 10
"""Bytes of index and metadata billed for each archive, and each object of an archive class."""
HOUR = 3_600_000  # milliseconds
MINIMUM_HOURS = 90 * 24  # archives deleted earlier are billed for the remaining time
MONTH_HOURS = 30 * 24
TIERS = ("Expedited", "Standard", "Bulk")
HERE, REGION, INTERNET = "here", "region", "internet"


@dataclass(frozen=True)
class QuoteLine:
    """A quantity and its cost; without a quantity the amount is unknown.

    :param free: what the account may have free of charge each month of the same thing; a quote does not
        subtract it, because the service does not say how much of it is used up.
    """

    figure: Figure
    quantity: Decimal | None
    free: Decimal = Decimal(0)

    @property
    def amount(self) -> Decimal | None:
        """US dollars, or None if price or quantity are unknown."""
        if self.quantity is not None:
            return self.figure.amount(self.quantity)
        return Decimal(0) if self.figure.costs_nothing else None  # however much it is

    @property
    def confirmed(self) -> bool:
        """Whether a budget may rely on the amount."""
        # A quantity of 0 costs nothing at any price.
        return self.quantity == 0 or (self.amount is not None and self.figure.confirmed)

    def words(self) -> str:
        """Return what is charged, with its quantity: ``25.6 GB of standard retrieval``."""
        if self.quantity is None:
            return f"{self.figure.words} of an unknown quantity"
        if self.figure.unit == THOUSAND:
            count = self.quantity * 1000
            return f"{count:,.0f} {self.figure.words if count != 1 else self.figure.words.removesuffix('s')}"
        unit = self.figure.unit
        return f"{amount_of(self.quantity)} {unit if unit == PER_GB else f'{unit}s'} of {self.figure.words}"


@dataclass(frozen=True, repr=False)
class Quote(Rendered):
    """A cost, line by line; quotes add up with ``+``.

    :param notes: sentences about costs that the lines leave out.
    """

    lines: tuple[QuoteLine, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal | None:
        """The total in US dollars; None if any line is unknown."""
        return None if any(line.amount is None for line in self.lines) else self.known

    @property
    def known(self) -> Decimal:
        """The sum of the known lines in US dollars, a lower bound of the total."""
        return sum((line.amount or Decimal(0) for line in self.lines), Decimal(0))

    @property
    def least(self) -> Decimal:
        """The sum of the known lines if all free allowances of the month are unused."""
        of_item: dict[str, list[QuoteLine]] = {}
        for line in self.lines:
            of_item.setdefault(line.figure.item, []).append(line)  # several lines share one allowance
        amounts = (
            lines[0].figure.amount(max(Decimal(0), _quantity(lines) - max(line.free for line in lines)))
            for lines in of_item.values()
        )
        return min(self.known, sum((amount or Decimal(0) for amount in amounts), Decimal(0)))

    @property
    def confirmed(self) -> bool:
        """Whether a budget may rely on the total."""
        return all(line.confirmed for line in self.lines)

    def __add__(self, other: Quote) -> Quote:
        notes = dict.fromkeys((*self.notes, *other.notes))  # each once, in order
        return replace(self, lines=self.lines + other.lines, notes=tuple(notes))

    def words(self) -> str:
        """Return the total: ``$0.42``, ``$0.42 (unconfirmed)`` or ``unknown (over $0.42)``."""
        if self.total is None:
            return f"unknown (over {money(self.known)})" if self.known >= SMALLEST else "unknown"
        return money(self.total) if self.confirmed else f"{money(self.total)} (unconfirmed)"

    def brief(self) -> str:
        """Return the total as it is read on its own: :meth:`words`, or ``price unknown (over $0.42)``."""
        return self.words() if self.total is not None else f"price {self.words()}"

    def headline(self) -> str:
        """Return the total with its largest part, what it leaves out, and the least that it can be.

        ``$2.49, of it $2.30 for 25.6 GB of transfer out to the internet; $0.19 if ...``
        """
        missing = ", ".join(dict.fromkeys(_unknown(line) for line in self.lines if line.amount is None))
        if missing and not self.known:
            return f"not known ({missing})"
        words = [self.words() if self.total is not None else money(self.known)]
        paid = [line for line in self.lines if line.amount]
        if len(paid) > 1 and self.known >= CENT:
            largest = max(paid, key=lambda line: line.amount or 0)
            words.append(f"of it {money(largest.amount)} for {largest.words()}")
        if missing:
            words.append(f"without what is not known ({missing})")
        return "; ".join(filter(None, (", ".join(words), self.allowance())))

    def allowance(self) -> str:
        """Return the least that it costs, and by which free allowances; empty for less than a cent."""
        if self.known - self.least < CENT:
            return ""
        free = {
            line.figure.words: f"{line.free:f} GB of {line.figure.words}" for line in self.lines if line.free
        }
        # The service does not say how much of them is used up.
        return f"{money(self.least)} if nothing of this month's free {' and '.join(free.values())} is used"

    def check(self, max_cost: Decimal, *, accept_unconfirmed: bool = False) -> None:
        """Raise an error unless the cost is certain not to exceed *max_cost* US dollars.

        :param accept_unconfirmed: count unconfirmed prices towards the budget.
        :raises PriceUnknown: a price is unknown or unconfirmed.
        :raises OverBudget: it costs more.
        """
        doubtful = [
            line for line in self.lines if line.amount is None or not (line.confirmed or accept_unconfirmed)
        ]
        if self.known > max_cost:  # first: unknown lines can only add to it
            more = "more than " if self.total is None else ""
            shown, limit = apart(self.known, max_cost)
            raise OverBudget(f"This costs {more}{shown}, over the limit of {limit}")
        if doubtful:
            named = dict.fromkeys(_doubt(line) for line in doubtful)
            region = doubtful[0].figure.region
            where = "" if region == ANYWHERE else f" in {region}"
            unsized = all(line.quantity is None for line in doubtful)
            raise PriceUnknown(
                f"Not sure to stay within {money(max_cost)}{where}: " + "; ".join(named),
                cure=f"{step('inventory')} reads the sizes and dates of archives." if unsized else None,
            )

    def as_data(self) -> dict[str, Any]:
        """Return lines, total and notes as values for JSON: amounts as text, None if unknown."""
        return {
            "total": _text(self.total),
            "least": _text(self.least),
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
        return "\n".join([*lines, f"Total: {self.headline()}", *self.notes])

    def _repr_html(self) -> str:
        table = html_table(self._head(), self._rows(), numbers=(1, 3, 4)) if self.lines else ""
        return f"{table}<p>Total: <b>{escape(self.headline())}</b></p>{html_notes(self.notes)}"


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"


def _quantity(lines: Iterable[QuoteLine]) -> Decimal:
    return sum((line.quantity or Decimal(0) for line in lines), Decimal(0))


def _unknown(line: QuoteLine) -> str:
    return f"{'how much' if line.quantity is None else 'the price of'} {line.figure.words}"


def _doubt(line: QuoteLine) -> str:
    if line.amount is None:
        return f"{_unknown(line)} is not known"
    price = f"{rate(line.figure.price)} per {line.figure.unit}"
    return f"the price of {line.figure.words}, {price}, is not confirmed"


def amount_of(quantity: Decimal) -> str:
    """Return a quantity with at most four decimals: ``1,234.5``."""
    plain = f"{quantity:,.4f}".rstrip("0").rstrip(".")
    return "<0.0001" if plain == "0" and quantity else plain


# Costs


def gigabytes(count: int) -> Decimal:
    """Return bytes in the GB of a bill."""
    return Decimal(count) / GB


def retrieval(prices: PriceTable, count: int, requests: int, tier: str) -> Quote:
    """Return the cost of retrieving *count* bytes with *requests* jobs.

    :param tier: ``Expedited``, ``Standard`` or ``Bulk``.
    :raises InputError: there is no such tier.
    """
    if tier not in TIERS:
        raise InputError(f"There is no tier {tier!r}", cure=f"Tiers: {', '.join(TIERS)}")
    item = f"retrieval-{tier.lower()}"
    free = _free(prices, "free-retrieval") if tier == "Standard" else Decimal(0)
    return Quote(
        (
            QuoteLine(prices.figure(item), gigabytes(count), free),
            QuoteLine(prices.figure(f"{item}-requests"), Decimal(requests) / 1000),
        )
    )


def _free(prices: PriceTable, item: str) -> Decimal:
    return prices.figure(item).price or Decimal(0)  # the user may have set it to 0


def early_deletion(prices: PriceTable, archives: Iterable[tuple[int | None, int | None]], now: int) -> Quote:
    """Return the fee for deleting archives before their 90 days: storage for the remaining time.

    :param archives: bytes and creation time, in milliseconds since 1970, of each; None if unknown.
    :param now: milliseconds since 1970.
    """
    byte_hours, unsure = 0, 0  # whole byte-hours are exact, and are divided once
    for size, created in archives:
        hours = MINIMUM_HOURS if created is None else hours_left(created, now)
        if created is None or (size is None and hours):  # after 90 days the size does not matter
            unsure += 1
        else:
            byte_hours += hours * ((size or 0) + OVERHEAD)
    figure = prices.figure("early-deletion")
    lines = [QuoteLine(figure, Decimal(byte_hours) / (GB * MONTH_HOURS))]
    if unsure:
        lines.append(QuoteLine(figure, None))  # makes the total unknown, so a budget refuses it
    return Quote(tuple(lines))


def hours_left(created: int, now: int) -> int:
    """Return the hours, rounded up, until an archive may be deleted free of charge."""
    # The clocks differ if an archive is from the future.
    return min(MINIMUM_HOURS, max(0, MINIMUM_HOURS - (now - created) // HOUR))


def upload_requests(prices: PriceTable, requests: int) -> Quote:
    """Return the cost of upload requests: each part of an upload is a request."""
    return Quote((QuoteLine(prices.figure("upload-requests"), Decimal(requests) / 1000),))


def other_requests(prices: PriceTable, requests: int) -> Quote:
    """Return the cost of lists, deletions and requests for output; no line where they are free."""
    figure = prices.figure("other-requests")
    quantity = Decimal(requests) / 1000
    return Quote((QuoteLine(figure, quantity),) if figure.amount(quantity) != 0 else ())


def transfer_out(prices: PriceTable, count: int, to: str) -> Quote:
    """Return the cost of transferring *count* bytes out of the region.

    :param to: ``internet``, the name of a region, ``region`` for the most expensive one, or ``here``
        for the same region, which is free.
    """
    if to in (HERE, prices.region):
        return Quote()
    if to == INTERNET:
        free = _free(prices, "free-transfer-out")
        return Quote((QuoteLine(prices.figure("transfer-out-internet"), gigabytes(count), free),))
    figure = prices.figure("transfer-out-region") if to == REGION else prices.to_region(to)
    return Quote((QuoteLine(figure, gigabytes(count)),))


def provisioned(prices: PriceTable, units: int, months: int = 1) -> Quote:
    """Return the cost of units of provisioned capacity; each lasts a month."""
    return Quote((QuoteLine(prices.figure("provisioned-capacity"), Decimal(units * months)),))
