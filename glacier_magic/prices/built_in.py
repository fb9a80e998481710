"""The built-in prices: copies of AWS's price lists, and the two figures that no list names.

``price_list.json`` is made by ``scripts/write_prices.py``.  AWS sells vaults (offer AmazonGlacier)
in 23 regions; a region without a figure has none until it is refreshed or configured.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from .figures import ANYWHERE, Figure

COPY = "AWS price list"
"""How the source of a figure begins that is a copy of a price list."""


@cache
def _price_list() -> Any:
    return json.loads(files(__package__).joinpath("price_list.json").read_text("utf-8"))


@cache
def built_in(region: str) -> tuple[Figure, ...]:
    """Return the figures of a region, those of every region among them."""
    listed = tuple(
        Figure(
            item=item,
            steps=tuple((Decimal(start), Decimal(price)) for start, price in entry["steps"]),
            region=region,
            source=f"{COPY}, {entry['offer']} (copy)",
            date=entry["date"],
        )
        for item, entries in _price_list()["figures"].items()
        for entry in entries
        if region in entry["regions"].split()
    )
    everywhere = EVERYWHERE
    if region.startswith(("cn-", "us-gov-")):  # nothing is free there
        everywhere = (*EVERYWHERE[:-1], replace(EVERYWHERE[-1], steps=((Decimal(0), Decimal(0)),)))
    return (*everywhere, *listed)  # later figures override earlier ones


@cache
def regions() -> frozenset[str]:
    """Return the regions of the price lists in this package."""
    listed = (entry["regions"] for entries in _price_list()["figures"].values() for entry in entries)
    return frozenset(region for names in listed for region in names.split())


def between(region: str, to: str) -> Figure | None:
    """Return the price of a GB from one region to another; None for an unknown pair."""
    date = max(
        entry["date"] for entry in _price_list()["figures"]["transfer-out-region"]
    )  # of the same offer
    for price, names in _price_list()["between_regions"].get(region, {}).items():
        if to in names.split():
            source = f"{COPY}, AWSDataTransfer, {region} to {to} (copy)"
            return Figure.flat("transfer-out-region", Decimal(price), region=region, source=source, date=date)
    return None


EVERYWHERE: tuple[Figure, ...] = (
    Figure.flat(
        "other-requests",
        Decimal(0),
        region=ANYWHERE,
        source="the AWS price list has no product for them",
        date="2026-09-11",
        confirmed=False,
    ),
    Figure.flat(
        "free-retrieval",
        Decimal(10),
        region=ANYWHERE,
        source="AWS pricing overview whitepaper",
        date="2021",
        confirmed=False,
    ),
    Figure.flat(
        "free-transfer-out",
        Decimal(100),
        region=ANYWHERE,
        source=f"{COPY}, AWSDataTransfer (copy): of all services and regions together",
        date="2025-12-02",
        confirmed=False,
    ),
)
"""Figures that hold in every region."""
