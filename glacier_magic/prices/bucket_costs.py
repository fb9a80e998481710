"""What the objects of a bucket cost, by storage class."""

from __future__ import annotations

from .book import PriceTable
from .figures import Figure
from .move_costs import TARGETS, monthly
from .quotes import MONTH_HOURS, Quote, QuoteLine, gigabytes
from .storage_costs import Holding

TIERED = "INTELLIGENT_TIERING"
"""The class whose price depends on the tiers of its objects, which a list does not tell."""
CLASS_HOURS = {target.name: target.days * 24 for target in TARGETS.values() if target.days}
"""The hours for which an object of a class is billed at least."""


def class_month(prices: PriceTable, storage_class: str, holding: Holding) -> Quote:
    """Return the cost of a month of objects of a class; unknown where the price list has none."""
    target = TARGETS.get(storage_class)
    if target is None or storage_class == TIERED:
        return Quote((QuoteLine(Figure.unknown("storage", prices.region), None),))
    if storage_class == "STANDARD_IA":
        holding = Holding(holding.least_instant, holding.archives)
    return monthly(prices, target, holding)


def class_early(prices: PriceTable, storage_class: str, byte_hours: int) -> Quote:
    """Return the cost of the rest of the minimum duration, if objects of a class were deleted now.

    :param byte_hours: their bytes times the hours left.
    """
    if not byte_hours:
        return Quote()
    figure = prices.figure(TARGETS[storage_class].storage)
    return Quote((QuoteLine(figure, gigabytes(byte_hours) / MONTH_HOURS),))
