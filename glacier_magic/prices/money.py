"""Formatting and parsing of US dollars, as exact decimals."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal, InvalidOperation

_SHOWN = re.compile(
    r"(?:USD|\$)?\s*((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)\s*(?:USD|\$)?", re.IGNORECASE
)
CENT = Decimal("0.01")
SMALLEST = Decimal("0.0001")
"""US dollars below which an amount is shown as ``<$0.0001``."""

HIGHEST, LOWEST = Decimal(10**15), Decimal("1e-15")
"""The bounds of prices: within them sums stay exact at Decimal's 28 digits."""


def money(amount: Decimal | None) -> str:
    """Return an amount for display: ``$1,234.57``, ``$0.0123``, ``unknown``.

    Amounts of a dollar or more are in cents, smaller ones in hundredths of a cent.
    """
    if amount is None:
        return "unknown"
    if not amount:
        return "$0"
    step = CENT if amount >= 1 else SMALLEST
    shown = amount.quantize(step, rounding=ROUND_CEILING)  # never show less than the actual cost
    return f"${shown:,}" if amount >= SMALLEST else "<$0.0001"


def rate(price: Decimal | None) -> str:
    """Return a unit price with all its digits: ``$0.0036``."""
    if price is None:
        return "unknown"
    plain = f"{price:f}"
    return f"${plain.rstrip('0').rstrip('.') if '.' in plain else plain}"


def parse_money(text: str) -> Decimal:
    """Parse ``5``, ``$0.50``, ``1,200.00`` or ``7 USD``.

    :raises ValueError: *text* is anything else.
    """
    found = _SHOWN.fullmatch(text.strip())
    if found is None:
        meant = text.strip().replace(".", "").replace(",", ".")  # with a decimal comma
        how = meant if "," in text and _SHOWN.fullmatch(meant) else "5, 0.50 or $12"
        commas = "; a comma only groups three digits, as in 1,000.50" if "," in text else ""
        raise ValueError(f"not an amount of US dollars: {text!r}; write {how}{commas}")
    return Decimal(found[1].replace(",", ""))


def parse_price(value: object) -> Decimal:
    """Parse a price from a configuration or a price list.

    :raises ValueError: it is not a number of at least 0.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):  # True is an int
        raise ValueError(f"not a price: {value!r}")
    try:
        price = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"not a price: {value!r}") from None
    if not price.is_finite() or price < 0:  # Decimal parses "NaN" and "Infinity"
        raise ValueError(f"not a price: {value!r}")
    if price > HIGHEST or (price and price < LOWEST):
        raise ValueError(f"not a price: {value!r:.30}; it is 0, or between {LOWEST} and {HIGHEST:,}")
    return price
