"""How long the downloads of a restore take, and whether they end while the outputs are kept."""

from __future__ import annotations

import math

from ...base.units import human_bytes, human_duration
from ...catalogue import Catalogue
from ...errors.steps import option
from ...jobs.fetching import measured_rate
from ...service import ServiceClock
from .timetable import Timetable

ASSUMED_RATE = 12_500_000
"""Bytes per second before any download was measured: 100 Mbit/s."""
KEPT = 24 * 3600
"""Seconds that the service keeps an output, at least."""


def download_time(
    size: int,
    days: Timetable | None,
    catalogue: Catalogue,
    clock: ServiceClock,
    *,
    max_rate: float | None,
    kept: float = KEPT,
) -> str:
    """Return as text how long downloads take, and whether they fit into the 24 hours of the outputs.

    :param size: bytes to download.
    :param days: when they are requested; None for all at once.
    :param max_rate: the limit of all transfers in bytes per second; None for no limit.
    :param kept: seconds for which the outputs are kept.
    """
    measured = measured_rate(catalogue)
    rate, source = measured or ASSUMED_RATE, "as the last downloads"
    if measured is None:
        source = "100 Mbit/s: no download is measured yet"
    if max_rate is not None and max_rate < rate:
        rate, source = max_rate, "the limit of all transfers"
    words = f"about {human_duration(max(1, size / rate))} at {human_bytes(rate)}/s ({source})"
    kept, words_kept = clock.real_seconds(kept), f"the {kept / 3600:.0f} hours that outputs are kept"
    most = max((day.size for day in days.days()), default=0) if days else size
    if most <= rate * kept:
        return f"{words}; within {words_kept}"
    needed = math.ceil(size / (rate * kept))
    longer = option("spread", f"{needed}d")
    return f"{words}. It does NOT end within {words_kept}: add {longer}"
