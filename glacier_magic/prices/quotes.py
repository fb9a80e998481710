"""The arithmetic: what holding, getting back, storing and deleting cost.

Pure functions of a price table; exact decimals.  The overheads and minimum days are those of the
service's documentation (glacier developer guide, DescribeVault; S3 user guide, storage classes).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ..errors import InputError
from .book import PriceTable
from .items import GB
from .quote import Quote, QuoteLine

OVERHEAD = 32 << 10
"""Bytes of index and metadata that each archive, or object of an archive class, is billed for."""
NAME_OVERHEAD = 8 << 10
"""Bytes at the S3 Standard price on top, for an object in Flexible Retrieval or Deep Archive."""
SMALLEST_INSTANT = 128 << 10
"""Bytes that an object in Instant Retrieval is billed for at least."""
HOUR = 3_600_000
"""Milliseconds."""
MINIMUM_HOURS = 90 * 24
MONTH_HOURS = 30 * 24
TIERS = ("Expedited", "Standard", "Bulk")
HERE, REGION, INTERNET = "here", "region", "internet"


@dataclass(frozen=True)
class Holding:
    """Some archives: how many bytes, without overheads, and how many archives.

    :param instant: the bytes with every archive counted as 128 KiB at least; None if not known.
    """

    bytes: int
    archives: int
    instant: int | None = None

    def __add__(self, other: Holding) -> Holding:
        both = None if None in (self.instant, other.instant) else 0
        if self.instant is not None and other.instant is not None:
            both = self.instant + other.instant
        return Holding(self.bytes + other.bytes, self.archives + other.archives, both)


@dataclass(frozen=True)
class StorageClass:
    """A class of S3 that archives can move to."""

    name: str
    item: str
    days: int


CLASSES = (
    StorageClass("Flexible Retrieval", "flexible-storage", 90),
    StorageClass("Instant Retrieval", "instant-storage", 90),
    StorageClass("Deep Archive", "deep-archive-storage", 180),
)


def gigabytes(count: int) -> Decimal:
    """Return bytes in the unit of a bill."""
    return Decimal(count) / GB


def monthly_storage(prices: PriceTable, holding: Holding) -> Quote:
    """Return what a month of vault storage costs: the bytes, and 32 KiB an archive."""
    billed = holding.bytes + OVERHEAD * holding.archives
    return Quote((QuoteLine(prices.figure("storage"), gigabytes(billed)),))


def class_storage(prices: PriceTable, kind: StorageClass, holding: Holding) -> Quote:
    """Return what a month of the same archives costs as objects of an S3 class.

    32 KiB at the price of the class and 8 KiB at that of S3 Standard are added for each; in Instant
    Retrieval an object is billed for 128 KiB at least instead.
    """
    figure = prices.figure(kind.item)
    if kind.item != "instant-storage":
        billed = holding.bytes + OVERHEAD * holding.archives
        names = QuoteLine(prices.figure("s3-standard-storage"), gigabytes(NAME_OVERHEAD * holding.archives))
        return Quote((QuoteLine(figure, gigabytes(billed)), names))
    if holding.instant is not None:
        return Quote((QuoteLine(figure, gigabytes(holding.instant)),))
    least = max(holding.bytes, SMALLEST_INSTANT * holding.archives)
    note = "Instant Retrieval costs more where archives below 128 KiB are among larger ones."
    return Quote((QuoteLine(figure, gigabytes(least)),), (note,))


def retrieval(prices: PriceTable, count: int, requests: int, tier: str, *, used: int | None = None) -> Quote:
    """Return what getting *count* bytes back with *requests* jobs costs.

    :param tier: ``Expedited``, ``Standard`` or ``Bulk``.
    :param used: bytes of this month's free standard retrieval that are used up already; None if not
        known, and then nothing is counted as free.
    :raises InputError: there is no such tier.
    """
    if tier not in TIERS:
        raise InputError(f"There is no tier {tier!r}", cure=f"Tiers: {', '.join(TIERS)}")
    item = f"retrieval-{tier.lower()}"
    free = prices.figure("free-retrieval") if tier == "Standard" else None
    notes: tuple[str, ...] = ()
    paid = gigabytes(count)
    if free is not None and free.price:
        if used is None:
            notes = (f"Up to {free.price:f} GB a month may be free; none is counted as free here.",)
        else:
            paid = max(Decimal(0), paid - max(Decimal(0), free.price - gigabytes(used)))
    return Quote(
        (
            QuoteLine(prices.figure(item), paid),
            QuoteLine(prices.figure(f"{item}-requests"), Decimal(requests) / 1000),
        ),
        notes,
    )


def early_deletion(prices: PriceTable, archives: Iterable[tuple[int | None, int | None]], now: int) -> Quote:
    """Return what deleting archives before their 90 days costs: the storage of the rest.

    :param archives: bytes and creation, in milliseconds since 1970, of each; None if not known.
    :param now: milliseconds since 1970.
    """
    byte_hours, unsure = 0, 0
    for size, created in archives:
        hours = MINIMUM_HOURS if created is None else hours_left(created, now)
        if created is None or (size is None and hours):
            unsure += 1
        else:
            byte_hours += hours * ((size or 0) + OVERHEAD)
    figure = prices.figure("early-deletion")
    lines = [QuoteLine(figure, Decimal(byte_hours) / (GB * MONTH_HOURS))]
    if unsure:
        lines.append(QuoteLine(figure, None))
    return Quote(tuple(lines))


def hours_left(created: int, now: int) -> int:
    """Return the hours, begun ones whole, until an archive may be deleted free of charge."""
    left = MINIMUM_HOURS + -((now - created) // HOUR)
    return min(MINIMUM_HOURS, max(0, left))


def upload_requests(prices: PriceTable, requests: int) -> Quote:
    """Return what sending archives costs: each part of an upload is a request."""
    return Quote((QuoteLine(prices.figure("upload-requests"), Decimal(requests) / 1000),))


def transfer_out(prices: PriceTable, count: int, to: str) -> Quote:
    """Return what moving *count* bytes out of the region costs.

    :param to: ``internet``, ``region`` for another region, or ``here``, which costs nothing.
    """
    if to == HERE:
        return Quote()
    note = "What the account may move out free of charge each month is not counted off."
    notes = (note,) if to == INTERNET else ()
    return Quote((QuoteLine(prices.figure(f"transfer-out-{to}"), gigabytes(count)),), notes)


def provisioned(prices: PriceTable, units: int, months: int = 1) -> Quote:
    """Return what buying units of provisioned capacity costs; each lasts a month."""
    return Quote((QuoteLine(prices.figure("provisioned-capacity"), Decimal(units * months)),))
