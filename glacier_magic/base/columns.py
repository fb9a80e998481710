"""How the values of a table's columns are shown to people, by the column's name.

DataFrames, JSON and CSV have exact values: bytes, UTC times, whole ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from .units import human_bytes, local_time, short_id

BYTES = frozenset({"size", "packed", "wasted", "growth", "sent", "part_size", "size_done"})
"""Columns of bytes."""
IDS = frozenset({"archive_id", "tree_hash", "sha256", "was_id", "job_id", "upload_id"})
"""Columns of long ids, of which people see the beginning."""
NUMBERS = BYTES | {"month", "price", "cost"}
"""Columns that are right-aligned even if their values are texts, such as an unknown price."""
DETAILS = (
    IDS
    | {"description", "format", "note", "vault", "depth", "oldest", "newest", "month_usd"}
    | {"offset", "target", "encrypted"}
)
"""Columns of a wide table of names or paths that are shown when asked for only."""
SPARSE = ("labels", "note")
"""Columns that are left out where no row has a value."""
FEW = 6
"""The most columns of a table that shows its details, too."""

BLANK = {"name": "(no name)", "path": "(all)"}
"""What is shown for an empty text: a path without folders is the whole vault."""

_LABELS = {"month_usd": "month in USD", "was": "old name", "was_id": "old id"}


def details_of(columns: Sequence[str]) -> frozenset[str]:
    """Return the columns of a table that are shown when asked for only."""
    wide = len(columns) > FEW and not {"name", "path"}.isdisjoint(columns)
    return DETAILS if wide else frozenset()


def label(column: str, *, archives: bool = False) -> str:
    """Return the heading of a column.

    :param archives: whether the rows are archives, which are stored at the time ``created``.
    """
    if archives and column == "created":
        return "stored"
    return _LABELS.get(column, column.replace("_", " "))


def cell(column: str, value: object) -> str:
    """Return a value as people read it: ``1.46 GiB``, ``20 Mar 2019 17:03 CET``, a shortened id.

    :param value: a text, number, time, or None for a missing value, which is ``""``.
    """
    if value is None:
        return ""
    if isinstance(value, str) and not value:
        return BLANK.get(column, "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return local_time(value) if value.tzinfo else f"{value:%Y-%m-%d %H:%M}"
    if column in IDS:
        return short_id(str(value))
    if isinstance(value, int | float) and column in BYTES:
        return human_bytes(value) if value >= 0 else f"-{human_bytes(-value)}"
    if isinstance(value, float):
        return f"{value:,.10g}"  # 0.1 + 0.2 is 0.3
    if isinstance(value, Decimal):  # US dollars
        return "<0.0001" if 0 < value < Decimal("0.0001") else _short(f"{value:,.4f}")
    return f"{value:,}" if isinstance(value, int) else str(value)


def _short(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def exact(value: object) -> str:
    """Return the exact value for a title or a copy: whole ids, all digits, UTC."""
    if value is None:
        return ""
    if isinstance(value, datetime) and value.tzinfo:
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return str(value)
