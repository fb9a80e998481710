"""How old what is shown is."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ..base.units import human_duration, plural
from ..steps import step
from .console import Console

if TYPE_CHECKING:
    import pandas as pd


def as_of(console: Console, table: pd.DataFrame, what: str = "") -> str:
    """Return in a sentence how old a table of archives is, and what was left out of it.

    :param what: what is in the table, if not a number of archives.
    """
    unlisted, more = table.attrs["unlisted"], table.attrs["more"]
    since = f"; {plural(unlisted, 'archive')} stored from here not listed yet" if unlisted else ""
    what = what or plural(len(table), "archive")
    if more:
        uncounted = more >= console.session.catalogue.limits.counted_rows
        whole = f"{'over ' if uncounted else ''}{len(table) + more:,}"
        what = f"{len(table):,} of {whole} archives"
        since += "; --limit left the others out"
    return f"{table.attrs['vault']}: {what}, {age(console, table.attrs['as_of'])}{since}."


def age(console: Console, made: str | None) -> str:
    """Return in words how old an inventory is that was made then (ISO 8601)."""
    if made is None:
        return f"no inventory read yet: only what was stored from here ({step('inventory')})"
    moment = datetime.fromisoformat(made)
    passed = (console.session.service.clock.now() - moment).total_seconds()
    return f"as of the inventory of {moment:%Y-%m-%d %H:%M} UTC, {human_duration(passed)} old"
