"""How much lies where: archives added up by folder, as far as the catalogue knows their sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Any

from ..catalogue import ArchiveRecord
from ..catalogue.folders import Folder
from .book import PriceTable
from .quotes import OVERHEAD, SMALLEST_INSTANT, Holding, monthly_storage

TOP = "./"
"""The folder of archives whose names have none."""


def of_vault(archives: int, billed: int) -> Holding:
    """Return what a vault holds by the service's own count.

    :param billed: bytes as DescribeVault tells them, with the overhead of each archive in them.
    """
    return Holding(max(0, billed - OVERHEAD * archives), archives)


def by_folder(records: Iterable[ArchiveRecord], depth: int) -> tuple[dict[str, Holding], int]:
    """Return what each folder holds, the first *depth* levels of names told apart.

    Archives above that depth are counted in the folder that they lie in.

    :return: folders by name, and how many archives were left out, as their size is not known.
    """
    sums: dict[str, list[int]] = {}
    unknown = 0
    for record in records:
        if record.size is None:
            unknown += 1
            continue
        sum_ = sums.setdefault(folder(record.name, depth), [0, 0, 0])
        sum_[0] += record.size
        sum_[1] += 1
        sum_[2] += max(record.size, SMALLEST_INSTANT)
    return {name: Holding(*sums[name]) for name in sorted(sums)}, unknown


def folder(name: str, depth: int) -> str:
    """Return the folder of a name, cut to *depth* levels: ``a/b/c.tif`` gives ``a/b/`` for 2."""
    levels = name.strip("/").split("/")[:-1][:depth]
    return "/".join(levels) + "/" if levels else TOP


def priced(found: Iterable[Folder], vault: str, prices: PriceTable) -> Iterator[dict[str, Any]]:
    """Yield folders as the rows of ``tables.folders``, with what a month of storage costs."""
    for each in found:
        quote = monthly_storage(prices, Holding(each.bytes, each.archives))
        yield {
            "path": each.path, "depth": each.depth, "archives": each.archives,
            "size": each.bytes, "oldest": each.oldest, "newest": each.newest,
            "month": quote.words(), "month_usd": _rounded(quote.total), "vault": vault,
        }  # fmt: skip


def _rounded(amount: Decimal | None) -> Decimal | None:
    """Return dollars to the millionth, rounded up."""
    step = Decimal("0.000001")
    return None if amount is None else amount.quantize(step, rounding=ROUND_CEILING)
