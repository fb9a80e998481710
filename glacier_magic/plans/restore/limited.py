"""Prices in plans, as words."""

from __future__ import annotations

from ...prices import Quote


def priced(quote: Quote) -> str:
    """Return a price with its sources in one line."""
    sources = "; ".join(dict.fromkeys(line.figure.cite() for line in quote.lines))
    return " ".join([f"{quote.words()} ({sources}).", *quote.notes])
