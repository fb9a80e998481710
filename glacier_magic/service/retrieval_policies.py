"""The account's data retrieval policy: what it lets through, as far as that is documented.

From the service's documentation, "Data retrieval policies" (data-retrieval-policy): one rule an
account and region, for Standard retrievals only; a refusal is immediate and costs nothing.  How the
service computes the rate of a job is not published.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from ..errors import GlacierError
from .client import Service

NO_LIMIT, FREE_TIER, BYTES_PER_HOUR = "None", "FreeTier", "BytesPerHour"
SUBJECT = "Standard"
"""The one tier that the policy applies to."""
REMEMBERED = 60.0
"""Seconds for which an answer is used again; a change takes effect within minutes anyway."""


@dataclass(frozen=True)
class Policy:
    """The strategy in force, and for ``BytesPerHour`` how many."""

    strategy: str = NO_LIMIT
    bytes_per_hour: int | None = None

    @property
    def limited(self) -> bool:
        """Whether it can refuse anything."""
        return self.strategy != NO_LIMIT


class Policies:
    """Reads the policy when it is needed; None where it cannot be read."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._known: Policy | None = None
        self._until = 0.0

    def current(self, *, fresh: bool = False) -> Policy | None:
        """Return the policy in force, or None if this identity may not see it.

        :param fresh: ask the service even where the last answer is a moment old.
        """
        with self._lock:
            if fresh or time.monotonic() >= self._until:
                self._known = self._read()
                self._until = time.monotonic() + REMEMBERED
            return self._known

    def _read(self) -> Policy | None:
        try:
            rule = self._service.retrieval_rule()
        except GlacierError:  # what it refuses is moved, whether it can be read or not
            return None
        return Policy(str(rule.get("Strategy") or NO_LIMIT), rule.get("BytesPerHour"))
