"""What a month of storage costs, in vaults and in the storage classes of S3.

The overheads and minimum sizes are those of the service's documentation (S3 user guide, storage classes).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..base import dataframes
from ..base.bucket_names import is_bucket
from ..base.tables import ExactTable
from ..catalogue.archives.archives import Archives
from ..catalogue.archives.folders import Folder, split
from ..catalogue.archives.vault_reader import VaultReader
from .book import PriceTable, load
from .figures import Figure
from .money import to_millionth
from .quotes import OVERHEAD, Quote, QuoteLine, gigabytes

NAME_OVERHEAD = 8 << 10
"""More bytes, at the S3 Standard price, for each object in Flexible Retrieval or Deep Archive."""
SMALLEST_INSTANT = 128 << 10
"""The minimum billed size of an object in Instant Retrieval."""


@dataclass(frozen=True)
class Holding:
    """Some archives: their bytes, without overheads, and their number.

    :param instant: the least bytes that Instant Retrieval bills for them; by default, those of archives
        of one size.
    """

    bytes: int
    archives: int
    instant: int | None = None

    @property
    def least_instant(self) -> int:
        """The least bytes that Instant Retrieval bills: 128 KiB for a smaller object."""
        if self.instant is not None:
            return self.instant
        return max(self.bytes, SMALLEST_INSTANT * self.archives)

    def __add__(self, other: Holding) -> Holding:
        # The least of a sum could be less than the sum of the least of each.
        instant = self.least_instant + other.least_instant
        return Holding(self.bytes + other.bytes, self.archives + other.archives, instant)


@dataclass(frozen=True)
class StorageClass:
    """An S3 storage class that archives can move to."""

    name: str
    item: str
    days: int


CLASSES = (
    StorageClass("Flexible Retrieval", "flexible-storage", 90),
    StorageClass("Instant Retrieval", "instant-storage", 90),
    StorageClass("Deep Archive", "deep-archive-storage", 180),
)
TOP = "./"
"""The folder of archives whose names contain none."""


def of_vault(archives: int, billed: int) -> Holding:
    """Return the content of a vault as the service counts it.

    :param billed: bytes as DescribeVault reports them, including the overhead of each archive.
    """
    return Holding(max(0, billed - OVERHEAD * archives), archives)


def by_folder(folders: Iterable[Folder]) -> dict[str, Holding]:
    """Return the archives in each folder, by its path, without those in its subfolders.

    :param folders: as :meth:`.Archives.du` returns them, each with its subfolders added up.
    """
    own: dict[str, list[int]] = {}
    for folder in folders:  # a parent comes before its subfolders
        own[folder.path] = [folder.bytes, folder.archives]
        above = own.get(split(folder.path)[0]) if folder.path else None
        if above is not None:
            above[0] -= folder.bytes
            above[1] -= folder.archives
    # Only those with archives of their own.
    return {path or TOP: Holding(*own[path]) for path in sorted(own) if own[path][1]}


def folder_table(reader: VaultReader, path: str, depth: int) -> ExactTable:
    """Return a folder of a vault and its subfolders, with their totals and monthly storage cost."""
    vault, archives = reader.vault, Archives(reader.database, reader.scope)
    rows = _priced(archives.du(vault, path, depth), vault, load(reader.scope.region))
    return dataframes.exact_folders(rows, vault=vault, as_of=archives.latest(vault), unlisted=0, more=0)


def _priced(found: Iterable[Folder], vault: str, prices: PriceTable) -> Iterator[dict[str, Any]]:
    for each in found:
        quote = monthly_storage(prices, Holding(each.bytes, each.archives))
        if is_bucket(vault):  # its objects may be of several classes
            quote = Quote((QuoteLine(Figure.unknown("storage", prices.region), None),))
        yield {
            "path": each.path,
            "depth": each.depth,
            "archives": each.archives,
            "size": each.bytes,
            "oldest": each.oldest,
            "newest": each.newest,
            "month": quote.words(),
            "month_usd": to_millionth(quote.total),
            "vault": vault,
        }


def monthly_storage(prices: PriceTable, holding: Holding) -> Quote:
    """Return the cost of a month of vault storage: the bytes, and 32 KiB per archive."""
    billed = holding.bytes + OVERHEAD * holding.archives
    return Quote((QuoteLine(prices.figure("storage"), gigabytes(billed)),))


def class_storage(prices: PriceTable, kind: StorageClass, holding: Holding) -> Quote:
    """Return the cost of a month of the same archives as objects of an S3 storage class.

    Each object adds 32 KiB at the price of the class and 8 KiB at the price of S3 Standard; in
    Instant Retrieval it is billed for at least 128 KiB instead.
    """
    figure = prices.figure(kind.item)
    if kind.item != "instant-storage":
        billed = holding.bytes + OVERHEAD * holding.archives
        names = QuoteLine(prices.figure("s3-standard-storage"), gigabytes(NAME_OVERHEAD * holding.archives))
        return Quote((QuoteLine(figure, gigabytes(billed)), names))
    note = "Instant Retrieval costs more where archives below 128 KiB are among larger ones."
    return Quote((QuoteLine(figure, gigabytes(holding.least_instant)),), (note,))
