"""The age of a table of archives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..base.units import human_duration, plural
from ..catalogue.archives.no_match import no_match
from ..catalogue.archives.vault_reader import VaultReader
from ..errors.steps import step

if TYPE_CHECKING:
    import pandas as pd

    from ..base.tables import ExactTable
    from ..catalogue.archives.query import Query
    from .console import Console

Now = Callable[[], datetime] | None
"""The service's time; None if it is not known without a request."""


def as_of(console: Console, table: pd.DataFrame, what: str = "", word: str | None = None) -> str:
    """Return a sentence with the age of a table of archives, and what it leaves out.

    :param what: the contents of the table, if not a number of archives.
    :param word: the name or pattern that was looked for: if there is no match, others are suggested.
    """
    session = console.session
    reader = VaultReader(
        session.catalogue.database, session.catalogue.scope, table.attrs["vault"], session.service.clock.now
    )
    return aged(reader, table.attrs, len(table), what, word)


def aged(
    reader: VaultReader, facts: Mapping[Any, Any], count: int, what: str = "", word: str | None = None
) -> str:
    """Return the sentence of :func:`as_of` from the ``attrs`` of a table of *count* rows."""
    unlisted, more, hint = facts["unlisted"], facts["more"], ""
    if not (what or count or more):
        what, hint = no_match(reader.database, reader.scope, reader.vault, word)
    stored = unlisted and facts["as_of"] is not None
    since = f"; {plural(unlisted, 'archive')} stored since, not in the inventory yet" if stored else ""
    what = what or plural(count, "archive")
    if more:
        most = reader.database.limits.counted_rows  # more are not counted, for speed
        counted = count + more  # more is exact below most
        total = f"{counted:,}" if more < most else f"more than {max(most, counted // 1000 * 1000):,}"
        what = f"{count:,} of {total} archives"
        since += "; --limit leaves out the others"
    return f"{reader.vault}: {what}, {inventory_age(reader.now, facts['as_of'])}{since}. {hint}".strip()


def inventory_age(now: Now, made: str | None) -> str:
    """Return a phrase with the age of an inventory of this time (ISO 8601)."""
    if made is None:  # the service makes the first inventory about a day after the first upload
        return f"no inventory read yet, only what this catalogue stored ({step('inventory')})"
    time = datetime.fromisoformat(made)
    # An emulator's clock runs ahead.
    age = f", {human_duration((now() - time).total_seconds())} old" if now is not None else ""
    return f"as of the inventory of {time:%Y-%m-%d %H:%M} UTC{age}"


def listed(reader: VaultReader, query: Query) -> ExactTable:
    """Return the archives that a query finds, with their age as its note."""
    return replace(reader.table(query), note=lambda facts, count: aged(reader, facts, count, word=query.glob))
