"""Work between requests: saving the clock and removing what has expired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glacier_magic.emulator import service_limits
from glacier_magic.emulator.background import BackgroundWorker
from glacier_magic.emulator.records import upload_rows

if TYPE_CHECKING:
    from glacier_magic.emulator.service import EmulatedService

_INTERVAL = 0.5  # real seconds
_BATCH = 500  # rows per round, so that requests never wait long


class Housekeeping(BackgroundWorker):
    """A thread that works twice a second, and at once when the clock is changed by hand.

    Clients never depend on it: operations do not show what has expired.
    """

    def __init__(self, service: EmulatedService) -> None:
        super().__init__("housekeeping", _INTERVAL, service.clock.jumped)
        self._service = service

    def work(self) -> None:
        """Save the clock and remove what has expired."""
        self._service.clock.save()
        self._service.publisher.due.set()  # jobs may have completed when the clock jumped
        self._abandoned_uploads()
        self._expired_jobs()
        self._deleted_archives()

    def _abandoned_uploads(self) -> None:
        store, now = self._service.store, self._service.clock.now()
        with store.read() as connection:
            found = upload_rows.abandoned(connection, now)
        for upload in found:
            with store.write() as connection:
                # with the old time: the day in which aborting again succeeds is over already
                files = upload_rows.abort(connection, upload, upload.touched)
            # After the commit: the next start sweeps what a kill leaves.
            self._service.payloads.remove(*files)

    def _expired_jobs(self) -> None:
        """Delete jobs a day after they expired, so that markers made from them keep working."""
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
                # After the commit, as with uploads.
                self._service.payloads.output(row["output"]).unlink(missing_ok=True)

    def _deleted_archives(self) -> None:
        """Remove the bytes of deleted archives that no unexpired job can still send."""
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
            if self._service.payloads.in_use(row["payload"]):  # a download that began before the deletion
                continue
            with store.write() as connection:
                # The row itself stays: inventories of an earlier time list it.
                connection.execute("UPDATE archives SET payload = '' WHERE id = ?", (row["id"],))
                files = upload_rows.drop_pieces(connection, row["payload"])
            self._service.payloads.remove(*files)
