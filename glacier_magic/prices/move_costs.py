"""What moving archives to S3 costs: the requests that write, and what a month costs before and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ..base.session_limits import USUAL
from ..base.treehash import MOST_PARTS, part_size_for
from .book import PriceTable
from .quotes import MONTH_HOURS, Quote, QuoteLine, gigabytes
from .storage_costs import CLASSES, Holding, class_storage


@dataclass(frozen=True)
class TargetClass:
    """A storage class that objects can be written to.

    :param storage: the figure of a month's storage; ``put``, of a request that writes an object.
    :param days: for which an object is billed at least; 0 for none.
    :param staged: whether parts are billed at the Standard price until the object is complete.
    """

    name: str
    storage: str
    put: str
    days: int = 0
    staged: bool = False


TARGETS = {
    target.name: target
    for target in (
        TargetClass("STANDARD", "s3-standard-storage", "s3-standard-put-requests"),
        TargetClass("STANDARD_IA", "standard-ia-storage", "standard-ia-put-requests", 30),
        # Its objects begin in the tier that costs as much as Standard.
        TargetClass("INTELLIGENT_TIERING", "s3-standard-storage", "s3-standard-put-requests"),
        TargetClass("GLACIER_IR", "instant-storage", "instant-put-requests", 90),
        TargetClass("GLACIER", "flexible-storage", "flexible-put-requests", 90, staged=True),
        TargetClass("DEEP_ARCHIVE", "deep-archive-storage", "deep-archive-put-requests", 180, staged=True),
    )
}
"""The storage classes by the names that S3 has for them."""


@dataclass(frozen=True, kw_only=True)
class Writing:
    """The numbers of objects to be written.

    :param whole: objects of one request.
    :param uploads: objects in parts, and ``parts`` the number of all of those.
    :param bytes: of the objects in parts, which are staged while they are written.
    :param hours: for which they are staged.
    """

    whole: int = 0
    uploads: int = 0
    parts: int = 0
    bytes: int = 0
    hours: Decimal = Decimal(1)

    @classmethod
    def of(cls, sizes: Iterable[tuple[int, int]]) -> Writing:
        """Return the numbers of a move, which sends larger archives in parts.

        :param sizes: numbers of bytes, and how many archives have each.
        """
        part = USUAL.object_part
        whole = uploads = parts = total = 0
        for size, count in sizes:
            if size <= part:
                whole += count
            else:
                uploads += count
                usual = size <= part * MOST_PARTS  # quicker to see than to call
                parts += -(-size // (part if usual else part_size_for(size, smallest=part))) * count
                total += size * count
        return cls(whole=whole, uploads=uploads, parts=parts, bytes=total)


def writing(prices: PriceTable, target: TargetClass, written: Writing) -> Quote:
    """Return the cost of writing objects, and of reading S3's record of each."""
    objects = written.whole + written.uploads
    lines = [QuoteLine(prices.figure(target.put), Decimal(objects) / 1000)]
    if written.uploads:  # starting an upload, and each part, is a Standard request in every class
        started = Decimal(written.uploads + written.parts) / 1000
        lines.append(QuoteLine(prices.figure("s3-standard-put-requests"), started))
    reads = written.whole + written.uploads + written.parts // 1000
    lines.append(QuoteLine(prices.figure("s3-standard-get-requests"), Decimal(reads) / 1000))
    if target.staged and written.bytes:
        staged = gigabytes(written.bytes) * written.hours / MONTH_HOURS
        lines.append(QuoteLine(prices.figure("s3-standard-storage"), staged))
    return Quote(tuple(lines))


def monthly(prices: PriceTable, target: TargetClass, holding: Holding) -> Quote:
    """Return the cost of a month of archives as objects of a class."""
    kind = next((kind for kind in CLASSES if kind.item == target.storage), None)
    if kind is not None:
        return class_storage(prices, kind, holding)
    return Quote((QuoteLine(prices.figure(target.storage), gigabytes(holding.bytes)),))


def pays_back(once: Quote, before: Quote, after: Quote) -> Decimal | None:
    """Return the months after which lower storage costs have paid for a move.

    :returns: None if a price is not known, or a month costs no less afterwards.
    """
    if once.total is None or before.total is None or after.total is None:
        return None
    saved = before.total - after.total
    return once.total / saved if saved > 0 else None
