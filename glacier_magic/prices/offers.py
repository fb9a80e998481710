"""Figures out of the products of the AWS Price List.

Only what is understood is taken: a usage type that documents name, a price in US dollars, a unit
that fits.  Where products contradict each other, none is taken.  Usage types: S3 user guide
("Understanding your AWS billing and usage reports"), and the queries of Infracost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .items import ITEMS, THOUSAND, UNIT_MONTH
from .money import parse_price
from .quote import LIST, Figure

_PLACE = re.compile(r"(?:[A-Z]{2,4}\d?-)?")
"""What stands before a usage type outside us-east-1: ``EU-``, ``APS2-``."""

UNITS = {
    "GB-month": {"gb-mo", "gb-month", "gb"},
    "GB": {"gb"},
    THOUSAND: {"requests", "request", "count", "objects"},
    UNIT_MONTH: {"units", "unit", "unit-mo", "count", "quantity", "mo", "month"},
}
"""Units of the price list that mean ours; those of requests are single ones."""


@dataclass(frozen=True)
class Wanted:
    """A figure, and which product of the price list tells it.

    :param usage: the usage type, without its region.
    :param text: what usage type or description must hold, as a pattern.
    :param dearest: take the highest of several prices instead of none.
    """

    item: str
    usage: str
    text: str = ""
    dearest: bool = False

    def fits(self, usage: str, words: str) -> bool:
        """Tell whether a product is the one."""
        if not re.fullmatch(f"{_PLACE.pattern}{self.usage}", usage):
            return False
        return not self.text or re.search(self.text, words, re.IGNORECASE) is not None


@dataclass(frozen=True)
class Offer:
    """One question to the price list, and the figures in its answer."""

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
            Wanted("flexible-storage", "TimedStorage-ByteHrs"),
            Wanted("early-deletion", "EarlyDelete-ByteHrs"),
            Wanted("retrieval-standard", "Standard-Retrieval-Bytes"),
            Wanted("retrieval-bulk", "Bulk-Retrieval-Bytes"),
            Wanted("retrieval-expedited", "Expedited-Retrieval-Bytes"),
            Wanted("retrieval-standard-requests", "Requests-Tier1"),
            Wanted("retrieval-bulk-requests", "Requests-Tier2"),
            Wanted("retrieval-expedited-requests", "Requests-Tier3"),
            # Whether uploads are this product too, only its description says.
            Wanted("upload-requests", r"Requests-Tier\d", text=r"\bupload"),
            Wanted("provisioned-capacity", r"[\w:.-]+", text=r"provisioned.?capacity"),
        ),
    ),
    Offer(
        "AmazonS3GlacierDeepArchive",
        _in,
        (
            Wanted("deep-archive-storage", "TimedStorage-GDA-ByteHrs"),
            Wanted("deep-archive-put-requests", "Requests-GDA-Tier1"),
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
            Wanted("flexible-put-requests", "Requests-GLACIER-Tier1"),
            Wanted("instant-storage", "TimedStorage-GIR-ByteHrs"),
            Wanted("instant-put-requests", "Requests-GIR-Tier1"),
            Wanted("instant-retrieval", "Retrieval-GIR"),
        ),
    ),
    Offer(
        "AWSDataTransfer", _out("AWS Outbound"), (Wanted("transfer-out-internet", "DataTransfer-Out-Bytes"),)
    ),
    Offer(
        "AWSDataTransfer",
        _out("InterRegion Outbound"),
        # One product for each region it can go to.
        (Wanted("transfer-out-region", r"[\w-]+-AWS-Out-Bytes", dearest=True),),
    ),
)
"""What is asked for a region."""


def read(offer: Offer, region: str, products: Iterable[str], asked: str) -> list[Figure]:
    """Return the figures that the answer to an offer's question tells.

    :param products: JSON texts as the price list answers them; malformed ones are passed over.
    :param asked: the day of the question, for products that do not name their own.
    """
    found: dict[Wanted, list[Figure]] = {}
    for text in products:
        try:
            product = json.loads(text, parse_float=Decimal)
            for wanted in offer.wanted:
                figure = _figure(wanted, region, product, offer.code, asked)
                if figure is not None:
                    found.setdefault(wanted, []).append(figure)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            continue
    chosen = (_chosen(wanted, figures) for wanted, figures in found.items())
    return [figure for figure in chosen if figure is not None]


def _chosen(wanted: Wanted, figures: list[Figure]) -> Figure | None:
    if wanted.dearest:
        return max(figures, key=lambda figure: figure.price or Decimal(0))
    return figures[0] if len({figure.steps for figure in figures}) == 1 else None


def _figure(wanted: Wanted, region: str, product: Any, code: str, asked: str) -> Figure | None:
    attributes = product["product"]["attributes"]
    usage = str(attributes["usagetype"])
    terms = list(product["terms"]["OnDemand"].values())
    if len(terms) != 1:
        return None  # an old and a new price at once
    dimensions = list(terms[0]["priceDimensions"].values())
    told = " ".join(str(d.get("description", "")) for d in dimensions)
    if not wanted.fits(usage, f"{usage} {told} {attributes.get('groupDescription', '')}"):
        return None
    unit = ITEMS[wanted.item][1]
    if any(str(d["unit"]).lower() not in UNITS[unit] for d in dimensions):
        return None
    scale = 1000 if unit == THOUSAND else 1
    steps = sorted(
        (parse_price(d.get("beginRange") or "0"), parse_price(d["pricePerUnit"]["USD"]) * scale)
        for d in dimensions
    )
    if steps[0][0] or len({start for start, _ in steps}) != len(steps):
        return None
    since = str(terms[0].get("effectiveDate") or product.get("publicationDate") or asked)[:10]
    return Figure(
        item=wanted.item, steps=tuple(steps), region=region, source=f"{code} {usage}", date=since, origin=LIST
    )
