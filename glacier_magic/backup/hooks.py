"""The user's commands before and after the runs of a set, and after failed ones, from a local file.

They are in no catalogue and no vault: who can write to those must not run commands on this computer.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import tomllib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..base.paths import data_folder
from ..base.rendering import visible
from ..errors import GlacierError, InputError, LocalError
from .outcome import BackupOutcome

TIMES = ("before", "after", "failed")
_SHOWN = 500
"""The most bytes of a command's output that an error shows: its end."""
_PATIENCE = 5.0
"""Seconds that an interrupted command has to end before it is killed."""


def hooks_file() -> Path:
    """Return the file with the commands, which need not exist."""
    return data_folder() / "backup.toml"


@dataclass
class Hooks:
    """The commands of a set by the times at which they run, and facts for their environment.

    A command runs in a shell, without input.
    """

    commands: Mapping[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str) -> Hooks:
        """Return the commands of a set.

        :raises InputError: the file is not valid, or all users can change it.
        """
        file = hooks_file()
        if not os.path.lexists(file):  # a link to nowhere is a mistake
            return cls()
        cure = f"Write lines like after = 'COMMAND' below [{name}]; the names are {', '.join(TIMES)}."
        try:
            if file.exists() and not file.is_file():  # reading a pipe would not end
                raise InputError(f"{str(file)!r} is not a file", cure=cure)
            if os.name == "posix" and file.stat().st_mode & 0o002:
                raise InputError(
                    f"All users can change {str(file)!r}, which has commands that run as you",
                    cure="Take their right to write: chmod o-w.",
                )
            found = tomllib.loads(file.read_text(encoding="utf-8")).get(name, {})
        except (OSError, ValueError) as error:
            if isinstance(error, GlacierError):
                raise
            raise InputError(f"{str(file)!r} cannot be read: {error}", cure=cure) from None
        if not isinstance(found, dict) or not all(
            key in TIMES and isinstance(command, str) for key, command in found.items()
        ):
            raise InputError(f"The commands of {name!r} in {str(file)!r} are not valid", cure=cure)
        return cls(found, {"SET": name})

    def around(self, work: Callable[[], BackupOutcome], stop: threading.Event) -> BackupOutcome:
        """Call *work* with the commands before and after it, and return its outcome.

        :param stop: ends a command, and the run.
        :raises LocalError: the command before the run failed; the run was not begun.
        """
        try:
            self._call("before", stop, STATUS="started")
            ran = work()
        except BaseException:  # an interrupt, too
            with suppress(GlacierError):  # the first error is raised
                self._call("failed", threading.Event(), STATUS="failed")
            raise
        made = ran.snapshot
        status = "unchanged" if made is None else "partial" if ran.unread else "done"
        numbers: dict[str, int | None] = {"COST": 0}
        if made is not None:
            numbers = {
                "SNAPSHOT": made.ordinal,
                "FILES": made.files,
                "BYTES": made.bytes,
                "ADDED": made.added,
            }
        try:
            self._call("after", stop, STATUS=status, **{name: str(each) for name, each in numbers.items()})
        except LocalError as error:  # the snapshot is stored
            return replace(ran, hook_error=error.message)
        return ran

    def _call(self, time: str, stop: threading.Event, **facts: str) -> None:
        command = self.commands.get(time)
        if command is None:
            return
        facts = dict.fromkeys(("SNAPSHOT", "FILES", "BYTES", "ADDED", "COST"), "") | self.facts | facts
        where = f"It is in {hooks_file()}."
        shell = [os.environ.get("COMSPEC", "cmd"), "/c"] if os.name == "nt" else ["/bin/sh", "-c"]
        with tempfile.TemporaryFile() as said, ThreadPoolExecutor(1) as starter:
            # By a thread, which no signal interrupts: the command would run on, and nothing would know it.
            starting = starter.submit(
                subprocess.Popen,
                [*shell, command],
                env={**os.environ, **facts},
                stdin=subprocess.DEVNULL,
                stdout=said,  # a full pipe would block the command
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own: what it starts ends with it
            )
            stopped = False
            try:
                process = starting.result()
                while process.poll() is None and not stop.wait(0.1):
                    pass
            except (OSError, ValueError) as error:  # too long, or with a null byte
                raise LocalError(
                    f"The command {time!r} of {self.facts['SET']!r} cannot be started: {error}", cure=where
                ) from None
            finally:
                if starting.exception() is None and starting.result().poll() is None:
                    stopped = True
                    _end(starting.result())
            if stopped:
                raise LocalError(f"The command {time!r} was stopped", cure="The next run runs it again.")
            if process.returncode:
                said.seek(-min(_SHOWN, said.tell()), os.SEEK_END)
                words = visible(" ".join(said.read().decode(errors="replace").split()))
                raise LocalError(
                    f"The command {time!r} of {self.facts['SET']!r} failed, exit code {process.returncode}"
                    f"{': ' if words else ''}{words}",
                    cure=where,
                )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command, and all that it started."""
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, number)
            else:
                process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
