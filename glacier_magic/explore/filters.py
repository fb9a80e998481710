"""The filter of the explorer, its facets, and the corresponding catalogue queries."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..base.units import human_bytes, plural
from ..catalogue.archives.browse import SIZES, Cell, Cube
from ..catalogue.archives.patterns import literal
from ..catalogue.archives.query import Query
from ..catalogue.archives.states import IN_VAULT, STATES

UNKNOWN = "unknown"
EXACT = ("id:", "name:")
FACETS = ("year", "modified", "size", "format", "state")
TIMES = {"year": "created", "modified": "modified"}
"""Facets of years, each with the column of its condition."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A folder, a name, a condition, one choice of each facet, and the order.

    ``name`` is a pattern if it has ``*`` or ``?``, otherwise words of a name; both apply below
    ``folder``.  A facet that is None selects everything, except ``state``, which then selects only
    archives that are still in the vault.
    """

    folder: str = ""
    name: str = ""
    where: str = ""
    year: str | None = None
    modified: str | None = None
    size: str | None = None
    format: str | None = None
    state: str | None = None
    sort: str = "name"

    @property
    def base(self) -> Filter:
        """The filter without facets and order, for which the facets are counted."""
        return Filter(folder=self.folder, name=self.name, where=self.where)

    @property
    def plain(self) -> bool:
        """Whether the filter selects all archives of its folder that are in the vault."""
        return replace(self, folder="", sort="name") == Filter()

    @property
    def in_vault(self) -> bool:
        """Whether the filter selects only archives that are in the vault."""
        return self.state is None or self.state in IN_VAULT

    @property
    def pattern(self) -> str:
        """The pattern that names match, relative to the folder; empty if there is none."""
        name = self.name.strip()
        return name if {"*", "?"} & set(name) and not name.startswith(EXACT) else ""

    def facet(self, name: str) -> str | None:
        """Return the chosen value of a facet, or None."""
        chosen: str | None = getattr(self, name)
        return chosen

    def query(self) -> Query:
        """Return the query for the rows to show."""
        # The user's condition in parentheses: an "or" in it must not take the facets' place.
        return replace(
            self.counted(),
            where=" and ".join(filter(None, [self.where.strip() and f"({self.where})", *self._conditions()]))
            or None,
            states=None if self.state is None else (self.state,),
            sort=self.sort,
        )

    def counted(self) -> Query:
        """Return the query for the archives to count for the facets, in every state."""
        glob, text = f"{literal(self.folder)}*" if self.folder else None, None  # a folder may be called "[1]"
        name = self.name.strip()
        if name.startswith(EXACT):
            glob = name  # whichever folder it is in
        elif self.pattern:
            glob = literal(self.folder) + name
        elif name:
            text = name
        where = self.where if self.where.strip() else None  # an empty box sets no condition
        return Query(glob=glob, text=text, where=where, states=STATES)

    def _conditions(self) -> list[str]:
        found = []
        for facet, column in TIMES.items():
            year = self.facet(facet)
            if year is not None:
                found.append(f"{column} is null" if year == UNKNOWN else f"{column} = '{int(year):04}'")
        if self.size is not None:
            found += _between(self.size)
        if self.format is not None:
            quoted = self.format.replace("'", "''")  # quotes are doubled, as in SQL
            found.append(f"format = '{quoted}'")
        return found


def _between(size: str) -> list[str]:
    if size == UNKNOWN:
        return ["size is null"]
    number = int(size)
    found = [f"size >= {SIZES[number][0]}"]  # a missing size is no number: it belongs to no class
    if number + 1 < len(SIZES):
        found.append(f"size < {SIZES[number + 1][0]}")
    return found


@dataclass(frozen=True)
class Choice:
    """One value of a facet, with the figures of the archives that match all other facets."""

    value: str
    label: str
    archives: int
    bytes: int
    chosen: bool

    def words(self, noun: str = "archive") -> str:
        """Return the choice with its figures, as text."""
        return f"{self.label}: {plural(self.archives, noun)}, {human_bytes(self.bytes)}"


def _value(cell: Cell, facet: str) -> str:
    value = getattr(cell, facet)
    return UNKNOWN if value is None else str(value)  # facets come from the page as text


def _passes(cell: Cell, asked: Filter, but: str = "") -> bool:
    for facet in FACETS:
        wanted = asked.facet(facet)
        if facet == but:  # so that its other values keep their figures
            continue
        if wanted is None and facet == "state" and cell.state not in IN_VAULT:
            return False
        if wanted is not None and _value(cell, facet) != wanted:
            return False
    return True


def choices(cube: Cube, asked: Filter, facet: str) -> list[Choice]:
    """Return the values of a facet in order, each counted as if it were chosen."""
    sums: dict[str, tuple[int, int]] = {}
    for cell, (archives, size) in cube.items():
        if _passes(cell, asked, facet):
            before = sums.get(_value(cell, facet), (0, 0))
            sums[_value(cell, facet)] = (before[0] + archives, before[1] + size)
    chosen = asked.facet(facet)
    if chosen is not None:
        sums.setdefault(chosen, (0, 0))  # listed even at zero, so that the user can clear it
    found = [Choice(v, _label(facet, v), *figures, v == chosen) for v, figures in sums.items()]
    if facet == "state":
        return sorted(found, key=lambda c: STATES.index(c.value))
    if facet == "format":
        return sorted(found, key=lambda c: (-c.archives, c.value))
    found.sort(key=lambda c: c.value, reverse=facet == "modified")  # the first ones of a long list are shown
    return sorted(found, key=lambda c: c.value == UNKNOWN)


def _label(facet: str, value: str) -> str:
    return SIZES[int(value)][1] if facet == "size" and value != UNKNOWN else value


def total(cube: Cube, asked: Filter) -> tuple[int, int]:
    """Return the number and bytes of the archives that match all facets."""
    passing = [figures for cell, figures in cube.items() if _passes(cell, asked)]  # no query: it is quick
    return sum(n for n, _ in passing), sum(size for _, size in passing)
