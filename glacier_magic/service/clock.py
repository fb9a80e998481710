"""The service's time, from the Date header of its responses."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


class ServiceClock:
    """The time at the service, correct even if the computer's clock is wrong.

    An emulator sends two headers of its own: its virtual time, and the number of virtual seconds that
    pass in a real one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._anchor = datetime.now(UTC)  # until the first response
        self._at = time.monotonic()  # monotonic, because the user may set the clock
        self.speed = 1.0
        self.virtual = False

    def observe(self, headers: Mapping[str, str]) -> None:
        """Set the clock from a response's headers."""
        known = {name.lower(): value for name, value in headers.items()}
        try:
            with self._lock:
                self._observe(known)
        except (TypeError, ValueError):
            return  # a garbled date must not fail the call that carried it

    def _observe(self, headers: Mapping[str, str]) -> None:
        if "x-emulator-time" in headers:
            self._anchor = datetime.fromisoformat(headers["x-emulator-time"].replace("Z", "+00:00"))
            self.speed = float(headers.get("x-emulator-speed", "1"))
            self.virtual = True
        elif "date" in headers:
            self._anchor = parsedate_to_datetime(headers["date"]).astimezone(UTC)
        else:
            return
        self._at = time.monotonic()

    def now(self) -> datetime:
        """Return the service's time as an aware datetime in UTC."""
        with self._lock:
            passed = (time.monotonic() - self._at) * self.speed
            return self._anchor + timedelta(seconds=passed)

    def now_ms(self) -> int:
        """Return :meth:`now` in milliseconds since 1970."""
        return int(self.now().timestamp() * 1000)

    def real_seconds(self, service_seconds: float) -> float:
        """Return the real seconds that pass while *service_seconds* pass at the service."""
        if self.speed <= 0:  # the clock of an emulator can stand still
            return float("inf")
        return service_seconds / self.speed
