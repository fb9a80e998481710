"""The age of a table of archives."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ..base.units import human_duration, plural
from ..steps import step
from .console import Console

if TYPE_CHECKING:
    import pandas as pd


def as_of(console: Console, table: pd.DataFrame, what: str = "") -> str:
    """Return a sentence with the age of a table of archives, and what it leaves out.

    :param what: the contents of the table, if not a number of archives.
    """
    unlisted, more = table.attrs["unlisted"], table.attrs["more"]
    since = f"; {plural(unlisted, 'archive')} stored since, not in the inventory yet" if unlisted else ""
    what = what or plural(len(table), "archive")
    if more:
        most = console.session.catalogue.limits.counted_rows  # more are not counted, for speed
        counted = len(table) + more  # more is exact below most
        total = f"{counted:,}" if more < most else f"more than {max(most, counted // 1000 * 1000):,}"
        what = f"{len(table):,} of {total} archives"
        since += "; --limit leaves out the others"
    return f"{table.attrs['vault']}: {what}, {inventory_age(console, table.attrs['as_of'])}{since}."


def inventory_age(console: Console, made: str | None) -> str:
    """Return a phrase with the age of an inventory of this time (ISO 8601)."""
    if made is None:  # the service makes the first inventory about a day after the first upload
        return f"no inventory read yet, only what this catalogue stored ({step('inventory')})"
    time = datetime.fromisoformat(made)
    age = (console.session.service.clock.now() - time).total_seconds()  # an emulator's clock runs ahead
    return f"as of the inventory of {time:%Y-%m-%d %H:%M} UTC, {human_duration(age)} old"
