"""What the server does for the panel: its state, the consent to watch, comparisons and uploads."""

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
from ...errors.steps import MAGIC, spell_as
from ...transfer.verify import SAME, counted, verify
from ..watching import consent, set_consent
from .panel_state import PanelState, used_with
from .sending import LabUpload
from .server_watcher import ServerWatcher

LONGEST = 15.0
"""Seconds after which the state is read again without a change: hours pass."""
SHARE = 5
"""The state of many jobs takes long to read: so many times as long passes before the next time."""
KEPT = 20
"""Uploads that are shown; the oldest that have ended are left out."""
LISTED = 200
"""Files of a comparison that are listed."""


class LabDesk:
    """Answers the pages of one server; all methods but :meth:`begin` may take long."""

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

    def text(self) -> str:
        """Return the state in JSON; it is read again if something has changed."""
        with self._lock:
            began = time.monotonic()
            if self.closed or began < self._rest:
                return self._text
            marks = (self._panel.marks(), consent(), [upload.shown() for upload in self._uploads.values()])
            if marks != self._marks or began >= self._until:
                self._text = json.dumps(self._read())
                # Marks of before the reading: a change meanwhile shows next time.
                self._marks, ended = marks, time.monotonic()
                self._until, self._rest = ended + LONGEST, ended + SHARE * (ended - began)
            return self._text

    def state(self) -> dict[str, Any]:
        """Return the state of all that the panel shows."""
        return dict(json.loads(self.text()))

    def _read(self) -> dict[str, Any]:
        uploads = [upload.shown() for upload in self._uploads.values() if upload.state != "planned"]
        places, wanted = self._panel.read(), consent()
        # Nobody watches though the server should: its own login may not be that of the notebook.
        alone = wanted and any(p["watching"]["open"] and not p["watching"]["by"] for p in places)
        said = (self._watcher.last_words() if alone else "") or self._panel.said
        return {"places": places, "consent": wanted, "said": said, "uploads": uploads}

    # What the user does

    def consent(self, on: bool) -> dict[str, Any]:
        """Store whether the server may watch, and do so."""
        set_consent(on)
        self._watcher.look()
        return {"consent": on}

    def verify(self, place: str, vault: str, paths: list[Path], root: Path) -> dict[str, Any]:
        """Compare files and folders with the archives of a vault, according to the catalogue.

        :raises NotFound: the catalogue is not there any more.
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
                raise CredentialsError("The login of the server is of another account than the panel shows")
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
                raise InputError("This upload is not known any more", cure="Choose the files again.")
            (upload.start if on else upload.stop)()
            return upload.shown()
