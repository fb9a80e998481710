"""The values of columns for people, and their exact values."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from glacier_magic.base.columns import cell, exact, label


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("size", 495_492_614_866, "461 GiB"),
        ("size", 0, "0 B"),
        ("growth", -2048, "-2 KiB"),
        ("wasted", 1536.0, "1.5 KiB"),
        ("archives", 20_000, "20,000"),
        ("archive_id", "A" * 138, "A" * 12 + "…"),
        ("encrypted", True, "yes"),
        ("ratio", 0.1 + 0.2, "0.3"),
        ("price", Decimal("1234.50"), "1,234.5"),
        ("price", Decimal("6.4E-7"), "<0.0001"),
        ("price", Decimal(0), "0"),
        ("price", "unknown", "unknown"),
        ("name", None, ""),
    ],
)
def test_people_see_units_and_short_ids(column: str, value: object, shown: str) -> None:
    """Bytes, counts, ids, dollars, flags."""
    assert cell(column, value) == shown


def test_exact_values_lose_nothing() -> None:
    """All digits, whole ids, and times in UTC whatever their zone."""
    assert exact(495_492_614_866) == "495492614866"
    assert exact("A" * 138) == "A" * 138
    assert exact(None) == ""
    moment = datetime(2019, 3, 20, 18, 3, 43, tzinfo=timezone(timedelta(hours=1)))
    assert exact(moment) == "2019-03-20 17:03:43 UTC"


def test_headings_are_words() -> None:
    """Archives are stored, vaults are created."""
    assert label("created", archives=True) == "stored"
    assert label("created") == "created"
    assert label("tree_hash") == "tree hash"
    assert label("modified") == "modified"
