"""The virtual clock: every wait in the emulator is a wait on it."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from glacier_magic.emulator import dates

_LEASE = 1.0
"""Real seconds that the written time runs ahead of the clock."""
AHEAD = 3600.0
"""Real seconds that must be left before the calendar ends, whatever the clock is turned to."""


class VirtualClock:
    """Virtual time: *speed* virtual seconds pass in a real one, and none while nobody serves.

    The file holds a time slightly *ahead* of the clock, and the clock writes a new one before it
    gets there.  A killed server therefore goes on at most about a real second later than it was
    seen last, and never earlier.
    """

    def __init__(self, path: Path, *, speed: float | None = None) -> None:
        self._path = path
        self._lock = threading.RLock()
        self.jumped = threading.Event()
        """Set whenever the time was changed by hand, for whoever sleeps until the next tick."""
        saved = self._load()
        self._anchor = float(saved.get("time", dates.real_now()))
        self._speed = float(saved.get("speed", 1.0))
        self._paused = bool(saved.get("paused", False))
        self._real = time.monotonic()
        self._lease = self._anchor
        if speed is not None:
            self.set_speed(speed)
        elif not saved:
            self._write(self._anchor, self._anchor)

    def _load(self) -> dict[str, float]:
        try:
            saved = json.loads(self._path.read_text("ascii"))
        except FileNotFoundError:
            return {}
        return saved if isinstance(saved, dict) else {}

    @property
    def rate(self) -> float:
        """Virtual seconds in a real second now: 0 while paused."""
        return 0.0 if self._paused else self._speed

    @property
    def speed(self) -> float:
        """The speed that was set, also while paused."""
        return self._speed

    @property
    def paused(self) -> bool:
        """Whether the time stands still."""
        return self._paused

    def now(self) -> int:
        """Return the virtual time in milliseconds."""
        with self._lock:
            now = self._read()
            if now > self._lease:
                self._write(now, now + _LEASE * 1000 * self.rate)
            return int(now)

    def _read(self) -> float:
        now = self._anchor + (time.monotonic() - self._real) * 1000 * self.rate
        return min(now, dates.LAST)  # where no date can follow, time stands still

    def save(self, *, final: bool = False) -> None:
        """Write the time down if it is time to, and to the point at the *final* clean stop."""
        with self._lock:
            now, lease = self._read(), _LEASE * 1000 * self.rate
            if final:
                self._write(now, now)
            elif now + lease / 2 > self._lease:
                self._write(now, now + lease)

    def _write(self, now: float, until: float) -> None:
        self._anchor, self._real = now, time.monotonic()
        state = {"time": int(until), "speed": self._speed, "paused": self._paused}
        beside = self._path.with_suffix(".new")
        beside.write_text(json.dumps(state), "ascii")
        beside.replace(self._path)
        self._lease = until

    def _change(self, *, by: float = 0, speed: float | None = None, paused: bool) -> None:
        with self._lock:
            now = self._read() + by
            ahead = AHEAD * 1000 * (self._speed if speed is None else speed)
            if not now + (0 if paused else ahead) <= dates.LAST:
                raise ValueError(
                    "The virtual clock cannot go there: it must stay within the year 9999 for "
                    "another real hour at its speed."
                )
            self._speed = self._speed if speed is None else speed
            self._paused = paused
            self._write(now, now + _LEASE * 1000 * self.rate)
        self.jumped.set()

    def advance(self, seconds: float) -> None:
        """Jump *seconds* ahead; a clock that ran backwards would break every promise here."""
        if not seconds >= 0:
            raise ValueError("The virtual clock only moves forward: give a number of seconds >= 0.")
        self._change(by=seconds * 1000, paused=self._paused)

    def set_speed(self, speed: float) -> None:
        """Let *speed* virtual seconds pass in a real one from now on; 0 pauses."""
        if not 0 <= speed <= 1e7:
            raise ValueError("The speed is a number of virtual seconds a second, from 0 to 1e7.")
        if speed == 0:
            self.pause()
        else:
            self._change(speed=speed, paused=False)

    def pause(self) -> None:
        """Let the time stand still."""
        self._change(paused=True)

    def resume(self) -> None:
        """Go on at the speed from before the pause."""
        self._change(paused=False)
