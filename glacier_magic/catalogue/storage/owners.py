"""The names of processes that own a row for a time, and whether such a process has ended."""

from __future__ import annotations

import os
import socket
import uuid
from contextlib import suppress
from functools import cache
from pathlib import Path


def new_owner() -> str:
    """Return a unique name for this process that contains its computer and number."""
    return f"{_computer()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"  # process ids are used again


@cache
def _computer() -> str:
    """Return a name that no other computer or container has, even with the same host name."""
    marks = [str(uuid.getnode())]  # the address of a network card, which containers may share
    with suppress(OSError):  # only Linux has these files
        marks.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        marks.append(str(Path("/proc/self/ns/pid").readlink()))
    mark = uuid.uuid5(uuid.NAMESPACE_OID, " ".join(marks)).hex[:8]
    return f"{socket.gethostname()}/{mark}"


def is_dead(owner: str) -> bool:
    """Return whether *owner* was a process of this computer that has ended."""
    computer, _, rest = owner.rpartition(":")[0].rpartition(":")
    if computer != _computer() or not rest.isdigit() or os.name == "nt":  # there os.kill(pid, 0) sends Ctrl-C
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    try:  # a killed process stays a zombie until its parent collects it
        return Path(f"/proc/{rest}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False
