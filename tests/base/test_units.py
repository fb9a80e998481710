"""Bytes, times and ids as people read and write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_magic.base.units import (
    from_ms,
    human_bytes,
    human_duration,
    human_sum,
    local_time,
    parse_duration,
    parse_rate,
    parse_size,
    parse_time,
    plural,
    short_id,
    to_ms,
)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (None, "?"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (10 * 1024, "10 KiB"),
        (100 << 20, "100 MiB"),
        (1_567_000_000, "1.46 GiB"),
        (40_000 << 30, "39.1 TiB"),
        (5 << 60, "5120 PiB"),
    ],
)
def test_bytes_are_shown_in_binary_units(count, words):
    """With the digits that matter."""
    assert human_bytes(count) == words


@given(st.integers(1024, 1 << 59))
def test_a_unit_is_used_from_one_up_to_a_thousand_and_twenty_three(count):
    """``1024 KiB`` is a MiB."""
    number, unit = human_bytes(count).split()
    assert unit != "B"
    assert 1 <= float(number) < 1024


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3600 + 59, "1 h"),
        (12_000, "3 h 20 min"),
        (90_000, "1 d 1 h"),
        (86_400 * 400, "400 d"),
    ],
)
def test_durations_are_shown_in_two_units(seconds, words):
    """The largest two, if the second is there."""
    assert human_duration(seconds) == words


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("15m", 900),
        ("4h", 14_400),
        ("1d12h", 129_600),
        ("2.5 h", 9_000),
        (" 1W ", 604_800),
        ("0", 0),
        ("1h 30m", 5_400),
    ],
)
def test_lengths_of_time_are_understood(text, seconds):
    """As people write them."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", " ", "soon", "-4h", "4x", "h", "1,5h", "4h?", "1e3", "nan"])
def test_what_is_no_length_of_time_is_a_value_error(text):
    """With how to write one."""
    with pytest.raises(ValueError, match="90s"):
        parse_duration(text)


@given(st.integers(-(10**13), 10**14))
def test_times_keep_their_milliseconds(milliseconds):
    """There and back, also before 1970, and always aware."""
    moment = from_ms(milliseconds)
    assert moment.utcoffset() == timedelta(0)
    assert to_ms(moment) == milliseconds


def test_no_time_is_no_time():
    """In every direction."""
    assert from_ms(None) is to_ms(None) is parse_time(None) is parse_time("") is None
    assert local_time(None) == ""


@pytest.mark.parametrize("text", ["2012-03-20T17:03:43.221Z", "2012-03-20T17:03:43Z"])
def test_dates_of_the_service_are_read_with_and_without_milliseconds(text):
    """Control plane and inventory write them differently."""
    assert parse_time(text) // 1000 == 1332263023
    assert parse_time(text) % 1000 == (221 if "." in text else 0)


def test_a_time_of_another_day_shows_the_day():
    """One of today does not."""
    now = datetime(2026, 6, 15, 12, tzinfo=UTC)
    assert "2026" not in local_time(now, now)
    assert "2025" in local_time(now - timedelta(days=365), now)


def test_counts_have_their_plural_and_ids_an_end():
    """Small things that every sentence uses."""
    assert (plural(1, "archive"), plural(2000, "archive")) == ("1 archive", "2,000 archives")
    assert plural(0, "job") == "0 jobs"
    assert short_id("x" * 138) == "x" * 12 + "…"
    assert short_id("short") == "short"


def test_a_rate_has_a_unit():
    """A number alone could be a thousand or a million times too slow."""
    assert [parse_rate(text) for text in ("5MB/s", "500k", "7B/s", "none")] == [5e6, 5e5, 7, None]
    for wrong in ("5", " 5 ", "5/s", "1.5 /s"):
        with pytest.raises(ValueError, match="has no unit; write"):
            parse_rate(wrong)
    for wrong in ("abc", "", "/s"):
        with pytest.raises(ValueError, match=r"^not a rate: .*; write 5MB/s, 500kB/s or none$"):
            parse_rate(wrong)


@pytest.mark.parametrize("text", ["9" * 400, "9" * 400 + "GB", "9" * 5000, "9223372036854775808"])
def test_more_bytes_than_there_can_be_are_refused_in_words(text):
    """With the range, and not the whole number."""
    for parse in (parse_size, parse_rate):
        with pytest.raises(ValueError, match="8 EiB") as caught:
            parse(text)
        assert len(str(caught.value)) < 120
    with pytest.raises(ValueError, match="100000d"):
        parse_duration("9" * 400)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ([], "0 B"),
        ([1 << 20, 1 << 20], "2 MiB"),
        ([1 << 20, None, 1 << 20], "2 MiB and 1 of unknown size"),
        ([None, None], "unknown size"),
    ],
)
def test_a_sum_says_how_many_sizes_are_unknown(sizes, words):
    """An unknown size is not zero."""
    assert human_sum(sizes) == human_sum(iter(sizes)) == words
