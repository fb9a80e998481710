"""The explorer's page around its table, as plain lists and strings.

Control characters in archive names are made visible here; the page sets all strings as text.
"""

from __future__ import annotations

from typing import Any

from ..base.rendering import visible
from ..base.units import human_bytes, plural
from ..catalogue.archives.browse import Branch, Level
from ..catalogue.archives.folders import SEPARATORS, split
from ..explore import Browser
from ..explore.filters import Choice, choices, total
from ..explore.treemap import treemap

TILES = 24
"""The most folders that have a tile; the others share one."""

VALUES = 12
"""The most values of a facet, those with the most archives."""


def scene(explorer: Browser) -> dict[str, Any]:
    """Return the folder's path, the totals, the facets, and their age."""
    asked, cube, noun = explorer.filter, explorer.answer.cube, explorer.noun
    # The sums are read in the background, after the rows.
    facets = {} if cube is None else {f: choices(cube, asked, f) for f in explorer.facets}
    sums = None if cube is None else total(cube, asked)
    levels = [explorer.answer.folders.known(path) for path in explorer.answer.shown]
    return {
        "crumbs": crumbs(explorer.name, asked.folder),
        "totals": "" if sums is None else f"{plural(sums[0], noun)}, {human_bytes(sums[1])}",
        "years": [_choice(each, noun) for each in facets.get("year", ())],
        "facets": [
            {"facet": f, "label": f, "choices": [_choice(each, noun) for each in facets[f][:VALUES]]}
            for f in facets
            if f != "year"  # which is a picture
        ],
        "stale": None in levels,  # the sums of folders are being read: the page has those of before
        "chosen": bool(explorer.picked.count),
        "footer": f"{explorer.as_of} {explorer.hint}".strip(),
    }


def crumbs(vault: str, folder: str) -> list[list[str]]:
    """Return path and label of the vault and of each folder down to *folder*."""
    found, place = [["", visible(vault)]], 0
    while place < len(folder):
        # Not str.split(): names may contain "//", and a crumb is an exact prefix.
        ends = [at + 1 for end in SEPARATORS if (at := folder.find(end, place)) >= 0]
        end = min(ends, default=len(folder))
        found.append([folder[:end], _label(folder[:end])])
        place = end
    return found


def _label(path: str) -> str:
    return visible(split(path)[1].rstrip(SEPARATORS))[:80] or "/"


def _figures(branch: Branch, noun: str) -> str:
    size = f"{human_bytes(branch.bytes)} ({branch.bytes:,} bytes)"
    return f"{visible(branch.path)[:1000]}: {plural(branch.archives, noun)}, {size}"


def branch(each: Branch, noun: str = "archive") -> list[Any]:
    """Return a folder in the form of the tree: path, label, size, title, whether it has subfolders."""
    return [each.path, _label(each.path), human_bytes(each.bytes), _figures(each, noun), each.deeper]


def tree(level: Level, number: int, noun: str) -> dict[str, Any]:
    """Return a level of the tree, with the number of the sums that it is from."""
    return {"rows": [branch(each, noun) for each in level.folders], "more": level.more, "sums": number}


def _choice(choice: Choice, noun: str) -> dict[str, Any]:
    return {
        "value": choice.value,
        "label": visible(choice.label)[:60],
        "archives": choice.archives,
        "bytes": choice.bytes,
        "short": f"{choice.archives:,}",
        "chosen": choice.chosen,
        "words": visible(choice.words(noun)),
    }


def tiles(level: Level, noun: str) -> list[Any]:
    """Return the treemap of a folder: its subfolders, and the rest of its archives."""
    whole = level.whole
    if not whole.bytes:  # archives of unknown size have no area
        return []
    # A tile without an area cannot be seen or clicked.
    parts: list[tuple[int, str | None, str, str]] = [
        (b.bytes, b.path, _label(b.path), _figures(b, noun)) for b in level.folders[:TILES] if b.bytes
    ]
    rest = whole.bytes - sum(size for size, *_ in parts)  # its own archives, and the subfolders beyond TILES
    if rest > 0:
        label = "the rest" if parts else f"{noun}s here"
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
