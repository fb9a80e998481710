"""The price of reading objects of a bucket, and when those of archive classes can be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ...base.bucket_names import ObjectId
from ...base.units import human_duration, local_time
from ...jobs import window
from ...jobs.durations import kind_from
from ...prices import PriceTable, Quote, QuoteLine
from ...prices.figures import Figure
from ...prices.quotes import gigabytes
from ...service import ServiceClock
from .items import ASK, TO_FETCH, RetrievalItem
from .quoting import Asking, TierOffer, Tiers, checked_destination, transferred

MONTH_DAYS = 30
_RESTORES = {"GLACIER": "flexible-retrieval", "DEEP_ARCHIVE": "deep-archive-retrieval"}
_READS = {
    "GLACIER_IR": "instant-retrieval",
    "STANDARD_IA": "standard-ia-retrieval",
    "ONEZONE_IA": "standard-ia-retrieval",
}
"""The prices of a GB that is read at once; other classes have none."""
NO_EXPEDITED = "There are no expedited retrievals from Deep Archive."


@dataclass(frozen=True, kw_only=True)
class ObjectAsking(Asking):
    """The requests of a restore of objects.

    :param days: for which their copies are kept.
    :param restored: number and bytes of the objects to request, by storage class.
    :param read: bytes of the objects to fetch that need no restore, by storage class.
    """

    days: int
    restored: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    read: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_objects(cls, items: Iterable[RetrievalItem], days: int) -> ObjectAsking:
        """Return the numbers of the items of a restore."""
        fetched = [item for item in items if item.action in TO_FETCH]
        restored = by_class(
            (item.archive.archive_id, item.size or 0) for item in fetched if item.action == ASK
        )
        read: dict[str, int] = {}
        for item in fetched:
            id_ = ObjectId.read(item.archive.archive_id)
            if item.action != ASK and not id_.archived:
                read[id_.storage_class] = read.get(id_.storage_class, 0) + (item.fetched or 0)
        known = vars(Asking.of(fetched))
        # What S3 records of each is read once, besides its bytes.
        outputs = known.pop("outputs") + len(fetched)
        return cls(**known, outputs=outputs, days=days, restored=restored, read=read)

    def window(self, tier: str) -> tuple[timedelta, timedelta]:
        """Return the shortest and the longest time of the restores by a tier."""
        windows = [window(kind_from(f"{each}:", tier)) for each in self.restored]
        return min(low for low, _ in windows), max(high for _, high in windows)

    @property
    def deep(self) -> bool:
        """Whether objects in Deep Archive are requested."""
        return "DEEP_ARCHIVE" in self.restored


def by_class(objects: Iterable[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    """Return number and bytes of objects by storage class.

    :param objects: archive id and bytes of each.
    """
    found: dict[str, tuple[int, int]] = {}
    for archive_id, size in objects:
        storage_class = ObjectId.read(archive_id).storage_class
        count, total = found.get(storage_class, (0, 0))
        found[storage_class] = count + 1, total + size
    return found


def retrieved_by(
    prices: PriceTable, restored: Mapping[str, tuple[int, int]], tier: str
) -> Iterator[QuoteLine]:
    """Yield the price of requests in a tier, and of the bytes that they retrieve.

    :param restored: number and bytes of the objects, by storage class.
    """
    for storage_class, (count, size) in restored.items():
        if storage_class == "DEEP_ARCHIVE" and tier == "Expedited":
            yield QuoteLine(Figure.unknown("retrieval-expedited", prices.region), gigabytes(size))
            continue
        item = f"{_RESTORES[storage_class]}-{tier.lower()}"
        yield QuoteLine(prices.figure(item), gigabytes(size))
        yield QuoteLine(prices.figure(f"{item}-requests"), Decimal(count) / 1000)


def quote_objects(prices: PriceTable, asking: ObjectAsking, tier: str, destination: str) -> Quote:
    """Return the price of restoring objects by a tier, keeping their copies, and reading them.

    Copies are billed as S3 Standard storage until the midnight (UTC) after their last day.
    """
    lines = [*retrieved_by(prices, asking.restored, tier)]
    copies = gigabytes(asking.bytes) * (asking.days + 1) / MONTH_DAYS
    lines.append(QuoteLine(prices.figure("s3-standard-storage"), copies))
    for storage_class, size in asking.read.items():
        if storage_class in _READS:
            lines.append(QuoteLine(prices.figure(_READS[storage_class]), gigabytes(size)))
    lines.append(QuoteLine(prices.figure("s3-standard-get-requests"), Decimal(asking.outputs) / 1000))
    return Quote(tuple(lines)) + transferred(prices, asking, checked_destination(destination))


def copies_end(now: datetime, days: int) -> datetime:
    """Return when copies end that are requested now: at the midnight (UTC) after their days.

    They last longer if their days count from the end of the restore: S3's documentation has both.
    """
    end = now.astimezone(UTC) + timedelta(days=days)
    return end.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def when_restored(asking: ObjectAsking, tier: str, clock: ServiceClock) -> str:
    """Return as text when the objects that are requested now can be read, and until when."""
    now, (shortest, longest) = clock.now(), asking.window(tier)
    words = (
        f"in {human_duration(shortest.total_seconds())} to {human_duration(longest.total_seconds())}, "
        f"by {local_time(now + longest, now)}"
    )
    if clock.virtual and clock.speed > 0:
        real = clock.real_seconds(longest.total_seconds())
        words += f" of emulator time ({human_duration(real)} on your clock at most)"
    end = copies_end(now, asking.days)
    return f"{words}; the copies can be read until {local_time(end, now)} at least"


class ObjectTiers(Tiers):
    """A restore of objects in all three tiers."""

    asking: ObjectAsking

    def _offer(self, tier: str) -> TierOffer:
        quote = quote_objects(self.prices, self.asking, tier, self.destination)
        if not self.asking.restored:
            return TierOffer(tier, quote, None, None)
        if tier == "Expedited" and self.asking.deep:
            return TierOffer(tier, quote + Quote(notes=(NO_EXPEDITED,)), None, None)
        shortest, longest = self.asking.window(tier)
        return TierOffer(tier, quote, self._now + shortest, self._now + longest)
