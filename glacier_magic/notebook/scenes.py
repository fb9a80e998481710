"""The explorer's page around its table, as plain lists and strings.

Control characters in archive names are made visible here; the page sets all strings as text.
"""

from __future__ import annotations

from typing import Any

from ..base.rendering import visible
from ..base.units import human_bytes, plural
from ..catalogue.archives.browse import Branch
from ..explore import Explorer
from ..explore.filters import FACETS, Choice, choices, total
from ..explore.treemap import treemap

TILES = 24
"""The most folders that have a tile; the others share one."""

VALUES = 12
"""The most values of a facet, those with the most archives."""


def scene(explorer: Explorer) -> dict[str, Any]:
    """Return the folder's path, the totals, the facets, and their age."""
    asked, cube = explorer.filter, explorer.answer.cube
    # The sums are read in the background, after the rows.
    facets = {} if cube is None else {f: choices(cube, asked, f) for f in FACETS}
    sums = None if cube is None else total(cube, asked)
    return {
        "crumbs": crumbs(explorer.vault.name, asked.folder),
        "totals": "" if sums is None else f"{plural(sums[0], 'archive')}, {human_bytes(sums[1])}",
        "years": [_choice(each) for each in facets.get("year", ())],
        "facets": [
            {"facet": f, "label": f, "choices": [_choice(each) for each in facets[f][:VALUES]]}
            for f in ("size", "format", "state")
            if f in facets
        ],
        "chosen": bool(explorer.picked.count),
        "footer": f"{explorer.as_of} In the next cell: explorer = _; explorer.selection and "
        "explorer.view are DataFrames.",
    }


def crumbs(vault: str, folder: str) -> list[list[str]]:
    """Return path and label of the vault and of each folder down to *folder*."""
    found, place = [["", visible(vault)]], 0
    while place < len(folder):
        # Not split(): names may contain "//", and a crumb is an exact prefix.
        end = folder.index("/", place) + 1 if "/" in folder[place:] else len(folder)
        found.append([folder[:end], visible(folder[place:end].rstrip("/"))[:80] or "/"])
        place = end
    return found


def _label(path: str) -> str:
    return visible(path.rstrip("/").rpartition("/")[2])[:80] or "/"


def _figures(branch: Branch) -> str:
    size = f"{human_bytes(branch.bytes)} ({branch.bytes:,} bytes)"
    return f"{visible(branch.path)[:1000]}: {plural(branch.archives, 'archive')}, {size}"


def branch(each: Branch) -> list[Any]:
    """Return a folder in the form of the tree: path, label, size, title, whether it has subfolders."""
    return [each.path, _label(each.path), human_bytes(each.bytes), _figures(each), each.deeper]


def _choice(choice: Choice) -> dict[str, Any]:
    return {
        "value": choice.value,
        "label": visible(choice.label)[:60],
        "archives": choice.archives,
        "bytes": choice.bytes,
        "short": f"{choice.archives:,}",
        "chosen": choice.chosen,
        "words": visible(choice.words),
    }


def tiles(explorer: Explorer) -> list[Any]:
    """Return the treemap of the current folder: its subfolders, and the rest of its archives."""
    folder = explorer.filter.folder
    whole = next(iter(explorer.du(folder, 0)), None)  # none for a folder without archives
    found, _ = explorer.folders(folder, TILES)
    if whole is None or not whole.bytes:  # archives of unknown size have no area
        return []
    # A tile without an area cannot be seen or clicked.
    parts: list[tuple[int, str | None, str, str]] = [
        (b.bytes, b.path, _label(b.path), _figures(b)) for b in found if b.bytes
    ]
    rest = whole.bytes - sum(size for size, *_ in parts)  # its own archives, and the subfolders beyond TILES
    if rest > 0:
        label = "the rest" if parts else "archives here"
        # None: there is no folder to open.
        parts.append((rest, None, label, f"{label}: {human_bytes(rest)} ({rest:,} bytes)"))
    parts.sort(key=lambda part: -part[0])  # treemap() takes the largest first
    laid = treemap([size for size, *_ in parts])
    return [
        [
            # Finer than a pixel, and short in the message.
            *(round(number, 5) for number in tile),
            path,
            label,
            human_bytes(size),
            f"{title}, {size / whole.bytes:.0%}",
        ]
        for tile, (size, path, label, title) in zip(laid, parts, strict=True)
    ]
