"""What earlier plans have scheduled and not asked for yet: its price is still to come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ...base.rendering import near
from ...base.units import from_ms, human_bytes, plural, weekday_time
from ...catalogue import Catalogue, Download
from ...prices import PriceTable, Quote
from ...steps import step
from .items import RestoreItem
from .quoting import Asking, quote_for


def how() -> str:
    """Return how to take back what is scheduled."""
    return f"{step('restore', '--stop')} takes it back, and then it can be paced otherwise"


class Scheduled:
    """The downloads of a plan's items that earlier plans are to request later, into any folder.

    :param now: milliseconds since 1970 by the service's clock.
    """

    def __init__(self, catalogue: Catalogue, vault: str, items: Iterable[RestoreItem], now: int) -> None:
        self._retrieved = {
            (item.archive.archive_id, str(item.part) if item.part else None): item.retrieved for item in items
        }
        self.rows = [
            row
            for row in catalogue.pacing.scheduled(vault)
            if (row.archive_id, row.part) in self._retrieved and not row.on_hold
        ]
        self._now = now

    def here(self, to: Path, tier: str) -> list[Download]:
        """Return those into the folder of a plan; one of another tier is asked for anew by it."""
        return [row for row in self.rows if row.root == str(to) and row.tier == tier]

    def facts(self, prices: PriceTable, destination: str, *, to: Path, tier: str) -> list[tuple[str, str]]:
        """Return what to know of them: into the folder of a plan, and into others."""
        here = self.here(to, tier)
        there = [row for row in self.rows if row.root != str(to)]
        facts = []
        if here:
            words = self._words(here, prices, destination)
            facts.append(("scheduled already", f"{words}. {how()}"))
        if there:
            folders = ", ".join(dict.fromkeys(near(row.root) or row.root for row in there))
            words = self._words(there, prices, destination)
            facts.append(
                (
                    "scheduled elsewhere",
                    f"{words}, to {folders}, unless this plan gets them before: a verified file is "
                    f"copied. {how()}",
                )
            )
        return facts

    def _words(self, rows: Sequence[Download], prices: PriceTable, destination: str) -> str:
        now, last = from_ms(self._now), from_ms(max(row.due or self._now for row in rows))
        assert now is not None and last is not None  # noqa: PT018 - one condition
        size = human_bytes(sum(row.size or 0 for row in rows))
        return (
            f"{plural(len(rows), 'archive')}, {size}, not asked for yet, the last on "
            f"{weekday_time(last, now)}: {self.price(rows, prices, destination).words()} still to come"
        )

    def price(self, rows: Sequence[Download], prices: PriceTable, destination: str) -> Quote:
        """Return what downloads will cost when they are requested and fetched."""
        quote = Quote()
        for tier in dict.fromkeys(row.tier for row in rows):
            sizes = [self._retrieved[row.archive_id, row.part] for row in rows if row.tier == tier]
            size, unsized = sum(size or 0 for size in sizes), sizes.count(None)
            asking = Asking(requests=len(sizes), bytes=size, unsized=unsized, out=size, out_unsized=unsized)
            quote += quote_for(prices, asking, tier, destination)
        return quote


def stop(catalogue: Catalogue, rows: Iterable[Download], now: int) -> str:
    """Take back downloads that are not asked for yet; return in words what was done."""
    taken = [row for row in rows if catalogue.downloads.drop_planned(row.id, ended=now)]
    if not taken:
        return f"Nothing of it is scheduled, so nothing was stopped: {step('jobs')} shows the rest."
    size = human_bytes(sum(row.size or 0 for row in taken))
    return (
        f"Stopped: {plural(len(taken), 'archive')}, {size}, will not be asked for. What has been "
        "asked for before is paid, and still comes."
    )
