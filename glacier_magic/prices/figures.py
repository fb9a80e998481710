"""The figures: what the service charges for, and one price with its source, date and region."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from .money import rate

GB = 1 << 30
"""Bytes in the GB of a bill: AWS's worked examples count 100 TB as 102,400 GB
(repost.aws/knowledge-center/s3-manage-data-retrieval)."""

GB_MONTH, PER_GB, THOUSAND, UNIT_MONTH = "GB-month", "GB", "1,000 requests", "unit-month"
FREE_GB = "month"

ITEMS: dict[str, tuple[str, str]] = {
    "storage": ("vault storage", GB_MONTH),
    "early-deletion": ("deletion before 90 days", GB_MONTH),
    "upload-requests": ("upload requests", THOUSAND),
    "other-requests": ("lists, deletions, output requests", THOUSAND),
    "retrieval-standard": ("standard retrieval", PER_GB),
    "retrieval-standard-requests": ("standard retrieval requests", THOUSAND),
    "retrieval-bulk": ("bulk retrieval", PER_GB),
    "retrieval-bulk-requests": ("bulk retrieval requests", THOUSAND),
    "retrieval-expedited": ("expedited retrieval", PER_GB),
    "retrieval-expedited-requests": ("expedited retrieval requests", THOUSAND),
    "free-retrieval": ("free standard retrieval", FREE_GB),
    "free-transfer-out": ("free transfer out to the internet", FREE_GB),
    "provisioned-capacity": ("provisioned capacity", UNIT_MONTH),
    "transfer-out-internet": ("transfer out to the internet", PER_GB),
    "transfer-out-region": ("transfer out to another region", PER_GB),
    "flexible-storage": ("S3 Glacier Flexible Retrieval storage", GB_MONTH),
    "flexible-put-requests": ("requests into Flexible Retrieval", THOUSAND),
    "flexible-retrieval-standard": ("standard retrieval from Flexible Retrieval", PER_GB),
    "flexible-retrieval-standard-requests": ("standard requests from Flexible Retrieval", THOUSAND),
    "flexible-retrieval-bulk": ("bulk retrieval from Flexible Retrieval", PER_GB),
    "flexible-retrieval-bulk-requests": ("bulk requests from Flexible Retrieval", THOUSAND),
    "flexible-retrieval-expedited": ("expedited retrieval from Flexible Retrieval", PER_GB),
    "flexible-retrieval-expedited-requests": ("expedited requests from Flexible Retrieval", THOUSAND),
    "instant-storage": ("S3 Glacier Instant Retrieval storage", GB_MONTH),
    "instant-retrieval": ("retrieval from Instant Retrieval", PER_GB),
    "instant-put-requests": ("requests into Instant Retrieval", THOUSAND),
    "deep-archive-storage": ("S3 Glacier Deep Archive storage", GB_MONTH),
    "deep-archive-put-requests": ("requests into Deep Archive", THOUSAND),
    "deep-archive-retrieval-standard": ("standard retrieval from Deep Archive", PER_GB),
    "deep-archive-retrieval-standard-requests": ("standard requests from Deep Archive", THOUSAND),
    "deep-archive-retrieval-bulk": ("bulk retrieval from Deep Archive", PER_GB),
    "deep-archive-retrieval-bulk-requests": ("bulk requests from Deep Archive", THOUSAND),
    "standard-ia-retrieval": ("retrieval from Infrequent Access", PER_GB),
    "s3-standard-storage": ("S3 Standard storage", GB_MONTH),
    "s3-standard-put-requests": ("requests into S3 Standard, and of parts", THOUSAND),
    "s3-standard-get-requests": ("requests that read S3", THOUSAND),
    "batch-jobs": ("S3 Batch Operations jobs", THOUSAND),
    "batch-objects": ("S3 Batch Operations objects", THOUSAND),
    "compute-checksum": ("hashing by S3 Batch Operations", PER_GB),
    "standard-ia-storage": ("S3 Standard-IA storage", GB_MONTH),
    "standard-ia-put-requests": ("requests into Standard-IA", THOUSAND),
}
"""From the name of each figure to what it prices and the unit of its price."""

UNLISTED = ("batch-jobs", "batch-objects", "compute-checksum")
"""The figures that only your configuration can have: no price list that was read has them."""

ANYWHERE = "all"
"""The region of a figure that applies to every region."""

PACKAGE, LIST, CONFIGURED, NOWHERE = ("built-in table", "AWS Price List", "your configuration", "not known")
"""The origins of a figure."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One price, with its source, date and region.

    :param steps: pairs of a quantity and the price in US dollars of each unit from that quantity on,
        ascending from 0; empty if the price is unknown.
    :param date: the day or month given by the source; "" if it gives none.
    :param confirmed: whether a budget may rely on it.
    :param to: the destination of a transfer to another region, if the price is for that one alone.
    """

    item: str
    steps: tuple[tuple[Decimal, Decimal], ...]
    region: str
    source: str
    date: str
    origin: str = PACKAGE
    confirmed: bool = True
    to: str = ""

    @classmethod
    def flat(
        cls,
        item: str,
        price: Decimal,
        *,
        region: str,
        source: str,
        date: str,
        origin: str = PACKAGE,
        confirmed: bool = True,
    ) -> Figure:
        """Return a figure with one price for any quantity."""
        return cls(
            item=item,
            steps=((Decimal(0), price),),
            region=region,
            source=source,
            date=date,
            origin=origin,
            confirmed=confirmed,
        )

    @classmethod
    def unknown(cls, item: str, region: str) -> Figure:
        """Return the figure of an unknown price."""
        return cls(item=item, steps=(), region=region, source="", date="", origin=NOWHERE)

    @property
    def words(self) -> str:
        """The name of the charge, for display."""
        return ITEMS[self.item][0]

    @property
    def unit(self) -> str:
        """The unit that the price is for."""
        return ITEMS[self.item][1]

    @property
    def price(self) -> Decimal | None:
        """The price of the first unit in US dollars, or None."""
        return self.steps[0][1] if self.steps else None

    @property
    def costs_nothing(self) -> bool:
        """Whether any quantity costs nothing."""
        return bool(self.steps) and not any(price for _, price in self.steps)

    def amount(self, quantity: Decimal) -> Decimal | None:
        """Return the cost in US dollars of the first *quantity* units of a month; None if unknown."""
        if not quantity:  # nothing costs nothing, even if the price is unknown
            return Decimal(0)
        if not self.steps:
            return None
        ends = [start for start, _ in self.steps[1:]]
        total = Decimal(0)
        # The last step has no end.
        for (start, price), end in zip(self.steps, [*ends, quantity], strict=True):
            total += max(Decimal(0), min(quantity, end) - start) * price
        return total

    def shown(self) -> str:
        """Return the price for display; for the free retrieval, its amount."""
        if self.unit == FREE_GB and self.price is not None:  # an amount in the place of a price
            return f"{self.price:f} GB"
        return rate(self.price)

    def cite(self) -> str:
        """Return source and date for display."""
        if not self.steps:
            return self.origin
        source = self.source if self.origin == PACKAGE else f"{self.origin}: {self.source}"
        dated = f"{source}, {self.date}" if self.date else f"{source}, no date"
        return dated if self.confirmed else f"{dated}; unconfirmed"
