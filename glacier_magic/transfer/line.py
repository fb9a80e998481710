"""The rate at which parts are sent from this computer, and the size of parts for a slow line.

A signature is good for five minutes, also while the body of its request is sent (reported by users;
not in the service's documentation).
"""

from __future__ import annotations

import platform
from contextlib import suppress

from ..base.treehash import CHUNK
from ..errors import GlacierError
from .engine import Engine

CONNECTIONS = 3
"""Connections of an upload in parts, to begin with."""
LONGEST = 120.0
"""Seconds that a part may take: less than half of the life of a signature."""


def part_size_on(engine: Engine, usual: int) -> int:
    """Return the bytes of new parts: *usual*, or as many as one connection sends in two minutes.

    The rate is that of the last upload of this computer, or the limit of the session.
    """
    rate = _known(engine)
    if engine.budget.max_rate is not None:
        rate = min(rate, engine.budget.max_rate / CONNECTIONS)
    size = usual
    while size > CHUNK and size > LONGEST * rate:
        size //= 2
    return size


def remember_rate(engine: Engine, rate: float) -> None:
    """Record the bytes per second of one connection, unless a limit caused them or little changed."""
    if engine.budget.max_rate is None:
        with suppress(GlacierError):  # a busy catalogue must not fail an upload that has ended
            if not rate / 2 < _known(engine) < rate * 2:
                engine.catalogue.settings.put(_key(), f"{rate:.0f}")


def _known(engine: Engine) -> float:
    return float(engine.catalogue.settings.get(_key()) or "inf")


def _key() -> str:
    return f"upload rate of {platform.node()}"  # computers may share a catalogue
