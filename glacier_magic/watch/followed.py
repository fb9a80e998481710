"""A catalogue that a watcher follows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from ..base.session_limits import Limits
from ..base.units import plural
from ..catalogue import Catalogue
from ..client.connect import answers, reconnect, runs
from ..client.session import Session
from ..client.used_catalogues import UsedCatalogue
from ..errors import AccessDenied, CatalogueError, CredentialsError, GlacierError
from ..jobs.watched import deletions_to_resume, number_open
from ..plans import deleter_of
from ..service import Connection
from ..transfer.budget import Stopped
from .event_lines import Events

LONGEST = 300.0
"""Seconds of the longest pause after a login that failed."""
AGAIN, NEVER = 300.0, float("inf")
"""Seconds before a failed deletion or upload of packs is tried again, and before a denied one is."""

Sessions = Callable[[Connection, Path | None, Limits], Session]
"""Opens a session from a connection and the file of the catalogue, which is None for one on a server."""


def usual_session(connection: Connection, catalogue: Path | None, limits: Limits) -> Session:
    """Open a session."""
    return Session(connection, catalogue=catalogue, limits=limits)


class FollowedCatalogue:
    """A catalogue, with a session while something is open in it.

    :param owner: the name of the watcher's process.
    :raises CatalogueError: it cannot be opened.
    """

    def __init__(
        self,
        used: UsedCatalogue,
        owner: str,
        by: str,
        say: Callable[[str], None],
        limits: Limits,
        sessions: Sessions,
    ) -> None:
        self._used, self._owner, self._by, self._limits = used, owner, by, limits
        self._say_line = say
        self._sessions = sessions
        self._file = Path(used.known.file) if used.known.file else None
        self._mark = self._file_identity()
        opened = used.known.open()
        if opened is None:
            raise CatalogueError(f"The catalogue {str(self._file)!r} no longer exists")
        self._catalogue: Catalogue = opened
        self._session: Session | None = None
        self._events: Events | None = None
        self._worker: threading.Thread | None = None
        self._stop = threading.Event()
        self._was_connected = False
        self._pause, self._login_at, self._failure = limits.idle, 0.0, ""
        self._again_at: dict[str, float] = {}
        self.elsewhere = ""
        """A sentence about the other process that watches it; empty if none does."""

    def _say(self, words: str) -> None:
        self._say_line(f"{self._used.words}: {words}")

    def outdated(self, used: UsedCatalogue) -> bool:
        """Return whether the file was replaced, or another connection has been used since."""
        return used.connection != self._used.connection or self._file_identity() != self._mark

    def step(self) -> str:
        """Do what is due; return who watches: mine, elsewhere, or nothing if nothing is open."""
        try:
            return self._step()
        except GlacierError as error:  # such as a full disk
            self._fail(error)
            return "mine"

    def close(self) -> None:
        """Stop what is in progress, and release the lease: another watcher continues."""
        self._close_session()
        with suppress(GlacierError):
            self._catalogue.watches.release(self._owner)
        self._catalogue.close()

    def _step(self) -> str:
        working = self._worker is not None and self._worker.is_alive()
        if not working and not self._number_open():
            if self._session is not None:
                self._close_session()
                self._catalogue.watches.release(self._owner)
                self._say("nothing is open")
            self.elsewhere = ""
            return "nothing"
        if not self._catalogue.watches.claim(self._by, self._owner):
            self._close_session()
            self._report_other()
            return "elsewhere"
        self.elsewhere = ""
        if self._session is not None and not answers(self._session.connection):
            self._close_session()  # the emulator was stopped, or has another address after a new start
        if self._session is None and time.monotonic() >= self._login_at:
            self._open_session()
        if self._session is not None and not working:
            self._worker = threading.Thread(
                target=self._work, args=(self._session,), name="glacier-watch", daemon=True
            )
            self._worker.start()
        return "mine"

    def _number_open(self) -> int:
        """Return how much is open, without denied deletions, which only the user can help."""
        denied = [f"deletion {d.id}" for d in deletions_to_resume(self._catalogue)]
        return number_open(self._catalogue) - sum(self._again_at.get(key) == NEVER for key in denied)

    def _report_other(self) -> None:
        other = self._catalogue.watches.current()
        if other is not None:
            who = "the Jupyter server" if other.by == "server" else "glacier-magic watch"
            words = f"{who}, {other.process}, watches {self._used.words}"
            if words != self.elsewhere:
                self._say(f"{who}, {other.process}, watches it")
            self.elsewhere = words

    # The session

    def _open_session(self) -> None:
        if self._was_connected and not runs(self._used.connection):
            return  # the user has stopped the emulator; wait until it is started
        try:
            self._session = session = reconnect(
                self._used.connection,
                lambda connection: self._sessions(connection, self._file, self._limits),
                until_unused=True,
            )
            if session.account != self._used.known.account:
                raise CredentialsError("The credentials are of another account than this catalogue")
        except GlacierError as error:
            self._close_session()
            self._fail(error)
            return
        self._was_connected, self._pause, self._failure = True, self._limits.idle, ""
        tracker = session.tracker
        tracker.leases.watches = False
        self._say(f"started, {plural(number_open(self._catalogue), 'request')} open")
        self._events = Events(tracker.latest, self._say)
        tracker.watch(self._events.report)
        tracker.start()

    def _fail(self, error: GlacierError) -> None:
        self._login_at = time.monotonic() + self._pause
        self._pause = min(LONGEST, 2 * self._pause)
        if str(error) != self._failure:  # once
            self._failure = str(error)
            self._say(f"{error}; tried again")

    def _close_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._stop.set()
            if self._events is not None:  # the tracker may not have reported the last changes
                with suppress(GlacierError):
                    self._events.report(session.tracker.snapshot())
            session.close()
            if self._worker is not None:
                self._worker.join(1.0)
            self._stop = threading.Event()

    # Deletions and packs, which the tracker leaves alone

    def _work(self, session: Session) -> None:
        """Continue confirmed deletions, and store the packs of interrupted backups."""
        stop = self._stop
        with suppress(GlacierError):  # the catalogue may be closed already
            for deletion in deletions_to_resume(session.catalogue):
                if not deletion.held:
                    what = f"deletion of {plural(deletion.left, 'archive')} from {deletion.vault}"
                    run = deleter_of(session.engine, deletion, stop=stop).run
                    self._try(f"deletion {deletion.id}", what, run, stop)
            for found in session.catalogue.backups.to_send(free=True):
                vault = session.vault(found.vault)
                what = f"upload of packs of the backup {found.name}"
                self._try(f"set {found.id}", what, partial(vault.resume_backup, found.name, stop), stop)

    def _try(self, key: str, what: str, run: Callable[[], object], stop: threading.Event) -> None:
        if stop.is_set() or time.monotonic() < self._again_at.get(key, 0.0):
            return
        self._again_at[key] = time.monotonic() + AGAIN
        self._say(f"started {what}")
        try:
            run()
        except Stopped:
            return
        except GlacierError as error:
            if stop.is_set():
                return
            if isinstance(error, AccessDenied):
                self._again_at[key] = NEVER  # by a lock or a policy, which the user has to change
            self._say(f"failed {what}: {error}")
        else:
            self._say(f"finished {what}")

    def _file_identity(self) -> tuple[int, int]:
        """Return the device and inode, which differ if the file is replaced."""
        if self._file is None:
            return 0, 0
        try:
            found = self._file.stat()
        except OSError:
            return 0, 0
        return found.st_dev, found.st_ino
