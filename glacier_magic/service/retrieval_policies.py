"""The account's data retrieval policy.

From the developer guide, "Data retrieval policies" (data-retrieval-policy): one rule per account and
region, for Standard retrievals only; a refusal is immediate and free of charge.  How the service
computes the rate of a job is not documented.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from ..errors import GlacierError
from .client import Service

NO_LIMIT, FREE_TIER, BYTES_PER_HOUR = "None", "FreeTier", "BytesPerHour"
SUBJECT = "Standard"
"""The only tier that the policy applies to."""
REMEMBERED = 60.0
"""Seconds for which a response is reused; a change takes minutes to take effect anyway."""


@dataclass(frozen=True)
class Policy:
    """The strategy in effect, and the limit of ``BytesPerHour``."""

    strategy: str = NO_LIMIT
    bytes_per_hour: int | None = None


class Policies:
    """Reads the policy when it is needed, and caches it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._known: Policy | None = None
        self._until = 0.0

    def current(self, *, fresh: bool = False) -> Policy | None:
        """Return the policy in effect, or None if it cannot be read.

        :param fresh: send a request even if the cached response is recent.
        """
        with self._lock:  # during the request, too, so that many threads send one
            if fresh or time.monotonic() >= self._until:
                self._known = self._read()
                self._until = time.monotonic() + REMEMBERED  # after a failure, too
            return self._known

    def _read(self) -> Policy | None:
        try:
            rule = self._service.retrieval_rule()
        except GlacierError:  # not needed to proceed: a refused retrieval is postponed in any case
            return None
        return Policy(str(rule.get("Strategy") or NO_LIMIT), rule.get("BytesPerHour"))
