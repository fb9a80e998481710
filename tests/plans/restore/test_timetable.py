"""Requests spread over days: every limit kept, order kept, the load even, the policy heeded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.errors import InputError
from glacier_magic.jobs.pacing import DAY, HOUR, Limit, due_times, from_json, to_json
from glacier_magic.plans.restore.timetable import FREE_A_DAY, Pace, days_needed, even, timetable
from glacier_magic.service import Policy

NOW = 1_700_000_000_000
GB = 10**9

SIZES = st.lists(st.integers(1, 1_000), min_size=1, max_size=60)
LIMITS = st.lists(
    st.builds(Limit, st.integers(1, 1_500), st.integers(1, 10).map(lambda n: n * HOUR)),
    min_size=1,
    max_size=3,
)


def table_of(sizes, *, pace=None, policy=None, tier="Standard"):
    return timetable(sizes, pace=pace, policy=policy or Policy(), tier=tier, now=NOW)


def loads(found):
    return [day.size for day in found.days()]


@given(SIZES, LIMITS, st.lists(st.tuples(st.integers(0, 20), st.integers(1, 900)), max_size=5))
def test_no_window_of_time_holds_more_than_its_limit(sizes, limits, before):
    """Wherever it begins: unless it is one archive that is larger by itself."""
    asked = sorted((NOW - hours * HOUR, size) for hours, size in before)
    times = due_times([(0, size) for size in sizes], limits, NOW, asked)
    made = [*asked, *zip(times, sizes, strict=True)]
    for limit in limits:
        for place, (moment, size) in enumerate(made[len(asked) :], len(asked)):
            inside = [s for m, s in made[: place + 1] if m > moment - limit.span]
            assert sum(inside) <= limit.bytes or inside == [size]


@given(SIZES, LIMITS, st.lists(st.integers(0, 50), min_size=60, max_size=60))
def test_requests_keep_their_order_and_are_never_early(sizes, limits, hours):
    """Not before now, nor before the moment that each was given."""
    earliest = [NOW + h * HOUR for h in hours[: len(sizes)]]
    times = due_times(list(zip(earliest, sizes, strict=True)), limits, NOW)
    assert times == sorted(times)
    assert all(t >= max(NOW, e) for t, e in zip(times, earliest, strict=True))


@given(SIZES, LIMITS)
def test_requests_are_as_early_as_the_limits_allow(sizes, limits):
    """One a millisecond earlier would be over a limit, or ahead of the one before it."""
    times = due_times([(0, size) for size in sizes], limits, NOW)
    for place, (time, size) in enumerate(zip(times, sizes, strict=True)):
        if time == (times[place - 1] if place else NOW):
            continue
        before = list(zip(times[:place], sizes[:place], strict=True))
        assert any(
            (inside := [s for m, s in before if m > time - 1 - limit.span])
            and sum(inside) + size > limit.bytes
            for limit in limits
        )


@given(SIZES, LIMITS, st.integers(0, 59))
def test_what_is_left_after_an_interruption_goes_on_as_planned(sizes, limits, done):
    """The times of the rest do not change when they are computed again from what was asked."""
    times = due_times([(0, size) for size in sizes], limits, NOW)
    done = min(done, len(sizes) - 1)
    asked = list(zip(times[:done], sizes[:done], strict=True))
    rest = list(zip(times[done:], sizes[done:], strict=True))
    assert due_times(rest, limits, times[done], asked) == times[done:]


@given(SIZES, st.integers(1, 20))
def test_a_spread_takes_no_more_days_than_asked_with_the_least_load(sizes, days):
    """No even split into as many days of whole archives, in order, has a smaller largest day."""
    found = table_of(sizes, pace=Pace(days=days))
    assert len(loads(found)) <= days
    assert sum(loads(found)) == sum(sizes)
    least = even(sizes, days=days, most=sum(sizes))
    assert days_needed(sizes, least) <= days
    assert least == 1 or days_needed(sizes, least - 1) > days


@given(SIZES, st.integers(1, 1_500))
def test_a_daily_allowance_is_kept_in_the_fewest_days(sizes, daily):
    """But for archives that are larger, each on a day of its own, which is said."""
    found = table_of(sizes, pace=Pace(daily=daily))
    for day in found.days():
        assert day.size <= daily or (day.archives == 1 and day.larger)
    assert len(found.days()) == days_needed(sizes, daily)
    assert any("its own" in note for note in found.notes) == any(s > daily for s in sizes)
    assert list(found.table()["larger"]) == [day.size > daily for day in found.days()]


@given(SIZES, st.integers(1, 1_500))
def test_days_are_whole_days_apart(sizes, daily):
    """All of a day is asked for at once, at the hour of the first."""
    due = table_of(sizes, pace=Pace(daily=daily)).due
    assert all((moment - NOW) % DAY == 0 for moment in due)


def test_ten_equal_archives_over_five_days_are_two_a_day():
    """Worked by hand."""
    found = table_of([10 * GB] * 10, pace=Pace(days=5))
    assert loads(found) == [20 * GB] * 5
    assert "All is ready by" in found.words()
    assert found.due == tuple(NOW + (n // 2) * DAY for n in range(10))


def test_a_last_day_with_little_is_evened_out():
    """100 a day would give 100, 100, 20; as few days with less on the fullest is 80, 80, 60."""
    assert loads(table_of([20] * 11, pace=Pace(daily=100))) == [80, 80, 60]


def test_unknown_sizes_are_spread_by_their_number():
    """They must not all come on the first day."""
    assert [d.archives for d in table_of([None] * 6, pace=Pace(days=3)).days()] == [2, 2, 2]


def test_without_pace_or_policy_there_is_no_timetable():
    """All at once, as before."""
    assert table_of([GB] * 9) is None
    assert table_of([GB] * 9, policy=Policy("BytesPerHour", 9 * GB)) is None


def test_bytes_per_hour_makes_waves_and_says_so():
    """1 GB an hour is 4 GB in the usual 4 hours; the next 4 GB when the longest job is over."""
    found = table_of([GB] * 10, policy=Policy("BytesPerHour", GB))
    assert [(d - NOW) // HOUR for d in found.due] == [0] * 4 + [5] * 4 + [10] * 2
    assert "Adapted" in found.words()
    assert "tier='bulk'" in found.words()


def test_a_pace_above_the_policy_takes_longer_and_says_how_long():
    """100 GB a day were asked; 25 waves of 4 GB, 5 hours apart, end on the sixth day."""
    found = table_of([GB] * 100, pace=Pace(daily=100 * GB), policy=Policy("BytesPerHour", GB))
    assert len(found.days()) == 6
    assert "6 days instead of 1" in found.words()
    slow = table_of([GB] * 100, pace=Pace(daily=4 * GB), policy=Policy("BytesPerHour", GB))
    assert "Adapted" not in slow.words()


def test_the_free_tier_lets_a_day_through_and_no_more():
    """And an archive above its allowance is named as one that is refused."""
    found = table_of([FREE_A_DAY // 2] * 4, pace=Pace(days=1), policy=Policy("FreeTier"))
    assert [d.archives for d in found.days()] == [2, 2]
    assert "refused" in table_of([FREE_A_DAY + 1], policy=Policy("FreeTier")).words()


def test_an_archive_that_the_policy_never_lets_through_is_named():
    """Even over the longest documented time it is above the rate."""
    policy = Policy("BytesPerHour", GB)
    assert "1 archive larger" in table_of([5 * GB + 1], policy=policy).words()
    assert table_of([4 * GB], policy=policy) is None


@pytest.mark.parametrize("tier", ["Bulk", "Expedited"])
def test_other_tiers_are_not_subject_to_the_policy(tier):
    """From the documentation of data retrieval policies."""
    assert table_of([GB] * 99, policy=Policy("BytesPerHour", 1), tier=tier) is None


@pytest.mark.parametrize("policy", [Policy("SomethingNew"), Policy("BytesPerHour"), Policy()])
def test_a_policy_that_is_not_understood_changes_nothing(policy):
    """What it refuses is moved when it does."""
    assert table_of([GB] * 9, policy=policy) is None


def test_a_policy_that_cannot_be_read_is_said_where_a_pace_was_asked():
    """What it refuses is moved."""
    found = timetable([GB], pace=Pace(days=2), policy=None, tier="Standard", now=NOW)
    assert "could not be read" in found.words()


def test_a_long_schedule_is_told_in_its_first_days_and_its_last():
    """The DataFrame has them all."""
    found = table_of([GB] * 30, pace=Pace(days=30))
    assert "24 days more like these" in found.words()
    assert found.words().startswith("over 30 days: now 1 archive")
    assert len(found.table()) == 30
    assert str(found.table()["due"].dtype).endswith("UTC]")


@pytest.mark.parametrize(
    ("spread", "daily"),
    [
        ("10d", "5GB"),
        ("soon", None),
        ("1h", None),
        (0, None),
        ("99999d", None),
        (float("nan"), None),
        (None, "many"),
        (None, "0"),
        (None, 0),
        (None, -5),
        (None, ""),
        ([1], None),
        (None, float("inf")),
    ],
)
def test_a_pace_that_makes_no_sense_is_refused_with_a_cure(spread, daily):
    """Before anything is looked at."""
    with pytest.raises(InputError) as caught:
        Pace.of(spread, daily)
    assert caught.value.cure


def test_paces_are_read_from_words_and_numbers():
    """As in a shell, and as in Python."""
    assert Pace.of("10d") == Pace.of(10) == Pace(days=10)
    assert Pace.of(daily="200GB") == Pace.of(daily=200 * GB) == Pace(daily=200 * GB)
    assert Pace.of() is None


def test_limits_survive_the_catalogue():
    """As they were."""
    limits = [Limit(5, DAY), Limit(3, 5 * HOUR)]
    assert from_json(to_json(limits)) == limits
