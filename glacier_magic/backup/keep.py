"""Which snapshots of a backup are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..errors import InputError

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Keep:
    """Which snapshots are kept: the newest one, and those that one of these rules names.

    Hours, days, ISO weeks, months and years are those of UTC; the current one counts.  Of each, the
    earliest snapshot is kept: it stays the earliest whatever is made or deleted later.

    :param last: the newest so many.
    :param hourly: one of each of the last so many hours; *daily* to *yearly* likewise.
    :param within: all that are at most so old.
    :param labels: all that have one of these labels.
    :raises InputError: a number is negative.
    """

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    within: timedelta = timedelta()
    labels: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in ("last", *_PERIODS):
            if getattr(self, name) < 0:
                raise InputError(f"{name} is {getattr(self, name)}: keep 0 or more")
        if self.within < timedelta():
            raise InputError("within is negative: keep what is at most so old")

    def kept(self, made: Iterable[tuple[datetime, str]], now: datetime) -> dict[datetime, list[str]]:
        """Return the times of the snapshots that are kept, each with the rules that keep it.

        :param made: the time, in UTC, and the labels of each snapshot; no time twice.
        """
        snapshots = sorted(made, key=lambda snapshot: snapshot[0])
        rules: dict[datetime, list[str]] = {}

        def keep(times: Iterable[datetime], rule: str) -> None:
            for time in times:
                rules.setdefault(time, []).append(rule)

        times = [time for time, _ in snapshots]
        keep(times[-1:], "newest")
        keep(times[-self.last :] if self.last else (), f"last {self.last}")
        for name, (of, current) in _PERIODS.items():
            count = getattr(self, name)
            recent = set(_recent(of, current, now, count))
            earliest: dict[Any, datetime] = {}
            for time in times:
                earliest.setdefault(of(time), time)
            keep((time for period, time in earliest.items() if period in recent), f"{name} {count}")
        if self.within:
            keep((time for time in times if now - time <= self.within), "within")
        for label in sorted(self.labels):
            keep((time for time, labels in snapshots if label in labels.split()), f"label {label}")
        return rules


def _recent(
    of: Callable[[datetime], Any], before: Callable[[datetime], datetime], now: datetime, count: int
) -> Iterable[Any]:
    """Yield the current period and those before it, *count* in all."""
    for _ in range(count):
        yield of(now)
        try:
            now = before(now)
        except OverflowError:  # before the year 1
            return


def _month_before(time: datetime) -> datetime:
    return time.replace(day=1) - _DAY


def _year_before(time: datetime) -> datetime:
    return time.replace(month=1, day=1) - _DAY


_PERIODS: dict[str, tuple[Callable[[datetime], Any], Callable[[datetime], datetime]]] = {
    "hourly": (lambda time: (time.date(), time.hour), lambda time: time - _HOUR),
    "daily": (lambda time: time.date(), lambda time: time - _DAY),
    "weekly": (lambda time: time.isocalendar()[:2], lambda time: time - 7 * _DAY),
    "monthly": (lambda time: (time.year, time.month), _month_before),
    "yearly": (lambda time: time.year, _year_before),
}
"""Of each rule: the period of a time, and a time in the period before."""
