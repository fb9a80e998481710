"""The work of the server for the panel: its state, the consent to watch, comparisons and uploads."""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from ...client.connect import reconnect
from ...client.session import Session
from ...errors import CredentialsError, InputError
from ...errors.steps import spell_as
from ...transfer.verify import SAME, counted, verify
from ...watch.consent import consent, set_consent
from .. import MAGIC
from .lab_upload import LabUpload
from .panel_state import PanelState, used_with
from .server_watcher import ServerWatcher

LONGEST = 15.0
"""Seconds after which the state is read again even without a change, as it contains times."""
SHARE = 5
"""The pause after reading the state, in multiples of the time that the reading took."""
KEPT = 20
"""The most uploads in the panel that are not running; older ones are removed."""
LISTED = 200
"""The most files that a comparison lists."""


class PanelBackend:
    """Does the work for the panels of one server; each method may take long."""

    def __init__(self, watcher: ServerWatcher) -> None:
        self._watcher, self._panel = watcher, PanelState()
        self._lock = threading.Lock()
        self._uploads: dict[str, LabUpload] = {}
        self._text, self._marks, self._until, self._rest = "", object(), 0.0, 0.0
        self.closed = False
        spell_as(MAGIC)

    def close(self) -> None:
        """End the uploads, and close the catalogues."""
        self.closed = True
        for upload in self._uploads.values():
            upload.close()
        with self._lock:
            self._panel.close()

    # The state

    def text(self, *, at_once: bool = False) -> str:
        """Return the state in JSON; it is read again if something has changed.

        :param at_once: also in the pause after a reading, which is for the streams.
        """
        with self._lock:
            began = time.monotonic()
            if self.closed or (began < self._rest and not at_once):
                return self._text
            marks = (self._panel.marks(), consent(), [upload.shown() for upload in self._uploads.values()])
            if marks != self._marks or began >= self._until:
                self._text = json.dumps(self._read())
                # The marks from before the reading: a change during it is read the next time.
                self._marks, ended = marks, time.monotonic()
                self._until, self._rest = ended + LONGEST, ended + SHARE * (ended - began)
            return self._text

    def state(self) -> dict[str, Any]:
        """Return the state of all that the panel shows."""
        return dict(json.loads(self.text(at_once=True)))

    def _read(self) -> dict[str, Any]:
        uploads = [upload.shown() for upload in self._uploads.values() if upload.state != "planned"]
        places, wanted = self._panel.read(), consent()
        # The server should watch and does not: its credentials may not be those of the notebook.
        alone = wanted and any(p["watching"]["open"] and not p["watching"]["by"] for p in places)
        message = (self._watcher.last_log_line() if alone else "") or self._panel.message
        return {"places": places, "consent": wanted, "watcherMessage": message, "uploads": uploads}

    # What the user does

    def consent(self, on: bool) -> dict[str, Any]:
        """Store the consent, and start or stop the watcher accordingly."""
        set_consent(on)
        self._watcher.check_now()
        return {"consent": on}

    def verify(self, place: str, vault: str, paths: list[Path], root: Path) -> dict[str, Any]:
        """Compare files and folders with the archives of a vault, according to the catalogue.

        :raises NotFound: the catalogue no longer exists.
        """
        catalogue = used_with(place).known.open()
        assert catalogue is not None
        with closing(catalogue):
            table = verify(catalogue, vault, paths, recursive=True, root=root)
        # What is not the same comes first.
        rows = sorted(table[["name", "state"]].itertuples(index=False), key=lambda row: row.state == SAME)
        return {
            "summary": counted(table),
            "rows": [{"name": row.name, "state": row.state} for row in rows[:LISTED]],
            "more": max(0, len(rows) - LISTED),
        }

    def plan_upload(self, place: str, vault: str, paths: list[Path], root: Path) -> dict[str, Any]:
        """Return the plan to store files and folders in a vault: nothing is sent until :meth:`send`."""
        used = used_with(place)
        file = Path(used.known.file) if used.known.file else None
        session = reconnect(used.connection, partial(Session, catalogue=file), until_unused=True)
        try:
            if session.account != used.known.account:
                raise CredentialsError("The credentials of the server are of another account")
            plan = session.known_vault(vault).upload_plan([*map(str, paths)], recursive=True, root=root)
        except BaseException:
            session.close()
            raise
        upload = LabUpload(session, plan)
        with self._lock:
            for old in [each for each in self._uploads.values() if each.state != "sending"][:-KEPT]:
                self._uploads.pop(old.number).close()
            self._uploads[upload.number] = upload
        return upload.offer()

    def send(self, number: str, on: bool) -> dict[str, Any]:
        """Start an upload that was shown, or stop it.

        :raises InputError: it is not known.
        """
        with self._lock:  # two pages may start it at once
            upload = self._uploads.get(number)
            if upload is None:
                raise InputError("This upload is no longer known", cure="Choose the files again.")
            (upload.start if on else upload.stop)()
            return upload.shown()
