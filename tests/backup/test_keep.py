"""Which snapshots are kept."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.backup.keep import Keep
from glacier_magic.errors import InputError

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)
RULES = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
keeps = st.builds(Keep, **dict.fromkeys(RULES, st.integers(0, 12)))
ages = st.lists(st.integers(0, 5 * 365 * 24), unique=True, max_size=60).map(
    lambda hours: [NOW - timedelta(hours=each, minutes=7) for each in hours]
)


def kept(keep, times, now=NOW):
    return keep.kept([(time, "") for time in times], now)


def test_the_earliest_of_each_day_is_kept_and_the_newest():
    times = [NOW - day * DAY + timedelta(hours=hour) for day in range(5) for hour in (-3, 0, 3)]
    assert kept(Keep(daily=3), times) == {
        NOW + timedelta(hours=3): ["newest"],
        **{NOW - day * DAY - timedelta(hours=3): ["daily 3"] for day in range(3)},
    }


def test_a_day_without_a_snapshot_counts():
    assert list(kept(Keep(daily=3), [NOW - 9 * DAY, NOW - 2 * DAY])) == [NOW - 2 * DAY]


def test_months_and_years_of_any_length():
    months = [datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 12)]
    assert sorted(kept(Keep(monthly=10), months)) == months[1:]
    leap = datetime(2024, 2, 29, tzinfo=UTC)
    assert sorted(kept(Keep(yearly=2), [leap.replace(year=2020), leap], now=leap)) == [leap]
    assert sorted(kept(Keep(monthly=2), months[-2:], now=datetime(2026, 11, 30, tzinfo=UTC))) == months[-2:]


def test_weeks_are_those_of_iso_8601():
    monday, sunday = datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 1, 3, tzinfo=UTC)
    before = datetime(2026, 12, 28, tzinfo=UTC)
    assert sorted(kept(Keep(weekly=2), [before, sunday, monday], now=monday)) == [before, monday]


def test_labels_and_what_is_within():
    made = [(NOW - 100 * DAY, "a db"), (NOW - 50 * DAY, "x"), (NOW - 2 * DAY, ""), (NOW - DAY, "")]
    keep = Keep(labels=frozenset({"db"}), within=2 * DAY)
    assert keep.kept(made, NOW) == {
        NOW - DAY: ["newest", "within"],
        NOW - 2 * DAY: ["within"],
        NOW - 100 * DAY: ["label db"],
    }


def test_more_years_than_there_are():
    assert sorted(kept(Keep(yearly=9999), [NOW - DAY, NOW])) == [NOW - DAY, NOW]


@pytest.mark.parametrize("wrong", [{"daily": -1}, {"within": -DAY}])
def test_a_negative_number_is_refused(wrong):
    with pytest.raises(InputError, match=r"negative|-1"):
        Keep(**wrong)


@given(keeps, ages)
def test_keeping_again_keeps_the_same(keep, times):
    """Deleting what is not kept never changes what is kept."""
    first = kept(keep, times)
    assert kept(keep, first) == first


@given(keeps, ages)
def test_what_is_kept_later_was_kept_before(keep, times):
    """A snapshot that is given up never comes back into a rule, so nothing is deleted too early."""
    later = NOW + timedelta(hours=5)
    assert set(kept(keep, times, later)) <= set(kept(keep, times, NOW))


@given(keeps, ages)
def test_each_rule_keeps_at_most_its_number(keep, times):
    rules = [rule for named in kept(keep, times).values() for rule in named]
    assert rules.count("newest") == bool(times)
    for name in RULES:
        count = getattr(keep, name)
        assert rules.count(f"{name} {count}") <= count
