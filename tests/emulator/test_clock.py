"""The virtual clock by itself."""

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacier_magic.emulator import dates
from glacier_magic.emulator.virtual_clock import VirtualClock


@pytest.fixture
def path(tmp_path):
    return tmp_path / "clock.json"


def test_a_new_clock_shows_the_real_time_at_real_speed(path):
    """It parts from it when it is turned, or not served."""
    clock = VirtualClock(path)
    assert abs(clock.now() - dates.real_now()) < 1000
    assert (clock.rate, clock.paused) == (1.0, False)


def test_advancing_a_paused_clock_is_exact(path):
    """To the millisecond."""
    clock = VirtualClock(path, speed=0)
    before = clock.now()
    clock.advance(14_400.001)
    assert clock.now() - before == 14_400_001


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_a_clock_is_not_turned_back(path, seconds):
    """The sentence says what to give instead."""
    with pytest.raises(ValueError, match="only moves forward"):
        VirtualClock(path).advance(seconds)


@pytest.mark.parametrize("speed", [-1, float("nan"), float("inf"), 1e8])
def test_a_speed_has_limits(path, speed):
    """From standing still to some hundred days a second."""
    with pytest.raises(ValueError, match="speed"):
        VirtualClock(path).set_speed(speed)


def test_a_pause_keeps_the_speed_for_later(path):
    """Speed zero is a pause; any other speed ends it."""
    clock = VirtualClock(path, speed=50)
    clock.set_speed(0)
    assert (clock.rate, clock.speed, clock.paused) == (0.0, 50, True)
    clock.resume()
    assert clock.rate == 50
    clock.pause()
    clock.set_speed(70)
    assert clock.rate == 70


def test_the_written_time_is_never_behind_what_was_shown(path):
    """So that a kill cannot take anything back."""
    clock = VirtualClock(path, speed=1e6)
    for _ in range(200):
        shown = clock.now()
        assert json.loads(path.read_text())["time"] >= shown
        time.sleep(0.001)


def test_a_standing_clock_writes_nothing(path):
    """Nor does a running one more often than it must."""
    clock = VirtualClock(path, speed=0)
    before = path.stat().st_mtime_ns
    for _ in range(5):
        clock.save()
        clock.now()
    assert path.stat().st_mtime_ns == before


def test_a_file_that_was_written_in_half_does_not_exist(path):
    """The new file takes the old one's place at once."""
    clock = VirtualClock(path, speed=10)
    clock.save(final=True)
    assert [found.name for found in path.parent.iterdir()] == ["clock.json"]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("advance"), st.floats(0, 1e6)),
        st.tuples(st.just("set_speed"), st.floats(0, 1e5)),
        st.just(("pause",)),
        st.just(("resume",)),
        st.just(("restart",)),
        st.just(("kill",)),
    ),
    max_size=20,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_time_never_runs_backwards_whatever_is_done(path, steps):
    """Turned, paused, stopped or killed."""
    clock, last = VirtualClock(path), 0
    for name, *values in steps:
        if name in ("restart", "kill"):
            if name == "restart":
                clock.save(final=True)
            clock = VirtualClock(path)
        else:
            getattr(clock, name)(*values)
        now = clock.now()
        assert now >= last
        last = now


def test_no_turn_leaves_the_calendar(path):
    """A time that no date can be written for would end the emulator's data for good."""
    clock = VirtualClock(path, speed=0)
    before = clock.now()
    with pytest.raises(ValueError, match="9999"):
        clock.advance(999_999_999 * 86400)
    with pytest.raises(ValueError, match="9999"):
        clock.advance(float("inf"))
    assert clock.now() == VirtualClock(path).now() == before
    clock.advance((dates.LAST - before) / 1000 - 7200)
    with pytest.raises(ValueError, match="9999"):
        clock.set_speed(1e7)
    assert dates.iso(clock.now()).startswith("9999-12-31T2")


def test_time_stands_still_at_the_end_of_the_calendar(path):
    """A fast clock that is left alone gets there as well."""
    path.write_text('{"time": 999999999999999, "speed": 10, "paused": false}')
    assert VirtualClock(path).now() == dates.LAST
