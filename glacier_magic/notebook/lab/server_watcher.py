"""The watcher of a server: a child process while the user's consent lasts."""

from __future__ import annotations

import subprocess
import threading
from contextlib import suppress

from ...base.paths import data_folder
from ...watch import child
from ...watch.consent import consent, offer, offered, withdraw

PAUSE = 2.0
"""Seconds between two checks: a notebook may change the consent, and the child may be killed."""


class ServerWatcher:
    """Starts the child when the user consents or it has died, and stops it when the consent is withdrawn."""

    def __init__(self) -> None:
        self._ended, self._wake = False, threading.Event()
        self._log = data_folder() / "server-watch.log"
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="glacier-watcher", daemon=True)

    def start(self) -> None:
        """Begin to follow the consent."""
        self._thread.start()

    def check_now(self) -> None:
        """Check the consent without waiting."""
        self._wake.set()

    def close(self) -> None:
        """Stop the child."""
        self._ended = True
        self._wake.set()
        self._thread.join()

    def last_log_line(self) -> str:
        """Return the last line of the child's log."""
        with suppress(OSError):
            return self._log.read_text("utf-8", "replace").rpartition("\n")[0].rpartition("\n")[2]
        return ""

    def _run(self) -> None:
        self._wake.wait(PAUSE)  # the server starts first
        while not self._ended:
            if not offered():  # not yet, or not since another server of the user has ended
                with suppress(OSError):  # notebooks offer no button then
                    offer()
            wanted = consent()
            if wanted and (self._child is None or self._child.poll() is not None):
                with suppress(OSError):  # no memory, or a full disk: tried again
                    self._log.unlink(missing_ok=True)
                    self._child = child.start(self._log)
            elif not wanted:
                self._stop()
            self._wake.wait(PAUSE)
            self._wake.clear()
        with suppress(OSError):
            withdraw()
        self._stop()

    def _stop(self) -> None:
        if self._child is not None:
            child.stop(self._child)
            self._child = None
