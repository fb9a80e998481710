"""The prices of the service: figures with their sources, and the arithmetic on them.

A figure comes from the user's ``prices.toml``, else from the AWS Price List as last refreshed, else
from the built-in table; its origin is always shown.  An unconfirmed figure is marked, and a budget
does not rely on it; an unknown figure makes every total that includes it unknown.

>>> from glacier_magic.prices import load, quotes
>>> prices = load("us-east-1")                                         # doctest: +SKIP
>>> quotes.retrieval(prices, 10 << 30, 3, "Standard")                  # doctest: +SKIP
"""

from .book import PriceTable, configuration_file, load, refresh
from .figures import Figure
from .money import money, parse_money, rate
from .quotes import Quote, QuoteLine

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
