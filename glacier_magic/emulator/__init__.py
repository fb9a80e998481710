"""A faithful Amazon Glacier vault service on this machine, with a virtual clock.

It is a process of its own that serves a folder; see ``README.md`` beside this file.
"""

from glacier_magic.emulator.emulator_keys import ACCESS_KEY, SECRET_KEY
from glacier_magic.emulator.process import (
    EmulatorError,
    RunningEmulator,
    add_fault,
    advance,
    clear_faults,
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
    "find",
    "pause",
    "resume",
    "seed",
    "set_speed",
    "start",
    "status",
    "stop",
]
