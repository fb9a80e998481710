"""The service's time, from the Date header of its responses, and signatures dated by it.

The service accepts a signature for five minutes before and after the time in it, also while the body
of the request arrives (reported by users; not in its documentation).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

from ..base.units import human_duration
from .bodies import HashedBody

AGREES = timedelta(minutes=1)
"""Two clocks that differ by no more than this agree."""
DOUBTED = timedelta(minutes=10)
"""A Date header that moves the clock by more than this counts once a second one confirms it."""
OLD = timedelta(minutes=4, seconds=30)
"""A signature of this age was refused for its age."""
TOO_SLOW = "RequestTimeoutException"
"""The service's code for a body that arrives too slowly."""
SIGNINGS = 3
"""The most signatures of one request."""
_REFUSALS = ("InvalidSignatureException", "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture")
_NOW = re.compile(r"\((\d{8}T\d{6}Z) [-+] ")  # in "Signature expired: ... (20120821T170824Z - 5 min.)"
_STAMP = "%Y%m%dT%H%M%SZ"
_SHIFT = "glacier_magic shift"


class ServiceClock:
    """The time at the service, correct even if the computer's clock is wrong.

    An emulator sends two headers of its own: its virtual time, and the number of virtual seconds that
    pass in a real one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._anchor = datetime.now(UTC)  # until the first response
        self._at = time.monotonic()  # monotonic, because the user may set the clock
        self._ahead: list[timedelta] = []  # of this computer's clock: the one that counts, one in doubt
        self.shift = timedelta()
        """What signatures add to this computer's clock."""
        self.speed = 1.0
        self.virtual = False

    def follow(self, client: Any) -> None:
        """Set the clock from the responses that a client gets, and date its signatures by it."""
        events = client.meta.events
        events.register("after-call.glacier", self._read)
        events.register("choose-signer.glacier", self._date)
        # First: its answer counts, also for a client that repeats nothing, as the request was refused.
        events.register_first("needs-retry.glacier", self._sign_again)

    def _read(self, http_response: Any, **_: Any) -> None:
        self.observe(http_response.headers)

    def _date(self, context: dict[str, Any], **_: Any) -> str | None:
        from botocore.compat import HAS_CRT

        context[_SHIFT] = self.shift
        return _shifted_signer() if self.shift or HAS_CRT else None  # awscrt's signers do not tell the date

    def _sign_again(self, response: Any, request_dict: Any, attempts: int, **_: Any) -> int | None:
        """Return 0, the pause before the request is sent again, if a correct date may help."""
        error = {} if response is None else response[1].get("Error", {})
        if error.get("Code") not in _REFUSALS:
            return None
        now = _service_time(str(error.get("Message")), response[0].headers)
        context = request_dict["context"]
        if now is None:
            return None
        shift, age = now - datetime.now(UTC), now - _parsed(context["timestamp"])
        if abs(shift - context[_SHIFT]) > AGREES:
            self.shift = shift
        elif age < OLD:
            return None  # neither the clock nor the age
        elif isinstance(request_dict["body"], HashedBody):
            words = f"sending took {human_duration(age.total_seconds())}, a signature is good for 5 minutes"
            error.update(Code=TOO_SLOW, Message=words)
            return None
        return 0 if attempts < SIGNINGS else None

    def observe(self, headers: Mapping[str, str]) -> None:
        """Set the clock from a response's headers."""
        # By their usual spelling: an answer finds them in any case.
        emulated = headers.get("x-emulator-time"), headers.get("x-emulator-speed", "1")
        try:
            with self._lock:
                self._observe(*emulated, headers.get("Date"))
        except (TypeError, ValueError, OverflowError):
            return  # a garbled date must not fail the call that carried it

    def _observe(self, emulated: str | None, speed: str, date: str | None) -> None:
        if emulated is not None:
            self._anchor = datetime.fromisoformat(emulated)
            self.speed = float(speed)
            self.virtual = True
        elif date is not None:
            found = parsedate_to_datetime(date).astimezone(UTC)
            ahead = found - datetime.now(UTC)
            if self._ahead and min(abs(ahead - known) for known in self._ahead) > DOUBTED:
                self._ahead[1:] = [ahead]  # one flipped digit must not let outputs expire
                return
            self._ahead, self._anchor = [ahead], found
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


def _service_time(message: str, headers: Mapping[str, str]) -> datetime | None:
    """Return the time at which the service refused a signature, or None if the answer has none."""
    try:
        if found := _NOW.search(message):
            return _parsed(found[1])
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _parsed(stamp: str) -> datetime:
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)


@cache
def _shifted_signer() -> str:
    """Let botocore sign with shifted dates; return the name of that signature."""
    from botocore.auth import AUTH_TYPE_MAPS, SigV4Auth

    class ShiftedAuth(SigV4Auth):  # type: ignore[misc]
        def _modify_request_before_signing(self, request: Any) -> None:
            own = _parsed(request.context["timestamp"])
            request.context["timestamp"] = (own + request.context[_SHIFT]).strftime(_STAMP)
            super()._modify_request_before_signing(request)

    AUTH_TYPE_MAPS[_SHIFT] = ShiftedAuth
    return _SHIFT
