"""Requests spread over days: how much a day, under the account's data retrieval policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...base.dataframes import marked
from ...base.rendering import near
from ...base.units import (
    from_ms,
    human_bytes,
    human_sum,
    human_total,
    local_time,
    parse_duration,
    parse_size,
    plural,
)
from ...catalogue import Catalogue, Download
from ...errors import InputError
from ...errors.steps import option, step
from ...jobs import window
from ...jobs.pacing import DAY, HOUR, Limit, due_times, weight
from ...prices import PriceTable, Quote
from ...service.retrieval_policies import BYTES_PER_HOUR, FREE_TIER, SUBJECT, Policy
from .items import ASK, RestoreItem
from .quoting import Asking, quote_for

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 3650
"""Days that a plan may be spread over."""
FREE_A_DAY = 10 * 10**9 // 31
"""Bytes that ``FreeTier`` lets through in a day: 10 GB a month, prorated (not confirmed)."""
USUAL_HOURS, LONGEST_HOURS = 4, 5
"""Of a Standard retrieval; the documented 3 to 5 hours, and what they are in practice."""
SHOWN = 5
"""Days of a schedule that are spelled out; the DataFrame has them all."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How requests are spread: over ``days``, or ``daily`` bytes a day."""

    days: int | None = None
    daily: int | None = None

    @classmethod
    def of(cls, spread: str | float | None = None, daily: str | int | None = None) -> Pace | None:
        """Read ``spread="10d"`` or ``daily="200GB"``; None for neither.

        :param spread: a duration as text, or days.
        :param daily: a size as text, or bytes.
        :raises InputError: both are given, or one is not possible.
        """
        if spread is not None and daily is not None:
            raise InputError(
                "Either spread over days or so much a day, not both",
                cure=f"Leave out {option('spread')} or {option('daily')}.",
            )
        if spread is not None:
            return cls(days=_days(spread))
        return None if daily is None else cls(daily=_daily(daily))

    def allowance(self, sizes: Sequence[int]) -> int:
        """Return the bytes a day that spread the load most evenly over no more days than asked."""
        if self.daily is None:
            return even(sizes, days=self.days or 1, most=max(1, sum(sizes)))
        return even(sizes, days=days_needed(sizes, self.daily), most=self.daily)  # not a small last day


def _days(spread: str | float) -> int:
    try:
        days = parse_duration(spread) / 86400 if isinstance(spread, str) else float(spread)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(
            f"{option('spread')}: {error}", cure=f"{option('spread', '10d')}, for example."
        ) from None
    if not 1 <= days <= LONGEST:  # refuses NaN as well
        raise InputError(
            f"Requests cannot be spread over {spread}", cure=f"{option('spread')} takes 1d to {LONGEST}d."
        )
    return int(days)  # down, as 2.5d must not become a third day


def _daily(daily: str | int) -> int:
    try:
        size = parse_size(daily) if isinstance(daily, str) else int(daily)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(
            f"{option('daily')}: {error}", cure=f"{option('daily', '200GB')}, for example."
        ) from None
    if size < 1:
        raise InputError(
            "The daily amount must be at least one byte", cure=f"{option('daily', '200GB')}, for example."
        )
    return size


def days_needed(sizes: Sequence[int], most: int) -> int:
    """Return how many days archives take, in their order, at no more than *most* bytes a day.

    One that is larger has a day of its own.
    """
    days, load = 0, most + 1  # full, so that the first archive begins the first day
    for size in sizes:
        if load + size > most:  # the first archive of a day is taken whatever its size
            days, load = days + 1, 0
        load += size
    return days


