"""The layout of a treemap: areas in proportion to sizes, shapes as square as possible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Tile(NamedTuple):
    """A rectangle, in fractions of the picture: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float


def treemap(sizes: Sequence[float], width: float = 3.0, height: float = 1.0) -> list[Tile]:
    """Return a rectangle for each size, in a picture of *width* by *height*.

    Sizes are laid out in rows along the shorter side of the free area; a row takes the next size as
    long as that does not make its worst shape worse (the squarified layout).

    :param sizes: largest first; a size of zero gets an empty rectangle.
    """
    whole = sum(sizes)
    if whole <= 0:
        return [Tile(0, 0, 0, 0) for _ in sizes]
    areas = [size * width * height / whole for size in sizes]
    tiles: list[Tile] = []
    x = y = 0.0
    start = 0
    while start < len(areas):
        wide, high = width - x, height - y
        side = min(wide, high)
        stop = _row(areas, start, side)
        row = areas[start:stop]
        depth = sum(row) / side if side > 0 else 0.0  # rounding may have left no area
        along = 0.0
        for area in row:
            length = area / depth if depth else 0.0
            at = (x, y + along, depth, length) if wide >= high else (x + along, y, length, depth)
            tiles.append(_within(at[0] / width, at[1] / height, at[2] / width, at[3] / height))
            along += length
        x, y = (x + depth, y) if wide >= high else (x, y + depth)
        start = stop
    return tiles


def _within(x: float, y: float, width: float, height: float) -> Tile:
    """Return a tile limited to the picture, which rounding errors may exceed."""
    x, y = min(x, 1.0), min(y, 1.0)
    return Tile(x, y, min(width, 1.0 - x), min(height, 1.0 - y))


def _row(areas: Sequence[float], start: int, side: float) -> int:
    """Return the end of the row that begins at *start*."""
    total, stop, worst = areas[start], start + 1, _worst(areas[start], areas[start], side, 1)
    first = total  # the largest of the row, as sizes come in order
    while stop < len(areas):
        wider = total + areas[stop]
        now = _worst(first, areas[stop], side, wider / first) if first else worst
        if now > worst:  # the next size starts a new row
            break
        total, worst, stop = wider, now, stop + 1
    return stop


def _worst(largest: float, smallest: float, side: float, times: float) -> float:
    """Return the worst aspect ratio in a row whose sum is *times* the largest of its areas."""
    total = largest * times
    if not smallest or not side or not total:
        return float("inf")  # an empty area has no shape, so that the next size never makes it worse
    return max(side * side * largest / total**2, total**2 / (side * side * smallest))
