"""The monthly cost of a bucket, by storage class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..base.dataframes import marked
from ..base.rendering import Rendered, html_notes, html_table, text_table
from ..base.units import from_ms, human_bytes, local_time
from ..catalogue.archives.class_sums import ClassSum, class_sums
from ..catalogue.records.payers import requester_pays
from ..errors.steps import step
from ..prices import PriceTable, Quote
from ..prices.bucket_costs import CLASS_HOURS, class_early, class_month
from ..prices.quotes import OVERHEAD
from ..prices.storage_costs import SMALLEST_INSTANT, Holding

if TYPE_CHECKING:
    import pandas as pd

    from ..client.session import Session

TOTAL = "in total"
_HEAD = ("class", "objects", "size", "a month", "if deleted now")
_NOTES = (
    "Each object of Flexible Retrieval and Deep Archive has 32 KiB more, and 8 KiB at the price of Standard; "
    "each of Instant Retrieval and Standard-IA is billed for 128 KiB at least.",
    "If deleted now: storage for the rest of 30 days (Standard-IA), 90 (Flexible or Instant Retrieval), or "
    "180 (Deep Archive) since the object's date; more, where a lifecycle rule moved it later.",
    "Not counted: older versions, unfinished uploads, restored copies, requests. Unknown: classes without a "
    "price here, and Intelligent-Tiering, as a list does not tell the tiers.",
)


_OWNER_PAYS = (
    "The requester pays for requests and transfer; what is shown here is paid by the bucket's owner."
)


@dataclass(frozen=True, repr=False)
class BucketCosts(Rendered):
    """The cost of a month of the objects of a bucket, by storage class.

    :param notes: sentences on the age of the list.
    """

    sums: list[ClassSum]
    prices: PriceTable
    notes: list[str]

    @classmethod
    def of(cls, session: Session, name: str, prices: PriceTable) -> BucketCosts:
        """Return the cost of a bucket as it was last listed into the catalogue."""
        catalogue, clock = session.catalogue, session.service.clock
        newest = catalogue.inventories.newest(name)
        made = from_ms(newest.made) if newest else None
        if made is None:
            note = f"{name} is not listed yet: {step('inventory')} lists it."
        else:
            note = f"{name}: as listed {local_time(made, clock.now())}; {step('inventory')} lists it again."
        notes = [note, *([_OWNER_PAYS] if requester_pays(catalogue, name) else [])]
        sums = class_sums(
            catalogue.database,
            catalogue.scope,
            name,
            smallest=SMALLEST_INSTANT,
            overhead=OVERHEAD,
            hours=CLASS_HOURS,
            now=clock.now_ms(),
        )
        return cls(sums, prices, notes)

    def month(self, found: ClassSum) -> Quote:
        """Return the cost of a month of a class."""
        return class_month(self.prices, found.storage_class, Holding(found.bytes, found.objects, found.least))

    def early(self, found: ClassSum) -> Quote:
        """Return what the objects of a class would cost if they were deleted now."""
        return class_early(self.prices, found.storage_class, found.early)

    @property
    def total(self) -> Quote:
        """The cost of a month of all classes."""
        return sum((self.month(each) for each in self.sums), Quote())

    @property
    def table(self) -> pd.DataFrame:
        """One row per class: class, objects, size, month and early (US dollars; None if unknown), young."""
        import pandas as pd

        columns: dict[str, list[Any]] = {
            "class": [each.storage_class for each in self.sums],
            "objects": [each.objects for each in self.sums],
            "size": [each.bytes for each in self.sums],
            "month": [self.month(each).total for each in self.sums],
            "early": [self.early(each).total for each in self.sums],
            "young": [each.young for each in self.sums],
        }
        return marked(pd.DataFrame(columns).astype(dict.fromkeys(("objects", "size", "young"), "int64")))

    def _rows(self) -> list[tuple[str, ...]]:
        priced = [(each, self.month(each), self.early(each)) for each in self.sums]
        rows = [_row(e.storage_class, e.objects, e.bytes, month, early) for e, month, early in priced]
        if len(rows) < 2:  # a single row is its own total
            return rows
        objects, size = sum(each.objects for each in self.sums), sum(each.bytes for each in self.sums)
        early = sum((each for _, _, each in priced), Quote())
        return [*rows, _row(TOTAL, objects, size, self.total, early)]

    def _repr_text(self) -> str:
        table = text_table(_HEAD, self._rows(), numbers=range(1, 5))
        return "\n".join([table, *self.notes, *_NOTES, self.prices.about()])

    def _repr_html(self) -> str:
        table = html_table(_HEAD, self._rows(), numbers=range(1, 5))
        return table + html_notes([*self.notes, *_NOTES, self.prices.about()])


def _row(name: str, objects: int, size: int, month: Quote, early: Quote) -> tuple[str, ...]:
    return name, f"{objects:,}", human_bytes(size), month.words(), early.words()
