"""A local emulator of the Amazon Glacier vault service, with a virtual clock.

It runs in its own process and serves a folder; see ``README.md`` in this directory.
"""

from glacier_magic.emulator.emulator_keys import ACCESS_KEY, SECRET_KEY
from glacier_magic.emulator.process import (
    EmulatorError,
    RunningEmulator,
    add_fault,
    advance,
    clear_faults,
    credentials,
    find,
    pause,
    resume,
    seed,
    set_speed,
    start,
    status,
    stop,
)

__all__ = [
    "ACCESS_KEY",
    "SECRET_KEY",
    "EmulatorError",
    "RunningEmulator",
    "add_fault",
    "advance",
    "clear_faults",
    "credentials",
    "find",
    "pause",
    "resume",
    "seed",
    "set_speed",
    "start",
    "status",
    "stop",
]
