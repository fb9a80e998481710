"""The virtual clock, which determines all durations in the emulator."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from glacier_magic.emulator import dates

_LEASE = 1.0
"""Real seconds by which the saved time is ahead of the clock."""
AHEAD = 3600.0
"""Real seconds that must remain until the end of the calendar after any change of the clock."""


class VirtualClock:
    """Virtual time: *speed* virtual seconds pass per real second, and none while no server runs.

    The file contains a time slightly *ahead* of the clock, and is rewritten before the clock gets
    there.  A server that restarts after a kill therefore continues at most about a real second
    after the last time that clients saw, and never before it.
    """

    def __init__(self, path: Path, *, speed: float | None = None) -> None:
        self._path = path
        self._lock = threading.RLock()
        self.jumped = threading.Event()
        """Set whenever the time is changed by hand, to wake the thread that waits for the next tick."""
        saved = self._load()
        self._anchor = float(saved.get("time", dates.real_now()))
        self.speed = float(saved.get("speed", 1.0))
        """The speed setting, which a pause does not change."""
        self.paused = bool(saved.get("paused", False))
        self._real = time.monotonic()  # a change of the computer's time does not turn this clock
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
        """Virtual seconds per real second; 0 while paused."""
        return 0.0 if self.paused else self.speed

    def now(self) -> int:
        """Return the virtual time in milliseconds."""
        with self._lock:
            now = self._read()
            if now > self._lease:  # written before the caller sees a time beyond the saved one
                self._write(now, now + _LEASE * 1000 * self.rate)
            return int(now)

    def _read(self) -> float:
        now = self._anchor + (time.monotonic() - self._real) * 1000 * self.rate
        return min(now, dates.LAST)  # no later date can be written

    def save(self, *, final: bool = False) -> None:
        """Save the time if it is due; save it exactly at the *final* clean stop."""
        with self._lock:
            now, lease = self._read(), _LEASE * 1000 * self.rate
            if final:
                self._write(now, now)
            elif now + lease / 2 > self._lease:  # half a lease early, so that requests rarely have to write
                self._write(now, now + lease)

    def _write(self, now: float, until: float) -> None:
        self._anchor, self._real = now, time.monotonic()
        state = {"time": int(until), "speed": self.speed, "paused": self.paused}
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(state), "ascii")
        temporary.replace(self._path)  # atomic: a kill leaves the old file or the new one
        self._lease = until

    def _change(self, *, by: float = 0, speed: float | None = None, paused: bool) -> None:
        with self._lock:
            now = self._read() + by
            ahead = AHEAD * 1000 * (self.speed if speed is None else speed)
            if not now + (0 if paused else ahead) <= dates.LAST:  # "not" also refuses NaN
                raise ValueError(
                    "The virtual clock cannot go there: it must stay within the year 9999 for "
                    "another real hour at its speed."
                )
            self.speed = self.speed if speed is None else speed
            self.paused = paused
            self._write(now, now + _LEASE * 1000 * self.rate)
        self.jumped.set()

    def advance(self, seconds: float) -> None:
        """Advance the clock by *seconds*; it never moves backwards."""
        if not seconds >= 0:  # also refuses NaN
            raise ValueError("The virtual clock only moves forward: give a number of seconds >= 0.")
        self._change(by=seconds * 1000, paused=self.paused)

    def set_speed(self, speed: float) -> None:
        """Set the speed in virtual seconds per real second; 0 pauses."""
        if not 0 <= speed <= 1e7:  # also refuses NaN
            raise ValueError("The speed is a number of virtual seconds a second, from 0 to 1e7.")
        if speed == 0:
            self.pause()
        else:
            self._change(speed=speed, paused=False)

    def pause(self) -> None:
        """Pause the clock."""
        self._change(paused=True)

    def resume(self) -> None:
        """Resume the clock at its previous speed."""
        self._change(paused=False)
