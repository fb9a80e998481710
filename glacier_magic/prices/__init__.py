"""What the service charges: figures with their sources, and the arithmetic on them.

A figure is the user's own (``prices.toml``), else from the AWS Price List as last refreshed, else
from the table inside this package; which of the three is always said.  One that nobody has
confirmed is marked, and a budget does not rely on it; one that nobody knows is unknown, and so is
every total that it is part of.

>>> from glacier_magic.prices import load, quotes
>>> prices = load("us-east-1")                                         # doctest: +SKIP
>>> quotes.retrieval(prices, 10 << 30, 3, "Standard")                  # doctest: +SKIP
"""

from .book import PriceTable, configuration_file, load, refresh
from .money import money, parse_money, rate
from .quote import Figure, Quote, QuoteLine

__all__ = [
    "Figure",
    "PriceTable",
    "Quote",
    "QuoteLine",
    "configuration_file",
    "load",
    "money",
    "parse_money",
    "rate",
    "refresh",
]
