"""How much lies where: archives added up by folder, as the catalogue keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Any

from ..catalogue.archives.folders import Folder
from .book import PriceTable
from .quotes import OVERHEAD, Holding, monthly_storage

TOP = "./"
"""The folder of archives whose names have none."""


def of_vault(archives: int, billed: int) -> Holding:
    """Return what a vault holds by the service's own count.

    :param billed: bytes as DescribeVault tells them, with the overhead of each archive in them.
    """
    return Holding(max(0, billed - OVERHEAD * archives), archives)


def by_folder(folders: Iterable[Folder]) -> dict[str, Holding]:
    """Return what each folder holds, by name, the levels of *folders* told apart.

    :param folders: as :meth:`.Archives.du` returns them, each with all below it added up; what
        lies in none of its own folders is counted in the folder itself.
    """
    own: dict[str, list[int]] = {}
    for folder in folders:  # each after the one that it lies in
        own[folder.path] = [folder.bytes, folder.archives]
        above = own.get(folder.path[: folder.path.rfind("/", 0, -1) + 1]) if folder.path else None
        if above is not None:
            above[0] -= folder.bytes
            above[1] -= folder.archives
    return {path or TOP: Holding(*own[path]) for path in sorted(own) if own[path][1]}


def priced(found: Iterable[Folder], vault: str, prices: PriceTable) -> Iterator[dict[str, Any]]:
    """Yield folders as the rows of ``tables.folders``, with what a month of storage costs."""
    for each in found:
        quote = monthly_storage(prices, Holding(each.bytes, each.archives))
        yield {
            "path": each.path,
            "depth": each.depth,
            "archives": each.archives,
            "size": each.bytes,
            "oldest": each.oldest,
            "newest": each.newest,
            "month": quote.words(),
            "month_usd": _rounded(quote.total),
            "vault": vault,
        }


def _rounded(amount: Decimal | None) -> Decimal | None:
    """Return dollars to the millionth, rounded up."""
    step = Decimal("0.000001")
    return None if amount is None else amount.quantize(step, rounding=ROUND_CEILING)
