"""Amounts of money in words, and back: US dollars, exact decimals, never floats."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal, InvalidOperation

_SHOWN = re.compile(
    r"(?:USD|\$)?\s*((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)\s*(?:USD|\$)?", re.IGNORECASE
)
_CENT = Decimal("0.01")
SMALLEST = Decimal("0.0001")
"""US dollars below which an amount is not told exactly."""

HIGHEST, LOWEST = Decimal(10**15), Decimal("1e-15")
"""Where prices and the steps of price lists end, so that sums of them stay exact."""


def money(amount: Decimal | None) -> str:
    """Return an amount as people read it: ``$1,234.57``, ``$0.0123``, ``unknown``.

    From one dollar on in cents, below in hundredths of them; always rounded up, so that what is
    shown is never less than what is meant.
    """
    if amount is None:
        return "unknown"
    if not amount:
        return "$0"
    step = _CENT if amount >= 1 else SMALLEST
    shown = amount.quantize(step, rounding=ROUND_CEILING)
    return f"${shown:,}" if amount >= SMALLEST else "<$0.0001"


def rate(price: Decimal | None) -> str:
    """Return the price of one unit with all its digits: ``$0.0036``."""
    if price is None:
        return "unknown"
    plain = f"{price:f}"
    return f"${plain.rstrip('0').rstrip('.') if '.' in plain else plain}"


def parse_money(text: str) -> Decimal:
    """Return the dollars in ``5``, ``$0.50``, ``1,200.00`` or ``7 USD``.

    Raises :class:`ValueError` for anything else.
    """
    found = _SHOWN.fullmatch(text.strip())
    if found is None:
        meant = text.strip().replace(".", "").replace(",", ".")  # with a decimal comma
        how = meant if "," in text and _SHOWN.fullmatch(meant) else "5, 0.50 or $12"
        commas = "; a comma only groups three digits, as in 1,000.50" if "," in text else ""
        raise ValueError(f"not an amount of US dollars: {text!r}; write {how}{commas}")
    return Decimal(found[1].replace(",", ""))


def parse_price(value: object) -> Decimal:
    """Return a price as a configuration or a price list writes it.

    Raises :class:`ValueError` unless it is a number of at least 0.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"not a price: {value!r}")
    try:
        price = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"not a price: {value!r}") from None
    if not price.is_finite() or price < 0:
        raise ValueError(f"not a price: {value!r}")
    if price > HIGHEST or (price and price < LOWEST):
        raise ValueError(f"not a price: {value!r:.30}; it is 0, or between {LOWEST} and {HIGHEST:,}")
    return price
