"""How much lies where: archives added up by folder, as the catalogue keeps them."""

from __future__ import annotations

from collections.abc import Iterable

from ..catalogue.folders import Folder
from .quotes import OVERHEAD, Holding

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