def even(sizes: Sequence[int], *, days: int, most: int) -> int:
    """Return the least bytes a day, up to *most*, with which archives take at most *days* days."""
    least = 1
    while least < most:  # a binary search: fewer bytes a day never take fewer days
        middle = (least + most) // 2
        if days_needed(sizes, middle) <= days:
            most = middle
        else:
            least = middle + 1
    return least


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """The times of the requests of a plan, with their limits and notes for the user.

    :param due: for each archive in order, milliseconds since 1970 by the service's clock.
    :param sizes: bytes of each; None where not known.
    """

    due: tuple[int, ...]
    sizes: tuple[int | None, ...]
    limits: tuple[Limit, ...]
    now: int
    tier: str = SUBJECT
    notes: tuple[str, ...] = ()
    daily: int | None = None

    def days(self) -> list[Day]:
        """Return the days with requests."""
        found: dict[int, Day] = {}
        for due, size in zip(self.due, self.sizes, strict=True):
            number = (due - self.now) // DAY + 1  # spans of 24 hours from now on, not dates
            day = found.setdefault(number, Day(number, due))
            day.last, day.archives, day.size = due, day.archives + 1, day.size + (size or 0)
            day.unsized += size is None
            day.larger = self.daily is not None and weight(size) > self.daily
        return list(found.values())

    def table(self) -> pd.DataFrame:
        """Return one row per day: day, first and last request (UTC), archives, size, larger."""
        import pandas as pd

        columns = ("day", "due", "last", "archives", "size", "larger")
        rows = [
            (d.number, from_ms(d.due), from_ms(d.last), d.archives, d.size, d.larger) for d in self.days()
        ]
        frame = pd.DataFrame(rows, columns=columns)
        for name in ("due", "last"):
            frame[name] = pd.to_datetime(frame[name], utc=True)
        return marked(frame.astype({"day": "int64", "archives": "int64", "size": "int64", "larger": bool}))

    def words(self) -> str:
        """Return the schedule as text: its first days and its last, then the notes."""
        days = self.days()
        shown = days if len(days) <= SHOWN + 1 else [*days[:SHOWN], days[-1]]  # "1 day more" is no shorter
        lines = [self._day(day) for day in shown]
        if len(shown) < len(days):
            lines.insert(SHOWN, f"{plural(len(days) - len(shown), 'day')} more like these")
        head = f"over {plural(days[-1].number, 'day')}: " if days else ""
        notes = [note[:1].upper() + note[1:] for note in (*self._end(days), *self.notes)]
        return ". ".join([head + "; ".join(lines), *notes])

    def _end(self, days: list[Day]) -> list[str]:
        if not days or days[-1].last <= self.now:
            return []
        now, last = from_ms(self.now), from_ms(days[-1].last)
        return [
            f"all is ready by {local_time(last + window(self.tier)[1], now)}",
            f"later requests are made while a kernel or {step('wait')} runs",
        ]

    def _day(self, day: Day) -> str:
        now, first, last = (from_ms(ms) for ms in (self.now, day.due, day.last))
        when = "now" if day.due <= self.now else local_time(first, now, zone=False)
        until = f" to {local_time(last, now, zone=False)}" if day.last > day.due else ""
        return f"{when}{until} {plural(day.archives, 'archive')}, {human_total(day.size, day.unsized)}"


@dataclass
class Day:
    """The requests within 24 hours; times in milliseconds, size in bytes."""

    number: int
    due: int
    last: int = 0
    archives: int = 0
    size: int = 0
    unsized: int = 0
    larger: bool = False


def timetable(
    sizes: Iterable[int | None], *, pace: Pace | None, policy: Policy | None, tier: str, now: int
) -> Timetable | None:
    """Return the times of the requests, or None where all may be made at once.

    :param sizes: bytes of each request, in order; None where not known.
    :param policy: the account's data retrieval policy, or None if it could not be read.
    :param now: milliseconds since 1970 by the service's clock.
    """
    # The policy does not apply to the other tiers.
    passing = _limits_of(policy) if tier == SUBJECT and policy is not None else []
    if pace is None and not passing:
        return None
    sizes = tuple(sizes)
    weights = [weight(size) for size in sizes]  # an unknown size counts as one byte
    wanted = [] if pace is None else [Limit(pace.allowance(weights), DAY)]
    notes = _larger(weights, pace.daily if pace else None)
    limits, asked = list(wanted), [(now, size) for size in weights]
    due = free = due_times(asked, wanted, now)  # without the policy, to say what it changes
    if passing:
        limits += passing
        due = due_times(asked, limits, now)  # pace and policy together
        notes += _refused(weights, policy)
    elif tier == SUBJECT and policy is None and pace is not None:
        notes.append(
            "the account's data retrieval policy could not be read; what it refuses is requested again later"
        )
    if due != free:
        notes.append(_adapted(policy, due, free, paced=pace is not None))
    elif pace is None and not notes:
        return None
    return Timetable(
        due=tuple(due),
        sizes=sizes,
        limits=tuple(limits),
        now=now,
        notes=tuple(notes),
        tier=tier,
        daily=pace.daily if pace else None,
    )


def at_once(sizes: tuple[int | None, ...], *, now: int) -> Timetable:
    """Return the timetable with all requests now."""
    return Timetable(due=(now,) * len(sizes), sizes=sizes, limits=(), now=now)


def _larger(sizes: Sequence[int], daily: int | None) -> list[str]:
    count = 0 if daily is None else sum(size > daily for size in sizes)
    if not count:
        return []
    verb, own = ("is", "it has") if count == 1 else ("are", "each has")
    what = f"{plural(count, 'archive')} {verb} larger than {human_bytes(daily)}"
    return [f"{what}: {own} a day of its own"]


def _limits_of(policy: Policy) -> list[Limit]:
    """Return limits under which the policy accepts all requests, by estimate.

    The rate of jobs in progress is taken as their bytes over the usual 4 hours, and a job to be in
    progress for as long as 5.
    """
    if policy.strategy == FREE_TIER:
        return [Limit(FREE_A_DAY, DAY)]
    if policy.strategy == BYTES_PER_HOUR and policy.bytes_per_hour:
        return [Limit(policy.bytes_per_hour * USUAL_HOURS, LONGEST_HOURS * HOUR)]
    return []


