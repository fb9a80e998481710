"""Provisioned capacity: units that guarantee expedited retrievals, bought for a month."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ..base import dataframes
from ..base.rendering import Rendered, html_notes, html_table, text_table
from ..base.units import from_ms, human_duration, local_time, parse_time, plural
from ..errors import GlacierError, NotReady, PlanChanged, Refused, Unavailable
from ..errors.steps import step
from ..plans import PlanLog
from ..prices.quotes import provisioned
from ..service import Service
from ..service.administration import Administration
from .change import Change

if TYPE_CHECKING:
    import pandas as pd

MOST_UNITS = 2
"""Units that an account can have (service documentation, "Purchase Provisioned Capacity")."""

_HEAD = ("unit", "left", "starts", "ends")


@dataclass(frozen=True)
class Unit:
    """One unit of provisioned capacity: its id, and aware UTC times."""

    id: str
    start: datetime | None
    end: datetime | None


class Capacity(Rendered):
    """The units that an account has in a region."""

    def __init__(self, service: Service, log: PlanLog) -> None:
        self._service, self._log, self._catalogue = service, log, log.catalogue
        self._calls = Administration(service)
        self._response = self._calls.capacity()
        self.units = [
            Unit(
                unit["CapacityId"],
                from_ms(parse_time(unit.get("StartDate"))),
                from_ms(parse_time(unit.get("ExpirationDate"))),
            )
            for unit in self._response
        ]
        self.found: str | None = None
        """The unit of an earlier purchase whose response was lost, if it is in the list now."""
        self.note = self._settle()

    @property
    def table(self) -> pd.DataFrame:
        """One row per unit: unit, start, end."""
        return dataframes.capacity(self._response)

    def buy(self, units: int = 1) -> CapacityPlan:
        """Return the plan to buy units; nothing is bought until its ``run()``.

        A unit that an earlier purchase bought although its response was lost counts as one of them.

        :raises Refused: there would be more than two units.
        :raises NotReady: the result of an earlier purchase is not known yet.
        """
        return CapacityPlan(self, units)

    def _again(self) -> Capacity:
        return Capacity(self._service, self._log)

    def _check(self, units: int) -> None:
        if not 1 <= units <= MOST_UNITS - len(self.units):
            raise Refused(
                f"An account can have {MOST_UNITS} units of provisioned capacity; it has "
                f"{len(self.units)}, and {units} more cannot be bought",
                cure=f"{step('capacity')} shows when they end.",
            )
        # Its unit may still appear: buying now could buy one too many.
        if self._catalogue.purchases.open() is not None:
            raise NotReady(self.note, cure=f"Look again in a minute: {step('capacity')}")

    def _buy_one(self) -> Capacity:
        """Buy one unit; return the new list of units."""
        purchases = self._catalogue.purchases
        # Recorded first, so that a lost response is noticed.
        purchase = purchases.begin(unit.id for unit in self.units)
        if purchase is None:
            raise NotReady("Another process is buying capacity", cure="Repeat the command later.")
        try:
            bought = self._calls.buy_capacity()
        except Unavailable as error:
            if error.code == "ThrottlingException":  # refused, so certainly not bought
                purchases.settle(purchase, "failed")
                raise
            # Not settled: the purchase stays open until the list shows its result.
            raise Unavailable(
                f"It is not known whether the unit was bought: {error.message}",
                cure=f"{step('capacity')} shows it in a minute; no other unit is bought before that.",
                code=error.code,
            ) from None
        except GlacierError:  # refused, or never sent: nothing was bought
            purchases.settle(purchase, "failed")
            raise
        now = self._again()  # before settling: if it fails, the next call finds the unit
        purchases.settle(purchase, "done", bought)
        return now

    def _settle(self) -> str:
        """Determine the result of a purchase whose response was lost; return a sentence about it."""
        purchase = self._catalogue.purchases.open()
        if purchase is None:
            return ""
        new = sorted({unit.id for unit in self.units} - purchase.known)  # only a purchase adds a unit
        if new:
            self.found = new[0]
            self._catalogue.purchases.settle(purchase.id, "done", self.found)
            return f"The unit {self.found} was bought, though the response was lost."
        age = max(0.0, time.time() - purchase.asked / 1000)  # the computer's clock may have been set back
        if age > self._catalogue.limits.lost_purchase:
            self._catalogue.purchases.settle(purchase.id, "failed")
            return f"A purchase {human_duration(age)} ago failed: no unit was bought."
        return f"A purchase was sent {human_duration(age)} ago, and its result is not known yet."

    def _rows(self) -> list[tuple[str, ...]]:
        now = self._service.clock.now()
        return [
            (
                unit.id,
                human_duration((unit.end - now).total_seconds()) if unit.end else "?",
                local_time(unit.start, now),
                local_time(unit.end, now),
            )
            for unit in self.units
        ]

    def _notes(self) -> list[str]:
        count = plural(len(self.units), "unit")
        about = f"{count} of provisioned capacity, of at most {MOST_UNITS}."
        return [about, *([self.note] if self.note else [])]

    def _repr_text(self) -> str:
        table = [text_table(_HEAD, self._rows(), numbers=(1,))] if self.units else []
        return "\n".join([*table, *self._notes()])

    def _repr_html(self) -> str:
        table = html_table(_HEAD, self._rows(), numbers=(1,)) if self.units else ""
        return table + html_notes(self._notes())


class CapacityPlan(Change[Capacity]):
    """A purchase of units.

    It buys only while the account has exactly the units that the plan has shown.
    """

    def __init__(self, capacity: Capacity, units: int) -> None:
        super().__init__("", act=self._buy, button="Buy", danger=True, kind="capacity", memory=capacity._log)
        self._left, self._unanswered = units, False  # True from the request until its response
        self._show(capacity, found=capacity.found is not None)

    @property
    def empty(self) -> bool:
        """Whether no unit is left to buy."""
        return not self._left

    def _show(self, capacity: Capacity, *, found: bool) -> None:
        """Show the current units; a unit that was *found* is not bought again."""
        self._capacity = capacity
        self._left -= found
        if self._left:
            capacity._check(self._left)
        self._quote = price = provisioned(self._prices, self._left)
        words, count = price.headline(), plural(self._left, "unit")
        current = ("now", f"{plural(len(capacity.units), 'unit')} of at most {MOST_UNITS}")
        self._title = f"Buy {count} of provisioned capacity for {words}"
        self._facts = [
            ("price", f"{words}, {price.lines[0].figure.cite()}"),
            ("lasts", "a month from now, to the second; it is not renewed"),
            ("undo", "none: a unit is billed at once and in full"),
            ("provides", "3 expedited retrievals every 5 minutes and 150 MB/s, for each unit"),
            current,
            *((("before", capacity.note),) if capacity.note else ()),
        ]
        if not self._left:
            self._title = f"No unit is left to buy. {capacity.note}".rstrip()
            self._facts = [current]

    def _decide_again(self) -> None:
        if self.empty:
            return
        shown, now = {unit.id for unit in self._capacity.units}, self._capacity._again()
        new = [unit.id for unit in now.units if unit.id not in shown]
        # A new unit after a lost response is ours.
        found = now.found is not None or (self._unanswered and bool(new))
        self._unanswered = self._unanswered and not found
        self._show(now, found=found)
        if new:
            raise PlanChanged(
                "The plan has changed since it was shown: the account has "
                f"{plural(len(new), 'unit')} more, {', '.join(new)}. {now.note}".rstrip()
            )

    def _buy(self) -> Capacity:
        now, count, before = self._capacity, self._left, self._capacity.note
        while self._left:
            self._unanswered = True
            now = now._buy_one()  # the service sells one unit a call
            self._unanswered = False
            self._left -= 1  # after each: repeating a failed purchase buys only the rest
        if count:
            now.note = f"{before} Bought {plural(count, 'unit')} for {dict(self._facts)['price']}.".strip()
        return now
