"""Formatting and parsing of US dollars, as exact decimals."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal, InvalidOperation

# A single comma before three digits at the end could also be meant as a decimal comma.
_SHOWN = re.compile(
    r"(?:USD|\$)?\s*(\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,}|\d+(?:\.\d*)?|\.\d+)\s*(?:USD|\$)?",
    re.IGNORECASE,
)
CENT = Decimal("0.01")
_DIGITS = 4
SMALLEST = Decimal("0.0001")
"""US dollars below which an amount is shown as ``<$0.0001``."""

HIGHEST, LOWEST = Decimal(10**15), Decimal("1e-15")
"""The bounds of prices and limits: within them sums stay exact at Decimal's 28 digits."""


def money(amount: Decimal | None) -> str:
    """Return an amount for display: ``$1,234.57``, ``$0.0123``, ``unknown``.

    Amounts of a dollar or more are in cents, smaller ones in hundredths of a cent.
    """
    if amount is None:
        return "unknown"
    if not amount:
        return "$0"
    if amount > HIGHEST:  # more digits than a Decimal has
        return f">${HIGHEST:,}"
    step = CENT if amount > 1 - SMALLEST else SMALLEST  # 0.99995 is rounded up to a dollar
    shown = amount.quantize(step, rounding=ROUND_CEILING)  # never show less than the actual cost
    return f"${shown:,}" if amount >= SMALLEST else "<$0.0001"


def to_millionth(amount: Decimal | None) -> Decimal | None:
    """Return dollars to the millionth, rounded up, for a column of a DataFrame."""
    return None if amount is None else amount.quantize(Decimal("0.000001"), rounding=ROUND_CEILING)


def rate(price: Decimal | None, digits: int = _DIGITS) -> str:
    """Return a unit price for display: ``$0.0036``.

    :param digits: significant digits; more are rounded up, but cents are always shown.
    """
    if price is None:
        return "unknown"
    last = min(-2, price.adjusted() - digits + 1)
    exact = price.as_tuple().exponent
    if isinstance(exact, int) and exact < last:
        price = price.quantize(Decimal((0, (1,), last)), rounding=ROUND_CEILING)
    plain = f"{price:f}"
    return f"${plain.rstrip('0').rstrip('.') if '.' in plain else plain}"


def apart(cost: Decimal, limit: Decimal) -> tuple[str, str]:
    """Return a cost and a limit for display, with as many digits as tell them apart."""
    shown = [money(amount) if amount >= 1 else rate(amount) for amount in (cost, limit)]
    digits = _DIGITS
    while cost != limit and shown[0] == shown[1]:  # "$0.01, over the limit of $0.01" would puzzle
        digits += 1
        shown = [rate(cost, digits), rate(limit, digits)]
    return shown[0], shown[1]


def parse_money(amount: Decimal | int | str) -> Decimal:
    """Return an amount of US dollars: ``5``, ``$0.50``, ``1,200.00`` or ``7 USD``.

    A float is refused, as it is rounded already, and ``5,000``, which can be read in two ways.

    :raises ValueError: *amount* is anything else, or too large.
    """
    what = "an amount of US dollars"
    if not isinstance(amount, str):
        return _checked(amount, what)
    found = _SHOWN.fullmatch(amount.strip())
    if found is None:
        raise ValueError(f"not {what}: {amount!r:.40}; {_written(amount) or 'write 5, 0.50 or $12'}")
    return _checked(Decimal(found[1].replace(",", "")), what)


def parse_price(value: object) -> Decimal:
    """Parse a price from a configuration or a price list.

    :raises ValueError: it is not a number of at least 0.
    """
    if not isinstance(value, str):
        return _checked(value, "a price")
    try:
        return _checked(Decimal(value), "a price")
    except InvalidOperation:
        how = _written(value)
        raise ValueError(f"not a price: {value!r:.40}{how and f'; {how}'}") from None


def _checked(value: object, what: str) -> Decimal:
    # True is an int.
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise ValueError(f"not {what}: {value!r:.40}")
    number = Decimal(value)
    if not number.is_finite() or number < 0:  # infinity would be no limit, NaN compares with nothing
        raise ValueError(f"not {what}: {value}")
    if number and not LOWEST <= number <= HIGHEST:
        raise ValueError(f"not {what}: {number:.3g}; it is 0, or between {LOWEST} and {HIGHEST:,}")
    return number


def _written(text: str) -> str:
    """Return how to write a number with a comma; empty if it has none, or is no number."""
    bare = text.strip(" $USDusd")
    grouped, decimal = bare.replace(",", ""), bare.replace(".", "").replace(",", ".")
    either = re.fullmatch(r"\d+,\d{3}", bare)
    meant = [grouped, decimal] if either else [grouped if bare.rfind(".") > bare.rfind(",") else decimal]
    numbers = [number for number in meant if "," in bare and _SHOWN.fullmatch(number)]
    return f"write {' or '.join(numbers)}" if numbers else ""
