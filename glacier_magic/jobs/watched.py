"""What is open in a catalogue, who watches it, and which output is lost first if nobody does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ..base.units import human_sum, plural
from ..catalogue import Catalogue, Deletion
from ..catalogue.storage.holding import how
from .board import BoardSnapshot, first_lost, rows_of


@dataclass(frozen=True, kw_only=True)
class Watching:
    """Who watches what is open in a catalogue.

    ``by`` is kernel (or a command that runs), server, watch, or empty for nobody.  ``loses_at`` is when, by
    the service's clock, the first output, that of the file ``loses``, expires if nobody watches.
    """

    by: str
    loses_at: datetime | None
    loses: str
    open: int


def on_hold_note(snapshot: BoardSnapshot) -> str:
    """Return what a restored or copied catalogue holds, and how to resume it; "" if nothing."""
    held = snapshot.recorded.of("held")
    if not held:
        return ""
    archives = [row for row in held if row.kind == "archive"]
    size = human_sum(row.size for row in archives)
    parts = [f"{plural(len(archives), 'archive')} to ask for ({size})"] if archives else []
    parts += [row.name for row in held if row.kind == "drop"]
    return f"Held since the catalogue was restored, copied or moved: {', '.join(parts)}: {how().rstrip('.')}"


def watching(catalogue: Catalogue, now: datetime | None = None) -> Watching:
    """Return who watches what is open in a catalogue; no request is sent.

    :param now: the service's time; None for this computer's.
    """
    now = now or datetime.now(UTC)
    who = catalogue.watches.current()
    open_work = number_open(catalogue)
    rows = [row for row in rows_of(catalogue, now).rows if row.ours and not row.ended] if open_work else []
    lost = first_lost(rows)
    return Watching(
        by="" if who is None else who.by,
        loses_at=None if lost is None else lost.lost_at,
        loses="" if lost is None else lost.name,
        open=open_work,
    )


def number_open(catalogue: Catalogue) -> int:
    """Return how many requests, drops, confirmed deletions and backups can continue without the user."""
    return (
        catalogue.downloads.under_way()
        + len(catalogue.jobs.inventories_to_read())
        + len(catalogue.drops.busy())
        + len(deletions_to_resume(catalogue))
        + len(catalogue.backups.to_send())
    )


def deletions_to_resume(catalogue: Catalogue) -> list[Deletion]:
    """Return the confirmed deletions that are not done, except those of drops in progress."""
    dropping = {drop.deletion for drop in catalogue.drops.shown() if drop.open}
    unfinished = catalogue.deletions.unfinished()
    return [d for d in unfinished if d.state == "open" and not d.on_hold and d.id not in dropping]
