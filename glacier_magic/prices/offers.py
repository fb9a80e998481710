"""Reading figures from the products of the AWS Price List.

A product is used only if its usage type is documented, its price is in US dollars and its unit fits.
Products that contradict each other are ignored.  Usage types: S3 user guide ("Understanding your AWS
billing and usage reports"), and the queries of Infracost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from .figures import ITEMS, LIST, THOUSAND, UNIT_MONTH, Figure
from .money import parse_price

_PLACE = re.compile(r"(?:[A-Z]{2,4}\d?-)?")
"""The prefix of a usage type outside us-east-1: ``EU-``, ``APS2-``."""

_PUT = "PutObject|PostObject"
"""The operations that store an object; a part of an upload has the same usage type and costs less."""
_RESTORE = "RestoreObject"
"""The operation whose price is that of a restore; others have the same usage type."""

UNITS = {
    "GB-month": {"gb-mo", "gb-month", "gb"},
    "GB": {"gb"},
    THOUSAND: {"requests", "request", "count", "objects"},
    UNIT_MONTH: {"units", "unit", "unit-mo", "count", "quantity", "mo", "month"},
}
"""From our units to their names in the price list, which prices requests one by one."""


@dataclass(frozen=True)
class Wanted:
    """A figure, and the product of the price list that has it.

    :param usage: a pattern for the usage type, without its region.
    :param text: a pattern that usage type or description must contain.
    :param operation: a pattern for the operation of the product that is taken if there are others.
    :param dearest: take the highest of several prices instead of none, also for each destination.
    """

    item: str
    usage: str
    text: str = ""
    operation: str = ""
    dearest: bool = False

    def fits(self, usage: str, words: str) -> bool:
        """Return whether a product matches."""
        if not re.fullmatch(f"{_PLACE.pattern}{self.usage}", usage):
            return False
        return not self.text or re.search(self.text, words, re.IGNORECASE) is not None


@dataclass(frozen=True)
class Offer:
    """One query to the price list, and the figures in its response."""

    code: str
    filters: Callable[[str], Mapping[str, str]]
    wanted: tuple[Wanted, ...]


def _in(region: str) -> Mapping[str, str]:
    return {"regionCode": region}


def _out(kind: str) -> Callable[[str], Mapping[str, str]]:
    return lambda region: {"fromRegionCode": region, "transferType": kind}


OFFERS = (
    Offer(
        "AmazonGlacier",
        _in,
        (
            Wanted("storage", "TimedStorage-ByteHrs"),
            Wanted("early-deletion", "EarlyDelete-ByteHrs"),
            Wanted("retrieval-standard", "Standard-Retrieval-Bytes"),
            Wanted("retrieval-bulk", "Bulk-Retrieval-Bytes"),
            Wanted("retrieval-expedited", "Expedited-Retrieval-Bytes"),
            Wanted("retrieval-standard-requests", "Requests-Tier1"),
            Wanted("retrieval-bulk-requests", "Requests-Tier2"),
            Wanted("retrieval-expedited-requests", "Requests-Tier3"),
            # The usage type of upload requests is not documented; the description decides.
            Wanted("upload-requests", r"Requests-Tier\d", text=r"\bupload"),
            Wanted("provisioned-capacity", r"[\w:.-]+", text=r"provisioned.?capacity"),
        ),
    ),
    Offer(
        "AmazonS3GlacierDeepArchive",
        _in,
        (
            Wanted("deep-archive-storage", "TimedStorage-GDA-ByteHrs"),
            Wanted("deep-archive-put-requests", "Requests-GDA-Tier1", operation=_PUT),
            Wanted("deep-archive-retrieval-standard", "Standard-Retrieval-Bytes"),
            Wanted("deep-archive-retrieval-standard-requests", "Requests-GDA-Tier3"),
            Wanted("deep-archive-retrieval-bulk", "Bulk-Retrieval-Bytes"),
            Wanted("deep-archive-retrieval-bulk-requests", "Requests-GDA-Tier5"),
        ),
    ),
    Offer(
        "AmazonS3",
        _in,
        (
            Wanted("s3-standard-storage", "TimedStorage-ByteHrs"),
            Wanted("s3-standard-put-requests", "Requests-Tier1"),
            Wanted("s3-standard-get-requests", "Requests-Tier2"),
            Wanted("standard-ia-storage", "TimedStorage-SIA-ByteHrs"),
            Wanted("standard-ia-put-requests", "Requests-SIA-Tier1", operation=_PUT),
            Wanted("flexible-storage", "TimedStorage-GlacierByteHrs"),  # also in regions without vaults
            Wanted("flexible-put-requests", "Requests-GLACIER-Tier1", operation=_PUT),
            Wanted("flexible-retrieval-standard", "Standard-Retrieval-Bytes", operation=_RESTORE),
            Wanted("flexible-retrieval-standard-requests", "Requests-Tier3", operation=_RESTORE),
            Wanted("flexible-retrieval-bulk", "Bulk-Retrieval-Bytes", operation=_RESTORE),
            Wanted("flexible-retrieval-bulk-requests", "Requests-Tier5", operation=_RESTORE),
            Wanted("flexible-retrieval-expedited", "Expedited-Retrieval-Bytes", operation=_RESTORE),
            Wanted("flexible-retrieval-expedited-requests", "Requests-Tier6", operation=_RESTORE),
            Wanted("standard-ia-retrieval", "Retrieval-SIA"),
            Wanted("instant-storage", "TimedStorage-GIR-ByteHrs"),
            Wanted("instant-put-requests", "Requests-GIR-Tier1", operation=_PUT),
            Wanted("instant-retrieval", "Retrieval-GIR"),
        ),
    ),
    Offer(
        "AWSDataTransfer", _out("AWS Outbound"), (Wanted("transfer-out-internet", "DataTransfer-Out-Bytes"),)
    ),
    Offer(
        "AWSDataTransfer",
        _out("InterRegion Outbound"),
        # One product for each destination region; the dearest keeps a quote from being too low.
        (Wanted("transfer-out-region", rf"{_PLACE.pattern}AWS-Out-Bytes", dearest=True),),
    ),
)
"""The queries for a region."""


def read(offer: Offer, region: str, products: Iterable[str], asked: str) -> list[Figure]:
    """Return the figures in the response to an offer's query; those of a destination region have it.

    :param products: JSON texts from the price list; malformed ones are skipped.
    :param asked: the day of the query, for products without a date.
    """
    found: dict[Wanted, dict[bool, list[Figure]]] = {}
    for text in products:
        try:
            product = json.loads(text, parse_float=Decimal)  # a float would change the digits of a price
            for wanted in offer.wanted:
                figure = _figure(wanted, region, product, offer.code, asked)
                if figure is not None:
                    operation = str(product["product"]["attributes"].get("operation", ""))
                    right = re.fullmatch(wanted.operation, operation) is not None
                    found.setdefault(wanted, {}).setdefault(right, []).append(figure)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            continue
    return [
        figure
        for wanted, figures in found.items()
        for figure in _chosen(wanted, figures.get(True) or figures[False])
    ]


def _chosen(wanted: Wanted, figures: list[Figure]) -> list[Figure]:
    if wanted.dearest:
        by_price = sorted(figures, key=lambda figure: figure.price or Decimal(0))
        # Of each destination the last, which is the dearest.
        return [replace(by_price[-1], to=""), *{each.to: each for each in by_price if each.to}.values()]
    # An unknown price is better than a wrong one.
    return figures[:1] if len({figure.steps for figure in figures}) == 1 else []


def _figure(wanted: Wanted, region: str, product: Any, code: str, asked: str) -> Figure | None:
    attributes = product["product"]["attributes"]
    usage = str(attributes["usagetype"])
    terms = list(product["terms"]["OnDemand"].values())
    if len(terms) != 1:
        return None  # an old and a new price at once
    dimensions = list(terms[0]["priceDimensions"].values())
    description = " ".join(str(d.get("description", "")) for d in dimensions)
    if not wanted.fits(usage, f"{usage} {description} {attributes.get('groupDescription', '')}"):
        return None
    unit = ITEMS[wanted.item][1]
    if any(str(d["unit"]).lower() not in UNITS[unit] for d in dimensions):  # a price for another unit
        return None
    scale = 1000 if unit == THOUSAND else 1  # the list prices single requests
    steps = sorted(
        (parse_price(d.get("beginRange") or "0"), parse_price(d["pricePerUnit"]["USD"]) * scale)
        for d in dimensions
    )
    if steps[0][0] or len({start for start, _ in steps}) != len(steps):
        return None  # the first step is missing, or two prices start at one quantity
    since = str(terms[0].get("effectiveDate") or product.get("publicationDate") or asked)[:10]
    return Figure(
        item=wanted.item,
        steps=tuple(steps),
        region=region,
        source=f"{code} {usage}",
        date=since,
        origin=LIST,
        to=str(attributes.get("toRegionCode", "")) if wanted.dearest else "",
    )