def _refused(sizes: Sequence[int], policy: Policy | None) -> list[str]:
    """Say how many archives the policy never lets through, whichever way it counts."""
    assert policy is not None
    longest = window(SUBJECT)[1].total_seconds() / 3600
    # The slowest job has the lowest rate: what is over it at 5 hours is over it at any.
    most = FREE_A_DAY if policy.strategy == FREE_TIER else (policy.bytes_per_hour or 0) * longest
    count = sum(size > most for size in sizes)
    if not count:
        return []
    return [
        f"{plural(count, 'archive')} larger than the policy ever lets through as standard "
        f"retrievals: they are refused until it is raised, and {option('tier', 'bulk')} is not subject to it"
    ]


def _adapted(policy: Policy | None, due: Sequence[int], free: Sequence[int], *, paced: bool) -> str:
    assert policy is not None
    if policy.strategy == FREE_TIER:
        words = f"the free allowance of a day through, some {human_bytes(FREE_A_DAY)}"
    else:
        words = f"{human_bytes(policy.bytes_per_hour)} an hour through"
    longer = ""
    if paced and due[-1] // DAY > free[-1] // DAY:
        first = free[0]
        longer = (
            f", which takes {plural((due[-1] - first) // DAY + 1, 'day')} instead of "
            f"{(free[-1] - first) // DAY + 1}"
        )
    waves = (
        f" (in waves of at most {human_bytes((policy.bytes_per_hour or 0) * USUAL_HOURS)}, "
        f"{LONGEST_HOURS} hours apart)"
        if policy.strategy == BYTES_PER_HOUR
        else ""
    )
    return (
        f"adapted to the account's data retrieval policy, which lets {words}{longer}{waves}; "
        f"{option('tier', 'bulk')} is not subject to it"
    )


# What earlier plans have scheduled


def how() -> str:
    """Return how to cancel scheduled requests."""
    return f"{step('restore', '--stop')} cancels it, and then it can be scheduled differently"


class Scheduled:
    """The downloads of a plan's items that earlier plans are to request later, into any folder.

    :param now: milliseconds since 1970 by the service's clock.
    """

    def __init__(self, catalogue: Catalogue, vault: str, items: Sequence[RestoreItem], now: int) -> None:
        # Rows on hold wait for the user: they are no future cost.
        rows = [row for row in catalogue.pacing.scheduled(vault) if not row.on_hold]
        wanted = {(row.archive_id, row.part) for row in rows}
        # Each as an item that is requested: what is under way has nothing to fetch for this plan.
        found = (item for item in (items if wanted else ()) if _key(item) in wanted)
        self._items = {_key(item): replace(item, action=ASK) for item in found}
        self.rows = [row for row in rows if (row.archive_id, row.part) in self._items]
        self._now = now

    def here(self, to: Path, tier: str) -> list[Download]:
        """Return those into the folder of a plan; it replaces those of another tier."""
        return [row for row in self.rows if row.root == str(to) and row.tier == tier]

    def facts(self, prices: PriceTable, destination: str, *, to: Path, tier: str) -> list[tuple[str, str]]:
        """Return facts on those into the folder of a plan, and on those into others."""
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
                    f"{words}, to {folders}, unless this plan restores them first: a verified file is "
                    f"copied. {how()}",
                )
            )
        return facts

    def _words(self, rows: Sequence[Download], prices: PriceTable, destination: str) -> str:
        now, last = from_ms(self._now), from_ms(max(row.due or self._now for row in rows))
        size = human_sum(row.size for row in rows)
        return (
            f"{plural(len(rows), 'archive')}, {size}, not requested yet, the last at "
            f"{local_time(last, now)}: {self.price(rows, prices, destination).headline()} still to come"
        )

    def price(self, rows: Sequence[Download], prices: PriceTable, destination: str) -> Quote:
        """Return what downloads will cost when they are requested and fetched."""
        quote = Quote()
        for tier in dict.fromkeys(row.tier for row in rows):  # each with its own prices, in order
            items = [self._items[row.archive_id, row.part] for row in rows if row.tier == tier]
            quote += quote_for(prices, Asking.of(items), tier, destination)
        return quote


def _key(item: RestoreItem) -> tuple[str, str | None]:
    return item.archive.archive_id, str(item.part) if item.part else None


def stop(catalogue: Catalogue, rows: Iterable[Download], now: int) -> str:
    """Cancel downloads that are not requested yet; return the outcome as text."""
    # A request that was sent meanwhile is paid and stays: no call cancels a job.
    taken = [row for row in rows if catalogue.downloads.drop_planned(row.id, ended=now)]
    if not taken:
        return f"Nothing of it is scheduled, so nothing was stopped: {step('jobs')} shows the rest."
    size = human_sum(row.size for row in taken)
    return (
        f"Stopped: {plural(len(taken), 'archive')}, {size}, will not be requested. Earlier "
        "requests are paid, and their archives are still restored."
    )
