"""What goes on between requests: the clock is saved, and what has expired is thrown away."""

from __future__ import annotations

import sys
import threading
import traceback
from typing import TYPE_CHECKING

from glacier_magic.emulator import service_limits
from glacier_magic.emulator.records import upload_rows

if TYPE_CHECKING:
    from glacier_magic.emulator.service import EmulatedService

_EVERY = 0.5
_BATCH = 500


class Housekeeping:
    """A thread that wakes twice a second, and at once when the clock was changed by hand.

    Nothing that a client can see depends on it: what is expired is never shown.
    """

    def __init__(self, service: EmulatedService) -> None:
        self._service = service
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it."""
        self._stopped = True
        self._service.clock.jumped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _work(self) -> None:
        jumped = self._service.clock.jumped
        while not self._stopped:
            jumped.wait(_EVERY)
            jumped.clear()
            try:
                self._service.clock.save()
                self._service.publisher.wake()
                self.tidy()
            except Exception:  # the next round may do better, and the service must go on
                traceback.print_exc(file=sys.stderr)

    def tidy(self) -> None:
        """Throw away what has expired."""
        self._abandoned_uploads()
        self._expired_jobs()
        self._deleted_archives()

    def _abandoned_uploads(self) -> None:
        store, now = self._service.store, self._service.clock.now()
        with store.read() as connection:
            found = upload_rows.abandoned(connection, now)
        for upload in found:
            with store.write() as connection:
                files = upload_rows.abort(connection, upload, upload.touched)
            self._remove(files)

    def _expired_jobs(self) -> None:
        """Drop jobs a day after they vanished, so that markers made from them keep working."""
        store, horizon = self._service.store, self._service.clock.now() - service_limits.DAY
        with store.read() as connection:
            rows = connection.execute(
                "SELECT id, output FROM jobs WHERE expires <= ? LIMIT ?", (horizon, _BATCH)
            ).fetchall()
        if rows:
            with store.write() as connection:
                connection.executemany("DELETE FROM jobs WHERE id = ?", [(row["id"],) for row in rows])
        for row in rows:
            if row["output"]:
                self._service.payloads.output(row["output"]).unlink(missing_ok=True)

    def _deleted_archives(self) -> None:
        """Free the bytes of deleted archives that no unexpired job could still be asked for."""
        store, now = self._service.store, self._service.clock.now()
        with store.read() as connection:
            rows = connection.execute(
                "SELECT id, payload FROM archives"
                " WHERE deleted IS NOT NULL AND payload <> '' AND NOT EXISTS"
                " (SELECT 1 FROM jobs WHERE jobs.archive = archives.id AND expires > ?"
                " AND outcome = 'Succeeded') LIMIT ?",
                (now, _BATCH),
            ).fetchall()
        for row in rows:
            if self._service.payloads.in_use(row["payload"]):
                continue
            with store.write() as connection:
                connection.execute("UPDATE archives SET payload = '' WHERE id = ?", (row["id"],))
                files = upload_rows.drop_pieces(connection, row["payload"])
            self._remove(files)

    def _remove(self, files: list[str]) -> None:
        for file in files:
            self._service.payloads.remove(file)
