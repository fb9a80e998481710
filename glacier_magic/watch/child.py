"""The watcher as a child process, which ends with the process that started it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PATIENCE = 10.0
"""Seconds that the child has to end cleanly."""


def start(log: Path | None = None) -> subprocess.Popen[bytes]:
    """Start a watcher that runs until :func:`stop`, SIGTERM, or the end of this process, even by a kill.

    :param log: a file that its lines are added to; None for this process's standard error.
    :raises OSError: *log* cannot be written, or the process cannot be started.
    """
    # -P: not from the working directory.
    command = [sys.executable, "-P", "-m", "glacier_magic.cli", "watch", "--forever", "--until-eof"]
    root = str(Path(__file__).resolve().parents[2])  # the child runs this copy of the package
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    lines = None if log is None else os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            command,
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.PIPE,  # closes when this process ends
            stdout=subprocess.DEVNULL,
            stderr=lines,
            start_new_session=True,  # Ctrl-C in the terminal of the parent is for the parent
        )
    finally:
        if lines is not None:
            os.close(lines)


def stop(child: subprocess.Popen[bytes]) -> int:
    """End a watcher cleanly; return its exit code."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        return child.wait(PATIENCE)
    except subprocess.TimeoutExpired:  # a request hangs; its lease runs out
        child.kill()
        return child.wait()
